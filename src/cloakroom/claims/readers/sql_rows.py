"""SQL dumps: INSERT statements of any dialect, and PostgreSQL's COPY blocks. Read, never run.

A row is a parenthesised list of literals. One that cannot be read, or has another number of values than the
statement's columns, is rejected, and reading goes on with the next line that begins with a parenthesis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.sql_values import joined_literals, scan_values
from cloakroom.claims.tables import BROKEN_KEPT, Batch, frame_of
from cloakroom.errors import LimitError

_NAME = r'(?:`[^`]*`|"[^"]*"|\[[^\]]*\]|[\w$]+)'
_INSERT = re.compile(
    rf"(?:(?:insert|replace)\s+(?:(?:low_priority|delayed|high_priority|ignore|or\s+\w+)\s+)*(?:into\s+)?|into\s+)"
    rf"((?:{_NAME}\s*\.\s*)*{_NAME})\s*(?:\(([^()]*+)\))?\s*"
    r"(?:overriding\s+\w+\s+value\s*)?(?:values?\b|(?=select\s))\s*",
    re.IGNORECASE,
)
_COPY = re.compile(
    rf"copy\s+((?:{_NAME}\s*\.\s*)*{_NAME})\s*(?:\(([^()]*+)\))?\s+from\s+stdin[^\n]*\n", re.IGNORECASE
)
_CREATE = re.compile(
    rf"create\s+table\s+(?:if\s+not\s+exists\s+)?((?:{_NAME}\s*\.\s*)*{_NAME})\s*\((.{{1,20000}}?)\n\s*\)",
    re.IGNORECASE | re.DOTALL,
)
_STRING = r"(?:[nNeEbBxX]|_[a-z0-9]+ ?)?'(?:[^'\\]++|\\.|'')*+'"
_VALUE = rf"""(?>{_STRING}|"(?:[^"\\]++|\\.|"")*+"|[^,()'"\n;]++(?:\([^()\n]*+\))?)(?:::[\w ]++(?:\(\d+\))?)?+"""
_ROW = re.compile(
    rf"\(\s*+({_VALUE}\s*+(?:,\s*+{_VALUE}\s*+)*+)\)(?=\s*+(?:[,;]|$|on\b|go\b|insert\b|\())",
    re.IGNORECASE | re.DOTALL,
)
_CELL = re.compile(rf"\s*+{_VALUE}", re.DOTALL)
_START = re.compile(
    r"(?:^|;|\*/)[ \t]*(?=insert\s|replace\s+into|into\s|copy\s|create\s+table)", re.IGNORECASE | re.MULTILINE
)
_RESYNC = re.compile(r"\n\s*+(?=\(|insert\s|replace\s|copy\s|create\s|--|/\*|unlock\s)|;[ \t]*\r?\n", re.IGNORECASE)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CAST = re.compile(r"::[\w ]+(?:\(\d+\))?$")
_CALL = re.compile(r"[A-Za-z_][\w.]*\s*\(")
_QUOTED = re.compile(_STRING, re.DOTALL)
_BETWEEN = re.compile(r"(?:[\s,]++|--[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+")
_SELECT = re.compile(r"(?:union\s+all\s+|union\s+)?select\s+", re.IGNORECASE)
_ROWS_PER_BATCH = 50_000


@dataclass(slots=True)
class _Table:
    """Rows of the table that the statement at hand fills."""

    number: int
    columns: tuple[str, ...] | None
    rows: list[list[str | None]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def batch(self) -> Batch:
        width = len(self.columns) if self.columns else max((len(row) for row in self.rows), default=0)
        names = self.columns or tuple(f"column {number}" for number in range(1, width + 1))
        made = Batch(frame_of(names, self.rows), tuple(self.broken), len(self.broken), section=self.number)
        self.rows, self.broken = [], []
        return made

    def add(self, row: list[str | None], text: str) -> None:
        width = len(self.columns) if self.columns else (len(self.rows[0]) if self.rows else len(row))
        if len(row) == width:
            self.rows.append(row)
        else:
            self.broken.append(text[:BROKEN_KEPT])


class _Dump:
    """A dump that is read piece by piece; what may go on in the next piece is kept."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._created: dict[str, tuple[str, ...]] = {}
        self._tables: dict[tuple[str, tuple[str, ...] | None], _Table] = {}
        self._table: _Table | None = None
        self._is_copy = False

    def take(self, text: str, *, is_end: bool) -> Iterator[Batch | int]:
        """Yield full batches, and at last the place up to which `text` was read."""
        at = 0
        reserve = 0 if is_end else self._limits.record_bytes
        while at < len(text) and (is_end or len(text) - at > reserve):
            if self._table is None:
                at = self._find_statement(text, at, is_end=is_end)
            elif self._is_copy:
                at = self._copy_line(self._table, text, at)
            else:
                at = self._row(self._table, text, at)
            for table in self._tables.values():
                if len(table.rows) + len(table.broken) >= _ROWS_PER_BATCH:
                    yield table.batch()
        yield at

    def rest(self) -> Iterator[Batch]:
        """Yield what was not handed over yet."""
        for table in self._tables.values():
            if table.rows or table.broken:
                yield table.batch()

    def _find_statement(self, text: str, at: int, *, is_end: bool) -> int:
        found = _START.search(text, at)
        if found is None:
            return len(text) if is_end else max(at + 1, len(text) - self._limits.record_bytes)
        at = found.end()
        if match := _INSERT.match(text, at):
            self._enter(match, is_copy=False)
        elif match := _COPY.match(text, at):
            self._enter(match, is_copy=True)
        elif match := _CREATE.match(text, at):
            self._created[_plain(match[1])] = _created_columns(match[2])
        else:
            return at + 1
        return match.end()

    def _enter(self, match: re.Match[str], *, is_copy: bool) -> None:
        name = _plain(match[1])
        columns = tuple(map(_plain, match[2].split(","))) if match[2] else self._created.get(name)
        self._table = self._tables.setdefault((name, columns), _Table(len(self._tables), columns))
        self._is_copy = is_copy

    def _row(self, table: _Table, text: str, at: int) -> int:
        began, at = at, _skip(text, at)
        if at >= len(text):
            return at
        if match := _SELECT.match(text, at):
            return self._scanned(table, text, match.end(), is_bare=True) or self._ended(text, began, at)
        if text[at] != "(":
            return self._ended(text, began, at)
        match = _ROW.match(text, at, at + self._limits.record_bytes)
        if match is None and (end_of_row := self._scanned(table, text, at)):
            return end_of_row
        if match is None:
            end = _RESYNC.search(text, at + 1)
            stop = end.start() if end else len(text)
            table.broken.append(text[at : min(stop, at + BROKEN_KEPT)])
            return stop
        table.add([_literal(cell) for cell in _CELL.findall(match[1])], match[0])
        return match.end()

    def _ended(self, text: str, began: int, at: int) -> int:
        """Leave the statement, which goes on with no row; return where to look for the next one."""
        self._table = None
        return at + 1 if text[at] == ";" else began

    def _scanned(self, table: _Table, text: str, at: int, *, is_bare: bool = False) -> int:
        """Take a row in that is more than plain literals; return the place after it, 0 where it is none."""
        # A quote that a damaged row never closes must not swallow the rows below it.
        following = None if is_bare else _RESYNC.search(text, at + 1, at + self._limits.record_bytes)
        stop = following.start() if following else min(len(text), at + self._limits.record_bytes)
        scanned = scan_values(text, at, stop, is_bare=is_bare)
        if scanned is None:
            return 0
        values, end = scanned
        if ("*",) in values or (table.columns and len(values) != len(table.columns)):
            return 0  # Damaged; or a SELECT of something else, as Oracle's INSERT ALL ends with one.
        cells = []
        for value in values:
            texts = [_literal(literal) or "" for literal in joined_literals(value)]
            cells.append("".join(texts) if texts else None)
        table.add(cells, text[at : min(end, at + BROKEN_KEPT)])
        return end

    def _copy_line(self, table: _Table, text: str, at: int) -> int:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].rstrip("\r")
        if line == "\\.":
            self._table = None
        elif line:
            table.add([None if cell == "\\N" else _unescape(cell) for cell in line.split("\t")], line)
        return end + 1


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


def _plain(name: str) -> str:
    return name.strip().split(".")[-1].strip('`"[] \n\r\t')


def _created_columns(body: str) -> tuple[str, ...]:
    names = []
    for line in body.split("\n"):
        match = re.match(rf"\s*({_NAME})\s+\w", line)
        if match and _plain(match[1]).upper() not in {
            "PRIMARY",
            "KEY",
            "UNIQUE",
            "CONSTRAINT",
            "INDEX",
            "FOREIGN",
            "CHECK",
        }:
            names.append(_plain(match[1]))
    return tuple(names)


def _literal(cell: str) -> str | None:
    text = _CAST.sub("", cell.strip())
    if text.upper() == "NULL":
        return None
    if _CALL.match(text) and (inner := _QUOTED.search(text)):
        return _literal(inner[0])  # CAST(N'…' AS DATE), TO_DATE('…', '…'): the value is the first text in it.
    quote = text.find("'")
    if text.endswith("'") and 0 <= quote <= 10:
        return _unescape(text[quote + 1 : -1].replace("''", "'"))
    if text.startswith('"') and text.endswith('"'):
        return _unescape(text[1:-1].replace('""', '"'))
    return text


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), text) if "\\" in text else text
