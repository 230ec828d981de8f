"""Assess the severity of an incident from the files that people write, and keep every version of it.

Not legal advice: the result is a recommendation, beside what named persons decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloakroom.adapters.case_folder import CaseFolder
from cloakroom.adapters.legal_data import load_method
from cloakroom.adapters.named_files import read_text_file
from cloakroom.crypto import sha256
from cloakroom.duty.facts import Facts, RiskAssessment, parse_facts
from cloakroom.duty.severity import Assessment, assess_facts
from cloakroom.duty.severity.appraisal import Appraisal, Decision, check_decisions, parse_appraisal, risk_assessments
from cloakroom.duty.severity.history import add_version, check_history, parse_version, render_version
from cloakroom.duty.severity.report import render_json
from cloakroom.errors import UsageError
from cloakroom.toml import DocumentLimits

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

__all__ = ["AssessedIncident", "KeptAssessment", "assess_incident", "keep_assessment", "read_document"]


@dataclass(frozen=True, slots=True)
class AssessedIncident:
    """The facts of an incident, their severity, and what named persons decided about it.

    Attributes:
        facts: The facts.
        text: The facts file as written.
        assessment: What the method recommends for each controller and segment.
        decisions: What persons decided.
    """

    facts: Facts
    text: str
    assessment: Assessment
    decisions: tuple[Decision, ...]

    @property
    def facts_hash(self) -> str:
        """SHA-256 of the facts file, hex."""
        return sha256(self.text.encode()).hex()

    @property
    def risks(self) -> tuple[RiskAssessment, ...]:
        """The risk of each controller and segment, as decided or else as recommended."""
        return risk_assessments(self.assessment, self.decisions)


@dataclass(frozen=True, slots=True)
class KeptAssessment:
    """The version of an assessment that the folder holds now, and what it changed; empty if nothing changed."""

    number: int
    changes: tuple[str, ...]


def read_document(path: Path) -> str:
    """Return the text of a file that people write, within the usual limit.

    Raises:
        InputError: It cannot be read, is too large or is not UTF-8.
    """
    return read_text_file(path, bytes_max=DocumentLimits().bytes_max)


def assess_incident(facts: Path, appraisal: Path | None = None) -> AssessedIncident:
    """Read the facts of an incident and assess them.

    Args:
        facts: The facts file.
        appraisal: What people judged and decided, if they did.

    Raises:
        InputError: With every mistake of a file, or with each decision that lacks its reasons.
    """
    text = read_document(facts)
    parsed = parse_facts(text, str(facts))
    method = load_method()
    judged = Appraisal()
    if appraisal is not None:
        judged = parse_appraisal(read_document(appraisal), str(appraisal), method)
    assessment = assess_facts(method, parsed, judged.contexts)
    check_decisions(assessment, judged.decisions, str(appraisal or facts))
    return AssessedIncident(parsed, text, assessment, judged.decisions)


def keep_assessment(folder: Path, incident: AssessedIncident, *, by: str, at: datetime) -> KeptAssessment:
    """Keep an assessment as the next version in the folder of the case, if anything changed.

    Args:
        folder: Folder of the case.
        incident: The assessed incident.
        by: Who makes the version.
        at: Now.

    Raises:
        UsageError: Nobody is named.
        LimitError: The folder holds as many versions as it may.
        TamperedError: An earlier version was altered.
    """
    if not by.strip():
        raise UsageError("--case needs --by: the name of the person who makes this version")
    case = CaseFolder(folder)
    history = [parse_version(case.get(path)) for path in case.names("severity/")]
    check_history(history)
    plain = render_json(incident.assessment, incident.decisions)
    version = add_version(history, assessment=plain, facts=incident.text.encode(), at=at, by=by)
    if version is None:
        return KeptAssessment(history[-1].number, ())
    case.put(f"severity/{version.number:05}.json", render_version(version))
    return KeptAssessment(version.number, version.changes)
