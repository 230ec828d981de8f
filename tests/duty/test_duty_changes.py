"""What a change would do, what a change did, and the explanation of one duty."""

from dataclasses import replace

import pytest
from duty_worlds import facts, group, risks
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.adapters.legal_data import load_rules
from cloakroom.duty.comparing import compare_duties
from cloakroom.duty.duties import NOT_LEGAL_ADVICE
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.explaining import explain_duty
from cloakroom.duty.what_if import what_would_change, with_changes

RULES = load_rules()
SSN = ("name", "national_id")


def evaluated(world, level="high"):
    return {duty.id: duty for duty in evaluate_duties(world, RULES, risks(level))}


def changes(duty_id, world, level="high"):
    return what_would_change(evaluated(world, level)[duty_id], world, risks(level))


def test_just_below_a_threshold_the_number_is_named():
    found = changes("us-tx-ag:US-TX:house", facts(group("US-TX", 249, SSN)))
    assert "from 250 persons on: due (now 249)" in found
    assert not any(text.startswith("below") for text in found)


def test_just_at_a_threshold_the_way_back_is_named():
    found = changes("us-tx-ag:US-TX:house", facts(group("US-TX", 250, SSN)))
    assert "below 250 persons: not due (now 250)" in found
    assert not any(text.startswith("from") for text in found)


def test_the_reference_theft_says_which_element_would_turn_it_on():
    found = changes("us-tx-individuals:US-TX:house", facts(group("US-TX", 1000)))
    assert any(text.startswith("if the data also held") and "passport" in text for text in found)
    found = changes("us-tx-individuals:US-TX:house", facts(group("US-TX", 1000, SSN)))
    assert any("did not hold" in text and "name" in text for text in found)
    assert "if the data were unintelligible and the key safe: not due" in found


def test_the_risk_that_would_change_it_is_named():
    found = changes("eu-gdpr-34:FR:house", facts(group("FR")), "risk")
    assert found == ("if the assessment found a high risk for every segment: due",)
    lead = changes("eu-gdpr-33:FR:house", facts(group("FR"), group("IT")), "none")
    assert "if the assessment found a risk for every segment: due" in lead


@given(st.integers(1, 600), st.sampled_from([SSN, ("name", "email"), ("health",)]))
def test_a_number_that_is_named_really_changes_the_status(persons, data):
    duty_id = "us-tx-ag:US-TX:house"
    world = facts(group("US-TX", persons, data))
    before = evaluated(world)[duty_id]
    for text in what_would_change(before, world, risks()):
        if text.startswith(("from", "below")):
            number = int(text.split()[1]) - text.startswith("below")
            after = evaluated(facts(group("US-TX", number, data)))[duty_id]
            assert after.status != before.status
            assert after.status.replace("_", " ") in text


def test_changes_are_added_to_the_reasons_and_nothing_else():
    world = facts(group("US-TX", 249, SSN))
    plain = evaluate_duties(world, RULES, risks())
    told = with_changes(plain, world, risks())
    assert [replace(duty, reasons=()) for duty in told] == [replace(duty, reasons=()) for duty in plain]
    assert any(reason.startswith("change: from 250") for duty in told for reason in duty.reasons)


def test_a_changed_scope_changes_exactly_the_duties_it_should():
    before = evaluate_duties(facts(group("FR"), group("US-TX", 249, SSN), group("KR")), RULES, risks())
    after = evaluate_duties(facts(group("FR"), group("US-TX", 250, SSN), group("KR")), RULES, risks())
    found = {change.id: change for change in compare_duties(before, after)}
    assert all(":US-TX:" in duty_id for duty_id in found)
    assert found["us-tx-ag:US-TX:house"].before.status == "not_due"
    assert found["us-tx-ag:US-TX:house"].after.status == "due"
    assert "residents" in found["us-tx-individuals:US-TX:house"].fields
    assert "status" not in found["us-tx-individuals:US-TX:house"].fields


def test_a_new_residence_appears_and_a_gone_one_vanishes():
    before = evaluate_duties(facts(group("GB"), group("TR")), RULES, risks())
    after = evaluate_duties(facts(group("GB"), group("CH")), RULES, risks())
    kinds = {change.id.split(":")[1]: change.kind for change in compare_duties(before, after)}
    assert kinds == {"CH": "appeared", "TR": "vanished"}


def test_equal_facts_change_nothing():
    world = facts(group("FR"), group("US-TX"))
    assert list(compare_duties(evaluate_duties(world, RULES, risks()), evaluate_duties(world, RULES, risks()))) == []


@pytest.mark.parametrize("duty_id", ["us-tx-ag:US-TX:house", "eu-gdpr-33:FR:house", "uncovered-authority:VA:house"])
def test_an_explanation_has_reasons_clock_law_and_the_warning(duty_id):
    world = facts(group("FR"), group("US-TX", 249, SSN), group("VA"))
    lines = explain_duty(evaluated(world)[duty_id], world, risks())
    assert lines[0] == duty_id
    assert lines[-1] == NOT_LEGAL_ADVICE
    assert "Why:" in lines
    if not duty_id.startswith("uncovered"):
        text = "\n".join(lines)
        assert "Clock: starts when" in text
        assert "It is triggered if: " in text
        assert "Source: https://" in text
        assert "Rule file: " in text
        assert "What would change it:" in text
