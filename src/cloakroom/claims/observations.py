"""Keeps what rows showed of a sample of records, few enough to be opened and compared.

The sample is made by a hash of the record, so that all rows of a chosen record are kept, in whatever file they stand.
When a brand has more records than wanted, the sample is thinned by halves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from cloakroom.claims.row_pairs import is_single

_FULL = np.uint64(0xFFFFFFFFFFFFFFFF)
_ROWS_PER_RECORD = 8


class Observations:
    """Samples of rows, by brand."""

    def __init__(self, records_max: int, seed: int) -> None:
        self._records_max = records_max
        self._seed = np.uint64(seed & 0xFFFFFFFF)
        self._below: dict[str, np.uint64] = {}
        self._frames: dict[str, list[pl.DataFrame]] = {}
        self._rows: dict[str, int] = {}

    def add(self, brand: str, pairs: pl.DataFrame, shown: Callable[[pl.Series], pl.DataFrame]) -> None:
        """Take in rows.

        Args:
            brand: Brand of the records.
            pairs: ``row`` and ``ordinal``.
            shown: Gives the comparison forms of the rows asked for, with a column ``row``.
        """
        below = self._below.setdefault(brand, _FULL)
        chosen = self._chosen(pairs, below)
        if chosen.height == 0:
            return
        values = shown(chosen["row"].sort())
        columns = [name for name in values.columns if name != "row"]
        seen = chosen.join(values, on="row").group_by("ordinal", *columns).agg(pl.len().alias("weight"))
        self._frames.setdefault(brand, []).append(seen)
        self._rows[brand] = self._rows.get(brand, 0) + seen.height
        while (
            self._rows[brand] > self._records_max * _ROWS_PER_RECORD or self._records(brand) > self._records_max * 2
        ):
            self._thin(brand)

    def _chosen(self, pairs: pl.DataFrame, below: np.uint64) -> pl.DataFrame:
        """Return the rows of the sample, each with all that it may show; its first record says whether it is in."""
        alone = is_single(pairs)
        is_chosen = self._hash(pairs["ordinal"].to_numpy()) <= below
        single = pairs.filter(pl.Series(alone & is_chosen)).select("row", pl.concat_list("ordinal"))
        several = pairs.filter(pl.Series(~alone)).group_by("row").agg(pl.col("ordinal").unique().sort())
        first = several["ordinal"].list.first().to_numpy()
        return pl.concat([single, several.filter(pl.Series(self._hash(first) <= below, dtype=pl.Boolean))])

    def _records(self, brand: str) -> int:
        if self._rows[brand] <= self._records_max * 2:
            return 0
        return pl.concat([frame["ordinal"].list.first() for frame in self._frames[brand]]).n_unique()

    def _thin(self, brand: str) -> None:
        below = self._below[brand] // np.uint64(2)
        self._below[brand] = below
        kept = [
            frame.filter(pl.Series(self._hash(frame["ordinal"].list.first().to_numpy()) <= below))
            for frame in self._frames[brand]
        ]
        self._frames[brand] = [pl.concat(kept, how="diagonal")]
        self._rows[brand] = self._frames[brand][0].height

    def _hash(self, ordinals: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.uint64]]:
        """Mix the bits of ordinals (the finaliser of splitmix64)."""
        with np.errstate(over="ignore"):
            mixed = ordinals.astype(np.uint64) + self._seed * np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return each brand's sample: ``ordinal`` (a list: all that a row may show), ``weight``, what was shown."""
        return {brand: pl.concat(frames, how="diagonal") for brand, frames in self._frames.items()}
