"""Ids that anybody could have made up prove a record only where the table bears them out."""

from __future__ import annotations

import polars as pl
import pytest

from cloakroom.claims.doubtful_ids import TableIds, sort_out, values_bear_out
from cloakroom.claims.learning import spelling_of_ids
from cloakroom.claims.ports import Found


def pairs(*rows: tuple[int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"row": pl.UInt32, "ordinal": pl.Int64}, orient="row")


def rows(*numbers: int) -> pl.Series:
    return pl.Series("row", numbers, dtype=pl.UInt32)


def test_rows_are_backed_contradicted_or_bare() -> None:
    found = sort_out(pairs((0, 10), (1, 11), (2, 12), (3, 13)), pairs((0, 10), (1, 99)), rows(0, 1, 2))
    assert found.backed.rows() == [(0, 10)]
    assert sorted(found.contradicted["row"]) == [1, 2]  # The address of row 2 is nobody's.
    assert found.bare.rows() == [(3, 13)]


def test_bare_rows_are_believed_while_addresses_bear_the_ids_out() -> None:
    ids = TableIds()
    proving = ids.proving(pairs((0, 10), (1, 11), (2, 12)), pairs((0, 10), (1, 11)), rows(0, 1), lambda _: None)
    assert sorted(proving["row"]) == [0, 1, 2]
    assert not ids.unbacked


def test_bare_rows_of_a_table_that_contradicts_itself_prove_nothing() -> None:
    ids = TableIds()
    proving = ids.proving(pairs((0, 10), (1, 11), (2, 12)), pairs((0, 90), (1, 91)), rows(0, 1), lambda _: True)
    assert proving.height == 0
    assert sorted(ids.unbacked) == [12]
    assert not ids.are_believed


@pytest.mark.parametrize(("answer", "count"), [(True, 2), (False, 0), (None, 0)])
def test_a_table_without_addresses_is_judged_by_its_values(answer, count) -> None:
    proving = TableIds().proving(pairs((0, 10), (1, 11)), pairs(), rows(), lambda _: answer)
    assert proving.height == count


def test_values_that_are_those_of_the_records_bear_the_ids_out() -> None:
    named = pairs(*[(number, number) for number in range(8)])
    held = pl.DataFrame({"ordinal": range(8), "name": [f"ada {n}" for n in range(8)], "city": ["turin"] * 8})
    shown = pl.DataFrame(
        {"row": range(8), "name": [f"ada {n}" for n in range(8)]}, schema_overrides={"row": pl.UInt32}
    )
    assert values_bear_out(shown, named, held) is True
    assert values_bear_out(shown.with_columns(name=pl.lit("somebody else")), named, held) is False
    assert values_bear_out(shown.head(3), named, held) is None
    assert values_bear_out(shown.select("row"), named, held) is None


class Index:
    def __init__(self, *ids: str) -> None:
        self.ids = ids

    def look_up(self, kind, normalised):
        found = [place for place, text in enumerate(normalised) if text in self.ids]
        places = pl.Series(found, dtype=pl.Int64).to_numpy()
        return lambda: Found(places, places)


@pytest.mark.parametrize(
    ("held", "shown"),
    [("00000417", "417"), ("ab12cd34", "AB12CD34"), ("LS-000417", "ls-000417"), ("x-1", "x-1")],
)
def test_ids_are_recognised_although_a_spreadsheet_or_a_seller_changed_them(held, shown) -> None:
    spelling = spelling_of_ids(pl.Series([shown, None, ""]), Index(held))
    assert spelling is not None
    assert pl.select(spelling.of(pl.lit(pl.Series([shown])))).to_series().to_list() == [held]


def test_numbers_that_are_no_ids_of_ours_are_none() -> None:
    assert spelling_of_ids(pl.Series(["5", "6", "7"]), Index("00000417")) is None


def named_rows(count: int, wrong: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return what `count` rows show, the records that their ids name, and what these hold; `wrong` rows differ."""
    names = [f"ada {number}" for number in range(count)]
    shown = [("x" if number < wrong else "") + name for number, name in enumerate(names)]
    return (
        pl.DataFrame({"row": range(count), "name": shown}, schema_overrides={"row": pl.UInt32}),
        pairs(*[(number, number) for number in range(count)]),
        pl.DataFrame({"ordinal": range(count), "name": names}),
    )


@pytest.mark.parametrize(
    ("count", "wrong", "answer"),
    [(4, 0, None), (5, 0, True), (5, 2, True), (5, 3, False), (6, 3, False), (8, 3, True)],
)
def test_more_than_half_of_five_rows_at_least_must_be_borne_out(count, wrong, answer) -> None:
    assert values_bear_out(*named_rows(count, wrong)) is answer


def test_as_many_backed_rows_as_contradicted_ones_are_not_enough() -> None:
    ids = TableIds()
    proving = ids.proving(pairs((0, 10), (1, 11), (2, 12)), pairs((0, 10), (1, 99)), rows(0, 1), lambda _: True)
    assert proving.rows() == [(0, 10)]
    assert not ids.are_believed
    proving = ids.proving(pairs((3, 13), (4, 14)), pairs((3, 13)), rows(3), lambda _: None)
    assert sorted(proving["row"]) == [3, 4]
    assert ids.are_believed
    assert sorted(ids.unbacked) == [12]


def test_values_are_looked_at_once_and_only_where_no_address_tells() -> None:
    asked = []

    def bears_out(some: pl.DataFrame) -> bool:
        asked.append(some.height)
        return True

    ids = TableIds()
    many = pairs(*[(number, number) for number in range(400)])
    assert ids.proving(many, pairs(), rows(), bears_out).height == 400
    assert ids.proving(many, pairs(), rows(), bears_out).height == 400
    assert asked == [300]
    told = TableIds()
    told.proving(pairs((0, 10), (1, 11)), pairs((0, 10)), rows(0), bears_out)
    assert asked == [300]


def test_one_contradiction_takes_back_what_values_alone_bore_out() -> None:
    ids = TableIds()
    assert ids.proving(pairs((0, 10)), pairs(), rows(), lambda _: True).height == 1
    assert ids.proving(pairs((1, 11), (2, 12)), pairs((1, 99)), rows(1), lambda _: True).height == 0


@pytest.mark.parametrize(("known", "are_ids"), [(4, False), (5, False), (6, True)])
def test_a_column_holds_ids_of_ours_when_more_than_half_are(known, are_ids) -> None:
    ids = [f"id-{number}" for number in range(10)]
    assert (spelling_of_ids(pl.Series(ids), Index(*ids[:known])) is not None) is are_ids


def test_zeros_are_put_in_front_up_to_twelve_digits_and_no_further() -> None:
    assert spelling_of_ids(pl.Series(["417"]), Index("417".zfill(12))) is not None
    assert spelling_of_ids(pl.Series(["417"]), Index("417".zfill(13))) is None


@pytest.mark.parametrize(
    ("field", "is_telling"),
    [(name, True) for name in ("name", "birth_date", "street", "postcode", "city", "total_sales")]
    + [(name, False) for name in ("country", "language", "kind", "store", "gender", "region")],
)
def test_values_that_few_people_share_bear_ids_out_and_others_do_not(field, is_telling) -> None:
    values = [f"value {number}" for number in range(8)]
    shown = pl.DataFrame({"row": range(8), field: values}, schema_overrides={"row": pl.UInt32})
    held = pl.DataFrame({"ordinal": range(8), field: values})
    assert values_bear_out(shown, pairs(*[(n, n) for n in range(8)]), held) is (True if is_telling else None)


def test_rows_that_show_nothing_telling_are_not_counted() -> None:
    shown = pl.DataFrame({"row": range(9), "name": ["ada"] * 3 + ["eve"] * 2 + [""] * 4},
                         schema_overrides={"row": pl.UInt32})  # fmt: skip
    held = pl.DataFrame({"ordinal": range(9), "name": ["ada"] * 3 + ["zoe"] * 2 + [""] * 4})
    assert values_bear_out(shown, pairs(*[(n, n) for n in range(9)]), held) is True
