"""Judgements, decisions, versions and the method file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from tests.duty.severity_world import exposed, incident

from cloakroom.adapters.legal_data import load_method
from cloakroom.duty.severity import assess, parse_method
from cloakroom.duty.severity.appraisal import check_decisions, decision_for, parse_appraisal, risk_assessments
from cloakroom.duty.severity.history import (
    Version,
    add_version,
    changes_between,
    check_history,
    parse_version,
    render_version,
)
from cloakroom.duty.severity.model import AssessmentLimits
from cloakroom.duty.severity.report import render_json
from cloakroom.errors import InputError, LimitError, RuleError, TamperedError

METHOD = load_method()
AT = datetime(2026, 3, 3, 10, tzinfo=UTC)
THEFT = incident(taken="exfiltrated", holder="criminal")
CONTACT = frozenset({"name", "email", "spend_total"})
ASSESSMENT = assess(METHOD, THEFT, [exposed("balmere", "general", 500, 500, CONTACT)])

DECISION = """
[[decision]]
controller = "balmere"
segment = "general"
authority = true
persons = false
by = "D. Person"
at = 2026-03-03T10:00:00Z
reasons = "All persons were called."
"""


def test_a_decision_may_differ_and_is_shown_beside_the_recommendation() -> None:
    judged = parse_appraisal(DECISION, "a.toml", METHOD)
    check_decisions(ASSESSMENT, judged.decisions, "a.toml")
    plain = render_json(ASSESSMENT, judged.decisions)["segments"][0]
    assert plain["outcome"]["persons"] is True
    assert plain["decision"]["outcome"]["persons"] is False
    assert plain["decision"]["differs"] is True
    assert plain["decision"]["by"] == "D. Person"
    assert plain["decision"]["reasons"] == "All persons were called."


def test_a_decision_that_differs_without_reasons_is_refused() -> None:
    judged = parse_appraisal(DECISION.replace("All persons were called.", " "), "a.toml", METHOD)
    with pytest.raises(InputError, match="needs reasons"):
        check_decisions(ASSESSMENT, judged.decisions, "a.toml")


def test_a_decision_about_an_unknown_controller_is_refused_not_ignored() -> None:
    judged = parse_appraisal(DECISION.replace('"balmere"', '"balmare"'), "a.toml", METHOD)
    with pytest.raises(InputError, match="without affected persons"):
        check_decisions(ASSESSMENT, judged.decisions, "a.toml")


def test_a_decision_that_agrees_needs_no_reasons() -> None:
    agreeing = DECISION.replace("persons = false", "persons = true").replace("All persons were called.", "")
    check_decisions(ASSESSMENT, parse_appraisal(agreeing, "a.toml", METHOD).decisions, "a.toml")


def test_rules_get_what_was_decided_and_who_decided_it() -> None:
    decisions = parse_appraisal(DECISION, "a.toml", METHOD).decisions
    risk = risk_assessments(ASSESSMENT, decisions)[0]
    assert (risk.authority, risk.persons, risk.decided_by) == (True, False, "D. Person")
    assert risk_assessments(ASSESSMENT)[0].persons is True


def test_the_most_specific_decision_counts() -> None:
    general = DECISION.replace('"general"', '"*"').replace("D. Person", "Everywhere")
    decisions = parse_appraisal(DECISION + general, "a.toml", METHOD).decisions
    chosen = decision_for(decisions, "balmere", "general")
    other = decision_for(decisions, "balmere", "minor")
    assert chosen is not None
    assert chosen.by == "D. Person"
    assert other is not None
    assert other.by == "Everywhere"
    assert decision_for(decisions, "aurelio", "general") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('by = "D. Person"', 'by = " "'), "must not be empty"),
        (('by = "D. Person"\n', ""), "is missing"),
        (("persons = false\n", ""), "is missing"),
        (("at = 2026-03-03T10:00:00Z", "at = 2026-03-03T10:00:00"), "needs an offset"),
        (('segment = "general"', 'segment = "nobody"'), "must be one of"),
        (('by = "D. Person"', 'by = "D. Person"\nscore = 3'), "unknown key"),
    ],
)
def test_mistakes_in_an_appraisal_are_refused(change: tuple[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_appraisal(DECISION.replace(*change), "a.toml", METHOD)


def test_two_decisions_for_one_segment_are_refused() -> None:
    with pytest.raises(InputError, match="same controller and segment"):
        parse_appraisal(DECISION + DECISION, "a.toml", METHOD)


def test_context_needs_an_author_and_a_reason_and_a_known_trade() -> None:
    with pytest.raises(InputError) as caught:
        parse_appraisal('[[context]]\ntrade = "casino"\n', "a.toml", METHOD)
    assert len(caught.value.problems) == 3


def made(facts: bytes, persons: int, history: list[Version], minutes: int = 0) -> Version | None:
    assessment = assess(METHOD, THEFT, [exposed("balmere", "general", persons, persons, CONTACT)])
    return add_version(
        history, assessment=render_json(assessment), facts=facts, at=AT + timedelta(minutes=minutes), by="A. Person"
    )


def test_every_version_is_kept_and_says_what_changed() -> None:
    first = made(b"1", 500, [])
    assert first is not None
    second = made(b"2", 600, [first], 5)
    assert second is not None
    assert second.changes == ("balmere/general: persons 500 became 600", "balmere/general: records 500 became 600")
    check_history([first, second])


def test_nothing_new_makes_no_version_and_new_facts_without_effect_make_one() -> None:
    first = made(b"1", 500, [])
    assert first is not None
    assert made(b"1", 500, [first]) is None
    second = made(b"2", 500, [first])
    assert second is not None
    assert second.changes == ("facts changed without effect on the assessment",)


def test_a_version_survives_being_kept() -> None:
    first = made(b"1", 500, [])
    assert first is not None
    assert parse_version(render_version(first)) == first


def test_a_missing_or_altered_version_is_noticed() -> None:
    first = made(b"1", 500, [])
    assert first is not None
    second = made(b"2", 600, [first])
    assert second is not None
    with pytest.raises(TamperedError):
        check_history([second])
    altered = parse_version(render_version(first).replace(b"A. Person", b"B. Person"))
    with pytest.raises(TamperedError):
        check_history([altered, second])
    with pytest.raises(TamperedError):
        parse_version(render_version(first)[:-5])
    with pytest.raises(TamperedError):
        parse_version(json.dumps(json.loads(render_version(first))).encode())


def test_versions_are_limited() -> None:
    first = made(b"1", 500, [])
    assert first is not None
    with pytest.raises(LimitError):
        add_version([first], assessment={}, facts=b"", at=AT, by="A", limits=AssessmentLimits(versions_max=1))
    with pytest.raises(LimitError):
        assess(METHOD, THEFT, [exposed("b", "general", 1, 1, CONTACT)] * 2, limits=AssessmentLimits(groups_max=1))
    several = [exposed("b", "general", 1, 1, CONTACT), exposed("b", "general", 1, 1, frozenset({"name"}))]
    with pytest.raises(LimitError):
        assess(METHOD, THEFT, several, limits=AssessmentLimits(data_sets_max=1))


TEXT = resources.files("cloakroom.duty.severity").joinpath("method.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('id = "O1"\n', 'id = "O2"\n'), "same id"),
        (('effect = "persons"', 'effect = "everybody"'), "must be one of"),
        (('source = "EDPB 01/2021 case 9; never for strangers or a customer (UODO)"\n', ""), "is missing"),
        (('elements = ["password",', 'elements = ["passwords",'), "not one of"),
        (('elements = ["password",', 'elements = ["name", "password",'), "exactly once"),
        (("from = 200", "from = 300"), "must start at 0 and rise"),
        (("holder_any = ", "holder_like = "), "unknown key"),
        (('class = "simple"', 'class = "simpler"'), "must be one of"),
        (("when = {}", "when = { persons_min = 5 }"), "must hold always"),
    ],
)
def test_a_method_with_a_mistake_is_refused(change: tuple[str, str], message: str) -> None:
    assert change[0] in TEXT
    with pytest.raises(RuleError, match=message):
        parse_method(TEXT.replace(*change, 1), "method.toml")


def test_a_method_names_its_version_in_every_result() -> None:
    other = parse_method(TEXT.replace('version = "2026-11-23"', 'version = "2027-01-01"'), "method.toml")
    assert assess(other, THEFT, []).method == "enisa-2013/2027-01-01"


def test_the_reference_lists_every_rule_and_every_trade() -> None:
    text = (Path(__file__).parents[2] / "docs/reference/severity.md").read_text("utf-8")
    assert all(f"| {rule.id} |" in text for rule in METHOD.overrides)
    assert all(trade in text for trade in METHOD.trades)


def test_the_example_in_the_reference_can_be_used() -> None:
    text = (Path(__file__).parents[2] / "docs/reference/severity.md").read_text("utf-8")
    judged = parse_appraisal(text.split("```toml\n")[1].split("```")[0], "a.toml", METHOD)
    assert judged.contexts[0].trade == "luxury"
    assert judged.decisions[0].by == "D. Person"


def test_segments_rules_and_methods_that_come_and_go_are_named() -> None:
    before = render_json(assess(METHOD, THEFT, [exposed("balmere", "general", 5, 5, frozenset({"email"}))]))
    rows = [
        exposed("balmere", "general", 5000, 5000, CONTACT),
        exposed("balmere", "minor", 5, 5, CONTACT),
    ]
    after = render_json(assess(METHOD, THEFT, rows), parse_appraisal(DECISION, "a.toml", METHOD).decisions)
    forth = changes_between(before, {**after, "method": "enisa-2013/later"})
    back = changes_between(after, before)
    assert "method enisa-2013/2026-11-23 became enisa-2013/later" in forth
    assert "balmere/minor: new, SE 3" in forth
    assert "balmere/general: rule O6a applies now" in forth
    assert "balmere/general: persons: to be told (recommended)" in forth
    assert "balmere/general: decision now by D. Person" in forth
    assert "balmere/minor: no longer affected" in back
    assert "balmere/general: rule O6a applies no longer" in back
    assert "balmere/general: decision now by nobody" in back


def test_a_version_that_is_json_but_no_version_is_refused() -> None:
    with pytest.raises(TamperedError):
        parse_version(b"{}")


def test_an_appraisal_without_a_time_is_refused() -> None:
    with pytest.raises(InputError, match="at: is missing"):
        parse_appraisal(DECISION.replace("at = 2026-03-03T10:00:00Z\n", ""), "a.toml", METHOD)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT[TEXT.index("[[class]]") :], "is missing"),
        (TEXT.replace("change = 100\n", "", 1), "is missing"),
        (TEXT.replace('band = "low"', 'band = "lower"'), r"no \[\[impact\]\]"),
    ],
)
def test_a_method_that_lacks_something_is_refused(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        parse_method(text, "method.toml")
