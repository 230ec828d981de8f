"""Groups of records that share a key, and connected components over millions of them: array arithmetic only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from cloakroom.sorted_arrays import sorted_unique

__all__ = ["Flags", "Holders", "Ordinals", "Pairs", "Words", "connect", "find_holders", "select_keys"]

Ordinals = np.ndarray[Any, np.dtype[np.uint32]]
Words = np.ndarray[Any, np.dtype[np.uint64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Integers = np.ndarray[Any, np.dtype[np.int64]]
Pairs = tuple[Ordinals, Ordinals]


@dataclass(frozen=True, slots=True)
class Holders:
    """The holders of each key: records in one row, those of one key side by side, each once.

    Attributes:
        ordinals: Records.
        starts: First position of each key.
        sizes: Number of holders of each key.
    """

    ordinals: Ordinals
    starts: Integers
    sizes: Integers

    def all_pairs(self) -> Pairs:
        """Return every pair of records that share a key, smaller ordinal first, each pair once."""
        firsts, seconds = [], []
        for size in np.unique(self.sizes[self.sizes > 1]):
            rows = self.starts[self.sizes == size]
            for one, other in combinations(range(int(size)), 2):
                firsts.append(self.ordinals[rows + one])
                seconds.append(self.ordinals[rows + other])
        return _unique_pairs(_joined(firsts), _joined(seconds))

    def chain_pairs(self) -> Pairs:
        """Return neighbours only: fewer pairs that connect the same records, for where pairs are not looked at."""
        inner = np.ones(len(self.ordinals), dtype=bool)
        inner[self.starts] = False
        after = np.flatnonzero(inner)
        return self.ordinals[after - 1], self.ordinals[after]


def find_holders(words: Words, ordinals: Ordinals) -> Holders:
    """Sort keys and records into `Holders`; a record that holds a key several times counts once."""
    order = np.argsort(words)
    words, ordinals = words[order], ordinals[order]
    del order
    starts = _run_starts(words)
    sizes = np.diff(starts, append=len(words))
    # Only keys in several rows need their records sorted and told apart; most keys stand alone.
    several = np.repeat(sizes > 1, sizes)
    positions = np.flatnonzero(several)
    within = np.lexsort((ordinals[positions], words[positions]))
    ordinals[positions] = ordinals[positions][within]
    fresh = np.ones(len(words), dtype=bool)
    fresh[1:] = (words[1:] != words[:-1]) | (ordinals[1:] != ordinals[:-1])
    words, ordinals = words[fresh], ordinals[fresh]
    starts = _run_starts(words)
    return Holders(ordinals, starts, np.diff(starts, append=len(words)))


def select_keys(holders: Holders, chosen: Flags) -> Holders:
    """Return the holders of the chosen keys only."""
    sizes = holders.sizes[chosen]
    ordinals = holders.ordinals[np.repeat(chosen, holders.sizes)]
    return Holders(ordinals, np.cumsum(sizes) - sizes, sizes)


def connect(labels: Ordinals, pairs: Pairs) -> Ordinals:
    """Merge the components that `pairs` join.

    Args:
        labels: Per record, the smallest ordinal of its component; `np.arange(n)` to begin with. Left unchanged.
        pairs: Records to join.

    Returns:
        New labels of the same form.
    """
    labels = labels.copy()
    first, second = pairs
    while len(first):
        here, there = labels[first], labels[second]
        apart = here != there
        first, second, here, there = first[apart], second[apart], here[apart], there[apart]
        np.minimum.at(labels, np.maximum(here, there), np.minimum(here, there))
        while True:  # halve every path until all lead to a root
            nearer = labels[labels]
            if np.array_equal(nearer, labels):
                break
            labels = nearer
    return labels


def _run_starts(words: Words) -> Integers:
    if not len(words):
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.concatenate(([True], words[1:] != words[:-1])))


def _joined(parts: list[Ordinals]) -> Ordinals:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint32)


def _unique_pairs(first: Ordinals, second: Ordinals) -> Pairs:
    packed = sorted_unique((first.astype(np.uint64) << np.uint64(32)) | second)
    return (packed >> np.uint64(32)).astype(np.uint32), packed.astype(np.uint32)
