"""The bounds of small affected sets against an oracle that tries every truth the evidence allows.

A truth is a set of disclosed records for each disclosure: of a proven one all its records, of a bounded one a part as
large as its counts say. The oracle knows nothing of unions, claims or series: it only tries.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations, product

import pytest
from invented_disclosures import disclosure
from pyroaring import BitMap, FrozenBitMap

from cloakroom.disclosures.disclosure import Disclosure, Fields
from cloakroom.disclosures.vocabulary import Certainty, Selector
from cloakroom.scoping.affected import CHOSEN_AMONG, Statement, compare, unite

RECORDS = range(3)


def parts(members: FrozenBitMap | range) -> Iterator[frozenset[int]]:
    listed = list(members)
    for size in range(len(listed) + 1):
        yield from map(frozenset, combinations(listed, size))


def truths(item: Disclosure) -> list[frozenset[int]]:
    """Return every set of records that may in truth have left by one disclosure."""
    assert item.records is not None
    if item.certainty is Certainty.PROVEN:
        return [frozenset(item.records)]
    return [part for part in parts(item.records) if item.lower <= len(part) <= item.upper]


def sizes(items: tuple[Disclosure, ...]) -> list[int]:
    return [len(frozenset().union(*choice)) for choice in product(*map(truths, items))]


def kinds() -> list[Disclosure]:
    """Return every disclosure over three records: proven, possible, and bounded between every two numbers."""
    found = []
    for part in parts(RECORDS):
        if not part:
            continue
        found.append(disclosure(part))
        found.append(disclosure(part, Certainty.POSSIBLE))
        for lower, upper in combinations(range(len(part) + 1), 2):
            found.append(disclosure(part, Certainty.BOUNDED, lower=lower, upper=upper))
        found.append(disclosure(part, Certainty.BOUNDED, lower=len(part), upper=len(part)))
    return found


ALL_KINDS = kinds()
PAIRS = list(combinations(ALL_KINDS, 2))


def test_the_interval_holds_every_truth_of_every_two_disclosures_over_three_records() -> None:
    for pair in PAIRS:
        whole = unite(pair)
        firm = tuple(item for item in pair if item.certainty is not Certainty.POSSIBLE)
        counted = sizes(firm) if firm else [0]
        assert whole.at_least <= min(counted), pair
        assert whole.at_most >= max(counted), pair
        assert whole.at_most_with_possible >= max(sizes(pair)), pair


def test_the_interval_is_no_wider_than_the_truth_where_one_disclosure_speaks() -> None:
    for item in ALL_KINDS:
        whole = unite([item])
        firm = sizes((item,)) if item.certainty is not Certainty.POSSIBLE else [0]
        assert (whole.at_least, whole.at_most) == (min(firm), max(firm)), item
        assert whole.at_most_with_possible == len(item.records or ()), item


def test_the_interval_is_exact_where_two_disclosures_do_not_overlap() -> None:
    for pair in PAIRS:
        one, other = (frozenset(item.records or ()) for item in pair)
        if one & other or Certainty.POSSIBLE in {item.certainty for item in pair}:
            continue
        counted = sizes(pair)
        assert (unite(pair).at_least, unite(pair).at_most) == (min(counted), max(counted)), pair


def test_a_lower_count_takes_off_exactly_what_is_proven_inside_its_set() -> None:
    for inside, outside in product(range(4), range(3)):
        proven = disclosure([*range(inside), *range(10, 10 + outside)])
        count = disclosure(range(5), Certainty.BOUNDED, lower=3, upper=5)
        assert unite([proven, count]).at_least == inside + outside + max(0, 3 - inside)
        assert unite([proven, count]).at_most == 5 + outside


def test_a_record_has_its_highest_class_and_no_other_and_fields_of_firm_evidence_go_before_possible_ones() -> None:
    names = {certainty: Fields(frozenset({certainty.name.lower()})) for certainty in Certainty}
    for certainties in chain.from_iterable(combinations(Certainty, size) for size in (1, 2, 3)):
        whole = unite([disclosure([7], own, fields=names[own], upper=1) for own in certainties])
        highest = max(certainties)
        assert whole.statement(7) is Statement[highest.name]
        assert [7 in part for part in (whole.possible, whole.bounded, whole.proven)] == [
            highest is own for own in Certainty
        ]
        firm = {own.name.lower() for own in certainties if own is not Certainty.POSSIBLE}
        assert whole.fields_of(7) == (firm or {"possible"})


def best_choice(claims: list[tuple[int, frozenset[int], str]]) -> int:
    """Try every subset of claims: those whose sets do not overlap and of which none speaks for another's series."""
    best = 0
    for size in range(len(claims) + 1):
        for chosen in combinations(claims, size):
            is_apart = all(not one[1] & other[1] for one, other in combinations(chosen, 2))
            series = [name for _, _, name in chosen if name]
            if is_apart and len(set(series)) == len(series):
                best = max(best, sum(least for least, _, _ in chosen))
    return best


def test_the_best_choice_among_overlapping_counts_is_found_however_they_are_ordered() -> None:
    """The largest claim alone (5) is worth less than the two it overlaps with together (4 + 3)."""
    claims = [(4, range(6), ""), (5, range(4, 10), ""), (3, range(8, 14), "")]
    items = [disclosure(where, Certainty.BOUNDED, lower=least, upper=len(where)) for least, where, _ in claims]
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]):
        assert unite([items[place] for place in order]).at_least == 7


def test_counts_over_every_four_intervals_of_a_line_add_up_as_well_as_any_choice_of_them() -> None:
    spans = [
        (2, range(3), "a"),
        (2, range(2, 5), ""),
        (3, range(4, 8), "a"),
        (1, range(7, 9), "b"),
        (2, range(9, 11), ""),
    ]
    spans += [(1, range(5, 7), "b"), (4, range(1, 6), "")]
    for chosen in combinations(spans, 4):
        items = [
            disclosure(where, Certainty.BOUNDED, lower=least, upper=len(where), series=series)
            for least, where, series in chosen
        ]
        expected = best_choice([(least, frozenset(where), series) for least, where, series in chosen])
        assert unite(items).at_least == expected, chosen


@pytest.mark.parametrize("number", [CHOSEN_AMONG - 1, CHOSEN_AMONG, CHOSEN_AMONG + 1])
def test_many_counts_over_sets_of_their_own_all_add_up(number: int) -> None:
    items = [disclosure([3 * at, 3 * at + 1], Certainty.BOUNDED, lower=1, upper=2) for at in range(number)]
    assert (unite(items).at_least, unite(items).at_most) == (number, 2 * number)


def test_a_count_of_a_population_that_nobody_knows_may_be_of_records_known_already() -> None:
    unknown = disclosure(None, Certainty.BOUNDED, lower=5, upper=9)
    assert (unite([unknown]).at_least, unite([unknown]).at_most) == (5, 9)
    with_three = unite([unknown, disclosure([1, 2, 3])])
    assert (with_three.at_least, with_three.at_most) == (5, 12)
    with_six = unite([unknown, disclosure(range(6))])
    assert (with_six.at_least, with_six.at_most) == (6, 15)


def test_a_population_bounds_what_a_count_can_add() -> None:
    count = disclosure(None, Certainty.BOUNDED, lower=2, upper=4, population=FrozenBitMap(range(4)))
    inside = disclosure([0, 1, 2])
    assert (unite([count]).at_least, unite([count]).at_most) == (2, 4)
    assert (unite([count, inside]).at_least, unite([count, inside]).at_most) == (3, 4)
    outside = disclosure([8, 9])
    assert (unite([count, outside]).at_least, unite([count, outside]).at_most) == (4, 6)


def test_a_list_that_may_be_too_short_can_be_of_more_records_than_it_names() -> None:
    short = disclosure([1, 2], Certainty.BOUNDED, lower=0, upper=5, under=("deleted",))
    whole = unite([short])
    assert (whole.at_least, whole.at_most, whole.open_reasons) == (0, 5, ("deleted",))


def test_what_is_only_possible_moves_the_outer_bound_alone() -> None:
    proven, possible = disclosure([1]), disclosure([1, 2, 3], Certainty.POSSIBLE)
    whole = unite([proven, possible])
    assert (whole.at_least, whole.at_most, whole.at_most_with_possible) == (1, 1, 3)
    assert (whole.affected, whole.everything) == (BitMap([1]), BitMap([1, 2, 3]))


def test_a_proof_of_what_nobody_could_read_says_that_the_model_of_reach_is_wrong() -> None:
    reach = disclosure([1, 2], Certainty.POSSIBLE, selector=Selector.REACH)
    more = disclosure([3], Certainty.POSSIBLE, selector=Selector.REACH)
    assert unite([reach, disclosure([1, 2])]).flags == ()
    assert unite([reach, disclosure([1, 3])]).flags == ("reach_model_wrong",)
    assert unite([reach, more, disclosure([1, 3])]).flags == ()
    assert unite([disclosure([1, 3])]).flags == ()
    assert unite([reach, disclosure([3], Certainty.BOUNDED)]).flags == ()


@pytest.mark.parametrize(("before", "after"), list(product([None, *Certainty], repeat=2)))
def test_each_way_in_which_one_record_can_move_between_classes(
    before: Certainty | None, after: Certainty | None
) -> None:
    old = unite([] if before is None else [disclosure([4], before, upper=1)])
    new = unite([] if after is None else [disclosure([4], after, upper=1)])
    change = compare(old, new)
    was, now = before or 0, after or 0
    assert bool(change.raised) is (now > was)
    assert bool(change.lowered) is (now < was)
    assert bool(change.added) is (now >= 2 > was)
    assert bool(change.removed) is (was >= 2 > now)
    # The fields are the same in all classes, and a record that comes anew is added, not richer.
    assert not change.fields_added
