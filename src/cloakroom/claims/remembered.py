"""Remembers what look-ups found, so that a key is looked up once however often it comes again."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from cloakroom.claims.distinct import DistinctHashes, Hashes
from cloakroom.claims.ports import CustomerIndex, Positions

_Pairs = tuple[Positions, Positions]


class RememberedIndex:
    """A `CustomerIndex` for one kind of key, with a memory of hashes and records; keys themselves are not kept.

    Attributes:
        known: Hashes of the keys that some record holds.
        records_max: Keys held by more records than this say nothing about any of them.
    """

    def __init__(self, index: CustomerIndex, kind: str, seed: int, records_max: int) -> None:
        self._index = index
        self._kind = kind
        self._seed = seed
        self._seen = DistinctHashes()
        self._runs: list[_Pairs] = []
        self.known = DistinctHashes()
        self.crowded = DistinctHashes()
        self.records_max = records_max

    def pairs(self, keys: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray[Any, np.dtype[np.bool_]]]:
        """Return for each row and key the records behind it, and for each key whether it is too common.

        Args:
            keys: ``row`` and ``key``.

        Returns:
            A frame of ``row`` and ``ordinal``, and one truth value for each row of `keys`.
        """
        if keys.height == 0:
            return _no_pairs(), np.zeros(0, np.bool_)
        hashes = keys["key"].hash(self._seed).to_numpy()
        self._learn(keys["key"], hashes)
        positions, ordinals = self._find(hashes)
        found = pl.DataFrame({"row": keys["row"].to_numpy()[positions].astype(np.uint32), "ordinal": ordinals})
        return found, ~self.crowded.unknown(hashes)

    def _learn(self, keys: pl.Series, hashes: Hashes) -> None:
        asked = (
            pl.DataFrame({"key": keys, "hash": hashes}).filter(pl.Series(self._seen.unknown(hashes))).unique("hash")
        )
        if asked.height == 0:
            return
        self._seen.add(asked["hash"].to_numpy())
        found = self._index.lookup(self._kind, asked["key"].to_list())
        hit = asked["hash"].to_numpy()[found.positions]
        self.known.add(hit)
        order = np.argsort(hit, kind="stable")
        hit, ordinals = hit[order], np.asarray(found.ordinals, np.int64)[order]
        _, inverse, counts = np.unique(hit, return_inverse=True, return_counts=True)
        crowd = counts[inverse] > self.records_max
        self.crowded.add(hit[crowd])
        self._runs.append((hit.astype(np.uint64), ordinals))
        while len(self._runs) > 1 and self._runs[-2][0].size < 2 * self._runs[-1][0].size:
            late, early = self._runs.pop(), self._runs.pop()
            merged = np.concatenate((early[0], late[0]))
            order = np.argsort(merged, kind="stable")
            self._runs.append((merged[order], np.concatenate((early[1], late[1]))[order]))

    def _find(self, hashes: Hashes) -> _Pairs:
        places, ordinals = [], []
        is_crowded = ~self.crowded.unknown(hashes)
        order = np.argsort(hashes)  # Looked up in order, neighbours share what the processor has at hand.
        hashes, is_crowded = hashes[order], is_crowded[order]
        for run, held in self._runs:
            left = np.searchsorted(run, hashes, "left")
            counts = np.searchsorted(run, hashes, "right") - left
            counts[is_crowded] = 0
            hit = np.flatnonzero(counts)
            counts, left = counts[hit], left[hit]
            places.append(order[np.repeat(hit, counts)])
            starts = np.repeat(left - np.concatenate(([0], np.cumsum(counts)[:-1])), counts)
            ordinals.append(held[starts + np.arange(starts.size)])
        if not places:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return np.concatenate(places), np.concatenate(ordinals)

    def crowd_of(self, keys: pl.Series, most: int) -> Positions:
        """Return the records behind keys that are too common, at most `most` of them."""
        if len(self.crowded) == 0 or keys.len() == 0:
            return np.zeros(0, np.int64)
        hashes = np.unique(keys.hash(self._seed).to_numpy())
        hashes = hashes[~self.crowded.unknown(hashes)]
        parts: list[Positions] = []
        for run, held in self._runs:
            left, right = np.searchsorted(run, hashes, "left"), np.searchsorted(run, hashes, "right")
            parts.extend(held[start:end] for start, end in zip(left, right, strict=True))
        return np.concatenate(parts)[:most] if parts else np.zeros(0, np.int64)


def _no_pairs() -> pl.DataFrame:
    return pl.DataFrame(schema={"row": pl.UInt32, "ordinal": pl.Int64})
