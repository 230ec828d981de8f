"""Rows around real keys: an id or an address of ours, and everything else invented.

A sample of the rows whose id names a record is opened and compared. Where hardly any of them differs, the table is
taken as it stands; otherwise all of its rows are compared, and those that contradict prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from cloakroom.claims.agreement import COMPARED

SAMPLE_PAIRS = 100
_BEYOND_CHANCE = 0.02
_MOSTLY = 0.5
_LEAST_DIFFERING = 2
"""One thing changes: people marry, move, and have new numbers. It does not in most rows of a table."""

Compare = Callable[[pl.DataFrame], pl.DataFrame | None]
"""Opens the records of some pairs and compares them (`agreement.compare`); None beyond the limit of openings."""


def fabricated_pairs(pairs: pl.DataFrame, backed: pl.DataFrame, compare: Compare) -> pl.DataFrame:
    """Return the pairs by id, ``row`` and ``ordinal``, whose rows contradict the record that the id names.

    Args:
        pairs: Rows and records by id.
        backed: Those of them whose address or number leads to the same record.
        compare: Opens and compares.
    """
    columns = ["row", "ordinal"]
    strata = [
        pairs.join(backed, on=columns, how="semi").select(columns),
        pairs.join(backed, on=columns, how="anti").select(columns),
    ]
    samples = [_sampled(stratum) for stratum in strata]
    seen = compare(pl.concat(samples))
    if seen is None:
        return pairs.clear().select(columns)
    found = []
    for stratum, sample in zip(strata, samples, strict=True):
        contradicting = contradictions(seen.join(sample, on=columns, how="semi"))
        if sample.height < stratum.height and contradicting.height > _BEYOND_CHANCE * sample.height:
            every = compare(stratum)
            # Beyond the limit of openings the sample speaks for all.
            if every is None and 2 * contradicting.height > sample.height:
                contradicting = stratum
            elif every is not None:
                contradicting = contradictions(every)
        found.append(contradicting.select(columns))
    return pl.concat(found)


def contradictions(compared: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs of which nothing agrees but the id, or the id and one key, while other things differ."""
    if compared.height == 0:
        return pl.DataFrame(schema={name: COMPARED[name] for name in ("row", "ordinal")})
    alone = pl.col("agrees") <= pl.min_horizontal("keys", pl.lit(1))
    share = compared.select((alone & (pl.col("differs") >= 1)).mean()).item()
    # Among rows that are mostly made up those of whose records we hold nothing to compare are no better.
    least = 0 if share > _MOSTLY else _LEAST_DIFFERING
    return compared.filter(alone & (pl.col("differs") >= least)).select("row", "ordinal")


def _sampled(pairs: pl.DataFrame) -> pl.DataFrame:
    if pairs.height <= SAMPLE_PAIRS:
        return pairs
    return pairs[np.linspace(0, pairs.height - 1, SAMPLE_PAIRS).astype(np.int64)]
