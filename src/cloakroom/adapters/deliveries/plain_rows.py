"""Rows of lines without any quote: most lines of most files, split all at once.

Only used where splitting at the delimiter is all that the CSV grammar does: no quote and no escape character in the
block, and no carriage return but before a line feed. `csv_rows` handles everything else and gives the same answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from cloakroom.adapters.deliveries.detection import Dialect


def is_plain(joined: str, dialect: Dialect) -> bool:
    """Return whether the lines that make up `joined` can be split without regard to quotes."""
    if (dialect.quote and dialect.quote in joined) or dialect.escape or dialect.line_end == "cr":
        return False
    carriages = joined.count("\r")
    return carriages == 0 or carriages == joined.count("\r\n")


def split_plain(
    lines: list[str], delimiter: str, width: int, first_line: int
) -> tuple[list[pl.Series], list[int], list[tuple[int, int]]]:
    """Split lines into columns.

    Args:
        lines: Physical lines with their ends.
        delimiter: One character.
        width: Fields of a row.
        first_line: Physical number of the first line.

    Returns:
        The columns; the line of each row; line and number of fields of each line of another width. Blank lines are
        neither.
    """
    texts = pl.Series("line", lines, dtype=pl.String).str.strip_suffix("\n").str.strip_suffix("\r")
    fields = texts.str.count_matches(delimiter, literal=True) + 1
    numbers = pl.int_range(first_line, first_line + len(lines), eager=True)
    is_row = (fields == width) & (texts.str.len_bytes() > 0)
    wrong: list[tuple[int, int]] = []
    if not is_row.all():
        is_ragged = (fields != width) & (texts.str.len_bytes() > 0)
        wrong = list(zip(numbers.filter(is_ragged).to_list(), fields.filter(is_ragged).to_list(), strict=True))
        texts, numbers = texts.filter(is_row), numbers.filter(is_row)
    columns = [texts] if width == 1 else texts.str.split_exact(delimiter, width - 1).struct.unnest().get_columns()
    return columns, numbers.to_list(), wrong
