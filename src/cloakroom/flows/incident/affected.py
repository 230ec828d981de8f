"""Affected: who was opened, which fields, since when, by whom: computed from our own ledger, exactly.

Every permitted entry has its set of records beside it; the affected set of a lineage over a span of time is their
union. Nothing is estimated, nothing is opened for it: splits come from sealed facets. Counting the persons behind the
records does open link digests and names, so it is a ledgered use of its own (`persons_behind`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from pyroaring import AbstractBitMap, BitMap

from cloakroom.clock import to_microseconds
from cloakroom.disclosures.disclosure import TOKEN, Disclosure
from cloakroom.scoping.affected import split

Facets = Mapping[str, Mapping[str, BitMap]]
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class AffectedReport:
    """The answer.

    Attributes:
        records: The affected records.
        fields: Records by field that left in any readable form, and by form.
        opened: Records by field that left in any readable form.
        found_only: Records of which only the existence was told.
        splits: Counts by brand, country, subdivision, language, kind, spend band; each adds up to the whole.
        minors: Records of people under 18 on the day of the last disclosure.
        field_sets: Counts by the exact set of fields.
        first_at: Time of the first disclosure, in microseconds, or None.
        last_at: Time of the last, or None.
        entries: How many ledger entries it rests on.
        lineages: Whose.
    """

    records: BitMap
    fields: Mapping[str, Mapping[str, int]]
    opened: Mapping[str, BitMap]
    found_only: BitMap
    splits: Mapping[str, Mapping[str, int]]
    minors: int
    field_sets: Mapping[tuple[str, ...], int]
    first_at: int | None
    last_at: int | None
    entries: int
    lineages: Sequence[str] = field(default_factory=tuple)


def affected(disclosed: Iterable[Disclosure], *, facets: Facets, erased: BitMap, on: date) -> AffectedReport:
    """Unite disclosures and split them.

    Args:
        disclosed: What entries disclosed.
        facets: Records by facet name and value; ``brand`` and ``adult_on`` among the names.
        erased: Records that were erased since; they keep counting.
        on: The day on which somebody is or is not a minor.
    """
    # A token shows nothing of a person; an entry that gave nothing else disclosed nobody.
    found = [item for item in disclosed if item.fields.readable or not item.fields.forms]
    members = [(item, item.records) for item in found if item.records is not None]
    records = BitMap.union(BitMap(), *(own for _, own in members))
    by_form = _united(
        ((name, form), own) for item, own in members for name, form in item.fields.forms.items() if form != TOKEN
    )
    by_field: dict[str, dict[str, BitMap]] = {}
    for (name, form), shown in by_form.items():
        by_field.setdefault(name, {})[form] = shown
    opened = {name: BitMap.union(*forms.values()) for name, forms in by_field.items()}
    readable = BitMap.union(BitMap(), *opened.values())
    return AffectedReport(
        records=records,
        fields={
            name: {form: len(shown) for form, shown in sorted(forms.items())}
            for name, forms in sorted(by_field.items())
        },
        opened=opened,
        found_only=records - readable,
        splits={
            name: split(records, values, erased=None if name == "brand" else erased)
            for name, values in facets.items()
            if name != "adult_on"
        },
        minors=_minors(records, facets.get("adult_on", {}), on),
        field_sets=_field_sets(records, opened),
        first_at=min((to_microseconds(item.when.begin) for item in found), default=None),
        last_at=max((to_microseconds(item.when.end) for item in found), default=None),
        entries=sum(evidence.items for item in found for evidence in item.evidence),
        lineages=sorted({item.who.id for item in found}),
    )


def _united(parts: Iterable[tuple[_Key, AbstractBitMap]]) -> dict[_Key, BitMap]:
    """Unite sets by what they belong to; all of one at once, which is far faster than one by one."""
    groups: dict[_Key, list[AbstractBitMap]] = {}
    for key, members in parts:
        groups.setdefault(key, []).append(members)
    return {key: BitMap.union(BitMap(), *sets) for key, sets in groups.items()}


def _minors(records: BitMap, adult_on: Mapping[str, BitMap], on: date) -> int:
    day = on.isoformat()
    young = [members for value, members in adult_on.items() if value > day]
    return records.intersection_cardinality(BitMap.union(*young)) if young else 0


def _field_sets(records: BitMap, opened: Mapping[str, BitMap]) -> dict[tuple[str, ...], int]:
    """Count records by the exact set of fields, by splitting the whole field by field."""
    parts: dict[tuple[str, ...], BitMap] = {(): records}
    for name, members in sorted(opened.items()):
        finer: dict[tuple[str, ...], BitMap] = {}
        for names, part in parts.items():
            inside = part & members
            if inside:
                finer[*names, name] = inside
            if len(inside) < len(part):
                finer[names] = part - inside
        parts = finer
    return {names: len(part) for names, part in sorted(parts.items()) if part}
