"""An assessment as the JSON that `duties severity --json` prints, and as words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cloakroom.clock import format_time
from cloakroom.duty.severity.appraisal import decision_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloakroom.duty.severity.appraisal import Decision
    from cloakroom.duty.severity.model import Assessment, Outcome, Score, SegmentAssessment, Step

__all__ = ["NOT_ADVICE", "outcome_words", "render_json", "render_number"]

NOT_ADVICE: Final = "A computed recommendation, not legal advice. A named person decides."


def render_number(hundredths: int) -> int | float:
    """Return hundredths as a number; quarters are exact in binary, so nothing is rounded."""
    whole, rest = divmod(hundredths, 100)
    return whole if rest == 0 else hundredths / 100


def outcome_words(outcome: Outcome) -> str:
    """Return an outcome in words."""
    if outcome.persons:
        return "record it, tell the authority, tell the persons"
    return "record it, tell the authority" if outcome.authority else "record it"


def render_json(assessment: Assessment, decisions: Iterable[Decision] = ()) -> dict[str, Any]:
    """Return the assessment as plain values for JSON, the decided outcome beside the recommended one."""
    decided = tuple(decisions)
    return {
        "method": assessment.method,
        "segments": [_segment(segment, decided) for segment in assessment.segments],
        "outcome": _outcome(assessment.outcome),
        "notes": list(assessment.notes),
        "advice": NOT_ADVICE,
    }


def _segment(segment: SegmentAssessment, decisions: tuple[Decision, ...]) -> dict[str, Any]:
    decision = decision_for(decisions, segment.controller, segment.segment)
    return {
        "controller": segment.controller,
        "segment": segment.segment,
        "persons": segment.persons,
        "records": segment.records,
        **_score(segment.score),
        "band": segment.band,
        "flags": dict(segment.flags),
        "overrides": [
            {
                "id": override.id,
                "title": override.title,
                "effect": override.effect,
                "changed_outcome": override.changed,
                "reason": override.reason,
                "because": list(override.because),
                "source": override.source,
                "confidence": override.confidence,
            }
            for override in segment.overrides
        ],
        "likelihood": {
            "value": segment.likelihood.value,
            "words": segment.likelihood.words,
            "reason": segment.likelihood.reason,
        },
        "impact": {"value": segment.impact.value, "words": segment.impact.words, "reason": segment.impact.reason},
        "risk": segment.risk,
        "outcome": _outcome(segment.outcome),
        "decision": None if decision is None else _decision(decision, segment.outcome),
        "other_data_sets": [_score(score) for score in segment.others],
        "notes": list(segment.notes),
    }


def _decision(decision: Decision, recommended: Outcome) -> dict[str, Any]:
    return {
        "outcome": _outcome(decision.outcome),
        "by": decision.by,
        "at": format_time(decision.at),
        "reasons": decision.reasons,
        "differs": decision.outcome != recommended,
    }


def _score(score: Score) -> dict[str, Any]:
    return {
        "data": sorted(score.data),
        "persons_with_at_least_these": score.persons,
        "dpc": render_number(score.dpc),
        "ei": render_number(score.ei),
        "cb": render_number(score.cb),
        "se": render_number(score.se),
        "steps": [_step(step) for step in score.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "element": step.element,
        "rule": step.rule,
        "value": render_number(step.change),
        "reason": step.reason,
        "because": list(step.because),
        "source": step.source,
    }


def _outcome(outcome: Outcome) -> dict[str, bool]:
    return {"document": outcome.document, "authority": outcome.authority, "persons": outcome.persons}
