"""Tables in markup: HTML, whatever stands around them, SpreadsheetML of 2003 and the content of ODS documents.

A row is ``tr``, ``Row`` or ``table:table-row``, a cell ``td``, ``th``, ``Cell`` or ``table:table-cell``, in any case
of letters, closed or not. Links give their address where they show none. Repeated and skipped cells (``ss:Index``,
``table:number-columns-repeated``) are given their places, up to a bound. The first row of a table names its columns
where it holds no value. Markup is read with the tolerant parser of the standard library, which expands nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.loose import loose_finds
from cloakroom.claims.tables import Batch, frame_of

MARKUP = re.compile(r"<(?:\w+:)?(?:table|worksheet)\b", re.IGNORECASE)
_ROW = frozenset({"tr", "row", "table-row"})
_CELL = frozenset({"td", "th", "cell", "table-cell"})
_TABLE = frozenset({"table", "worksheet"})
_BREAK = frozenset({"br", "p", "div", "li"})
_HIDDEN = frozenset({"script", "style", "head", "styles", "documentproperties"})
_REPEATED_MAX = 64
_ROWS_PER_BATCH = 20_000


@dataclass(slots=True)
class _Table:
    """One table: its rows so far, and the names of its columns once they are known."""

    number: int
    rows: list[list[str]] = field(default_factory=list)
    names: list[str] | None = None

    def batch(self, columns_max: int) -> Batch | None:
        """Hand over what was gathered."""
        rows, self.rows = [row[:columns_max] for row in self.rows if any(row)], []
        if rows and self.names is None:
            first = rows[0]
            is_heading = len(rows) > 1 and not any(loose_finds(cell) for cell in first) and sum(map(bool, first)) > 1
            self.names = first if is_heading else [""] * max(map(len, rows))
            rows = rows[1:] if is_heading else rows
        if not rows or self.names is None:
            return None
        width = max(len(self.names), *map(len, rows))
        self.names += [""] * (width - len(self.names))
        return Batch(frame_of(self.names, [row + [""] * (width - len(row)) for row in rows]), section=self.number)


class _Parser(HTMLParser):
    """Gathers the rows of tables while markup is fed in."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(convert_charrefs=True)
        self._columns_max = limits.columns
        self._count = 0
        self._open: list[_Table] = []
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._link = ""
        self._hidden = 0
        self._repeated = 1
        self.done: list[_Table] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, row or cell."""
        name = tag.rpartition(":")[2]
        given = {key.rpartition(":")[2]: value or "" for key, value in attrs}
        if name in _HIDDEN:
            self._hidden += 1
        elif name in _TABLE:
            self._end_row()
            self._count += 1
            self._open.append(_Table(self._count))
        elif name in _ROW:
            self._end_row()
            self._row = []
        elif name in _CELL:
            self._begin_cell(given)
        elif self._cell is not None and name == "a":
            self._link = given.get("href", "")
        elif self._cell is not None and name in _BREAK and self._cell:
            self._cell.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin and end a table, row or cell."""
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """End a table, row or cell; whatever is open inside ends with it."""
        name = tag.rpartition(":")[2]
        if name in _HIDDEN:
            self._hidden = max(self._hidden - 1, 0)
        elif name in _CELL:
            self._end_cell()
        elif name in _ROW:
            self._end_row()
        elif name in _TABLE:
            self._end_row()
            if self._open:
                self.done.append(self._open.pop())

    def handle_data(self, data: str) -> None:
        """Take text in."""
        if self._cell is not None and not self._hidden:
            self._cell.append(data)

    def rest(self) -> list[_Table]:
        """Return all tables, also those that the text never closed."""
        self._end_row()
        return [*self.done, *reversed(self._open)]

    def full(self) -> Iterator[_Table]:
        """Yield the tables that are worth handing over."""
        yield from self.done
        self.done = []
        yield from (table for table in self._open if len(table.rows) >= _ROWS_PER_BATCH)

    def _begin_cell(self, given: dict[str, str]) -> None:
        self._end_cell()
        self._row = [] if self._row is None else self._row
        if given.get("index", "").isdecimal():
            missing = int(given["index"]) - 1 - len(self._row)
            self._row.extend([""] * min(max(missing, 0), self._columns_max))
        repeated = given.get("number-columns-repeated", given.get("colspan", "1"))
        self._repeated = min(int(repeated), _REPEATED_MAX) if repeated.isdecimal() and repeated != "0" else 1
        self._cell = []
        self._link = ""

    def _end_cell(self) -> None:
        if self._cell is None or self._row is None:
            return
        text = " ".join("".join(self._cell).split())
        if self._link.lower().startswith(("mailto:", "tel:")) and not loose_finds(text):
            text = self._link.partition(":")[2].partition("?")[0]
        if len(self._row) < self._columns_max:
            self._row.extend([text, *([text if self._repeated < _REPEATED_MAX else ""] * (self._repeated - 1))])
        self._cell = None

    def _end_row(self) -> None:
        self._end_cell()
        if self._row and self._open:
            self._open[-1].rows.append(self._row)
        self._row = None


def read_markup(blocks: Iterator[bytes], limits: Limits) -> Iterator[Batch]:
    """Yield the rows of every table in markup.

    Args:
        blocks: Valid UTF-8.
        limits: Rows have at most `columns` cells.
    """
    parser = _Parser(limits)
    for block in blocks:
        parser.feed(block.decode("utf-8", "replace"))
        for table in parser.full():
            if (made := table.batch(limits.columns)) is not None:
                yield made
    parser.close()
    for table in parser.rest():
        if (made := table.batch(limits.columns)) is not None:
            yield made
