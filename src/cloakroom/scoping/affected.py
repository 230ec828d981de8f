"""The affected set: the union of disclosures, in classes, with bounds, splits and differences.

    proven     records that some disclosure proves
    bounded    records that some disclosure bounds and none proves
    possible   records that some disclosure makes possible, and none more

`at_least` and `at_most` bound the number of records really disclosed by what is proven and bounded; counts
without records move them, but are never added up within one series. `at_most_with_possible` is the outer end:
the truth lies between `at_least` and there, unless a disclosure says (`under`) that its set may be too small;
then `open_reasons` is not empty.

"Not affected" is said only of a record that no disclosure holds *and* only if every channel in scope was covered
completely; otherwise there is no statement about it.

A split takes any facet bitmaps: it always adds up to the whole. Records with no value of the facet are
``unknown``, erased records, whose facets are gone, are ``erased``: they stay countable by their number, without
their data coming back.

Cost: one union per (class, field set), then one intersection per value: milliseconds for millions of records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pyroaring import AbstractBitMap, BitMap

from cloakroom.disclosures.vocabulary import Certainty, CoverageStatus, Selector, Stage

if TYPE_CHECKING:
    from cloakroom.disclosures.disclosure import Disclosure


__all__ = [
    "AMBIGUOUS",
    "ERASED",
    "UNKNOWN",
    "AffectedSet",
    "Change",
    "Statement",
    "compare",
    "cross",
    "split",
    "split_by_fields",
    "unite",
]

CHOSEN_AMONG = 16
"""Claims of which every choice is tried."""

UNKNOWN = "unknown"
ERASED = "erased"
AMBIGUOUS = "ambiguous"


class Statement(StrEnum):
    """The statement about one record."""

    PROVEN = "proven"
    BOUNDED = "bounded"
    POSSIBLE = "possible"
    NOT_AFFECTED = "not_affected"
    NO_STATEMENT = "no_statement"


@dataclass(frozen=True, slots=True)
class AffectedSet:
    """The result of `unite`. Treat the bitmaps as read-only.

    Attributes:
        proven: Records proven to be disclosed.
        bounded: Records bounded and not proven.
        possible: Records possible and neither.
        at_least: At least so many different records.
        at_most: At most so many by proof and bound.
        at_most_with_possible: At most so many if everything possible happened.
        by_fields: Per distinct set of fields, the records of which exactly these fields were disclosed with at least
            bounded certainty (all certainties together for records that are only possible).
        stages: Per stage, the records that got at least so far.
        open_reasons: Codes that say why the interval is not narrower.
        flags: What does not fit together, such as ``reach_model_wrong``.
        covered: Whether every channel in scope was covered completely.
        disclosures: How many different ones were united.
    """

    proven: BitMap
    bounded: BitMap
    possible: BitMap
    at_least: int
    at_most: int
    at_most_with_possible: int
    by_fields: Mapping[frozenset[str], BitMap]
    stages: Mapping[Stage, BitMap]
    open_reasons: tuple[str, ...]
    flags: tuple[str, ...]
    covered: bool
    disclosures: int

    @property
    def affected(self) -> BitMap:
        """Records proven or bounded: those to whom duties are owed."""
        return self.proven | self.bounded

    @property
    def everything(self) -> BitMap:
        """Records of any class."""
        return BitMap.union(self.proven, self.bounded, self.possible)

    def statement(self, record: int) -> Statement:
        """Return what can be said about one record."""
        if record in self.proven:
            return Statement.PROVEN
        if record in self.bounded:
            return Statement.BOUNDED
        if record in self.possible:
            return Statement.POSSIBLE
        return Statement.NOT_AFFECTED if self.covered else Statement.NO_STATEMENT

    def fields_of(self, record: int) -> frozenset[str]:
        """Return the fields of one record that were disclosed."""
        return next((names for names, records in self.by_fields.items() if record in records), frozenset())


@dataclass(frozen=True, slots=True)
class Change:
    """The difference between two affected sets.

    Attributes:
        added: Records that are affected now and were not.
        removed: Records that were affected and are not any more.
        raised: Records whose class is higher than before.
        lowered: Records whose class is lower, the removed ones included.
        fields_added: Records of which more fields are known to be disclosed.
    """

    added: BitMap
    removed: BitMap
    raised: BitMap
    lowered: BitMap
    fields_added: BitMap


def unite(disclosures: Iterable[Disclosure], *, channels_covered: bool = False) -> AffectedSet:
    """Unite disclosures to the affected set.

    Args:
        disclosures: In any order; one that comes twice counts once.
        channels_covered: Whether the disclosures' sources are all the channels there were. Together with complete
            coverage of each this allows "not affected".
    """
    found = list(dict.fromkeys(disclosures))
    groups = _group(found)
    sets = {
        certainty: _union(members for (own, _, _), members in groups.items() if own is certainty)
        for certainty in Certainty
    }
    proven = sets[Certainty.PROVEN]
    bounded = sets[Certainty.BOUNDED] - proven
    possible = sets[Certainty.POSSIBLE] - proven - bounded
    at_least = len(proven) + _least_beyond(found, proven)
    most_possible = len(proven | bounded | possible) + _most_unlisted(found, proven | bounded | possible)
    firm = [item for item in found if item.certainty is not Certainty.POSSIBLE]
    by_sets = len(proven | bounded) + _most_unlisted(firm, proven | bounded)
    by_counts = len(proven) + _most_bounded(firm, proven) + _most_unlisted(firm, proven)
    reaches = [item.records for item in found if item.selector is Selector.REACH]
    open_reasons = {code for item in found for code in (*item.reasons, *item.over, *item.under)}
    complete = all(item.coverage.status is CoverageStatus.COMPLETE for item in found)
    return AffectedSet(
        proven=proven,
        bounded=bounded,
        possible=possible,
        at_least=at_least,
        at_most=min(by_sets, by_counts, most_possible),
        at_most_with_possible=most_possible,
        by_fields=_by_fields(groups, proven | bounded, possible),
        stages={stage: _union(members for (_, own, _), members in groups.items() if own >= stage) for stage in Stage},
        open_reasons=tuple(sorted(open_reasons)),
        flags=("reach_model_wrong",) if reaches and not proven <= _union(reaches) else (),
        covered=channels_covered and complete,
        disclosures=len(found),
    )


def split(records: BitMap, facet: Mapping[str, BitMap], *, erased: BitMap | None = None) -> dict[str, int]:
    """Count `records` by the values of one facet; the counts add up to the number of records.

    Args:
        records: What to split.
        facet: Records by value. A record with two values is an error of the store: counted once, as ``ambiguous``.
        erased: Records whose facets are gone.
    """
    gone = BitMap() if erased is None else records & erased
    rest = records - gone if gone else records
    counts = {value: rest.intersection_cardinality(members) for value, members in facet.items()}
    counts = {value: count for value, count in counts.items() if count}
    known = rest.intersection_cardinality(_union(facet.values()))
    if sum(counts.values()) > known:
        counts = _without_ambiguity(rest, facet)
    counts |= {name: count for name, count in ((UNKNOWN, len(rest) - known), (ERASED, len(gone))) if count}
    assert sum(counts.values()) == len(records), "a split adds up to the whole"
    return counts


def split_by_fields(affected: AffectedSet, records: BitMap | None = None) -> dict[frozenset[str], int]:
    """Count records by the exact set of fields disclosed of them; adds up to the number of records.

    Args:
        affected: The affected set.
        records: Part of it; everything of any class if None.
    """
    within = affected.everything if records is None else records
    counts = {names: within.intersection_cardinality(members) for names, members in affected.by_fields.items()}
    rest = len(within) - sum(counts.values())
    if rest:
        counts[frozenset()] = counts.get(frozenset(), 0) + rest
    assert sum(counts.values()) == len(within), "a split adds up to the whole"
    return {names: count for names, count in counts.items() if count}


def cross(records: BitMap, *facets: Mapping[str, BitMap]) -> dict[tuple[str, ...], int]:
    """Count records by the combinations of several facets, such as brand × country; empty ones are left out.

    The counts add up to the number of records; each facet has ``unknown`` for records without a value.
    """
    parts: dict[tuple[str, ...], BitMap] = {(): records}
    for facet in facets:
        finer: dict[tuple[str, ...], BitMap] = {}
        for names, members in parts.items():
            rest = members
            for value, others in facet.items():
                here = rest & others
                if here:
                    finer[*names, value] = here
                    rest = rest - here
            if rest:
                finer[*names, UNKNOWN] = rest
        parts = finer
    counts = {names: len(members) for names, members in parts.items()}
    assert sum(counts.values()) == len(records), "a split adds up to the whole"
    return counts


def compare(before: AffectedSet, after: AffectedSet) -> Change:
    """Return what moved from `before` to `after`."""
    raised, lowered = BitMap(), BitMap()
    for rank in (Certainty.POSSIBLE, Certainty.BOUNDED, Certainty.PROVEN):
        old, new = _at_least(before, rank), _at_least(after, rank)
        raised |= new - old
        lowered |= old - new
    gained = BitMap()
    for names, members in after.by_fields.items():
        poorer = [old for old_names, old in before.by_fields.items() if not names <= old_names]
        gained |= members & _union(poorer)
    return Change(
        added=after.affected - before.affected,
        removed=before.affected - after.affected,
        raised=raised,
        lowered=lowered,
        fields_added=gained,
    )


@dataclass(frozen=True, slots=True)
class _Claim:
    """At least so many records of a set, beyond the proven ones.

    Attributes:
        least: How many.
        series: Claims of one series are one count.
        within: The set; None where it is not known, so that it may overlap with any other.
        source: What says so.
    """

    least: int
    series: str
    within: AbstractBitMap | None
    source: Disclosure

    @property
    def order(self) -> tuple[int, int, str]:
        """Largest first, then those that overlap with fewest; the same whatever order they came in."""
        return -self.least, 0 if self.within is None else len(self.within), self.source.id


def _least_beyond(found: Sequence[Disclosure], proven: BitMap) -> int:
    """Return how many records beyond the proven ones must be disclosed, by counts over sets that do not overlap.

    A disclosure of at least n records of a set leaves at least n minus the proven ones of that set. Over disjoint
    sets these add up, over others only one holds, and a series speaks once. The best choice among up to
    `CHOSEN_AMONG` claims is found by trying, so that more evidence never says less; of more, a good one is taken,
    largest first. Neither depends on the order in which the disclosures are given.
    """
    claims: list[_Claim] = []
    for item in found:
        if item.certainty is Certainty.BOUNDED and item.lower:
            within = item.records if item.records is not None else item.population
            already = len(proven) if within is None else proven.intersection_cardinality(within)
            if item.lower > already:
                claims.append(_Claim(item.lower - already, item.series, within, item))
    if len(claims) <= CHOSEN_AMONG:
        return _best_choice(sorted(claims, key=lambda claim: -claim.least), BitMap(), frozenset())
    total, taken, told = 0, BitMap(), frozenset[str]()
    for claim in sorted(claims, key=lambda claim: claim.order):
        if _goes_with(claim, taken, told, is_first=not total):
            total += claim.least
            if claim.within is None:
                break
            taken, told = taken | claim.within, told | {claim.series}
    return total


def _best_choice(claims: Sequence[_Claim], taken: BitMap, told: frozenset[str]) -> int:
    """Return the most that claims which go with each other, and with what is taken, add up to."""
    best = 0
    for at, claim in enumerate(claims):
        if sum(later.least for later in claims[at:]) <= best:
            break
        if _goes_with(claim, taken, told, is_first=not taken and not told):
            rest = 0
            if claim.within is not None:
                rest = _best_choice(claims[at + 1 :], taken | claim.within, told | {claim.series})
            best = max(best, claim.least + rest)
    return best


def _goes_with(claim: _Claim, taken: BitMap, told: frozenset[str], *, is_first: bool) -> bool:
    if is_first:
        return True
    is_told = bool(claim.series) and claim.series in told
    return not is_told and claim.within is not None and taken.isdisjoint(claim.within)


def _most_bounded(firm: Sequence[Disclosure], proven: BitMap) -> int:
    """Return how many bounded records can be disclosed where counts say more than the size of the sets."""
    most: dict[object, int] = {}
    for place, item in enumerate(firm):
        if item.certainty is Certainty.BOUNDED and item.records is not None:
            beyond = len(item.records) - proven.intersection_cardinality(item.records)
            series = item.series or place
            most[series] = max(most.get(series, 0), min(item.upper, beyond))
    return sum(most.values())


def _most_unlisted(found: Sequence[Disclosure], known: BitMap) -> int:
    """Return how many records outside `known` can be disclosed: by counts alone or by lists that are too short."""
    most: dict[object, int] = {}
    for place, item in enumerate(found):
        if item.records is not None:
            more = item.upper - len(item.records)
        elif item.population is not None:
            more = min(item.upper, len(item.population) - known.intersection_cardinality(item.population))
        else:
            more = item.upper
        if more > 0:
            series = item.series or place
            most[series] = max(most.get(series, 0), more)
    return sum(most.values())


_Groups = Mapping[tuple[Certainty, Stage, frozenset[str]], BitMap]


def _group(found: Sequence[Disclosure]) -> _Groups:
    """Unite the sets of one class, stage and field set at once: each of many thousand sets is touched only once."""
    members = defaultdict(list)
    for item in found:
        if item.records is not None:
            members[item.certainty, item.stage, item.fields.names].append(item.records)
    return {key: _union(sets) for key, sets in members.items()}


def _by_fields(groups: _Groups, affected: BitMap, possible: BitMap) -> dict[frozenset[str], BitMap]:
    """Part records by the exact union of fields disclosed of each; one step for each different set of fields."""
    parts: dict[frozenset[str], BitMap] = {}
    for within, wanted in ((affected, {Certainty.PROVEN, Certainty.BOUNDED}), (possible, {Certainty.POSSIBLE})):
        finer = {frozenset[str](): within}
        for (certainty, _, names), shown in groups.items():
            if certainty in wanted:
                finer = _refine(finer, names, shown)
        for names, members in finer.items():
            parts[names] = parts[names] | members if names in parts else members
    return {names: members for names, members in parts.items() if members}


def _refine(
    parts: Mapping[frozenset[str], BitMap], names: frozenset[str], shown: BitMap
) -> dict[frozenset[str], BitMap]:
    finer: dict[frozenset[str], BitMap] = {}
    for known, members in parts.items():
        for fields, some in ((known | names, members & shown), (known, members - shown)):
            if some:
                finer[fields] = finer[fields] | some if fields in finer else some
    return finer


def _without_ambiguity(records: BitMap, facet: Mapping[str, BitMap]) -> dict[str, int]:
    """Count each record once although some have several values: those stand under ``ambiguous``."""
    seen, twice = BitMap(), BitMap()
    for members in facet.values():
        twice |= seen & members
        seen |= members
    counts = {value: (records & members).difference_cardinality(twice) for value, members in facet.items()}
    counts = {value: count for value, count in counts.items() if count}
    return counts | {AMBIGUOUS: records.intersection_cardinality(twice)}


def _at_least(affected: AffectedSet, rank: Certainty) -> BitMap:
    parts = ((Certainty.PROVEN, affected.proven), (Certainty.BOUNDED, affected.bounded))
    return _union(
        members for certainty, members in (*parts, (Certainty.POSSIBLE, affected.possible)) if certainty >= rank
    )


def _union(sets: Iterable[AbstractBitMap | None]) -> BitMap:
    """Union of many at once: far faster than one by one, and never changes an operand."""
    given = [members for members in sets if members is not None]
    return BitMap.union(BitMap(), *given)
