"""Fields are exposed where their values are ours, not where a header says so."""

from __future__ import annotations

import pytest
from memory_store import MemoryStore, Version, check, customer, table

from cloakroom.claims.exposure import FieldAgreement, exposure
from cloakroom.claims.report import report_document

SHOWN = ("record_id", "name", "email", "phone", "language", "purchases")


def ours(share: float, chance: float = 0.0, compared: int = 100) -> FieldAgreement:
    return FieldAgreement(share, chance, compared)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (ours(1.0), True), (ours(0.2), True), (ours(0.19), False), (ours(0.0), False),
        (ours(0.5, 0.5), False), (ours(0.59, 0.5), False), (ours(0.61, 0.5), True),
        (ours(0.95, 1.0), True), (ours(0.85, 1.0), False),  # All of one country: most must be of it.
        (ours(0.5, 0.5, compared=2), True), (ours(0.0, 0.0, compared=2), False),
    ],
    ids=str,
)  # fmt: skip
def test_values_are_ours_where_they_agree_more_often_than_by_chance(found, expected) -> None:
    assert found.is_ours is expected


def test_what_is_filled_with_something_else_is_named_apart_and_what_cannot_be_compared_is_taken_as_shown() -> None:
    found = exposure(SHOWN, {"email": ours(1.0), "name": ours(0.0), "phone": ours(0.0), "language": ours(0.4, 0.4)})
    assert found.fields == ("record_id", "email", "purchases")
    assert found.contradicted == ("name", "phone", "language")


def test_a_field_of_several_columns_is_ours_where_one_of_them_is() -> None:
    found = exposure(("phone", "address"), {"phone": ours(0.0), "phone_2": ours(0.9), "city": ours(0.0)})
    assert (found.fields, found.contradicted) == (("phone",), ("address",))


def test_invented_columns_beside_real_names_and_addresses_are_not_exposed() -> None:
    held = MemoryStore([Version(number, customer(number)) for number in range(60)])
    rows = [customer(number, birth_date="1900-01-01", city=f"Nowhere{number}") for number in range(40)]
    dump = table(rows, "email", "given_name", "family_name", "city", "birth_date")
    (brand,) = report_document(check(held, {"dump.csv": dump}))["brands"].values()
    assert (brand["records"]["proven"], brand["fields"]) == (40, ["name", "email"])
    assert brand["fields_contradicted"] == ["address", "birth_date"]


def test_numbers_of_rows_are_no_ids_of_ours() -> None:
    held = MemoryStore([Version(number, customer(number)) for number in range(60)])
    rows = [customer(number, id=f"row-{number}") for number in range(40)]
    dump = table(rows, "id", "email", "given_name", "family_name")
    (brand,) = report_document(check(held, {"dump.csv": dump}))["brands"].values()
    assert brand["fields"] == ["name", "email"]
