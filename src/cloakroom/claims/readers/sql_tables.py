"""The tables that a dump fills, each with the rows that were not handed over yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from cloakroom.claims.tables import BROKEN_KEPT, Batch, frame_of

_ROWS_HELD = 50_000
_SIGNS_HELD = 64 << 20
_APART_BY_NAME = 200
_APART_BY_COLUMNS = 2_000
_CREATED_HELD = 10_000


@dataclass(slots=True)
class Table:
    """Rows of one table with the same columns.

    Attributes:
        number: Of the table within the dump.
        columns: Names of its columns; empty where nothing tells them.
        width: How many values a row has, 0 for not known yet: where no statement names columns, most rows say it.
        rows: Whole rows.
        broken: What could not be read.
    """

    number: int
    columns: tuple[str, ...]
    width: int = 0
    rows: list[list[str | None]] = field(default_factory=list, repr=False)
    broken: list[str] = field(default_factory=list, repr=False)

    def expects(self, width: int) -> bool:
        """Return whether a row of so many values fits, as far as is known."""
        return width == (self.width or len(self.columns) or (len(self.rows[-1]) if self.rows else width))

    def take(self) -> Batch | None:
        """Return what is held, and hold it no longer; None for nothing."""
        if not self.rows and not self.broken:
            return None
        if not self.width and self.rows:
            self.width = Counter(map(len, self.rows)).most_common(1)[0][0]
        width = self.width or len(self.columns)
        rows = [row for row in self.rows if len(row) == width]
        if len(rows) < len(self.rows):
            self.broken += ["\t".join(filter(None, row))[:BROKEN_KEPT] for row in self.rows if len(row) != width]
        is_named = len(self.columns) == width
        names = self.columns if is_named else tuple(f"column {number}" for number in range(1, width + 1))
        made = Batch(frame_of(names, rows), tuple(self.broken), len(self.broken), section=self.number)
        self.rows, self.broken = [], []
        return made


class Tables:
    """The tables of a dump. Holds rows of bounded number and size."""

    def __init__(self) -> None:
        """Begin without any."""
        self._created: dict[str, tuple[str, ...]] = {}
        self._tables: dict[tuple[str, tuple[str, ...]], Table] = {}
        self._latest: Table | None = None
        self._latest_name = ""
        self._latest_columns: tuple[str, ...] = ()
        self._rows = 0
        self._signs = 0

    @property
    def is_full(self) -> bool:
        """Return whether `batches` should be asked for what is held."""
        return self._rows >= _ROWS_HELD or self._signs >= _SIGNS_HELD

    def create(self, name: str, columns: tuple[str, ...]) -> None:
        """Learn the columns of a table."""
        if len(self._created) >= _CREATED_HELD:
            self._created.clear()
        self._created[name.lower()] = columns

    def table(self, name: str, columns: tuple[str, ...]) -> Table:
        """Return the table of a name, filled by statements with these columns; empty where they name none.

        Beyond some hundred tables those with the same columns are one, and beyond some thousand all.
        """
        if self._latest is not None and name is self._latest_name and columns is self._latest_columns:
            return self._latest
        known = self._tables.get((name, columns)) or self._new_table(name, columns)
        self._latest, self._latest_name, self._latest_columns = known, name, columns
        return known

    def _new_table(self, name: str, columns: tuple[str, ...]) -> Table:
        key, names = (name, columns), columns or self._created.get(name.lower(), ())
        if len(self._tables) >= _APART_BY_NAME:
            key = ("", names if len(self._tables) < _APART_BY_COLUMNS else ())
            if known := self._tables.get(key):
                return known
            names = key[1]
        made = Table(len(self._tables), names, len(names) if columns else 0)
        self._tables[key] = made
        return made

    def rename(self, name: str, columns: tuple[str, ...]) -> None:
        """Name the columns of a table's rows, which a statement without names gave and names behind them."""
        if not (unnamed := self._tables.get((name, ()))) or unnamed.width:
            return
        named = self.table(name, columns)
        named.rows += unnamed.rows
        named.broken += unnamed.broken
        unnamed.rows, unnamed.broken = [], []

    def add(self, table: Table, row: list[str | None], text: str) -> None:
        """Take in a row, which stands in the dump as `text`; one that does not fit its table is broken."""
        if table.width and len(row) != table.width:
            self.add_broken(table, text)
        else:
            table.rows.append(row)
            self._rows += 1
            self._signs += len(text)

    def add_broken(self, table: Table, text: str) -> None:
        """Take in what is no row, but should be one."""
        table.broken.append(text[:BROKEN_KEPT])
        self._rows += 1
        self._signs += min(len(text), BROKEN_KEPT)

    def batches(self) -> Iterator[Batch]:
        """Yield what is held."""
        for table in self._tables.values():
            if batch := table.take():
                yield batch
        self._rows = self._signs = 0
