"""Opens containers, however deep inside each other, and hands out the plain streams in them.

Contract
- Nothing is unpacked to disk, nothing is executed. A member's name is only ever shown, never used as a path, so that
  ``../../etc`` inside an archive is text like any other. Links and devices inside archives are named and left alone.
- Members are read while they are decompressed. Only containers inside containers, whose directory stands at their
  end (zip, 7z), are held in memory, up to `Limits.nested_bytes`.
- A `ReadCounter` counts bytes, ratio, members and time across the whole dump. What exceeds a limit raises
  `LimitError` inside the stream; the member is reported as unread and the next one follows, except where the limit is
  one of the whole (time, total size, members), which ends the dump.
- A damaged or truncated container is reported with what could be read before the damage.
- What a file is, is decided by its first bytes, not by its name.
"""

from __future__ import annotations

import io
import stat
import tarfile
import unicodedata
import zipfile
from collections.abc import Iterator
from typing import IO

from cloakroom.adapters.decompression import COMPRESSED, container_kind, decompressed
from cloakroom.adapters.evidence.counted import DAMAGE, CountedStream, PackedBytes, ReadCounter
from cloakroom.adapters.evidence.seven_zip import seven_zip_members
from cloakroom.claims.sources import DamagedError, PlainFile, Readable, SourceLimitError, UnreadFile
from cloakroom.errors import LimitError

_ENCRYPTED = 1
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
            kind = _kind(stream.peek())
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
            yield UnreadFile(name, "rar archives are not read")
        elif kind == "7z":
            for member, raw in seven_zip_members(self._held(stream, seekable), self._limits):
                inside = self._measured(raw, member.packed)
                yield from self.open(f"{name}!{shown_name(member.name)}", inside, depth=depth + 1)
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

    def _zip(self, name: str, file: IO[bytes], depth: int) -> Iterator[PlainFile | UnreadFile]:
        with zipfile.ZipFile(file) as archive:
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
                except DAMAGE as error:
                    yield UnreadFile(path, _damage("zip", error))
                    continue
                with raw:
                    yield from self.open(path, self._measured(raw, info.compress_size), depth=depth + 1)


def _damage(kind: str | None, error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, DamagedError) else error
    return f"damaged or truncated {kind or 'file'} ({type(cause).__name__})"


def _kind(head: bytes) -> str | None:
    """Name the container by its signature, or None for a plain file."""
    kind = container_kind(head)
    return None if kind == "zip" and _is_workbook(head) else kind


def _is_workbook(head: bytes) -> bool:
    """Return whether a zip is an Office document, which is one file and not a container."""
    length = int.from_bytes(head[26:28], "little")
    return head[30 : 30 + length].startswith(_WORKBOOK_STARTS)


def shown_name(name: str) -> str:
    """Make a member's name safe to print: no control characters, no direction marks, not endless."""
    kept = "".join(sign if unicodedata.category(sign)[0] != "C" else "\ufffd" for sign in name[:400])
    return kept.replace("\\", "/")
