"""Texts that are nearly JSON, made JSON: documents of the Mongo shell, Python's and JavaScript's literals.

Outside of strings, calls lose their names and parentheses (``ObjectId("…")`` becomes ``"…"``), names without quotes
get them, ``True``, ``None`` and their like become what JSON calls them, commas before a closing bracket and comments
go. Strings in single quotes become strings in double ones. One passage, linear in the length of the text.
"""

from __future__ import annotations

import re

import msgspec

_PIECE = re.compile(
    r"""(?P<double>"(?:[^"\\]++|\\.)*+")|'(?P<single>(?:[^'\\]++|\\.)*+)'|//[^\n]*|/\*.*?\*/|(?P<name>[A-Za-z_$][\w$.]*)"""
    r"""|(?P<number>-?\d[\w.+-]*)|(?P<sign>[{}\[\]():,])""",
    re.DOTALL,
)
_WORDS = {
    "True": "true", "False": "false", "None": "null", "undefined": "null", "NaN": "null", "Infinity": "null",
    "true": "true", "false": "false", "null": "null", "nan": "null", "inf": "null",
}  # fmt: skip
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_ESCAPES = {"\\'": "'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r"\\x([0-9a-fA-F]{2})|\\u[0-9a-fA-F]{4}|\\[\\/bfnrt\"']|\\|[\"\n\r\t]")


def relaxed_json(text: str) -> bytes:
    """Return the JSON that a text means; what is neither is left out, so that decoding it may still fail."""
    pieces: list[str] = []
    for match in _PIECE.finditer(text):
        if match["double"] is not None:
            pieces.append(match["double"])
        elif match["single"] is not None:
            pieces.append(_quoted(match["single"]))
        elif match["number"] is not None:
            number = match["number"]
            pieces.append(number if _NUMBER.fullmatch(number) else _quoted(number))
        elif match["name"] is not None:
            pieces.append(_WORDS.get(match["name"]) or _quoted(match["name"]))
        elif match["sign"]:
            _sign(pieces, match["sign"])
    return "".join(pieces).encode("utf-8", "replace")


def _sign(pieces: list[str], sign: str) -> None:
    if sign in "]}" and pieces and pieces[-1] == ",":
        pieces.pop()
    if sign == "(":
        if pieces and pieces[-1].startswith('"'):
            pieces.pop()  # The name of what is called; an argument follows.
        if len(pieces) and pieces[-1] == '"new"':
            pieces.pop()
    elif sign != ")":
        pieces.append(sign)


def _quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    found = match[0]
    if match[1]:
        return f"\\u00{match[1]}"
    if found in _ESCAPES:
        return _ESCAPES[found]
    return "\\\\" if found == "\\" else found


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
