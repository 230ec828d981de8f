"""Families of SQL dialects: in MySQL's a backslash escapes the next sign of a text, in the standard it does not."""

from __future__ import annotations

import re

_LOOKED_AT = 1 << 18
_SURELY_STANDARD = re.compile(
    r"standard_conforming_strings\s*=\s*on"
    r"|^[ \t]*(?:go[ \t;]*\r?$|begin\s+tran|pragma\s|set\s+(?:define|identity_insert)\b)"
    r"|\[dbo\]|\b(?:insert|into|table)\s+\[",
    re.IGNORECASE | re.MULTILINE,
)
_SURELY_ESCAPES = re.compile(
    r"standard_conforming_strings\s*=\s*off|\b(?:into|table|update|tables)\s+(?:if\s+not\s+exists\s+)?`|/\*!\d{5}"
    r"|\)\s*engine\s*=|\bauto_increment\b",
    re.IGNORECASE,
)
_STANDARD = re.compile(
    r"[(,]\s*(?:N|E|q|U&)'|\bfrom\s+dual\b|\bto_(?:date|timestamp|clob)\s*\(|\|\||'\\n'\s*,\s*char\(10\)|'::\w"
    r"|\b(?:chr|unistr)\(",
    re.IGNORECASE,
)


def has_escapes(text: str) -> tuple[bool, bool]:
    """Return whether backslashes escape in a dump that begins with `text`, and whether that is certain."""
    head = text[:_LOOKED_AT]
    if _SURELY_STANDARD.search(head):
        return False, True
    if _SURELY_ESCAPES.search(head):
        return True, True
    return _STANDARD.search(head) is None, False
