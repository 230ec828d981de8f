"""Dating against a plain search of every moment, over small worlds; shares against what can be worked out."""

from __future__ import annotations

from itertools import combinations_with_replacement, product

import numpy as np
import polars as pl
import pytest
from test_dating import START, constant, shares, showing

from cloakroom.claims.dating import DAY, FOREVER, Intervals, _merged, date_rows, find_moments

SPANS = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)]


def intervals(*rows: list[tuple[int, int]], weights: list[float] | None = None) -> Intervals:
    """Return the intervals of each row, in years of 400 days: all of a gap is wider than any as-of interval."""
    flat = [(row, start * 400 * DAY, end * 400 * DAY) for row, spans in enumerate(rows) for start, end in spans]
    row, start, end = (np.array(part, np.int64) for part in zip(*flat, strict=True))
    return Intervals(row, start, end, np.array(weights or [1.0] * len(rows)))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_first_as_of_time_is_one_at_which_no_other_moment_explains_more_rows(count) -> None:
    for chosen in combinations_with_replacement(SPANS, count):
        rows = intervals(*[[span] for span in chosen])
        (spans, explained, shares) = find_moments(rows, rows)
        best = max(sum(start <= moment < end for start, end in chosen) for moment in range(3))
        assert (len(spans), explained, shares) == (1, best, [1.0]), chosen
        (begin, end) = spans[0]
        # Every moment of the interval explains as many rows, but for one that may have left or not yet come.
        inside = sum(start * 400 * DAY <= begin and end <= stop * 400 * DAY for start, stop in chosen)
        assert inside >= best - 1, chosen


@pytest.mark.parametrize("weights", [[1.0, 5.0], [5.0, 1.0]])
def test_heavier_rows_move_the_as_of_time(weights) -> None:
    rows = intervals([(0, 1)], [(2, 3)], weights=weights)
    (span, *others), explained, _ = find_moments(rows, rows)
    assert (span[0] == 0) is (weights[0] == 5.0)
    assert (others, explained) == ([], 5.0)


def test_no_interval_gives_no_as_of_time() -> None:
    nothing = np.zeros(0, np.int64)
    empty = Intervals(nothing, nothing, nothing, np.ones(3))
    assert find_moments(empty, empty) == ([], 0.0, [])


def thefts(early: int, late: int, both: int) -> tuple[Intervals, Intervals]:
    """Return rows that agree with an early moment alone, a late one alone, or both; records lived all along."""
    rows = [[(0, 1)]] * early + [[(2, 3)]] * late + [[(0, 1), (2, 3)]] * both
    return intervals(*rows), intervals(*[[(0, 3)]] * len(rows))


@pytest.mark.parametrize(
    ("early", "late", "both"), [(60, 40, 0), (60, 40, 100), (30, 10, 400), (50, 50, 7), (10, 30, 60)]
)
def test_rows_that_agree_with_both_thefts_are_shared_out_as_the_others_are(early, late, both) -> None:
    spans, explained, shares = find_moments(*thefts(early, late, both))
    # The likeliest share x of the early theft maximises x^early * (1-x)^late: rows that agree with both say nothing.
    expected = {0: early / (early + late), 2: late / (early + late)}
    assert explained == early + late + both
    found = {start // (400 * DAY): share for (start, _), share in zip(spans, shares, strict=True)}
    assert found == pytest.approx(expected, abs=1e-6)


def test_shares_are_told_by_records_that_lived_at_both_thefts() -> None:
    # Ten of each theft lived at both moments; eighty more were new by the later one and could show it alone.
    shown = intervals(*[[(0, 1)]] * 10, *[[(2, 3)]] * 90)
    lives = intervals(*[[(0, 3)]] * 20, *[[(2, 3)]] * 80)
    spans, _, shares = find_moments(shown, lives)
    by_start = {start // (400 * DAY): share for (start, _), share in zip(spans, shares, strict=True)}
    # Half of the twenty that tell; the eighty belong to the later theft, which alone explains them.
    assert by_start == {0: pytest.approx(0.1), 2: pytest.approx(0.9)}
    assert sum(shares) == pytest.approx(1.0)


def test_rows_that_could_show_the_later_theft_alone_say_nothing_of_the_shares_of_the_others() -> None:
    # Of sixty that lived at both moments ten show each alone: half and half. Eighty new ones are the later one's.
    shown = intervals(*[[(0, 1)]] * 10, *[[(2, 3)]] * 10, *[[(0, 1), (2, 3)]] * 40, *[[(2, 3)]] * 80)
    lives = intervals(*[[(0, 3)]] * 60, *[[(2, 3)]] * 80)
    spans, _, shares = find_moments(shown, lives)
    by_start = {start // (400 * DAY): share for (start, _), share in zip(spans, shares, strict=True)}
    assert by_start == {0: pytest.approx(30 / 140), 2: pytest.approx(110 / 140)}


@pytest.mark.parametrize(("lacking", "explained"), [(94, 1.0), (95, 115 / 120), (96, 116 / 120)])
def test_a_number_is_missing_from_a_record_that_lacks_one_of_its_two(lacking, explained) -> None:
    names = [f"n{place}" for place in range(120)]
    mobiles = ["" if place < lacking else OTHER for place in range(120)]
    held = constant(120, name=names, phone=[HELD] * 120, mobile=mobiles)
    shown = ["" if place < 100 else HELD for place in range(120)]
    assert date_rows(showing(120, name=names, phone=shown), held).explained == pytest.approx(explained)


def merged(*spans: tuple[int, int, int | None]) -> list[tuple[int, int, int]]:
    frame = pl.DataFrame(spans, schema={"observation": pl.UInt32, "valid_from": pl.Int64, "valid_to": pl.Int64},
                         orient="row")  # fmt: skip
    found = _merged(frame, np.ones(3))
    return sorted(zip(found.row.tolist(), found.start.tolist(), found.end.tolist(), strict=True))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((1, 3), (5, 7), [(1, 3), (5, 7)]),
        ((1, 3), (4, 7), [(1, 3), (4, 7)]),
        ((1, 3), (3, 7), [(1, 7)]),
        ((1, 3), (2, 7), [(1, 7)]),
        ((1, 9), (2, 7), [(1, 9)]),
        ((1, None), (2, 7), [(1, FOREVER)]),
        ((1, 3), (2, None), [(1, FOREVER)]),
    ],
)
def test_intervals_of_one_row_that_touch_are_one_and_those_of_two_rows_are_not(first, second, expected) -> None:
    for one, other in ((first, second), (second, first)):
        assert merged((0, *one), (0, *other)) == [(0, *span) for span in expected]
    assert len(merged((0, *first), (1, *second))) == 2


def test_a_long_interval_swallows_all_that_begin_before_its_end() -> None:
    assert merged((0, 0, 100), (0, 10, 20), (0, 50, 60), (0, 99, 120), (0, 121, 130)) == [(0, 0, 120), (0, 121, 130)]


FIELDS = ("name", "email", "city", "street", "region", "postcode", "country", "birth_date", "language", "kind",
          "store", "total_sales", "gender")  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_that_can_be_compared_dates_a_row(field) -> None:
    moment = START + 50 * DAY
    rows = [
        (ordinal, start, end, f"{value}{ordinal}")
        for ordinal in range(10)
        for start, end, value in [(START, moment, "old"), (moment, None, "new")]
    ]
    held = pl.DataFrame(rows, schema=["ordinal", "valid_from", "valid_to", field], orient="row")
    held = held.with_columns(pl.col("ordinal").cast(pl.Int64))
    for value, expected in (("old", (START, moment)), ("new", (moment, None))):
        found = date_rows(showing(10, **{field: [f"{value}{ordinal}" for ordinal in range(10)]}), held)
        assert [(one.start, one.end) for one in found.snapshots] == [expected]
        assert shares(found) == {field: 1.0}


HELD, OTHER, THIRD = "+393331234567", "+390110000001", "+390220000002"


@pytest.mark.parametrize(("phone", "mobile"), list(product(("", HELD, OTHER), repeat=2)))
@pytest.mark.parametrize("shown", ["", HELD, OTHER, THIRD])
def test_a_second_number_agrees_with_either_of_the_records_two_and_a_missing_one_with_either_missing(
    phone, mobile, shown
) -> None:
    names = [f"n{place}" for place in range(20)]
    held = constant(20, name=names, phone=[phone] * 20, mobile=[mobile] * 20)
    first = phone or mobile or ""
    found = date_rows(showing(20, name=names, phone=[first] * 20, phone_2=[shown] * 20), held)
    if shown:
        assert found.fields["phone_2"].share == (1.0 if shown in (phone, mobile) else 0.0)
    else:  # Nothing shown: compared only where the records lack a number too, and then all rows agree.
        assert "phone_2" not in found.fields
    assert found.explained == 1.0


@pytest.mark.parametrize(("valid_to", "end"), [(None, None), (START + 9 * DAY, START + 9 * DAY)])
def test_an_as_of_time_is_open_only_where_the_records_have_not_changed_since(valid_to, end) -> None:
    names = [f"n{place}" for place in range(10)]
    held = constant(10, name=names).with_columns(pl.lit(valid_to, pl.Int64).alias("valid_to"))
    (one,) = date_rows(showing(10, name=names), held).snapshots
    assert (one.start, one.end) == (START, end)


def test_as_of_times_are_told_earliest_first_whichever_explains_more() -> None:
    starts = [START + place % 2 * 400 * DAY for place in range(60)]
    rows = [(place, start, start + DAY, f"n{place}") for place, start in enumerate(starts)]
    held = pl.DataFrame(rows, schema=["ordinal", "valid_from", "valid_to", "name"], orient="row")
    held = held.with_columns(pl.col("ordinal").cast(pl.Int64))
    shown = showing(60, name=[f"n{place}" for place in range(60)])
    for less in (0, 1):
        some = shown.filter((pl.int_range(pl.len()) % 2 != less) | (pl.int_range(pl.len()) < 20))
        found = date_rows(some, held)
        assert [one.start for one in found.snapshots] == [START, START + 400 * DAY]
        assert [one.share for one in found.snapshots] == [0.25, 0.75][:: 1 if less == 0 else -1]


def test_the_curve_has_the_moments_in_order_the_thefts_among_them_and_no_share_above_one() -> None:
    names = [f"n{place}" for place in range(10)]
    held = constant(10, name=names)
    found = date_rows(showing(10, name=names), held)
    points = dict(zip(found.curve.at, found.curve.share, strict=True))
    assert list(points) == sorted(points)
    assert 161 <= len(points) <= 162
    assert all(share == (1.0 if at >= START else 0.0) for at, share in points.items())
