"""Evaluate which duties the facts of an incident give rise to, from the files that people write. Not legal advice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cloakroom.duty.board import BoardRow, Done, board, parse_progress
from cloakroom.duty.comparing import DutyChange, compare_duties
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.explaining import explain_duty
from cloakroom.duty.instruments import Period
from cloakroom.duty.what_if import with_changes
from cloakroom.errors import RuleError, UsageError
from cloakroom.use_cases.incident.duty_rules import rules_of
from cloakroom.use_cases.incident.severity import AssessedIncident, assess_incident, read_document

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cloakroom.duty.duties import Duty
    from cloakroom.duty.instruments import RuleSet

__all__ = ["DutyFiles", "duty_board", "duty_changes", "explain", "find_duties"]


@dataclass(frozen=True, slots=True)
class DutyFiles:
    """Files and settings of one evaluation.

    Attributes:
        facts: The facts file.
        appraisal: What people judged and decided about severity.
        progress: What was done.
        rules: Folder of rule files instead of the packaged ones.
        target_hours: The house's own aim where the law gives no number.
    """

    facts: Path
    appraisal: Path | None = None
    progress: Path | None = None
    rules: Path | None = None
    target_hours: int | None = None


@dataclass(frozen=True, slots=True)
class _Evaluation:
    incident: AssessedIncident
    duties: tuple[Duty, ...]


def find_duties(files: DutyFiles) -> tuple[Duty, ...]:
    """Return every duty, and every reasoned "not due", each with what would change it.

    Raises:
        InputError: With every mistake of a file.
    """
    evaluation = _evaluate(files, rules_of(files.rules), _progress(files))
    return with_changes(evaluation.duties, evaluation.incident.facts, evaluation.incident.risks)


def duty_changes(files: DutyFiles, before: Path) -> tuple[DutyChange, ...]:
    """Return the duties that differ from those that earlier facts gave rise to.

    Args:
        files: Facts of now, and all else.
        before: The earlier facts file.

    Raises:
        InputError: With every mistake of a file.
    """
    rules, done = rules_of(files.rules), _progress(files)
    now = _evaluate(files, rules, done)
    earlier = _evaluate(replace(files, facts=before), rules, done)
    explained = with_changes(now.duties, now.incident.facts, now.incident.risks)
    return tuple(compare_duties(earlier.duties, explained))


def duty_board(files: DutyFiles, now: datetime) -> tuple[BoardRow, ...]:
    """Return the running clocks, the most urgent first.

    Raises:
        InputError: With every mistake of a file.
        RuleError: The progress file names a duty that the facts do not give rise to.
    """
    done = _progress(files)
    evaluation = _evaluate(files, rules_of(files.rules), done)
    known = {duty.id for duty in evaluation.duties}
    unknown = [item for item in done if item.duty not in known]
    if unknown:
        reason = f"{len(unknown)} entries name a duty that the facts do not give rise to"
        raise RuleError.at(str(files.progress), reason)
    return board(evaluation.duties, evaluation.incident.facts, done, now)


def explain(files: DutyFiles, duty_id: str) -> tuple[str, ...]:
    """Return the whole reasoning behind one duty, line by line.

    Raises:
        InputError: With every mistake of a file.
        UsageError: No duty of that id arises.
    """
    evaluation = _evaluate(files, rules_of(files.rules), ())
    duty = next((item for item in evaluation.duties if item.id == duty_id), None)
    if duty is None:
        raise UsageError("no duty of that id arises from these facts; 'duties evaluate' lists them")
    return tuple(explain_duty(duty, evaluation.incident.facts, evaluation.incident.risks))


def _progress(files: DutyFiles) -> tuple[Done, ...]:
    return () if files.progress is None else parse_progress(read_document(files.progress), str(files.progress))


def _evaluate(files: DutyFiles, rules: RuleSet, done: tuple[Done, ...]) -> _Evaluation:
    incident = assess_incident(files.facts, files.appraisal)
    target = None if files.target_hours is None else Period(files.target_hours, "hour")
    times = {item.duty: item.at for item in done}
    return _Evaluation(incident, evaluate_duties(incident.facts, rules, incident.risks, done=times, target=target))
