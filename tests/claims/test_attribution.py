from __future__ import annotations

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
    ranked = attribute(leaked, FIELDS, SNAPSHOTS, [*others, disclosed("stolen", source)], population=ALL, planted={})
    assert ranked[0].id == "stolen"
    assert ranked[0].contained == 1.0
    assert "all fields shown were part of it" in ranked[0].reason


def test_records_from_elsewhere_mixed_in_do_not_hide_the_source(others) -> None:
    random_ = random.Random(2)
    source = random_.sample(range(ALL), 9000)
    leaked = BitMap(random_.sample(source, 1500) + random_.sample(range(ALL), 80))
    ranked = attribute(leaked, FIELDS, SNAPSHOTS, [*others, disclosed("stolen", source)], population=ALL, planted={})
    assert ranked[0].id == "stolen"


def test_a_planted_record_outweighs_every_likelihood(others) -> None:
    source = range(2000, 6000)
    leaked = BitMap(range(2000, 2400)) | BitMap([ALL + 5])
    marked = disclosed("marked", [*range(2000, 60_000), ALL + 5])
    ranked = attribute(
        leaked,
        FIELDS,
        SNAPSHOTS,
        [*others, disclosed("tight", source), marked],
        population=ALL,
        planted={"marked": BitMap([ALL + 5])},
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
    ranked = attribute(BitMap(range(400)), FIELDS, SNAPSHOTS, rivals, population=ALL, planted={})
    assert next(candidate.id for candidate in ranked) == "right"
    assert {candidate.id for candidate in ranked[1:]} == {"late", "bare"}


def test_the_thief_is_found_by_everything_his_lineage_opened(others) -> None:
    thief = disclosed("s.marchetti", range(300, 1100), kind="disclosure")
    ranked = attribute(BitMap(range(310, 1000)), FIELDS, SNAPSHOTS, [*others, thief], population=ALL, planted={})
    assert (ranked[0].kind, ranked[0].id) == ("disclosure", "s.marchetti")


def test_a_set_that_nobody_opened_is_attributed_to_nobody(others) -> None:
    leaked = BitMap(random.Random(3).sample(range(ALL), 5000))
    ranked = attribute(leaked, FIELDS, SNAPSHOTS, others[:-1], population=ALL, planted={})
    assert ranked == []


def test_planted_records_of_a_population_are_named() -> None:
    ranked = attribute(BitMap([7, 8, 900]), FIELDS, [], [], population=ALL, planted={"house": BitMap([900, 901])})
    assert ranked[0].kind == "population"
    assert ranked[0].marks == 1
