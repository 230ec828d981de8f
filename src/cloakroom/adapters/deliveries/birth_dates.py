"""Birth dates that nobody living has: in the future, or more than 120 years back.

They steer duties: whoever is a minor is told otherwise. A year of the Buddhist calendar (2531 for 1988), or one of
two digits that was taken for one of this century, would make minors of grown people. So a row with one is refused,
whatever the mapping says of values that cannot be read: this one can, and is wrong.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from cloakroom.vault.fields import FieldKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cloakroom.vault.fields import FieldDefinition

YEARS = 120
"""How long people live, nearly: who lives longer is known by name."""

_BUDDHIST = 543
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_AHEAD = timedelta(days=1)  # It is tomorrow already in the east.


def is_birth_date(field: FieldDefinition) -> bool:
    """Return whether a field holds days of birth."""
    return field.kind is FieldKind.DATE and (field.name == "birth_date" or field.data_element == "birth_date")


class BirthDates:
    """Judges birth dates by the day of the import.

    Args:
        today: That day, in UTC.
    """

    def __init__(self, today: date) -> None:
        self._latest = min(today, date.max - _AHEAD) + _AHEAD
        self._earliest = date(max(today.year - YEARS, 1), today.month, min(today.day, 28))
        self._bounds = (self._earliest.isoformat(), self._latest.isoformat())

    def wrong(self, values: Sequence[str | None]) -> Iterator[tuple[int, str]]:
        """Yield position and reason of each day that is no birth date; what is no ISO date is passed over."""
        earliest, latest = self._bounds
        for at, value in enumerate(values):
            if value is not None and not earliest <= value <= latest and (day := _day(value)) is not None:
                yield at, self._reason(day)

    def known(self, value: str) -> str | None:
        """Return `value` where it is a birth date, None where it is none."""
        earliest, latest = self._bounds
        return value if earliest <= value <= latest and _day(value) is not None else None

    def _reason(self, day: date) -> str:
        if day < self._earliest:
            return f"lies more than {YEARS} years back, which is no birth date"
        if self._earliest.year <= day.year - _BUDDHIST <= self._latest.year:
            return "lies in the future, which is no birth date; is the year one of the Buddhist calendar?"
        return "lies in the future, which is no birth date"


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if _ISO.fullmatch(value) else None
    except ValueError:
        return None
