"""Recognises how a text is cut into rows and columns, from its first lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cloakroom.canonical.delimiters import DELIMITERS
from cloakroom.claims.readers.loose import loose_finds
from cloakroom.claims.readers.tolerant import split_line

_DELIMITERS = (*DELIMITERS, "`")
_RULE = re.compile(r"^[\s|+:=_-]*[-=_]{3}[\s|+:=_-]*$")
_VALUE = re.compile(r"@|^\s*[+(]?\d[\d\s().,/:+-]*$|^\s*00[0-9A-Za-z]{13,16}\s*$")
_CLEAN = re.compile(
    r"""\s*(?:
    (?:[^,;|\t:~^`\x01\x1f@]|[,:;](?=\s))*[:,;.]?           # words, also with a comma and a blank between them
    |[\d\s./:,+TZ()-]+(?:\s*(?:[AaPp]\.?[Mm]\.?|[A-Z]{1,5}|\w+/\w+))?    # numbers, times with their zones
    |[^\s,;|:]+@[^\s,;|:]+                                 # an address
    |(?:https?|mailto|tel):\S+
    |[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}(?:/\d+)?     # addresses of networks
    )\s*""",
    re.VERBOSE,
)
"""Linear: no part can match the same text in two ways that are tried one after the other for each of its places."""
_CLEAN_LINES = 100
_SAMPLE_LINES = 400
_SENTENCE_WORDS = 5
_PROSE_COLUMNS = 4
_TITLE_LINES = 10
_PAIR = 2
_PAIRED = ":;|"
_CERTAIN = 2.0
_NEARLY_ALL = 0.9
_TITLED_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The layout of a table in a text.

    Attributes:
        delimiter: One character.
        columns: How many columns a whole row has.
        header: Their names, or None where the first row is data already.
        preamble: Lines before the header, to be left out.
        is_pasted: The table was pasted into prose: rules, headings, folded lines.
        is_open: The last cell may hold delimiters, as the password of ``address:password`` does.
    """

    delimiter: str
    columns: int
    header: tuple[str, ...] | None
    preamble: int
    is_pasted: bool
    is_open: bool = False


def detect_layout(text: str) -> TableLayout | None:
    """Return the layout of a text of which `text` is the beginning, or None where it is no table."""
    found = possible_layouts(text)
    return found[0] if found else None


def possible_layouts(text: str) -> list[TableLayout | None]:
    """Return the layouts that a text may have of which `text` is the beginning, the likeliest first.

    None among them says that the text is no table although it could be cut like one.
    """
    lines = text.split("\n")
    if len(lines) > 1 and len(text) > 1000:
        lines = lines[:-1]  # The last one may be cut.
    lines = [line.rstrip("\r").lstrip("\ufeff") for line in lines[:_SAMPLE_LINES]]
    scored = [
        (score, delimiter, columns)
        for delimiter in _DELIMITERS
        if (found := _score(lines, delimiter))
        for score, columns in [found]
    ]
    if pairs := _pairs(lines):
        scored.append((_CERTAIN, pairs, _PAIR))
    if not scored:
        return [_single_column(lines)]
    scored.sort(key=lambda item: -item[0])
    return [_layout(lines, delimiter, columns, pairs) for _, delimiter, columns in scored]


def _pairs(lines: Sequence[str]) -> str | None:
    """Return what keeps addresses apart from something that may hold the same sign, as in ``address:password``."""
    filled = _filled(lines)
    for delimiter in _PAIRED:
        beginning = re.compile(rf"\s*[^\s@,:;|]{{1,64}}@[\w.-]+{re.escape(delimiter)}")
        counts = Counter(line.count(delimiter) for line in filled if beginning.match(line))
        if counts.total() > _NEARLY_ALL * len(filled) and counts.most_common(1)[0][0] == 1 and len(counts) > 1:
            return delimiter
    return None


def _layout(lines: list[str], delimiter: str, columns: int, pairs: str | None) -> TableLayout | None:
    if delimiter == pairs:
        return TableLayout(delimiter, _PAIR, None, 0, is_pasted=False, is_open=True)
    first = _first_row(lines, delimiter, columns)
    cells = split_line(lines[first], delimiter)[0]
    body = [split_line(line, delimiter)[0] for line in lines[first + 1 :]]
    header = tuple(cell.strip() for cell in cells) if _is_header(cells, body) else None
    if delimiter in ",;:" and columns <= _PROSE_COLUMNS and any(map(_is_sentence, _filled(lines)[:3])):
        return None  # A letter with a list in it.
    is_open = columns == _PAIR and header is None and _are_keyed([cells, *body])
    return TableLayout(delimiter, columns, header, first, _is_pasted(lines, delimiter, columns), is_open)


def _are_keyed(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether nearly all rows begin with an address or a number."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    return sum(bool(loose_finds(row[0])) for row in filled) > _NEARLY_ALL * len(filled)


def _first_row(lines: Sequence[str], delimiter: str, columns: int) -> int:
    """Return the number of the first line of the table: titles above it fill one cell of many."""
    whole = [number for number, line in enumerate(lines) if len(split_line(line, delimiter)[0]) == columns]
    for number in whole[:_TITLE_LINES]:
        filled = [cell for cell in split_line(lines[number], delimiter)[0] if cell.strip()]
        if columns < _TITLED_COLUMNS or len(filled) > 1:
            return number
    return whole[0]


def _filled(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line.strip()]


def _is_sentence(line: str) -> bool:
    """Return whether a line is prose: several words and nothing by which a person could be found."""
    words = line.split()
    return len(words) >= _SENTENCE_WORDS and "  " not in line.strip() and not loose_finds(line)


def _score(lines: Sequence[str], delimiter: str) -> tuple[float, int] | None:
    counts: Counter[int] = Counter()
    whole = 0
    open_until = -1
    for number, line in enumerate(lines):
        if number <= open_until or not line.strip() or _RULE.match(line):
            continue
        cells, is_open = split_line(line, delimiter)
        if is_open:
            for further in range(number + 1, min(number + 8, len(lines))):
                cells, is_open = split_line("\n".join(lines[number : further + 1]), delimiter)
                if not is_open:
                    open_until = further
                    break
        counts[len(cells)] += 1
        whole += 1
    counts.pop(1, None)
    if not counts or whole == 0:
        return None
    columns, often = counts.most_common(1)[0]
    clean = _clean_share(lines, delimiter)
    share = often / whole
    if share < (0.9 if delimiter in ":`~^" else 0.5) or (whole == 1 and delimiter not in ",;\t|"):
        return None
    return (share + min(columns, 40) / 200) * clean, columns


def _clean_share(lines: Sequence[str], delimiter: str) -> float:
    """Return the share of cells that are words, a number, a time, an address or nothing.

    Cells of a wrong cut have other delimiters inside, as the comma-separated piece of a row between two colons of its
    times has. (The idea is of G. J. J. van den Burg, A. Nazábal and C. Sutton, "Wrangling messy CSV files by
    detecting row and type patterns", 2019.)
    """
    cells = [cell for line in lines[:_CLEAN_LINES] if line.strip() for cell in split_line(line, delimiter)[0]]
    return sum(bool(_CLEAN.fullmatch(cell)) for cell in cells) / len(cells)


def _single_column(lines: Sequence[str]) -> TableLayout | None:
    """Accept a bare list: one value on each line."""
    filled = _filled(lines)
    values = [bool(_VALUE.search(line)) and len(line.split()) <= 3 for line in filled]
    if len(filled) < 2 or sum(values[1:]) < 0.9 * len(values[1:]):
        return None
    first = next(number for number, line in enumerate(lines) if line.strip())
    return TableLayout("\x00", 1, None if values[0] else (lines[first].strip(),), first, is_pasted=False)


def _is_header(cells: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled or any(_VALUE.search(cell) for cell in filled) or len(set(filled)) < len(filled):
        return False
    if any(len(cell) > 80 for cell in filled):
        return False
    # A row of names without any number could be data: then its words come back below.
    below = {cell.strip() for row in body[:200] if row != cells for cell in row}
    return sum(cell in below for cell in filled) <= len(filled) / 3


def _is_pasted(lines: Sequence[str], delimiter: str, columns: int) -> bool:
    if delimiter not in "|\t":
        return False
    if any(_RULE.match(line) and (delimiter in line or "+" in line) for line in lines):
        return True
    padded = sum(f" {delimiter} " in line for line in lines)
    return delimiter == "|" and padded > 0.5 * len(lines) and columns > 1
