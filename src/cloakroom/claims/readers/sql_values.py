"""Lists of values in SQL: literals, and expressions of literals.

Computed is what writers of dumps use to spell a text: ``||``, ``+`` and ``CONCAT`` join, ``CHR`` and ``CHAR`` give
signs, ``REPLACE`` and ``UNISTR`` put line ends back, ``CAST`` and ``::`` change nothing. Any other call is worth the
first text in it (``TO_DATE('…', '…')``). What depends on a database (``NOW()``, ``DEFAULT``, a query) is no value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.sql_tokens import Kind, Tokens, decoded_points

_DEPTH_MAX = 24
_LENGTH_MAX = Limits().record_bytes
_OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_OPENING.values())
_ONE_ROW_TABLES = frozenset({"dual", "sysdummy1", "rdb$database", "dummy"})
_OPERATORS = frozenset({"-", "*", "/", "%"})
_TYPED = frozenset({
    "date", "time", "timestamp", "timestamptz", "datetime", "interval", "json", "jsonb", "uuid", "inet", "d", "t",
    "ts", "binary", "bytea", "varchar", "text", "geometry", "geography", "point", "b", "r",
})  # fmt: skip
_CLAUSES = frozenset({"as", "using", "from", "for", "separator", "order", "on", "default", "returning", "absent"})
_AFTER_TYPE = frozenset({"varying", "precision", "with", "without", "time", "zone", "local", "unsigned"})
_ENDS_OF_LIST = frozenset({
    "from", "where", "union", "go", "on", "insert", "into", "returning", "limit", "order", "group", "except",
})  # fmt: skip


class MalformedError(Exception):
    """Raised where no list of values stands."""


class Value(NamedTuple):
    """Worth of an expression, None for NULL and for what is not known; whether it is a text."""

    text: str | None
    is_text: bool = False


@dataclass(slots=True)
class Row:
    """The values of a list.

    Attributes:
        cells: What each is worth.
        aliases: The names that a SELECT gives them; empty where it gives none.
        is_of_table: Whether a SELECT takes them from a table, which a dump does not tell.
        has_literals: Whether any is spelled out; a list of nothing but names and parameters is no row of a dump.
        end: Place after the list.
    """

    cells: list[str | None] = field(default_factory=list, repr=False)
    aliases: list[str] = field(default_factory=list)
    is_of_table: bool = False
    has_literals: bool = False
    end: int = 0


class ValueReader:
    """Reads values from tokens on; raises `MalformedError` where there is none."""

    def __init__(self, tokens: Tokens) -> None:
        """Take the tokens, the first of which begins a value or a list."""
        self.tokens = tokens
        self.literals = 0
        self.references = 0

    def row(self, columns_max: int) -> Row:
        """Return the list in parentheses that begins here; `columns_max` bounds it."""
        row = Row()
        self._enter("(")
        while True:
            row.cells.append(self.value().text)
            if len(row.cells) > columns_max:
                raise MalformedError
            if self.tokens.is_sign(")"):
                break
            self._enter(",")
        row.end = self.tokens.end
        self.tokens.step()
        self._check_end()
        return self._done(row)

    def selected(self, columns_max: int) -> Row:
        """Return the values after SELECT; the tokens then stand behind the last one."""
        row = Row()
        tokens = self.tokens
        if (tokens.takes("distinct") or tokens.takes("all") or tokens.takes("top")) and tokens.kind is Kind.NUMBER:
            tokens.step()
        while True:
            row.cells.append(self.value().text)
            row.aliases.append(self._alias())
            if len(row.cells) > columns_max:
                raise MalformedError
            if not tokens.takes(","):
                break
        self._check_end()
        if tokens.kind is Kind.UNCLOSED:
            raise MalformedError
        if not all(row.aliases):
            row.aliases = []
        row.is_of_table = tokens.takes("from") and self._name() not in _ONE_ROW_TABLES
        row.end = tokens.start
        return self._done(row)

    def value(self, depth: int = 0) -> Value:
        """Return what the expression here is worth, and go behind it."""
        tokens = self.tokens
        first = self._operand(depth)
        parts: list[str] = []
        while True:
            if tokens.kind is Kind.SIGN and tokens.piece in ("||", "+"):
                is_sum = tokens.piece == "+"
                tokens.step()
                other = self._operand(depth)
                if is_sum and not (first.is_text or other.is_text):
                    continue
                parts.append(other.text or "")
            elif tokens.kind is Kind.SIGN and tokens.piece in _OPERATORS:
                tokens.step()
                self._operand(depth)
            else:
                break
        return Value((first.text or "") + "".join(parts), is_text=True) if parts else first

    def _operand(self, depth: int) -> Value:
        if depth > _DEPTH_MAX:
            raise MalformedError
        tokens = self.tokens
        kind, piece = tokens.kind, tokens.piece
        if kind in (Kind.TEXT, Kind.QUOTED):
            found = Value(self._texts(), is_text=True)
        elif kind is Kind.NUMBER:
            tokens.step()
            self.literals += 1
            found = Value(piece)
        elif kind is Kind.BYTES:
            tokens.step()
            self.literals += 1
            found = Value(_text_of_bytes(piece), is_text=True)
        elif kind is Kind.WORD:
            found = self._word(depth)
        elif kind is Kind.SIGN and piece in ("-", "+"):
            tokens.step()
            inner = self._operand(depth + 1)
            found = Value(f"-{inner.text}") if piece == "-" and inner.text else inner
        elif kind is Kind.SIGN and piece in _OPENING:
            found = self._group(depth, piece)
        elif kind is Kind.NAME or (kind is Kind.SIGN and piece in ("?", ":")):
            found = self._reference(tokens.start)
        else:
            raise MalformedError
        self._skip_annotations()
        return found

    def _texts(self) -> str:
        """Return a text with those that follow it on lines of their own, which the standard joins."""
        tokens = self.tokens
        found = [tokens.piece]
        end = tokens.end
        self.literals += 1
        tokens.step()
        while tokens.kind is Kind.TEXT and "\n" in tokens.text[end : tokens.start]:
            found.append(tokens.piece)
            end = tokens.end
            tokens.step()
        return "".join(found)

    def _word(self, depth: int) -> Value:
        tokens = self.tokens
        start, end = tokens.start, tokens.end
        word = tokens.piece.lower()
        tokens.step()
        if word in ("null", "default"):
            return Value(None)
        if word in ("true", "false"):
            return Value(tokens.text[start:end])
        if word in ("select", "case", "with"):
            self._skip_to_close("end" if word == "case" else "")
            return Value(None)
        if tokens.kind is Kind.TEXT and word in _TYPED:
            return Value(self._texts(), is_text=True)
        if tokens.is_sign("[") and word == "array":
            return self._group(depth, "[")
        return self._call_or_reference(depth, start, word)

    def _call_or_reference(self, depth: int, start: int, word: str) -> Value:
        tokens = self.tokens
        while tokens.is_sign("."):
            tokens.step()
            if tokens.kind not in (Kind.WORD, Kind.NAME, Kind.QUOTED, Kind.NUMBER):
                raise MalformedError
            word = tokens.piece.lower()
            tokens.step()
        if not tokens.is_sign("("):
            return self._reference(start)
        tokens.step()
        if tokens.is_word("select"):
            self._skip_to_close("")
            tokens.step()
            return Value(None)
        return called(word, self._arguments(depth + 1, ")"))

    def _reference(self, start: int) -> Value:
        """Return a name, a parameter or an unquoted text, as it stands there."""
        tokens = self.tokens
        while tokens.kind in (Kind.WORD, Kind.NAME) or (tokens.kind is Kind.SIGN and tokens.piece in ".?:"):
            if tokens.is_word(*_ENDS_OF_LIST, "as", "collate", "at"):
                break
            tokens.step()
        piece = tokens.text[start : tokens.start].strip()
        if "@" in piece[1:]:
            self.literals += 1
        else:
            self.references += 1
        return Value(piece or None)

    def _group(self, depth: int, opening: str) -> Value:
        self.tokens.step()
        if opening == "(" and self.tokens.is_word("select", "with"):
            self._skip_to_close("")
            self.tokens.step()
            return Value(None)
        values = self._arguments(depth + 1, _OPENING[opening])
        if len(values) == 1:
            return values[0]
        if opening == "(":
            raise MalformedError  # The row below, after one whose parenthesis is missing.
        return Value(", ".join(value.text for value in values if value.text is not None), is_text=True)

    def _arguments(self, depth: int, closing: str) -> list[Value]:
        """Return the values up to a closing sign, and go behind it."""
        tokens = self.tokens
        values: list[Value] = []
        while not tokens.is_sign(closing):
            values.append(Value("*") if tokens.takes("*") else self.value(depth))
            if tokens.is_word(*_CLAUSES) or tokens.is_sign("=") or tokens.is_sign(":"):
                self._skip_to_close(",")
            if tokens.is_sign(","):
                tokens.step()
            elif not tokens.is_sign(closing):
                raise MalformedError
        tokens.step()
        return values

    def _skip_annotations(self) -> None:
        """Go behind what says how a value is typed, sorted or timed."""
        tokens = self.tokens
        while tokens.kind is Kind.WORD or tokens.piece == "::":
            if tokens.is_sign("::"):
                tokens.step()
                self._skip_type()
            elif tokens.is_word("collate"):
                tokens.step()
                tokens.step()
            elif not (tokens.takes("at", "time", "zone") and tokens.kind is Kind.TEXT):
                return
            else:
                tokens.step()

    def _skip_type(self) -> None:
        tokens = self.tokens
        tokens.step()
        while True:
            if tokens.is_sign("("):
                tokens.step()
                self._skip_to_close("")
                tokens.step()
            elif tokens.is_sign("."):
                tokens.step()
                tokens.step()
            elif tokens.is_word(*_AFTER_TYPE):
                tokens.step()
            elif tokens.is_sign("["):
                tokens.step()
                if tokens.kind is Kind.NUMBER:
                    tokens.step()
                self._enter("]")
            else:
                return

    def _skip_to_close(self, word: str) -> None:
        """Go to what closes the group that this is in, or to `word` or sign on its level, CASE's behind it."""
        tokens = self.tokens
        depth = 0
        while True:
            if tokens.kind in (Kind.END, Kind.UNCLOSED) or tokens.is_sign(";"):
                raise MalformedError
            if depth == 0 and word == "end" and tokens.is_word(word):
                tokens.step()
                return
            if tokens.kind is Kind.SIGN:
                if depth == 0 and (tokens.piece in _CLOSING or tokens.piece == word):
                    return
                depth += (tokens.piece in _OPENING) - (tokens.piece in _CLOSING)
            tokens.step()

    def _alias(self) -> str:
        """Return the name that a SELECT gives a value, empty for none, and go behind it."""
        tokens = self.tokens
        has_as = tokens.takes("as")
        if tokens.takes("["):
            start = tokens.start
            while tokens.kind is Kind.WORD:
                tokens.step()
            name = tokens.text[start : tokens.start].strip()
            self._enter("]")
            return name
        is_name = tokens.kind in (Kind.WORD, Kind.NAME, Kind.QUOTED) or (has_as and tokens.kind is Kind.TEXT)
        if not is_name or (not has_as and tokens.is_word(*_ENDS_OF_LIST)):
            return ""
        name = tokens.piece
        tokens.step()
        return name

    def _name(self) -> str:
        """Return the last part of a dotted name in lower case, and go behind it."""
        tokens = self.tokens
        name = ""
        while tokens.kind in (Kind.WORD, Kind.NAME, Kind.QUOTED):
            name = tokens.piece.lower()
            tokens.step()
            if not tokens.takes("."):
                break
        return name

    def _enter(self, sign: str) -> None:
        if not self.tokens.is_sign(sign):
            raise MalformedError
        self.tokens.step()

    def _check_end(self) -> None:
        """Refuse a list that goes on with another literal: a quote in it was taken for the end of a text."""
        tokens = self.tokens
        if tokens.kind in (Kind.TEXT, Kind.QUOTED, Kind.NAME, Kind.NUMBER, Kind.BYTES) or tokens.is_sign("="):
            raise MalformedError

    def _done(self, row: Row) -> Row:
        row.has_literals = self.literals > 0 or self.references == 0
        return row


def called(name: str, values: list[Value]) -> Value:
    """Return what a call is worth, as far as that is known from its literals."""
    texts = [value.text for value in values if value.text is not None]
    first = next((value for value in values if value.is_text), next((value for value in values if value.text), None))
    text = first.text if first else None
    if name in ("chr", "char", "nchar", "unichar"):
        text = "".join(map(_sign, texts))
    elif name == "concat":
        text = "".join(texts)
    elif name == "concat_ws":
        text = texts[0].join(texts[1:]) if texts else None
    elif name == "replace" and len(values) == 3 and values[1].text:
        text = _replaced(*(value.text or "" for value in values))
    elif name == "unistr" and text:
        text = decoded_points(text)
    elif name in ("unhex", "hextoraw") and text:
        text = _text_of_bytes(f"0x{text}")
    else:
        return first or Value(None)
    return Value(text, is_text=True)


def _replaced(whole: str, old: str, new: str) -> str:
    # A replacement may be longer than what it replaces, and calls in calls would multiply that.
    grown = len(whole) + whole.count(old) * (len(new) - len(old))
    return whole.replace(old, new) if grown <= _LENGTH_MAX else whole


def _sign(code: str) -> str:
    number = int(code) if code.isascii() and code.isdigit() and len(code) < 8 else -1
    return chr(number) if 0 <= number < 0x110000 and not 0xD800 <= number < 0xE000 else ""


def _text_of_bytes(piece: str) -> str:
    """Return the text that hexadecimal digits spell; as they stand where they spell none."""
    digits = piece[2:-1] if piece[1] == "'" else piece[2:]
    try:
        text = bytes.fromhex(digits).decode("utf-8")
    except ValueError:
        return piece
    return text if text.replace("\n", " ").replace("\r", " ").replace("\t", " ").isprintable() else piece
