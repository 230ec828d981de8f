"""Dialects that no single delimiter and quote can describe, rewritten to one that they can.

Cells kept apart by several signs (``||``, ``::``, ``~|~``), by thorns, as programs for lawyers write them, or by
single quotes; and lines of CSV that a spreadsheet took for one cell each. Blocks are rewritten as they pass, whole
lines at a time; the sign that keeps cells apart afterwards is the unit separator, which no such text has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SEPARATOR = "\x1f"
_SIGN = r"""[^\w\s"'@.+\-()/\\\[\]{}<>?!]"""
_RUN = re.compile(rf"{_SIGN}{{2,4}}")
_QUOTED_END = re.compile(rb'(?m)^"|"(?=\r?$)')
_SINGLE_END = re.compile(rb"(?m)^'|'(?=\r?$)")
_THORN_END = re.compile("(?m)^(?:\ufeff)?þ|þ(?=\r?$)".encode())
_BOX = str.maketrans({
    **dict.fromkeys("│┃║", "|"), **dict.fromkeys("─━═╌┄", "-"),
    **dict.fromkeys("┌┬┐├┼┤└┴┘╔╦╗╠╬╣╚╩╝╭╮╰╯┏┳┓┣╋┫┗┻┛╪╞╡╤╧╒╕╘╛╟╢╫╥╨┠┨┿┯┷", "+"),
})  # fmt: skip
_LETTER = re.compile(r"\w")
_SIGNS = (",", ";", "|", "\t", ":", "~", "^", "\x14")
_LINES = 200
_LEAST_LINES = 2
_NEARLY_ALL, _MOST, _HALF = 0.9, 0.8, 0.5
_CANDIDATES = 5
_QUOTES_BETWEEN = '","'


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Signs that keep the cells of a text apart.

    Attributes:
        kind: ``signs``, ``wrapped``, ``single quotes``, ``thorns`` or ``box``.
        between: What stands between two cells; empty for wrapped lines and boxes of drawn lines.
    """

    kind: str
    between: str

    def rewritten(self, text: bytes) -> bytes:
        """Return whole lines with their cells kept apart by one sign."""
        separator = SEPARATOR.encode()
        if self.kind == "wrapped":
            return _QUOTED_END.sub(b"", text).replace(b'""', b'"')
        if self.kind == "box":
            return text.decode("utf-8", "replace").translate(_BOX).encode()
        text = text.replace(self.between.encode(), separator)
        if self.kind == "single quotes":
            return _SINGLE_END.sub(b"", text).replace(b"''", b"'")
        return _THORN_END.sub(b"", text) if self.kind == "thorns" else text

    def blocks(self, blocks: Iterator[bytes], longest: int) -> Iterator[bytes]:
        """Yield blocks rewritten; a line longer than `longest` is cut where its block ends."""
        carry = b""
        for block in blocks:
            data = carry + block
            end = data.rfind(b"\n") + 1
            if not end and len(data) > longest:
                end = len(data)
            if end:
                yield self.rewritten(data[:end])
            carry = data[end:]
        if carry:
            yield self.rewritten(carry)


def rewriting_of(head: str) -> Rewriting | None:
    """Return how the cells of a text that begins with `head` are kept apart, where one sign does not do it."""
    if SEPARATOR in head:
        return None
    lines = [line.rstrip("\r").lstrip("\ufeff") for line in head.split("\n")[:_LINES]]
    lines = [line for line in lines if _LETTER.search(line)]
    if len(lines) > _LEAST_LINES and not head.endswith("\n"):
        lines = lines[:-1]
    if len(lines) < _LEAST_LINES:
        return None
    if _share("│" in line or "║" in line or "┃" in line for line in lines) >= _HALF:
        return Rewriting("box", "")
    return _between_quotes(lines) or _wrapped(lines) or _of_signs(lines)


def _between_quotes(lines: Sequence[str]) -> Rewriting | None:
    for kind, quote in (("thorns", "þ"), ("single quotes", "'")):
        if _share(line.startswith(quote) and line.endswith(quote) for line in lines) < _NEARLY_ALL:
            continue
        for sign in _SIGNS:
            for between in (f"{quote}{sign}{quote}", f"{quote}{sign} {quote}"):
                if _is_regular(lines, between):
                    return Rewriting(kind, between)
        if kind == "thorns" and _is_regular(lines, "þþ"):
            return Rewriting(kind, "þþ")
    return None


def _wrapped(lines: Sequence[str]) -> Rewriting | None:
    inside = [line[1:-1] for line in lines if len(line) > 1 and line[0] == line[-1] == '"']
    if len(inside) < _NEARLY_ALL * len(lines):
        return None
    is_one_cell = _share('"' not in line.replace('""', "") for line in inside)
    is_row = max(_share(sign in line for line in inside) for sign in _SIGNS)
    return Rewriting("wrapped", "") if min(is_one_cell, is_row) >= _NEARLY_ALL else None


def _of_signs(lines: Sequence[str]) -> Rewriting | None:
    runs = Counter(run for line in lines for run in set(_RUN.findall(line[: 1 << 16])))
    if _share(_QUOTES_BETWEEN in line and not line.startswith('"') for line in lines) >= _NEARLY_ALL:
        runs[_QUOTES_BETWEEN] = len(lines) + 1
    # The longest first: between `~|~` there is also `~|`.
    found = [run for run, often in runs.most_common(_CANDIDATES) if often >= _MOST * len(lines)]
    for between in sorted(found, key=len, reverse=True):
        if _is_regular(lines, between) and _is_alone(lines, between):
            return Rewriting("signs", between)
    return None


def _is_regular(lines: Sequence[str], between: str) -> bool:
    """Return whether nearly all lines have it as often."""
    counts = Counter(line.count(between) for line in lines)
    often, share = counts.most_common(1)[0]
    return often > 0 and share >= _MOST * len(lines)


def _is_alone(lines: Sequence[str], between: str) -> bool:
    """Return whether its signs stand nowhere else: ``;;`` is an empty cell where ``;`` keeps cells apart."""
    signs = set(between) - {'"'} or set(between)
    rest = (line.replace(between, "") for line in lines)
    return _share(not any(sign in line for sign in signs) for line in rest) >= _MOST or between == _QUOTES_BETWEEN


def _share(flags: Iterator[bool] | Sequence[bool]) -> float:
    values = list(flags)
    return sum(values) / len(values) if values else 0.0
