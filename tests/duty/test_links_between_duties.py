"""Order, chained clocks and requests to wait, over an invented law; and what two evaluations differ in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from duty_worlds import MONDAY, facts, group

from cloakroom.duty.comparing import compare_duties
from cloakroom.duty.duties import Duty, DutyClock
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.facts import Hold
from cloakroom.duty.rulebook import RuleFile, parse_rules

HEAD = """
[instrument]
id = "xx"
name = "An invented law"
jurisdiction = "FR"
residents = ["*"]
source = "https://example.org"
read = 2026-11-23
confidence = "V1"
"""
RULE = """
[[rule]]
id = "xx-{name}"
provision = "s. 1"
jurisdiction = "residence"
recipient_kind = "{kind}"
recipient = "someone"
"""
FIRST = RULE.format(name="first", kind="authority")
SECOND = RULE.format(name="second", kind="individual")
HOURS = 'clock = { start = "aware", amount = 72, unit = "hour" }\n'
CHAINED = 'clock = { start = "duty:xx-first", amount = %d, unit = "%s" }\n'


def evaluated(text: str, *places: str, done: dict[str, datetime] | None = None, holds: tuple[Hold, ...] = ()):
    rules = parse_rules([RuleFile("world/xx.toml", HEAD + text)])
    world = facts(*(group(place) for place in places or ("FR",)), holds=holds)
    return {
        duty.id.removeprefix("xx-").removesuffix(":house"): duty
        for duty in evaluate_duties(world, rules, (), done=done)
    }


def test_a_duty_waits_for_the_one_of_its_own_place_where_that_place_has_one() -> None:
    found = evaluated(FIRST + HOURS + SECOND + HOURS + 'after = ["xx-first"]\n', "FR", "IT")
    assert found["second:FR"].after == ("xx-first:FR:house",)
    assert found["second:IT"].after == ("xx-first:IT:house",)
    assert found["first:FR"].after == ()


def test_a_duty_waits_for_those_of_all_other_places_where_its_own_has_none() -> None:
    elsewhere = FIRST + HOURS + 'residents = ["DE", "IT"]\n'
    found = evaluated(elsewhere + SECOND + HOURS + 'after = ["xx-first"]\n', "FR", "DE", "IT")
    assert set(found["second:FR"].after) == {"xx-first:DE:house", "xx-first:IT:house"}
    assert found["second:DE"].after == ("xx-first:DE:house",)


def test_what_is_not_due_is_waited_for_by_nobody() -> None:
    refused = FIRST + HOURS + "when = { persons_from = 1001 }\n"
    found = evaluated(refused + SECOND + HOURS + 'after = ["xx-first"]\n')
    assert found["first:FR"].status == "not_due"
    assert found["second:FR"].after == ()


def test_what_is_still_undecided_is_waited_for() -> None:
    open_still = FIRST + HOURS + 'when = { open = "is it?" }\n'
    found = evaluated(open_still + SECOND + HOURS + 'after = ["xx-first"]\n')
    assert found["first:FR"].status == "conditional"
    assert found["second:FR"].after == ("xx-first:FR:house",)


@pytest.mark.parametrize(
    ("amount", "unit", "ends"),
    [
        (0, "hour", MONDAY + timedelta(hours=72)),  # together with the one before it, at the latest
        (1, "hour", MONDAY + timedelta(hours=73)),
        (24, "hour", MONDAY + timedelta(hours=96)),
    ],
)
def test_a_chained_clock_is_projected_from_the_deadline_before_it(amount: int, unit: str, ends: datetime) -> None:
    second = evaluated(FIRST + HOURS + SECOND + CHAINED % (amount, unit))["second:FR"]
    assert (second.clock.start, second.deadline) == (MONDAY + timedelta(hours=72), ends)
    assert second.reasons[-1] == "projected from the latest date of the duty before it"


def test_a_chained_clock_counts_from_the_doing_whether_early_or_late() -> None:
    for hours in (1, 71, 73, 200):
        at = MONDAY + timedelta(hours=hours)
        second = evaluated(FIRST + HOURS + SECOND + CHAINED % (24, "hour"), done={"xx-first:FR:house": at})[
            "second:FR"
        ]
        assert (second.clock.start, second.deadline) == (at, at + timedelta(hours=24))
        assert second.reasons[-1] == "counted from when it was done"


def test_a_chained_clock_in_days_follows_the_calendars_of_both_places() -> None:
    text = FIRST + HOURS + SECOND + CHAINED % (1, "calendar_day")
    at = datetime.fromisoformat("2026-03-03T23:30:00+00:00")  # 4 March in Paris, where the controller sits
    done = {"xx-first:JP:house": at, "xx-first:US-HI:house": at, "xx-first:US:house": at}
    found = evaluated(text, "JP", done=done)
    assert found["second:JP"].deadline == datetime.fromisoformat("2026-03-05T23:59:59+09:00")
    found = evaluated(text, "US", done=done)
    assert found["second:US"].deadline == datetime.fromisoformat("2026-03-05T23:59:59+01:00")


def test_a_chained_clock_whose_first_link_has_no_number_has_not_started() -> None:
    undated = FIRST + 'clock = { start = "aware", unit = "without_undue_delay" }\n'
    second = evaluated(undated + SECOND + CHAINED % (24, "hour"))["second:FR"]
    assert (second.status, second.clock.start, second.deadline, second.target) == ("due", None, None, None)
    assert second.reasons[-1] == "the clock starts when the duty before it is done"


def test_a_chained_duty_that_is_not_due_does_not_speak_of_its_clock() -> None:
    refused = SECOND + CHAINED % (24, "hour") + "when = { persons_from = 1001 }\n"
    second = evaluated(FIRST + HOURS + refused)["second:FR"]
    assert (second.status, second.clock.start, second.deadline) == ("not_due", None, None)
    assert not any("clock" in reason or "projected" in reason for reason in second.reasons)


DELAYED = FIRST + HOURS + 'delay = ["law_enforcement"]\n'


def test_a_request_to_wait_holds_its_own_place_and_ground_alone() -> None:
    until = MONDAY + timedelta(days=9)
    hold = Hold("law_enforcement", "FR", until)
    found = evaluated(DELAYED, "FR", "IT", holds=(hold,))
    held, free = found["first:FR"], found["first:IT"]
    assert (held.status, free.status) == ("conditional", "due")
    assert held.reasons[-1] == (
        f"on hold (law enforcement) until {until.isoformat()}: the duty stands and revives then"
    )
    assert held.deadline == free.deadline  # its clock is not stopped
    assert evaluated(DELAYED, holds=(Hold("national_security", "FR", until),))["first:FR"].status == "due"
    assert evaluated(FIRST + HOURS, holds=(hold,))["first:FR"].status == "due"


def test_a_request_without_an_end_holds_until_it_is_lifted() -> None:
    held = evaluated(DELAYED, holds=(Hold("law_enforcement", "FR", None),))["first:FR"]
    assert "on hold (law enforcement) until it is lifted" in held.reasons[-1]


def test_a_request_that_does_not_fit_does_not_hide_one_that_does() -> None:
    holds = (
        Hold("law_enforcement", "IT", None),
        Hold("national_security", "FR", None),
        Hold("law_enforcement", "FR", None),
    )
    assert evaluated(DELAYED, holds=holds)["first:FR"].status == "conditional"


def test_a_request_to_wait_makes_nothing_of_what_is_not_due() -> None:
    refused = DELAYED + "when = { persons_from = 1001 }\n"
    found = evaluated(refused, holds=(Hold("law_enforcement", "FR", None),))["first:FR"]
    assert (found.status, any("on hold" in reason for reason in found.reasons)) == ("not_due", False)


def test_what_is_undecided_already_is_not_put_on_hold_as_well() -> None:
    undecided = DELAYED + 'when = { open = "is it?" }\n'
    found = evaluated(undecided, holds=(Hold("law_enforcement", "FR", None),))["first:FR"]
    assert found.reasons == ("open: is it?",)


def one(**changes: object) -> Duty:
    return replace(evaluated(FIRST + HOURS)["first:FR"], **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "conditional"),
        ("deadline", MONDAY),
        ("deadline", None),
        ("recipient", "someone else"),
        ("bearer", "holding"),
        ("residents", 999),
        ("clock", DutyClock("aware", MONDAY, 71, "hour")),
        ("after", ("xx-other:FR:house",)),
        ("provision", "s. 2"),
        ("confidence", "V3"),
    ],
)
def test_a_difference_is_named_by_its_field_alone(name: str, value: object) -> None:
    before, after = one(), one(**{name: value})
    (change,) = compare_duties([before], [after])
    assert (change.kind, change.fields, change.before, change.after) == ("changed", (name,), before, after)


@pytest.mark.parametrize("name", ["reasons", "target", "content_required", "source", "channels", "languages"])
def test_what_says_nothing_of_who_is_told_and_when_is_no_difference(name: str) -> None:
    value = MONDAY if name == "target" else "elsewhere" if name == "source" else ("something",)
    assert list(compare_duties([one()], [one(**{name: value})])) == []


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ("not_due", "not_due", ()),
        ("not_due", "due", ("status", "residents")),
        ("due", "not_due", ("status", "residents")),
        ("due", "due", ("residents",)),
        ("conditional", "conditional", ("residents",)),
    ],
)
def test_residents_count_as_a_difference_unless_nothing_is_due_before_and_after(
    before: str, after: str, fields: tuple[str, ...]
) -> None:
    found = list(compare_duties([one(status=before)], [one(status=after, residents=7)]))
    assert [change.fields for change in found] == ([fields] if fields else [])


def test_differences_come_in_the_order_of_the_later_facts_and_what_vanished_last() -> None:
    gone, kept, moved, new = (one(id=name) for name in ("gone", "kept", "moved", "new"))
    found = list(compare_duties([gone, moved, kept], [new, kept, replace(moved, residents=1)]))
    assert [(change.id, change.kind) for change in found] == [
        ("new", "appeared"),
        ("moved", "changed"),
        ("gone", "vanished"),
    ]
    assert (found[0].before, found[0].after, found[0].fields) == (None, new, ())
    assert (found[2].before, found[2].after, found[2].fields) == (gone, None, ())
