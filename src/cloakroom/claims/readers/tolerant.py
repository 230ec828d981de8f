r"""Cuts delimited text into rows one line at a time, and finds its feet again after a broken one.

Slower than the vectorised way, used only for blocks whose quoting is not clean. A quote opens a quoted cell only at
the beginning of a cell; inside, ``""`` and ``\"`` are a quote; what follows the closing quote up to the delimiter is
taken as it stands. A row that is still open at the end of its line is continued on the next ones; when that does not
end in a whole row, only its first line is given up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_CONTINUED_LINES = 40


@dataclass(slots=True)
class Cut:
    """Rows, broken lines with their numbers, and what may go on beyond the end of the text."""

    rows: list[list[str]] = field(default_factory=list, repr=False)
    broken: list[tuple[int, str]] = field(default_factory=list, repr=False)
    rest: str = field(default="", repr=False)


def split_line(line: str, delimiter: str) -> tuple[list[str], bool]:
    """Split one row; also say whether a quoted cell is still open at its end."""
    if '"' not in line:
        return line.split(delimiter), False
    cells: list[str] = []
    at, size = 0, len(line)
    while True:
        start = at
        while start < size and line[start] == " " and line[start + 1 : start + 2] in (" ", '"'):
            start += 1
        if start < size and line[start] == '"':
            cell, at = _quoted(line, start + 1)
            if at < 0:
                return [*cells, cell], True
            end = line.find(delimiter, at)
            end = size if end < 0 else end
            cell += line[at:end].rstrip()
        else:
            end = line.find(delimiter, at)
            end = size if end < 0 else end
            cell = line[at:end]
        cells.append(cell)
        if end >= size:
            return cells, False
        at = end + 1


def _quoted(line: str, at: int) -> tuple[str, int]:
    """Return the cell that begins at `at` and the place after its closing quote, or -1 where there is none."""
    parts: list[str] = []
    while True:
        end = line.find('"', at)
        if end < 0:
            return "".join(parts) + line[at:], -1
        if line[end - 1 : end] == "\\" and end > at:
            parts.append(line[at : end - 1] + '"')
            at = end + 1
        elif line[end + 1 : end + 2] == '"':
            parts.append(line[at : end + 1])
            at = end + 2
        else:
            return "".join(parts) + line[at:end], end + 1


def cut_rows(text: str, delimiter: str, columns: int, *, is_end: bool = True) -> Cut:
    """Cut `text`, which begins and ends with a line, into rows of `columns` cells.

    Args:
        text: Whole lines.
        delimiter: One character.
        columns: Cells of a whole row.
        is_end: Whether nothing follows; otherwise a row still open at the end becomes `Cut.rest`.
    """
    cut = Cut()
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    number = 0
    while number < len(lines):
        line = lines[number].rstrip("\r")
        number += 1
        if not line.strip():
            continue
        cells, is_open = split_line(line, delimiter)
        if is_open:
            cells, further = _continued(line, lines, number, delimiter, columns)
            if cells:
                cut.rows.append(cells)
                number = further
                continue
            if further < 0 and not is_end:
                cut.rest = "\n".join(lines[number - 1 :]) + "\n"
                break
        elif len(cells) == columns:
            cut.rows.append(cells)
            continue
        cut.broken.append((number - 1, line))
    return cut


def _continued(line: str, lines: Sequence[str], number: int, delimiter: str, columns: int) -> tuple[list[str], int]:
    """Return the cells of a row that goes on and the line after it; no cells where it makes no whole row.

    The second is -1 where the lines ended before that could be said.
    """
    joined = line
    last = min(number + _CONTINUED_LINES, len(lines))
    for further in range(number, last):
        joined += "\n" + lines[further].rstrip("\r")
        if '"' not in lines[further]:
            continue
        cells, is_open = split_line(joined, delimiter)
        if not is_open:
            return (cells if len(cells) == columns else []), further + 1
    return [], -1 if last == len(lines) else number


def logical_lines(blocks: Iterator[bytes], longest: int) -> Iterator[str]:
    """Yield lines without their ends; one longer than `longest` bytes is cut, its rest left out."""
    carry = b""
    skipping = False
    for block in blocks:
        lines = (carry + block).split(b"\n")
        carry = lines.pop()
        for line in lines:
            if not skipping:
                yield line[:longest].decode("utf-8", "replace").rstrip("\r")
            skipping = False
        if len(carry) > longest:
            if not skipping:
                yield carry[:longest].decode("utf-8", "replace")
            carry, skipping = b"", True
    if carry and not skipping:
        yield carry.decode("utf-8", "replace").rstrip("\r")
