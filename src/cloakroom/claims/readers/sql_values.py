"""Lists of values in SQL, where they are more than plain literals: calls in calls, concatenations, casts.

A value is worth what its literals say: concatenated ones are joined (``||``, ``CONCAT``, ``+`` of SQL Server),
``CHR`` and ``CHAR`` become the sign that they stand for, and of any other call the first text in it is the value
(``TO_DATE('…', '…')``, ``CAST(N'…' AS DATE)``, ``CONVERT(…)``). Nothing is computed beyond that.
"""

from __future__ import annotations

import re

_PIECE = re.compile(
    r"""(?P<string>(?:[nNeEbBxX]|_[a-z0-9]+[ ]?)?'(?:[^'\\]++|\\.|'')*+'|"(?:[^"\\]++|\\.|"")*+")"""
    r"""|q'(?:\[(?P<square>.*?)\]|\{(?P<curly>.*?)\}|\((?P<round>.*?)\))'"""
    r"""|(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<sign>[(),;]|\|\||::)|(?P<word>[^\s'"(),;|:]+|[|:])|\s+""",
    re.DOTALL,
)
_END_WORDS = frozenset({"union", "from", "go", "on", "insert", "into", "select"})
_SIGN_CALLS = frozenset({"chr", "char", "nchar", "unichar"})
_JOINING_CALLS = frozenset({"concat", "concat_ws"})
_DEPTH_MAX = 24
Value = tuple[str, ...]
"""Texts of the pieces that make a value."""


def scan_values(text: str, at: int, end: int, *, is_bare: bool = False) -> tuple[list[Value], int] | None:
    """Return the values of a list, and the place after it; None where it does not end as one.

    Args:
        text: The dump.
        at: Place of the opening parenthesis; of the first value in a list without any.
        end: Place up to which it is looked at.
        is_bare: Whether the list has no parentheses, as that of a SELECT.
    """
    values: list[Value] = []
    pieces: list[str] = []
    depth = 0 if is_bare else -1
    place = at
    while (match := _PIECE.match(text, place, end)) is not None:
        piece = match["string"] or match["sign"] or match["word"] or _alternative(match)
        if is_bare and depth == 0 and (piece == ";" or piece.lower() in _END_WORDS):
            return ([*values, tuple(pieces)], place) if pieces else None
        place = match.end()
        if piece == "(":
            depth += 1
            if depth > _DEPTH_MAX:
                return None
        elif piece == ")":
            depth -= 1
            if depth < 0:
                return None if is_bare else ([*values, tuple(pieces)], place)
        elif piece == ";":
            return None
        elif piece == "," and depth == 0:
            values.append(tuple(pieces))
            pieces = []
            continue
        if piece and (depth > 0 or piece != "("):
            pieces.append(piece)
        if place >= end:
            break
    return ([*values, tuple(pieces)], place) if is_bare and pieces and depth == 0 else None


def _alternative(match: re.Match[str]) -> str:
    """Return a text in Oracle's alternative quotes as one in usual ones."""
    found = match["square"] or match["curly"] or match["round"]
    return "" if found is None else "'" + found.replace("\\", "\\\\").replace("'", "''") + "'"


def joined_literals(value: Value) -> list[str]:
    """Return the literals of a value whose texts together are what it is worth; empty for NULL."""
    found: list[str] = []
    calls: list[str] = []
    previous = ""
    is_joined = "||" in value or "+" in value or any(piece.lower() in _JOINING_CALLS for piece in value)
    for piece in value:
        call = calls[-1] if calls else ""
        if piece == "(":
            calls.append(previous.lower())
        elif piece == ")":
            if calls:
                calls.pop()
        elif piece == "::":
            break
        elif call in _SIGN_CALLS and piece.isdecimal():
            found.append(f"'{_sign(int(piece))}'")
        elif piece[-1] in "'\"" and len(piece) > 1 and not (calls and call == "to_date" and found):
            found.append(piece)
        previous = piece
    if not found:
        plain = [piece for piece in value if piece not in ("(", ")", ",") and piece.upper() != "NULL"]
        return plain[:1] if len(plain) == 1 or not any(piece == "(" for piece in value) else plain[1:2]
    return found if is_joined else found[:1]


def _sign(code: int) -> str:
    sign = chr(code) if code < 0x110000 else ""
    return {"'": "''", "\\": "\\\\"}.get(sign, sign)
