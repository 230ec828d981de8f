from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.duty.deadlines import business_day_after, deadline, has_calendar
from cloakroom.duty.instruments import Period
from cloakroom.errors import UsageError

PARIS = ZoneInfo("Europe/Paris")
TOKYO = ZoneInfo("Asia/Tokyo")
ANGELES = ZoneInfo("America/Los_Angeles")
BRASILIA = ZoneInfo("America/Sao_Paulo")
TIMES = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


def ends(start, amount, unit, own=PARIS, there=PARIS, holidays_of="FR"):
    return deadline(start, Period(amount, unit), own=own, there=there, holidays_of=holidays_of)


def test_72_hours_run_through_a_weekend_and_a_change_of_the_clocks():
    friday = datetime(2026, 3, 27, 18, 0, tzinfo=PARIS)
    assert ends(friday, 72, "hour") == friday.astimezone(UTC) + timedelta(hours=72)
    assert ends(friday, 72, "hour").astimezone(PARIS).hour == 19  # summer time began on Sunday


@given(TIMES, st.integers(1, 2000))
def test_hours_are_exact_whatever_the_zone(start, amount):
    assert ends(start, amount, "hour", PARIS, TOKYO) == start + timedelta(hours=amount)


def test_the_day_of_the_event_is_the_controllers_and_does_not_count():
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)  # 2 March in Paris
    assert ends(late, 30, "calendar_day").date() == date(2026, 4, 1)


def test_the_last_day_ends_at_the_earlier_midnight():
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    japan = ends(start, 5, "calendar_day", PARIS, TOKYO)
    assert (japan.isoformat(), japan.tzinfo) == ("2026-03-07T23:59:59+09:00", TOKYO)
    california = ends(start, 30, "calendar_day", PARIS, ANGELES)
    assert california.isoformat() == "2026-04-01T23:59:59+02:00"


@given(TIMES, st.integers(0, 400))
def test_a_deadline_in_days_never_falls_before_the_number_of_full_days_elsewhere_nor_a_day_late(start, amount):
    end = ends(start, amount, "calendar_day", PARIS, PARIS)
    assert timedelta(days=amount - 1) < end - start < timedelta(days=amount + 1, hours=2)


def test_brazilian_business_days_leave_out_weekend_and_carnival_or_not():
    # Good Friday 3 April 2026 and Tiradentes, Tuesday 21 April 2026, are holidays in Brazil.
    assert business_day_after(date(2026, 3, 2), 3, "BR") == date(2026, 3, 5)
    assert business_day_after(date(2026, 4, 1), 3, "BR") == date(2026, 4, 7)
    assert business_day_after(date(2026, 4, 17), 3, "BR") == date(2026, 4, 23)
    assert ends(datetime(2026, 4, 1, 12, tzinfo=UTC), 3, "business_day", PARIS, BRASILIA, "BR").date() == date(
        2026, 4, 7
    )


def test_weekends_are_the_countrys_own():
    thursday = date(2026, 3, 5)
    assert business_day_after(thursday, 1, "FR") == date(2026, 3, 6)
    assert business_day_after(thursday, 1, "SA") == date(2026, 3, 8)  # Friday and Saturday are the weekend
    assert business_day_after(thursday, 1, "IL") == date(2026, 3, 8)


def test_a_months_end_is_the_same_day_or_the_last_one():
    def month(day):
        return ends(datetime(2026, *day, 12, tzinfo=UTC), 1, "month").date()

    assert month((3, 5)) == date(2026, 4, 5)
    assert month((1, 31)) == date(2026, 2, 28)
    assert month((12, 31)) == date(2027, 1, 31)


def test_without_a_number_there_is_no_deadline():
    assert ends(datetime(2026, 3, 2, tzinfo=UTC), None, "without_undue_delay") is None


def test_an_unknown_calendar_is_refused_not_guessed():
    assert has_calendar("BR")
    assert has_calendar("US-NY")
    assert not has_calendar("ZZ")
    assert not has_calendar("US-XX")
    with pytest.raises(UsageError):
        business_day_after(date(2026, 3, 2), 1, "ZZ")


@given(st.dates(date(2024, 1, 1), date(2028, 1, 1)), st.integers(1, 30))
def test_business_days_add_up(day, amount):
    step = day
    for _ in range(amount):
        step = business_day_after(step, 1, "BR")
    assert step == business_day_after(day, amount, "BR")
    assert step.weekday() < 5
