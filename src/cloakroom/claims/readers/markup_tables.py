"""Tables in markup: HTML, whatever stands around them, SpreadsheetML of 2003 and the content of ODS documents.

A row is ``tr``, ``Row`` or ``table:table-row``, a cell ``td``, ``th``, ``Cell`` or ``table:table-cell``, in any case
of letters, closed or not. Links give their address where they show none. Repeated and skipped cells (``ss:Index``,
``table:number-columns-repeated``) are given their places, up to a bound. The first row of a table that has several
cells names its columns where it holds no value; what stands in a single cell above is its title. A table inside of a
cell is a table of its own, and so is a row around it only where it shows somebody. Markup is read with the tolerant
parser of the standard library, which expands nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import polars as pl

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.loose import loose_finds
from cloakroom.claims.tables import BROKEN_KEPT, Batch, frame_of

MARKUP = re.compile(r"<(?:\w+:)?(?:table|worksheet)\b", re.IGNORECASE)
_ROW = frozenset({"tr", "row", "table-row"})
_CELL = frozenset({"td", "th", "cell", "table-cell", "covered-table-cell"})
_TABLE = frozenset({"table", "worksheet"})
_BREAK = frozenset({"br", "p", "div", "li"})
_HIDDEN = frozenset({"script", "style", "head", "title", "styles", "documentproperties", "annotation"})
_SHOWN = frozenset({"body", "tr", "td", "th"})
_REPEATED_MAX = 64
_NESTED_MAX = 32
_ROWS_PER_BATCH = 20_000
_ENDED_MAX = 1 << 16


@dataclass(slots=True)
class _Row:
    """A row: its cells so far, how often it stands there, and whether it holds tables."""

    cells: list[str] = field(default_factory=list)
    repeated: int = 1
    holds_tables: bool = False


@dataclass(slots=True)
class _Cell:
    """A cell: its text so far, the value and the link that it gives, and how often it stands there."""

    texts: list[str]
    value: str
    repeated: int
    span: int
    link: str = ""

    def text(self) -> str:
        """Return what the cell says."""
        text = self.value or " ".join("".join(self.texts).split())
        if self.link.lower().startswith(("mailto:", "tel:")) and not loose_finds(text):
            return self.link.partition(":")[2].partition("?")[0]
        return text


@dataclass(slots=True)
class _Table:
    """One table: its rows so far, the names of its columns once they are known, and what is open around it."""

    number: int
    around: tuple[_Row | None, _Cell | None] = (None, None)
    is_nested: bool = False
    rows: list[list[str]] = field(default_factory=list)
    names: list[str] | None = None

    def batch(self, columns_max: int) -> Batch | None:
        """Hand over what was gathered."""
        rows, self.rows = [row[:columns_max] for row in self.rows if any(row)], []
        if self.is_nested and self.names is None and not any(loose_finds(cell) for row in rows for cell in row):
            return None
        if rows and self.names is None:
            width = max(map(len, rows))
            while len(rows) > 1 and width > 1 and _is_title(rows[0]) and not _is_title(rows[1]):
                rows = rows[1:]
            first = rows[0]
            is_heading = len(rows) > 1 and not any(map(loose_finds, first)) and sum(map(bool, first)) > 1
            self.names = first if is_heading else [""] * width
            rows = rows[1:] if is_heading else rows
        if not rows or self.names is None:
            return None
        width = max(len(self.names), *map(len, rows))
        self.names += [""] * (width - len(self.names))
        return Batch(frame_of(self.names, [row + [""] * (width - len(row)) for row in rows]), section=self.number)


def _is_title(row: list[str]) -> bool:
    return sum(map(bool, row)) == 1 and not loose_finds(next(filter(None, row)))


class _Parser(HTMLParser):
    """Gathers the rows of tables while markup is fed in."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(convert_charrefs=True)
        self._columns_max = limits.columns
        self._count = 0
        self._open: list[_Table] = []
        self._row: _Row | None = None
        self._cell: _Cell | None = None
        self._hidden = 0
        self.done: list[_Table] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, row or cell."""
        name = tag.rpartition(":")[2]
        given = {key.rpartition(":")[2]: value or "" for key, value in attrs}
        if tag in _SHOWN or name in _TABLE:
            self._hidden = 0  # A head need not be closed.
        if name in _HIDDEN:
            self._hidden += 1
        elif name in _TABLE:
            self._begin_table()
        elif name in _ROW:
            self._end_row()
            self._row = _Row(repeated=_times(given.get("number-rows-repeated", "1")))
        elif name in _CELL:
            self._begin_cell(given)
        elif self._cell is not None and name == "a":
            self._cell.link = self._cell.link or given.get("href", "")
        elif self._cell is not None and (name in _BREAK or tag == "text:s") and self._cell.texts:
            self._cell.texts.append(" ")

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
            self._end_table()

    def handle_data(self, data: str) -> None:
        """Take text in."""
        if self._cell is not None and not self._hidden:
            self._cell.texts.append(data)

    def rest(self) -> list[_Table]:
        """Return all tables, also those that the text never closed."""
        while self._open:
            self._end_table()
        return self.done

    def full(self) -> Iterator[_Table]:
        """Yield the tables that are worth handing over."""
        yield from self.done
        self.done = []
        yield from (table for table in self._open if len(table.rows) >= _ROWS_PER_BATCH)

    def _begin_table(self) -> None:
        if len(self._open) >= _NESTED_MAX:
            return
        self._count += 1
        if self._cell is None:
            self._end_row()
        elif self._row is not None:
            self._row.holds_tables = True
        self._open.append(_Table(self._count, (self._row, self._cell), self._cell is not None))
        self._row = self._cell = None

    def _end_table(self) -> None:
        self._end_row()
        if self._open:
            table = self._open.pop()
            self._row, self._cell = table.around
            if table.rows:
                self.done.append(table)

    def _begin_cell(self, given: dict[str, str]) -> None:
        self._end_cell()
        self._row = self._row or _Row()
        if given.get("index", "").isdecimal():
            missing = int(given["index"][:9]) - 1 - len(self._row.cells)
            self._row.cells.extend([""] * min(max(missing, 0), self._columns_max))
        value = given.get("date-value") or (given.get("value", "") if given.get("value-type") == "float" else "")
        repeated, span = given.get("number-columns-repeated", "1"), given.get("colspan", "1")
        self._cell = _Cell([], value, _times(repeated), _times(span))

    def _end_cell(self) -> None:
        cell, self._cell = self._cell, None
        if cell is None or self._row is None or len(self._row.cells) >= self._columns_max:
            return
        text = cell.text()
        copies = [text if cell.repeated < _REPEATED_MAX else ""] * (cell.repeated - 1)
        self._row.cells.extend((text, *copies, *[""] * (cell.span - 1)))

    def _end_row(self) -> None:
        self._end_cell()
        row, self._row = self._row, None
        if row is None or not any(row.cells) or not self._open:
            return
        if row.holds_tables and not any(map(loose_finds, row.cells)):
            return
        self._open[-1].rows.extend([row.cells] * (row.repeated if row.repeated < _REPEATED_MAX else 1))


def _times(text: str) -> int:
    """Return how often something stands there, up to a bound."""
    return max(min(int(text[:9]), _REPEATED_MAX), 1) if text.isdecimal() else 1


def read_markup(blocks: Iterator[bytes], limits: Limits) -> Iterator[Batch]:
    """Yield the rows of every table in markup.

    Args:
        blocks: Valid UTF-8.
        limits: Rows have at most `columns` cells; a tag or comment that is longer than `record_bytes` is left out
            with what came with it, counted as one broken row.
    """
    parser = _Parser(limits)
    for block in blocks:
        parser.feed(block.decode("utf-8", "replace"))
        if len(parser.rawdata) > limits.record_bytes:
            yield _left_out(parser)
        for table in parser.full():
            if (made := table.batch(limits.columns)) is not None:
                yield made
    # What is not closed is looked at again and again when the parser ends: hostile texts open many.
    if len(parser.rawdata) > _ENDED_MAX:
        yield _left_out(parser)
    parser.close()
    for table in parser.rest():
        if (made := table.batch(limits.columns)) is not None:
            yield made


def _left_out(parser: _Parser) -> Batch:
    text, parser.rawdata = parser.rawdata, ""
    return Batch(pl.DataFrame(), (text[:BROKEN_KEPT],), 1)
