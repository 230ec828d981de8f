"""Check the cases that stand beside the rules: each is evaluated with its own instrument alone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.instruments import RuleSet
from cloakroom.errors import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloakroom.duty.duties import Duty
    from cloakroom.duty.instruments import Authority, Instrument, RuleCase

__all__ = ["failed_cases"]


def failed_cases(instrument: Instrument, authorities: tuple[Authority, ...] = ()) -> Iterator[Problem]:
    """Yield a problem for every case of `instrument` that its rules do not satisfy.

    Args:
        instrument: Its rules and cases. A case of a pending rule is tried as if that rule were law.
        authorities: The address book of other instruments.
    """
    for case in instrument.cases:
        reason = _failure(case, instrument, authorities)
        if reason:
            yield Problem(Position(case.file, case.line, case.rule), f"case {case.name!r}: {reason}")


def _failure(case: RuleCase, instrument: Instrument, authorities: tuple[Authority, ...]) -> str:
    rules = RuleSet((_as_tried(instrument, case.rule, authorities),))
    results = [
        duty
        for duty in evaluate_duties(case.facts, rules, case.risks, done=dict(case.done))
        if duty.rule is not None
        and duty.rule.id == case.rule
        and (not case.jurisdiction or duty.jurisdiction == case.jurisdiction)
    ]
    if not results:
        return "gives no result"
    return next((reason for reason in (_difference(case, duty) for duty in results) if reason), "")


def _as_tried(instrument: Instrument, rule_id: str, authorities: tuple[Authority, ...]) -> Instrument:
    """Put a pending rule in force for its own case, unless a version of it already is."""
    known = instrument.authorities + authorities
    if any(rule.id == rule_id and not rule.pending for rule in instrument.rules):
        return instrument.with_(authorities=known)
    rules = tuple(rule.enacted() if rule.id == rule_id else rule for rule in instrument.rules)
    return instrument.with_(rules=rules, authorities=known)


def _difference(case: RuleCase, duty: Duty) -> str:
    if duty.status != case.expect:
        return f"{duty.jurisdiction} is {duty.status}, expected {case.expect} ({'; '.join(duty.reasons[:3])})"
    if case.due_by is not None:
        wanted, actual = case.due_by, duty.deadline
        by_day = actual is not None and not isinstance(wanted, datetime)
        if (actual.date() if actual is not None and by_day else actual) != wanted:
            return f"due by {actual}, expected {wanted}"
    if case.residents is not None and duty.residents != case.residents:
        return f"counts {duty.residents} persons, expected {case.residents}"
    if case.recipient and duty.recipient != case.recipient:
        return f"goes to {duty.recipient!r}, expected {case.recipient!r}"
    return ""
