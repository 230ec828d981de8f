"""The whole reasoning behind one duty, in words for a reader who has never seen the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cloakroom.clock import format_time
from cloakroom.duty.duties import NOT_LEGAL_ADVICE
from cloakroom.duty.expression_rendering import render_expression
from cloakroom.duty.instruments import CONFIDENCES
from cloakroom.duty.places import controller_zone
from cloakroom.duty.what_if import what_would_change

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from cloakroom.duty.duties import Duty
    from cloakroom.duty.facts import Facts, RiskAssessment
    from cloakroom.duty.instruments import Rule

__all__ = ["explain_duty"]

_STATUS: Final = {
    "due": "It is due.",
    "not_due": "It is not due.",
    "conditional": "It depends on something that is not settled.",
    "ask_counsel": "Ask counsel.",
}


def explain_duty(duty: Duty, facts: Facts, risks: tuple[RiskAssessment, ...]) -> tuple[str, ...]:
    """Return the explanation, a line each."""
    controller = facts.controller(duty.controller)
    lines = [
        duty.id,
        f"{controller.name} ({controller.country}): {_addressee(duty)}, {duty.jurisdiction}. {_STATUS[duty.status]}",
        "",
        "Why:",
        *(f"  - {reason}" for reason in duty.reasons),
        "",
        *_clock(duty, facts),
        *_law(duty),
    ]
    changes = what_would_change(duty, facts, risks)
    if changes:
        lines += ["", "What would change it:", *(f"  - {change}" for change in changes)]
    return (*lines, "", NOT_LEGAL_ADVICE)


def _addressee(duty: Duty) -> str:
    kind = {"authority": "authority", "individual": "persons", "other": "other recipient"}[duty.recipient_kind]
    return f"{kind} {duty.recipient}" if duty.recipient else kind


def _clock(duty: Duty, facts: Facts) -> Iterator[str]:
    clock = duty.clock
    if not clock.event:
        return
    zone = controller_zone(facts.controller(duty.controller))
    start = _both(clock.start, zone) if clock.start is not None else "not yet"
    amount = (
        f"{clock.amount} {clock.unit.replace('_', ' ')}(s)" if clock.amount is not None else "without undue delay"
    )
    yield f"Clock: starts when {clock.event.replace('_', ' ')} ({start}), {amount}."
    if duty.deadline is not None:
        yield f"Deadline: {_both(duty.deadline, zone)}."
    if duty.target is not None:
        yield f"Target, not law: {_both(duty.target, zone)}."
    if duty.after:
        yield f"Only after: {', '.join(duty.after)}."


def _both(at: datetime, zone: ZoneInfo) -> str:
    """Render an instant in the controller's zone and in UTC."""
    return f"{at.astimezone(zone).strftime('%a %d %b %Y %H:%M:%S')} {zone.key}, {format_time(at)}"


def _law(duty: Duty) -> Iterator[str]:
    yield f"Residents counted: {duty.residents:,}. Bearer: {duty.bearer}."
    rule = duty.rule
    if rule is None:
        return
    for label, values in (
        ("Must contain", duty.content_required),
        ("Must not contain", duty.content_forbidden),
        ("Channels", duty.channels),
        ("Languages", duty.languages),
        ("May wait for", rule.delay),
    ):
        if values:
            yield f"{label}: {'; '.join(values)}."
    for label, text in _texts(rule):
        if text:
            yield f"{label}: {text}."
    if rule.effect == "duty":
        who, when = render_expression(rule.who), render_expression(rule.when)
        yield f"The rule counts persons if: {who}. It is triggered if: {when}."
    for exemption in rule.exemptions:
        yield f"Exempt ({exemption.text}) if: {render_expression(exemption.when)}."
    yield f"Law: {duty.instrument}, {rule.provision}{_validity(rule)}."
    yield f"Source: {rule.source}, read {rule.read}; {rule.confidence}: {CONFIDENCES[rule.confidence]}."
    yield f"Rule file: {rule.file}:{rule.line}."


def _texts(rule: Rule) -> tuple[tuple[str, str], ...]:
    return (
        ("Substitute", rule.substitute),
        ("Extension", rule.extension),
        ("Record", rule.record),
        ("Maximum fine", rule.fine),
    )


def _validity(rule: Rule) -> str:
    begin = f", from {rule.valid_from}" if rule.valid_from is not None else ""
    return begin + (f", until {rule.valid_until}" if rule.valid_until is not None else "")
