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
