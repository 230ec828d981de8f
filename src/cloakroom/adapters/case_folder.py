"""The folder of a case: documents that never change, readable without this program, checkable by ``sha256sum -c``.

Effects of `put`: write to a temporary name, flush, link to its own name (which fails if the name is taken, so nothing
is ever overwritten), append the hash to ``SHA256SUMS``, flush. A crash in between leaves a document without a line;
`put` of the same content then adds it. Whoever controls the folder can replace documents together with their hashes:
this guards against accidents, not against an attacker; the ledger is for that.
"""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path
from typing import Final

from cloakroom.crypto import random_bytes, sha256
from cloakroom.errors import ConflictError, StoreError, TamperedError, UsageError

__all__ = ["CaseFolder"]

SUMS: Final = "SHA256SUMS"
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,199}")


class CaseFolder:
    """Documents under `root`, readable only by its owner; a path holds one content for ever."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, path: str, data: bytes) -> str:
        """Keep a document, durably, and return its SHA-256 in hex; keeping the same content again is no error.

        Raises:
            ConflictError: The path already holds something else.
            StoreError: It cannot be written.
            UsageError: The path leads outside, or is not a plain name.
        """
        place = self._place(path)
        digest = sha256(data).hex()
        try:
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}") from error
        draft = place.parent / f".{random_bytes(8).hex()}.part"
        try:
            _write(draft, data)
            try:
                os.link(draft, place)
            except FileExistsError:
                if place.read_bytes() != data:
                    raise ConflictError(f"{path} is already kept with another content") from None
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}") from error
        finally:
            draft.unlink(missing_ok=True)
        _flush_folder(place.parent)
        self._note(path, digest)
        return digest

    def get(self, path: str) -> bytes:
        """Return a document.

        Raises:
            StoreError: There is none, or it cannot be read.
            TamperedError: It is not what was kept.
            UsageError: The path leads outside, or is not a plain name.
        """
        place = self._place(path)
        try:
            data = place.read_bytes()
        except FileNotFoundError:
            raise StoreError(f"{path} is not kept here") from None
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}") from error
        noted = self._sums().get(path)
        if noted is not None and noted != sha256(data).hex():
            raise TamperedError(f"{path} is not what was kept: its hash differs from {SUMS}")
        return data

    def names(self, prefix: str) -> tuple[str, ...]:
        """Return the paths that start with `prefix`, sorted."""
        found = (
            place.relative_to(self._root).as_posix()
            for place in self._root.rglob("*")
            if place.is_file() and not place.name.startswith(".") and place.name != SUMS
        )
        return tuple(sorted(name for name in found if name.startswith(prefix)))

    def _place(self, path: str) -> Path:
        parts = path.split("/")
        if path == SUMS or not all(_PART.fullmatch(part) for part in parts):
            raise UsageError("a document's path consists of plain names separated by '/'")
        return self._root.joinpath(*parts)

    def _sums(self) -> dict[str, str]:
        try:
            lines = (self._root / SUMS).read_text("utf-8").splitlines()
        except FileNotFoundError:
            return {}
        return {line[66:]: line[:64] for line in lines if len(line) > 66}

    def _note(self, path: str, digest: str) -> None:
        with (self._root / SUMS).open("a", encoding="utf-8") as sums:
            fcntl.flock(sums, fcntl.LOCK_EX)
            if self._sums().get(path) != digest:
                sums.write(f"{digest}  {path}\n")
                sums.flush()
                os.fsync(sums.fileno())


def _write(place: Path, data: bytes) -> None:
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
