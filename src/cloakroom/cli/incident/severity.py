"""`cloakroom duties severity`: the severity of a breach, with every reason. Not legal advice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloakroom.cli.incident.options import AppraisalPath, FactsPath
from cloakroom.cli.output import JsonOption, moment, print_columns, print_json, say
from cloakroom.duty.severity.appraisal import decision_for
from cloakroom.duty.severity.report import NOT_ADVICE, outcome_words, render_json, render_number
from cloakroom.use_cases.incident.severity import assess_incident, keep_assessment

if TYPE_CHECKING:
    from cloakroom.duty.severity import SegmentAssessment
    from cloakroom.use_cases.incident.severity import AssessedIncident, KeptAssessment

__all__ = ["severity"]


def severity(
    facts: FactsPath,
    appraisal: AppraisalPath = None,
    case: Annotated[Path | None, typer.Option(help="Folder of the case; keeps every version there.")] = None,
    by: Annotated[str, typer.Option(help="Who makes this version; needed with --case.")] = "",
    json_output: JsonOption = False,
) -> None:
    """Compute the severity of a breach for each controller and segment, and what it calls for."""
    incident = assess_incident(facts, appraisal)
    kept = None if case is None else keep_assessment(case, incident, by=by, at=moment(""))
    if json_output:
        version = {} if kept is None else {"version": {"number": kept.number, "changes": list(kept.changes)}}
        print_json({**render_json(incident.assessment, incident.decisions), **version})
    else:
        _print(incident, kept)


def _print(incident: AssessedIncident, kept: KeptAssessment | None) -> None:
    assessment = incident.assessment
    for segment in assessment.segments:
        _print_segment(segment)
        decision = decision_for(incident.decisions, segment.controller, segment.segment)
        if decision is not None:
            say((f"  decided by {decision.by}: {outcome_words(decision.outcome)}", "bold"))
            if decision.reasons:
                say(f"    because {decision.reasons}")
        say()
    say((f"In all: {outcome_words(assessment.outcome)}", "bold"))
    for note in assessment.notes:
        say(note)
    if kept is not None:
        say(f"Version {kept.number}: " + ("; ".join(kept.changes) or "nothing changed"))
    say((f"{NOT_ADVICE} Method {assessment.method}.", "dim"))


def _print_segment(segment: SegmentAssessment) -> None:
    score = segment.score
    formula = f"{render_number(score.dpc)} × {render_number(score.ei)} + {render_number(score.cb)}"
    head = f"{segment.controller} · {segment.segment} · {segment.persons:,} persons"
    say((f"{head}: SE {formula} = {render_number(score.se)}, {segment.band}", "bold"))
    steps = [
        (f"  {step.element}", str(render_number(step.change)), step.reason, "; ".join(step.because))
        for step in score.steps
    ]
    rules = [
        (f"  {rule.id}", "rule", rule.reason, f"{rule.source} [{rule.confidence}]") for rule in segment.overrides
    ]
    print_columns([*steps, *rules])
    say(f"  {segment.risk}")
    say(f"  recommended: {outcome_words(segment.outcome)}")
    for note in segment.notes:
        say(f"  {note}")
