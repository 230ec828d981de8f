"""Rows that come twice: whether a second one shows a second record, or is a copy.

Where a shop entered somebody twice, an export without ids holds the same row twice, and rightly so: it shows two
records. Where a seller padded his dump with copies, the second row shows nothing new. What rows of a single record do
decides: these repeat only in a dump with copies. Rows are remembered by keyed hashes, those of single records by a
sample.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from cloakroom.claims.row_pairs import is_single

_COPIES_FROM = 0.02
_ONE_IN = 16


class RepeatedRows:
    """Finds the copies among rows that may show several records each."""

    def __init__(self, seed: int) -> None:
        """Take the seed of hashes."""
        self._seed = seed
        self._seen: set[int] = set()
        self._sampled: set[int] = set()
        self._sampled_rows = 0

    @property
    def are_copies(self) -> bool:
        """Return whether rows that can show one record alone come again, too."""
        return self._sampled_rows - len(self._sampled) > _COPIES_FROM * self._sampled_rows

    def without_copies(self, pairs: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the pairs without those of rows that may show several records and came before.

        Args:
            pairs: ``row`` and ``ordinal``.
            frame: The rows as read; letter case and blanks at either end make no difference.
        """
        single = is_single(pairs)
        if single.all():
            return pairs
        rows = pairs["row"].unique().sort()
        text = pl.concat_str(pl.all().fill_null("").str.strip_chars().str.to_lowercase(), separator="\x1f")
        hashes = frame[rows].select(text).to_series().hash(self._seed)
        is_alone = rows.is_in(pairs["row"].filter(pl.Series(single)).implode()).to_numpy()
        alone = hashes.to_numpy()[is_alone]
        sample = alone[alone % np.uint64(_ONE_IN) == 0].tolist()
        self._sampled_rows += len(sample)
        self._sampled.update(sample)
        copies = []
        for row, found in zip(
            rows.to_numpy()[~is_alone].tolist(), hashes.to_numpy()[~is_alone].tolist(), strict=True
        ):
            if found in self._seen:
                copies.append(row)
            self._seen.add(found)
        return pairs.filter(~pl.col("row").is_in(copies)) if copies else pairs
