"""SQL dumps: INSERT statements of any dialect, and PostgreSQL's COPY blocks. Read, never run.

A row is a list of values in parentheses or behind SELECT. One that cannot be read, or has another number of values
than the columns of its table, is rejected; reading goes on where the next one seems to begin. A list of nothing but
names and parameters, as in a trigger, is no row.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.sql_ahead import Ahead
from cloakroom.claims.readers.sql_dialect import has_escapes
from cloakroom.claims.readers.sql_fragment import find_fragment
from cloakroom.claims.readers.sql_rows_plain import PLAIN_ROWS
from cloakroom.claims.readers.sql_statements import Form, Statement, late_columns, read_statement
from cloakroom.claims.readers.sql_tables import Table, Tables
from cloakroom.claims.readers.sql_tokens import Kind, Tokens, unescaped, unescaped_copy
from cloakroom.claims.readers.sql_values import MalformedError, Row, ValueReader
from cloakroom.claims.tables import BROKEN_KEPT, Batch
from cloakroom.errors import LimitError

_START = re.compile(
    r"(?<![\w$.@'\"`\[-])(insert|upsert|replace(?=\s+into)|copy|create(?=\s+(?:\w+\s+){0,4}table\b)|merge|update"
    r"|(?:(?<=\n)|(?<=\s\s)|\A)into)(?=[\s`\"\[])",
    re.IGNORECASE,
)
_RESYNC = re.compile(
    r"(?<=\n)[ \t]*+(?=\(|insert\s|into\s|replace\s|copy\s|create\s|--|/\*|unlock\s)|;[ \t]*+(?:\r?\n|(?=insert\s))"
    r"|(?<=[)'\d])\s*+,\s*+(?=\()|(?<=\))[ \t]++(?=insert\s++into\s)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    r"(?:[\s,]++|--[^\n]*+|(?:\A|(?<=\n))\#[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+(?:row\s*+(?=\())?+", re.I
)
_SELECT = re.compile(r"(?:[\s()]++|\b(?:union|all|distinct)\b)*+\bselect\b", re.IGNORECASE)
_RECORD = re.compile(r'(?:[^"\n]++|"(?:[^"]++|"")*+")*+(?:\n|\Z)')
_UNION = re.compile(r"\bunion\b|;(?=[ \t]*+\r?(?:\n|\Z))", re.IGNORECASE)
_LITERAL = re.compile(r"'[^']")
_BEHIND_ROWS = re.compile(
    r"\)\s*+[\w;]|(?:on|returning|as|where|from|order|group|limit|having|with)\b", re.IGNORECASE
)
_ROWS_OF_HEADING = re.compile(
    r"\bvalues\s*+(?=\(\s*+(?:n?['\"]|[-\d]|null\b))|(?P<set>\bset\s++[\w`\"]++\s*+=)", re.IGNORECASE
)
_RESUMED_MAX = 1 << 14
_RECORD_RETRIED = 1 << 10
_HEADING_MAX = 1 << 16
_HEADING_RETRIED = 1 << 11
_HEADINGS_KEPT = 8
_LINES_AT_ONCE = 2_000


class _Dump:
    """A dump that is read piece by piece; what may go on in the next piece is kept."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._tables = Tables()
        self._statement: Statement | None = None
        self._has_escapes: bool | None = None
        self._is_certain = False
        # Places up to which a list or a heading was looked at in vain; what begins before them is looked at shortly.
        self._lists_tried = 0
        self._headings_tried = 0
        self._ends_of_rows = Ahead(_RESYNC)
        self._ends_of_queries = Ahead(_UNION)
        self._headings: dict[str, Statement] = {}

    def take(self, text: str, *, is_end: bool) -> Iterator[Batch | int]:
        """Yield full batches, and at last the place up to which `text` was read."""
        at = 0
        reserve = 0 if is_end else self._limits.record_bytes
        if self._has_escapes is None and len(text) > reserve:
            self._has_escapes, self._is_certain = has_escapes(text)
            at = self._begin(text)
        while at < len(text) and (is_end or len(text) - at > reserve):
            at = self._step(text, at, len(text) - reserve, is_end=is_end)
            if self._tables.is_full:
                yield from self._tables.batches()
        self._lists_tried = max(0, self._lists_tried - at)
        self._headings_tried = max(0, self._headings_tried - at)
        self._ends_of_rows.shift(at)
        self._ends_of_queries.shift(at)
        yield at

    def rest(self) -> Iterator[Batch]:
        """Yield what was not handed over yet."""
        yield from self._tables.batches()

    def _begin(self, text: str) -> int:
        """Take up what the dump begins with if its first statement has lost its beginning; return where to go on."""
        found = _START.search(text)
        stop = found.start(1) if found else len(text)
        tokens = Tokens(text, stop, min(len(text), stop + _HEADING_MAX), has_escapes=False, has_brackets=True)
        fragment = find_fragment(text, stop, read_statement(tokens) if found else None)
        statement = self._statement = fragment.statement
        if fragment.cut:
            table = self._tables.table(*((statement.table, statement.columns) if statement else ("", ())))
            self._tables.add_broken(table, fragment.cut)
        return fragment.start

    def _step(self, text: str, at: int, stop: int, *, is_end: bool) -> int:
        if self._statement is None:
            return self._find_statement(text, at, is_end=is_end)
        if self._statement.form is Form.COPY:
            return self._copy_lines(self._statement, text, at, stop)
        if self._statement.form is Form.VALUES:
            return self._listed_row(self._statement, text, at)
        return self._selected_row(self._statement, text, at)

    def _find_statement(self, text: str, at: int, *, is_end: bool) -> int:
        found = _START.search(text, at)
        if found is None:
            return len(text) if is_end else max(at + 1, len(text) - self._limits.record_bytes)
        return self._enter(text, found.start(1), found.end())

    def _enter(self, text: str, at: int, behind: int) -> int:
        """Begin the statement whose first word is here; return where to go on, with no statement `behind` it."""
        for heading, known in self._headings.items():
            if text.startswith(heading, at):
                self._statement = known
                return at + len(heading)
        stop = at + (_HEADING_MAX if at >= self._headings_tried else _HEADING_RETRIED)
        tokens = Tokens(text, at, min(len(text), stop), has_escapes=bool(self._has_escapes), has_brackets=True)
        statement = read_statement(tokens)
        if statement is None:
            self._headings_tried = max(self._headings_tried, stop if tokens.kind is Kind.UNCLOSED else tokens.end)
            return self._enter_damaged(text, at, max(behind, min(tokens.start, len(text))))
        if statement.is_created:
            self._tables.create(statement.table, statement.columns)
        elif statement.row is not None:
            table = self._tables.table(statement.table, statement.columns)
            self._tables.add(table, statement.row.cells, text[at : statement.end])
        else:
            self._statement = statement
            self._remember(text[at : statement.end], statement)
        return max(behind, statement.end)

    def _enter_damaged(self, text: str, at: int, behind: int) -> int:
        """Begin the rows of a statement whose heading cannot be read, if there are any; return where to go on."""
        if text[at : at + 3].lower() not in ("ins", "int", "ups", "rep"):
            return behind
        stop = min(len(text), at + _HEADING_RETRIED)
        if following := _START.search(text, at + 1, stop):
            stop = following.start(1)
        if not (found := _ROWS_OF_HEADING.search(text, at, stop)) or ";" in text[at : found.start()]:
            return behind
        if found["set"]:
            self._tables.add_broken(self._tables.table("", ()), text[at:stop])
            return max(behind, found.end())
        self._statement = Statement(Form.VALUES, "")
        return found.end()

    def _remember(self, heading: str, statement: Statement) -> None:
        """Remember a heading: where every row has a statement of its own, few are new."""
        if statement.form is not Form.COPY:
            if len(self._headings) >= _HEADINGS_KEPT:
                self._headings.clear()
            self._headings[heading] = statement

    def _listed_row(self, statement: Statement, text: str, at: int) -> int:
        at = _skip(text, at)
        if at >= len(text):
            return at
        if text[at] != "(":
            return self._leave(statement, text, at)
        table = self._tables.table(statement.table, statement.columns)
        end = self._ends_of_rows.find(text, at + 1, len(text)) if at < self._lists_tried else None
        if end and text.find(")", at, end.start()) < 0:
            self._tables.add_broken(table, text[at : min(end.start(), at + BROKEN_KEPT)])
            return end.start()
        row, cell = PLAIN_ROWS[bool(self._has_escapes)]
        if match := row.match(text, at, at + self._limits.record_bytes):
            cells = [self._cell(*found) for found in cell.findall(match[1])]
            # Without any backslash the other dialect reads the same.
            if table.expects(len(cells)) or "\\" not in match[0]:
                self._tables.add(table, cells, match[0])
                return match.end()
        found = self._scanned(text, at, lambda values: values.row(self._limits.columns), self._ends_of_rows, table)
        if found is None:
            end = self._ends_of_rows.find(text, at + 1, len(text))
            stop = end.start() if end else len(text)
            self._tables.add_broken(table, text[at : min(stop, at + BROKEN_KEPT)])
            return stop
        if found.has_literals:
            self._tables.add(table, found.cells, text[at : found.end])
        return found.end

    def _selected_row(self, statement: Statement, text: str, at: int) -> int:
        match = _SELECT.match(text, at := _skip(text, at))
        if match is None:
            return self._leave(statement, text, at)
        at = match.end()
        table = self._tables.table(statement.table, statement.columns) if statement.columns else None
        ends = self._ends_of_queries
        row = self._scanned(text, at, lambda values: values.selected(self._limits.columns), ends, table)
        if row is not None and row.has_literals and not row.is_of_table:
            table = self._tables.table(statement.table, statement.columns or tuple(row.aliases))
            self._tables.add(table, row.cells, text[at : row.end])
            return row.end
        following = ends.find(text, at, at + self._limits.record_bytes)
        is_last = following is None or following[0] == ";"
        place = following.start() if following else min(len(text), at + BROKEN_KEPT)
        kept = text[at : min(place, at + BROKEN_KEPT)]
        if row is None and not text.startswith("*", _skip(text, at)) and (not is_last or _LITERAL.search(kept)):
            self._tables.add_broken(table or self._tables.table(statement.table, ()), kept)
            if not is_last:
                return place
        self._statement = None  # It is cut off, or selects what a dump does not tell.
        return at

    def _scanned(
        self, text: str, at: int, read: Callable[[ValueReader], Row], ends: Ahead, table: Table | None
    ) -> Row | None:
        """Return the values that begin here, in the dialect in which they fit the table best; None for none."""
        stop = min(len(text), at + self._limits.record_bytes)
        if at < self._lists_tried and (following := ends.find(text, at + 1, stop)):
            stop = following.start()
        second: Row | None = None
        for is_escaped in (bool(self._has_escapes), not self._has_escapes):
            tokens = Tokens(text, at, stop, has_escapes=is_escaped)
            try:
                row = read(ValueReader(tokens))
            except MalformedError:
                tried = stop if tokens.kind is Kind.UNCLOSED else tokens.end
                self._lists_tried = max(self._lists_tried, tried)
                if _is_same_in_both(text, at, tried):
                    break
                continue
            if table is None or table.expects(len(row.cells)):
                if not self._is_certain:
                    self._has_escapes = is_escaped
                return row
            second = second or row
            if _is_same_in_both(text, at, row.end):
                break
        return second

    def _cell(self, plain: str, word: str, in_call: str, word_in_call: str) -> str | None:
        """Return what a literal is worth, of which one part is given: what its quotes hold, or else itself."""
        if word := word or word_in_call:
            return None if word.upper() == "NULL" else word
        inside = plain or in_call
        return unescaped(inside) if self._has_escapes else inside.replace("''", "'")

    def _leave(self, statement: Statement, text: str, at: int) -> int:
        """Leave the statement, which goes on with no row; return where to look for the next one."""
        self._statement = None
        if at >= len(text):
            return at
        if text[at] == ";":
            place = _skip(text, at + 1)
            if text.startswith("(", place) and self._is_row_of(statement, text, place):
                self._statement = statement
                return place
            if _UNION.match(text, at):  # At the end of a line.
                return at + 1
        if (resumed := self._resumed(statement, text, at)) is not None:
            self._statement = statement
            return resumed
        tokens = Tokens(text, at, min(len(text), at + _HEADING_RETRIED), has_escapes=False, has_brackets=True)
        if statement.goes_on and tokens.is_word("into"):
            return self._enter(text, at, at + 1)
        if not statement.columns and (names := late_columns(tokens)):
            self._tables.rename(statement.table, names)
        return at

    def _resumed(self, statement: Statement, text: str, at: int) -> int | None:
        """Return where the rows of a statement go on behind what is none of them; None where they do not."""
        is_listed = statement.form is Form.VALUES
        if is_listed and _BEHIND_ROWS.match(text, at):
            return None
        stop = min(len(text), at + (_RESUMED_MAX if at >= self._lists_tried else _HEADING_RETRIED))
        found = (self._ends_of_rows if is_listed else self._ends_of_queries).find(text, at + 1, stop)
        if found is None:
            self._lists_tried = max(self._lists_tried, stop)
            return None
        if _START.search(text, at, found.end()):
            return None
        place = _skip(text, found.end()) if is_listed else found.start()
        if is_listed:
            if not self._is_row_of(statement, text, place):
                return None
        elif found[0] == ";" or not _SELECT.match(text, place):
            return None
        if not _BEHIND_ROWS.match(text, at):
            table = self._tables.table(statement.table, statement.columns)
            self._tables.add_broken(table, text[at:place])
        return place

    def _is_row_of(self, statement: Statement, text: str, at: int) -> bool:
        """Return whether a row of plain literals stands here that a statement may have."""
        row, cell = PLAIN_ROWS[bool(self._has_escapes)]
        match = row.match(text, at, at + _RESUMED_MAX)
        table = self._tables.table(statement.table, statement.columns)
        return match is not None and table.width in (0, len(cell.findall(match[1])))

    def _copy_lines(self, statement: Statement, text: str, at: int, stop: int) -> int:
        """Take in the lines of a block that begin before `stop`, but not more than some thousand."""
        table = self._tables.table(statement.table, statement.columns)
        for _ in range(_LINES_AT_ONCE):
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            if statement.is_quoted:
                end = self._end_of_record(statement, table, text, at, end)
            line = text[at:end].rstrip("\r")
            if line == "\\.":
                self._statement = None
                return end + 1
            if line and not statement.has_header:
                cells = _cells_of_line(statement, line)
                if not table.expects(len(cells)) and _START.match(line):
                    self._statement = None  # The end of the block is missing.
                    return at
                self._tables.add(table, cells, line)
            statement.has_header = False
            at = end + 1
            if at >= stop:
                break
        return at

    def _end_of_record(self, statement: Statement, table: Table, text: str, at: int, end: int) -> int:
        """Return where a record ends whose first line ends at `end`; there, if those below it do not belong to it."""
        stop = min(len(text), at + self._limits.record_bytes)
        record = _RECORD.match(text, at, stop if at >= self._lists_tried else min(stop, end + _RECORD_RETRIED))
        if not record:
            return end
        last = record.end() - record[0].endswith("\n")
        if last > end and not table.expects(len(_cells_of_line(statement, text[at:last]))):
            self._lists_tried = max(self._lists_tried, last)
            return end
        return max(end, last)


def _is_same_in_both(text: str, start: int, end: int) -> bool:
    """Return whether both families of dialects read a piece of text alike."""
    return text.find("\\", start, end) < 0 and text.find("#", start, end) < 0


def _cells_of_line(statement: Statement, line: str) -> list[str | None]:
    null = statement.null
    if statement.is_quoted:
        try:
            read = next(csv.reader([line], delimiter=statement.delimiter), [])
        except csv.Error:
            return []
        return [None if cell == null else cell or None for cell in read]
    cells = line.split(statement.delimiter)
    if "\\" in line:
        return [None if cell == null else unescaped_copy(cell) for cell in cells]
    return [*cells] if null == "\\N" else [None if cell == null else cell for cell in cells]


def read_sql(blocks: Iterator[bytes], limits: Limits) -> Iterator[Batch]:
    """Yield the rows of every INSERT and COPY in a dump."""
    dump = _Dump(limits)
    text = ""
    for block in blocks:
        text += block.decode("utf-8", "replace")
        for made in dump.take(text, is_end=False):
            if isinstance(made, int):
                text = text[made:]
            else:
                yield made
        if len(text) > 4 * limits.record_bytes + len(block):
            raise LimitError(f"a statement part of more than {limits.record_bytes} bytes")
    for made in dump.take(text, is_end=True):
        if not isinstance(made, int):
            yield made
    yield from dump.rest()


def _skip(text: str, at: int) -> int:
    """Return the next place that is neither blank, comma nor comment."""
    match = _BETWEEN.match(text, at)
    return match.end() if match else at
