"""A column without a telling header is the field of ours that its values equal in most rows, and no other."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from test_doubtful_ids import Index, pairs

from cloakroom.claims.concepts import Concept, Recognised
from cloakroom.claims.learning import (
    COLUMNS_LOOKED_AT,
    IdSpelling,
    learn_columns,
    possible_id_columns,
    spelling_of_ids,
)
from cloakroom.claims.sizing import keyed_rows
from cloakroom.claims.tables import Batch

TODAY = date(2025, 7, 1)


def learned(values: list[str | None], **held: list[str]) -> Concept:
    """Return what a column of unknown meaning is found to be, each row paired with the record of its number."""
    frame = pl.DataFrame({"x": values})
    records = pl.DataFrame({"ordinal": range(len(values)), **held})
    paired = pairs(*[(number, number) for number in range(len(values))])
    return learn_columns(frame, Recognised({"x": Concept.OTHER}), paired, records, TODAY).by_column["x"]


CITIES = [f"town {number}" for number in range(20)]


@pytest.mark.parametrize(("right", "concept"), [(10, Concept.OTHER), (11, Concept.CITY), (20, Concept.CITY)])
def test_more_than_half_of_the_rows_must_equal_the_field(right, concept) -> None:
    values = [*CITIES[:right], *["elsewhere"] * (20 - right)]
    assert learned(values, city=CITIES) is concept


@pytest.mark.parametrize(("count", "concept"), [(7, Concept.OTHER), (8, Concept.CITY)])
def test_eight_rows_at_least_must_be_compared(count, concept) -> None:
    assert learned(CITIES[:count], city=CITIES[:count]) is concept
    assert learned([*CITIES[:count], *[""] * 5], city=CITIES[: count + 5]) is concept


def test_a_field_that_is_the_same_in_all_records_is_no_sign() -> None:
    assert learned(["IT"] * 20, country=["IT"] * 20) is Concept.OTHER
    assert learned(["IT"] * 19 + ["FR"], country=["IT"] * 19 + ["FR"]) is Concept.COUNTRY


def test_of_several_fields_the_one_that_more_rows_equal_is_taken() -> None:
    assert learned(CITIES, city=CITIES, region=[*CITIES[:15], *["x"] * 5]) is Concept.CITY


def test_names_are_told_whole_or_in_part() -> None:
    names = [f"ada{chr(97 + number)} example{chr(97 + number)}" for number in range(20)]
    assert learned(names, name=names) is Concept.NAME
    assert learned([name.split()[0] for name in names], name=names) is Concept.GIVEN_NAME


def test_a_meaning_that_another_column_has_is_not_given_twice() -> None:
    frame = pl.DataFrame({"x": CITIES, "town": CITIES})
    known = Recognised({"x": Concept.OTHER, "town": Concept.CITY})
    records = pl.DataFrame({"ordinal": range(20), "city": CITIES})
    found = learn_columns(frame, known, pairs(*[(n, n) for n in range(20)]), records, TODAY)
    assert found.by_column == known.by_column


def possible_ids(values: list[str]) -> list[str]:
    batch = Batch(pl.DataFrame({"x": values}, schema={"x": pl.String}))
    return possible_id_columns(keyed_rows(batch, Recognised({"x": Concept.OTHER}))[0])


@pytest.mark.parametrize(
    ("values", "may_be_ids"),
    [
        ([f"a{n}" for n in range(8)], True),
        ([f"a{n}" for n in range(7)], False),
        ([f"a{n}" for n in range(10)] + ["a0"], True),
        ([f"a{n}" for n in range(9)] + ["a0"], False),
        ([f"a{n}" for n in range(10)] + [""] * 9, True),
        ([f"a{n}" for n in range(10)] + [" "] * 10, False),
    ],
)
def test_a_column_may_hold_ids_when_nearly_each_value_is_another_one(values, may_be_ids) -> None:
    assert possible_ids(values) == (["x"] if may_be_ids else [])


def test_only_the_first_two_hundred_values_say_whether_a_column_may_hold_ids() -> None:
    assert possible_ids([f"a{n}" for n in range(200)] + ["same"] * 800) == ["x"]
    assert possible_ids([f"a{n}" for n in range(180)] + ["same"] * 20 + [f"b{n}" for n in range(800)]) == ["x"]
    assert possible_ids([f"a{n}" for n in range(179)] + ["same"] * 21 + [f"b{n}" for n in range(800)]) == []


def test_blanks_around_ids_do_not_hide_that_they_are_numbers() -> None:
    (found,) = {spelling_of_ids(pl.Series(values), Index("00417")) for values in (["417"], [" 417 "], [" 417", ""])}
    assert (found.case, found.width) == ("", 5)


@pytest.mark.parametrize("known", [Concept.NAME, Concept.GIVEN_NAME, Concept.FAMILY_NAME])
def test_a_column_is_no_name_where_another_is(known) -> None:
    names = [f"ada{chr(97 + number)} example{chr(97 + number)}" for number in range(20)]
    frame = pl.DataFrame({"x": names, "who": names})
    records = pl.DataFrame({"ordinal": range(20), "name": names})
    paired = pairs(*[(number, number) for number in range(20)])
    found = learn_columns(frame, Recognised({"x": Concept.OTHER, "who": known}), paired, records, TODAY)
    assert found.by_column == {"x": Concept.OTHER, "who": known}


@pytest.mark.parametrize(
    ("spelling", "written"),
    [
        (IdSpelling(), ["aB", " 7 ", "", None]),
        (IdSpelling("lower"), ["ab", " 7 ", "", None]),
        (IdSpelling("upper"), ["AB", " 7 ", "", None]),
        (IdSpelling(width=4), ["00aB", "0007", "", None]),
    ],
)
def test_ids_are_written_as_those_of_the_records_and_blank_ones_stay_blank(spelling, written) -> None:
    frame = pl.DataFrame({"id": ["aB", " 7 ", "", None]})
    assert frame.select(spelling.of(pl.col("id"))).to_series().to_list() == written


def test_of_thousands_of_columns_those_are_compared_that_look_like_ours() -> None:
    days = [f"{1 + number:02d}/05/1980" for number in range(20)]
    columns = {f"x{number}": [f"nothing {row}" for row in range(20)] for number in range(2_000)}
    columns |= {"where": CITIES, "when": days, "who": [f"Ada{chr(97 + row)}" for row in range(20)]}
    frame = pl.DataFrame(columns)
    records = pl.DataFrame({
        "ordinal": range(20), "city": CITIES, "birth_date": [f"1980-05-{1 + number:02d}" for number in range(20)],
        "name": [f"ada{chr(97 + row)} example" for row in range(20)],
    })  # fmt: skip
    unknown = Recognised(dict.fromkeys(columns, Concept.OTHER))
    found = learn_columns(frame, unknown, pairs(*[(n, n) for n in range(20)]), records, TODAY)
    assert {column: meaning for column, meaning in found.by_column.items() if meaning is not Concept.OTHER} == {
        "where": Concept.CITY, "when": Concept.BIRTH_DATE, "who": Concept.GIVEN_NAME,
    }  # fmt: skip


def test_no_more_than_sixty_columns_are_looked_up_for_ids() -> None:
    frame = pl.DataFrame({f"x{number}": [f"{number}-{row}" for row in range(20)] for number in range(300)})
    keyed, _ = keyed_rows(Batch(frame), Recognised(dict.fromkeys(frame.columns, Concept.OTHER)))
    assert len(possible_id_columns(keyed)) == COLUMNS_LOOKED_AT == 60
