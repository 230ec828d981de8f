"""Lines of a delimited text that are no whole rows: which of them make rows after all, and which are remarks.

A line break inside a cell that nobody quoted cuts a row in two or more; joined, the pieces have as many cells as
every row. Two damaged rows could have as many by chance: pieces are joined only where all but the first show nobody
of their own and do not begin as rows do. A remark is a line of one cell that names nobody: a title, a footer, a count
of rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cloakroom.claims.readers.loose import loose_finds
from cloakroom.claims.readers.tolerant import split_line

_PIECES_MAX = 12
_LEAST_COLUMNS = 3
_DAMAGE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufffd]")
_DIGITS, _LETTERS = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Mended:
    """Rows made of lines, the lines that are still broken, and the number of remarks."""

    rows: list[list[str]]
    broken: list[str]
    remarks: int


def mend_lines(lines: Sequence[tuple[int, str]], delimiter: str, columns: int, *, is_open: bool = False) -> Mended:
    """Make rows of broken lines where that is beyond doubt.

    Args:
        lines: Their numbers and texts, in order; neighbours in the file have neighbouring numbers.
        delimiter: One character.
        columns: Cells of a whole row.
        is_open: Whether the last cell may hold delimiters.
    """
    rows: list[list[str]] = []
    broken: list[str] = []
    remarks = at = 0
    while at < len(lines):
        row, pieces = _joined(lines, at, delimiter, columns)
        if is_open and not row:
            cells = lines[at][1].split(delimiter, columns - 1)
            row = cells if len(cells) == columns else []
        if row:
            rows.append(row)
        elif _is_remark(lines[at][1], delimiter, columns):
            remarks += 1
        else:
            broken.append(lines[at][1])
        at += pieces
    return Mended(rows, broken, remarks)


def _joined(lines: Sequence[tuple[int, str]], at: int, delimiter: str, columns: int) -> tuple[list[str], int]:
    """Return the row that begins with a line and how many lines make it; no row and 1 where they make none."""
    number, text = lines[at]
    cells, _ = split_line(text, delimiter)
    beginning = _shape(cells[0])
    for place in range(at + 1, min(at + _PIECES_MAX, len(lines))):
        if len(cells) >= columns or len(cells) < 2 or lines[place][0] != number + place - at:
            break
        piece = lines[place][1]
        further, _ = split_line(piece, delimiter)
        if loose_finds(piece) or _shape(further[0]) == beginning:
            break
        text = f"{text}\n{piece}"
        cells, _ = split_line(text, delimiter)
        if len(cells) == columns:
            return cells, place - at + 1
    return [], 1


def _is_remark(line: str, delimiter: str, columns: int) -> bool:
    cells, _ = split_line(line.strip(), delimiter)
    is_bare = columns >= _LEAST_COLUMNS and not any(map(str.strip, cells[1:]))
    return is_bare and not loose_finds(line) and not _DAMAGE.search(line)


def _shape(cell: str) -> str:
    """Return how a cell is made up: ``AB123`` and ``XY9`` are alike."""
    return _LETTERS.sub("a", _DIGITS.sub("9", cell.strip()[:40]))
