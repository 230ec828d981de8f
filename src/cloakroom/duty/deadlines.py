"""Deadlines: from an event, an amount and a unit to an instant.

The rules, per unit:

- hours run through nights, weekends and holidays, from the instant of the event. Regulation (EEC, Euratom) 1182/71
  would not count the hour of the event and is argued to leave two working days in any period; the strict reading,
  which is earlier, drives the clock, and the other is only mentioned.
- days are days of the calendar: the day of the event, as the controller's own calendar shows it, is not counted, and
  the last day ends at midnight, where it comes first: at the controller or at the addressee.
- business days leave out the weekend and the public holidays of the stated calendar.
- a month ends on the day with the same number, or on the last day of a shorter month.
- "without undue delay" has no deadline; a soft target may be configured and is never called a deadline.
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import holidays

from cloakroom.errors import UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from cloakroom.duty.instruments import Period

__all__ = ["business_day_after", "deadline", "has_calendar"]

_LAST_SECOND = time(23, 59, 59)


def deadline(start: datetime, period: Period, *, own: ZoneInfo, there: ZoneInfo, holidays_of: str) -> datetime | None:
    """Return the last instant at which a duty is done in time, or None where the law gives no number.

    Args:
        start: The event, aware.
        period: Amount and unit.
        own: The controller's zone.
        there: The addressee's zone.
        holidays_of: Country or country-subdivision whose holidays count for business days.

    Raises:
        UsageError: There is no holiday calendar for that place.
    """
    if period.amount is None:
        return None
    if period.unit == "hour":
        # In UTC: adding to a local time would follow its wall clock through a change to or from summer time.
        return start.astimezone(UTC) + timedelta(hours=period.amount)
    day = start.astimezone(own).date()
    if period.unit == "calendar_day":
        last = day + timedelta(days=period.amount)
    elif period.unit == "business_day":
        last = business_day_after(day, period.amount, holidays_of)
    else:
        last = _months_after(day, period.amount)
    return min(datetime.combine(last, _LAST_SECOND, zone) for zone in (own, there))


def business_day_after(day: date, amount: int, holidays_of: str) -> date:
    """Return the `amount`-th business day after `day`.

    Raises:
        UsageError: There is no holiday calendar for that place.
    """
    known = _holidays(holidays_of)
    while amount > 0:
        day += timedelta(days=1)
        if known.is_working_day(day):
            amount -= 1
    return day


def has_calendar(place: str) -> bool:
    """Answer whether the holidays of a place are known."""
    try:
        _holidays(place)
    except UsageError:
        return False
    return True


@lru_cache(maxsize=128)
def _holidays(place: str) -> holidays.HolidayBase:
    country, _, subdivision = place.partition("-")
    try:
        return holidays.country_holidays(country, subdiv=subdivision or None)
    except NotImplementedError:
        raise UsageError(f"no calendar of public holidays for {place}") from None


def _months_after(day: date, amount: int) -> date:
    years, month = divmod(day.month - 1 + amount, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
