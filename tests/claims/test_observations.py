"""The sample for dating: whole records, few enough, the same whatever the order of rows."""

from __future__ import annotations

import polars as pl
import pytest

from cloakroom.claims.observations import Observations


def taken(
    count: int, records_max: int, *, seed: int = 5, per_record: int = 1, backwards: bool = False
) -> pl.DataFrame:
    sample = Observations(records_max, seed)
    order = range(count - 1, -1, -1) if backwards else range(count)
    for ordinal in order:
        pairs = pl.DataFrame(
            {"row": range(per_record), "ordinal": [ordinal] * per_record},
            schema={"row": pl.UInt32, "ordinal": pl.Int64},
        )
        sample.add("house", pairs, lambda rows: pl.DataFrame({"row": rows, "name": ["ada"] * rows.len()}))
    return sample.frames()["house"]


def records(frame: pl.DataFrame) -> set[int]:
    return set(frame["ordinal"].list.first())


def test_a_sample_that_is_small_enough_is_whole() -> None:
    assert records(taken(40, 20)) == set(range(40))


def test_a_sample_is_halved_beyond_twice_the_records_wanted() -> None:
    found = records(taken(41, 20))
    assert 8 <= len(found) < 41


def test_the_same_records_are_chosen_in_any_order_and_others_under_another_seed() -> None:
    assert records(taken(300, 20)) == records(taken(300, 20, backwards=True))
    assert records(taken(300, 20)) != records(taken(300, 20, seed=6))
    assert 8 <= len(records(taken(300, 20))) <= 40


def test_equal_rows_of_a_record_are_one_with_their_number_as_weight() -> None:
    frame = taken(3, 20, per_record=4)
    assert sorted(frame.select(pl.col("ordinal").list.first(), "weight").rows()) == [(0, 4), (1, 4), (2, 4)]


def test_a_row_that_may_show_several_records_keeps_them_all() -> None:
    sample = Observations(20, 5)
    pairs = pl.DataFrame({"row": [0, 0, 1], "ordinal": [9, 7, 3]}, schema={"row": pl.UInt32, "ordinal": pl.Int64})
    sample.add("house", pairs, lambda rows: pl.DataFrame({"row": rows, "name": ["ada"] * rows.len()}))
    assert sorted(map(sorted, sample.frames()["house"]["ordinal"].to_list())) == [[3], [7, 9]]


def test_brands_are_sampled_apart() -> None:
    sample = Observations(20, 5)
    pairs = pl.DataFrame({"row": [0], "ordinal": [1]}, schema={"row": pl.UInt32, "ordinal": pl.Int64})
    for brand in ("house", "other"):
        sample.add(brand, pairs, lambda rows: pl.DataFrame({"row": rows, "name": ["ada"]}))
    assert set(sample.frames()) == {"house", "other"}


@pytest.mark.parametrize(("each", "is_whole"), [(16, True), (17, False)])
def test_a_sample_is_halved_beyond_eight_different_rows_for_each_record_wanted(each, is_whole) -> None:
    sample = Observations(20, 5)
    for ordinal in range(10):
        pairs = pl.DataFrame(
            {"row": range(each), "ordinal": [ordinal] * each}, schema={"row": pl.UInt32, "ordinal": pl.Int64}
        )
        sample.add("house", pairs, lambda rows: pl.DataFrame({"row": rows, "name": [f"ada {row}" for row in rows]}))
    frame = sample.frames()["house"]
    assert (records(frame) == set(range(10))) is is_whole
    # Whoever is in the sample is so with every row.
    assert frame.height == each * len(records(frame))
