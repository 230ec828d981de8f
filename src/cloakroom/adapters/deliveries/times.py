"""Dates and times as customer systems write them.

ISO 8601 is always understood. Numbers in another order need the mapping's word for it (`dmy`, `mdy`, `ymd`),
since 03/04/2025 means two days; the signs between them may be ``/ - .`` or a blank. Years have four digits.
Anything else needs a strptime pattern. A time without offset is of the mapping's time zone: in the hour that
occurs twice, the first; in the hour that does not occur, none. A date is the day as written, whatever offset stands
beside it. Times whose offset or zone leads out of the years 1 to 9999 are none; several systems write them for
"never".
"""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl

from cloakroom.clock import EPOCH, format_time, from_microseconds, to_microseconds

_FRACTION = r"(?:[.,](?P<f>\d{1,9}))?"
_OFFSET = r"\s*(?P<z>Z|z|[+-]\d{2}(?::?\d{2})?)?"
_ISO = re.compile(
    r"(?P<y>\d{4})-?(?P<m>\d{2})-?(?P<d>\d{2})"
    rf"(?:[T ]+(?P<H>\d{{1,2}}):?(?P<M>\d{{2}})(?::?(?P<S>\d{{2}}){_FRACTION})?{_OFFSET})?"
)
_TIME = (
    rf"(?:[T ,]+(?P<H>\d{{1,2}})[:.h](?P<M>\d{{2}})(?:[:.](?P<S>\d{{2}}){_FRACTION})?"
    rf"\s*(?P<p>[AaPp])?(?:\.?[Mm]\.?)?{_OFFSET})?"
)
_ORDERED = {
    "dmy": re.compile(r"(?P<d>\d{1,2})(?P<s>[-/. ])(?P<m>\d{1,2})(?P=s)(?P<y>\d{4})" + _TIME),
    "mdy": re.compile(r"(?P<m>\d{1,2})(?P<s>[-/. ])(?P<d>\d{1,2})(?P=s)(?P<y>\d{4})" + _TIME),
    "ymd": re.compile(r"(?P<y>\d{4})(?P<s>[-/. ])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})" + _TIME),
}
_NUMBER = re.compile(r"(-?\d{1,17})(?:\.(\d{1,9}))?")
_CLOCK = r"[0-2]\d:[0-5]\d:[0-5]\d"
_YEAR = r"(?:[1-9]\d{3}|0[1-9]\d\d)"
# Pattern of polars and what it may be used on: by itself it takes years of any length, and a year 0.
_QUICK = {
    "iso": ("%Y-%m-%dT%H:%M:%S%.fZ", rf"^{_YEAR}-\d\d-\d\dT{_CLOCK}(?:\.\d{{1,9}})?Z$"),
    "dmy": ("%d/%m/%Y %H:%M:%S", rf"^\d\d/\d\d/{_YEAR} {_CLOCK}$"),
    "mdy": ("%m/%d/%Y %H:%M:%S", rf"^\d\d/\d\d/{_YEAR} {_CLOCK}$"),
}
_REMEMBERED = 100_000


class TimeReader:
    """Reads the dates or times of one column.

    Args:
        form: One of `cloakroom.vault.mapping.DATE_ORDERS`, or a strptime pattern.
        timezone: Name of the zone of times without offset.
    """

    def __init__(self, form: str, timezone: str) -> None:
        self._form = form
        self._zone = zoneinfo.ZoneInfo(timezone)
        self._dates: dict[str, str | None] = {}

    def date(self, text: str) -> str | None:
        """Return an ISO date (``2001-09-14``), or None where `text` is none; a time of day is left out."""
        if text not in self._dates:
            if len(self._dates) >= _REMEMBERED:
                self._dates.clear()
            at = self._read(text.strip())
            self._dates[text] = None if at is None else at.date().isoformat()
        return self._dates[text]

    def time(self, text: str) -> int | None:
        """Return microseconds since 1970 in UTC, or None where `text` is no time."""
        at = self._read(text.strip())
        if at is None:
            return None
        try:
            return _in_zone(at, self._zone) if at.tzinfo is None else to_microseconds(at.astimezone(UTC))
        except OverflowError:
            return None

    def times(self, texts: pl.Series) -> list[int | None]:
        """Return microseconds for each text; the common spellings at once, the others one by one."""
        quick_form = _QUICK.get(self._form)
        if quick_form is None or (self._form != "iso" and self._zone.key != "UTC"):
            return [None if text is None else self.time(text) for text in texts.to_list()]
        pattern, shape = quick_form
        fitting = texts.set(~texts.str.contains(shape).fill_null(value=False), None)
        series = fitting.str.to_datetime(pattern, strict=False, time_unit="us")
        quick: list[int | None] = series.dt.replace_time_zone(None).dt.epoch("us").to_list()
        if series.null_count():
            quick = [
                self.time(text) if value is None and text is not None else value
                for value, text in zip(quick, texts.to_list(), strict=True)
            ]
        return quick

    def timestamp(self, text: str) -> str | None:
        """Return an RFC 3339 time in UTC, or None where `text` is no time."""
        microseconds = self.time(text)
        return None if microseconds is None else format_time(from_microseconds(microseconds))

    def _read(self, text: str) -> datetime | None:
        if self._form.startswith("unix_") and (number := _NUMBER.fullmatch(text)):
            return _from_unix(number, 1_000_000 if self._form == "unix_seconds" else 1_000)
        if "%" in self._form and (at := _by_pattern(text, self._form)) is not None:
            return at  # Before ISO, which would read another day out of 20240105 than `%Y%d%m` says.
        match = _ISO.fullmatch(text)
        if match is None and self._form in _ORDERED:
            match = _ORDERED[self._form].fullmatch(text)
        try:
            return None if match is None else _from_match(match)
        except ValueError:
            return None


def _by_pattern(text: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(text, pattern)
    except ValueError:
        return None


def _from_match(match: re.Match[str]) -> datetime:
    parts = match.groupdict()
    hour = int(parts["H"] or 0)
    if half := parts.get("p"):
        if not 1 <= hour <= 12:
            raise ValueError("no such hour")
        hour = hour % 12 + (12 if half in "pP" else 0)
    fraction = int((parts["f"] or "0")[:6].ljust(6, "0"))
    day = date(int(parts["y"]), int(parts["m"]), int(parts["d"]))
    at = datetime(day.year, day.month, day.day, hour, int(parts["M"] or 0), int(parts["S"] or 0), fraction)
    zone = parts["z"]
    if zone is None:
        return at
    if zone in "Zz":
        return at.replace(tzinfo=UTC)
    digits = zone[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) >= 60:
        raise ValueError("no such offset")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return at.replace(tzinfo=timezone(offset if zone[0] == "+" else -offset))


def _from_unix(number: re.Match[str], unit: int) -> datetime | None:
    whole, fraction = number.groups()
    beyond = int((fraction or "0")[:9].ljust(9, "0")) * unit // 1_000_000_000
    try:
        return EPOCH + timedelta(microseconds=int(whole) * unit + (-beyond if whole[0] == "-" else beyond))
    except OverflowError:
        return None


def _in_zone(at: datetime, zone: zoneinfo.ZoneInfo) -> int | None:
    placed = at.replace(tzinfo=zone, fold=0)
    back = placed.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    return None if back != at else to_microseconds(placed)
