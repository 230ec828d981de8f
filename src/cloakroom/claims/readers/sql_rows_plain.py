"""Rows of plain literals, matched at once: nearly all rows of nearly all dumps are such."""

from __future__ import annotations

import re


def _plain_row(inside: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what matches a row of plain literals, and its cells, where `inside` matches what quotes hold.

    A literal may be cast, or have the form of a date behind it: nearly every row of SQL Server and Oracle does.
    """
    call = r"(?i:(?:try_)?cast|to_(?:date|timestamp|timestamp_tz|clob|number)|str_to_date)\(\s*+"
    word = r"[-+]?+\d++(?:\.\d*+)?(?![\w.(])|(?i:null|true|false)\b"
    size = r"(?:\(\d++(?:,\s*+\d++)?\))?+"
    behind = rf"(?:\s++(?i:as)\s++\w++{size}\s*+\)|\s*+,\s*+'{inside}'\s*+\)|\s*+\))"
    cast = rf"(?:::[\w ]++{size})?+"
    value = rf"(?:(?:[nN]?'{inside}'|{word}){cast}|{call}(?:[nN]?'{inside}'|{word}){behind})"
    row = rf"\(\s*+({value}\s*+(?:,\s*+{value}\s*+)*+)\)(?=\s*+(?:[,;)(]|\Z|--|/\*|[^\W\d]))"
    cell = rf"(?:[nN]?'({inside})'|({word})){cast}|{call}(?:[nN]?'({inside})'|({word})){behind}"
    return re.compile(row, re.DOTALL), re.compile(cell, re.DOTALL)


PLAIN_ROWS = {False: _plain_row(r"(?:[^']++|'')*+"), True: _plain_row(r"(?:[^'\\]++|\\.|'')*+")}
