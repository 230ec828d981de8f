"""Walks paths and everything packed inside them, and hands out plain streams.

Contract
- Nothing is unpacked to disk, nothing is executed. A member's name is only ever shown, never used as a path, so that
  ``../../etc`` inside an archive is text like any other. Links and devices inside archives are named and left alone.
- Members are read while they are decompressed. Only containers inside containers, whose directory stands at their
  end (zip, 7z), are held in memory, up to `Limits.nested_bytes`.
- A `Meter` counts bytes, ratio, members and time across the whole walk. What exceeds a limit raises `LimitError`
  inside the stream; the walk reports the member as unread and goes on with the next one, except where the limit is
  one of the walk itself (time, total size, members): then it ends, and says so.
- A damaged or truncated container is reported with what could be read before the damage.
- What a path means is decided by its first bytes, not by its name, except for bare formats without a signature.
"""

from __future__ import annotations

import bz2
import io
import lzma
import stat
import tarfile
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, cast

import zstandard

from cloakroom.claims.limits import Limits
from cloakroom.claims.seven_zip import seven_zip_members
from cloakroom.errors import LimitError, UsageError

_HEAD_BYTES = 512
DAMAGE = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zstandard.ZstdError,
    tarfile.TarError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
)


class Readable(Protocol):
    """The part of a binary stream that readers use."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, empty at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Leaf:
    """One file that is no container.

    Attributes:
        path: Name for people: the path, then ``!`` and the member's name for each container around it.
        stream: Its bytes; valid only until the walk goes on.
        size: Its size in bytes as far as known in advance, for progress.
    """

    path: str
    stream: PeekStream
    size: int | None


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read, and why; never its content."""

    path: str
    reason: str


class WalkLimitError(LimitError):
    """A limit of the whole walk: nothing further is read."""


@dataclass(slots=True)
class Meter:
    """Counts what was read so far against the limits."""

    limits: Limits
    clock: Callable[[], float] = time.monotonic
    started: float = field(init=False)
    expanded: int = 0
    members: int = 0

    def __post_init__(self) -> None:
        self.started = self.clock()

    def member(self) -> None:
        """Count one more file."""
        self.members += 1
        if self.members > self.limits.members:
            raise WalkLimitError(f"more than {self.limits.members} files")

    def add(self, size: int) -> None:
        """Count bytes that came out of a file."""
        self.expanded += size
        if self.expanded > self.limits.expanded_bytes:
            raise WalkLimitError(f"more than {self.limits.expanded_bytes} bytes in all")
        if self.clock() - self.started > self.limits.seconds:
            raise WalkLimitError(f"reading took more than {self.limits.seconds:.0f} seconds")


class PeekStream:
    """A stream whose first bytes can be looked at, and whose bytes are counted."""

    def __init__(self, raw: Readable, meter: Meter, *, packed: Callable[[], int] | None = None) -> None:
        self._raw = raw
        self._meter = meter
        self._packed = packed
        self._head = b""
        self._read = 0

    def peek(self, size: int = _HEAD_BYTES) -> bytes:
        """Return the next bytes without taking them; fewer only at the end."""
        while len(self._head) < size:
            piece = self._take(max(size - len(self._head), 1))
            if not piece:
                break
            self._head += piece
        return self._head[:size]

    def read(self, size: int = -1, /) -> bytes:
        """Return exactly `size` bytes, fewer only at the end; all of them for -1."""
        parts = []
        wanted = size if size >= 0 else 1 << 62
        if self._head:
            parts.append(self._head[:wanted])
            self._head = self._head[wanted:]
            wanted -= len(parts[0])
        while wanted > 0:
            piece = self._take(min(wanted, 8 << 20))
            if not piece:
                break
            parts.append(piece)
            wanted -= len(piece)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _take(self, size: int) -> bytes:
        piece = self._raw.read(size)
        self._read += len(piece)
        self._meter.add(len(piece))
        limits = self._meter.limits
        if self._packed is not None and self._read > limits.ratio_free_bytes:
            packed = max(self._packed(), 1)
            if self._read > packed * limits.ratio:
                raise LimitError(f"decompresses to more than {limits.ratio} times its size")
        return piece


def walk(paths: list[Path], meter: Meter, skip: frozenset[Path] = frozenset()) -> Iterator[Leaf | Unread]:
    """Yield every plain file under `paths`, folders and containers opened, in a stable order.

    Raises:
        UsageError: A path does not exist.
    """
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise UsageError("no such file: " + ", ".join(str(path) for path in missing))
    try:
        for path in paths:
            base = path.parent
            for file in sorted(_files_under(path)):
                if file.resolve() in skip:
                    continue
                name = _shown(str(file.relative_to(base)))
                if file.is_symlink() or not file.is_file():
                    yield Unread(name, "a link" if file.is_symlink() else "not a regular file")
                    continue
                with file.open("rb") as raw:
                    size = file.stat().st_size
                    yield from _open(name, PeekStream(raw, meter), size, raw, 1, meter)
    except WalkLimitError as error:
        yield Unread("(the rest)", f"stopped: {error}")


def _files_under(path: Path) -> Iterator[Path]:
    if path.is_dir() and not path.is_symlink():
        for child in path.iterdir():
            yield from _files_under(child)
    else:
        yield path


def _open(  # noqa: PLR0917 - all six belong to one file; kept together they would only be unpacked again
    name: str, stream: PeekStream, size: int | None, seekable: IO[bytes] | None, depth: int, meter: Meter
) -> Iterator[Leaf | Unread]:
    """Yield what is inside `stream`; `seekable` is the same file where it can be read from anywhere."""
    kind: str | None = None
    try:
        meter.member()
        kind = _kind(stream.peek())
        if kind is None:
            yield Leaf(name, stream, size)
        elif depth > meter.limits.depth:
            yield Unread(name, f"more than {meter.limits.depth} containers inside each other")
        elif kind in _STREAMED:
            yield from _streamed(name, kind, stream, depth, meter)
        else:
            yield from _directory(name, kind, stream, seekable, depth, meter)
    except WalkLimitError:
        raise
    except LimitError as error:
        yield Unread(name, f"refused: {error}")
    except MemoryError:
        yield Unread(name, "refused: asks for too much memory")
    except DAMAGE as error:
        yield Unread(name, f"damaged or truncated {kind or 'file'} ({type(error).__name__})")


def _kind(head: bytes) -> str | None:
    """Name the container by its signature, or None."""
    for kind, signature in _SIGNATURES.items():
        if head.startswith(signature):
            return None if kind == "zip" and _is_workbook(head) else kind
    if head[257:262] == b"ustar":
        return "tar"
    return "rar" if head.startswith(b"Rar!\x1a\x07") else None


_SIGNATURES = {
    "zip": b"PK\x03\x04",
    "zip-empty": b"PK\x05\x06",
    "gz": b"\x1f\x8b\x08",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "zst": b"\x28\xb5\x2f\xfd",
    "7z": b"7z\xbc\xaf\x27\x1c",
}
_STREAMED = frozenset({"gz", "bz2", "xz", "zst", "tar"})
_WORKBOOK_STARTS = (b"[Content_Types].xml", b"xl/", b"_rels/.rels", b"docProps/")


def _is_workbook(head: bytes) -> bool:
    """Answer whether a zip is an Office document, which is one file and not a container."""
    length = int.from_bytes(head[26:28], "little")
    return head[30 : 30 + length].startswith(_WORKBOOK_STARTS)


def _streamed(name: str, kind: str, stream: PeekStream, depth: int, meter: Meter) -> Iterator[Leaf | Unread]:
    if kind == "tar":
        yield from _tar(name, stream, depth, meter)
        return
    counted = _Counted(stream)
    raw = _decompressor(kind, counted, meter.limits)
    yield from _open(name, PeekStream(raw, meter, packed=lambda: counted.count), None, None, depth + 1, meter)


class _Counted:
    """Counts the compressed bytes that a decompressor has taken."""

    def __init__(self, stream: PeekStream) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        piece = self._stream.read(size)
        self.count += len(piece)
        return piece

    def close(self) -> None:
        """Leave the stream open; it belongs to the walk."""


class _Stepwise(Protocol):
    """What the decompressors of the standard library have in common."""

    @property
    def needs_input(self) -> bool: ...
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib with the same face as the other decompressors."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max(max_length, 0))


class _Steps:
    """Reads concatenated compressed streams, never more at once than asked for."""

    def __init__(self, source: _Counted, make: Callable[[], _Stepwise]) -> None:
        self._source = source
        self._make = make
        self._step = make()
        self._pending = b""
        self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        wanted = size if size > 0 else 1 << 20
        while not self._ended:
            data = b""
            if self._step.eof:
                data = self._step.unused_data.lstrip(b"\0") or self._source.read(64 << 10).lstrip(b"\0")
                if not data:
                    self._ended = True
                    break
                self._step = self._make()
            elif self._step.needs_input:
                data = self._source.read(64 << 10)
                if not data:
                    raise EOFError("ends in the middle")
            piece = self._step.decompress(data, wanted)
            if piece:
                return piece
        return b""


def _decompressor(kind: str, counted: _Counted, limits: Limits) -> Readable:
    if kind == "zst":
        made = zstandard.ZstdDecompressor(max_window_size=limits.window_bytes)
        return made.stream_reader(cast("IO[bytes]", counted), read_across_frames=True, closefd=False)
    if kind == "gz":
        return _Steps(counted, _Gzip)
    if kind == "bz2":
        return _Steps(counted, bz2.BZ2Decompressor)
    return _Steps(counted, lambda: lzma.LZMADecompressor(memlimit=limits.window_bytes))


def _tar(name: str, stream: PeekStream, depth: int, meter: Meter) -> Iterator[Leaf | Unread]:
    with tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as archive:  # type: ignore[call-overload]
        for member in archive:
            path = f"{name}!{_shown(member.name)}"
            if member.isdir():
                continue
            raw = archive.extractfile(member) if member.isreg() else None
            if raw is None:
                yield Unread(path, "a link or device inside an archive")
                continue
            yield from _open(path, PeekStream(raw, meter), member.size, None, depth + 1, meter)


def _directory(  # noqa: PLR0917 - as in `_open`
    name: str, kind: str, stream: PeekStream, seekable: IO[bytes] | None, depth: int, meter: Meter
) -> Iterator[Leaf | Unread]:
    if kind == "rar":
        yield Unread(name, "rar archives are not read")
        return
    if seekable is None:
        held = stream.read(meter.limits.nested_bytes + 1)
        if len(held) > meter.limits.nested_bytes:
            raise LimitError(f"a container inside a container of more than {meter.limits.nested_bytes} bytes")
        seekable = io.BytesIO(held)
    seekable.seek(0)
    if kind == "7z":
        for member, raw in seven_zip_members(seekable, meter.limits):
            path = f"{name}!{_shown(member.name)}"
            yield from _open(path, _measured(raw, meter, member.packed), member.size, None, depth + 1, meter)
        return
    with zipfile.ZipFile(seekable) as archive:
        yield from _zip(name, archive, depth, meter)


def _zip(name: str, archive: zipfile.ZipFile, depth: int, meter: Meter) -> Iterator[Leaf | Unread]:
    for info in archive.infolist():
        path = f"{name}!{_shown(info.filename)}"
        if info.is_dir():
            continue
        if stat.S_ISLNK(info.external_attr >> 16):
            yield Unread(path, "a link inside an archive")
            continue
        if info.flag_bits & 1:
            yield Unread(path, "encrypted")
            continue
        try:
            raw = archive.open(info)
        except DAMAGE as error:
            yield Unread(path, f"damaged or truncated zip ({type(error).__name__})")
            continue
        with raw:
            stream = _measured(raw, meter, info.compress_size)
            yield from _open(path, stream, info.file_size, None, depth + 1, meter)


def _measured(raw: Readable, meter: Meter, packed: int) -> PeekStream:
    return PeekStream(raw, meter, packed=lambda: packed)


def _shown(name: str) -> str:
    """Make a member's name safe to print: no control characters, no direction marks, not endless."""
    kept = "".join(sign if unicodedata.category(sign)[0] != "C" else "\ufffd" for sign in name[:400])
    return kept.replace("\\", "/")
