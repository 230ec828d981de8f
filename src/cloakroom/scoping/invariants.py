"""Invariants of any collection of disclosures, whatever they came from.

1. Adding evidence never lowers a class, and never turns "not affected" out of "no statement".
2. A proven set lies within its bounds; proven ≤ at least ≤ at most ≤ at most with possible; what is proven could be
   read, else the reach model is flagged as wrong.
3. The same disclosures twice, or in another order, change nothing.
4. Pieces of a result are whole, or the coverage says that something is missing.
5. Counts of one series are never added up.
6. The same instant written in another time zone is the same disclosure.
7. A disclosure has one canonical form, and equal sets have one hash however they were built.
8. Erased records stay countable: splits with erased records add up to the whole.

`check_invariants` names those that are broken. It is for tests, drills and for whoever writes an adapter; it unites
the disclosures many times over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta, timezone
from typing import TYPE_CHECKING

from pyroaring import BitMap, FrozenBitMap

from cloakroom.canonical import json
from cloakroom.disclosures.disclosure import describe, hash_set
from cloakroom.disclosures.vocabulary import Certainty, CoverageStatus, Selector
from cloakroom.scoping.affected import AffectedSet, compare, split, split_by_fields, unite

if TYPE_CHECKING:
    from cloakroom.disclosures.disclosure import Disclosure

__all__ = ["check_invariants"]

_ELSEWHERE = timezone(timedelta(hours=9))


def check_invariants(
    disclosures: Sequence[Disclosure],
    *,
    facets: Mapping[str, Mapping[str, BitMap]],
    erased: BitMap,
    steps_max: int = 50,
) -> list[str]:
    """Return a sentence for each invariant that is broken; an empty list is the good answer.

    Args:
        disclosures: Any collection.
        facets: Facet bitmaps by name and value.
        erased: Erased records.
        steps_max: At how many places growth is checked.
    """
    whole = unite(disclosures)
    malformed = [*_bounds(disclosures, whole), *_pieces(disclosures)]
    if malformed:  # the rest takes disclosures apart and puts them together again, which refuses malformed ones
        return malformed
    return [
        *_growth(disclosures, whole, steps_max),
        *_repetition(disclosures, whole),
        *_forms(disclosures),
        *_splits(whole, facets, erased),
    ]


def _growth(disclosures: Sequence[Disclosure], whole: AffectedSet, steps_max: int) -> Iterator[str]:
    stride = max(1, len(disclosures) // steps_max)
    for cut in range(0, len(disclosures), stride):
        without = unite([*disclosures[:cut], *disclosures[cut + 1 :]])
        change = compare(without, whole)
        if change.lowered or change.removed:
            yield "1: adding evidence lowered a class"
        if without.covered and not whole.covered:
            yield "1: leaving out a source allowed to say not affected"


def _bounds(disclosures: Sequence[Disclosure], whole: AffectedSet) -> Iterator[str]:
    for item in disclosures:
        listed = item.records if item.certainty is Certainty.PROVEN else None
        if listed is not None and not item.lower <= len(listed) <= item.upper:
            yield "2: a proven set lies outside its bounds"
    if not len(whole.proven) <= whole.at_least <= whole.at_most <= whole.at_most_with_possible:
        yield "2: the bounds are out of order"
    reach = [item.records for item in disclosures if item.selector is Selector.REACH and item.records is not None]
    if reach and not whole.proven <= BitMap.union(BitMap(), *reach) and "reach_model_wrong" not in whole.flags:
        yield "2: records are proven that nobody could read, without a flag"


def _repetition(disclosures: Sequence[Disclosure], whole: AffectedSet) -> Iterator[str]:
    if unite([*reversed(disclosures), *disclosures]) != whole:
        yield "3: repetition or order changed the result"
    for item in disclosures:
        again = replace(item, evidence=(), series=item.series) if item.series else item
        if unite([*disclosures, again]).at_most != whole.at_most:
            yield "5: a repeated count was added up"


def _pieces(disclosures: Sequence[Disclosure]) -> Iterator[str]:
    for item in disclosures:
        if item.chunks and not item.chunks.is_whole and item.coverage.status is CoverageStatus.COMPLETE:
            yield "4: pieces are missing, but the coverage is said to be complete"


def _forms(disclosures: Sequence[Disclosure]) -> Iterator[str]:
    for item in disclosures:
        when = replace(
            item.when, begin=item.when.begin.astimezone(_ELSEWHERE), end=item.when.end.astimezone(_ELSEWHERE)
        )
        if replace(item, when=when).id != item.id:
            yield "6: another time zone made another disclosure"
        encoded = json.encode(describe(item))
        if json.encode(json.decode(encoded)) != encoded:
            yield "7: the canonical form does not read back"
        if item.records is not None and hash_set(FrozenBitMap(reversed(item.records))) != hash_set(item.records):
            yield "7: equal sets have different hashes"


def _splits(whole: AffectedSet, facets: Mapping[str, Mapping[str, BitMap]], erased: BitMap) -> Iterator[str]:
    everything = whole.everything
    for facet in facets.values():
        counts = split(everything, facet, erased=erased)
        if sum(counts.values()) != len(everything):
            yield "8: a split does not add up"
    if sum(split_by_fields(whole).values()) != len(everything):
        yield "8: the split by fields does not add up"
