"""Days and times at the edges of the calendar, the clock and of zones: read as written, or refused by themselves."""

from __future__ import annotations

import polars as pl
import pytest
from delivery_world import delivered, refused, taken, values

from cloakroom.adapters.deliveries.times import TimeReader

HOUR = 3_600_000_000
DAY = 24 * HOUR
# From the calendar: 719,162 days lie between 0001-01-01 and 1970-01-01, 2,932,896 between 1970-01-01 and 9999-12-31.
FIRST = -719_162 * DAY
LAST = 2_932_896 * DAY


@pytest.mark.parametrize(
    ("zone", "text", "expected"),
    [
        ("UTC", "0001-01-01", FIRST),
        ("UTC", "0001-01-01T00:00:00Z", FIRST),
        ("UTC", "0001-01-01T01:00:00+01:00", FIRST),
        ("UTC", "0001-01-01T00:59:59+01:00", None),
        ("UTC", "0001-01-01T00:00:00+01:00", None),
        ("Asia/Tokyo", "0001-01-01T00:00:00", None),
        ("Asia/Tokyo", "0001-01-02T09:18:59", FIRST + DAY),  # Tokyo's own noon was 9:18:59 before Greenwich's.
        ("UTC", "9999-12-31T23:59:59Z", LAST + DAY - 1_000_000),
        ("UTC", "9999-12-31T22:59:59-01:00", LAST + DAY - 1_000_000),
        ("UTC", "9999-12-31T23:00:00-01:00", None),
        ("America/New_York", "9999-12-31T18:59:59", LAST + DAY - 1_000_000),
        ("America/New_York", "9999-12-31T23:59:59", None),
        ("UTC", "0000-01-01T00:00:00Z", None),
        ("UTC", "0000-12-31T23:59:59Z", None),
    ],
)
def test_a_time_beyond_the_calendar_is_none_and_the_last_one_within_it_is_read(zone, text, expected):
    reader = TimeReader("iso", zone)
    assert reader.time(text) == expected
    assert reader.times(pl.Series([text])) == [expected]


@pytest.mark.parametrize(
    ("zone", "text"),
    [("Europe/Paris", "0001-01-01T00:00:00"), ("UTC", "0001-01-01T00:00:00+01:00"),
     ("America/New_York", "9999-12-31T23:59:59")],
)  # fmt: skip
def test_never_as_other_systems_write_it_refuses_one_row_and_not_the_file(tmp_path, zone, text):
    """0001-01-01 is what .NET writes for no time, 9999-12-31 what many databases do."""
    mapping = f'timezone = "{zone}"\n[record]\nid = "id"\nmodified_at = "at"\n[columns]\nsince = "created_at"\n'
    data = (
        f"id,at,since\n1,2025-01-01T00:00:00Z,\n2,{text},\n3,2025-01-01T00:00:00Z,{text}\n4,2025-01-01T00:00:00Z,\n"
    )
    batches = delivered(tmp_path, data, mapping)
    assert taken(batches) == ["1", "4"]
    reason = "is no time as the mapping describes it"
    assert refused(batches) == [(3, "at", reason), (4, "since", reason)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1980-05-01T00:00:00+02:00", "1980-05-01"),
        ("1980-05-01T23:30:00-08:00", "1980-05-01"),
        ("1980-05-01T00:00:00Z", "1980-05-01"),
        ("1980-05-01 23:59:59", "1980-05-01"),
        ("0001-01-01T00:00:00+02:00", "0001-01-01"),
        ("9999-12-31T23:59:59-02:00", "9999-12-31"),
        ("1980-02-29", "1980-02-29"),
        ("1981-02-29", None),
        ("1900-02-29", None),
        ("2000-02-29", "2000-02-29"),
        ("1980-00-10", None),
        ("1980-13-10", None),
        ("1980-12-00", None),
        ("1980-12-32", None),
        ("0000-00-00", None),
    ],
)
def test_a_day_is_the_one_that_is_written_whatever_the_offset_beside_it(text, expected):
    assert TimeReader("iso", "Pacific/Auckland").date(text) == expected


def test_a_day_of_birth_written_with_midnight_and_an_offset_does_not_become_the_day_before(tmp_path):
    mapping = '[record]\nid = "id"\n[columns]\nborn = "birth_date"\n'
    batches = delivered(tmp_path, "id,born\n1,2008-03-01T00:00:00+01:00\n", mapping)
    assert values(batches, "birth_date") == ["2008-03-01"]
    assert batches[0].facets["birth_date"] == ["2008-03-01"]


@pytest.mark.parametrize(
    ("offset", "hours"),
    [
        ("Z", 0), ("z", 0), ("+00:00", 0), ("-00:00", 0), ("+01", 1), ("+0130", 1.5), ("+01:30", 1.5),
        ("-03:30", -3.5), (" +02:00", 2), ("+23:59", 23 + 59 / 60), ("-23:59", -23 - 59 / 60),
        ("+24:00", None), ("-24:00", None), ("+99:99", None), ("+01:60", None), ("+1", None), ("+1:30", None),
        ("+01:3", None), ("+01:30:00", None), ("Z+01:00", None),
    ],
)  # fmt: skip
def test_an_offset_is_hours_below_24_and_minutes_below_60_east_of_greenwich(offset, hours):
    noon = 12 * HOUR
    assert TimeReader("iso", "UTC").time(f"1970-01-01T12:00:00{offset}") == (
        None if hours is None else noon - round(hours * HOUR)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00", 0), ("1970-01-01T23:59:59", 24 * HOUR - 1_000_000), ("1970-01-01T24:00:00", None),
        ("1970-01-01T00:60:00", None), ("1970-01-01T00:00:60", None), ("1970-01-01T00:00:00,5", 500_000),
        ("1970-01-01T00:00:00.0000009", 0), ("1970-01-01T00:00:00.999999999", 999_999),
        ("1970-01-01T00:00:00.1234567890", None), ("1970-01-01T5:00", 5 * HOUR), ("1970-01-01T5", None),
        ("1970-01-01T", None), ("1970-01-01x", None), ("1970-1-1", None), ("19700101", 0),
        ("19700101T0500", 5 * HOUR), (" 1970-01-01 ", 0), ("1970-01-01   05:00", 5 * HOUR),
    ],
)  # fmt: skip
def test_an_iso_time_has_its_parts_within_their_bounds(text, expected):
    assert TimeReader("iso", "UTC").time(text) == expected


@pytest.mark.parametrize(
    ("form", "text", "hour"),
    [
        ("mdy", "1/1/1970 12:00 AM", 0), ("mdy", "1/1/1970 1:00 am", 1), ("mdy", "1/1/1970 11:00 A.M.", 11),
        ("mdy", "1/1/1970 12:00 pm", 12), ("mdy", "1/1/1970 1:00p", 13), ("mdy", "1/1/1970 11:00 P.M.", 23),
        ("mdy", "1/1/1970 0:30 AM", None), ("mdy", "1/1/1970 13:00 PM", None), ("mdy", "1/1/1970 0:00 pm", None),
        ("dmy", "1.1.1970, 5:00", 5), ("dmy", "1-1-1970 5h00", 5), ("dmy", "1 1 1970 5.00", 5),
        ("dmy", "1.1.1970", 0), ("dmy", "1.1-1970", None), ("dmy", "1/1/70", None), ("dmy", "1/1/19700", None),
        ("ymd", "1970/1/1 05:00 Z", 5),
        ("ymd", "1970.1.1 05:00 -02:00", 7), ("ymd", "1/1/1970", None), ("dmy", "1970-01-01 05:00", 5),
    ],
)  # fmt: skip
def test_a_time_in_the_stated_order_is_read_as_its_writers_mean_it(form, text, hour):
    assert TimeReader(form, "UTC").time(text) == (None if hour is None else hour * HOUR)


@pytest.mark.parametrize("form", ["dmy", "mdy"])
def test_the_hour_that_comes_twice_is_the_first_and_the_one_that_does_not_come_is_none(form):
    """Paris, 2025: clocks go from 2:00 to 3:00 on 30 March, and from 3:00 to 2:00 on 26 October, both at 1:00 UTC."""
    march = "30/03/2025" if form == "dmy" else "03/30/2025"
    october = "26/10/2025" if form == "dmy" else "10/26/2025"
    reader = TimeReader(form, "Europe/Paris")
    assert reader.timestamp(f"{march} 01:59:59") == "2025-03-30T00:59:59Z"
    assert reader.timestamp(f"{march} 02:00:00") is None
    assert reader.timestamp(f"{march} 02:59:59") is None
    assert reader.timestamp(f"{march} 03:00:00") == "2025-03-30T01:00:00Z"
    assert reader.timestamp(f"{october} 01:59:59") == "2025-10-25T23:59:59Z"
    assert reader.timestamp(f"{october} 02:00:00") == "2025-10-26T00:00:00Z"
    assert reader.timestamp(f"{october} 02:59:59") == "2025-10-26T00:59:59Z"
    assert reader.timestamp(f"{october} 03:00:00") == "2025-10-26T02:00:00Z"


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("unix_seconds", "0", 0), ("unix_seconds", "1", 1_000_000), ("unix_milliseconds", "1", 1_000),
        ("unix_seconds", "-0.5", -500_000), ("unix_milliseconds", "0.5", 500), ("unix_milliseconds", "-1.5", -1_500),
        ("unix_seconds", "0.0000019", 1), ("unix_seconds", "1.", None), ("unix_seconds", ".5", None),
        ("unix_seconds", "1e3", None), ("unix_seconds", "+1", None), ("unix_seconds", "19700101", 19_700_101 * 10**6),
        ("unix_seconds", "1970-01-01", -9 * HOUR), ("unix_seconds", "253402300799", LAST + DAY - 1_000_000),
        ("unix_seconds", "253402300800", None), ("unix_seconds", "-62135596800", FIRST),
        ("unix_seconds", "-62135596801", None), ("unix_milliseconds", "1" * 18, None),
    ],
)  # fmt: skip
def test_a_count_since_1970_is_exact_within_the_calendar(form, text, expected):
    assert TimeReader(form, "Asia/Tokyo").time(text) == expected


def test_a_time_is_stored_with_no_more_digits_than_it_has():
    reader = TimeReader("iso", "UTC")
    assert reader.timestamp("2025-01-02T03:04:05.000Z") == "2025-01-02T03:04:05Z"
    assert reader.timestamp("2025-01-02T03:04:05.120Z") == "2025-01-02T03:04:05.120000Z"
    assert reader.timestamp("2025-01-02") == "2025-01-02T00:00:00Z"


def test_a_pattern_with_an_offset_is_of_that_offset_and_without_one_of_the_mappings_zone():
    assert (
        TimeReader("%d %b %Y %H:%M %z", "Asia/Tokyo").timestamp("02 Jan 2025 03:00 +0100") == "2025-01-02T02:00:00Z"
    )
    assert TimeReader("%d %b %Y %H:%M", "Asia/Tokyo").timestamp("02 Jan 2025 03:00") == "2025-01-01T18:00:00Z"
