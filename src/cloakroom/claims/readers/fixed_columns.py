"""Columns of a width, as sqlcmd, SQL*Plus and others print them: a rule of dashes below the names says how wide.

Widths are counted in letters. Where letters of double width move a row's cells, it is cut at its gaps instead; a row
that neither gives as many cells as there are columns is broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.loose import loose_finds
from cloakroom.claims.readers.tolerant import logical_lines
from cloakroom.claims.tables import BROKEN_KEPT, Batch, frame_of

_RULE = re.compile(r"\s*+(?:[-=]{2,}+[ \t]++)++[-=]{2,}+\s*$")
_DASHES = re.compile(r"[-=]+")
_GAP = re.compile(r"\s{2,}")
_COUNT = re.compile(r"\(?\d{1,9} (?:rows?|records?)\b", re.IGNORECASE)
_HEAD_LINES = 60
_ROWS_PER_BATCH = 50_000


@dataclass(frozen=True, slots=True)
class FixedColumns:
    """The names of columns, and where each begins."""

    names: tuple[str, ...]
    starts: tuple[int, ...]

    def cells(self, line: str) -> list[str] | None:
        """Return the cells of a line; None where they stand elsewhere."""
        ends = (*self.starts[1:], len(line) + 1)
        if all(start == 0 or line[start - 1 : start].strip() == "" for start in self.starts):
            return [line[start:end].strip() for start, end in zip(self.starts, ends, strict=True)]
        cells = _GAP.split(line.strip())
        return cells if len(cells) == len(self.starts) else None


def fixed_columns(head: str) -> FixedColumns | None:
    """Return the columns of a text that begins with `head`; None where no rule of dashes says what they are."""
    lines = [line.rstrip("\r") for line in head.split("\n")[:_HEAD_LINES]]
    for above, rule in pairwise(lines):
        if above.strip() and not any(sign in above for sign in "|│") and _RULE.match(rule[: 1 << 16]):
            return _columns(above, rule)
    return None


def _columns(above: str, rule: str) -> FixedColumns | None:
    starts = tuple(match.start() for match in _DASHES.finditer(rule))
    cells = FixedColumns((), starts).cells(above)
    return FixedColumns(tuple(cells), starts) if cells is not None else None


def read_fixed(blocks: Iterator[bytes], columns: FixedColumns, limits: Limits) -> Iterator[Batch]:
    """Yield the rows below every rule of dashes.

    Args:
        blocks: Valid UTF-8.
        columns: Of the first table; one with other columns is a table of its own.
        limits: Lines are cut at `record_bytes`.
    """
    table = _Table(0, columns)
    previous: str | None = None
    for line in logical_lines(blocks, limits.record_bytes):
        if _RULE.match(line[: 1 << 16]) is None:
            table.take(previous)
            previous = line
        else:  # The line above a rule holds names.
            found = _columns(previous or "", line) or table.columns
            if found != table.columns:
                yield table.batch()
                table = _Table(table.section + 1, found)
            table.is_open, previous = True, None
        if len(table.rows) >= _ROWS_PER_BATCH:
            yield table.batch()
    table.take(previous)
    yield table.batch()


@dataclass(slots=True)
class _Table:
    """A table: its rows so far, once its rule was seen."""

    section: int
    columns: FixedColumns
    is_open: bool = False
    rows: list[list[str]] = field(default_factory=list, repr=False)
    broken: list[str] = field(default_factory=list, repr=False)
    remarks: int = 0

    def take(self, line: str | None) -> None:
        """Put a line among the rows, the broken ones or the remarks."""
        if line is None or not line.strip():
            return
        cells = self.columns.cells(line) if self.is_open and not _COUNT.match(line.strip()) else None
        if cells is not None:
            self.rows.append(cells)
        elif loose_finds(line[: 1 << 16]):
            self.broken.append(line[:BROKEN_KEPT])
        else:
            self.remarks += 1

    def batch(self) -> Batch:
        """Hand over what was gathered."""
        rows, broken, remarks = self.rows, tuple(self.broken), self.remarks
        self.rows, self.broken, self.remarks = [], [], 0
        return Batch(frame_of(self.columns.names, rows), broken, len(broken), remarks, self.section)
