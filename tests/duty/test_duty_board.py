from datetime import UTC, datetime, timedelta

import pytest
from duty_worlds import HOUSE, MONDAY, facts, group, risks

from cloakroom.duty.board import Done, board, parse_progress, reminders
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.facts import ControllerFacts
from cloakroom.duty.instruments import RuleSet
from cloakroom.duty.parsing import parse_instrument
from cloakroom.errors import InputError

LAW = """
[instrument]
id = "us-zz"
name = "An invented law"
jurisdiction = "US-ZZ"
residents = ["US-ZZ"]
source = "https://example.org"
read = 2026-11-23
confidence = "V1"
[[rule]]
id = "first"
provision = "1"
recipient_kind = "authority"
recipient = "Police"
clock = { start = "aware", amount = 72, unit = "hour" }
[[rule]]
id = "second"
provision = "2"
recipient_kind = "individual"
recipient = "persons"
after = ["first"]
clock = { start = "aware", amount = 30, unit = "calendar_day" }
[[rule]]
id = "third"
provision = "3"
recipient_kind = "other"
recipient = "agencies"
clock = { start = "aware", unit = "without_undue_delay", target = { amount = 24, unit = "hour" } }
[[rule]]
id = "fourth"
provision = "4"
recipient_kind = "other"
recipient = "market"
when = { open = "does it matter?" }
clock = { start = "aware", amount = 4, unit = "hour" }
[[rule]]
id = "fifth"
provision = "5"
recipient_kind = "other"
recipient = "nobody"
when = { always = false }
clock = { start = "aware", amount = 4, unit = "hour" }
"""
RULES = RuleSet((parse_instrument(LAW, "us/zz.toml"),))
WORLD = facts(group("US-ZZ"))
DUTIES = evaluate_duties(WORLD, RULES, risks())


def rows(hours, *done):
    found = board(DUTIES, WORLD, done, MONDAY + timedelta(hours=hours))
    return {row.duty.rule.id: row for row in found}, [row.duty.rule.id for row in found]


def done(rule, hours, **more):
    return Done(f"{rule}:US-ZZ:house", MONDAY + timedelta(hours=hours), "sha256:00", **more)


def test_the_board_leaves_out_what_is_not_due_and_puts_the_most_urgent_first():
    _, order = rows(0)
    assert order == ["fourth", "third", "first", "second"]


def test_every_row_says_how_much_time_is_left():
    found, _ = rows(10)
    assert found["first"].left == timedelta(hours=62)
    assert found["third"].left is None
    assert found["third"].remarks == ("no number in the law: the time shown is a target",)


def test_states_follow_the_clock():
    early, _ = rows(1)
    assert {name: row.state for name, row in early.items()} == {
        "fourth": "undecided",
        "first": "running",
        "second": "blocked",
        "third": "open",
    }
    late, order = rows(72.001)
    assert late["first"].state == "overdue"
    assert late["fourth"].state == "overdue"
    assert order[:2] == ["fourth", "first"]
    exact, _ = rows(72)
    assert exact["first"].state == "running"


def test_a_duty_is_blocked_until_the_one_before_it_is_done():
    assert rows(1)[0]["second"].blocked_by == ("first:US-ZZ:house",)
    after, order = rows(1, done("first", 1))
    assert after["second"].state == "running"
    assert after["second"].blocked_by == ()
    assert order[-1] == "first"


@pytest.mark.parametrize(("hours", "state"), [(72, "done"), (72.001, "late")])
def test_done_in_time_or_late(hours, state):
    row = rows(100, done("first", hours))[0]["first"]
    assert (row.state, row.left) == (state, None)
    assert bool(row.remarks) is (state == "late")


def test_a_late_duty_wants_its_reason():
    assert rows(100, done("first", 80))[0]["first"].remarks
    assert not rows(100, done("first", 80, late_reason="scope was unknown"))[0]["first"].remarks


def test_deadlines_are_shown_in_the_controllers_zone():
    tokyo = ControllerFacts("house", "House KK", "JP")
    world = facts(group("US-ZZ"), controllers=(tokyo,))
    found = board(evaluate_duties(world, RULES, risks()), world, (), MONDAY)
    first = next(row for row in found if row.duty.rule.id == "first")
    assert first.local.isoformat() == "2026-03-05T18:00:00+09:00"
    second = next(row for row in found if row.duty.rule.id == "second")
    assert second.local.isoformat() == "2026-04-01T23:59:59+09:00"


def test_reminders_come_half_way_and_a_day_six_hours_and_an_hour_before():
    first = next(duty for duty in DUTIES if duty.rule.id == "first")
    assert [at - MONDAY for at in reminders(first, MONDAY)] == [timedelta(hours=h) for h in (36, 48, 66, 71)]
    assert [at - MONDAY for at in reminders(first, MONDAY + timedelta(hours=66))] == [timedelta(hours=71)]
    fourth = next(duty for duty in DUTIES if duty.rule.id == "fourth")
    assert [at - MONDAY for at in reminders(fourth, MONDAY)] == [timedelta(hours=2), timedelta(hours=3)]


def test_reminders_are_exact_over_a_change_of_the_clocks():
    at = datetime(2026, 3, 26, 12, tzinfo=UTC)
    world = facts(group("US-ZZ"), at=at)
    first = next(duty for duty in evaluate_duties(world, RULES, risks()) if duty.rule.id == "first")
    assert reminders(first, at)[-1] == at + timedelta(hours=71)


PROGRESS = """
[[done]]
duty = "first:US-ZZ:house"
at = 2026-03-03T09:00:00Z
proof = "sha256:00"
reference = "N-1"
"""


def test_progress_is_read_strictly():
    assert parse_progress(PROGRESS, "p")[0].reference == "N-1"
    for bad in (
        PROGRESS + PROGRESS,
        PROGRESS.replace('proof = "sha256:00"\n', ""),
        PROGRESS.replace("at = 2026-03-03T09:00:00Z\n", ""),
        PROGRESS.replace("reference", "refernce"),
        PROGRESS.replace("09:00:00Z", "09:00:00"),
    ):
        with pytest.raises(InputError):
            parse_progress(bad, "p")


def test_the_house_of_these_tests_sits_in_paris():
    assert HOUSE.country == "FR"


def test_nobody_is_reminded_of_what_is_done():
    assert rows(1)[0]["first"].reminders
    assert rows(1, done("first", 1))[0]["first"].reminders == ()
