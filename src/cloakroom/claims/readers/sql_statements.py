"""Beginnings of SQL statements: which table they fill, which columns they name, and in which form rows follow."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from cloakroom.claims.readers.sql_tokens import Kind, Tokens
from cloakroom.claims.readers.sql_values import MalformedError, Row, ValueReader

_BEFORE_TABLE = frozenset({
    "ignore", "low_priority", "delayed", "high_priority", "into", "overwrite", "all", "first", "table", "only", "or",
    "replace", "abort", "fail", "rollback", "local",
})  # fmt: skip
_NOT_COLUMNS = frozenset({
    "primary", "unique", "constraint", "foreign", "check", "exclude", "like", "fulltext", "spatial",
})  # fmt: skip
_NAMES = (Kind.WORD, Kind.NAME, Kind.QUOTED)
# The name of an index and its columns, or these alone; not the type of a column that is called key.
_INDEX = re.compile(r"[`\"\[(]|\w++\s*+(?:using\s+\w+\s*+)?\(\s*+[^\W\d]|for\b", re.IGNORECASE)
_BEGINS_QUERY = re.compile(r"\(\s*+(?:\(|select\b|values\b)", re.IGNORECASE)
_DELIMITER = re.compile(r"\bdelimiters?\s*(?:as\s*)?e?'(\\t|[^\"\s])'", re.IGNORECASE)
_NULL = re.compile(r"\bnull\s*(?:as\s*)?e?'([^'\s]{0,9})'", re.IGNORECASE)
_COLUMNS_MAX = 2_000
_BEGINNING = 200
_WORDS_BEFORE_TABLE = 4


class Form(Enum):
    """Forms in which rows follow the beginning of a statement."""

    VALUES = auto()
    SELECTS = auto()
    COPY = auto()
    DONE = auto()


@dataclass(slots=True)
class Statement:
    """A statement that fills a table, or tells its columns.

    Attributes:
        form: How its rows follow.
        table: Its name.
        columns: The columns that it names; empty where it names none.
        end: Place where its rows begin.
        row: The only row of a statement that assigns values to names.
        is_created: Whether it says which columns the table has, and fills nothing.
        goes_on: Whether the same statement may fill another table behind its row, as Oracle's INSERT ALL.
        delimiter: Of cells in COPY.
        null: What stands for NULL in COPY.
        is_quoted: Whether cells of COPY are quoted as in CSV.
        has_header: Whether the first line of COPY names the columns.
    """

    form: Form
    table: str
    columns: tuple[str, ...] = ()
    end: int = 0
    row: Row | None = field(default=None, repr=False)
    is_created: bool = False
    goes_on: bool = False
    delimiter: str = "\t"
    null: str = "\\N"
    is_quoted: bool = False
    has_header: bool = False


def read_statement(tokens: Tokens) -> Statement | None:
    """Return the statement whose first word comes next; None for one that neither fills nor makes a table."""
    verb = tokens.piece.lower()
    tokens.step()
    try:
        if verb == "create":
            return _create(tokens)
        if verb == "copy":
            return _copy(tokens)
        if verb == "update":
            return _update(tokens)
        if verb == "merge":
            return _merge(tokens)
        return _insert(tokens, goes_on=verb == "into" or tokens.is_word("all", "first"))
    except MalformedError:
        return None


def _insert(tokens: Tokens, *, goes_on: bool) -> Statement | None:
    while tokens.is_word(*_BEFORE_TABLE):
        tokens.step()
    table = _name(tokens)
    if tokens.takes("partition"):
        _skip_parentheses(tokens)
    if tokens.takes("as"):
        tokens.step()
    columns: tuple[str, ...] = ()
    if tokens.is_sign("(") and not _begins_query(tokens):
        columns = _names_in_parentheses(tokens)
    if tokens.takes("overriding"):
        tokens.step()
        tokens.takes("value")
    if tokens.takes("output"):
        while tokens.kind in _NAMES and not tokens.is_word("values", "select"):
            _name(tokens)
            tokens.takes(",")
    tokens.takes("format")
    if tokens.takes("set"):
        row, names = _assignments(tokens)
        return Statement(Form.DONE, table, names, row.end, row)
    end = tokens.start
    if tokens.is_word("values", "value"):
        return Statement(Form.VALUES, table, columns, tokens.end, goes_on=goes_on)
    if tokens.is_word("select") or tokens.is_sign("("):
        return _query(tokens, Statement(Form.SELECTS, table, columns, end))
    return None


def _query(tokens: Tokens, statement: Statement) -> Statement:
    """Return the statement whose rows a query gives, which may have been wrapped into another one."""
    while tokens.takes("("):
        pass
    if tokens.takes("values"):
        statement.form, statement.end = Form.VALUES, tokens.start
        return statement
    while tokens.takes("select"):
        while not tokens.is_word("from"):
            if tokens.kind not in _NAMES and not (tokens.kind is Kind.SIGN and tokens.piece in "*,."):
                return statement
            tokens.step()
        tokens.step()
        if not tokens.takes("("):
            return statement
        statement.end = tokens.start
        if tokens.takes("values"):
            statement.form, statement.end = Form.VALUES, tokens.start
            return statement
    return statement


def _merge(tokens: Tokens) -> Statement | None:
    tokens.takes("into")
    table = _name(tokens)
    for _ in range(8):  # Its alias, and hints.
        if not tokens.is_word("using"):
            tokens.step()
    if not tokens.takes("using") or not tokens.is_sign("("):
        return None
    return _query(tokens, Statement(Form.SELECTS, table, end=tokens.start))


def _update(tokens: Tokens) -> Statement | None:
    while tokens.is_word(*_BEFORE_TABLE):
        tokens.step()
    table = _name(tokens)
    if not tokens.is_word("set"):
        tokens.takes("as")
        tokens.step()
    if not tokens.takes("set"):
        return None
    row, names = _assignments(tokens)
    return Statement(Form.DONE, table, names, row.end, row)


def _assignments(tokens: Tokens) -> tuple[Row, tuple[str, ...]]:
    """Return the values that are assigned to names, and those that a plain condition asks for."""
    values = ValueReader(tokens)
    row = Row(has_literals=True)
    names: list[str] = []
    while len(names) < _COLUMNS_MAX:
        names.append(_name(tokens))
        if not tokens.takes("="):
            raise MalformedError
        row.cells.append(values.value().text)
        if not (tokens.takes(",") or tokens.takes("where") or tokens.takes("and")):
            break
    if values.references or not values.literals:
        raise MalformedError
    row.end = tokens.start
    return row, tuple(names)


def _create(tokens: Tokens) -> Statement | None:
    for _ in range(_WORDS_BEFORE_TABLE):
        if not tokens.is_word("table"):
            tokens.step()
    if not tokens.takes("table"):
        return None
    tokens.takes("if", "not", "exists")
    table = _name(tokens)
    if not tokens.takes("("):
        return None
    columns: list[str] = []
    while len(columns) < _COLUMNS_MAX and (tokens.kind in _NAMES or tokens.kind is Kind.TEXT):
        name = tokens.piece
        is_column = not tokens.is_word(*_NOT_COLUMNS)
        may_be_index = tokens.is_word("key", "index", "period")
        tokens.step()
        if is_column and not (may_be_index and _INDEX.match(tokens.text, tokens.start)):
            columns.append(name)
        _skip_definition(tokens)
        if not tokens.takes(","):
            break
    if not tokens.is_sign(")"):
        return None
    return Statement(Form.DONE, table, tuple(columns), tokens.end, is_created=True)


def _skip_definition(tokens: Tokens) -> None:
    """Go to the comma or the parenthesis behind the definition of a column."""
    depth = 0
    while depth > 0 or not (tokens.kind is Kind.SIGN and tokens.piece in ",)"):
        if tokens.kind in (Kind.END, Kind.UNCLOSED) or tokens.is_sign(";") or tokens.is_word("insert", "create"):
            raise MalformedError
        if tokens.kind is Kind.SIGN:
            depth += (tokens.piece == "(") - (tokens.piece == ")")
        tokens.step()


def _copy(tokens: Tokens) -> Statement | None:
    table = _name(tokens)
    columns = _names_in_parentheses(tokens) if tokens.is_sign("(") else ()
    tokens.takes("with", "oids")
    if not tokens.takes("from", "stdin"):
        return None
    end = tokens.text.find("\n", tokens.start)
    options = tokens.text[tokens.start : end] if end >= 0 else ""
    is_quoted = "csv" in options.lower()
    delimiter = _DELIMITER.search(options)
    null = _NULL.search(options)
    return Statement(
        Form.COPY, table, columns, end + 1 if end >= 0 else len(tokens.text),
        delimiter=delimiter[1].replace("\\t", "\t") if delimiter else "," if is_quoted else "\t",
        null=null[1] if null else "" if is_quoted else "\\N",
        is_quoted=is_quoted, has_header="header" in options.lower(),
    )  # fmt: skip


def _name(tokens: Tokens) -> str:
    """Return the last part of a dotted name, and go behind it."""
    while True:
        if tokens.kind not in _NAMES:
            raise MalformedError
        name = tokens.piece
        tokens.step()
        if not tokens.is_sign("."):
            return name
        while tokens.is_sign("."):
            tokens.step()


def _names_in_parentheses(tokens: Tokens) -> tuple[str, ...]:
    names: list[str] = []
    tokens.step()
    while len(names) <= _COLUMNS_MAX:
        names.append(_name(tokens))
        if tokens.takes(")"):
            return tuple(names)
        if not tokens.takes(","):
            break
    raise MalformedError


def _begins_query(tokens: Tokens) -> bool:
    return _BEGINS_QUERY.match(tokens.text, tokens.start, tokens.start + _BEGINNING) is not None


def _skip_parentheses(tokens: Tokens) -> None:
    while not tokens.is_sign(")"):
        if tokens.kind in (Kind.END, Kind.UNCLOSED):
            raise MalformedError
        tokens.step()
    tokens.step()


def late_columns(tokens: Tokens) -> tuple[str, ...]:
    """Return the columns that are named behind the rows, as in ``(VALUES …) AS s (a, b)``; empty for none."""
    try:
        if not tokens.takes(")"):
            return ()
        tokens.takes("as")
        _name(tokens)
        return _names_in_parentheses(tokens) if tokens.is_sign("(") else ()
    except MalformedError:
        return ()
