"""Counts distinct values exactly, in eight bytes each.

Values are kept as 64-bit keyed hashes, never as text. Among 60 million values two different ones share a hash with a
probability below one in ten thousand; the count would then be one too small.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from cloakroom.sorted_arrays import sorted_unique

Hashes = np.ndarray[Any, np.dtype[np.uint64]]
_WAITING_MAX = 1 << 23


def hashes_of(values: pl.Series, seed: int) -> Hashes:
    """Return the hash of each value that is not null."""
    return values.drop_nulls().hash(seed).to_numpy()


class DistinctHashes:
    """A set of hashes, held as a few sorted runs that are merged when they become many.

    What comes in waits until there is enough of it to be worth sorting, or somebody asks.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []
        self._waiting: list[Hashes] = []
        self._waiting_size = 0

    def add(self, hashes: Hashes) -> None:
        """Take hashes in; repetitions are welcome."""
        if hashes.size:
            self._waiting.append(hashes)
            self._waiting_size += hashes.size
            if self._waiting_size >= _WAITING_MAX:
                self._sort()

    def _sort(self) -> None:
        if not self._waiting:
            return
        self._runs.append(sorted_unique(np.concatenate(self._waiting)))
        self._waiting, self._waiting_size = [], 0
        while len(self._runs) > 1 and self._runs[-2].size < 2 * self._runs[-1].size:
            last = self._runs.pop()
            self._runs[-1] = sorted_unique(np.concatenate((self._runs[-1], last)))

    def unknown(self, hashes: Hashes) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return for each hash whether it has not been taken in yet."""
        self._sort()
        unknown = np.ones(hashes.size, np.bool_)
        if not self._runs:
            return unknown
        order = np.argsort(hashes)  # Looked up in order, neighbours share what the processor has at hand.
        hashes = hashes[order]
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, hashes), run.size - 1)
            unknown &= run[places] != hashes
        found = np.empty_like(unknown)
        found[order] = unknown
        return found

    def all(self) -> Hashes:
        """Return all hashes, sorted."""
        self._sort()
        if len(self._runs) > 1:
            self._runs = [sorted_unique(np.concatenate(self._runs))]
        return self._runs[0] if self._runs else np.zeros(0, np.uint64)

    def __len__(self) -> int:
        """Count the distinct hashes."""
        return int(self.all().size)
