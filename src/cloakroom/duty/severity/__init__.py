"""Severity of a personal data breach: the ENISA number, rules beside it, and a written decision. Not legal advice."""

from cloakroom.duty.severity.assessment import assess, assess_facts
from cloakroom.duty.severity.method import Method, parse_method
from cloakroom.duty.severity.model import Assessment, Context, Outcome, SegmentAssessment

__all__ = [
    "Assessment",
    "Context",
    "Method",
    "Outcome",
    "SegmentAssessment",
    "assess",
    "assess_facts",
    "parse_method",
]
