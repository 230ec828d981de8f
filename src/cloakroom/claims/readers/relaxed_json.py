"""Texts that are nearly JSON, made JSON: documents of the Mongo shell, Python's and JavaScript's literals.

Outside of strings, calls become what they are given (``ObjectId("…")`` becomes ``"…"``, several arguments one text,
dates of Python those of ISO 8601), names and numbers before a colon get quotes, ``True``, ``None`` and their like
become what JSON calls them, tuples lists; commas before a closing bracket and comments go. Strings in single quotes
become strings in double ones. One passage, linear in the length of the text.
"""

from __future__ import annotations

import json
import re

import msgspec

_PIECE = re.compile(
    r"""(?P<double>[bBrRuU]{0,2}"(?:[^"\\]++|\\.)*+")|[bBrRuU]{0,2}'(?P<single>(?:[^'\\]++|\\.)*+)'"""
    r"""|`(?P<template>(?:[^`\\]++|\\.)*+)`|//[^\n]*|/\*.*?\*/|(?P<pattern>/(?:[^/\\\n*]|\\.)(?:[^/\\\n]++|\\.)*+/[a-z]*)"""
    r"""|(?P<name>[A-Za-z_$][\w$.]*)|(?P<number>[+-]?\.?\d[\w.+-]*)|(?P<angle><[\w.]+:?[^<>\n]{0,200}>)"""
    r"""|(?P<sign>[{}\[\]():,])|(?P<unclosed>["'`]|/\*)""",
    re.DOTALL,
)
_WORDS = {
    "True": "true", "False": "false", "None": "null", "undefined": "null", "NaN": "null", "Infinity": "null",
    "true": "true", "false": "false", "null": "null", "nan": "null", "inf": "null",
}  # fmt: skip
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_FRACTION = re.compile(r"\+?(-?)\.(\d+)")
_DATES = frozenset({"datetime.datetime", "datetime.date", "datetime", "date"})
_ESCAPES = {"\\'": "'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r"\\x([0-9a-fA-F]{2})|\\u[0-9a-fA-F]{4}|\\[\\/bfnrt\"']|\\|[\"\n\r\t]")


def relaxed_json(text: str) -> bytes:
    """Return the JSON that a text means; what is neither is left out, so that decoding it may still fail."""
    pieces: list[str] = []
    calls: list[tuple[int, str]] = []
    for match in _PIECE.finditer(text):
        kind, found = match.lastgroup, match[0]
        if kind == "double":
            pieces.append(found[found.index('"') :])
        elif kind in ("single", "template"):
            pieces.append(_quoted(match[kind]))
        elif kind == "number":
            pieces.append(_number(found))
        elif kind == "name":
            pieces.append(_WORDS.get(found) or _quoted(found))
        elif kind in ("pattern", "angle"):
            pieces.append(json.dumps(found))
        elif kind == "sign":
            _sign(pieces, calls, found)
        elif kind == "unclosed":
            break  # Nothing closes it up to the end, which is not looked for again.
    return "".join(pieces).encode("utf-8", "replace")


def decode_relaxed(text: bytes) -> object:
    """Return what a text means that is JSON or nearly so.

    Raises:
        msgspec.DecodeError: It is neither.
        RecursionError: It is nested too deep.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode(relaxed_json(text.decode("utf-8", "replace")))


def _sign(pieces: list[str], calls: list[tuple[int, str]], sign: str) -> None:
    if sign in "]})" and pieces and pieces[-1] == ",":
        pieces.pop()
    if sign == "(":
        name = pieces.pop() if pieces and pieces[-1].startswith('"') else ""
        if pieces and pieces[-1] == '"new"':
            pieces.pop()
        calls.append((len(pieces), name.strip('"')))
    elif sign == ")":
        _end_call(pieces, calls)
    else:
        if sign == ":" and pieces and pieces[-1][0] not in '"{}[],:':
            pieces[-1] = _quoted(pieces[-1])  # JSON names members by strings only.
        pieces.append(sign)


def _end_call(pieces: list[str], calls: list[tuple[int, str]]) -> None:
    """Put what a call or a tuple means in the place of what stands in its parentheses."""
    start, name = calls.pop() if calls else (len(pieces), "")
    given = pieces[start:]
    del pieces[start:]
    if not name:  # A tuple.
        pieces.extend(("[", *given, "]"))
    elif not given:
        pieces.append("null")
    elif len(given) == 1 or given[0] in ("[", "{"):
        pieces.extend(given)
    elif name in _DATES:
        pieces.append(_iso_date(given[::2]))
    else:
        pieces.append(json.dumps("".join(piece.strip('"') for piece in given)))


def _iso_date(numbers: list[str]) -> str:
    parts = [number.zfill(2) for number in numbers if number.isdecimal()]
    date, time = "-".join(parts[:3]), ":".join(parts[3:6])
    return f'"{date}T{time}"' if time else f'"{date}"'


def _number(found: str) -> str:
    if _NUMBER.fullmatch(found):
        return found
    fraction = _FRACTION.fullmatch(found)
    return f"{fraction[1]}0.{fraction[2]}" if fraction else _quoted(found)


def _quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    found = match[0]
    if match[1]:
        return f"\\u00{match[1]}"
    if found in _ESCAPES:
        return _ESCAPES[found]
    return "\\\\" if found == "\\" else found
