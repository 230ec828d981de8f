"""Periods of retention: the record of a breach is kept for the longest of every law whose residents are affected."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from cloakroom.duty.instruments import CONFIDENCES
from cloakroom.duty.places import EEA
from cloakroom.toml import parse_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cloakroom.toml import Table

__all__ = ["Law", "Retention", "parse_retention", "retention_of"]

EVENTS: Final = frozenset({"aware", "determined", "reported"})
_CONFIDENCES: Final = frozenset({*CONFIDENCES, "own"})


@dataclass(frozen=True, slots=True)
class Law:
    """One law's period.

    Attributes:
        jurisdictions: Places; ``EEA`` stands for its countries, ``*`` for places that no other law names.
        months: Length.
        start: Event from which it runs.
    """

    id: str
    title: str
    jurisdictions: frozenset[str]
    months: int
    start: str
    source: str
    confidence: str

    def covers(self, place: str) -> bool:
        """Answer whether the law is about residents of `place`."""
        country = place.partition("-")[0]
        return (
            place in self.jurisdictions
            or country in self.jurisdictions
            or ("EEA" in self.jurisdictions and country in EEA)
        )


@dataclass(frozen=True, slots=True)
class Retention:
    """The day until which a record is kept, and each law with the day on which its period ends."""

    until: date
    laws: tuple[tuple[Law, date], ...]


def parse_retention(text: str, source: str) -> tuple[Law, ...]:
    """Read a file of periods.

    Raises:
        RuleError: With every mistake and its line.
    """
    root = parse_document(text, source)
    laws = tuple(_law(table) for table in root.tables("law"))
    if len({law.id for law in laws}) < len(laws):
        root.report("law", "two laws have the same id")
    if not any("*" in law.jurisdictions for law in laws):
        root.report("law", "one law must stand for all other places (*)")
    root.close()
    root.check()
    return laws


def _law(table: Table) -> Law:
    law = Law(
        id=table.text("id"),
        title=table.text("title"),
        jurisdictions=frozenset(table.texts("jurisdictions", required=True)),
        months=table.number("months", least=1),
        start=table.text("from", choices=EVENTS),
        source=table.text("source"),
        confidence=table.text("confidence", choices=_CONFIDENCES),
    )
    if table.day("read") is None:
        table.report("read", "is missing")
    table.close()
    return law


def retention_of(laws: Iterable[Law], places: Iterable[str], events: Mapping[str, date]) -> Retention:
    """Return how long a record is kept.

    Args:
        laws: All periods.
        places: Residences of the affected persons, such as ``FR`` or ``US-NY``; none at all counts as elsewhere.
        events: Day of each event; ``aware`` is always there, and stands in for those that have not happened.
    """
    known = tuple(laws)
    applying: dict[str, Law] = {}
    for place in sorted(set(places)) or [""]:
        covering = [law for law in known if law.covers(place)]
        for law in covering or [law for law in known if "*" in law.jurisdictions]:
            applying[law.id] = law
    ends = tuple(
        (law, add_months(max(events.get(law.start, events["aware"]), events["aware"]), law.months))
        for law in applying.values()
    )
    return Retention(max(end for _, end in ends), ends)


def add_months(day: date, months: int) -> date:
    """Return the same day `months` later, or the last day of that month where it is shorter."""
    index = day.month - 1 + months
    year, month = day.year + index // 12, index % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
