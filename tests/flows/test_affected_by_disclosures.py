"""Who was affected, from disclosures of our own ledger: united, by field and form, split, each record once."""

from __future__ import annotations

from datetime import date

import pytest
from pyroaring import BitMap

from cloakroom.adapters.claims.own_disclosures import by_lineage
from cloakroom.clock import to_microseconds
from cloakroom.disclosures.disclosure import Disclosure, Fields
from cloakroom.disclosures.vocabulary import Certainty, Channel, CoverageStatus, Stage
from cloakroom.flows.incident.affected import AffectedReport, affected
from cloakroom.ledger.disclosed import disclosed_by_entries

DAY = date(2025, 6, 1)


def opened(
    lineage: str, records, *, operation: str = "reveal", at=(10, 20), entries: int = 1, **shape: str
) -> Disclosure:
    return disclosed_by_entries(
        lineage, operation, shape, BitMap(records), first_at=at[0], last_at=at[1], entries=entries
    )


def report(*disclosed: Disclosure, erased=(), **facets: dict[str, BitMap]) -> AffectedReport:
    return affected(disclosed, facets=facets, erased=BitMap(erased), on=DAY)


def test_a_disclosure_of_the_ledger_proves_its_records_and_says_whose_entries_it_rests_on() -> None:
    found = opened("s.marchetti", [3, 5], at=(1_000_000, 2_000_000), entries=7, email="reveal", spend_total="band")
    assert (found.who.kind, found.who.id) == ("lineage", "s.marchetti")
    assert (found.certainty, found.stage) == (Certainty.PROVEN, Stage.DELIVERED)
    assert (sorted(found.records), found.lower, found.upper) == ([3, 5], 2, 2)
    assert (to_microseconds(found.when.begin), to_microseconds(found.when.end)) == (1_000_000, 2_000_000)
    assert (found.fields.names, found.fields.reduced) == ({"email"}, (("spend_total", "band"),))
    assert (found.evidence[0].locator, found.evidence[0].items) == ("reveal entries of s.marchetti", 7)
    assert found.coverage.status is CoverageStatus.COMPLETE
    assert found.where.channel is Channel.API


def test_a_release_left_in_bulk_and_is_its_object() -> None:
    found = disclosed_by_entries(
        "marketing", "release", {"email": "reveal"}, BitMap([1]), first_at=0, last_at=0, entries=1, release="r-1"
    )
    assert (found.where.channel, found.where.objects) == (Channel.BULK, ("r-1",))


@pytest.mark.parametrize(
    ("fields", "forms", "readable"),
    [
        (Fields(frozenset({"email"})), {"email": "reveal"}, {"email"}),
        (Fields(frozenset(), reduced=(("email", "token"),)), {"email": "token"}, set()),
        (Fields(frozenset(), reduced=(("email", "mask"),)), {"email": "mask"}, {"email"}),
        (Fields(frozenset({"email"}), reduced=(("email", "mask"),)), {"email": "reveal"}, {"email"}),
    ],
)
def test_a_token_is_nothing_that_could_be_read_and_the_clearest_form_counts(fields, forms, readable) -> None:
    assert (fields.forms, fields.readable) == (forms, readable)


def test_records_are_counted_once_by_field_and_by_form() -> None:
    found = report(
        opened("a", [1, 2, 3], email="reveal", phone="mask"),
        opened("b", [3, 4], email="mask"),
        opened("b", [9], email="token"),
    )
    assert sorted(found.records) == [1, 2, 3, 4]
    assert found.fields == {"email": {"mask": 2, "reveal": 3}, "phone": {"mask": 3}}
    assert {name: sorted(records) for name, records in found.opened.items()} == {
        "email": [1, 2, 3, 4],
        "phone": [1, 2, 3],
    }
    assert found.field_sets == {("email", "phone"): 3, ("email",): 1}
    assert found.lineages == ["a", "b"]


def test_a_token_beside_what_could_be_read_is_no_field_that_left() -> None:
    assert report(opened("a", [1], email="reveal", phone="token")).fields == {"email": {"reveal": 1}}


def test_what_only_told_that_a_record_exists_is_told_apart() -> None:
    found = report(opened("a", [1, 2], operation="find"), opened("a", [2], email="reveal"))
    assert (sorted(found.records), sorted(found.found_only)) == ([1, 2], [1])


def test_times_and_entries_are_those_of_all_that_showed_anything() -> None:
    found = report(
        opened("a", [1], at=(10, 20), entries=3, email="reveal"),
        opened("b", [2], at=(5, 12), entries=4, email="reveal"),
        opened("c", [3], at=(1, 99), entries=50, email="token"),
    )
    assert (found.first_at, found.last_at, found.entries) == (5, 20, 7)


def test_nothing_disclosed_affects_nobody() -> None:
    found = report()
    assert (len(found.records), found.first_at, found.last_at, found.entries, found.fields) == (0, None, None, 0, {})


def test_who_turns_eighteen_on_the_day_is_a_minor_no_longer() -> None:
    adult_on = {"2025-05-31": BitMap([1]), "2025-06-01": BitMap([2]), "2025-06-02": BitMap([3])}
    found = report(opened("a", [1, 2, 3], email="reveal"), adult_on=adult_on)
    assert found.minors == 1


def test_erased_records_stay_counted_by_their_brand() -> None:
    found = report(
        opened("a", [1, 2, 3], email="reveal"),
        erased=[3],
        brand={"house": BitMap([1, 2, 3])},
        country={"IT": BitMap([1]), "FR": BitMap([2])},
    )
    assert found.splits["brand"] == {"house": 3}
    assert found.splits["country"] == {"IT": 1, "FR": 1, "erased": 1}


def test_a_lineage_is_one_disclosure_with_all_that_it_opened() -> None:
    first = opened("a", [1, 2], at=(10, 20), email="reveal", phone="mask")
    second = opened("a", [2, 3], at=(5, 15), entries=2, phone="reveal", city="token")
    (found,) = by_lineage([first, second, opened("a", [9], operation="find")])
    assert (sorted(found.records), found.lower, found.upper) == ([1, 2, 3], 3, 3)
    assert (to_microseconds(found.when.begin), to_microseconds(found.when.end)) == (5, 20)
    assert found.fields.forms == {"email": "reveal", "phone": "reveal", "city": "token"}
    assert sum(evidence.items for evidence in found.evidence) == 3


def test_what_left_by_a_release_is_not_told_of_its_lineage_again() -> None:
    release = opened("a", [1], operation="release", email="reveal")
    assert list(by_lineage([release])) == []
    assert [
        found.who.id
        for found in by_lineage([release, opened("a", [2], email="mask"), opened("b", [3], email="mask")])
    ] == ["a", "b"]
