"""The figures that a claim's report draws: scaled, cut and counted as a reader would do it by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cloakroom.adapters.claim_report.pdf import (
    _address_kinds,
    _brand,
    _count,
    _countries,
    _curve,
    _ending,
    _files,
    _interval,
    _marks,
    _row_kinds,
)

START = datetime(2025, 1, 1, tzinfo=UTC)


def curve(*shares: float, days: int = 1) -> list[list[object]]:
    return [[(START + timedelta(days=days * at)).isoformat(), share] for at, share in enumerate(shares)]


def brand(**changed: object) -> dict[str, object]:
    return {
        "records": {"proven": 30, "bounded": 0}, "of": 120, "fields": ["email"], "snapshots": [],
        "rows_explained": 0.98765, "curve": [], **changed,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("number", "text"), [(None, ""), (0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")]
)
def test_a_count_has_its_thousands_apart_and_what_is_unknown_is_blank(number, text):
    assert _count(number) == text


def test_an_interval_names_both_ends():
    assert _interval({"lower": 1000, "upper": 2_000_000}) == "1,000 to 2,000,000"


@pytest.mark.parametrize("points", [[], curve(0.5)])
def test_a_curve_of_fewer_than_two_points_is_not_drawn(points):
    assert _curve(points) is None
    assert _marks(brand(curve=points, snapshots=[{"from": START.isoformat()}])) == []


def test_a_curve_is_scaled_to_its_time_and_begins_at_nought_where_it_comes_near_it():
    assert _curve(curve(0.1, 0.5, 1.0)) == {
        "points": [[0.0, 0.1], [0.5, 0.5], [1.0, 1.0]],
        "ticks": [],
        "bottom": 0.0,
    }


@pytest.mark.parametrize(
    ("lowest", "bottom"), [(0.31, 0.0), (0.32, 0.3), (0.35, 0.3), (0.37, 0.35), (0.51, 0.45), (0.98, 0.95)]
)
def test_a_curve_that_stays_high_begins_at_the_next_twentieth_below_it(lowest, bottom):
    drawn = _curve(curve(lowest, 1.0))
    assert drawn is not None
    assert drawn["bottom"] == pytest.approx(bottom)
    assert drawn["points"][0][1] == pytest.approx((lowest - bottom) / (1 - bottom))
    assert drawn["points"][1][1] == pytest.approx(1.0)


def test_a_long_curve_is_thinned_but_keeps_its_first_last_and_highest_point():
    shares = [0.5] * 1000
    shares[501] = 0.9
    shares[999] = 0.6
    drawn = _curve(curve(*shares))
    assert drawn is not None
    # Every eighth of 1,000 points, the highest and the last.
    assert len(drawn["points"]) == 125 + 2
    places = [round(at * 999) for at, _ in drawn["points"]]
    assert (places[0], places[-1]) == (0, 999)
    assert 501 in places
    assert places == sorted(places)


def test_ticks_stand_at_the_beginnings_of_months_within_the_curve_and_six_or_a_few_more_at_most():
    drawn = _curve(curve(0.1, 0.2, days=90))
    assert drawn is not None
    assert [label for _, label in drawn["ticks"]] == ["Feb 2025", "Mar 2025", "Apr 2025"][: len(drawn["ticks"])]
    assert drawn["ticks"][0][0] == pytest.approx(31 / 90)
    assert drawn["ticks"][1][0] == pytest.approx(59 / 90)
    years = _curve(curve(0.1, 0.2, days=365 * 5))
    assert years is not None
    assert len(years["ticks"]) in range(6, 8)
    assert all(0 < at < 1 for at, _ in years["ticks"])


def test_the_time_of_a_snapshot_is_marked_where_it_lies_on_the_curve():
    points = curve(0.1, 0.2, 0.3, days=10)
    snapshots = [{"from": points[1][0]}, {"from": points[0][0]}, {"from": points[2][0]}]
    assert _marks(brand(curve=points, snapshots=snapshots)) == [0.5, 0.0, 1.0]


@pytest.mark.parametrize(
    ("proven", "of", "share"), [(0, 0, 0.0), (0, 10, 0.0), (30, 120, 0.25), (10, 10, 1.0), (11, 10, 1.0), (1, 0, 1.0)]
)
def test_the_share_of_a_brand_is_of_its_records_and_never_more_than_all(proven, of, share):
    shown = _brand("tarsenne", brand(records={"proven": proven, "bounded": 0}, of=of))
    assert shown["share"] == share


def test_what_is_told_of_a_brand_is_rounded_for_reading():
    snapshots = [{"from": "2025-03-04T05:06:07Z", "to": "2025-03-05T06:07:08.9Z", "share": 0.12345}]
    shown = _brand("tarsenne", brand(snapshots=snapshots, records={"proven": 1200, "bounded": 3400}, of=5600))
    assert shown["snapshots"] == [{"from": "2025-03-04 05:06", "to": "2025-03-05 06:07", "share": 12.3}]
    assert (shown["proven"], shown["bounded"], shown["of"], shown["explained"]) == ("1,200", "3,400", "5,600", 98.8)
    assert _brand("tarsenne", brand())["bounded"] == ""


@pytest.mark.parametrize("countries", [0, 1, 12, 13, 20])
def test_twelve_countries_are_named_and_the_others_added_up(countries):
    counts = {f"{chr(65 + at)}X": 1000 + at for at in range(countries)}
    shown = _countries(counts)
    assert sum(number for _, number, _ in shown) == sum(counts.values())
    assert len(shown) == min(countries, 12) + (countries > 12)
    ranked = sorted(counts, key=lambda code: -counts[code])
    assert [code for code, _, _ in shown[:12]] == ranked[:12]
    if countries > 12:
        rest = sum(sorted(counts.values())[: countries - 12])
        assert shown[-1] == ["1 other" if countries == 13 else f"{countries - 12} others", rest, f"{rest:,}"]


def test_countries_of_one_count_come_in_the_order_of_their_codes():
    assert [code for code, _, _ in _countries({"IT": 5, "AT": 5, "DE": 9})] == ["DE", "AT", "IT"]


def test_kinds_of_rows_and_addresses_that_do_not_occur_are_left_out():
    document = {
        "rows_own": 1200, "rows_address_only": 0, "rows_foreign": 7, "rows_without_key": 0, "emails_known": 0,
        "emails_foreign": 3,
    }  # fmt: skip
    assert _row_kinds(document) == [
        ["show a record of ours", 1200, "own", "1,200"], ["of somebody else", 7, "foreign", "7"],
    ]  # fmt: skip
    assert _address_kinds(document) == [["never held by us", 3, "foreign", "3"]]
    document |= {"rows_own": 0, "rows_address_only": 2, "rows_foreign": 0, "rows_without_key": 4, "emails_known": 5}
    assert [(kind, number) for _, number, kind, _ in _row_kinds(document)] == [("bounded", 2), ("silent", 4)]
    assert [(kind, number) for _, number, kind, _ in _address_kinds(document)] == [("own", 5), ("foreign", 3)]


@pytest.mark.parametrize(("length", "is_cut"), [(55, False), (56, False), (57, True)])
def test_a_long_path_is_cut_at_its_beginning(length, is_cut):
    path = "".join(chr(97 + at % 26) for at in range(length))
    shown = _ending(path)
    assert shown == ("…" + path[-55:] if is_cut else path)
    assert len(shown) <= 56


def test_the_six_largest_files_are_named_and_those_unread_counted():
    def file(path: str, rows: int, form: str = "csv", encoding: str | None = "utf-8") -> dict[str, object]:
        return {"path": path, "format": form, "encoding": encoding, "rows": rows, "rejected_rows": rows // 10}

    files = [file(f"{rows}.csv", rows) for rows in (5, 30, 1000, 2, 70, 60)]
    shown = _files([*files, file("a.rar", 0, "unread", None), file("b.bson", 80, "bson", None)])
    assert (shown["read"], shown["unread"]) == (7, 1)
    assert [row[0] for row in shown["largest"]] == ["1000.csv", "b.bson", "70.csv", "60.csv", "30.csv", "5.csv"]
    assert shown["largest"][0] == ["1000.csv", "csv", "utf-8", "1,000", "100"]
    assert shown["largest"][1][2] == "–"
