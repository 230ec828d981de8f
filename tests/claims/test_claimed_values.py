"""Different spellings of one value have one comparison form, and different values have two."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from cloakroom.claims.concepts import Concept, Recognised
from cloakroom.claims.values import comparable, held_values, same_number, shown_values

TODAY = date(2025, 7, 1)


def forms(concept: Concept, *texts: str | None) -> list[str]:
    return comparable(concept, pl.Series(texts, dtype=pl.String), TODAY).to_list()


@pytest.mark.parametrize("missing", [None, "", "  ", "NULL", "None", "n/a", "NA", "nan", "-", "\\N"])
def test_every_way_to_write_nothing_is_missing(missing) -> None:
    assert forms(Concept.CITY, missing, "Turin") == ["", "turin"]


@pytest.mark.parametrize(
    ("concept", "one", "other"),
    [
        (Concept.CITY, " SAINT  Étienne", "saint étienne"),
        (Concept.COUNTRY, "Italia", "IT"),
        (Concept.POSTCODE, "SW1A 1AA", "sw1a-1aa"),
        (Concept.BIRTH_DATE, "14.05.1980", "1980-05-14"),
        (Concept.TOTAL_SALES, "EUR 1 234.50", "1234.5"),
        (Concept.GENDER, "Ｆ", "f"),
    ],
)
def test_spellings_of_one_value_are_equal(concept, one, other) -> None:
    assert forms(concept, one) == forms(concept, other) != [""]


def test_the_decimal_sign_is_that_of_the_whole_column() -> None:
    assert forms(Concept.TOTAL_SALES, "1.234,50", "1.000", "7,25") == ["123450", "100000", "725"]
    assert forms(Concept.TOTAL_SALES, "1,234.50", "1,000", "7.25") == ["123450", "100000", "725"]
    assert forms(Concept.TOTAL_SALES, "-3.10", "x", None) == ["-310", "", ""]


def same(shown: str, held: str) -> bool:
    frame = pl.DataFrame({"shown": [shown], "held": [held]})
    return bool(frame.select(same_number(pl.col("shown"), pl.col("held"))).item())


@pytest.mark.parametrize(
    ("shown", "is_same"),
    [
        ("+79161234567", True),
        ("+79161234568", False),
        ("~9161234567", True),
        ("~89161234567", True),
        ("~819161234567", True),
        ("~8199161234567", False),
        ("~1234567", True),
        ("~234567", False),
        ("9161234567", False),
        ("", False),
    ],
)
def test_a_number_of_an_unknown_country_is_compared_by_its_last_seven_digits_or_more(shown, is_same) -> None:
    assert same(shown, "+79161234567") is is_same


def shown(**columns: tuple[Concept, str]) -> dict[str, str]:
    frame = pl.DataFrame({name: [text] for name, (_, text) in columns.items()})
    recognised = Recognised({name: concept for name, (concept, _) in columns.items()})
    return shown_values(frame, recognised, pl.Series(["IT"]), TODAY).row(0, named=True)


def test_names_in_several_columns_are_one_name() -> None:
    found = shown(a=(Concept.FAMILY_NAME, "Example"), b=(Concept.GIVEN_NAME, "ADA"))
    assert found == shown(c=(Concept.NAME, "Ada Example"))


def test_a_column_of_whole_names_beside_their_parts_is_no_longer_name() -> None:
    """Exports of customer systems have all three; taken together they would contradict everybody."""
    parts = {"b": (Concept.GIVEN_NAME, "Ada"), "c": (Concept.FAMILY_NAME, "Example")}
    assert shown(a=(Concept.NAME, "Ada Example"), **parts) == shown(**parts)
    empty = {"b": (Concept.GIVEN_NAME, ""), "c": (Concept.FAMILY_NAME, "")}
    assert shown(a=(Concept.NAME, "Ada Example"), **empty) == shown(**parts)


def test_two_telephone_columns_are_shown_and_a_third_is_not() -> None:
    found = shown(
        a=(Concept.PHONE, "333 1234567"), b=(Concept.PHONE, "+39 011 765432"), c=(Concept.PHONE, "+39 02 1234567")
    )
    assert found == {"phone": "+393331234567", "phone_2": "+39011765432"}


@pytest.mark.parametrize(
    ("written", "form"), [("0333 1234567", "~3331234567"), ("1234567", "~1234567"), ("0123456", ""), ("", "")]
)
def test_a_number_of_no_known_country_is_its_digits_from_seven_on(written, form) -> None:
    frame = pl.DataFrame({"a": [written]})
    nowhere = pl.Series([None], dtype=pl.String)
    found = shown_values(frame, Recognised({"a": Concept.PHONE}), nowhere, TODAY)
    assert found.row(0, named=True) == {"phone": form}


def test_held_values_have_the_same_forms_and_their_own_country() -> None:
    versions = pl.DataFrame(
        {
            "ordinal": [1, 2], "valid_from": [0, 0], "valid_to": [None, 5], "given_name": ["Ada", None],
            "family_name": ["Example", "Other"], "email": [" ADA@Example.ORG", None],
            "phone": ["333 1234567", "06 12 34 56 78"], "country": ["IT", "FR"], "birth_date": ["1980-05-14", ""],
        }
    )  # fmt: skip
    held = held_values(versions, TODAY)
    assert held["email"].to_list() == ["ada@example.org", ""]
    assert held["phone"].to_list() == ["+393331234567", "+33612345678"]
    assert held["birth_date"].to_list() == ["1980-05-14", ""]
    assert held["name"].to_list() == [shown(a=(Concept.NAME, "Ada Example"))["name"], "other"]
    assert held["city"].to_list() == [None, None]  # A field that the brand does not have is none that is missing.
    regions = held_values(versions.with_columns(phone_region=pl.lit("FR")), TODAY)
    assert regions["phone"].to_list() == ["~3331234567", "+33612345678"]  # Of no country: its digits.


def test_what_is_no_country_and_no_day_is_compared_as_a_text() -> None:
    assert forms(Concept.COUNTRY, " NOWHERE ", "nowhere", "Elsewhere") == ["nowhere", "nowhere", "elsewhere"]
    assert forms(Concept.BIRTH_DATE, "Spring ", "1980-05-14", "") == ["spring", "1980-05-14", ""]


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        ({"name": "Ada Example"}, "ada example"),
        ({"given_name": "Ada", "family_name": "Example"}, "ada example"),
        ({"given_name": "Ada"}, "ada"),
        ({"family_name": None}, ""),
        ({}, None),
    ],
)
def test_a_record_is_called_by_whatever_fields_of_names_its_brand_has(texts, form) -> None:
    versions = pl.DataFrame(
        {"ordinal": [1], "valid_from": [0], "valid_to": [None], **{name: [text] for name, text in texts.items()}},
        schema_overrides=dict.fromkeys(texts, pl.String),
    )
    assert held_values(versions, TODAY)["name"].to_list() == [form]


@pytest.mark.parametrize("field", ["phone", "mobile", "phone_3", "phone_4", "email", "email_2", "name_more"])
def test_every_field_of_numbers_addresses_and_further_names_is_held_in_comparison_form(field) -> None:
    text, form = {"p": ("333 1234567", "+393331234567"), "m": ("333 1234567", "+393331234567"),
                  "e": ("ADA@Example.org", "ada@example.org"), "n": ("Maria", "maria")}[field[0]]  # fmt: skip
    versions = pl.DataFrame(
        {"ordinal": [1], "valid_from": [0], "valid_to": [None], "country": ["Italia"], field: [text]}
    )
    held = held_values(versions, TODAY)
    assert held[field].to_list() == [form]
    others = {"phone", "mobile", "phone_3", "phone_4", "email", "email_2", "name_more"} - {field}
    assert {held[name][0] or None for name in others} == {None}
