"""7z members as streams: the decoder runs beside the reader, joined by a short queue, so memory stays bounded."""

from __future__ import annotations

import lzma
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import py7zr
from py7zr.exceptions import ArchiveError, PasswordRequired
from py7zr.io import Py7zIO, WriterFactory

from cloakroom.claims.limits import Limits
from cloakroom.claims.sources import NotReadError
from cloakroom.errors import LimitError

_QUEUED_PIECES = 8


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the archive: its name, its size, and its part of the packed bytes."""

    name: str
    size: int
    packed: int


class _StoppedError(Exception):
    """The reader has lost interest; ends the decoder."""


class _Pipe:
    """A pipe for pieces from the decoder to the reader; both may end early."""

    def __init__(self) -> None:
        self._pieces: queue.Queue[tuple[str, bytes | str | BaseException]] = queue.Queue(_QUEUED_PIECES)
        self.stopped = threading.Event()

    def put(self, kind: str, value: bytes | str | BaseException) -> None:
        while not self.stopped.is_set():
            try:
                self._pieces.put((kind, value), timeout=0.2)
            except queue.Full:
                continue
            return
        raise _StoppedError

    def get(self) -> tuple[str, bytes | str | BaseException]:
        return self._pieces.get()


class _Writer(Py7zIO):
    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe
        self._size = 0

    def write(self, s: bytes | bytearray) -> int:
        self._size += len(s)
        self._pipe.put("data", bytes(s))
        return len(s)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def flush(self) -> None:
        return None

    def size(self) -> int:
        return self._size


class _Factory(WriterFactory):
    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe

    def create(self, filename: str) -> Py7zIO:
        self._pipe.put("name", filename)
        return _Writer(self._pipe)


class _MemberStream:
    """The bytes of one member; ends where the next one begins."""

    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe
        self._rest = b""
        self.following: str | None = None
        self.is_done = False

    def read(self, size: int = -1, /) -> bytes:
        while not self._rest and not self.is_done:
            kind, value = self._pipe.get()
            if kind == "data":
                assert isinstance(value, bytes)
                self._rest = value
            elif kind == "name":
                self.following, self.is_done = str(value), True
            elif kind == "error":
                self.is_done = True
                raise ValueError("damaged 7z archive") from None
            else:
                self.is_done = True
        wanted = size if size >= 0 else len(self._rest)
        piece, self._rest = self._rest[:wanted], self._rest[wanted:]
        return piece


def seven_zip_members(source: IO[bytes], limits: Limits) -> Iterator[tuple[Member, _MemberStream]]:
    """Yield the files of a 7z archive one after the other.

    Raises:
        LimitError: Its decoder would need more memory than allowed.
        NotReadError: It is encrypted.
        ValueError: It is damaged, or uses something unknown.
    """
    try:
        archive = py7zr.SevenZipFile(source, "r")
    except PasswordRequired as error:
        raise NotReadError("an encrypted 7z archive, even its names are") from error
    except (ArchiveError, EOFError, lzma.LZMAError, OSError, TypeError, AttributeError, KeyError) as error:
        raise ValueError("damaged 7z archive") from error
    if archive.password_protected:
        raise NotReadError("an encrypted 7z archive")
    _check_memory(archive, limits)
    sizes = {info.filename: int(info.uncompressed or 0) for info in archive.list() if not info.is_directory}
    packed = max(sum(int(info.compressed or 0) for info in archive.list()), 1)
    pipe = _Pipe()
    thread = threading.Thread(target=_decode, args=(archive, pipe), daemon=True)
    thread.start()
    try:
        yield from _members(pipe, sizes, packed)
    finally:
        pipe.stopped.set()
        thread.join(timeout=5)
        archive.close()


def _members(pipe: _Pipe, sizes: dict[str, int], packed: int) -> Iterator[tuple[Member, _MemberStream]]:
    first = _MemberStream(pipe)
    first.read(0)
    name = first.following
    while name is not None:
        stream = _MemberStream(pipe)
        yield Member(name, sizes.get(name, 0), packed), stream
        while not stream.is_done or stream.read(1 << 20):
            if not stream.read(1 << 20):
                break
        name = stream.following


def _decode(archive: py7zr.SevenZipFile, pipe: _Pipe) -> None:
    try:
        archive.extractall(factory=_Factory(pipe))
        pipe.put("end", "")
    except _StoppedError:
        return
    except Exception as error:  # noqa: BLE001 - whatever ends the decoder must reach the reader
        try:
            pipe.put("error", error)
        except _StoppedError:
            return


def _check_memory(archive: py7zr.SevenZipFile, limits: Limits) -> None:
    """Refuse dictionaries that would take more memory than allowed; the sizes stand in the coders' properties."""
    streams = archive.header.main_streams
    if streams is None:
        return
    for folder in streams.unpackinfo.folders:
        for coder in folder.coders:
            method, properties = bytes(coder["method"]), coder.get("properties")
            if dictionary_bytes(method, properties) > limits.window_bytes:
                raise LimitError("its decoder asks for too much memory")


def dictionary_bytes(method: bytes, properties: bytes | None) -> int:
    """Return the dictionary size that a coder of a 7z archive asks for (7zFormat.txt, LZMA specification)."""
    if not properties:
        return 0
    if method == b"\x21":  # LZMA2: one byte
        bits = properties[0] & 0x3F
        return 0xFFFFFFFF if bits >= 40 else (2 | (bits & 1)) << (bits // 2 + 11)
    if method in (b"\x03\x01\x01", b"\x03\x04\x01") and len(properties) >= 5:  # LZMA, PPMd
        return int.from_bytes(properties[1:5], "little")
    return 0
