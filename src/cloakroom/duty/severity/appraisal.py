"""Appraisals: what people judge about a breach, in a TOML file beside the facts.

`[[context]]` says what the facts cannot (the trade, the span of the data, how much they tell); `[[decision]]` is what
a named person decided for a controller's segment; it may differ from the recommendation and then needs reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cloakroom.duty.fact_values import SEGMENTS
from cloakroom.duty.facts import RiskAssessment
from cloakroom.duty.severity.model import INSIGHTS, Assessment, Context, Outcome
from cloakroom.errors import InputError, Position, Problem
from cloakroom.toml import DocumentLimits, Table, parse_document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloakroom.duty.severity.method import Method

__all__ = ["Appraisal", "Decision", "check_decisions", "decision_for", "parse_appraisal", "risk_assessments"]

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Decision:
    """A named person's decision for one controller's segment.

    Attributes:
        controller: Id of the controller, or `*`.
        segment: Segment, or `*`.
        outcome: What is to be done.
        by: The person.
        at: When.
        reasons: Why; required where the outcome differs from the recommendation.
    """

    controller: str
    segment: str
    outcome: Outcome
    by: str
    at: datetime
    reasons: str


@dataclass(frozen=True, slots=True)
class Appraisal:
    """Judgements and decisions of one file."""

    contexts: tuple[Context, ...] = ()
    decisions: tuple[Decision, ...] = ()


def parse_appraisal(text: str, source: str, method: Method, *, limits: DocumentLimits | None = None) -> Appraisal:
    """Read an appraisal file.

    Raises:
        InputError: With every mistake and its line.
    """
    root = parse_document(text, source, limits=limits, error=InputError, semicolons=True)
    contexts = tuple(_context(table, method) for table in root.tables("context"))
    decisions = tuple(_decision(table) for table in root.tables("decision"))
    places = [(decision.controller, decision.segment) for decision in decisions]
    if len(set(places)) < len(places):
        root.report("decision", "two decisions are for the same controller and segment")
    root.close()
    root.check()
    return Appraisal(contexts, decisions)


def check_decisions(assessment: Assessment, decisions: Iterable[Decision], source: str) -> None:
    """Refuse a decision that departs from the recommendation without reasons, or is about an unknown controller.

    Raises:
        InputError: For each such decision.
    """
    decisions = tuple(decisions)
    known = {segment.controller for segment in assessment.segments} | {"*"}
    problems = [
        Problem(Position(source, None, "controller"), "a decision is about a controller without affected persons")
        for decision in decisions
        if decision.controller not in known
    ]
    problems += [
        Problem(Position(source, None, "reasons"), "a decision that differs from the recommendation needs reasons")
        for segment in assessment.segments
        if (decision := decision_for(decisions, segment.controller, segment.segment)) is not None
        and decision.outcome != segment.outcome
        and not decision.reasons.strip()
    ]
    if problems:
        raise InputError(problems)


def decision_for(decisions: Iterable[Decision], controller: str, segment: str) -> Decision | None:
    """Return the most specific decision for a controller's segment, or None."""
    fitting = [d for d in decisions if d.controller in {controller, "*"} and d.segment in {segment, "*"}]
    return max(fitting, key=lambda d: 2 * (d.controller == controller) + (d.segment == segment), default=None)


def risk_assessments(assessment: Assessment, decisions: Iterable[Decision] = ()) -> tuple[RiskAssessment, ...]:
    """Return for each segment what was decided, or else what is recommended, in the form that rules read."""
    decided = tuple(decisions)
    result = []
    for segment in assessment.segments:
        decision = decision_for(decided, segment.controller, segment.segment)
        outcome = segment.outcome if decision is None else decision.outcome
        result.append(
            RiskAssessment(
                controller=segment.controller,
                segment=segment.segment,
                document=outcome.document,
                authority=outcome.authority,
                persons=outcome.persons,
                decided_by="" if decision is None else decision.by,
            )
        )
    return tuple(result)


def _segment(table: Table) -> str:
    return table.text("segment", default="*", choices=SEGMENTS | {"*"})


def _context(table: Table, method: Method) -> Context:
    period = table.number("period_days") if table.has("period_days") else None
    context = Context(
        controller=table.text("controller", default="*"),
        segment=_segment(table),
        trade=table.text("trade", default="", choices=frozenset(method.trades) | {""}),
        period_days=period,
        insight=table.text("insight", default="", choices=INSIGHTS),
        public=table.flag("public", default=False),
        outdated=table.flag("outdated", default=False),
        author=_named(table, "author"),
        reason=_named(table, "reason"),
    )
    table.close()
    return context


def _named(table: Table, key: str) -> str:
    value = table.text(key)
    if table.has(key) and not value.strip():
        table.report(key, "must not be empty")
    return value


def _decision(table: Table) -> Decision:
    persons = table.flag("persons", default=False)
    authority = table.flag("authority", default=False)
    for key in ("authority", "persons"):
        if not table.has(key):
            table.report(key, "is missing")
    at = table.time("at")
    if at is None and not table.has("at"):
        table.report("at", "is missing")
    decision = Decision(
        controller=table.text("controller", default="*"),
        segment=_segment(table),
        outcome=Outcome(authority=authority, persons=persons),
        by=_named(table, "by"),
        at=at or _NEVER,
        reasons=table.text("reasons", default=""),
    )
    table.close()
    return decision
