"""Opening a delivery: plain, gzip or Zstandard, told apart by their first bytes, never by their names."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from cloakroom.adapters.decompression import DAMAGE, HEAD_BYTES, Readable, container_kind, decompressed
from cloakroom.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ACCEPTED = frozenset({"gz", "zst"})
_WINDOW_BYTES = 128 << 20
_BUFFER = 1024 * 1024


class CountingFile(io.RawIOBase):
    """A file that knows how many of its bytes were read, for progress bars over compressed files."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.bytes_read = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read into `buffer` and count."""
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self.bytes_read += len(data)
        return len(data)


class DeliveryFile:
    """The uncompressed bytes of a delivery, read once from the beginning to the end."""

    def __init__(self, raw: CountingFile, stream: Readable, name: str) -> None:
        self._raw = raw
        self._stream = stream
        self._name = name

    @property
    def bytes_read(self) -> int:
        """Return how many bytes of the file on disk were read."""
        return self._raw.bytes_read

    def read(self, size: int) -> bytes:
        """Return up to `size` uncompressed bytes; fewer only at the end.

        Raises:
            InputError: The compressed data is damaged or ends too early.
        """
        parts: list[bytes] = []
        wanted = size
        try:
            while wanted and (data := self._stream.read(wanted)):
                parts.append(data)
                wanted -= len(data)
        except DAMAGE as error:
            raise InputError.at(self._name, "the compressed data is damaged or ends too early") from error
        return b"".join(parts)


@contextmanager
def open_container(path: Path) -> Iterator[DeliveryFile]:
    """Open a delivery for reading.

    Raises:
        InputError: It cannot be read, or is a container that is not supported here.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError.at(path.name, f"cannot be read: {error.strerror}") from error
    with file:
        head = file.read(HEAD_BYTES)
        file.seek(0)
        raw = CountingFile(file)
        buffered = io.BufferedReader(raw, _BUFFER)
        yield DeliveryFile(raw, _uncompressed(head, buffered, path.name), path.name)


def is_compressed(path: Path) -> bool:
    """Return whether a file is gzip or Zstandard."""
    with path.open("rb") as file:
        return container_kind(file.read(HEAD_BYTES)) in _ACCEPTED


def _uncompressed(head: bytes, file: Readable, name: str) -> Readable:
    kind = container_kind(head)
    if kind in _ACCEPTED:
        return decompressed(kind, file, _WINDOW_BYTES)
    if kind is not None:
        what = "a workbook or an archive" if kind.startswith("zip") else "an archive"
        raise InputError.at(name, f"is {what}; deliver its tables as CSV, plain or as .gz or .zst")
    return file
