"""Times, amounts, ids and the quick ways of reading them."""

from datetime import datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.adapters.deliveries.batches import Limits
from cloakroom.adapters.deliveries.csv_rows import RowSplitter
from cloakroom.adapters.deliveries.detection import Dialect
from cloakroom.adapters.deliveries.record_ids import canonical_id
from cloakroom.adapters.deliveries.times import TimeReader
from cloakroom.adapters.deliveries.values import band_reader, normal_forms, read_amount, read_language
from cloakroom.canonical.email import canonical_email
from cloakroom.clock import parse_time, to_microseconds
from cloakroom.vault.fields import FieldKind
from cloakroom.vault.mapping import IdStyle, SpendBands


@pytest.mark.parametrize(
    ("form", "zone", "text", "expected"),
    [
        ("iso", "UTC", "2025-01-02T03:04:05Z", "2025-01-02T03:04:05Z"),
        ("iso", "UTC", "2025-01-02T03:04:05.678+02:00", "2025-01-02T01:04:05.678Z"),
        ("iso", "UTC", "20250102T030405Z", "2025-01-02T03:04:05Z"),
        ("iso", "UTC", "2025-01-02 03:04", "2025-01-02T03:04:00Z"),
        ("iso", "Asia/Tokyo", "2025-01-02", "2025-01-01T15:00:00Z"),
        ("dmy", "UTC", "28/12/2018 09:21:16", "2018-12-28T09:21:16Z"),
        ("dmy", "Europe/Paris", "28.12.2018 09:21", "2018-12-28T08:21:00Z"),
        ("dmy", "UTC", "2018-12-28T09:21:16Z", "2018-12-28T09:21:16Z"),
        ("mdy", "UTC", "12/28/2018 2:05 PM", "2018-12-28T14:05:00Z"),
        ("mdy", "UTC", "12/28/2018 12:05:00 am", "2018-12-28T00:05:00Z"),
        ("ymd", "UTC", "2018/1/2 3:04:05", "2018-01-02T03:04:05Z"),
        ("unix_seconds", "Asia/Tokyo", "1735689600", "2025-01-01T00:00:00Z"),
        ("unix_milliseconds", "UTC", "1735689600123", "2025-01-01T00:00:00.123Z"),
        ("%d %b %Y", "UTC", "02 Jan 2025", "2025-01-02T00:00:00Z"),
        ("iso", "Europe/Paris", "2025-10-26T02:30:00", "2025-10-26T00:30:00Z"),
        ("iso", "Europe/Paris", "2025-03-30T02:30:00", None),
        ("iso", "UTC", "02/01/2025", None),
        ("dmy", "UTC", "1/2/25", None),
        ("dmy", "UTC", "31/02/2025", None),
        ("mdy", "UTC", "12/28/2018 14:05 PM", None),
        ("unix_seconds", "UTC", "99999999999999999", None),
        ("iso", "UTC", "", None),
    ],
)
def test_a_time_is_read(form, zone, text, expected):
    reader = TimeReader(form, zone)
    wanted = None if expected is None else to_microseconds(parse_time(expected))
    assert reader.time(text) == wanted
    assert reader.times(pl.Series([text, None])) == [wanted, None]


@settings(max_examples=300, deadline=None)
@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from(["iso", "dmy", "mdy"]),
    st.sampled_from(["UTC", "Europe/Paris"]),
    st.sampled_from(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "x"]),
)
def test_many_times_at_once_are_read_as_one_by_one(at, form, zone, pattern):
    text = at.strftime(pattern)
    reader = TimeReader(form, zone)
    assert reader.times(pl.Series([text])) == [reader.time(text)]


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.emails(), st.text(max_size=30), st.text("aAß@.-_+?＠。xn \u212aİ\x1c", max_size=24)))
def test_many_addresses_at_once_are_read_as_one_by_one(text):
    assert normal_forms(FieldKind.EMAIL, [text, None], [None, None]) == [canonical_email(text), None]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.text('ab,"\n \r', max_size=12), min_size=1, max_size=6), st.integers(1, 4))
def test_plain_lines_are_split_as_the_strict_grammar_splits_them(texts, width):
    lines = [text.replace('"', "").replace("\r", "").replace("\n", "") + "\n" for text in texts]
    header = [str(number) for number in range(width)]
    quick = RowSplitter(Dialect("utf-8"), header, Limits()).split(lines, 5, is_last=True, has_marks=False)
    slow = RowSplitter(Dialect("utf-8"), header, Limits()).split(lines, 5, is_last=True, has_marks=True)
    assert (quick.lines, quick.rejected, quick.consumed) == (slow.lines, slow.rejected, slow.consumed)
    assert [column.to_list() for column in quick.columns] == [column.to_list() for column in slow.columns]


@settings(max_examples=400, deadline=None)
@given(st.text('ab,"\n\r', max_size=60), st.integers(1, 5))
def test_no_text_makes_the_splitter_lose_a_line_or_hang(text, size):
    lines = [line + "\n" for line in text.split("\n")]
    splitter = RowSplitter(Dialect("utf-8"), ["x", "y"], Limits())
    whole = splitter.split(lines, 1, is_last=True, has_marks=False)
    assert whole.consumed == len(lines)
    places = [*whole.lines, *(rejection.line for rejection in whole.rejected)]
    assert len(set(places)) == len(places)
    assert all(len(column) == len(whole.lines) for column in whole.columns)
    parts, carried, first, places = [], [], 1, []
    for start in range(0, len(lines), size):
        current = carried + lines[start : start + size]
        part = splitter.split(current, first, is_last=start + size >= len(lines), has_marks=False)
        parts += list(zip(part.lines, *(column.to_list() for column in part.columns), strict=True))
        places += [(rejection.line, rejection.reason) for rejection in part.rejected]
        carried, first = current[part.consumed :], first + part.consumed
    assert parts == list(zip(whole.lines, *(column.to_list() for column in whole.columns), strict=True))
    assert {line for line, _ in places} == {rejection.line for rejection in whole.rejected}


@pytest.mark.parametrize(
    ("text", "mark", "group", "expected"),
    [
        ("1274.60", ".", "", "1274.6"),
        (" 0.00 ", ".", "", "0"),
        ("-0.0", ".", "", "0"),
        ("+007", ".", "", "7"),
        ("1274,60", ",", "", "1274.6"),
        ("1.274,60", ",", ".", "1274.6"),
        ("1’274.60", ".", "’", "1274.6"),
        ("12,34,567.8", ".", ",", "1234567.8"),
        ("1.2", ",", "", None),
        ("1.2", ",", ".", None),
        ("1,2,3", ",", "", None),
        ("", ".", "", None),
        ("1e5", ".", "", None),
        ("٣", ".", "", None),
        ("EUR 5", ".", "", None),
    ],
)
def test_an_amount_is_read(text, mark, group, expected):
    assert read_amount(text, mark, group) == expected


@given(st.decimals(-(10**9), 10**9, places=2), st.lists(st.integers(0, 10**6), min_size=1, max_size=5, unique=True))
def test_the_quick_band_is_the_band(amount, thresholds):
    bands = SpendBands("f", "EUR", tuple(Decimal(value) for value in sorted(thresholds)))
    assert band_reader(bands)(read_amount(f"{amount:f}", ".", "")) == bands.label(amount)


def test_broken_thresholds_have_bands_too():
    bands = SpendBands("f", "EUR", (Decimal("0.5"), Decimal("1.5")))
    assert [band_reader(bands)(text) for text in ("0.4", "0.5", "1.5", "-3")] == [
        "EUR <0.5",
        "EUR 0.5-1.5",
        "EUR >=1.5",
        "EUR <0.5",
    ]


@pytest.mark.parametrize(
    ("text", "style", "expected"),
    [
        ("0037R0000040004", IdStyle.SALESFORCE, "0037R0000040004QAA"),
        ("003Qx000003000HIAQ", IdStyle.SALESFORCE, "003Qx000003000HIAQ"),
        (" 003Qx000003000H ", IdStyle.SALESFORCE, "003Qx000003000HIAQ"),
        ("003Qx000003000HIAA", IdStyle.SALESFORCE, None),
        ("003qx000003000HIAQ", IdStyle.SALESFORCE, None),
        ("003Qx000003000", IdStyle.SALESFORCE, None),
        ("003Qx000003000H\u0660", IdStyle.SALESFORCE, None),
        (" A-1 ", IdStyle.PLAIN, "A-1"),
        ("", IdStyle.PLAIN, None),
        ("a\tb", IdStyle.PLAIN, None),
    ],
)
def test_an_id_has_one_form(text, style, expected):
    assert canonical_id(text, style) == expected


def test_languages_are_tags():
    assert read_language("pt_BR") == "pt-br"
    assert read_language("fr") == "fr"
    assert read_language("français") is None


def test_a_date_needs_no_time_of_day():
    reader = TimeReader("dmy", "UTC")
    assert reader.date("16/06/1969") == "1969-06-16"
    assert reader.date("16/06/1969 00:00:00") == "1969-06-16"
    assert reader.date("x") is None


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("%Y%d%m", "20240105", "2024-05-01T00:00:00Z"),
        ("%Y-%d-%m", "2024-01-05", "2024-05-01T00:00:00Z"),
        ("%d %b %Y", "2024-01-05", "2024-01-05T00:00:00Z"),
        ("unix_milliseconds", "2024-01-05T10:00:00Z", "2024-01-05T10:00:00Z"),
        ("unix_seconds", "1704067200.5", "2024-01-01T00:00:00.500Z"),
        ("unix_seconds", "-1.5", "1969-12-31T23:59:58.500Z"),
        ("dmy", "05/01/24 10:00:00", None),
        ("mdy", "01/05/12024 10:00:00", None),
        ("iso", "12024-01-05T10:00:00Z", None),
        ("iso", "2024-01-05T10:00:60Z", None),
    ],
)
def test_no_other_day_is_read_than_the_one_written(form, text, expected):
    reader = TimeReader(form, "UTC")
    wanted = None if expected is None else to_microseconds(parse_time(expected))
    assert reader.time(text) == wanted
    assert reader.times(pl.Series([text, None])) == [wanted, None]
