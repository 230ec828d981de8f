"""Which records rows prove, by ids, numbers and columns of unknown meaning, over a store in memory."""

from __future__ import annotations

from itertools import pairwise

import pytest
from memory_store import CHECKED, DAY, START, MemoryStore, Version, check, customer, table
from pyroaring import BitMap

from cloakroom.canonical.salesforce_ids import long_ids
from cloakroom.claims.limits import Limits
from cloakroom.claims.matched import BrandMatch, Matched
from cloakroom.claims.report import report_document
from cloakroom.claims.statement import Statement
from cloakroom.claims.verdict import Extent, judge

PLAIN = ("email", "given_name", "family_name")
STRANGE = {"given_name": "Zoe", "family_name": "Other"}


def sure_id(number: int) -> str:
    """Return an id that nobody makes up by chance: 18 letters and digits, as Salesforce gives them."""
    (found,) = long_ids([f"0035g00000Ab{number:03d}"])
    return found


def store(count: int = 40, *, sure: bool = False, brand: str = "house", first: int = 0) -> MemoryStore:
    return MemoryStore(versions(count, sure=sure, brand=brand, first=first))


def versions(count: int, *, sure: bool = False, brand: str = "house", first: int = 0) -> list[Version]:
    ids = [{"id": sure_id(number)} if sure else {} for number in range(count)]
    return [Version(first + number, customer(number, **texts), brand) for number, texts in enumerate(ids)]


def fields(held: MemoryStore, rows: list[dict[str, str]], *columns: str) -> dict[str, list[str]]:
    """Return the fields that a report names, by brand."""
    brands = report_document(check(held, {"dump.csv": table(rows, *columns)}))["brands"]
    return {name: brand["fields"] for name, brand in brands.items()}


def matched(held: MemoryStore, rows: list[dict[str, str]], *columns: str, **how) -> Matched:
    return check(held, {"dump.csv": table(rows, *columns)}, **how).matched


def counts(found: Matched) -> dict[str, int]:
    names = ("own", "bounded", "bare", "foreign", "silent")
    every = {name: getattr(found, f"rows_{name}") for name in names}
    return {name: count for name, count in every.items() if count}


def test_an_id_that_nobody_makes_up_proves_its_record_alone_and_opens_nothing_for_it() -> None:
    held = store(sure=True)
    found = matched(held, [{"id": sure_id(number)} for number in range(20)], "id")
    assert (sorted(found.proven), counts(found)) == (list(range(20)), {"own": 20})


@pytest.mark.parametrize("form", [str.lower, str.upper, lambda text: text[:15]])
def test_an_id_proves_its_record_in_either_case_and_without_its_last_three_signs(form) -> None:
    found = matched(store(sure=True), [{"id": form(sure_id(number))} for number in range(20)], "id")
    assert sorted(found.proven) == list(range(20))


def test_an_id_that_nobody_makes_up_proves_its_record_whoever_the_address_is() -> None:
    rows = [customer(number, id=sure_id(number), email=customer(number + 20)["email"]) for number in range(20)]
    found = matched(store(sure=True), rows, "id", *PLAIN)
    assert sorted(found.proven) == list(range(20))
    # The address leads to another record, which the row does not show: it is proven row by row, so nobody is bounded.
    assert counts(found) == {"own": 20}


@pytest.mark.parametrize("columns", [PLAIN, ("given_name", "family_name")])
def test_ids_of_ours_with_everything_else_invented_prove_nobody_and_are_a_fabrication(columns) -> None:
    rows = [{"id": sure_id(number), "email": f"invented.{number}@example.net", **STRANGE} for number in range(20)]
    found = matched(store(sure=True), rows, "id", *columns)
    assert (sorted(found.proven), counts(found), found.rows_fabricated) == ([], {"bounded": 20}, 20)


@pytest.mark.parametrize("length", [14, 15, 16, 17, 18, 19])
def test_ids_of_fifteen_to_eighteen_letters_and_digits_are_beyond_doubt(length) -> None:
    ids = [f"Q{number:02d}".ljust(length, "x") for number in range(20)]
    held = MemoryStore([Version(number, customer(number, id=text)) for number, text in enumerate(ids)])
    found = matched(held, [{"id": text, "country": "IT"} for text in ids], "id", "country")
    assert counts(found) == ({"own": 20} if 15 <= length <= 18 else {"bare": 20})


@pytest.mark.parametrize("length", [15, 18])
def test_digits_alone_may_be_made_up_however_many_they_are(length) -> None:
    ids = [str(number).zfill(length) for number in range(20)]
    held = MemoryStore([Version(number, customer(number, id=text)) for number, text in enumerate(ids)])
    found = matched(held, [{"id": text, "country": "IT"} for text in ids], "id", "country")
    assert counts(found) == {"bare": 20}


@pytest.mark.parametrize(("wrong", "is_borne_out"), [(0, True), (9, True), (10, False), (20, False)])
def test_short_ids_without_addresses_are_believed_where_most_rows_show_its_values(wrong, is_borne_out) -> None:
    rows = [customer(number) | (STRANGE | {"city": "Elsewhere", "birth_date": "1900-01-01"} if number < wrong else {})
            for number in range(20)]  # fmt: skip
    found = matched(store(), rows, "id", "given_name", "family_name", "city", "birth_date")
    assert sorted(found.proven) == (list(range(wrong, 20)) if is_borne_out else [])


def test_short_ids_without_their_zeros_are_known_all_the_same() -> None:
    rows = [{**customer(number), "id": str(number)} for number in range(20)]
    found = matched(store(), rows, "id", *PLAIN)
    assert "record_id" in found.brands["house"].fields
    assert sorted(found.proven) == list(range(20))


def test_a_table_that_bears_its_ids_out_late_is_believed_from_its_beginning() -> None:
    contradicted = [{"id": customer(number)["id"], "email": f"nobody.{number}@example.org"} for number in range(5)]
    bare = [{"id": customer(number)["id"]} for number in range(10, 20)]
    backed = [customer(number) for number in range(20, 20 + 40)]
    for count, is_believed in ((4, False), (5, False), (6, True), (40, True)):
        data = table([*contradicted, *bare, *backed[:count]], "id", "email")
        found = check(store(60), {"dump.csv": data}, limits=Limits(block_bytes=300)).matched
        assert (set(range(10, 20)) <= set(found.proven)) is is_believed, count
        assert not set(range(5)) & set(found.proven)


def test_an_id_of_two_brands_proves_the_record_whose_address_the_row_shows() -> None:
    alike = [Version(100 + number, customer(500 + number, id=sure_id(number)), "other") for number in range(20)]
    rows = [customer(number, id=sure_id(number)) for number in range(20)]
    found = matched(MemoryStore([*versions(20, sure=True), *alike]), rows, "id", "email")
    assert sorted(found.proven) == sorted(found.sure) == list(range(20))


def test_numbers_of_a_crowd_are_known_and_lead_to_nobody() -> None:
    desk = "+393330000000"
    held = MemoryStore([Version(number, customer(number, phone=desk)) for number in range(11)])
    found = matched(held, [{"phone": desk, **STRANGE, "email": "zoe@example.org"}], "email", "phone", *PLAIN[1:])
    assert counts(found) == {"foreign": 1}  # The address is unknown, and the number of a desk says nothing of it.
    assert found.brands == {}
    alone = matched(held, [{"phone": desk, **STRANGE}] * 2, "phone", *PLAIN[1:])
    assert (counts(alone), alone.rows_crowded) == ({"bare": 2}, 2)


@pytest.mark.parametrize(("shared", "is_proof"), [(1, True), (2, True)])
def test_address_and_number_that_lead_to_one_record_prove_it(shared, is_proof) -> None:
    phone = customer(0)["phone"]
    held = MemoryStore([Version(number, customer(number, phone=phone)) for number in range(shared)])
    found = matched(held, [{"email": customer(0)["email"], "phone": phone}], "email", "phone")
    assert (sorted(found.proven) == [0]) is is_proof
    assert found.rows_own == 1


def test_address_and_number_of_two_records_prove_neither() -> None:
    rows = [{"email": customer(number)["email"], "phone": customer(number + 1)["phone"]} for number in range(20)]
    found = matched(store(), rows, "email", "phone")
    assert counts(found) == {"bounded": 20}
    assert sorted(found.brands["house"].bounded) == list(range(20))


def test_a_number_alone_bounds_no_record_but_its_row_is_counted() -> None:
    rows = [customer(number) | STRANGE for number in range(20)]
    found = matched(store(), rows, "phone", "given_name", "family_name")
    assert (counts(found), found.brands) == ({"bounded": 20}, {})


def test_values_of_one_version_must_agree_not_of_two() -> None:
    at = START + 30 * DAY
    moved = [
        version
        for number in range(20)
        for version in (
            Version(number, customer(number), valid_to=at),
            Version(number, customer(number, email=f"new.{number}@example.org", family_name="Later"), valid_from=at),
        )
    ]
    before = [customer(number) for number in range(20)]
    after = [customer(number, email=f"new.{number}@example.org", family_name="Later") for number in range(20)]
    neither = [customer(number, email=f"new.{number}@example.org") for number in range(20)]
    assert matched(MemoryStore(moved), before, *PLAIN).rows_own == 20
    assert matched(MemoryStore(moved), after, *PLAIN).rows_own == 20
    assert counts(matched(MemoryStore(moved), neither, *PLAIN)) == {"bounded": 20}


@pytest.mark.parametrize(
    ("shown", "kind"),
    [
        (("email",), "bare"), (("phone",), "bare"), (("email", "city"), "bare"), (("phone", "birth_date"), "own"),
        (("email", "phone"), "own"), (("email", "given_name", "family_name"), "own"),
        (("phone", "given_name", "family_name"), "own"), (("given_name", "family_name", "city"), "silent"),
    ],
)  # fmt: skip
def test_each_row_is_of_one_kind_by_what_it_shows(shown, kind) -> None:
    found = matched(store(), [customer(number) for number in range(20)], *shown)
    assert counts(found) == {kind: 20}


def test_a_given_name_alone_agrees_with_part_of_the_name() -> None:
    found = matched(store(), [customer(number) for number in range(20)], "email", "given_name")
    assert found.rows_own == 20
    rows = [customer(number) | {"name": customer(number)["given_name"]} for number in range(20)]
    assert matched(store(), rows, "email", "name").rows_own == 0  # A column of whole names shows whole names.


def test_rows_and_records_of_two_brands_are_told_apart() -> None:
    both = MemoryStore([*versions(20), *(Version(100 + n, customer(200 + n), "other") for n in range(10))])
    rows = [*(customer(n) for n in range(20)), *(customer(200 + n) for n in range(10)), customer(0)]
    found = matched(both, rows, *PLAIN)
    assert {name: (match.rows, len(match.proven)) for name, match in found.brands.items()} == {
        "house": (21, 20), "other": (10, 10),
    }  # fmt: skip
    assert sorted(found.proven) == [*range(20), *range(100, 110)]


def test_tables_are_matched_apart_so_that_each_is_of_its_own_brand() -> None:
    alike = [Version(100 + number, customer(number), "other") for number in range(5)]
    more = [Version(200 + number, customer(500 + number), "other") for number in range(20)]
    held = MemoryStore([*versions(30), *alike, *more])
    files = {
        "house.csv": table([customer(number) for number in range(30)], *PLAIN),
        "other.csv": table([customer(500 + number) for number in range(20)] + [customer(0)], *PLAIN),
    }
    found = check(held, files).matched
    assert sorted(found.brands["other"].proven) == [100, *range(200, 220)]
    assert sorted(found.brands["house"].proven) == list(range(30))


def test_blocks_of_a_table_prove_the_same_records_wherever_they_are_cut() -> None:
    rows = [customer(number) for number in range(300)]
    wholes = [
        matched(store(320), rows, "id", *PLAIN, limits=Limits(block_bytes=size)) for size in (600, 5_000, 6 << 20)
    ]
    assert [(found.rows_own, sorted(found.proven), found.emails_known) for found in wholes] == [
        (300, list(range(300)), 300)
    ] * 3


@pytest.mark.parametrize(("limit", "notes"), [(39, 1), (40, 0), (41, 0)])
def test_as_many_records_are_opened_as_the_limit_allows_over_the_whole_dump(limit, notes) -> None:
    files = {f"{first}.csv": table([customer(first + n) for n in range(20)], *PLAIN) for first in (0, 20)}
    found = check(store(), files, limits=Limits(open_records=limit)).matched
    assert len(found.notes) == notes
    assert len(found.proven) == (40 if not notes else 20)


def test_sets_of_brands_are_united() -> None:
    one = BrandMatch(BitMap([1, 2]), BitMap([1]), BitMap([2]), BitMap([9]), 3, ("email",))
    two = BrandMatch(BitMap([5]), BitMap([5]), BitMap(), BitMap(), 1, ("name",))
    bounded = BrandMatch(BitMap(), BitMap(), BitMap(), BitMap([7]), 0, ("phone",))
    found = Matched({"a": one, "b": two, "c": bounded}, 0, 0, 0, 0, 0, 0, BitMap(), {})
    assert (found.proven, found.proven_whole, found.sure) == (BitMap([1, 2, 5]), BitMap([1, 5]), BitMap([2]))
    assert (one.proven, one.proven_whole) == (BitMap([1, 2]), BitMap([1]))  # Nothing was united into them.


def test_rows_of_every_kind_add_up_to_all_rows() -> None:
    rows = [
        *(customer(n) for n in range(8)), *(customer(n) | STRANGE | {"phone": ""} for n in range(8, 13)),
        *({"email": customer(n)["email"]} for n in range(13, 16)), *(customer(900 + n) for n in range(4)),
        *(STRANGE for _ in range(2)),
    ]  # fmt: skip
    report = check(store(), {"dump.csv": table(rows, *PLAIN, "phone")})
    assert counts(report.matched) == {"own": 8, "bounded": 5, "bare": 3, "foreign": 4, "silent": 2}
    assert sum(counts(report.matched).values()) == report.size.rows == 22


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (("email", "given_name", "family_name"), ("name", "email")),
        (("birth_date", "email", "phone", "country"), ("email", "phone", "birth_date")),
        (("city", "phone", "given_name", "family_name", "id", "email"),
         ("record_id", "name", "email", "phone", "address")),
    ],
)  # fmt: skip
def test_fields_are_named_in_the_order_of_reports_and_a_country_is_no_address(shown, expected) -> None:
    assert fields(store(), [customer(number) for number in range(20)], *shown) == {"house": list(expected)}


def test_what_cannot_be_dated_is_said_by_brand_and_nothing_is_said_of_brands_that_are() -> None:
    report = check(store(), {"dump.csv": table([customer(number) for number in range(20)], *PLAIN)})
    assert not any("no date" in line for line in report.verdict.unknown)
    undated = judge(report.matched, {}, Statement(), [], Extent()).unknown
    assert "no date for house: too little to compare" in undated


def test_snapshots_lie_within_the_history_up_to_the_check() -> None:
    at = [START + 10 * DAY, START + 70 * DAY]
    cities = ["First", "Second", "Third"]
    held = MemoryStore([
        Version(number, customer(number, city=f"{city}{number}"), valid_from=begin, valid_to=end)
        for number in range(30)
        for city, (begin, end) in zip(cities, pairwise([START, *at, None]), strict=True)
    ])  # fmt: skip
    for city, expected in zip(cities, [(START, at[0]), (at[0], at[1]), (at[1], None)], strict=True):
        rows = [customer(number, city=f"{city}{number}") for number in range(30)]
        report = check(held, {"dump.csv": table(rows, *PLAIN, "city")}, content=city)
        assert [(one.start, one.end) for one in report.dating["house"].snapshots] == [expected]
        assert expected[0] < CHECKED


@pytest.mark.parametrize(("files", "proven"), [(1, 1), (2, 2), (3, 2)])
def test_a_record_that_a_row_of_one_table_proves_leaves_its_twin_to_another_row_of_another(files, proven) -> None:
    twins = [Version(number, customer(1, id=str(number))) for number in (0, 1)]
    held = MemoryStore([*twins, *(Version(number, customer(number)) for number in range(10, 30))])
    dump = {f"{number}.csv": table([customer(1, note=str(number))], *PLAIN, "note") for number in range(files)}
    assert len(check(held, dump).matched.proven) == proven


@pytest.mark.parametrize("form", [str.lower, str.upper, str])
def test_a_row_that_comes_twice_shows_no_second_record(form) -> None:
    twins = [Version(number, customer(1, id=str(number))) for number in (0, 1)]
    rows = [customer(number) for number in (1, *range(10, 200))]
    copied = [{name: form(text) for name, text in row.items()} for row in rows]
    held = MemoryStore([*twins, *(Version(number, customer(number)) for number in range(10, 200))])
    dump = {"a.csv": table(rows, *PLAIN), "b.csv": table(copied, *PLAIN)}
    assert len(check(held, dump).matched.proven) == 1 + 190
    # Where nothing else comes twice, the shop entered somebody twice.
    assert len(check(held, {"a.csv": table([*rows, customer(1)], *PLAIN)}).matched.proven) == 2 + 190


def test_broken_lines_prove_records_but_are_no_rows() -> None:
    whole = table([customer(number, id=sure_id(number)) for number in range(20)], "id", *PLAIN)
    broken = f"{sure_id(30)};cut off\n{customer(900)['email']}\n".encode()
    report = check(store(sure=True), {"dump.csv": whole + broken})
    match = report.matched.brands["house"]
    assert (sorted(match.proven), sorted(match.proven_whole)) == ([*range(20), 30], list(range(20)))
    assert (match.rows, counts(report.matched)) == (20, {"own": 20})
    assert (report.size.rows, report.size.rejected_rows) == (20, 2)
    assert report.dating["house"].compared == 20


@pytest.mark.parametrize(
    ("wrong", "later", "is_learned"),
    [(40, False, True), (199, False, True), (200, False, False), (199, True, True), (200, True, False)],
)
def test_a_column_is_learned_from_the_first_four_hundred_rows_that_share_a_key(wrong, later, is_learned) -> None:
    right = set(range(wrong, 500 if later else 400))
    rows = [
        customer(number) | {"x1": customer(number)["city"] if number in right else "Elsewhere"}
        for number in range(500)
    ]
    found = matched(store(500), rows, *PLAIN, "x1")
    assert ("address" in found.brands["house"].fields) is is_learned
