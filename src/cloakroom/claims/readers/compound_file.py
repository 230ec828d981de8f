"""Compound files, as Office wrote them before 2007: which streams they hold, and the bytes of one ([MS-CFB]).

An encrypted Office document of today is such a file around the document, and so tells its form.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER = struct.Struct("<30xHH10xIIIIIIII")
_ENTRY = 128
_ENDS = 0xFFFFFFFA
_STREAM, _ROOT = 2, 5
_FIRST_TABLES = 109


@dataclass(slots=True)
class CompoundFile:
    """A compound file in memory.

    Attributes:
        streams: Where each stream begins and how long it is, by its name.

    Raises:
        ValueError: It is none, or damaged.
    """

    data: bytes = field(repr=False)
    streams: dict[str, tuple[int, int]] = field(init=False, default_factory=dict)
    _sector: int = field(init=False, default=512)
    _small_sector: int = field(init=False, default=64)
    _small_below: int = field(init=False, default=4096)
    _next: list[int] = field(init=False, default_factory=list, repr=False)
    _next_small: list[int] = field(init=False, default_factory=list, repr=False)
    _small: bytes = field(init=False, default=b"", repr=False)

    def __post_init__(self) -> None:
        if not self.data.startswith(SIGNATURE) or len(self.data) < 512:
            raise ValueError("no compound file")
        header = _HEADER.unpack_from(self.data)
        shift, small_shift, tables, directory, _, below, small_first, small_count, more, _ = header
        if shift not in (9, 12) or small_shift != 6:
            raise ValueError("a damaged compound file")
        self._sector, self._small_sector, self._small_below = 1 << shift, 1 << small_shift, below
        self._next = self._table(tables, more)
        if small_count:
            self._next_small = _numbers(self._chain(small_first))
        entries = self._chain(directory)
        for at in range(0, len(entries) - _ENTRY + 1, _ENTRY):
            self._enter(entries[at : at + _ENTRY])

    def stream(self, name: str) -> bytes:
        """Return the bytes of a stream, as many as there are."""
        first, size = self.streams[name]
        if size >= self._small_below:
            return self._chain(first)[:size]
        size_of_small = self._small_sector
        pieces = [self._small[at * size_of_small : (at + 1) * size_of_small] for at in _walk(first, self._next_small)]
        return b"".join(pieces)[:size]

    def _table(self, count: int, more: int) -> list[int]:
        """Return the table that says which sector follows each."""
        places = list(struct.unpack_from(f"<{_FIRST_TABLES}I", self.data, 76))
        sectors = len(self.data) // self._sector
        seen = 0
        while more < _ENDS and seen <= sectors:
            numbers = _numbers(self._at(more))
            if not numbers:
                break
            places += numbers[:-1]
            more, seen = numbers[-1], seen + 1
        used = [place for place in places if place < _ENDS][: min(count, sectors)]
        return [number for place in used for number in _numbers(self._at(place))]

    def _enter(self, entry: bytes) -> None:
        length, kind = struct.unpack_from("<HB", entry, 64)
        first, size = struct.unpack_from("<II", entry, 116)
        name = entry[: max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
        if kind == _STREAM:
            self.streams.setdefault(name, (first, size))
        elif kind == _ROOT and self._next_small:
            self._small = self._chain(first)[:size]

    def _chain(self, first: int) -> bytes:
        return b"".join(self._at(sector) for sector in _walk(first, self._next))

    def _at(self, sector: int) -> bytes:
        return self.data[(sector + 1) * self._sector : (sector + 2) * self._sector]


def _walk(first: int, following: list[int]) -> list[int]:
    """Return the sectors of a chain.

    Raises:
        ValueError: It goes in a circle.
    """
    found: list[int] = []
    while first < len(following):
        found.append(first)
        first = following[first]
        if len(found) > len(following):
            raise ValueError("a damaged compound file")
    return found


def _numbers(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4]))
