"""Values that severity takes beside the facts, and those that come out.

All scores are whole hundredths, so that 0.25 stays 0.25. `Context` carries what the facts file cannot say (the
seller's trade, the time that the data span) and names who judged it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "INSIGHTS",
    "Assessment",
    "AssessmentLimits",
    "Context",
    "Outcome",
    "Override",
    "Scale",
    "Score",
    "SegmentAssessment",
    "Step",
]

INSIGHTS = frozenset({"", "full", "general", "none", "some"})


@dataclass(frozen=True, slots=True)
class AssessmentLimits:
    """Bounds on what one assessment reads.

    Attributes:
        groups_max: Groups of affected persons.
        data_sets_max: Different data sets of one controller, over all controllers.
        contexts_max: Judgements about context.
        versions_max: Versions kept of one assessment.
    """

    groups_max: int = 100_000
    data_sets_max: int = 2_000
    contexts_max: int = 10_000
    versions_max: int = 10_000


@dataclass(frozen=True, slots=True)
class Context:
    """A named person's judgement about the data of a controller's segment; `*` means every one.

    Attributes:
        controller: Id of the controller, or `*`.
        segment: Segment, or `*`.
        trade: The controller's trade, one that the method lists, or empty.
        period_days: Time that the data about one person span, in days; None if not judged.
        insight: How much the data tell: none, general, some, full, or empty where the default rules decide.
        public: Whether the data were easily found in public before.
        outdated: Whether the data are long invalid.
        author: Who judged it.
        reason: Why.
    """

    controller: str = "*"
    segment: str = "*"
    trade: str = ""
    period_days: int | None = None
    insight: str = ""
    public: bool = False
    outdated: bool = False
    author: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the reasoning, readable alone.

    Attributes:
        element: What it moved: a data class, `ei`, or an element of the circumstances.
        rule: Id in the method file.
        change: What it set or added, in hundredths.
        reason: Why, in words.
        because: The facts that made the rule apply.
        source: Where the rule comes from.
    """

    element: str
    rule: str
    change: int
    reason: str
    because: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Recommended steps: document (always), tell the authority, tell the persons."""

    document: bool = True
    authority: bool = False
    persons: bool = False

    def union(self, other: Outcome) -> Outcome:
        """Return every duty of either."""
        return Outcome(
            self.document or other.document, self.authority or other.authority, self.persons or other.persons
        )


@dataclass(frozen=True, slots=True)
class Override:
    """A rule beside the number that moved the outcome, or confirmed it."""

    id: str
    title: str
    effect: str
    changed: bool
    reason: str
    because: tuple[str, ...]
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A step on a scale from 0 to 4, with the words for it."""

    value: int
    words: str
    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """The ENISA number of one data set, in hundredths, with every step.

    Attributes:
        data: The data elements scored.
        persons: Persons whose data include at least these elements.
        dpc: Data processing context, 100 to 400.
        ei: Ease of identification, 25 to 100.
        cb: Circumstances of the breach, 0 to 200.
        steps: How they came about.
    """

    data: frozenset[str]
    persons: int
    dpc: int
    ei: int
    cb: int
    steps: tuple[Step, ...]

    @property
    def se(self) -> int:
        """SE = DPC × EI + CB, in hundredths (ENISA 2013, section 3)."""
        return self.dpc * self.ei // 100 + self.cb


@dataclass(frozen=True, slots=True)
class SegmentAssessment:
    """One controller's segment: the number of its worst data set, and the duties that any of its data sets brings."""

    controller: str
    segment: str
    persons: int
    records: int
    score: Score
    others: tuple[Score, ...]
    band: str
    flags: Mapping[str, bool]
    overrides: tuple[Override, ...]
    likelihood: Scale
    impact: Scale
    risk: str
    outcome: Outcome
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Every segment assessed, and the union of their outcomes."""

    method: str
    segments: tuple[SegmentAssessment, ...]
    outcome: Outcome
    notes: tuple[str, ...]
