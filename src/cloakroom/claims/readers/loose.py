"""Addresses, ids and telephone numbers wherever they stand in a text."""

from __future__ import annotations

import re

LOOSE_EMAIL = re.compile(
    r"""(?<![\w.%+@-])(?:\\[trn])?([^\s"'(),:;<>@\[\]\\{}|=?/]{1,64}@(?:[\w-]{1,63}\.)+[\w-]{2,63})"""
)
LOOSE_ID = re.compile(r"(?<![0-9A-Za-z])(0[0-9A-Za-z]{2}[0-9A-Za-z]{12}(?:[A-Z0-5]{3})?)(?![0-9A-Za-z])")
LOOSE_PHONE = re.compile(r"(?<![\w.@+-])(\+\d[\d ().-]{7,18}\d|00\d[\d ().-]{8,18}\d|0\d[\d ().-]{7,14}\d)(?![\w@])")


def loose_finds(line: str) -> dict[str, str]:
    """Return the first address, id and telephone number in a line."""
    found = {}
    if "@" in line and (match := LOOSE_EMAIL.search(line)):
        found["email"] = match[1]
    if match := LOOSE_ID.search(line):
        found["id"] = match[1]
    if match := LOOSE_PHONE.search(line):
        found["phone"] = match[1]
    return found
