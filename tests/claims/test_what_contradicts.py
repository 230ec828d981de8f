"""Silence is no contradiction, and contradiction is: what rows around our keys prove, bound, or leave open."""

from __future__ import annotations

import unicodedata

import pytest
from memory_store import START, MemoryStore, Version, check, customer, table
from pyroaring import BitMap

from cloakroom.claims.report import ClaimReport
from cloakroom.disclosures.disclosure import CLEAR
from cloakroom.ledger.disclosed import disclosed_by_entries
from cloakroom.vocabulary import Operation

NAMES = ("given_name", "family_name")
STRANGE = {"given_name": "Zoe", "family_name": "Other"}


def house(count: int = 60, **texts: str) -> MemoryStore:
    return MemoryStore([Version(number, customer(number, **texts)) for number in range(count)])


def told(number: int, **texts: str) -> dict[str, str]:
    """Return a customer whose address tells the name."""
    found = customer(number)
    address = f"{found['given_name']}.{found['family_name']}@example.org".lower()
    return found | {"email": address} | texts


def checked(held: MemoryStore, rows: list[dict[str, str]], *columns: str) -> ClaimReport:
    return check(held, {"dump.csv": table(rows, *columns)})


def test_a_name_that_the_address_tells_proves_nothing() -> None:
    held = MemoryStore([Version(number, told(number)) for number in range(60)])
    report = checked(held, [told(number) for number in range(40)], "email", *NAMES)
    assert (report.verdict.word, len(report.matched.proven), report.matched.rows_bare) == ("addresses only", 0, 40)


def test_names_that_addresses_tell_are_believed_in_a_table_that_is_borne_out_otherwise() -> None:
    held = MemoryStore([Version(number, told(number) if number % 2 else customer(number)) for number in range(60)])
    rows = [told(number) if number % 2 else customer(number) for number in range(40)]
    report = checked(held, rows, "email", *NAMES)
    assert (report.verdict.word, len(report.matched.proven)) == ("genuine", 40)
    invented = [
        told(number, phone=f"+39333999{number:04d}") if number % 2 else customer(number) for number in range(40)
    ]
    found = checked(held, invented, "email", *NAMES, "phone").matched
    assert sorted(found.proven) == list(range(0, 40, 2))  # A number that differs is no silence.


@pytest.mark.parametrize("columns", [(*NAMES,), (*NAMES, "phone"), ("phone", "birth_date")])
def test_real_addresses_with_everything_else_invented_are_named_a_fabrication(columns) -> None:
    invented = {**STRANGE, "birth_date": "1901-02-03"}
    rows = [customer(n) | invented | {"phone": f"+39333999{n:04d}"} for n in range(40)]
    report = checked(house(), rows, "email", *columns)
    assert (report.verdict.word, len(report.matched.proven), report.matched.rows_bounded) == ("foreign", 0, 40)
    assert any("fabrication" in reason for reason in report.verdict.reasons)
    assert not any("equal our history" in reason for reason in report.verdict.reasons)


@pytest.mark.parametrize(("form", "word"), [("NW{:07d}", "addresses only"), ("{:05d}", "foreign")])
def test_ids_that_every_shop_counts_are_no_sign_of_ours_and_others_are_however_short(form, word) -> None:
    held = MemoryStore([Version(n, customer(n, id=form.format(n))) for n in range(60)])
    rows = [
        customer(n, id=form.format(n), email=f"invented.{n}@example.net", phone=f"+39333999{n:04d}") | STRANGE
        for n in range(40)
    ]
    report = checked(held, rows, "id", "email", "phone", *NAMES)
    assert (report.verdict.word, len(report.matched.proven)) == (word, 0)
    assert any("fabrication" in reason for reason in report.verdict.reasons) is (word == "addresses only")


def test_a_row_with_the_id_of_one_record_and_all_else_of_another_proves_the_other() -> None:
    rows = [customer(n) | {"id": customer(n + 1)["id"]} for n in range(40)]
    found = checked(house(), rows, "id", "email", "phone", *NAMES).matched
    assert (sorted(found.proven), found.rows_fabricated) == (list(range(40)), 0)


def test_rows_put_together_of_several_records_of_ours_are_no_all_clear() -> None:
    rows = [customer(n) | {name: customer(n + 1)[name] for name in NAMES} for n in range(40)]
    report = checked(house(), rows, "email", *NAMES)
    assert (report.verdict.word, len(report.matched.proven)) == ("addresses only", 0)
    assert "other records of ours" in report.verdict.reasons[0]


def test_own_rows_and_fabricated_ones_are_mixed_and_only_the_own_prove() -> None:
    rows = [customer(n) for n in range(30)] + [customer(n) | STRANGE for n in range(30, 40)]
    report = checked(house(), rows, "email", *NAMES)
    assert (report.verdict.word, sorted(report.matched.proven)) == ("mixed", list(range(30)))
    assert "10 rows (25.0%) show a key of ours beside values that contradict our records" in report.verdict.reasons[1]


def test_rows_that_share_an_address_and_show_nothing_to_compare_are_not_counted_as_strangers() -> None:
    rows = [customer(n) for n in range(30)] + [{"email": customer(n)["email"]} for n in range(30, 60)]
    report = checked(house(), rows, "email", *NAMES)
    assert (report.verdict.word, report.matched.rows_bare, report.matched.rows_bounded) == ("genuine", 30, 0)


def test_a_national_number_that_our_record_holds_in_the_same_spelling_agrees() -> None:
    held = MemoryStore([Version(n, customer(n, phone=f"0561 2345{n:02d}", country="ZZ")) for n in range(30)])
    rows = [customer(n, phone=f"0561 2345{n:02d}", country="ZZ") for n in range(20)]
    assert len(checked(held, rows, "email", "phone", "country").matched.proven) == 20
    others = [customer(n, phone=f"0561 9945{n:02d}", country="ZZ") for n in range(20)]
    assert checked(held, others, "email", "phone", "country").matched.rows_bounded == 20


def test_a_second_column_of_numbers_is_a_key_like_the_first() -> None:
    rows = [customer(n) | {"phone": "", "mobile": customer(n)["phone"]} for n in range(20)]
    found = checked(house(), rows, "phone", "mobile", "email").matched
    assert len(found.proven) == 20


def test_an_address_with_a_tag_is_that_of_the_mailbox_but_not_a_known_one() -> None:
    rows = [customer(n, email=f"ada.{n}+shop@example.org") for n in range(20)]
    found = checked(house(), rows, "email", *NAMES).matched
    assert (len(found.proven), found.emails_known) == (20, 0)
    rows = [customer(n, email=f"ada.{n}+shop@example.org") | STRANGE for n in range(20)]
    assert len(checked(house(), rows, "email", *NAMES).matched.proven) == 0


def test_names_lost_to_marks_and_encoded_twice_agree() -> None:
    names = [("Gökhan", "Kılıç"), ("Małgorzata", "Wąsik"), ("五十嵐", "陽葵"), ("Zoé", "Garçon")]
    people = [customer(n, given_name=names[n % 4][0], family_name=names[n % 4][1]) for n in range(40)]
    held = MemoryStore([Version(n, one) for n, one in enumerate(people)])
    lost = [
        one | {name: one[name].encode("latin-1", "replace").decode("latin-1") for name in NAMES} for one in people
    ]
    twice = [one | {name: one[name].encode().decode("latin-1") for name in NAMES} for one in people]
    assert len(checked(held, lost, "email", "phone", *NAMES).matched.proven) == 40
    assert len(checked(held, twice, "email", *NAMES).matched.proven) == 40


def test_letters_that_were_dropped_and_numbers_that_a_spreadsheet_wrote_agree() -> None:
    names = [("Gökhan", "Kılıç"), ("Małgorzata", "Wąsik"), ("Zoë", "Straßburger")]
    people = [customer(n, given_name=names[n % 3][0], family_name=names[n % 3][1]) for n in range(30)]
    held = MemoryStore([Version(n, one) for n, one in enumerate(people)])
    dropped = [one | {name: one[name].encode("ascii", "ignore").decode() for name in NAMES} for one in people]
    assert len(checked(held, dropped, "email", *NAMES).matched.proven) == 30
    plain = [one | {name: unicodedata.normalize("NFKD", one[name]) for name in NAMES} for one in people]
    bare = [one | {name: one[name].encode("ascii", "ignore").decode() for name in NAMES} for one in plain]
    assert len(checked(held, bare, "email", *NAMES).matched.proven) == 30
    written = [one | {"phone": one["phone"].removeprefix("+") + ".0"} for one in people]
    assert len(checked(held, written, "email", "phone", *NAMES).matched.proven) == 30
    lost = [one | {"phone": f"{float(one['phone']):.5E}"} for one in people]
    assert len(checked(held, lost, "email", "phone", *NAMES).matched.proven) == 30


def test_strangers_with_the_number_of_one_customer_are_foreign() -> None:
    rows = [customer(900 + n, phone=customer(0)["phone"]) for n in range(40)]
    assert checked(house(), rows, "email", "phone", *NAMES).verdict.word == "foreign"


def side_tables(customers: list[dict[str, str]]) -> dict[str, bytes]:
    orders = [
        {"order_id": str(90_000 + n), "customer_id": one["id"], "total": f"{n}.50"} for n, one in enumerate(customers)
    ]
    products = [{"product_id": f"P-{n:05d}", "name": f"Bag {n}", "price": "120.00"} for n in range(50)]
    return {
        "customers.csv": table(customers, "id", "email", *NAMES, "phone"),
        "orders.csv": table(orders * 3, "order_id", "customer_id", "total"),
        "products.csv": table(products, "product_id", "name", "price"),
    }


def test_orders_and_products_beside_customers_are_not_foreign() -> None:
    report = check(house(), side_tables([customer(n) for n in range(40)]))
    assert (report.verdict.word, report.matched.rows_foreign, len(report.matched.proven)) == ("genuine", 0, 40)
    # A product is no person, and an order none that is not among the customers.
    assert (report.persons.upper, report.matched.rows_beside) == (40, report.matched.rows_silent)
    strangers = check(house(), side_tables([customer(900 + n) for n in range(40)]))
    assert strangers.verdict.word == "foreign"


def test_households_and_deals_joined_to_customers_by_id_are_not_foreign_whatever_they_show() -> None:
    people = [customer(n, household=f"H-{n // 2:05d}") for n in range(40)]
    households = [
        {"household_id": f"H-{n:05d}", "family_name": "Household", "phone": f"+39333888{n:04d}"} for n in range(20)
    ]
    deals = [
        {"deal_id": f"D{n:06d}", "household_id": f"H-{n % 20:05d}", "birth_date": "2025-01-01"} for n in range(60)
    ]
    lines = [{"line_no": f"L{n:06d}", "deal_id": f"D{n % 60:06d}", "gender": "f"} for n in range(90)]
    files = {
        "lines.csv": table(lines, "line_no", "deal_id", "gender"),
        "deals.csv": table(deals, "deal_id", "household_id", "birth_date"),
        "households.csv": table(households, "household_id", "family_name", "phone"),
        "people.csv": table(
            [one | {"household_id": one["household"]} for one in people], "household_id", "email", *NAMES
        ),
    }
    report = check(house(), files)
    assert (report.verdict.word, report.matched.rows_own, report.matched.rows_silent) == ("genuine", 40, 170)
    assert (report.matched.rows_beside, report.persons.upper) == (170, 40)
    strangers = table(
        [customer(900 + n, household_id=f"H-{n // 2:05d}") for n in range(40)], "household_id", "email", *NAMES
    )
    assert check(house(), files | {"strangers.csv": strangers}).matched.rows_foreign == 40
    without = {name: data for name, data in files.items() if name != "people.csv"}
    assert check(house(), without).verdict.word == "foreign"


def test_a_table_without_anything_about_people_is_no_all_clear() -> None:
    files = side_tables([customer(900 + n) for n in range(40)])
    for name in ("orders.csv", "products.csv"):
        assert check(house(), {name: files[name]}).verdict.word == "cannot tell"


@pytest.mark.parametrize("columns", [("email",), ("email", "phone"), ("email", *NAMES)])
def test_a_canary_is_found_in_every_dump_that_holds_its_address(columns) -> None:
    canaries = {"release-1": BitMap([58, 59])}
    given = disclosed_by_entries(
        "marketing", Operation.RELEASE, {"email": CLEAR}, BitMap(range(20, 60)),
        first_at=START, last_at=START, entries=1, release="release-1",
    )  # fmt: skip
    held = house()
    held.canary_records, held.disclosed = canaries, [given]
    for first in (20, 58):  # With customers beside the canaries, and without.
        report = checked(held, [customer(n) for n in range(first, 60)], *columns)
        assert [(one.id, one.marks) for one in report.attribution] == [("release-1", 2)]
        assert not {58, 59} & set(report.matched.proven)


def test_the_upper_bound_of_persons_includes_records_that_may_be_shown() -> None:
    rows = [customer(n) for n in range(20)] + [{"email": customer(n)["email"]} for n in range(20, 30)]
    report = checked(house(), rows, "email", *NAMES)
    assert (report.persons.lower, report.persons.upper) == (20, 30)
    contradicted = [*rows[:20], *(customer(n) | STRANGE for n in range(20, 30))]
    assert checked(house(), contradicted, "email", *NAMES).persons.upper == 20
