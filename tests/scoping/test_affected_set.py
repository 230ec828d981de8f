"""The affected set: the interval holds the truth, splits add up, counts are not added up, silence is no statement."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented_disclosures import NOON, RECORDS, disclosure, facets, worlds
from pyroaring import BitMap, FrozenBitMap

from cloakroom.disclosures.disclosure import Coverage, Fields
from cloakroom.disclosures.vocabulary import Certainty, CoverageStatus, Stage
from cloakroom.scoping.affected import (
    AMBIGUOUS,
    ERASED,
    UNKNOWN,
    Statement,
    compare,
    cross,
    split,
    split_by_fields,
    unite,
)


@given(worlds())
@settings(max_examples=500, deadline=None)
def test_the_interval_contains_the_number_of_records_really_disclosed(world):
    whole = unite([item for item, _ in world])
    firm = frozenset().union(*(truth for item, truth in world if item.certainty is not Certainty.POSSIBLE))
    really = frozenset().union(*(truth for _, truth in world))
    # Counts without a population may be of records that no set names: the bounds speak of them too.
    assert whole.at_least <= len(firm) <= whole.at_most or not firm
    assert whole.at_least <= len(really) <= whole.at_most_with_possible or not really
    assert whole.proven <= BitMap(firm)


@given(worlds(), worlds())
@settings(max_examples=200, deadline=None)
def test_more_evidence_never_lowers_what_is_known(some, more):
    before, after = unite([item for item, _ in some]), unite([item for item, _ in [*some, *more]])
    change = compare(before, after)
    assert not change.lowered
    assert not change.removed
    assert before.at_least <= after.at_least


@given(worlds())
def test_fields_of_a_record_are_the_union_over_its_disclosures(world):
    found = [item for item, _ in world]
    whole = unite(found)
    for record in range(RECORDS):
        firm = [item for item in found if item.records and record in item.records]
        if record in whole.affected:
            firm = [item for item in firm if item.certainty is not Certainty.POSSIBLE]
        assert whole.fields_of(record) == frozenset().union(*(item.fields.names for item in firm))


@given(worlds(), facets(), st.frozensets(st.integers(0, RECORDS - 1)))
def test_every_split_adds_up_to_the_whole(world, facet, erased):
    everything = unite([item for item, _ in world]).everything
    counts = split(everything, facet, erased=BitMap(erased))
    assert sum(counts.values()) == len(everything)
    assert counts.get(ERASED, 0) == len(everything & BitMap(erased))
    pairs = cross(everything, facet, {"one": BitMap(erased)})
    assert sum(pairs.values()) == len(everything)


def test_records_without_a_value_are_unknown_and_erased_ones_stand_apart():
    countries = {"FR": BitMap([1, 2]), "IT": BitMap([3])}
    counts = split(BitMap(range(1, 7)), countries, erased=BitMap([2, 6]))
    assert counts == {"FR": 1, "IT": 1, UNKNOWN: 2, ERASED: 2}


def test_a_record_with_two_values_is_counted_once_and_shown():
    counts = split(BitMap([1, 2, 3]), {"FR": BitMap([1, 2]), "IT": BitMap([2, 3])})
    assert counts == {"FR": 1, "IT": 1, AMBIGUOUS: 1}


def test_combinations_of_facets_are_counted_together():
    brands = {"tarsenne": BitMap([1, 2]), "ombrelune": BitMap([3])}
    countries = {"FR": BitMap([1, 3])}
    counts = cross(BitMap([1, 2, 3, 4]), brands, countries)
    assert counts == {
        ("tarsenne", "FR"): 1,
        ("tarsenne", UNKNOWN): 1,
        ("ombrelune", "FR"): 1,
        (UNKNOWN, UNKNOWN): 1,
    }


def test_field_sets_are_split_exactly():
    names, spend = Fields(frozenset({"given_name"})), Fields(frozenset({"spend_total"}))
    whole = unite([disclosure([1, 2], fields=names), disclosure([2, 3], fields=spend)])
    assert split_by_fields(whole) == {
        frozenset({"given_name"}): 1,
        frozenset({"spend_total"}): 1,
        frozenset({"given_name", "spend_total"}): 1,
    }
    assert split_by_fields(whole, BitMap([1, 9])) == {frozenset({"given_name"}): 1, frozenset(): 1}


def test_a_total_that_every_page_repeats_is_counted_once():
    pages = [
        disclosure(None, Certainty.BOUNDED, lower=100, upper=100, series="query-7", reasons=(f"page_{page}",))
        for page in range(5)
    ]
    whole = unite(pages)
    assert (whole.at_least, whole.at_most) == (100, 100)
    other = disclosure(None, Certainty.BOUNDED, lower=40, upper=40, series="query-8")
    whole = unite([*pages, other])
    assert (whole.at_least, whole.at_most) == (100, 140)


def test_counts_over_sets_that_do_not_overlap_add_up():
    one = disclosure(range(10), Certainty.BOUNDED, lower=6, upper=8)
    other = disclosure(range(20, 30), Certainty.BOUNDED, lower=3, upper=10)
    whole = unite([one, other])
    assert (whole.at_least, whole.at_most) == (9, 18)


def test_all_small_worlds_of_three_disclosures_over_three_records():
    """Every choice of three sets and classes over three records: classes are the maximum, bounds are in order."""
    sets = [FrozenBitMap(members) for size in range(4) for members in itertools.combinations(range(3), size)]
    kinds = [(records, certainty) for records in sets for certainty in Certainty]
    for trio in itertools.combinations(kinds, 3):
        whole = unite([disclosure(records, certainty) for records, certainty in trio])
        for record in range(3):
            highest = max((certainty for records, certainty in trio if record in records), default=None)
            said = {None: Statement.NO_STATEMENT, 1: Statement.POSSIBLE, 2: Statement.BOUNDED, 3: Statement.PROVEN}
            assert whole.statement(record) is said[highest]
        assert len(whole.proven) <= whole.at_least <= whole.at_most <= whole.at_most_with_possible


def test_not_affected_is_only_said_when_every_channel_was_covered_completely():
    complete = disclosure([1])
    late = disclosure([1], coverage=Coverage("crm", CoverageStatus.LATE, NOON, NOON))
    assert unite([complete], channels_covered=True).statement(9) is Statement.NOT_AFFECTED
    assert unite([complete]).statement(9) is Statement.NO_STATEMENT
    assert unite([complete, late], channels_covered=True).statement(9) is Statement.NO_STATEMENT
    assert unite([]).statement(9) is Statement.NO_STATEMENT


def test_stages_hold_the_records_that_got_at_least_so_far():
    whole = unite([disclosure([1, 2], stage=Stage.EXECUTED), disclosure([2], stage=Stage.DELIVERED)])
    assert whole.stages[Stage.ATTEMPTED] == whole.stages[Stage.EXECUTED] == BitMap([1, 2])
    assert whole.stages[Stage.DELIVERED] == BitMap([2])
    assert not whole.stages[Stage.SEEN_OUTSIDE]


def test_reasons_for_a_wide_interval_are_kept():
    whole = unite([disclosure([1, 2], Certainty.BOUNDED, reasons=("no_ids",), over=("row_security",))])
    assert whole.open_reasons == ("no_ids", "row_security")


def test_what_moved_between_two_affected_sets_is_named():
    before = unite([disclosure([1, 2], Certainty.BOUNDED), disclosure([5])])
    richer = Fields(frozenset({"email", "phone"}))
    after = unite([disclosure([2, 3]), disclosure([1], Certainty.BOUNDED, fields=richer)])
    change = compare(before, after)
    assert change.added == BitMap([3])
    assert change.removed == BitMap([5])
    assert change.raised == BitMap([2, 3])
    assert change.lowered == BitMap([5])
    assert change.fields_added == BitMap([1])


@pytest.mark.parametrize("sets", [[], [[]], [[0]], [[2**32 - 1]]])
def test_empty_and_extreme_sets_are_united(sets):
    whole = unite([disclosure(records) for records in sets])
    assert whole.at_least == len({record for records in sets for record in records})


def test_an_operand_is_never_changed():
    records = FrozenBitMap([1, 2])
    erased = BitMap([1])
    whole = unite([disclosure(records)])
    split(whole.proven, {"FR": erased}, erased=erased)
    cross(whole.proven, {"FR": erased})
    assert erased == BitMap([1])
    assert whole.proven == BitMap([1, 2])


def test_the_classes_do_not_overlap():
    whole = unite(
        [disclosure([1]), disclosure([1, 2], Certainty.BOUNDED), disclosure([1, 2, 3], Certainty.POSSIBLE, upper=3)]
    )
    assert (whole.proven, whole.bounded, whole.possible) == (BitMap([1]), BitMap([2]), BitMap([3]))


def test_a_series_speaks_once_even_over_sets_that_do_not_overlap():
    one = disclosure(range(10), Certainty.BOUNDED, lower=6, series="query-7")
    other = disclosure(range(20, 30), Certainty.BOUNDED, lower=3, series="query-7")
    assert unite([one, other]).at_least == 6
