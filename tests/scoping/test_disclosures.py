"""Disclosures: what is no disclosure is refused, and the eight invariants hold for any collection."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented_disclosures import NOON, disclosure, facets, worlds
from pyroaring import BitMap, FrozenBitMap

from cloakroom.disclosures.disclosure import Chunks, Coverage, Fields, Timespan
from cloakroom.disclosures.vocabulary import Certainty, CoverageStatus, Selector
from cloakroom.errors import UsageError
from cloakroom.scoping.affected import unite
from cloakroom.scoping.invariants import check_invariants

PARTIAL = Coverage("crm", CoverageStatus.TRUNCATED, NOON, NOON)


@given(worlds(), facets(), st.frozensets(st.integers(0, 11)))
@settings(max_examples=300, deadline=None)
def test_the_eight_invariants_hold_for_any_collection(world, facet, erased):
    found = [item for item, _ in world]
    assert check_invariants(found, facets={"country": facet}, erased=BitMap(erased)) == []


def at_least(*claims: tuple[set[int] | None, int]) -> int:
    return unite(
        disclosure(None, Certainty.BOUNDED, population=None if of is None else FrozenBitMap(of), lower=n, upper=n)
        for of, n in claims
    ).at_least


def test_the_floor_is_that_of_the_best_choice_whatever_the_order():
    """Two small sets that do not overlap say more than a large one that overlaps with both."""
    claims = [({1, 2, 3, 4, 5, 6}, 3), ({1, 2, 3}, 2), ({4, 5, 6}, 2), ({6, 7}, 2), (None, 3)]
    assert {at_least(*order) for order in permutations(claims)} == {4}
    assert at_least(*claims, (None, 5)) == 5


@given(worlds(), st.integers(0, 6))
@settings(max_examples=300, deadline=None)
def test_more_evidence_never_lowers_the_floor(world, without):
    found = [item for item, _ in world]
    assert unite(found[:without] + found[without + 1 :]).at_least <= unite(found).at_least


def test_of_very_many_claims_the_floor_does_not_depend_on_their_order():
    sets = [{number, number + 1, number + 2} for number in range(40)]
    claims = [(members, 1 + min(members) % 3) for members in sets]
    source = random.Random(3)
    assert len({at_least(*source.sample(claims, len(claims))) for _ in range(20)}) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"lower": -1},
        {"lower": 3, "upper": 2},
        {"lower": 4, "upper": 5},
        {"upper": 2},
        {"upper": 2**53},
        {"when": Timespan(NOON, NOON - timedelta(seconds=1))},
        {"when": Timespan(datetime(2025, 6, 1), NOON)},
        {"coverage": Coverage("vault", CoverageStatus.COMPLETE, NOON, NOON - timedelta(days=1))},
        {"certainty": Certainty.POSSIBLE, "lower": 1},
        {"certainty": Certainty.BOUNDED, "lower": 0, "upper": 4},
        {"chunks": Chunks((1, 3), (2, 1), 3)},
        {"chunks": Chunks((1, 2), (2, 1), 9)},
        {"fields": Fields(frozenset({"x" * 5000}))},
        {"reasons": tuple(f"code {number}" for number in range(10_001))},
    ],
)
def test_what_contradicts_itself_is_no_disclosure(changes):
    with pytest.raises(UsageError, match="not a disclosure"):
        disclosure([1, 2, 3], **changes)


def test_a_count_alone_proves_no_record():
    with pytest.raises(UsageError):
        disclosure(None, Certainty.PROVEN, lower=0, upper=4)
    with pytest.raises(UsageError):
        disclosure(None, Certainty.BOUNDED, lower=0, upper=4, population=FrozenBitMap([1, 2]))


def test_pieces_may_be_missing_where_the_coverage_says_so():
    missing = Chunks((1, 3), (2, 1), 3)
    assert disclosure([1, 2, 3], coverage=PARTIAL, chunks=missing).chunks == missing


def test_pieces_that_come_twice_are_counted_once():
    assert Chunks((1, 2, 2), (5, 4, 4), 9).is_whole


def test_the_id_follows_the_content_and_not_its_spelling():
    one = disclosure([3, 1, 2])
    assert one.id == disclosure([1, 2, 3]).id
    assert one.id != disclosure([1, 2, 4]).id
    assert one.id != replace(one, fields=Fields(frozenset({"email", "phone"}))).id
    elsewhere = Timespan(NOON.astimezone(), NOON.astimezone(UTC))
    assert replace(one, when=elsewhere).id == one.id


def test_nothing_of_the_sets_appears_in_the_representation():
    shown = repr(disclosure([4_000_000_001]))
    assert "4000000001" not in shown


def test_each_invariant_is_seen_broken_when_it_is():
    """The checker itself: values that a careless adapter could force past the constructor."""
    bad = disclosure([1, 2, 3])
    object.__setattr__(bad, "upper", 2)
    assert any(line.startswith("2:") for line in check_invariants([bad], facets={}, erased=BitMap()))
    torn = disclosure([1, 2, 3])
    object.__setattr__(torn, "chunks", Chunks((2,), (1,), 5))
    assert any(line.startswith("4:") for line in check_invariants([torn], facets={}, erased=BitMap()))


def test_records_proven_beyond_what_could_be_read_are_flagged_and_kept():
    reach = disclosure([1, 2], Certainty.POSSIBLE, selector=Selector.REACH, upper=2)
    whole = unite([reach, disclosure([2, 3])])
    assert whole.flags == ("reach_model_wrong",)
    assert 3 in whole.proven
