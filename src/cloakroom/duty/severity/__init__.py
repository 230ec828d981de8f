"""Severity of a personal data breach: the ENISA number, rules beside it, and a written decision. Not legal advice."""

from cloakroom.duty.severity.assessment import assess, assess_facts
from cloakroom.duty.severity.method import Method, load_method, parse_method
from cloakroom.duty.severity.model import Assessment, Circumstances, Context, Exposure, Outcome, SegmentAssessment

__all__ = [
    "Assessment",
    "Circumstances",
    "Context",
    "Exposure",
    "Method",
    "Outcome",
    "SegmentAssessment",
    "assess",
    "assess_facts",
    "load_method",
    "parse_method",
]
