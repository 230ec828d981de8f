"""What a disclosure is held to have shown, when it was open, and which of two is likelier, each worked out apart."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import pytest
from pyroaring import BitMap
from test_attribution import ALL, AT, disclosed, one

from cloakroom.claims.attribution import attribute
from cloakroom.claims.dating import DAY, Snapshot

DUMP = BitMap(range(100))
SHOWN_BY = {
    "customer_number": "record_id", "name": "name", "given_name": "name", "family_name": "name", "email": "email",
    "phone": "phone", "mobile": "phone", "street": "address", "city": "address", "region": "address",
    "postcode": "address", "birth_date": "birth_date", "language": "language", "kind": "kind", "store": "store",
    "spend_total": "total_sales", "purchases": "purchases", "gender": "gender",
}  # fmt: skip
EVERY = frozenset(SHOWN_BY.values())


@pytest.mark.parametrize("field", SHOWN_BY)
def test_a_field_of_the_vault_explains_just_the_field_of_the_report_that_shows_it(field) -> None:
    (found,) = one(DUMP, disclosed("r", DUMP, fields=(field,)), fields=EVERY)
    assert set(found.missing_fields) == EVERY - {SHOWN_BY[field], "record_id"}
    assert list(found.missing_fields) == sorted(found.missing_fields)


def test_a_field_that_reports_have_no_other_name_for_is_known_by_its_own() -> None:
    (found,) = one(DUMP, disclosed("r", DUMP, fields=("shoe_size",)), fields={"shoe_size", "email"})
    assert found.missing_fields == ("email",)


def test_weights_are_those_of_drawing_records_from_one_set_rather_than_from_all() -> None:
    for inside, size, population in product((50, 75, 100), (100, 400), (1_000, ALL)):
        dump = BitMap(range(inside)) | BitMap(range(ALL, ALL + 100 - inside))
        found = attribute(dump, ["email"], [], [disclosed("r", range(size))], population=population, canaries={})
        part = inside / 100
        # Drawn from here: 98 in 100 of the records have the chance 1/size each, 2 in 100 are slips.
        expected = part * (math.log(0.98) + math.log(population) - math.log(size)) + (1 - part) * math.log(0.02)
        assert [one.evidence for one in found] == ([pytest.approx(expected, abs=1e-4)] if expected > 0 else [])


@pytest.mark.parametrize(("early", "late"), [(100, 101), (100, 200), (5_000, 5_001)])
def test_of_two_sets_that_hold_the_dump_the_smaller_is_likelier(early, late) -> None:
    rivals = [disclosed("late", range(late)), disclosed("early", range(early))]
    assert [found.id for found in one(DUMP, *rivals)] == ["early", "late"]


@pytest.mark.parametrize(("first", "second"), [(2, 1), (3, 2)])
def test_more_canaries_come_first_however_likely_the_other_is(first, second) -> None:
    canaries = {"wide": BitMap(range(first)), "tight": BitMap(range(50, 50 + second))}
    found = one(DUMP, disclosed("tight", range(100)), disclosed("wide", range(90_000)), canaries=canaries)
    assert [(one.id, one.marks) for one in found] == [("wide", first), ("tight", second)]


@pytest.mark.parametrize(
    ("begin", "end", "is_timely"),
    [
        (AT - 9 * DAY, AT - 2 * DAY - 1, False),
        (AT - 9 * DAY, AT - 2 * DAY, True),
        (AT - 9 * DAY, AT + 9 * DAY, True),
        (AT + 2 * DAY, AT + 9 * DAY, True),
        (AT + 2 * DAY + 1, AT + 9 * DAY, False),
    ],
)
def test_openings_from_the_first_to_the_last_may_meet_the_as_of_time(begin, end, is_timely) -> None:
    item, last = disclosed("r", DUMP, at=begin), disclosed("r", DUMP, at=end)
    item = replace(item, when=replace(item.when, end=last.when.end))
    (found,) = one(DUMP, item, snapshots=[Snapshot(AT - DAY, AT + DAY, 1.0)])
    assert ("open when the data stood so" in found.reason) is is_timely


@pytest.mark.parametrize(
    ("snapshots", "is_timely"),
    [
        ([Snapshot(AT, AT, 0.5), Snapshot(AT + 90 * DAY, AT + 91 * DAY, 0.5)], True),
        ([Snapshot(AT + 90 * DAY, AT + 91 * DAY, 0.5), Snapshot(AT, AT, 0.5)], True),
        ([Snapshot(AT + 90 * DAY, AT + 91 * DAY, 0.5), Snapshot(AT + 40 * DAY, None, 0.5)], False),
    ],
)
def test_one_as_of_time_that_is_met_is_enough(snapshots, is_timely) -> None:
    (found,) = one(DUMP, disclosed("r", DUMP), snapshots=snapshots)
    assert ("open when the data stood so" in found.reason) is is_timely


@pytest.mark.parametrize(("found", "word"), [(1, "1 canary of house"), (2, "2 canaries of house")])
def test_canaries_of_a_population_are_counted_in_words(found, word) -> None:
    (candidate,) = one(DUMP, canaries={"house": BitMap(range(100 - found, 108))})
    assert candidate.reason == f"{word}: taken from the store or through a reveal of it"
    assert (candidate.marks, candidate.covered, candidate.evidence) == (found, found / (8 + found), 0.0)


def test_a_dump_that_shows_no_canary_of_a_population_does_not_name_it() -> None:
    assert one(DUMP, canaries={"house": BitMap(range(100, 108))}) == []


def test_a_disclosure_of_nothing_or_of_nobody_in_the_dump_is_no_candidate() -> None:
    assert one(DUMP, disclosed("r", []), disclosed("s", range(500, 600))) == []
