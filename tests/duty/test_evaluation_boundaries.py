"""Where one thing ends and another begins: controllers, proven and possible persons, the last instant."""

from dataclasses import replace
from datetime import timedelta

from duty_worlds import HOUSE, MONDAY, facts, group, risks

from cloakroom.adapters.legal_data import load_rules
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.rulebook import RuleFile, parse_rules

RULES = load_rules(with_cases=False)
OTHER = replace(HOUSE, id="other", name="Other SAS")


def evaluated(*groups, assessed, **more):
    world = facts(*groups, controllers=(HOUSE, OTHER), **more)
    return {duty.id: duty for duty in evaluate_duties(world, RULES, assessed)}


def test_the_risk_that_one_controllers_customers_run_says_nothing_of_anothers():
    for levels in (("high", "none"), ("none", "high")):
        assessed = [
            risk for level, name in zip(levels, ("house", "other"), strict=True) for risk in risks(level, name)
        ]
        found = evaluated(group("FR"), group("FR", controller="other"), assessed=assessed)
        for level, name in zip(levels, ("house", "other"), strict=True):
            expected = {"high": "due", "none": "not_due"}[level]
            assert found[f"eu-gdpr-34:FR:{name}"].status == expected


def test_a_controller_that_nobody_assessed_is_not_judged_by_anothers_assessment():
    found = evaluated(group("FR"), group("FR", controller="other"), assessed=risks("high", "house"))
    assert found["eu-gdpr-34:FR:other"].status == "conditional"


def test_the_shares_that_a_lead_authority_is_told_are_the_persons_counted():
    found = evaluated(group("FR", 100, possible=900), group("IT", 20, possible=70), assessed=risks())
    assert any("FR 100, IT 20" in reason for reason in found["eu-gdpr-33:FR:house"].reasons)
    assert found["eu-gdpr-33:IT:house"].residents == 20


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
id = "us-zz-first"
provision = "s. 1"
recipient_kind = "authority"
recipient = "someone"
clock = { start = "aware", amount = 72, unit = "hour" }
[[rule]]
id = "us-zz-second"
provision = "s. 2"
recipient_kind = "individual"
recipient = "residents"
when = { persons_from = 10 }
after = ["us-zz-first"]
clock = { start = "aware", amount = 72, unit = "hour" }
"""


def test_a_duty_that_is_not_due_waits_for_nothing_and_has_no_deadline():
    rules = parse_rules([RuleFile("us/zz.toml", LAW)])
    for persons, possible, status in ((9, 9, "not_due"), (9, 10, "conditional"), (10, 10, "due")):
        world = facts(group("US-ZZ", persons, possible=possible))
        found = {duty.id: duty for duty in evaluate_duties(world, rules, ())}
        second = found["us-zz-second:US-ZZ:house"]
        assert second.status == status
        assert second.after == (() if status == "not_due" else ("us-zz-first:US-ZZ:house",))
        assert (second.deadline is None) == (status == "not_due")


def test_persons_of_whom_none_is_proven_are_counted_as_far_as_they_are_possible():
    rules = parse_rules([RuleFile("us/zz.toml", LAW)])
    world = facts(group("US-ZZ", 0, possible=5))
    first = next(duty for duty in evaluate_duties(world, rules, ()) if duty.id.startswith("us-zz-first"))
    assert (first.status, first.residents) == ("conditional", 5)
    assert any("between 0 and 5 persons" in reason for reason in first.reasons)


def test_a_clock_that_starts_with_the_theft_starts_at_its_end_as_far_as_that_is_known():
    rules = parse_rules([RuleFile("us/zz.toml", LAW.replace('start = "aware"', 'start = "occurred"'))])
    begin, end, aware = (MONDAY - timedelta(days=days) for days in (9, 5, 0))
    for times, start in (
        ({"occurred_from": begin, "occurred_to": end}, end),
        ({"occurred_from": begin, "occurred_to": None}, begin),
        ({"occurred_from": None, "occurred_to": None}, aware),
    ):
        world = facts(group("US-ZZ"), **times)
        first = next(duty for duty in evaluate_duties(world, rules, ()) if duty.id.startswith("us-zz-first"))
        assert (first.clock.start, first.deadline) == (start, start + timedelta(hours=72))
        assert any("counted from awareness" in reason for reason in first.reasons) == (start == aware)


EVERYWHERE = """
[instrument]
id = "eu-zz"
name = "An invented law"
jurisdiction = "EU"
residents = ["EEA"]
source = "https://example.org"
read = 2026-11-23
confidence = "V1"
[[rule]]
id = "eu-zz-first"
provision = "s. 1"
jurisdiction = "residence"
recipient_kind = "authority"
recipient = "someone"
clock = { start = "aware", amount = 72, unit = "hour" }
[[rule]]
id = "eu-zz-second"
provision = "s. 2"
recipient_kind = "other"
recipient = "someone else"
clock = { start = "duty:eu-zz-first", amount = 24, unit = "hour" }
"""


def test_a_duty_that_follows_several_runs_from_the_last_one_done():
    rules = parse_rules([RuleFile("eu/zz.toml", EVERYWHERE)])
    world = facts(group("FR"), group("DE"))
    first, last = MONDAY + timedelta(hours=1), MONDAY + timedelta(hours=30)
    done = {"eu-zz-first:FR:house": last, "eu-zz-first:DE:house": first}
    second = next(duty for duty in evaluate_duties(world, rules, (), done=done) if duty.id.startswith("eu-zz-second"))
    assert (second.clock.start, second.deadline) == (last, last + timedelta(hours=24))
    assert "counted from when it was done" in second.reasons


def test_a_duty_that_follows_one_that_is_not_done_is_expected_by_the_earliest_deadline():
    by_day = EVERYWHERE.replace('amount = 72, unit = "hour"', 'amount = 1, unit = "calendar_day"')
    rules = parse_rules([RuleFile("eu/zz.toml", by_day)])
    world = facts(group("FR"), group("FI"))
    found = {duty.id: duty for duty in evaluate_duties(world, rules, ())}
    ends = [found[f"eu-zz-first:{place}:house"].deadline for place in ("FR", "FI")]
    assert min(ends) < max(ends)
    assert found["eu-zz-second:EU:house"].clock.start == min(ends)
