"""Trials of ways to read a text: of the addresses in its beginning, how many each shows, and how cleanly.

A reading that is right shows nearly every address of the text, most as a cell of its own. One that cut the text at
the wrong signs shows them inside longer cells; one that took the text for something else does not show them at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import polars as pl

from cloakroom.claims.addresses import addresses_in
from cloakroom.claims.keys import email_keys
from cloakroom.claims.tables import Batch
from cloakroom.errors import LimitError

ENOUGH = 0.95
"""Share of the addresses of a text that a reading of it must show; a few may stand in titles and remarks."""
_BATCHES = 20
_ADDRESSES_MAX = 5_000
_ADDRESSES_OF_ROW = 4
_COLUMNS_MAX = 600


@dataclass(frozen=True, slots=True)
class Trial:
    """Shares of a text's addresses that a reading shows: as cells of their own, and anywhere in its cells."""

    alone: float
    anywhere: float


def try_reading(batches: Iterable[Batch], addresses: pl.DataFrame) -> Trial:
    """Return how well a reading of the beginning of a text does.

    Args:
        batches: Its rows.
        addresses: The addresses of the same text, as from `addresses_of_text`, one at least.
    """
    wanted = addresses.head(_ADDRESSES_MAX).unique()
    alone: set[str] = set()
    inside: set[str] = set()
    rows = 0
    try:
        for batch in islice(batches, _BATCHES):
            rows += batch.frame.height
            if batch.frame.width > _COLUMNS_MAX:
                return Trial(0.0, 1.0)  # Not worth looking at: whatever it is, it is no table of people.
            if batch.frame.width == 0:
                continue
            # All columns at once: a text that was cut at the wrong signs may have hundreds.
            cells = pl.concat([column.rename("cell") for column in batch.whole().iter_columns()]).drop_nulls()
            keys, _ = email_keys(cells)
            alone.update(keys.drop_nulls().to_list())
            inside.update(addresses_in(cells.filter(keys.is_null()), is_column=True)["key"].to_list())
    except (LimitError, ValueError, OSError, EOFError, LookupError, pl.exceptions.PolarsError):
        return Trial(0.0, 0.0)
    is_crowded = len(alone) > _ADDRESSES_OF_ROW * rows  # Many people in one row: rows were not found.
    return Trial(0.0 if is_crowded else _share(wanted, alone), _share(wanted, alone | inside))


def _share(wanted: pl.DataFrame, shown: set[str]) -> float:
    known = pl.Series(sorted(shown), dtype=pl.String).implode()
    is_shown = wanted["key"].is_in(known) | wanted["long"].is_in(known)
    return int(is_shown.sum()) / wanted.height
