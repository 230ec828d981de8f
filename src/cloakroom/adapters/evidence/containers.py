"""Opens containers, however deep inside each other, and hands out the plain streams in them.

Contract
- Nothing is unpacked to disk, nothing is executed. A member's name is only ever shown, never used as a path, so that
  ``../../etc`` inside an archive is text like any other. Links and devices inside archives are named and left alone.
- Members are read while they are decompressed. Only containers inside containers, whose directory stands at their
  end (zip, 7z), are held in memory, up to `Limits.nested_bytes`.
- A `ReadCounter` counts bytes, ratio, members and time across the whole dump. What exceeds a limit raises
  `LimitError` inside the stream; the member is reported as unread and the next one follows, except where the limit is
  one of the whole (time, total size, members), which ends the dump.
- A damaged or truncated container is reported with what could be read before the damage: members of a zip that lost
  its directory, the data of a 7z archive that lost its own. One that is encrypted is named as such.
- What a file is, is decided by its first bytes, not by its name.
"""

from __future__ import annotations

import io
import stat
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from typing import IO

from cloakroom.adapters.decompression import COMPRESSED, container_kind, decompressed
from cloakroom.adapters.evidence.counted import DAMAGE, CountedStream, PackedBytes, ReadCounter
from cloakroom.adapters.evidence.rar import rar_form
from cloakroom.adapters.evidence.seven_zip import seven_zip_members
from cloakroom.adapters.evidence.seven_zip_rest import PackedRest, bytes_of_archive
from cloakroom.adapters.evidence.zip_members import (
    LocalMember,
    MemberStream,
    WalkedZip,
    has_directory,
    number_of_last_part,
)
from cloakroom.claims.sources import (
    DamagedError,
    NotReadError,
    PlainFile,
    Readable,
    SourceLimitError,
    UnreadFile,
)
from cloakroom.errors import LimitError

_ENCRYPTED = 1
_SPLIT_STARTS = (b"PK\x07\x08PK\x03\x04", b"PK00PK\x03\x04")
_REST = "(what is left)"
_PIECE_BYTES = 1 << 20
_WORKBOOK_STARTS = (b"[Content_Types].xml", b"xl/", b"_rels/.rels", b"docProps/")


class Containers:
    """The containers of one dump, opened one after the other."""

    def __init__(self, counter: ReadCounter) -> None:
        """Take what counts all that is read of the dump."""
        self._counter = counter
        self._limits = counter.limits

    def open(
        self, name: str, stream: CountedStream, seekable: IO[bytes] | None = None, depth: int = 1
    ) -> Iterator[PlainFile | UnreadFile]:
        """Yield what is inside a file: itself, if it is no container.

        Args:
            name: Its name for people.
            stream: Its bytes.
            seekable: The same file, where it can be read from anywhere.
            depth: 1 for a file on disk, one more for each container around it.

        Raises:
            SourceLimitError: A limit of the whole dump is reached.
        """
        kind: str | None = None
        try:
            self._counter.add_file()
            kind = _kind(stream.peek(), seekable)
            if kind is None:
                yield PlainFile(name, stream)
            elif depth > self._limits.depth:
                yield UnreadFile(name, f"more than {self._limits.depth} containers inside each other")
            else:
                yield from self._opened(name, kind, stream, seekable, depth)
        except SourceLimitError:
            raise
        except LimitError as error:
            yield UnreadFile(name, f"refused: {error}")
        except NotReadError as error:
            yield UnreadFile(name, str(error))
        except MemoryError:
            yield UnreadFile(name, "refused: asks for too much memory")
        except (DamagedError, *DAMAGE) as error:
            yield UnreadFile(name, _damage(kind, error))

    def _opened(
        self, name: str, kind: str, stream: CountedStream, seekable: IO[bytes] | None, depth: int
    ) -> Iterator[PlainFile | UnreadFile]:
        if kind in COMPRESSED:
            packed = PackedBytes(stream)
            raw = decompressed(kind, packed, self._limits.window_bytes)
            inside = CountedStream(raw, self._counter, packed=lambda: packed.count)
            yield from self.open(name, inside, depth=depth + 1)
        elif kind == "tar":
            yield from self._tar(name, stream, depth)
        elif kind == "rar":
            yield UnreadFile(name, f"{rar_form(stream.peek())}, which is not read")
        elif kind == "7z":
            yield from self._seven_zip(name, self._held(stream, seekable), depth)
        else:
            yield from self._zip(name, self._held(stream, seekable), depth)

    def _held(self, stream: CountedStream, seekable: IO[bytes] | None) -> IO[bytes]:
        """Return a file that can be read from anywhere, in memory where it lies inside another."""
        if seekable is None:
            data = stream.read(self._limits.nested_bytes + 1)
            if len(data) > self._limits.nested_bytes:
                raise LimitError(f"a container inside a container of more than {self._limits.nested_bytes} bytes")
            seekable = io.BytesIO(data)
        seekable.seek(0)
        return seekable

    def _measured(self, raw: Readable, packed: int) -> CountedStream:
        return CountedStream(raw, self._counter, packed=lambda: packed)

    def _tar(self, name: str, stream: CountedStream, depth: int) -> Iterator[PlainFile | UnreadFile]:
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as archive:  # type: ignore[call-overload]
            for member in archive:
                path = f"{name}!{shown_name(member.name)}"
                if member.isdir():
                    continue
                raw = archive.extractfile(member) if member.isreg() else None
                if raw is None:
                    yield UnreadFile(path, "a link or device inside an archive")
                    continue
                yield from self.open(path, CountedStream(raw, self._counter), depth=depth + 1)

    def _seven_zip(self, name: str, file: IO[bytes], depth: int) -> Iterator[PlainFile | UnreadFile]:
        length, whole = bytes_of_archive(file)
        if length < whole:
            raw = PackedRest(file, self._limits.window_bytes)
            inside = CountedStream(raw, self._counter, packed=lambda: raw.taken)
            yield from self.open(f"{name}!{_REST}", inside, depth=depth + 1)
            missing = f"truncated 7z: {length:,} of {whole:,} bytes are there, not the names and ends of its files"
            yield UnreadFile(name, missing)
            return
        file.seek(0)
        for member, members_raw in seven_zip_members(file, self._limits):
            inside = self._measured(members_raw, member.packed)
            yield from self.open(f"{name}!{shown_name(member.name)}", inside, depth=depth + 1)

    def _zip(self, name: str, file: IO[bytes], depth: int) -> Iterator[PlainFile | UnreadFile]:
        if number_of_last_part(file):  # Its directory counts places from the beginning of each part.
            yield from self._walked_zip(name, file, depth)
            return
        file.seek(0)
        try:
            archive = zipfile.ZipFile(file)
        except DAMAGE as error:
            yield from self._walked_zip(name, file, depth, error)
            return
        with archive:
            for info in archive.infolist():
                path = f"{name}!{shown_name(info.filename)}"
                if info.is_dir():
                    continue
                if stat.S_ISLNK(info.external_attr >> 16):
                    yield UnreadFile(path, "a link inside an archive")
                    continue
                if info.flag_bits & _ENCRYPTED:
                    yield UnreadFile(path, "encrypted")
                    continue
                try:
                    raw = archive.open(info)
                except NotImplementedError:
                    yield UnreadFile(path, f"compressed by method {info.compress_type} of zip, which is not read")
                    continue
                except DAMAGE as error:
                    yield UnreadFile(path, _damage("zip", error))
                    continue
                with raw:
                    yield from self.open(path, self._measured(raw, info.compress_size), depth=depth + 1)

    def _walked_zip(
        self, name: str, file: IO[bytes], depth: int, damage: Exception | None = None
    ) -> Iterator[PlainFile | UnreadFile]:
        """Yield the members of a zip whose directory cannot be used, and what is missing of it.

        Whole files are read as they are. The one in whose middle the archive ends is read where it is all there is;
        behind whole ones it is named, since nobody could tell which of its rows are missing.
        """
        walk = WalkedZip(file)
        count = 0
        for count, member in enumerate(walk.members(), 1):
            path = f"{name}!{shown_name(member.name)}"
            if member.name.endswith("/"):
                continue
            if member.is_encrypted:
                yield UnreadFile(path, "encrypted")
            elif count > 1 and self._is_cut_off(member):
                yield UnreadFile(path, "the archive ends in the middle of it; nothing of it is counted")
            else:
                inside = CountedStream(member.stream, self._counter, packed=_taken(member.stream))
                yield from self.open(path, inside, depth=depth + 1)
        if damage is not None and not count:
            raise damage
        if damage is not None or not walk.is_to_its_directory:
            behind = "and whatever stood behind" if not walk.is_to_its_directory else "behind all of them, partly"
            yield UnreadFile(name, f"truncated zip: {count:,} files begin in it; its directory is missing, {behind}")

    def _is_cut_off(self, member: LocalMember) -> bool:
        """Return whether an archive ends in the middle of a member; one of unknown size is read to tell."""
        if member.packed is not None:
            return member.is_cut_off
        stream = member.again()
        counted = CountedStream(stream, self._counter, packed=_taken(stream))
        try:
            while counted.read(_PIECE_BYTES):
                pass
        except DamagedError as damage:
            return isinstance(damage.__cause__, EOFError)
        except SourceLimitError:
            raise
        except (LimitError, NotReadError):
            return False  # Whoever reads it meets the same.
        return False


def _damage(kind: str | None, error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, DamagedError) else error
    return f"damaged or truncated {kind or 'file'} ({type(cause).__name__})"


def _taken(stream: MemberStream) -> Callable[[], int]:
    return lambda: stream.taken


def _kind(head: bytes, seekable: IO[bytes] | None) -> str | None:
    """Name the container by its signature, or None for a plain file; a workbook that is cut off is a container."""
    if head.startswith(_SPLIT_STARTS):
        return "zip"
    kind = container_kind(head)
    if kind != "zip" or not _is_workbook(head):
        return kind
    if seekable is None:
        return None
    is_whole = has_directory(seekable)
    seekable.seek(len(head))  # Where the stream over the same file stands.
    return None if is_whole else kind


def _is_workbook(head: bytes) -> bool:
    """Return whether a zip is an Office document, which is one file and not a container."""
    length = int.from_bytes(head[26:28], "little")
    return head[30 : 30 + length].startswith(_WORKBOOK_STARTS)


def shown_name(name: str) -> str:
    """Make a member's name safe to print: no control characters, no direction marks, not endless."""
    kept = "".join(sign if unicodedata.category(sign)[0] != "C" else "\ufffd" for sign in name[:400])
    return kept.replace("\\", "/")
