"""Through whom did it leave: canaries first, then the likeliest of our own disclosures.

A canary that occurs in one release alone settles the matter, whatever became of the rest of its rows.
Otherwise every release, and everything that each lineage ever opened, is weighed by one question: how much likelier
are just these records if the dump was drawn from there than if it was drawn from all records? Drawn from a set of n
records, each of the dump's records inside has the chance 1/n, so the smallest set that holds nearly all of them
wins; those outside are allowed for as slips at two in a hundred. A field that the dump shows and the disclosure did
not, and an opening after the as-of time of the data, count against it. Reordering, dropped columns and removed rows
change none of this.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyroaring import BitMap, FrozenBitMap

from cloakroom.claims.dating import DAY, Snapshot
from cloakroom.clock import to_microseconds
from cloakroom.disclosures.disclosure import Disclosure
from cloakroom.disclosures.vocabulary import Channel

_SLIPS = 0.02
_FIELD_PENALTY = 0.5
_TIME_PENALTY = 1.0
_LEAST_CONTAINED = 0.5
_CANDIDATES_MAX = 10
RELEASE, LINEAGE, POPULATION = "release", "disclosure", "population"
"""Kinds of candidates, as reports name them."""
REVEALED: Mapping[str, str] = {
    "customer_number": "record_id", "name": "name", "given_name": "name", "family_name": "name", "email": "email",
    "phone": "phone", "mobile": "phone", "street": "address", "city": "address", "region": "address",
    "postcode": "address", "birth_date": "birth_date", "language": "language", "kind": "kind", "store": "store",
    "spend_total": "total_sales", "purchases": "purchases", "gender": "gender",
}  # fmt: skip
"""Fields of the vault by the names that reports use."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way by which the dump may have left.

    Attributes:
        kind: ``release``, ``disclosure`` or ``population``.
        id: Of the release, or of the lineage, or of the population of canaries.
        marks: Canaries of this candidate alone that the dump holds.
        contained: Share of the dump's proven records that it had.
        covered: Share of its records that rows of the dump agree with.
        missing_fields: Fields that the dump shows and it did not.
        evidence: Natural logarithm, per record, of how much likelier the dump is from here than from all records.
        reason: In words.
    """

    kind: str
    id: str
    marks: int
    contained: float
    covered: float
    missing_fields: tuple[str, ...]
    evidence: float
    reason: str


def attribute(
    proven: BitMap,
    fields: Iterable[str],
    snapshots: Sequence[Snapshot],
    disclosed: Iterable[Disclosure],
    *,
    population: int,
    canaries: Mapping[str, BitMap],
    alike: BitMap | None = None,
) -> list[Candidate]:
    """Rank the ways by which the dump may have left, likeliest first.

    Args:
        proven: Records that the dump proves; only those beyond doubt, where these are most.
        fields: Names of the fields that it shows, as reported.
        snapshots: As-of times of the data.
        disclosed: Releases and lineages, as `DisclosureSource` gives them.
        population: Number of all records of the brands at hand.
        canaries: Canaries, by the release or the population that they belong to.
        alike: All further records that rows of the dump agree with, by which it is told how much of a disclosure the
            dump holds.
    """
    dump = _Dump(proven, proven | (alike or BitMap()), frozenset(fields), snapshots, max(population, len(proven)))
    candidates = []
    populations = dict(canaries)
    for item in disclosed:
        kind, name = _source(item)
        marks = len(proven & populations.pop(name, BitMap())) if kind == RELEASE else 0
        if weighed := _weighed(item, dump, marks):
            candidates.append(weighed)
    for name, records in populations.items():
        if found := len(proven & records):
            what = "canaries" if found > 1 else "canary"
            reason = f"{found} {what} of {name}: taken from the store or through a reveal of it"
            candidates.append(Candidate(POPULATION, name, found, 0.0, found / len(records), (), 0.0, reason))
    candidates.sort(key=lambda candidate: (candidate.kind == POPULATION, -candidate.marks, -candidate.evidence))
    return [candidate for candidate in candidates if candidate.evidence > 0 or candidate.marks][:_CANDIDATES_MAX]


@dataclass(frozen=True, slots=True)
class _Dump:
    """The dump at hand, as far as disclosures are weighed by it."""

    proven: BitMap
    alike: BitMap
    fields: frozenset[str]
    snapshots: Sequence[Snapshot]
    population: int


def _source(item: Disclosure) -> tuple[str, str]:
    """Return kind and id of the candidate that a disclosure is."""
    return (RELEASE, item.where.objects[0]) if item.where.channel is Channel.BULK else (LINEAGE, item.who.id)


def _weighed(item: Disclosure, dump: _Dump, marks: int) -> Candidate | None:
    """Return how well a disclosure explains the dump; None where it explains less than half of it."""
    records = item.records if item.records is not None else FrozenBitMap()
    inside = len(dump.proven & records)
    if not inside or (not marks and inside < _LEAST_CONTAINED * len(dump.proven)):
        return None
    size = len(records)
    contained, held = inside / len(dump.proven), len(dump.alike & records)
    covered = held / size
    had = {REVEALED.get(name, name) for name in item.fields.readable}
    missing = tuple(sorted(dump.fields - had - {"record_id"})) if had else ()
    is_timely = _is_timely(item, dump.snapshots)
    evidence = contained * math.log((1 - _SLIPS) * max(dump.population, size) / size) + (1 - contained) * math.log(
        _SLIPS
    )
    evidence -= _FIELD_PENALTY * len(missing) + _TIME_PENALTY * (is_timely is False)
    parts = [f"{marks} {'canaries' if marks > 1 else 'canary'} of it alone"] if marks else []
    parts.append(f"had {inside:,} of the {len(dump.proven):,} records that the dump shows beyond doubt")
    parts.append(f"the dump agrees with {held:,} of its {size:,} records")
    parts.append("all fields shown were part of it" if not missing else "did not show " + ", ".join(missing))
    if is_timely is not None:
        parts.append(
            "open when the data stood so" if is_timely else "its openings do not meet the as-of time of the data"
        )
    return Candidate(
        *_source(item), marks, round(contained, 4), round(covered, 4), missing, round(evidence, 4), "; ".join(parts)
    )


def _is_timely(item: Disclosure, snapshots: Sequence[Snapshot]) -> bool | None:
    """Return whether some opening fell on an as-of time, a day's slack allowed; None where nothing was dated."""
    if not snapshots:
        return None
    first, last = to_microseconds(item.when.begin), to_microseconds(item.when.end)
    return any(first <= (_end(snapshot) + DAY) and last >= snapshot.start - DAY for snapshot in snapshots)


def _end(snapshot: Snapshot) -> int:
    return snapshot.end if snapshot.end is not None else 1 << 62
