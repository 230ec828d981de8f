from __future__ import annotations

import math
import random

import pytest
from pyroaring import BitMap

from cloakroom.claims.attribution import attribute
from cloakroom.claims.dating import DAY, Snapshot
from cloakroom.disclosures.disclosure import Disclosure
from cloakroom.ledger.disclosed import disclosed_by_entries

ALL = 100_000
AT = 1_745_000_000_000_000
SNAPSHOTS = [Snapshot(AT - DAY, AT + DAY, 1.0)]
FIELDS = {"name", "email", "phone"}
GIVEN = frozenset({"given_name", "family_name", "email", "mobile", "city", "spend_total"})


def disclosed(name: str, records, *, kind: str = "release", fields=GIVEN, at=AT) -> Disclosure:
    is_release = kind == "release"
    return disclosed_by_entries(
        "somebody" if is_release else name, "release" if is_release else "reveal", dict.fromkeys(fields, "reveal"),
        BitMap(records), first_at=at, last_at=at, entries=1, release=name if is_release else "",
    )  # fmt: skip


@pytest.fixture
def others() -> list[Disclosure]:
    random_ = random.Random(7)
    return [disclosed(f"other-{n}", random_.sample(range(ALL), 8000)) for n in range(20)] + [
        disclosed("everything", range(ALL), kind="disclosure")
    ]


@pytest.mark.parametrize("kept", [1.0, 0.2, 0.01])
def test_a_release_is_found_however_many_of_its_rows_were_removed(others, kept) -> None:
    random_ = random.Random(1)
    source = random_.sample(range(ALL), 9000)
    leaked = BitMap(random_.sample(source, int(9000 * kept)))
    ranked = attribute(leaked, FIELDS, SNAPSHOTS, [*others, disclosed("stolen", source)], population=ALL, canaries={})
    assert ranked[0].id == "stolen"
    assert ranked[0].contained == 1.0
    assert "all fields shown were part of it" in ranked[0].reason


def test_records_from_elsewhere_mixed_in_do_not_hide_the_source(others) -> None:
    random_ = random.Random(2)
    source = random_.sample(range(ALL), 9000)
    leaked = BitMap(random_.sample(source, 1500) + random_.sample(range(ALL), 80))
    ranked = attribute(leaked, FIELDS, SNAPSHOTS, [*others, disclosed("stolen", source)], population=ALL, canaries={})
    assert ranked[0].id == "stolen"


def test_a_canary_outweighs_every_likelihood(others) -> None:
    source = range(2000, 6000)
    leaked = BitMap(range(2000, 2400)) | BitMap([ALL + 5])
    marked = disclosed("marked", [*range(2000, 60_000), ALL + 5])
    ranked = attribute(
        leaked,
        FIELDS,
        SNAPSHOTS,
        [*others, disclosed("tight", source), marked],
        population=ALL,
        canaries={"marked": BitMap([ALL + 5])},
    )
    assert ranked[0].id == "marked"
    assert ranked[0].marks == 1


def test_of_two_equal_sets_the_one_with_the_fields_and_the_time_comes_first() -> None:
    records = range(500)
    rivals = [
        disclosed("late", records, at=AT + 60 * DAY),
        disclosed("bare", records, fields={"email"}),
        disclosed("right", records),
    ]
    ranked = attribute(BitMap(range(400)), FIELDS, SNAPSHOTS, rivals, population=ALL, canaries={})
    assert next(candidate.id for candidate in ranked) == "right"
    assert {candidate.id for candidate in ranked[1:]} == {"late", "bare"}


def test_the_thief_is_found_by_everything_his_lineage_opened(others) -> None:
    thief = disclosed("s.marchetti", range(300, 1100), kind="disclosure")
    ranked = attribute(BitMap(range(310, 1000)), FIELDS, SNAPSHOTS, [*others, thief], population=ALL, canaries={})
    assert (ranked[0].kind, ranked[0].id) == ("disclosure", "s.marchetti")


def test_a_set_that_nobody_opened_is_attributed_to_nobody(others) -> None:
    leaked = BitMap(random.Random(3).sample(range(ALL), 5000))
    ranked = attribute(leaked, FIELDS, SNAPSHOTS, others[:-1], population=ALL, canaries={})
    assert ranked == []


def test_canaries_of_a_population_are_named() -> None:
    ranked = attribute(BitMap([7, 8, 900]), FIELDS, [], [], population=ALL, canaries={"house": BitMap([900, 901])})
    assert ranked[0].kind == "population"
    assert ranked[0].marks == 1


def share_of(part: int, whole: int, *, outside: int = 0) -> BitMap:
    """Return `part` records of the first `whole`, and `outside` records of nobody."""
    assert part <= whole
    return BitMap(range(part)) | BitMap(range(ALL - outside, ALL))


def one(leaked: BitMap, *candidates: Disclosure, fields=FIELDS, snapshots=(), canaries=None) -> list:
    return attribute(leaked, fields, list(snapshots), candidates, population=ALL, canaries=canaries or {})


@pytest.mark.parametrize(("inside", "is_named"), [(49, False), (50, True), (51, True)])
def test_a_disclosure_is_a_candidate_from_half_of_the_dump_on(inside, is_named) -> None:
    leaked = share_of(inside, 100, outside=100 - inside)
    assert bool(one(leaked, disclosed("release", range(100)))) is is_named


def test_a_canary_names_its_release_however_little_of_the_dump_it_holds() -> None:
    leaked = share_of(1, 100, outside=99)
    (found,) = one(leaked, disclosed("release", range(100)), canaries={"release": BitMap([0])})
    assert (found.kind, found.id, found.marks, found.contained) == ("release", "release", 1, 0.01)
    assert found.evidence < 0
    assert found.reason.startswith("1 canary of it alone; had 1 of the 100 records that the dump shows beyond doubt")


def test_canaries_of_one_release_say_nothing_of_another() -> None:
    leaked = BitMap(range(100))
    ranked = one(leaked, disclosed("a", range(100)), disclosed("b", range(100)), canaries={"b": BitMap([5, 6])})
    assert [(found.id, found.marks) for found in ranked] == [("b", 2), ("a", 0)]
    assert "2 canaries of it alone" in ranked[0].reason


def test_a_lineage_that_is_called_like_a_population_does_not_take_its_canaries() -> None:
    ranked = one(
        BitMap(range(100)), disclosed("house", range(100), kind="disclosure"), canaries={"house": BitMap([7])}
    )
    assert [(found.kind, found.marks) for found in ranked] == [("disclosure", 0), ("population", 1)]


def test_populations_come_last_whatever_they_hold() -> None:
    ranked = one(
        BitMap(range(100)),
        disclosed("r", range(200)),
        canaries={"house": BitMap(range(90, 100)), "gone": BitMap([5000])},
    )
    assert [(found.kind, found.id) for found in ranked] == [("release", "r"), ("population", "house")]
    assert ranked[1].covered == 1.0
    assert "10 canaries of house" in ranked[1].reason


def evidence_of(leaked: BitMap, item: Disclosure, **how) -> float:
    (found,) = one(leaked, item, **how)
    return found.evidence


def test_each_record_weighs_what_drawing_it_from_there_makes_likelier() -> None:
    leaked = share_of(95, 1000, outside=5)
    expected = 0.95 * math.log(0.98 * ALL / 1000) + 0.05 * math.log(0.02)
    assert evidence_of(leaked, disclosed("r", range(1000))) == pytest.approx(expected, abs=1e-4)


def test_each_field_that_it_did_not_have_costs_half_and_a_bad_time_costs_one() -> None:
    leaked = share_of(100, 100)
    plain = evidence_of(leaked, disclosed("r", range(100)), fields={"email"})
    assert evidence_of(leaked, disclosed("r", range(100)), fields={"email", "gender"}) == pytest.approx(plain - 0.5)
    assert evidence_of(leaked, disclosed("r", range(100)), fields={"email", "gender", "kind"}) == pytest.approx(
        plain - 1
    )
    assert evidence_of(leaked, disclosed("r", range(100)), fields={"email", "record_id"}) == plain
    late = disclosed("r", range(100), at=AT + 90 * DAY)
    assert evidence_of(leaked, late, fields={"email"}, snapshots=SNAPSHOTS) == pytest.approx(plain - 1)
    (found,) = one(leaked, disclosed("r", range(100)), fields={"gender", "kind"})
    assert found.missing_fields == ("gender", "kind")
    assert "did not show gender, kind" in found.reason


def test_a_disclosure_whose_fields_nobody_knows_lacks_none() -> None:
    (found,) = one(share_of(100, 100), disclosed("r", range(100), fields=()), fields={"gender"})
    assert found.missing_fields == ()


@pytest.mark.parametrize(
    ("at", "is_timely"),
    [
        (AT - 2 * DAY - 1, False),
        (AT - 2 * DAY, True),
        (AT, True),
        (AT + 2 * DAY, True),
        (AT + 2 * DAY + 1, False),
    ],
)
def test_an_opening_meets_an_as_of_time_with_a_day_of_slack(at, is_timely) -> None:
    (found,) = one(share_of(100, 100), disclosed("r", range(100), at=at), snapshots=SNAPSHOTS)
    assert ("open when the data stood so" in found.reason) is is_timely
    assert ("do not meet" in found.reason) is not is_timely


def test_an_as_of_time_without_an_end_is_met_by_all_that_comes_later() -> None:
    (found,) = one(
        share_of(100, 100), disclosed("r", range(100), at=AT + 900 * DAY), snapshots=[Snapshot(AT, None, 1.0)]
    )
    assert "open when the data stood so" in found.reason


def test_nothing_is_said_of_time_where_nothing_was_dated() -> None:
    (found,) = one(share_of(100, 100), disclosed("r", range(100)))
    assert "as-of" not in found.reason
    assert "open when" not in found.reason


def test_a_set_no_smaller_than_chance_explains_nothing() -> None:
    leaked = share_of(100, 100)
    assert one(leaked, disclosed("everything", range(ALL)), fields={"email"}) == []
    nearly = disclosed("nearly", range(int(0.97 * ALL)))
    assert [found.id for found in one(leaked, nearly, fields={"email"})] == ["nearly"]


def test_no_more_than_ten_candidates_are_named_the_likeliest() -> None:
    rivals = [disclosed(f"r{size}", range(size)) for size in range(112, 99, -1)]
    ranked = one(share_of(100, 100), *rivals)
    assert [found.id for found in ranked] == [f"r{size}" for size in range(100, 110)]


def test_shares_are_of_the_dump_and_of_the_disclosure() -> None:
    (found,) = one(share_of(300, 400, outside=100), disclosed("r", range(400)))
    assert (found.contained, found.covered) == (0.75, 0.75)
    (found,) = one(share_of(90, 400, outside=10), disclosed("r", range(400)))
    assert (found.contained, found.covered) == (0.9, 0.225)
    assert "the dump agrees with 90 of its 400 records" in found.reason
