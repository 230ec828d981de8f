"""Dates as dumps show them, in ISO form: numbers in any order, names of months, counts of seconds.

Whether the day or the month comes first is settled for the whole column, as is whether counts are of seconds or
milliseconds. Two digits of a year are of this century unless that would be in the future.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl

_ISO = re.compile(r"^\s*(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})")
_ORDERED = re.compile(r"^\s*(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{4}|\d{2})(?!\d)")
_COMPACT = re.compile(r"^\s*((?:19|20)\d\d)([01]\d)([0-3]\d)\s*$")
_COUNT = re.compile(r"^\s*-?\d{5,14}(?:\.0+)?\s*$")
_NAMED = (
    re.compile(r"^\s*(?P<d>\d{1,2})(?:st|nd|rd|th)?[\s.,/-]*(?P<m>[^\W\d_]{3,})[\s.,/-]+(?P<y>\d{4})"),
    re.compile(r"^\s*(?P<m>[^\W\d_]{3,})[\s.,/-]+(?P<d>\d{1,2})(?:st|nd|rd|th)?[\s.,/-]+(?P<y>\d{4})"),
)
_MONTHS = {
    start: number
    for number, starts in enumerate(
        ("jan gen ene sty led янв oca", "feb fev fév lut uno úno фев sub şub", "mar mär mrz maer bre bře мар",
         "apr avr abr kwi dub апр nis", "may mai mag maj kve kvě мая май", "jun giu juin cze čer cer июн haz",
         "jul lug juil lip červenec července cervenec cervence июл tem",
         "aug ago aoû aou sie srp авг agu ağu", "sep set wrz zar zář сен eyl",
         "oct okt ott out paz paź rij říj окт eki", "nov lis ноя kas", "dec dez dic déc gru pro дек ara"),
        1,
    )
    for start in starts.split()
}  # fmt: skip
_LONGEST_START = max(map(len, _MONTHS))
CONTENT = (
    r"^\s*(?:(?:19|20)\d\d\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)?\d\d"
    r"|(?:19|20)\d\d[01]\d[0-3]\d|\d{1,2}(?:st|nd|rd|th)?[\s.,/-]*\p{L}{3,}[\s.,/-]+(?:19|20)\d\d"
    r"|\p{L}{3,}[\s.,/-]+\d{1,2}(?:st|nd|rd|th)?[\s.,/-]+(?:19|20)\d\d|-?\d{5,14}(?:\.0+)?)(?:\D.*)?$"
)
"""What a cell of a column of birth dates looks like, as a pattern of polars."""


def date_reader(values: pl.Series, today: date) -> Callable[[str], str | None]:
    """Return the function from a cell of a column to its ISO date, None where it is none.

    Args:
        values: The column, or a part of it, by which the order of its dates is settled.
        today: The day after which no two-digit year lies.
    """
    filled = values.drop_nulls()
    firsts = filled.str.extract(_ORDERED.pattern.replace("(?!\\d)", ""), 1).cast(pl.Int64, strict=False)
    seconds = filled.str.extract(_ORDERED.pattern.replace("(?!\\d)", ""), 2).cast(pl.Int64, strict=False)
    is_month_first = bool((seconds > 12).any()) and not bool((firsts > 12).any())
    counts = filled.filter(filled.str.contains(_COUNT.pattern) & ~filled.str.contains(_COMPACT.pattern))
    largest = counts.str.strip_chars().cast(pl.Float64, strict=False).abs().median() if counts.len() else None
    unit = 1000 if isinstance(largest, float) and largest > 5e9 else 1
    year = today.year

    def read(text: str) -> str | None:
        try:
            return _read(text, is_month_first=is_month_first, unit=unit, year=year)
        except (ValueError, OverflowError):
            return None

    return read


def _read(text: str, *, is_month_first: bool, unit: int, year: int) -> str | None:
    text = unicodedata.normalize("NFKC", text)
    if match := _ISO.match(text) or _COMPACT.match(text):
        return date(int(match[1]), int(match[2]), int(match[3])).isoformat()
    if match := _ORDERED.match(text):
        day, month = (match[2], match[1]) if is_month_first else (match[1], match[2])
        return date(_whole_year(match[3], year), int(month), int(day)).isoformat()
    if _COUNT.match(text):
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(text) / unit)).date().isoformat()
    for pattern in _NAMED:
        if (match := pattern.match(text)) and (number := _month(match["m"].lower())):
            return date(int(match["y"]), number, int(match["d"])).isoformat()
    return None


def _month(name: str) -> int | None:
    """Return the number of the month whose known beginning is the longest: ``juillet`` is no ``juin``."""
    lengths = range(min(len(name), _LONGEST_START), 2, -1)
    return next((_MONTHS[name[:length]] for length in lengths if name[:length] in _MONTHS), None)


def _whole_year(digits: str, this_year: int) -> int:
    if len(digits) == 4:
        return int(digits)
    guess = this_year // 100 * 100 + int(digits)
    return guess if guess <= this_year else guess - 100
