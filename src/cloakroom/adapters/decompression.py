"""Containers told apart by their first bytes, and compressed streams opened step by step.

A stream that `decompressed` gives never holds more at once than it is asked for, so that whoever reads it can stop a
bomb early. It ends only where the compressed data ends as its format says: data cut off in the middle is an error,
never a shorter file.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Generator
from typing import IO, Protocol, cast

import zstandard

HEAD_BYTES = 512
"""How many of its first bytes tell what a file is."""
SIGNATURES = {
    "zip": b"PK\x03\x04",
    "zip-empty": b"PK\x05\x06",
    "gz": b"\x1f\x8b\x08",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "zst": b"\x28\xb5\x2f\xfd",
    "7z": b"7z\xbc\xaf\x27\x1c",
    "rar": b"Rar!\x1a\x07",
}
COMPRESSED = frozenset({"gz", "bz2", "xz", "zst"})
DAMAGE = (EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError)
"""What reading a damaged stream raises; one of bzip2 raises `OSError`, as a broken disk does."""
_STEP_BYTES = 64 << 10
_SKIPPABLE_MAGIC, _SKIPPABLE_MASK = 0x184D2A50, 0xFFFFFFF0
_REPEATED_BYTE = 1


class Readable(Protocol):
    """The part of a binary stream that a decompressor uses."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, empty at the end."""
        ...


def container_kind(head: bytes) -> str | None:
    """Return the kind of container that a file beginning with `head` is, or None."""
    for kind, signature in SIGNATURES.items():
        if head.startswith(signature):
            return kind
    return "tar" if head[257:262] == b"ustar" else None


def decompressed(kind: str, source: Readable, window_bytes: int) -> Readable:
    """Return the stream inside a compressed one.

    Args:
        kind: One of `COMPRESSED`.
        source: The compressed bytes; left open.
        window_bytes: Memory that the decompressor may ask for.
    """
    if kind == "zst":
        return _Zstandard(source, window_bytes)
    if kind == "gz":
        return _Steps(source, _Gzip)
    if kind == "bz2":
        return _Steps(source, bz2.BZ2Decompressor)
    return _Steps(source, lambda: lzma.LZMADecompressor(memlimit=window_bytes))


class _Stepwise(Protocol):
    """The interface that the decompressors of the standard library have in common."""

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

    def __init__(self, source: Readable, make: Callable[[], _Stepwise]) -> None:
        self._source = source
        self._make = make
        self._step = make()
        self._is_at_end = False

    def read(self, size: int = -1, /) -> bytes:
        wanted = size if size > 0 else 1 << 20
        while not self._is_at_end:
            data = b""
            if self._step.eof:
                data = self._step.unused_data.lstrip(b"\0") or self._source.read(_STEP_BYTES).lstrip(b"\0")
                if not data:
                    self._is_at_end = True
                    break
                self._step = self._make()
            elif self._step.needs_input:
                data = self._source.read(_STEP_BYTES)
                if not data:
                    raise EOFError("ends in the middle")
            piece = self._step.decompress(data, wanted)
            if piece:
                return piece
        return b""


class _Zstandard:
    """Reads concatenated Zstandard frames; the library by itself takes a frame that is cut off for a whole one."""

    def __init__(self, source: Readable, window_bytes: int) -> None:
        self._frames = _Frames(source)
        made = zstandard.ZstdDecompressor(max_window_size=window_bytes)
        self._inner = made.stream_reader(cast("IO[bytes]", self._frames), read_across_frames=True, closefd=False)

    def read(self, size: int = -1, /) -> bytes:
        piece = self._inner.read(size)
        if not piece and size and not self._frames.are_whole:
            raise EOFError("ends in the middle")
        return piece


class _Frames:
    """Passes compressed bytes on, and follows in them where frames and blocks end (RFC 8878, section 3.1)."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._layout = self._parts()
        self._held = b""
        self._is_between_frames = True
        self._missing, self._is_header = next(self._layout)

    @property
    def are_whole(self) -> bool:
        """Return whether the bytes passed on so far end where a frame ends."""
        return self._is_between_frames and not self._held

    def read(self, size: int = -1, /) -> bytes:
        piece = self._source.read(size)
        at = 0
        while at < len(piece):
            end = min(at + self._missing, len(piece))
            self._missing -= end - at
            if self._is_header:
                self._held += piece[at:end]
            at = end
            while not self._missing:
                header, self._held = self._held, b""
                self._missing, self._is_header = self._layout.send(header)
        return piece

    def _parts(self) -> Generator[tuple[int, bool], bytes, None]:
        """Yield the length of each part and whether it is a header, whose bytes are sent back."""
        while True:
            self._is_between_frames = True
            magic = int.from_bytes((yield 4, True), "little")
            self._is_between_frames = False
            if magic & _SKIPPABLE_MASK == _SKIPPABLE_MAGIC:
                yield int.from_bytes((yield 4, True), "little"), False
                continue
            descriptor = (yield 1, True)[0]
            is_single_segment, has_checksum = descriptor >> 5 & 1, descriptor >> 2 & 1
            content_size_bytes = (is_single_segment, 2, 4, 8)[descriptor >> 6]
            yield (1 - is_single_segment) + content_size_bytes + (0, 1, 2, 4)[descriptor & 3], False
            is_last = 0
            while not is_last:
                block = int.from_bytes((yield 3, True), "little")
                is_last, kind, size = block & 1, block >> 1 & 3, block >> 3
                yield 1 if kind == _REPEATED_BYTE else size, False
            yield 4 * has_checksum, False
