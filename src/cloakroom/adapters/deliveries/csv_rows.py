"""Rows of a CSV file, strictly: what does not parse is rejected line by line, and nothing is merged or shifted.

Contract

- A row has exactly as many fields as the header, or it is rejected, naming both counts.
- Quotes follow RFC 4180 §2: a quoted field ends at a quote that stands before a delimiter or the end of the line.
  A quote inside an unquoted field is an ordinary character; text after a closing quote is an error.
- A quote that is never closed would swallow the rows behind it. When a quoted record fails, or when one of the lines
  inside it is a whole row by itself, only its first line is rejected, and reading goes on at the next line.
- A blank line is no row. In a file of one column it is a row with an empty value only when it is written as ``""``.
- Line numbers are physical lines, so that an editor finds them.

The `csv` module of Python does the splitting, in strict mode; this module watches over it. Blocks of lines without
any quote take the quick way of `plain_rows`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import polars as pl

from cloakroom.adapters.deliveries.batches import Limits, RawBlock, Rejection
from cloakroom.adapters.deliveries.detection import Dialect, csv_options, named_encoding
from cloakroom.adapters.deliveries.physical_lines import OVERLONG, read_line_blocks
from cloakroom.adapters.deliveries.plain_rows import is_plain, split_plain
from cloakroom.adapters.deliveries.undecodable import UNDECODABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cloakroom.adapters.deliveries.containers import DeliveryFile

_TOO_LONG = "the line is too long"


@dataclass(slots=True)
class _Parsed:
    """The result of a block of lines: rows at first, columns in the end."""

    rows: list[list[str]] = field(default_factory=list)
    columns: list[pl.Series] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    consumed: int = 0


class RowSplitter:
    """Splits physical lines into rows of one width.

    Args:
        dialect: Delimiter, quote and so on.
        header: Names of the columns.
        limits: How large things may be.
    """

    def __init__(self, dialect: Dialect, header: Sequence[str], limits: Limits) -> None:
        self._header = header
        self._limits = limits
        self._dialect = dialect
        self._options = csv_options(dialect)

    def split(self, lines: list[str], first_line: int, *, is_last: bool, has_marks: bool) -> _Parsed:
        """Parse `lines`; what may continue in the next block is left unconsumed.

        Args:
            lines: With their ends.
            first_line: Physical number of the first of them.
            is_last: No more lines follow in the file.
            has_marks: Some line holds a mark of `physical_lines`.
        """
        parsed = _Parsed()
        if not has_marks and is_plain("".join(lines), self._dialect):
            return self._split_plain(lines, first_line)
        while parsed.consumed < len(lines):
            if not self._parse_run(lines, first_line, parsed, is_last=is_last):
                break
        if has_marks:
            self._reject_marked(parsed)
        values = zip(*parsed.rows, strict=True) if parsed.rows else [() for _ in self._header]
        parsed.columns = [pl.Series(column, dtype=pl.String) for column in values]
        return parsed

    def _split_plain(self, lines: list[str], first_line: int) -> _Parsed:
        width = len(self._header)
        columns, numbers, wrong = split_plain(lines, self._dialect.delimiter, width, first_line)
        rejected = [Rejection(line, None, _ragged(found, width)) for line, found in wrong]
        return _Parsed([], columns, numbers, rejected, len(lines))

    def _parse_run(self, lines: list[str], first_line: int, parsed: _Parsed, *, is_last: bool) -> bool:
        """Parse until the end or the first broken record; return whether to go on."""
        base = start = parsed.consumed
        width = len(self._header)
        reader = csv.reader(islice(lines, base, None), strict=True, **self._options)
        add_row, add_line = parsed.rows.append, parsed.lines.append
        try:
            for row in reader:
                end = base + reader.line_num
                if end - start > 1 and self._swallows(lines[start + 1 : end]):
                    parsed.rejected.append(Rejection(first_line + start, None, "a quote is not closed"))
                    parsed.consumed = start + 1
                    return True
                if len(row) == width:
                    add_row(row)
                    add_line(first_line + start)
                elif row:
                    reason = _TOO_LONG if OVERLONG in row[0] else _ragged(len(row), width)
                    parsed.rejected.append(Rejection(first_line + start, None, reason))
                start = end
        except csv.Error as error:
            may_continue = not is_last and "end of data" in str(error)
            parsed.consumed = start
            if may_continue and len(lines) - start < self._limits.record_lines:
                return False
            parsed.rejected.append(Rejection(first_line + start, None, _reason(error)))
            parsed.consumed = start + 1
            return True
        parsed.consumed = start
        return True

    def _swallows(self, inner: list[str]) -> bool:
        """Return whether a quoted record has too many lines, or one of those inside it is a whole row by itself."""
        if len(inner) >= self._limits.record_lines:
            return True
        width = len(self._header)
        if width < 2:
            return False
        for line in inner:
            try:
                rows = list(csv.reader([line], strict=True, **self._options))
            except csv.Error:
                continue
            if rows and len(rows[0]) == width:
                return True
        return False

    def _reject_marked(self, parsed: _Parsed) -> None:
        kept_rows: list[list[str]] = []
        kept_lines: list[int] = []
        for row, line in zip(parsed.rows, parsed.lines, strict=True):
            bad = next((index for index, value in enumerate(row) if UNDECODABLE in value), None)
            if any(OVERLONG in value for value in row):
                parsed.rejected.append(Rejection(line, None, _TOO_LONG))
            elif bad is None:
                kept_rows.append(row)
                kept_lines.append(line)
            else:
                reason = f"holds bytes that are not {named_encoding(self._dialect)}"
                parsed.rejected.append(Rejection(line, self._header[bad], reason))
        parsed.rows, parsed.lines = kept_rows, kept_lines


def read_csv_blocks(
    file: DeliveryFile, dialect: Dialect, header: Sequence[str], limits: Limits, *, skip_rows: int
) -> Iterator[RawBlock]:
    """Yield the rows of a CSV file in blocks.

    Args:
        file: Positioned at the beginning.
        dialect: How it is written; tells how many lines come before the first row.
        header: Names of the columns.
        limits: How large things may be.
        skip_rows: Number of data rows, rejected ones included, to leave out.
    """
    splitter = RowSplitter(dialect, header, limits)
    carried: list[str] = []
    next_line, rows_read, carried_marks = 1, 0, False
    to_drop = dialect.lines_before_rows
    blocks = read_line_blocks(
        file,
        dialect.encoding,
        dialect.line_end,
        limits,
        lines_in_block=limits.batch_rows + to_drop,
        is_stated=dialect.is_stated,
        is_mixed=dialect.is_mixed,
    )
    for lines, are_marked, is_last in _with_end(blocks):
        if to_drop:
            next_line += to_drop
            del lines[:to_drop]
            to_drop = 0
        current = carried + lines
        has_marks = are_marked or carried_marks
        parsed = splitter.split(current, next_line, is_last=is_last, has_marks=has_marks)
        next_line += parsed.consumed
        carried, carried_marks = current[parsed.consumed :], has_marks and parsed.consumed < len(current)
        rows_before = rows_read
        rows_read += len(parsed.lines) + len(parsed.rejected)
        _skip(parsed, skip_rows - rows_before)
        if parsed.lines or parsed.rejected:
            columns = dict(zip(header, parsed.columns, strict=True))
            parsed.rejected.sort(key=lambda rejection: rejection.line)
            yield RawBlock(parsed.lines, columns, parsed.rejected, rows_read, [])


def _with_end(blocks: Iterator[tuple[list[str], bool]]) -> Iterator[tuple[list[str], bool, bool]]:
    """Add to each block whether it is the last."""
    previous = next(blocks, None)
    for block in blocks:
        assert previous is not None
        yield (*previous, False)
        previous = block
    if previous is not None:
        yield (*previous, True)


def _skip(parsed: _Parsed, count: int) -> None:
    """Leave out the first `count` rows, good or rejected, of what was parsed."""
    if count <= 0:
        return
    places = sorted([*parsed.lines, *(rejection.line for rejection in parsed.rejected)])
    if count >= len(places):
        parsed.lines, parsed.rejected = [], []
        return
    first = places[count]
    kept = next((index for index, line in enumerate(parsed.lines) if line >= first), len(parsed.lines))
    parsed.columns, parsed.lines = [column.slice(kept) for column in parsed.columns], parsed.lines[kept:]
    parsed.rejected = [rejection for rejection in parsed.rejected if rejection.line >= first]


def _ragged(found: int, wanted: int) -> str:
    return f"has {found} {'column' if found == 1 else 'columns'} instead of {wanted}"


def _reason(error: csv.Error) -> str:
    message = str(error)
    if "end of data" in message:
        return "a quote is not closed"
    if "expected after" in message:
        return "text follows a closing quote, or a quote is not closed"
    if "field larger" in message:
        return "a field is too long, or a quote is not closed"
    return "a line end stands inside a field without quotes"
