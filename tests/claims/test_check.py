"""The whole check, over a store and dumps in memory: rows, records, verdicts, register, attribution, openings."""

from __future__ import annotations

import json

import pytest
from memory_store import CHECKED, DAY, START, MemoryStore, Version, check, customer, table
from pyroaring import BitMap

from cloakroom.claims.limits import Limits
from cloakroom.claims.report import report_document
from cloakroom.claims.statement import Statement
from cloakroom.errors import StoreError
from cloakroom.ledger.disclosed import disclosed_by_entries

ALL = ("id", "given_name", "family_name", "email", "phone", "city", "birth_date")
PLAIN = ("email", "given_name", "family_name")
STRANGERS = 5_000


def house(count: int = 120, **more) -> MemoryStore:
    return MemoryStore([Version(number, customer(number)) for number in range(count)], **more)


def ours(first: int, last: int, **texts: str) -> list[dict[str, str]]:
    return [customer(number, **texts) for number in range(first, last)]


def strangers(count: int) -> list[dict[str, str]]:
    return ours(STRANGERS, STRANGERS + count)


def test_our_own_rows_are_counted_proven_and_dated() -> None:
    report = check(house(), {"dump.csv": table(ours(0, 100), *ALL)})
    match = report.matched.brands["house"]
    assert (report.size.rows, report.matched.rows_own, len(match.proven), match.rows) == (100, 100, 100, 100)
    assert set(match.fields) == {"record_id", "name", "email", "phone", "address", "birth_date"}
    assert report.verdict.word == "genuine"
    (snapshot,) = report.dating["house"].snapshots
    assert (snapshot.start, snapshot.end) == (START, None)
    assert (report.matched.emails_known, report.size.emails_distinct, report.size.phones_distinct) == (100, 100, 100)
    assert report.populations == {"house": 120}
    assert report.countries == {"IT": 100}


def test_rows_without_ids_prove_by_two_values_that_agree() -> None:
    report = check(house(), {"dump.csv": table(ours(0, 50), *PLAIN)})
    assert (report.matched.rows_own, len(report.matched.proven)) == (50, 50)


def test_an_address_with_another_name_is_bounded_and_proves_nobody() -> None:
    rows = [customer(number) | {"given_name": "Zoe", "family_name": "Other"} for number in range(50)]
    report = check(house(), {"dump.csv": table(rows, *PLAIN)})
    assert (report.matched.rows_own, report.matched.rows_bounded) == (0, 50)
    assert len(report.matched.brands["house"].bounded) == 50
    assert report.verdict.word == "foreign"


def test_a_bare_list_of_addresses_of_ours_proves_no_record() -> None:
    report = check(house(), {"dump.csv": table(ours(0, 50), "email")})
    assert (report.matched.rows_bare, len(report.matched.proven)) == (50, 0)
    assert report.verdict.word == "addresses only"
    assert "no record is proven" in report.verdict.reasons[1]


def test_rows_of_each_kind_are_told_apart() -> None:
    rows = [*ours(0, 40), *strangers(7), {"given_name": "Zoe", "family_name": "Other"},
            customer(60) | {"given_name": "Zoe", "family_name": "Other", "phone": ""},
            {"email": customer(61)["email"]}]  # fmt: skip
    found = check(house(), {"dump.csv": table(rows, *PLAIN, "phone")}).matched
    counts = (found.rows_own, found.rows_foreign, found.rows_silent, found.rows_bounded, found.rows_bare)
    assert counts == (40, 7, 1, 1, 1)


@pytest.mark.parametrize(("others", "word"), [(1, "genuine"), (2, "mixed")])
def test_one_stranger_in_a_hundred_makes_a_dump_mixed(others, word) -> None:
    report = check(house(120), {"dump.csv": table([*ours(0, 118), *strangers(others)], *ALL)})
    assert report.verdict.word == word


def test_a_dump_of_strangers_is_foreign_and_opens_nothing() -> None:
    store = house()
    report = check(store, {"dump.csv": table(strangers(50), *PLAIN)})
    assert report.verdict.word == "foreign"
    assert (report.opened, store.opened) == (0, [])
    assert report.matched.brands == {}


@pytest.mark.parametrize(("holders", "is_proven"), [(10, True), (11, False)])
def test_an_address_of_more_than_ten_records_leads_to_none_of_them(holders, is_proven) -> None:
    shared = [Version(number, customer(number, email="desk@example.org")) for number in range(holders)]
    store = MemoryStore([*shared, *(Version(number, customer(number)) for number in range(20, 60))])
    rows = [customer(3, email="desk@example.org") | {"given_name": "Zoe"}, *ours(20, 60)]
    found = check(store, {"dump.csv": table(rows, *PLAIN)}).matched
    assert (len(found.brands["house"].bounded) == holders) is is_proven
    assert (found.rows_bounded, found.rows_bare) == ((1, 0) if is_proven else (0, 1))


def test_an_address_of_a_crowd_proves_the_one_whose_name_the_row_shows() -> None:
    store = MemoryStore([Version(number, customer(number, email="desk@example.org")) for number in range(30)])
    report = check(store, {"dump.csv": table([customer(7, email="desk@example.org")], *PLAIN)})
    assert sorted(report.matched.proven) == [7]


def test_beyond_the_limit_of_openings_only_address_and_number_prove() -> None:
    limits = Limits(open_records=20)
    store = house()
    both = check(store, {"dump.csv": table(ours(0, 21), *PLAIN, "phone")}, limits=limits)
    assert (len(both.matched.proven), both.matched.notes != ()) == (21, True)
    named = check(house(), {"dump.csv": table(ours(0, 21), *PLAIN)}, limits=limits)
    assert (len(named.matched.proven), len(named.matched.notes)) == (0, 1)
    within = check(house(), {"dump.csv": table(ours(0, 20), *PLAIN)}, limits=limits)
    assert (len(within.matched.proven), within.matched.notes) == (20, ())


def test_short_numbers_as_ids_prove_only_where_the_rows_bear_them_out() -> None:
    names = [customer(number) | {"id": f"{number + 1:08d}"} for number in range(50)]
    report = check(house(), {"dump.csv": table(names, "id", *PLAIN)})
    # Each id is that of the next customer: the rows prove whom address and name show.
    assert sorted(report.matched.proven) == list(range(50))


def test_twice_the_same_row_proves_one_record() -> None:
    report = check(house(), {"dump.csv": table([*ours(0, 30), *ours(0, 30)], *ALL)})
    assert (report.matched.rows_own, len(report.matched.proven)) == (60, 30)


def test_two_records_alike_are_one_proven_for_one_row_and_two_for_two() -> None:
    twins = [Version(number, customer(1, id=str(number))) for number in (0, 1)]
    store = MemoryStore([*twins, *(Version(number, customer(number)) for number in range(10, 30))])
    assert len(check(store, {"dump.csv": table([customer(1)], *PLAIN)}).matched.proven) == 1
    for rows, proven in ((2, 2), (3, 2)):
        told_apart = [customer(1, note=str(number)) for number in range(rows)]
        assert len(check(store, {"dump.csv": table(told_apart, *PLAIN, "note")}).matched.proven) == proven


def test_of_two_brands_alike_the_one_that_the_table_is_about_is_taken() -> None:
    versions = [Version(number, customer(number), "house") for number in range(40)]
    versions += [Version(100 + number, customer(number), "other") for number in range(20, 22)]
    report = check(MemoryStore(versions), {"dump.csv": table(ours(0, 40), *PLAIN)})
    assert len(report.matched.brands["house"].proven) == 40
    assert "other" not in report.matched.brands or not report.matched.brands["other"].proven


def test_canaries_are_nobody_and_still_name_their_release() -> None:
    canaries = {"release-1": BitMap([118, 119])}
    given = disclosed_by_entries(
        "somebody", "release", dict.fromkeys(ALL, "reveal"), BitMap(range(100, 120)),
        first_at=START + DAY, last_at=START + DAY, entries=1, release="release-1",
    )  # fmt: skip
    store = house(disclosed=[given], canary_records=canaries)
    report = check(store, {"dump.csv": table(ours(100, 120), *ALL)})
    assert len(report.matched.proven) == 18
    assert sorted(report.matched.shown - report.matched.proven) == [118, 119]
    assert (report.attribution[0].id, report.attribution[0].marks) == ("release-1", 2)
    assert report.persons.upper == 18


def moved(count: int, at: int) -> MemoryStore:
    """Return a store whose customers all moved to another city at a moment."""
    return MemoryStore(
        [Version(n, customer(n), valid_to=at) for n in range(count)]
        + [Version(n, customer(n, city=f"New{n}"), valid_from=at) for n in range(count)]
    )


def test_the_date_is_that_of_the_values_shown() -> None:
    at = START + 60 * DAY
    before = check(moved(60, at), {"dump.csv": table(ours(0, 60), *ALL)})
    (snapshot,) = before.dating["house"].snapshots
    assert (snapshot.start, snapshot.end) == (START, at)
    after = check(moved(60, at), {"dump.csv": table([customer(n, city=f"New{n}") for n in range(60)], *ALL)})
    (snapshot,) = after.dating["house"].snapshots
    assert (snapshot.start, snapshot.end) == (at, None)


def test_old_data_under_a_new_date_is_recycled() -> None:
    at = START + 60 * DAY
    dump = {"dump.csv": table(ours(0, 60), *ALL)}
    assert check(moved(60, at), dump, Statement(theft="2025-06-10")).verdict.word == "recycled"
    assert check(moved(60, at), dump, Statement(theft="2025-02")).verdict.word == "genuine"


def test_every_opening_is_counted_and_no_more_is_opened_for_dating_than_the_limit() -> None:
    store = house(400)
    report = check(store, {"dump.csv": table(ours(0, 400), *ALL)}, limits=Limits(dating_records=20))
    united = BitMap.union(*store.opened)
    assert report.opened == len(united)
    assert len(store.opened[-1]) <= 40
    assert report.dating["house"].compared <= 40


def test_a_claim_is_kept_with_its_report_and_recognised_when_it_comes_again() -> None:
    store = house()
    dump = {"dump.csv": table(ours(0, 100), *ALL)}
    first = check(store, dump)
    assert store.claims[0].report == report_document(first)
    assert store.claims[0].sketch.records == first.matched.proven
    again = check(store, dump)
    assert (again.earlier[0].id, again.earlier[0].relation) == (first.id, "same")
    assert again.verdict.word == "genuine"
    shuffled = check(store, {"x.txt": table(reversed(ours(0, 60)), *PLAIN)}, content="b")
    assert shuffled.earlier[0].relation == "copy"
    assert shuffled.verdict.word == "recycled"
    assert [claim.links for claim in store.claims] == [(), tuple(again.earlier), tuple(shuffled.earlier)]


def test_a_claim_that_cannot_be_kept_is_not_reported() -> None:
    class Full(MemoryStore):
        def add(self, claim) -> None:
            raise StoreError("the store does not answer")

    with pytest.raises(StoreError):
        check(Full([Version(0, customer(0))]), {"dump.csv": table(ours(0, 1), *ALL)})


def test_no_value_of_a_dump_is_in_its_report() -> None:
    rows = [*ours(0, 30), *strangers(3)]
    report = check(house(), {"dump.csv": table(rows, *ALL), "broken.csv": b"email,name\nx@example.org\n"})
    text = json.dumps(report_document(report))
    assert "example.org" not in text
    assert "Example" not in text
    assert "+39333" not in text


def test_two_tables_are_one_dump_and_an_unread_file_is_named() -> None:
    files = {
        "a.csv": table(ours(0, 20), *ALL),
        "b.csv": table(ours(10, 40), *ALL),
        "c.rar": "rar archives are not read",
    }
    report = check(house(), files)
    assert (report.size.rows, report.size.emails_distinct, len(report.matched.proven)) == (50, 40, 40)
    assert [(item.path, item.rows) for item in report.files] == [("a.csv", 20), ("b.csv", 30), ("c.rar", 0)]
    assert report.files[2].notes == ("rar archives are not read",)
    assert report.checked_at == CHECKED


def test_a_record_that_one_row_proves_is_not_bounded_by_another() -> None:
    rows = [
        customer(0),
        customer(0) | {"given_name": "Zoe", "family_name": "Other"},
        customer(1) | {"given_name": "Eve"},
    ]
    match = check(house(), {"dump.csv": table(rows, *PLAIN)}).matched.brands["house"]
    assert (sorted(match.proven), sorted(match.bounded)) == ([0], [1])


def test_addresses_in_broken_lines_are_counted_apart_and_prove_with_an_id() -> None:
    whole = table(ours(0, 20), "id", *PLAIN)
    report = check(house(), {"dump.csv": whole + f"{customer(50)['email']}\n".encode()})
    assert (report.size.rows, report.size.rejected_rows, report.matched.emails_known) == (20, 1, 20)
    assert (report.size.emails_distinct, report.size.emails_distinct_with_broken) == (20, 21)
    assert len(report.matched.brands["house"].proven_whole) == 20


def test_a_row_of_which_several_records_agree_is_not_sure_of_any() -> None:
    twins = [Version(number, customer(1, id=str(number))) for number in (0, 1)]
    store = MemoryStore([*twins, *(Version(number, customer(number)) for number in range(10, 30))])
    match = check(store, {"dump.csv": table([customer(1), customer(10)], *PLAIN)}).matched.brands["house"]
    assert sorted(match.sure) == [10]


def test_a_column_without_a_telling_header_is_learned_from_the_records() -> None:
    rows = [customer(number) | {"x1": f"Town{customer(number)['city'][4:]}"} for number in range(40)]
    report = check(house(), {"dump.csv": table(rows, "email", "given_name", "family_name", "x1")})
    assert "address" in report.matched.brands["house"].fields


def test_national_numbers_without_a_country_are_looked_up_in_the_countries_of_the_brands() -> None:
    rows = [customer(number) | {"phone": f"333{number:07d}"} for number in range(40)]
    report = check(house(), {"dump.csv": table(rows, "given_name", "family_name", "phone")})
    assert (report.matched.rows_own, len(report.matched.proven)) == (40, 40)


def test_each_key_is_looked_up_once_however_often_it_comes() -> None:
    store = house()
    check(store, {f"{number}.csv": table(ours(0, 30), *ALL) for number in range(3)})
    asked = [key for kind, keys in store.looked_up if kind == "email" for key in keys]
    assert len(asked) == len(set(asked)) == 30


def test_fields_are_those_that_rows_of_the_brand_fill() -> None:
    rows = [*ours(0, 20, city="", birth_date=""), *strangers(30)]
    assert set(check(house(), {"dump.csv": table(rows, *ALL)}).matched.brands["house"].fields) == {
        "record_id", "name", "email", "phone",
    }  # fmt: skip
