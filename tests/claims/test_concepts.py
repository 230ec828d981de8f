"""What a column holds: its header is believed where the content bears it out, at these shares and not below."""

from __future__ import annotations

import polars as pl
import pytest

from cloakroom.claims.concepts import Concept, country_column, recognise


def meaning(header: str, values: list[str], **others: list[str]) -> Concept:
    return recognise(pl.DataFrame({header: values, **others})).by_column[header]


def mixed(of: str, count: int, other: str = "nothing much", total: int = 100) -> list[str]:
    """Return `count` values of a kind, `%d` their number, and the rest of another."""
    return [of % number if "%d" in of else of for number in range(count)] + [other] * (total - count)


@pytest.mark.parametrize(("count", "concept"), [(49, Concept.OTHER), (50, Concept.EMAIL)])
def test_half_of_a_column_of_addresses_makes_it_one_whatever_its_header(count, concept) -> None:
    assert meaning("xyz", mixed("p%d@example.org", count)) is concept
    assert meaning("street", mixed("p%d@example.org", 50)) is Concept.EMAIL


@pytest.mark.parametrize(
    ("header", "value", "other", "least", "concept"),
    [
        ("email", "ada@example.org", "-", 30, Concept.EMAIL),
        ("phone", "+393331234567", "call me", 30, Concept.PHONE),
        ("birthdate", "1980-05-14", "spring", 50, Concept.BIRTH_DATE),
        ("total sales", "12.50", "much", 50, Concept.TOTAL_SALES),
        ("first name", "Ada", "12345", 50, Concept.GIVEN_NAME),
    ],
)
def test_a_header_is_believed_from_its_share_on(header, value, other, least, concept) -> None:
    assert meaning(header, [value] * least + [other] * (100 - least)) is concept
    assert meaning(header, [value] * (least - 1) + [other] * (101 - least)) is not concept


def test_a_header_of_countries_is_believed_where_half_of_the_different_values_are() -> None:
    assert meaning("country", ["Italia", "Nowhere"]) is Concept.COUNTRY
    assert meaning("country", ["Italia"] * 9 + ["Nowhere", "Elsewhere"]) is Concept.OTHER


def test_a_column_of_names_with_digits_in_most_is_none() -> None:
    assert meaning("first name", mixed("Ada 7", 51, "Ada")) is Concept.OTHER
    assert meaning("first name", mixed("Ada 7", 50, "Ada")) is Concept.GIVEN_NAME


@pytest.mark.parametrize(("count", "concept"), [(89, Concept.OTHER), (90, Concept.RECORD_ID)])
def test_nine_in_ten_salesforce_ids_make_a_column_of_ids(count, concept) -> None:
    ids = [f"0035g00000AB{number:03d}" for number in range(count)]
    assert meaning("xyz", [*ids, *["something else"] * (100 - count)]) is concept


@pytest.mark.parametrize(("count", "concept"), [(79, Concept.OTHER), (80, Concept.PHONE)])
def test_eight_in_ten_numbers_make_a_column_of_telephones(count, concept) -> None:
    numbers = [f"+39333123{number:04d}" for number in range(count)]
    assert meaning("xyz", [*numbers, *["call me"] * (100 - count)]) is concept


@pytest.mark.parametrize(("dialled", "concept"), [(29, Concept.OTHER), (30, Concept.PHONE)])
def test_long_numbers_are_telephones_only_where_three_in_ten_look_dialled(dialled, concept) -> None:
    numbers = [f"0333123{number:04d}" for number in range(dialled)]
    assert meaning("xyz", [*numbers, *[f"7331{number:07d}" for number in range(100 - dialled)]]) is concept


def test_days_are_no_telephone_numbers() -> None:
    assert meaning("xyz", [f"01-02-19{number:02d}" for number in range(100)]) is not Concept.PHONE


def test_a_column_without_any_name_may_be_of_countries() -> None:
    assert meaning("column 3", ["IT", "FR", "DE"] * 20) is Concept.COUNTRY
    assert meaning("column 3", ["IT", "FR", "7"] * 20) is Concept.OTHER
    assert meaning("xyz", ["IT", "FR", "DE"] * 20) is Concept.OTHER


def test_a_single_name_beside_family_names_is_a_given_one() -> None:
    found = recognise(pl.DataFrame({"name": ["Ada"] * 9, "last name": ["Example"] * 9}))
    assert found.by_column == {"name": Concept.GIVEN_NAME, "last name": Concept.FAMILY_NAME}
    assert recognise(pl.DataFrame({"name": ["Ada Example"] * 9})).by_column == {"name": Concept.NAME}


def test_countries_of_rows_are_codes_and_are_counted_by_row() -> None:
    frame = pl.DataFrame({"country": ["Italia", "FR", "Nowhere", None, "IT"]})
    codes, counts = country_column(frame, recognise(frame))
    assert codes.to_list() == ["IT", "FR", None, None, "IT"]
    assert counts == {"IT": 2, "FR": 1}
