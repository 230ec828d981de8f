"""The state of one table of a dump: what is known of it so far, and which fields its rows fill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from pyroaring import BitMap

from cloakroom.claims.concepts import REPORTED, Concept, Recognised
from cloakroom.claims.doubtful_ids import TableIds
from cloakroom.claims.side_tables import TableLinks
from cloakroom.claims.sizing import KeyedRows


@dataclass(slots=True)
class TableState:
    """State of one table so far.

    Attributes:
        brands: Rows by brand, where there was no doubt.
        ids: The worth of its doubtful ids.
        fields: Fields that rows of each brand fill.
        learned: Meanings that values gave away, by the columns of a batch.
        agreeing: Rows without ids that prove a record.
        contradicting: Rows that contradict the records that they share a key with.
        told: Records of rows whose address tells the name.
        rows: Rows by kind.
        links: Its ids, by which it is joined to other tables.
    """

    brands: Counter[str] = field(default_factory=Counter)
    ids: TableIds = field(default_factory=TableIds)
    fields: dict[str, set[str]] = field(default_factory=dict)
    learned: dict[tuple[str, ...], Recognised] = field(default_factory=dict)
    agreeing: int = 0
    contradicting: int = 0
    told: BitMap = field(default_factory=BitMap)
    rows: Counter[str] = field(default_factory=Counter)
    links: TableLinks = field(default_factory=TableLinks)

    @property
    def is_borne_out(self) -> bool:
        """Return whether more rows without ids prove a record than contradict those that share a key with them."""
        return self.agreeing > self.contradicting


def without_foreign_ids(keyed: KeyedRows, *, has_ids: bool) -> KeyedRows:
    """Give columns of ids that name no record of ours no meaning: they are of something else, such as rows."""
    if has_ids or not keyed.recognised.columns(Concept.RECORD_ID):
        return keyed
    meanings = {
        column: Concept.OTHER if meaning is Concept.RECORD_ID else meaning
        for column, meaning in keyed.recognised.by_column.items()
    }
    return replace(keyed, recognised=Recognised(meanings))


def filled_fields(keyed: KeyedRows, rows: np.ndarray[Any, Any]) -> set[str]:
    """Return the fields, as reports name them, that any of some rows fills."""
    part = keyed.frame if rows.size == keyed.frame.height else keyed.frame[rows]
    filled = part.select((pl.all().is_not_null() & (pl.all().str.len_bytes() > 0)).any()).row(0)
    return {
        REPORTED[keyed.recognised.by_column[column]]
        for column, is_filled in zip(part.columns, filled, strict=True)
        if is_filled and keyed.recognised.by_column[column] in REPORTED
    }


def all_fields(tables: Iterable[TableState], brand: str) -> tuple[str, ...]:
    """Return the fields that rows of a brand fill in any table, in the order of reports."""
    found = set().union(*(table.fields.get(brand, set()) for table in tables))
    return tuple(name for name in dict.fromkeys(REPORTED.values()) if name in found)
