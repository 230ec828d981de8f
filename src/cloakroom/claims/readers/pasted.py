"""Tables pasted into prose: headings, rules, page marks, lines folded by a mailer or a word processor.

A line above a rule is the heading of a new table, except in a box, as the clients of databases draw them: there a
rule stands above the heading, too, and whatever stands above a later rule is a row.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.table_layout import TableLayout
from cloakroom.claims.readers.tolerant import logical_lines, split_line
from cloakroom.claims.tables import BROKEN_KEPT, Batch, frame_of

_RULE = re.compile(r"^[\s|+:=_-]*[-=_]{3}[\s|+:=_-]*$")
_ROWS_PER_BATCH = 50_000


@dataclass(slots=True)
class _Section:
    """One table: the rows below one heading; in a box for as long as no other line comes between."""

    number: int
    columns: int
    header: tuple[str, ...] | None
    is_box: bool = False
    rows: list[list[str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)

    def batch(self) -> Batch:
        """Hand over what was gathered and begin anew."""
        names = self.header or tuple(f"column {number}" for number in range(1, self.columns + 1))
        rejected = len(self.broken)
        made = Batch(frame_of(names, self.rows), tuple(self.broken + self.prose), rejected, section=self.number)
        self.rows, self.broken, self.prose = [], [], []
        return made


def read_pasted(blocks: Iterator[bytes], layout: TableLayout, limits: Limits) -> Iterator[Batch]:
    """Yield the rows of every table in the text; lines outside of tables are looked through for addresses."""
    section = _Section(0, layout.columns, layout.header)
    previous: str | None = None
    is_below_rule = False
    for line in _unfold(logical_lines(blocks, limits.record_bytes), layout):
        if _RULE.match(line):
            if previous is not None and section.is_box:
                _sort_in(previous, section, layout.delimiter)
            elif previous is not None and (layout.delimiter in line or "+" in line):
                section = yield from _new_section(section, previous, layout.delimiter)
                section.is_box = is_below_rule
            previous, is_below_rule = None, True
            continue
        if previous is not None:
            _sort_in(previous, section, layout.delimiter)
            is_below_rule = False
        if layout.delimiter not in line:
            section.is_box = False
        previous = line if line.strip() else None
        if not line.strip() and section.rows:
            yield section.batch()
        if len(section.rows) >= _ROWS_PER_BATCH:
            yield section.batch()
    if previous is not None:
        _sort_in(previous, section, layout.delimiter)
    yield section.batch()


def _new_section(section: _Section, header: str, delimiter: str) -> Generator[Batch, None, _Section]:
    if section.rows or section.broken or section.prose:
        yield section.batch()
    cells = tuple(cell.strip() for cell in split_line(header.strip().strip("|"), delimiter)[0])
    return _Section(section.number + 1, len(cells), cells)


def _sort_in(line: str, section: _Section, delimiter: str) -> None:
    """Put a line among the rows, the broken ones or the prose."""
    stripped = line.strip()
    cells = [cell.strip() for cell in split_line(stripped, delimiter)[0]]
    if len(cells) == section.columns + 2 and not cells[0] and not cells[-1]:  # | a | b |
        cells = cells[1:-1]
    if section.header is not None and tuple(cells) == section.header:
        return
    if len(cells) == section.columns:
        section.rows.append(cells)
    elif len(cells) > 1 and len(cells) * 2 > section.columns:
        section.broken.append(stripped[:BROKEN_KEPT])
    elif "@" in stripped:
        section.prose.append(stripped[:BROKEN_KEPT])


def _unfold(lines: Iterator[str], layout: TableLayout) -> Iterator[str]:
    """Join a line that begins with white space to the one before, where both together make a row.

    One that has all cells of a row is a row by itself: some programs begin every row with a blank.
    """
    delimiter = layout.delimiter
    held: str | None = None
    for line in lines:
        is_indented = line[:1] in " \t" and line.strip() != "" and line.count(delimiter) < layout.columns - 1
        if held is not None and is_indented and delimiter in held and not line.lstrip().startswith(delimiter):
            held = f"{held.rstrip()} {line.strip()}"
            continue
        if held is not None:
            yield held
        held = line
    if held is not None:
        yield held
