from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from cloakroom.claims.dating import DAY, WIDEST, date_rows

START = 1_735_689_600_000_000  # 2025-01-01T00:00:00Z
RECORDS = 3000


def history(seed: int = 1) -> pl.DataFrame:
    """Records that change at random moments of half a year; some are new, some go."""
    random = np.random.default_rng(seed)
    rows = []
    for ordinal in range(RECORDS):
        begin = (
            START - int(random.integers(0, 900)) * DAY if ordinal % 10 else START + int(random.integers(0, 170)) * DAY
        )
        moments = sorted(
            START + int(at) for at in random.integers(0, 180 * DAY, random.poisson(1.2)) if START + at > begin
        )
        starts = [begin, *moments]
        ends = [*moments, START + 150 * DAY if ordinal % 50 == 1 else None]
        for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
            if end is None or end > start:
                rows.append(
                    (ordinal, start, end, f"n{ordinal}", f"p{ordinal}@example.org", "", "", str(100 + number))
                )
    columns = ["ordinal", "valid_from", "valid_to", "name", "email", "phone", "mobile", "total_sales"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(pl.col("ordinal").cast(pl.Int64))


def taken(held: pl.DataFrame, at: int, keep: object = None) -> pl.DataFrame:
    alive = held.filter((pl.col("valid_from") <= at) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > at)))
    shown = alive.select(pl.concat_list("ordinal").alias("ordinal"),
                         pl.lit(1, pl.UInt32).alias("weight"), "name", "email", "total_sales")  # fmt: skip
    return shown if keep is None else shown.filter(pl.Series([keep(one) for one in alive["ordinal"]]))


@pytest.mark.parametrize("day", [20, 77, 133])
def test_one_theft_is_dated_within_three_days(day) -> None:
    held = history()
    at = START + day * DAY + 12345
    found = date_rows(taken(held, at), held)
    (one,) = found.snapshots
    assert one.start <= at <= (one.end or at)
    assert one.end is not None
    assert one.end - one.start <= WIDEST
    assert one.share == 1.0
    assert found.explained == 1.0


@pytest.mark.parametrize(("first", "second", "part"), [(30, 120, 3), (15, 60, 2), (100, 140, 5)])
def test_two_thefts_in_one_file_are_told_apart_with_their_shares(first, second, part) -> None:
    held = history()
    moments = START + first * DAY, START + second * DAY
    early = taken(held, moments[0], lambda ordinal: ordinal % part == 0)
    late = taken(held, moments[1], lambda ordinal: ordinal % part != 0)
    found = date_rows(pl.concat([early, late]), held)
    assert len(found.snapshots) == 2
    for one, at in zip(found.snapshots, moments, strict=True):
        assert one.start <= at <= (one.end or at)
        assert one.end is not None
        assert one.end - one.start <= WIDEST
    assert found.snapshots[0].share == pytest.approx(early.height / (early.height + late.height), abs=0.05)


def test_three_thefts_are_told_apart() -> None:
    held = history()
    moments = [START + day * DAY for day in (20, 80, 140)]
    parts = [taken(held, at, lambda ordinal, k=k: ordinal % 3 == k) for k, at in enumerate(moments)]
    found = date_rows(pl.concat(parts), held)
    assert len(found.snapshots) == 3
    assert all(one.start <= at <= (one.end or at) for one, at in zip(found.snapshots, moments, strict=True))


def test_rows_that_agree_with_no_version_neither_move_nor_split_the_date() -> None:
    held = history()
    at = START + 90 * DAY
    shown = taken(held, at).with_columns(
        pl.when(pl.int_range(pl.len()) % 12 == 0)
        .then(pl.lit("999"))
        .otherwise(pl.col("total_sales"))
        .alias("total_sales")
    )
    found = date_rows(shown, held)
    assert len(found.snapshots) == 1
    assert found.snapshots[0].start <= at <= (found.snapshots[0].end or at)
    assert found.explained == pytest.approx(11 / 12, abs=0.01)


def test_a_rewritten_column_does_not_spoil_the_others() -> None:
    held = history()
    at = START + 90 * DAY
    found = date_rows(taken(held, at).with_columns(pl.lit("somebody else").alias("name")), held)
    assert found.fields["name"] == 0
    assert found.snapshots[0].start <= at <= (found.snapshots[0].end or at)


def test_data_that_has_not_changed_since_is_open_at_the_end() -> None:
    held = history()
    found = date_rows(taken(held, START + 500 * DAY), held)
    assert found.snapshots[0].end is None


def test_a_row_that_may_show_several_records_counts_once() -> None:
    held = history()
    at = START + 60 * DAY
    shown = taken(held, at).with_columns(pl.col("ordinal").list.concat(pl.col("ordinal")))
    found = date_rows(shown, held)
    assert found.explained == 1.0
    assert max(found.curve.share) <= 1.0


def test_nothing_to_compare_gives_no_date() -> None:
    held = history()
    shown = taken(held, START).with_columns(
        pl.lit("").alias("email"), pl.lit("").alias("name"), pl.lit("").alias("total_sales")
    )
    assert date_rows(shown, held).snapshots == ()
