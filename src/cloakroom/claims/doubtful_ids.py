"""Ids that anybody could have made up, such as short numbers: when they prove a record all the same.

A row with such an id is **backed** where its address or number leads to the same record, **contradicted** where its
address is none of that record's, and **bare** where it shows nothing to be looked up. Bare rows are believed while
the table has more backed rows than contradicted ones. A table that shows no addresses at all is judged by what else
a sample of its rows shows: values that few people share must be those of the record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from pyroaring import BitMap

from cloakroom.claims.concepts import Concept
from cloakroom.claims.learning import IdSpelling
from cloakroom.claims.tables import share_of

SAMPLE_ROWS = 300
_LEAST_ROWS = 5
_LEAST_SHARE = 0.5
_TELLING = ("name", *(concept.value for concept in (
    Concept.BIRTH_DATE, Concept.STREET, Concept.POSTCODE, Concept.CITY, Concept.TOTAL_SALES)))  # fmt: skip


@dataclass(frozen=True, slots=True)
class DoubtfulPairs:
    """Rows and the records that their ids name: ``row`` and ``ordinal``, split by what else the rows show."""

    backed: pl.DataFrame
    contradicted: pl.DataFrame
    bare: pl.DataFrame


@dataclass(slots=True)
class TableIds:
    """The worth of one table's doubtful ids so far.

    Attributes:
        columns: Columns found to hold ids, and how they are to be spelled, by the columns of the batch.
        unbacked: Records that are named by nothing but doubtful ids not believed so far.
    """

    columns: dict[tuple[str, ...], dict[str, IdSpelling]] = field(default_factory=dict)
    unbacked: BitMap = field(default_factory=BitMap)
    _backed: int = 0
    _contradicted: int = 0
    _is_borne_out: bool | None = None

    @property
    def are_contradicted(self) -> bool:
        """Return whether the values of rows, or their addresses, are not those of the records that the ids name."""
        return self._is_borne_out is False or self._contradicted > self._backed

    @property
    def are_believed(self) -> bool:
        """Return whether addresses and numbers bear the ids out more often than not."""
        return self._backed > self._contradicted

    def proving(
        self,
        pairs: pl.DataFrame,
        others: pl.DataFrame,
        addressed: pl.Series,
        bears_out: Callable[[pl.DataFrame], bool | None],
    ) -> pl.DataFrame:
        """Return the pairs of doubtful ids that prove their record.

        Args:
            pairs: ``row`` and ``ordinal`` by id.
            others: The same by address and number.
            addressed: Rows that show an address that says something.
            bears_out: Answers of some pairs whether the values of the rows are those of the records.
        """
        found = sort_out(pairs, others, addressed)
        self._backed += found.backed.height
        self._contradicted += found.contradicted.height
        if not self._backed + self._contradicted and self._is_borne_out is None and found.bare.height:
            self._is_borne_out = bears_out(found.bare.head(SAMPLE_ROWS))
        if self.are_believed or (self._is_borne_out and not self._contradicted):
            return pl.concat([found.backed, found.bare])
        self.unbacked |= BitMap(found.bare["ordinal"].to_numpy().astype(np.uint32))
        return found.backed


def sort_out(pairs: pl.DataFrame, others: pl.DataFrame, addressed: pl.Series) -> DoubtfulPairs:
    """Split pairs of doubtful ids.

    Args:
        pairs: ``row`` and ``ordinal`` by id.
        others: The same by address and number.
        addressed: Rows that show an address that says something.
    """
    backed = pairs.join(others, on=["row", "ordinal"], how="semi")
    rest = pairs.join(backed.select("row").unique(), on="row", how="anti")
    shows = pl.DataFrame({"row": addressed.unique()}, schema={"row": pl.UInt32})
    elsewhere = pl.concat([shows, others.select("row")]).unique()
    return DoubtfulPairs(
        backed, rest.join(elsewhere, on="row", how="semi"), rest.join(elsewhere, on="row", how="anti")
    )


def values_bear_out(shown: pl.DataFrame, pairs: pl.DataFrame, held: pl.DataFrame) -> bool | None:
    """Return whether what rows show is what the records named by their ids hold; None where nothing tells.

    Args:
        shown: ``row`` and the columns of `values.shown_values`.
        pairs: ``row`` and ``ordinal`` by id.
        held: The columns of `values.held_values` of those records.
    """
    names = [name for name in _TELLING if name in shown.columns and name in held.columns]
    if not names or held.height == 0:
        return None
    joined = pairs.join(shown, on="row").join(
        held.select("ordinal", *(pl.col(name).alias(f"held_{name}") for name in names)), on="ordinal"
    )
    # An amount that differs says nothing: it may be that of one order.
    filled = pl.any_horizontal(
        *(pl.col(name).fill_null("") != "" for name in names if name != Concept.TOTAL_SALES.value),
        pl.lit(value=False),
    )
    same = (((pl.col(name) != "") & (pl.col(name) == pl.col(f"held_{name}"))) for name in names)
    equal = pl.any_horizontal(*same).fill_null(value=False)
    rows = joined.filter(filled | equal).group_by("row").agg(equal.any().alias("equal"))
    return share_of(rows["equal"]) > _LEAST_SHARE if rows.height >= _LEAST_ROWS else None
