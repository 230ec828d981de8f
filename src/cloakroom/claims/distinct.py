"""Counts distinct values exactly, in eight bytes each.

Values are kept as 64-bit keyed hashes, never as text. Among 60 million values two different ones share a hash with a
probability below one in ten thousand; the count would then be one too small.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

Hashes = np.ndarray[Any, np.dtype[np.uint64]]


def hashes_of(values: pl.Series, seed: int) -> Hashes:
    """Return the hash of each value that is not null."""
    return values.drop_nulls().hash(seed).to_numpy()


class DistinctHashes:
    """A set of hashes, held as a few sorted runs that are merged when they become many."""

    def __init__(self) -> None:
        self._runs: list[Hashes] = []

    def add(self, hashes: Hashes) -> None:
        """Take hashes in; repetitions are welcome."""
        self.add_sorted(sorted_unique(hashes))

    def add_sorted(self, hashes: Hashes) -> None:
        """Take hashes in that `sorted_unique` has made."""
        if hashes.size:
            self._runs.append(hashes)
            while len(self._runs) > 1 and self._runs[-2].size < 2 * self._runs[-1].size:
                last = self._runs.pop()
                self._runs[-1] = sorted_unique(np.concatenate((self._runs[-1], last)))

    def unknown(self, hashes: Hashes) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Say of each hash whether it has not been taken in yet."""
        unknown = np.ones(hashes.size, np.bool_)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, hashes), run.size - 1)
            unknown &= run[places] != hashes
        return unknown

    def all(self) -> Hashes:
        """Return all hashes, sorted."""
        if len(self._runs) > 1:
            self._runs = [sorted_unique(np.concatenate(self._runs))]
        return self._runs[0] if self._runs else np.zeros(0, np.uint64)

    def __len__(self) -> int:
        """Count the distinct hashes."""
        return int(self.all().size)


def sorted_unique(hashes: Hashes) -> Hashes:
    """Return the distinct hashes, sorted."""
    hashes = np.sort(hashes)
    if hashes.size < 2:
        return hashes
    first = np.empty(hashes.size, np.bool_)
    first[0] = True
    np.not_equal(hashes[1:], hashes[:-1], out=first[1:])
    return hashes if first.all() else hashes[first]
