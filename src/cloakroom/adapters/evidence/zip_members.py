"""Members of a zip archive whose directory is missing, found by the headers that stand before each of them.

The directory of a zip stands at its end, so that an archive that is cut off, and a split one, have none that could be
used. Local headers say the same (APPNOTE.TXT, 4.3.7), except where the archive was written as a stream: then the
sizes follow the data, which ends where its compression says. Where no header stands at the expected place, the next
one is looked for. Everything goes forward only.
"""

from __future__ import annotations

import bz2
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Protocol
from zipfile import BadZipFile

from cloakroom.claims.sources import NotReadError

_LOCAL, _DIRECTORY, _END, _END_64, _DESCRIPTOR = (
    b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x07\x08",
)  # fmt: skip
_HEADER = struct.Struct("<HHHHHIIIHH")
_ENCRYPTED, _STREAMED, _UTF8 = 1, 8, 0x800
_STORED, _DEFLATED, _BZIP2 = 0, 8, 12
_LARGE = 0xFFFFFFFF
_PIECE = 1 << 16
_TAIL = (1 << 16) + 22
_DESCRIPTOR_MAX = 24


@dataclass(frozen=True, slots=True)
class LocalMember:
    """A member as its local header has it.

    Attributes:
        name: Its name.
        packed: Size of its data, or None where the header does not say it.
        is_encrypted: Whether its data is.
        is_cut_off: Whether the archive ends before it does, where that can be told without reading it.
        stream: Its bytes; raises `NotReadError` for a compression that is not read, and what libraries raise over
            damage; valid only until the next member is asked for.
    """

    name: str
    packed: int | None
    is_encrypted: bool
    is_cut_off: bool
    stream: MemberStream

    def again(self) -> MemberStream:
        """Return its bytes from the beginning."""
        return self.stream.again()


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...


class MemberStream:
    """The bytes of one member, unpacked, checked against its sum where the header has one.

    Args:
        file: The archive.
        start: Where the data begins.
        packed: Its size, or None where it ends as its compression says.
        method: How it is compressed.
        checksum: CRC-32 of the unpacked bytes, or None.
    """

    def __init__(self, file: IO[bytes], start: int, packed: int | None, method: int, checksum: int | None) -> None:
        self._file = file
        self._start = start
        self._packed = packed
        self._method = method
        self._checksum = checksum
        self._sum = 0
        self._taken = 0
        self._inner: _Decompressor | None = None
        self._rest = b""
        self._is_done = False
        if method == _DEFLATED:
            self._inner = zlib.decompressobj(-15)
        elif method == _BZIP2:
            self._inner = bz2.BZ2Decompressor()

    def again(self) -> MemberStream:
        """Return the same bytes from the beginning."""
        return MemberStream(self._file, self._start, self._packed, self._method, self._checksum)

    @property
    def taken(self) -> int:
        """Return how many packed bytes were read so far."""
        return self._taken

    @property
    def end(self) -> int:
        """Return where the data ended, as far as it was read."""
        if self._packed is not None:
            return self._start + self._packed
        return self._start + self._taken - (len(self._inner.unused_data) if self._inner is not None else 0)

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, empty at the end.

        Raises:
            NotReadError: Its compression is one that is not read.
            EOFError: The archive ends before the member does.
            BadZipFile: The sum is another one.
        """
        if self._method not in (_STORED, _DEFLATED, _BZIP2):
            raise NotReadError(f"compressed by method {self._method} of zip, which is not read")
        wanted = size if size > 0 else _PIECE
        piece = b"" if self._is_done else self._next(wanted)
        self._sum = zlib.crc32(piece, self._sum)
        if not piece and not self._is_done:
            self._is_done = True
            if self._checksum is not None and self._sum != self._checksum:
                raise BadZipFile("the sum is another one")
        return piece

    def _next(self, wanted: int) -> bytes:
        if self._inner is None:
            piece = self._source(wanted)
            if not piece and self._packed is not None and self._taken < self._packed:
                raise EOFError("ends in the middle")
            return piece
        while not self._inner.eof:
            data = getattr(self._inner, "unconsumed_tail", b"")
            if not data and getattr(self._inner, "needs_input", True):
                data = self._source(_PIECE)
            piece = self._inner.decompress(data, wanted)
            if piece:
                return piece
            if not data:
                raise EOFError("ends in the middle")
        return b""

    def _source(self, size: int) -> bytes:
        if self._packed is not None:
            size = min(size, self._packed - self._taken)
        self._file.seek(self._start + self._taken)
        piece = self._file.read(size)
        self._taken += len(piece)
        return piece


class WalkedZip:
    """A walk through a zip archive by its local headers.

    Attributes:
        is_to_its_directory: Whether the walk came to the directory, before which all members stand.
    """

    def __init__(self, file: IO[bytes]) -> None:
        """Take the archive; it is read from its beginning."""
        self._file = file
        self._length = file.seek(0, 2)
        self.is_to_its_directory = False

    def members(self) -> Iterator[LocalMember]:
        """Yield every member; behind one of unknown size that was not read, the next header is looked for."""
        at = 0
        while (place := self._next_header(at)) is not None:
            member, start = self._member(place)
            if member is None:
                return
            yield member
            at = max(member.stream.end, start) if not member.is_encrypted else start + (member.packed or 0)

    def _member(self, at: int) -> tuple[LocalMember | None, int]:
        self._file.seek(at + 4)
        header = self._file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return None, at
        _, flags, method, _, _, checksum, packed, size, name_size, extra_size = _HEADER.unpack(header)
        raw = self._file.read(name_size)
        extra = self._file.read(extra_size)
        start = at + 4 + _HEADER.size + name_size + extra_size
        if len(raw) < name_size or len(extra) < extra_size:
            return None, at
        known: int | None = _large_size(extra, packed, size) if packed == _LARGE else packed
        is_open = bool(flags & _STREAMED) and not packed
        if is_open:
            known = self._stored_size(start) if method == _STORED else None
        name = raw.decode("utf-8" if flags & _UTF8 else "cp437", "replace")
        stream = MemberStream(self._file, start, known, method, None if is_open else checksum)
        is_cut_off = known is not None and start + known > self._length
        return LocalMember(name, known, bool(flags & _ENCRYPTED), is_cut_off, stream), start

    def _next_header(self, at: int) -> int | None:
        """Return the place of the next local header from `at` on; None at the directory and at the end."""
        self._file.seek(at)
        tail = b""
        while piece := self._file.read(_PIECE):
            window = tail + piece
            found = window.find(_LOCAL)
            directory = min((window.find(sign) % (1 << 62) for sign in (_DIRECTORY, _END, _END_64)), default=1 << 62)
            # The directory stands where a header would; farther on its sign may be anything.
            if directory <= _DESCRIPTOR_MAX and not tail and (found < 0 or directory < found):
                self.is_to_its_directory = True
                return None
            if found >= 0:
                return self._file.tell() - len(window) + found
            tail = window[-3:]
        return None

    def _stored_size(self, start: int) -> int:
        """Return the size of data that is not compressed and whose size follows it; too large where none does."""
        self._file.seek(start)
        place, tail = start, b""
        while piece := self._file.read(_PIECE):
            window = tail + piece
            begin = place - len(tail)
            found = window.find(_DESCRIPTOR)
            while 0 <= found <= len(window) - 16:
                size = begin + found - start
                if int.from_bytes(window[found + 8 : found + 12], "little") == size:
                    return size
                found = window.find(_DESCRIPTOR, found + 1)
            place += len(piece)
            tail = window[-15:]
        return max(self._length - start, 0) + 1


def _large_size(extra: bytes, packed: int, size: int) -> int:
    """Return the packed size from the field for large archives (APPNOTE.TXT, 4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            place = at + 4 + (8 if size == _LARGE else 0)
            return int.from_bytes(extra[place : place + 8], "little")
        at += 4 + length
    return packed


def number_of_last_part(file: IO[bytes]) -> int:
    """Return how many parts come before the one that ends with the directory; 0 for a zip that is not split."""
    length = file.seek(0, 2)
    file.seek(max(length - _TAIL, 0))
    tail = file.read(_TAIL)
    at = tail.rfind(_END)
    number = int.from_bytes(tail[at + 4 : at + 6], "little") if 0 <= at <= len(tail) - 22 else 0
    return 0 if number == 0xFFFF else number


def has_directory(file: IO[bytes]) -> bool:
    """Return whether a zip ends with its directory."""
    length = file.seek(0, 2)
    file.seek(max(length - _TAIL, 0))
    return _END in file.read(_TAIL)
