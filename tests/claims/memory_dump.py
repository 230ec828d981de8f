"""Dumps that lie in memory: stand for folders and archives in tests of what is done with their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.choose import open_file
from cloakroom.claims.sizing import Sizer
from cloakroom.claims.sources import InTurn, PlainFile, UnreadFile, Workers
from cloakroom.claims.survey import FileReport, Survey
from cloakroom.claims.tables import Reading


class MemoryStream:
    """Implements `Peekable`; counts what was read, and raises an error after `damaged_at` bytes where told to."""

    def __init__(self, data: bytes, error: Exception | None = None, damaged_at: int = 0) -> None:
        self._data = data
        self._at = 0
        self._error = error
        self._damaged_at = damaged_at

    def peek(self, size: int, /) -> bytes:
        return self._data[self._at : self._at + size]

    def read(self, size: int = -1, /) -> bytes:
        if self._error is not None and self._at >= self._damaged_at:
            raise self._error
        end = len(self._data) if size < 0 else self._at + size
        if self._error is not None:
            end = min(end, self._damaged_at)
        piece = self._data[self._at : end]
        self._at += len(piece)
        return piece


class MemoryDump:
    """Implements `DumpSource` over bytes by name; a text in place of bytes is the reason why a file is unread."""

    def __init__(self, files: Mapping[str, bytes | str | MemoryStream]) -> None:
        self._files = files
        self.bytes_read = 0

    def files(self) -> Iterator[PlainFile | UnreadFile]:
        for name, content in self._files.items():
            if isinstance(content, str):
                yield UnreadFile(name, content)
                continue
            stream = MemoryStream(content) if isinstance(content, bytes) else content
            self.bytes_read += len(stream.peek(1 << 62))
            yield PlainFile(name, stream)


def open_bytes(data: bytes, name: str = "dump", limits: Limits | None = None) -> Reading:
    """Return the rows of one file."""
    return open_file(PlainFile(name, MemoryStream(data)), limits or Limits(), InTurn(), seed=1)


def survey(
    files: Mapping[str, bytes | str | MemoryStream], limits: Limits | None = None, workers: Workers | None = None
) -> tuple[Survey, dict[str, FileReport]]:
    """Go through a dump; return the passage and the reports of its files by name."""
    done = Survey(MemoryDump(files), Sizer(1), workers or InTurn(), limits or Limits())
    for _ in done.tables():
        pass
    return done, {item.path: item for item in done.files}
