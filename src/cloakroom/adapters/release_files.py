"""The file of a release: CSV or Parquet, encrypted to the recipient's age key while it is written.

The file appears under its name only when it is complete and on disk. Format: age-encryption.org/v1; the recipient
opens it with any implementation of age. A Parquet file is put together in memory, since its index stands at its end.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import polars as pl
import pyrage

from cloakroom.errors import UsageError

Rows = Iterator[Mapping[str, str]]


def write_release_file(
    path: Path, recipient_key: str, form: str, columns: Sequence[str], rows: Iterator[Mapping[str, str]]
) -> str:
    """Write the encrypted file and return its SHA-256 in hex.

    Args:
        path: Where it appears, complete; replaced if an earlier run left one.
        recipient_key: age public key.
        form: ``csv`` or ``parquet``.
        columns: Names of the columns.
        rows: Values by column; one that is missing is empty.

    Raises:
        UsageError: The key is none.
    """
    partial = path.with_name(f"{path.name}.part")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        _encrypt(file, recipient_key, form, columns, rows)
        file.flush()
        os.fsync(file.fileno())
    with partial.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    partial.replace(path)
    return digest


class ReleaseParts(io.RawIOBase):
    """Takes an encrypted file in parts of one size and hands each on when it is full.

    Attributes:
        size: Bytes taken so far.
        count: Parts handed on so far.
    """

    def __init__(self, keep: Callable[[int, bytes], None], part_bytes: int) -> None:
        """Take what keeps a part under its number, from 0, and how large a part is."""
        self._keep = keep
        self._part_bytes = part_bytes
        self._waiting = bytearray()
        self._digest = hashlib.sha256()
        self.size = 0
        self.count = 0
        self.failure: BaseException | None = None

    def write_file(self, recipient_key: str, form: str, columns: Sequence[str], rows: Rows) -> str:
        """Write the encrypted file of `rows` and return its SHA-256 in hex.

        Raises:
            UsageError: The key is none.
        """
        try:
            _encrypt(self, recipient_key, form, columns, rows)
        except BaseException:
            # The encrypting library passes on that writing failed, not why.
            if self.failure is not None:
                raise self.failure from None
            raise
        if self._waiting:
            self._hand_on(len(self._waiting))
        return self._digest.hexdigest()

    def writable(self) -> bool:
        """Answer yes."""
        return True

    def write(self, data: Any) -> int:
        """Take bytes."""
        taken = bytes(data)
        self._digest.update(taken)
        self._waiting += taken
        self.size += len(taken)
        try:
            while len(self._waiting) >= self._part_bytes:
                self._hand_on(self._part_bytes)
        except BaseException as error:
            self.failure = error
            raise
        return len(taken)

    def _hand_on(self, size: int) -> None:
        self._keep(self.count, bytes(self._waiting[:size]))
        del self._waiting[:size]
        self.count += 1


def _encrypt(
    file: IO[bytes] | ReleaseParts, recipient_key: str, form: str, columns: Sequence[str], rows: Rows
) -> None:
    try:
        recipient = pyrage.x25519.Recipient.from_str(recipient_key)
    except pyrage.RecipientError as error:
        raise UsageError("the recipient's key is no age public key") from error
    source = _parquet(columns, rows) if form == "parquet" else _CSVReader(columns, rows)
    try:
        pyrage.encrypt_io(source, file, [recipient])
    except pyrage.EncryptError:
        if isinstance(source, _CSVReader) and source.failure is not None:
            raise source.failure from None
        raise


def _parquet(columns: Sequence[str], rows: Iterator[Mapping[str, str]]) -> IO[bytes]:
    table: dict[str, list[str | None]] = {name: [] for name in columns}
    for row in rows:
        for name, values in table.items():
            values.append(row.get(name))
    buffer = io.BytesIO()
    pl.DataFrame(table, schema=dict.fromkeys(columns, pl.String)).write_parquet(buffer)
    buffer.seek(0)
    return buffer


class _CSVReader(io.RawIOBase):
    """Gives rows as CSV (RFC 4180) to whoever reads, so that memory stays flat."""

    def __init__(self, columns: Sequence[str], rows: Iterator[Mapping[str, str]]) -> None:
        super().__init__()
        self._columns = columns
        self._rows = rows
        self.failure: BaseException | None = None
        self._ended = False
        self._text = io.StringIO()
        self._writer = csv.writer(self._text)
        self._writer.writerow(columns)
        self._ready = b""

    def readable(self) -> bool:
        """Answer yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; none at the end."""
        wanted = size if size >= 0 else 1 << 62
        try:
            while len(self._ready) < wanted and not self._ended:
                self._fill()
        except BaseException as error:
            # The encrypting library passes on that reading failed, not why.
            self.failure = error
            raise
        given, self._ready = self._ready[:wanted], self._ready[wanted:]
        return given

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _fill(self) -> None:
        for _ in range(1_000):
            row = next(self._rows, None)
            if row is None:
                self._ended = True
                break
            self._writer.writerow([row.get(name, "") for name in self._columns])
        self._ready += self._text.getvalue().encode()
        self._text.seek(0)
        self._text.truncate()
