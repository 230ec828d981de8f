"""Remembers what look-ups found, so that a key is looked up once however often it comes again.

A batch is asked for first and answered later, so that the look-ups of one go on while another is worked on. Answers
are taken in the order in which was asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from cloakroom.claims.key_table import KeyTable, Numbers
from cloakroom.claims.ports import Answer, CustomerIndex, Positions

_Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A batch whose keys are being looked up.

    Attributes:
        rows: Row of each key.
        numbers: Number of each key.
        fresh: How many of the keys had not come before.
        answer: Gives what was found of these.
    """

    rows: np.ndarray[Any, np.dtype[np.uint32]] = field(repr=False)
    numbers: Numbers = field(repr=False)
    fresh: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class Answered:
    """The records behind the keys of a batch.

    Attributes:
        pairs: ``row`` and ``ordinal`` of the records behind each row's keys, those of crowds left out.
        numbers: For each key a number, the same wherever it comes.
        known: For each key, whether any record holds or held it.
        crowded: For each key, whether too many records hold it.
    """

    pairs: pl.DataFrame = field(repr=False)
    numbers: Numbers = field(repr=False)
    known: _Flags = field(repr=False)
    crowded: _Flags = field(repr=False)


class RememberedIndex:
    """A `CustomerIndex` for one kind of key, with a memory of hashes and records; keys themselves are not kept."""

    def __init__(self, index: CustomerIndex, kind: str, seed: int, records_max: int) -> None:
        """Take the index, the kind of key, a seed for hashes, and the most records that may hold a telling key."""
        self._index = index
        self._kind = kind
        self._seed = seed
        self._records_max = records_max
        self._table = KeyTable()
        self._starts = _Column()
        self._counts = _Column()
        self._ordinals = _Column()

    def ask(self, keys: pl.DataFrame) -> Asked:
        """Begin to look up the keys of a batch that have not come before.

        Args:
            keys: ``row`` and ``key``.
        """
        hashes = keys["key"].hash(self._seed).to_numpy()
        numbers = self._table.numbers(hashes)
        new = numbers < 0
        fresh = pl.DataFrame({"key": keys["key"], "hash": hashes}).filter(pl.Series(new)).unique("hash")
        self._table.add(fresh["hash"].to_numpy())
        numbers[new] = self._table.numbers(hashes[new])
        answer = self._index.look_up(self._kind, fresh["key"])
        return Asked(keys["row"].to_numpy().astype(np.uint32), numbers, fresh.height, answer)

    def answer(self, asked: Asked) -> Answered:
        """Return what is known of the keys of a batch, the oldest of those asked for."""
        found = asked.answer()
        fresh = np.bincount(found.positions, minlength=asked.fresh)
        self._starts.append(len(self._ordinals) + np.cumsum(fresh) - fresh)
        self._counts.append(fresh)
        self._ordinals.append(found.ordinals[np.argsort(found.positions, kind="stable")])
        counts = self._counts.values[asked.numbers]
        crowded = counts > self._records_max
        wanted = np.where(crowded, 0, counts).astype(np.int64)
        pairs = pl.DataFrame(
            {"row": np.repeat(asked.rows, wanted), "ordinal": self._records(asked.numbers, wanted)},
            schema={"row": pl.UInt32, "ordinal": pl.Int64},
        )
        return Answered(pairs, asked.numbers, counts > 0, crowded)

    def pairs(self, keys: pl.DataFrame) -> Answered:
        """Ask and answer at once."""
        return self.answer(self.ask(keys))

    def crowd_of(self, keys: pl.Series, most: int) -> Positions:
        """Return the records behind keys that have come before and are too common, at most `most` of them."""
        numbers = np.unique(self._table.numbers(keys.hash(self._seed).to_numpy()))
        numbers = numbers[numbers >= 0]
        counts = self._counts.values[numbers]
        crowded = counts > self._records_max
        return self._records(numbers[crowded], counts[crowded].astype(np.int64))[:most]

    def _records(self, numbers: Numbers, counts: Positions) -> Positions:
        """Return the first so many records of each key, one after the other."""
        ends = np.cumsum(counts)
        starts = self._starts.values[numbers]
        places = np.arange(ends[-1] if ends.size else 0) + np.repeat(starts - ends + counts, counts)
        ordinals: Positions = self._ordinals.values[places].astype(np.int64)
        return ordinals


class _Column:
    """An array of numbers below 2**31 that grows at its end."""

    def __init__(self) -> None:
        self._held = np.zeros(1 << 12, np.int32)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def values(self) -> np.ndarray[Any, np.dtype[np.int32]]:
        return self._held[: self._size]

    def append(self, values: Positions) -> None:
        size = self._size + values.size
        if size > self._held.size:
            grown = np.zeros(max(size, 2 * self._held.size), np.int32)
            grown[: self._size] = self.values
            self._held = grown
        self._held[self._size : size] = values
        self._size = size
