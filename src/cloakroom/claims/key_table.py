"""Numbers keys in the order in which they first come, a batch at a time.

Keys are known by 64-bit keyed hashes, as in `distinct`. The table uses open addressing with linear probing, in NumPy:
a batch costs a few passes over arrays of its own size, however many keys came before, where sorted arrays would have
to be searched and merged again and again. At most half of the places are taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cloakroom.claims.distinct import Hashes

Numbers = np.ndarray[Any, np.dtype[np.int64]]
_PLACES_MIN = 1 << 16
_EMPTY = np.uint64(0)
_INSTEAD_OF_EMPTY = np.uint64(1)


class KeyTable:
    """A table that gives each distinct hash a number: 0 to the first, 1 to the second, and so on."""

    def __init__(self) -> None:
        """Begin with no keys."""
        self._hashes = np.zeros(_PLACES_MIN, np.uint64)
        self._numbers = np.zeros(_PLACES_MIN, np.int32)
        self._size = 0

    def __len__(self) -> int:
        """Count the keys."""
        return self._size

    def numbers(self, hashes: Hashes) -> Numbers:
        """Return the number of each key, -1 for those that have none yet."""
        wanted = _fit(hashes)
        found = np.full(wanted.size, -1, np.int64)
        places = self._first_places(wanted)
        held = self._hashes[places]
        hit = held == wanted
        found[hit] = self._numbers[places[hit]]
        left = np.flatnonzero(~hit & (held != _EMPTY))
        places = places[left]
        while left.size:
            places = self._next_places(places)
            held = self._hashes[places]
            hit = held == wanted[left]
            found[left[hit]] = self._numbers[places[hit]]
            go_on = ~hit & (held != _EMPTY)
            left, places = left[go_on], places[go_on]
        return found

    def add(self, hashes: Hashes) -> None:
        """Give numbers to keys, in their order.

        Args:
            hashes: Distinct, and none of them in the table yet.
        """
        size = self._size + hashes.size
        if 2 * size > self._hashes.size:
            self._grow(size)
        self._place(_fit(hashes), np.arange(self._size, size, dtype=np.int32))
        self._size = size

    def _grow(self, size: int) -> None:
        taken = self._hashes != _EMPTY
        hashes, numbers = self._hashes[taken], self._numbers[taken]
        places = 1 << (2 * size).bit_length()
        self._hashes, self._numbers = np.zeros(places, np.uint64), np.zeros(places, np.int32)
        self._place(hashes, numbers)

    def _place(self, hashes: Hashes, numbers: np.ndarray[Any, np.dtype[np.int32]]) -> None:
        places = self._first_places(hashes)
        while hashes.size:
            free = self._hashes[places] == _EMPTY
            # Of several that want one place, the one written last has it; the others go on.
            self._hashes[places[free]] = hashes[free]
            placed = self._hashes[places] == hashes
            self._numbers[places[placed]] = numbers[placed]
            hashes, numbers, places = hashes[~placed], numbers[~placed], self._next_places(places[~placed])

    def _first_places(self, hashes: Hashes) -> Numbers:
        return (hashes & np.uint64(self._hashes.size - 1)).astype(np.int64)

    def _next_places(self, places: Numbers) -> Numbers:
        return (places + 1) & (self._hashes.size - 1)


def _fit(hashes: Hashes) -> Hashes:
    """Return the hashes without the one that marks an empty place."""
    return np.maximum(hashes, _INSTEAD_OF_EMPTY)
