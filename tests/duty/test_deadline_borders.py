"""Deadlines at their borders: midnight, weekend, holiday, the change of the clocks, the ends of months.

Expected days are counted by hand on the calendar of 2026 and 2027; public holidays are those of each law.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from duty_worlds import HOUSE, group

from cloakroom.duty.deadlines import business_day_after, deadline
from cloakroom.duty.facts import ControllerFacts
from cloakroom.duty.instruments import Period
from cloakroom.duty.places import EEA, controller_zone, reaches, zone_of

PARIS, SYDNEY, HONOLULU = ZoneInfo("Europe/Paris"), ZoneInfo("Australia/Sydney"), ZoneInfo("Pacific/Honolulu")


def ends(start: str, amount: int, unit: str, own: ZoneInfo = PARIS, there: ZoneInfo = PARIS, of: str = "FR") -> str:
    at = deadline(datetime.fromisoformat(start), Period(amount, unit), own=own, there=there, holidays_of=of)
    assert at is not None
    return at.isoformat()


@pytest.mark.parametrize(
    ("start", "last"),
    [
        ("2026-03-02T22:59:59+00:00", "2026-03-03T23:59:59+01:00"),  # 23:59:59 on the 2nd in Paris
        ("2026-03-02T23:00:00+00:00", "2026-03-04T23:59:59+01:00"),  # midnight: the 3rd has begun there
        ("2026-07-02T21:59:59+00:00", "2026-07-03T23:59:59+02:00"),  # in summer midnight comes an hour earlier in UTC
        ("2026-07-02T22:00:00+00:00", "2026-07-04T23:59:59+02:00"),
    ],
)
def test_a_day_begins_at_midnight_of_the_controllers_own_clock(start: str, last: str) -> None:
    assert ends(start, 1, "calendar_day") == last


@pytest.mark.parametrize(
    ("own", "there", "last"),
    [
        (PARIS, SYDNEY, "2026-03-03T23:59:59+11:00"),
        (SYDNEY, PARIS, "2026-03-03T23:59:59+11:00"),
        (PARIS, HONOLULU, "2026-03-03T23:59:59+01:00"),
        (HONOLULU, PARIS, "2026-03-03T23:59:59+01:00"),
    ],
)
def test_the_last_day_ends_with_whichever_of_the_two_places_ends_it_first(
    own: ZoneInfo, there: ZoneInfo, last: str
) -> None:
    noon = "2026-03-02T11:00:00+00:00"  # 2 March in Paris, Sydney (22:00) and Honolulu (01:00)
    assert ends(noon, 1, "calendar_day", own, there) == last


def test_only_the_controllers_calendar_says_on_which_day_the_event_fell() -> None:
    evening = "2026-03-02T20:00:00+00:00"  # 2 March in Paris and Honolulu, already 3 March in Sydney
    assert ends(evening, 1, "calendar_day", PARIS, SYDNEY) == "2026-03-03T23:59:59+11:00"
    assert ends(evening, 1, "calendar_day", SYDNEY, PARIS) == "2026-03-04T23:59:59+11:00"


@pytest.mark.parametrize(
    ("start", "last"),
    [
        ("2026-03-28T12:00:00+01:00", "2026-03-31T13:00:00+02:00"),  # summer time began on the 29th
        ("2026-10-24T12:00:00+02:00", "2026-10-27T11:00:00+01:00"),  # and ended on 25 October
    ],
)
def test_72_hours_are_72_hours_whichever_way_the_clocks_change(start: str, last: str) -> None:
    assert datetime.fromisoformat(ends(start, 72, "hour")) == datetime.fromisoformat(last)
    zoned = datetime.fromisoformat(start).replace(tzinfo=PARIS)
    assert deadline(zoned, Period(72, "hour"), own=PARIS, there=PARIS, holidays_of="FR") == datetime.fromisoformat(
        last
    )


def test_a_last_day_on_which_the_clocks_change_still_ends_at_its_last_second() -> None:
    assert ends("2026-10-24T12:00:00+02:00", 1, "calendar_day") == "2026-10-25T23:59:59+01:00"
    assert ends("2026-03-28T12:00:00+01:00", 1, "calendar_day") == "2026-03-29T23:59:59+02:00"


@pytest.mark.parametrize(
    ("place", "day", "amount", "last"),
    [
        ("FR", date(2026, 3, 6), 1, date(2026, 3, 9)),  # Friday to Monday
        ("FR", date(2026, 3, 7), 1, date(2026, 3, 9)),  # an event on Saturday
        ("FR", date(2026, 3, 8), 1, date(2026, 3, 9)),  # and on Sunday
        ("FR", date(2026, 4, 2), 2, date(2026, 4, 7)),  # Good Friday is worked in France, Easter Monday is not
        ("DE", date(2026, 4, 2), 1, date(2026, 4, 7)),  # in Germany neither is
        ("FR", date(2026, 7, 13), 1, date(2026, 7, 15)),  # 14 July
        ("FR", date(2026, 12, 24), 1, date(2026, 12, 28)),  # Christmas is a Friday
        ("GB", date(2026, 12, 24), 1, date(2026, 12, 29)),  # Boxing Day falls on Saturday, its substitute on Monday
        ("US", date(2026, 7, 2), 1, date(2026, 7, 6)),  # 4 July is a Saturday and kept on Friday the 3rd
        ("JP", date(2026, 5, 1), 1, date(2026, 5, 7)),  # the holidays of 3 to 5 May, with a substitute on the 6th
        ("AE", date(2026, 3, 5), 1, date(2026, 3, 6)),  # Saturday and Sunday are the weekend there since 2022
        ("SA", date(2026, 3, 4), 2, date(2026, 3, 8)),  # Friday and Saturday are
        ("FR", date(2026, 12, 31), 1, date(2027, 1, 4)),  # 1 January is a Friday
        ("FR", date(2026, 3, 7), 0, date(2026, 3, 7)),  # no day to count
    ],
)
def test_business_days_leave_out_what_the_place_does_not_work(place: str, day: date, amount: int, last: date) -> None:
    assert business_day_after(day, amount, place) == last


def test_a_state_keeps_holidays_of_its_own_beside_those_of_the_country() -> None:
    patriots_day = date(2026, 4, 20)  # in Massachusetts the third Monday of April
    friday = patriots_day - timedelta(days=3)
    assert business_day_after(friday, 1, "US") == patriots_day
    assert business_day_after(friday, 1, "US-MA") == patriots_day + timedelta(days=1)


def test_business_days_are_counted_from_the_controllers_day_on_the_calendar_that_is_named() -> None:
    late_on_sunday = "2026-04-05T23:30:00+00:00"  # Easter Monday in Paris
    assert ends(late_on_sunday, 1, "business_day", of="FR") == "2026-04-07T23:59:59+02:00"
    assert ends("2026-04-03T12:00:00+02:00", 1, "business_day", of="FR") == "2026-04-07T23:59:59+02:00"
    assert ends("2026-04-03T12:00:00+02:00", 1, "business_day", of="US") == "2026-04-06T23:59:59+02:00"


@pytest.mark.parametrize(
    ("start", "amount", "last"),
    [
        ("2028-01-31", 1, "2028-02-29"),
        ("2027-01-31", 1, "2027-02-28"),
        ("2027-02-28", 1, "2027-03-28"),  # the last day of a month stays its number
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-01-15", 12, "2027-01-15"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2026-01-31", 11, "2026-12-31"),
        ("2026-05-31", 1, "2026-06-30"),
    ],
)
def test_months_end_on_the_same_number_or_the_last_of_a_shorter_month(start: str, amount: int, last: str) -> None:
    assert ends(f"{start}T12:00:00+00:00", amount, "month")[:10] == last


def test_midnight_may_put_the_event_into_the_next_month() -> None:
    assert ends("2026-01-31T22:59:59+00:00", 1, "month")[:10] == "2026-02-28"
    assert ends("2026-01-31T23:00:00+00:00", 1, "month")[:10] == "2026-03-01"


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("FR", "Europe/Paris"),
        ("US-TX", "America/Chicago"),
        ("US-NY", "America/New_York"),  # without an entry of its own: that of the country
        ("US-HI", "Pacific/Honolulu"),
        ("CA-BC", "America/Vancouver"),
        ("CA-QC", "America/Toronto"),
        ("ZZ", "UTC"),
        ("ZZ-TX", "UTC"),
        ("", "UTC"),
    ],
)
def test_a_place_has_the_time_of_its_subdivision_else_of_its_country_else_utc(place: str, zone: str) -> None:
    assert zone_of(place) == ZoneInfo(zone)


def test_every_member_of_the_economic_area_has_its_own_time() -> None:
    summer = datetime(2026, 7, 1, tzinfo=UTC)
    offsets = {place: summer.astimezone(zone_of(place)).utcoffset() for place in EEA}
    hours = {place: offset.total_seconds() / 3600 for place, offset in offsets.items() if offset is not None}
    by_offset = {
        0: {"IS"},
        1: {"IE", "PT"},
        3: {"BG", "CY", "EE", "FI", "GR", "LT", "LV", "RO"},
    }
    for place, value in hours.items():
        assert value == next((offset for offset, places in by_offset.items() if place in places), 2), place


def test_a_controllers_own_zone_goes_before_that_of_its_seat() -> None:
    assert controller_zone(HOUSE) == PARIS
    overseas = ControllerFacts("house", "House", "FR", timezone="Indian/Reunion")
    assert controller_zone(overseas) == ZoneInfo("Indian/Reunion")


@pytest.mark.parametrize(
    ("residents", "excluded", "place", "is_reached"),
    [
        ({"US-TX"}, (), "US-TX", True),
        ({"US-TX"}, (), "US-CA", False),
        ({"US-TX"}, (), "US", False),  # an unknown state is not Texas
        ({"US"}, (), "US-TX", True),
        ({"EEA"}, (), "NO", True),
        ({"EEA"}, (), "GB", False),
        ({"EEA"}, (), "CH", False),
        ({"*"}, (), "ZZ", True),
        ({"*"}, {"FR"}, "FR", False),
        ({"EEA"}, {"FR"}, "FR", False),
        ({"US"}, {"US-TX"}, "US-TX", False),
        ({"US"}, {"US-TX"}, "US-CA", True),
        ({"US-TX"}, {"US"}, "US-TX", False),  # what is taken out is taken out of everything
        ((), (), "FR", False),
    ],
)
def test_a_rule_reaches_residents_by_place_country_or_area_less_those_taken_out(
    residents: set[str], excluded: set[str], place: str, is_reached: bool
) -> None:
    assert reaches(frozenset(residents), frozenset(excluded), group(place)) is is_reached
