"""Dumps whose beginning is missing: the rows that stand before the first statement."""

from __future__ import annotations

import re
from typing import NamedTuple

from cloakroom.claims.readers.sql_rows_plain import PLAIN_ROWS
from cloakroom.claims.readers.sql_statements import Form, Statement

_LOOKED_AT = 1 << 18
_PLACES_MAX = 200
_ROW_MAX = 1 << 14
_ROW = re.compile(
    r"(?:\A\s*+|^[ \t]*+|\)\s*+,\s*+)(?=\(\s*+(?:n?['\"]|-?\d++\s*+,|null\s*+,))", re.IGNORECASE | re.MULTILINE
)
_SELECTED = re.compile(r"\bunion\s++(?:all\s++)?select\s++(?=n?'|-?\d)", re.IGNORECASE)
_ROWS_LEAST = 3
_END_OF_COPY = re.compile(r"^\\\.\r?$", re.MULTILINE)
_END_OF_ROW = re.compile(r"['\"\w]\s*+\)\s*+;?\s*+(?:go\s*+)?\Z", re.IGNORECASE)


class Fragment(NamedTuple):
    """Rows before the first statement.

    Attributes:
        statement: The one they belong to, as far as can be told; None where no whole row stands there.
        start: Place of the first whole row.
        cut: What is left of the row before it; empty for nothing.
    """

    statement: Statement | None
    start: int
    cut: str


def is_fragment(head: str) -> bool:
    """Return whether a text that no statement begins is mostly rows of SQL."""
    found = sum(1 for pattern in (_ROW, _SELECTED) for _ in pattern.finditer(head))
    return found >= _ROWS_LEAST and 2 * found > head.count("\n")


def find_fragment(text: str, stop: int, following: Statement | None) -> Fragment:
    """Return what of a dump's first statement is left before `stop`, where the statement `following` begins."""
    stop = min(stop, _LOOKED_AT)
    before = text[:stop]
    if _END_OF_COPY.search(before):
        line, _, rest = before.partition("\n")
        statement, second = Statement(Form.COPY, ""), rest.partition("\n")[0]
        if "," in second and "\t" not in second:
            statement.delimiter, statement.null, statement.is_quoted = ",", "", True
        return Fragment(statement, len(line) + 1, line)
    for _, place in zip(range(_PLACES_MAX), _ROW.finditer(before), strict=False):
        start = place.end()
        for row, cell in PLAIN_ROWS.values():
            match = row.match(text, start, min(stop, start + _ROW_MAX))
            if match and (width := len(cell.findall(match[1]))) > 1 and text[match.end() : match.end() + 1] in ",;":
                return Fragment(_statement_of(following, width), start, _cut(before[:start]))
    if selected := _SELECTED.search(before):
        is_same = following is not None and following.form is Form.SELECTS
        statement = following if following and is_same else Statement(Form.SELECTS, "")
        return Fragment(statement, selected.start(), before[: selected.start()].strip())
    return Fragment(None, 0, _cut(before) if _END_OF_ROW.search(before) else "")


def _statement_of(following: Statement | None, width: int) -> Statement:
    """Return the statement whose rows have lost their beginning: most dumps go on with the same table."""
    if following is not None and following.form is Form.VALUES and len(following.columns) in (0, width):
        return Statement(Form.VALUES, following.table, following.columns)
    return Statement(Form.VALUES, "")


def _cut(before: str) -> str:
    return before.strip() if before.count(")") > before.count("(") else ""
