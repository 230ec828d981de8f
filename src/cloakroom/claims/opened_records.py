"""Records opened to be compared with rows: no more than the limit allows, and remembered which."""

from __future__ import annotations

from datetime import date

import polars as pl
from pyroaring import BitMap

from cloakroom.claims.agreement import compare
from cloakroom.claims.concepts import Concept
from cloakroom.claims.ports import History
from cloakroom.claims.row_pairs import records_of
from cloakroom.claims.sizing import KeyedRows
from cloakroom.claims.values import NAMES, OPENED, held_values, name_marks, shown_values


class OpenedRecords:
    """The values of records and of rows side by side.

    Attributes:
        asked: Records whose values were opened.
    """

    def __init__(self, history: History, records_max: int, today: date) -> None:
        """Take what opens values, how many records may be opened, and the day after which no two-digit year lies."""
        self._history = history
        self._records_max = records_max
        self._today = today
        self.asked = BitMap()

    def is_beyond_limit(self, wanted: BitMap) -> bool:
        """Return whether opening these records, too, would be more than is allowed."""
        return len(self.asked | wanted) > self._records_max

    def open(self, wanted: BitMap) -> pl.DataFrame:
        """Return the values of records (`values.held_values`)."""
        self.asked |= wanted
        opened = self._history.open_versions(wanted, OPENED)
        parts = [held_values(part, self._today) for part in opened if part.height]
        return pl.concat(parts) if parts else pl.DataFrame(schema={"ordinal": pl.Int64})

    def shown(self, keyed: KeyedRows, rows: pl.Series, *, is_marked: bool = False) -> pl.DataFrame:
        """Return ``row`` and what rows show (`values.shown_values`), with `values.name_marks` if `is_marked`."""
        part = keyed.frame[rows]
        shown = shown_values(part, keyed.recognised, keyed.country[rows], self._today)
        if is_marked and "name" in shown.columns:
            emails = shown["email"] if "email" in shown.columns else pl.Series([""] * shown.height, dtype=pl.String)
            shown = shown.hstack(name_marks(part, keyed.recognised, emails))
        return shown.with_columns(rows.alias("row")) if shown.width else pl.DataFrame({"row": rows})

    def compared(self, keyed: KeyedRows, pairs: pl.DataFrame) -> pl.DataFrame | None:
        """Open the records of pairs and compare them with their rows; None beyond the limit of openings."""
        wanted = records_of(pairs)
        if self.is_beyond_limit(wanted):
            return None
        shown = self.shown(keyed, pairs["row"].unique().sort(), is_marked=True)
        return compare(shown, pairs, self.open(wanted), is_name_partial=is_name_partial(keyed))


def is_name_partial(keyed: KeyedRows) -> bool:
    """Return whether a table shows only one part of names."""
    return len(keyed.recognised.columns(*NAMES)) == 1 and not keyed.recognised.columns(Concept.NAME)
