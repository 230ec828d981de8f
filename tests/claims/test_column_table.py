"""What only the table as a whole tells of its columns, and what is reported of each meaning."""

from __future__ import annotations

import polars as pl
import pytest

from cloakroom.claims.attribution import REVEALED
from cloakroom.claims.concepts import REPORTED, Concept, Recognised, country_column, header_words, recognise
from cloakroom.claims.values import VAULT_FIELDS

AMOUNTS = [f"{number}.50" for number in range(100)]


def meanings(**columns: list[str]) -> dict[str, str]:
    frame = pl.DataFrame({name.replace("_", " "): values for name, values in columns.items()})
    return {name: concept.value for name, concept in recognise(frame).by_column.items()}


def test_a_report_names_the_parts_of_names_and_addresses_alike_and_a_country_alone_not_at_all() -> None:
    assert {concept.value: name for concept, name in REPORTED.items()} == {
        "record_id": "record_id", "name": "name", "given_name": "name", "family_name": "name", "email": "email",
        "phone": "phone", "street": "address", "city": "address", "region": "address", "postcode": "address",
        "birth_date": "birth_date", "language": "language", "kind": "kind", "store": "store",
        "total_sales": "total_sales", "purchases": "purchases", "gender": "gender",
    }  # fmt: skip


def test_fields_of_the_vault_have_the_names_of_the_reports() -> None:
    assert set(REVEALED.values()) == set(REPORTED.values())
    # A field that a column can be compared with is reported as what its column is.
    for concept, fields in VAULT_FIELDS.items():
        if concept is not Concept.COUNTRY:
            assert {REVEALED[field] for field in fields} == {REPORTED[concept]}, concept


@pytest.mark.parametrize(
    ("concept", "is_personal"),
    [(concept, concept.value in ("email", "phone", "record_id")) for concept in Concept],
    ids=str,
)
def test_people_are_found_by_address_number_or_id_and_by_nothing_else(concept, is_personal) -> None:
    assert Recognised({"x": concept, "y": Concept.OTHER}).is_personal is is_personal


def test_columns_of_several_meanings_come_in_the_order_of_the_table() -> None:
    table = Recognised({"b": Concept.PHONE, "a": Concept.EMAIL, "c": Concept.PHONE, "d": Concept.CITY})
    assert table.columns(Concept.EMAIL, Concept.PHONE) == ["b", "a", "c"]
    assert table.columns() == []


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Owner__r.FirstName", ["owner", "first name"]),
        ("Spend_Total__c", ["spend total"]),
        ("contact.phones[1].number", ["contact", "phones", "number"]),
        ("Customer #", ["customer no"]),
        ("MailingStreet", ["street"]),
        ("billing city", ["city"]),
        ("contact id", ["contact id"]),
        ("customer number", ["customer number"]),
        ("Prénom", ["prenom"]),
        ("Straße", ["strasse"]),
        ("HTTPServer", ["http server"]),
        ("", [""]),
        ("...", [""]),
    ],
)
def test_a_header_is_split_into_the_plain_words_of_its_path(header, words) -> None:
    assert header_words(header) == words


@pytest.mark.parametrize(("different", "is_total"), [(30, False), (31, True), (100, True)])
def test_a_single_column_of_amounts_bought_is_the_total_where_three_in_ten_amounts_differ(
    different, is_total
) -> None:
    found = meanings(orders=[AMOUNTS[place % different] for place in range(100)])
    assert found == {"orders": "total_sales" if is_total else "purchases"}


@pytest.mark.parametrize(("amounts", "is_total"), [(90, False), (91, True)])
def test_a_column_bought_is_the_total_where_more_than_nine_in_ten_cells_are_amounts(amounts, is_total) -> None:
    found = meanings(orders=[*AMOUNTS[:amounts], *[f"a scarf {place}" for place in range(100 - amounts)]])
    assert found == {"orders": "total_sales" if is_total else "purchases"}


def test_amounts_bought_beside_a_total_or_beside_each_other_are_no_total() -> None:
    assert meanings(orders=AMOUNTS, total_sales=AMOUNTS) == {"orders": "purchases", "total sales": "total_sales"}
    assert meanings(orders=AMOUNTS, invoice=AMOUNTS) == {"orders": "purchases", "invoice": "purchases"}


@pytest.mark.parametrize(("digits", "concept"), [(90, "other"), (91, "purchases"), (100, "purchases")])
def test_a_column_of_codes_beside_purchases_belongs_to_them(digits, concept) -> None:
    codes = [f"Q{place}X" for place in range(digits)] + ["none"] * (100 - digits)
    assert meanings(orders=["a scarf"] * 100, xyz=codes)["xyz"] == concept
    assert meanings(town=["Turin"] * 100, xyz=codes)["xyz"] == "other"


def test_a_name_beside_a_given_and_a_family_name_stays_a_name() -> None:
    found = meanings(name=["Ada Example"] * 9, first_name=["Ada"] * 9, last_name=["Example"] * 9)
    assert found == {"name": "name", "first name": "given_name", "last name": "family_name"}


def test_empty_columns_mean_what_their_headers_say() -> None:
    assert meanings(email=["", ""], country=["", ""], xyz=["", ""]) == {
        "email": "email", "country": "country", "xyz": "other",
    }  # fmt: skip


def test_only_the_first_two_thousand_rows_are_looked_at() -> None:
    assert meanings(xyz=["nothing"] * 1001 + ["a@example.org"] * 9000) == {"xyz": "other"}
    assert meanings(xyz=["nothing"] * 1000 + ["a@example.org"] * 1000 + ["nothing"] * 9000) == {"xyz": "email"}


def test_the_country_of_rows_is_that_of_the_first_column_of_countries() -> None:
    frame = pl.DataFrame({"a": ["FR", None, "Nowhere"], "b": ["IT", "IT", "IT"]})
    codes, counts = country_column(frame, Recognised({"a": Concept.COUNTRY, "b": Concept.COUNTRY}))
    assert (codes.to_list(), dict(counts)) == (["FR", None, None], {"FR": 1})


def test_a_table_without_countries_has_none_in_any_row() -> None:
    codes, counts = country_column(pl.DataFrame({"a": ["x", "y"]}), Recognised({"a": Concept.OTHER}))
    assert (codes.to_list(), dict(counts)) == ([None, None], {})


def test_rows_whose_countries_are_all_codes_already_keep_them() -> None:
    frame = pl.DataFrame({"a": ["FR", "IT", None, "FR"]})
    codes, counts = country_column(frame, Recognised({"a": Concept.COUNTRY}))
    assert (codes.to_list(), dict(counts)) == (["FR", "IT", None, "FR"], {"FR": 2, "IT": 1})
