"""Pairs of rows and records, and sets of rows: frames of ``row`` and ``ordinal``, and flags by row.

Rows are numbered within a batch, so that flags are found at once where a join would have to look for them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from pyroaring import BitMap

from cloakroom.claims.remembered import Answered

Flags = np.ndarray[Any, np.dtype[np.bool_]]
_NO_ROWS = pl.Series("row", [], dtype=pl.UInt32)


def row_flags(rows: pl.Series, height: int) -> Flags:
    """Return for each row of a batch of `height` rows whether it is among `rows`."""
    flags = np.zeros(height, np.bool_)
    flags[rows.to_numpy()] = True
    return flags


def records_of(pairs: pl.DataFrame) -> BitMap:
    """Return the records of `pairs`."""
    return BitMap(pairs["ordinal"].to_numpy().astype(np.uint32))


def without(pairs: pl.DataFrame, rows: pl.Series, height: int) -> pl.DataFrame:
    """Return those of `pairs`, of a batch of `height` rows, whose row is not among `rows`."""
    return pairs.filter(pl.Series(~row_flags(rows, height)[pairs["row"].to_numpy()], dtype=pl.Boolean))


def is_single(pairs: pl.DataFrame) -> Flags:
    """Return for each pair whether it is the only one of its row."""
    rows = pairs["row"].to_numpy()
    single: Flags = np.bincount(rows)[rows] == 1
    return single


def crowd_rows(keys: pl.DataFrame, answered: Answered) -> pl.Series:
    """Return the rows whose key is held by too many records to say anything."""
    return keys["row"].filter(pl.Series(answered.crowded, dtype=pl.Boolean)).cast(pl.UInt32)


def settled_rows(ids: pl.DataFrame, id_pairs: pl.DataFrame, email_pairs: pl.DataFrame) -> pl.Series:
    """Return the rows whose id names one record beyond doubt, or together with the address.

    Args:
        ids: ``row`` and ``unmistakable`` of each id.
        id_pairs: Rows and records by id.
        email_pairs: Rows and records by address.
    """
    if id_pairs.height == 0:
        return _NO_ROWS
    single = id_pairs.filter(pl.Series(is_single(id_pairs)))
    sure = single.join(ids.filter("unmistakable").select("row").unique(), on="row", how="semi")["row"]
    backed = single.join(email_pairs, on=["row", "ordinal"], how="semi")["row"]
    return pl.concat([sure, backed]).cast(pl.UInt32).unique()
