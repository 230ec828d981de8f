"""The four figures that are easily taken for each other: rows, e-mail addresses, records, persons.

A dump of 56 million rows held 7.4 million addresses; neither is the number of people. They are always given side by
side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyroaring import BitMap

if TYPE_CHECKING:
    from cloakroom.scoping.affected import AffectedSet
    from cloakroom.scoping.persons import Persons

__all__ = ["FourCounts", "count_four"]


@dataclass(frozen=True, slots=True)
class FourCounts:
    """The figures side by side.

    Attributes:
        rows: Rows returned or seen outside, repetitions included; None where no source counts them.
        emails: Different e-mail addresses among them; None where nobody counted.
        records_lower: At least so many different records, proven or implied by counts.
        records_upper: At most so many by proof and bound.
        records_possible: At most so many if everything possible happened.
        persons_lower: At least so many persons, behind the proven records by the loose rule.
        persons_best: The figure to give when only one is asked for, behind proven and bounded records.
        persons_upper: At most so many persons, behind proven and bounded records by the strict rule.
        persons_method: How persons were counted.
        not_people: Records left out of the persons: test rows and canaries.
    """

    rows: int | None
    emails: int | None
    records_lower: int
    records_upper: int
    records_possible: int
    persons_lower: int
    persons_best: int
    persons_upper: int
    persons_method: str
    not_people: int


def count_four(
    affected: AffectedSet,
    persons: Persons,
    *,
    not_people: BitMap | None = None,
    rows: int | None = None,
    emails: int | None = None,
) -> FourCounts:
    """Put the four figures of an affected set side by side.

    Args:
        affected: The affected set.
        persons: The linking of the store.
        not_people: Records behind which nobody stands: test rows, canaries.
        rows: Rows that the sources count.
        emails: Different addresses that somebody counted.
    """
    nobody = BitMap() if not_people is None else not_people
    everyone = affected.affected - nobody
    outer, inner = persons.count(everyone), persons.count(affected.proven - nobody)
    # Records known by count alone may each be another person.
    unlisted = max(0, affected.at_most - len(affected.affected))
    return FourCounts(
        rows=rows,
        emails=emails,
        records_lower=affected.at_least,
        records_upper=affected.at_most,
        records_possible=affected.at_most_with_possible,
        persons_lower=inner.lower,
        persons_best=outer.best,
        persons_upper=outer.upper + unlisted,
        persons_method=outer.method,
        not_people=affected.affected.intersection_cardinality(nobody),
    )
