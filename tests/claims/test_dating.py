from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from cloakroom.claims.dating import DAY, WIDEST, Dating, Intervals, date_rows, find_moments

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
    assert found.fields["name"].share == 0
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


def when(*groups: tuple[int, int, int]) -> Intervals:
    """Return rows that agree from a start to an end: groups of (count, start, end), one interval a row."""
    starts = [start for count, start, _ in groups for _ in range(count)]
    ends = [end for count, _, end in groups for _ in range(count)]
    rows = np.arange(len(starts), dtype=np.int64)
    return Intervals(rows, np.array(starts, np.int64), np.array(ends, np.int64), np.ones(rows.size))


def moments(*groups: tuple[int, int, int]) -> list[tuple[int, int]]:
    """Return the as-of intervals of such rows, whose records existed all the time."""
    intervals = when(*groups)
    lives = when((intervals.row.size, 0, 10_000 * DAY))
    return find_moments(intervals, lives)[0]


FAR = 1000 * DAY


@pytest.mark.parametrize(
    ("total", "others", "count"),
    [(100, 4, 1), (100, 5, 2), (1200, 5, 2), (1992, 7, 1), (1992, 8, 2), (4000, 16, 1), (4000, 17, 2)],
)
def test_a_second_theft_needs_five_rows_and_four_in_a_thousand(total, others, count) -> None:
    assert len(moments((total, 0, DAY), (others, FAR, FAR + DAY))) == count


@pytest.mark.parametrize(("scattered", "count"), [(14, 2), (15, 1)])
def test_a_second_theft_must_explain_three_in_ten_of_the_rows_left_over(scattered, count) -> None:
    alone = [(1, FAR + place * 30 * DAY, FAR + place * 30 * DAY + DAY) for place in range(1, scattered + 1)]
    assert len(moments((100, 0, DAY), (6, FAR, FAR + DAY), *alone)) == count


def test_no_more_than_five_thefts_are_told_apart() -> None:
    sizes = (1000, 600, 400, 300, 200, 150)
    thefts = [(size, place * FAR, place * FAR + DAY) for place, size in enumerate(sizes)]
    assert len(moments(*thefts[:5])) == 5
    assert moments(*thefts) == [(start, end) for _, start, end in thefts[:5]]


@pytest.mark.parametrize(("end", "expected"), [(3 * DAY, (0, 3 * DAY)), (3 * DAY + 1, (0, DAY))])
def test_an_interval_goes_on_after_a_row_that_leaves_but_for_three_days_at_most(end, expected) -> None:
    assert moments((100, 0, end), (1, 0, DAY)) == [expected]


@pytest.mark.parametrize(("end", "expected"), [(3 * DAY, (0, 3 * DAY)), (3 * DAY + 1, (DAY, 3 * DAY + 1))])
def test_an_interval_begins_before_a_row_that_comes_but_three_days_before_its_end_at_most(end, expected) -> None:
    assert moments((100, 0, end), (1, DAY, end)) == [expected]


@pytest.mark.parametrize(
    ("total", "leaving", "expected"),
    [(100, 1, 2 * DAY), (100, 2, DAY), (4000, 2, 2 * DAY), (4000, 3, DAY)],
)
def test_one_row_or_one_in_two_thousand_may_leave_an_interval(total, leaving, expected) -> None:
    assert moments((total, 0, 2 * DAY), (leaving, 0, DAY)) == [(0, expected)]


@pytest.mark.parametrize(("first", "second", "later"), [(29, 31, True), (30, 29, False), (31, 60, False)])
def test_of_intervals_that_explain_as_much_the_longer_is_taken_beyond_a_month_the_earlier(
    first, second, later
) -> None:
    # Each row agrees at both times.
    start = np.array([0, FAR] * 50, np.int64)
    end = np.array([first * DAY, FAR + second * DAY] * 50, np.int64)
    row = np.repeat(np.arange(50, dtype=np.int64), 2)
    found, explained, shares = find_moments(
        Intervals(row, start, end, np.ones(50)), Intervals(row, start, end, np.ones(50))
    )
    assert found == [(FAR, FAR + second * DAY) if later else (0, first * DAY)]
    assert (explained, shares) == (50.0, [1.0])


def shares(found: Dating) -> dict[str, float]:
    return {name: one.share for name, one in found.fields.items()}


def constant(count: int, **fields: list[str]) -> pl.DataFrame:
    """Return records with one version each, which has held since the start."""
    columns = {"ordinal": range(count), "valid_from": [START] * count, "valid_to": [None] * count, **fields}
    return pl.DataFrame(columns, schema_overrides={"ordinal": pl.Int64, "valid_to": pl.Int64})


def showing(count: int, **fields: list[str | None]) -> pl.DataFrame:
    shown = pl.DataFrame({"ordinal": range(count), **fields}, schema_overrides={"ordinal": pl.Int64})
    return shown.with_columns(pl.concat_list("ordinal").alias("ordinal"), pl.lit(1, pl.UInt32).alias("weight"))


@pytest.mark.parametrize(("right", "explained"), [(84, 1.0), (85, 0.85), (86, 0.86)])
def test_a_field_counts_from_eighty_five_in_a_hundred_rows_on(right, explained) -> None:
    held = constant(100, name=[f"n{place}" for place in range(100)], city=["turin"] * 100)
    shown = showing(
        100,
        name=[f"n{place}" for place in range(100)],
        city=["turin" if place < right else "pisa" for place in range(100)],
    )
    found = date_rows(shown, held)
    assert found.explained == pytest.approx(explained)
    assert shares(found) == {"name": 1.0, "city": right / 100}


@pytest.mark.parametrize(("missing", "explained"), [(94, 1.0), (95, 115 / 120), (100, 1.0)])
def test_a_missing_value_counts_where_ninety_five_in_a_hundred_records_lack_it_too(missing, explained) -> None:
    names = [f"n{place}" for place in range(120)]
    held = constant(120, name=names, city=["" if place < missing else "turin" for place in range(120)])
    shown = showing(120, name=names, city=["" if place < 100 else "turin" for place in range(120)])
    assert date_rows(shown, held).explained == pytest.approx(explained)


def test_a_column_that_the_dump_does_not_have_is_no_missing_value() -> None:
    names = [f"n{place}" for place in range(10)]
    held = constant(10, name=names, city=["turin"] * 10)
    found = date_rows(showing(10, name=names, city=[None] * 10), held)
    assert found.explained == 1.0
    assert shares(found) == {"name": 1.0}


def test_a_change_that_the_dump_does_not_show_leaves_no_mark_in_its_date() -> None:
    rows = [(place, start, end, f"n{place}", city)
            for place in range(20)
            for start, end, city in [(START, START + 50 * DAY, "pisa"), (START + 50 * DAY, START + 100 * DAY, "turin")]]  # noqa: E501 - data  # fmt: skip
    held = pl.DataFrame(rows, schema=["ordinal", "valid_from", "valid_to", "name", "city"], orient="row")
    held = held.with_columns(pl.col("ordinal").cast(pl.Int64))
    (found,) = date_rows(showing(20, name=[f"n{place}" for place in range(20)]), held).snapshots
    assert (found.start, found.end) == (START, START + 100 * DAY)
    shown = showing(20, name=[f"n{place}" for place in range(20)], city=["turin"] * 20)
    (found,) = date_rows(shown, held).snapshots
    assert (found.start, found.end) == (START + 50 * DAY, START + 100 * DAY)


@pytest.mark.parametrize(
    ("shown", "agrees"),
    [("+393331234567", True), ("~3331234567", True), ("~8331234567", True), ("~1234567", True), ("~234567", False),
     ("+393331234568", False), ("", False)],
)  # fmt: skip
def test_a_number_agrees_with_either_of_the_records_two(shown, agrees) -> None:
    names = [f"n{place}" for place in range(8)]
    for first, other in (("phone", "mobile"), ("mobile", "phone")):
        held = constant(8, name=names, **{first: ["+393331234567"] * 8, other: ["+390110000000"] * 8})
        found = date_rows(showing(8, name=names, phone=[shown] * 8), held)
        assert shares(found).get("phone", 0.0) == (1.0 if agrees else 0.0)


def test_the_curve_reaches_from_four_months_before_the_first_theft_to_four_after_the_last() -> None:
    held = history()
    found = date_rows(taken(held, START + 60 * DAY), held)
    first = found.snapshots[0].start
    assert (found.curve.at[0], found.curve.at[-1]) == (first - 120 * DAY, first + 120 * DAY)
    at_theft = found.curve.share[found.curve.at.index(first)]
    assert at_theft == max(found.curve.share) > 0.999
    assert found.curve.share[0] < 0.9


def test_rows_count_by_their_weight() -> None:
    names = [f"n{place}" for place in range(20)]
    held = constant(20, name=names)
    shown = showing(20, name=[*names[:10], *["x"] * 10]).with_columns(
        pl.Series("weight", [17] * 10 + [1] * 10, dtype=pl.UInt32)
    )
    found = date_rows(shown, held)
    assert found.compared == 180
    assert shares(found) == {"name": 0.5}
    assert found.snapshots == ()


@pytest.mark.parametrize(
    ("codes", "is_ours"),
    [
        ({"f": "2", "m": "1"}, True), ({"f": "女", "m": "男"}, True), ({"f": "x", "m": "x"}, False),
    ],
)  # fmt: skip
def test_a_field_of_few_values_is_ours_in_whatever_codes_it_is_written(codes, is_ours) -> None:
    held = ["f" if number % 3 else "m" for number in range(60)]
    names = [f"ada{chr(97 + number % 26)} {number}" for number in range(60)]
    found = date_rows(
        showing(60, name=names, gender=[codes[value] for value in held]), constant(60, name=names, gender=held)
    )
    assert found.fields["gender"].is_ours is is_ours
    invented = ["12"[(number * 7) % 5 % 2] for number in range(60)]
    others = date_rows(showing(60, name=names, gender=invented), constant(60, name=names, gender=held))
    assert not others.fields["gender"].is_ours
