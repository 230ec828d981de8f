"""Severity for each controller and segment, with the rules beside the number, and the union of all duties.

Within a segment every data set is judged by itself; its worst number is the segment's number, and its duties are the
union of what the data sets bring. Persons against thresholds are counted over the whole controller: all persons whose
data include at least the elements in question, in whatever segment or country, with those who cannot be excluded.

The number never decides alone: floors (tell the authority, tell the persons) win over ceilings, both win over the
band. The result is a recommendation, not legal advice; an `appraisal.Decision` records what a named person decided.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cloakroom.duty.severity.conditions import Situation, is_secrecy_in_question, reasons
from cloakroom.duty.severity.model import (
    Assessment,
    AssessmentLimits,
    Context,
    Outcome,
    Override,
    Scale,
    Score,
    SegmentAssessment,
)
from cloakroom.duty.severity.scoring import score
from cloakroom.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cloakroom.duty.facts import AffectedGroup, Facts, IncidentFacts
    from cloakroom.duty.severity.method import Band, Method, OverrideRule

__all__ = ["assess", "assess_facts"]

LARGE_FROM = 101  # ENISA's flag "more than 100 persons"


def assess_facts(method: Method, facts: Facts, contexts: Sequence[Context] = ()) -> Assessment:
    """Assess the facts of an incident; see `assess`."""
    return assess(method, facts.incident, facts.affected, contexts)


def assess(
    method: Method,
    incident: IncidentFacts,
    affected: Sequence[AffectedGroup],
    contexts: Sequence[Context] = (),
    *,
    limits: AssessmentLimits | None = None,
) -> Assessment:
    """Assess every controller's segments.

    Args:
        method: Weights and rules.
        incident: How it happened.
        affected: Groups of persons; each counts with the number that cannot be excluded.
        contexts: Judgements about the data; the most specific one applies, the later of two equals.
        limits: Bounds on the input.

    Raises:
        LimitError: More groups, data sets or judgements than the limits allow.
    """
    limits = limits or AssessmentLimits()
    if len(affected) > limits.groups_max or len(contexts) > limits.contexts_max:
        raise LimitError("more groups of affected persons, or judgements, than an assessment may have")
    inhabited = [group for group in affected if group.persons_possible or group.records]
    crowd = _crowd(inhabited)
    if sum(len(sets) for sets in crowd.by_data.values()) > limits.data_sets_max:
        raise LimitError(f"more than {limits.data_sets_max} different data sets in one assessment")
    assessed = tuple(
        _segment(method, incident, groups, crowd, _context_for(contexts, *key))
        for key, groups in sorted(_by_segment(inhabited).items())
    )
    outcome = Outcome()
    for segment in assessed:
        outcome = outcome.union(segment.outcome)
    notes = (
        ()
        if assessed
        else ("No affected persons are stated: record the breach, and assess again when they are known.",)
    )
    return Assessment(method.name, assessed, outcome, notes)


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Persons of each controller by data set, and of the whole incident."""

    by_data: dict[str, Counter[frozenset[str]]]
    in_all: int

    def with_at_least(self, controller: str, data: frozenset[str]) -> int:
        """Count the persons of a controller whose data include `data`."""
        return sum(persons for held, persons in self.by_data[controller].items() if held >= data)


def _crowd(groups: Iterable[AffectedGroup]) -> _Crowd:
    by_data: dict[str, Counter[frozenset[str]]] = defaultdict(Counter)
    in_all = 0
    for group in groups:
        by_data[group.controller][group.data] += group.persons_possible
        in_all += group.persons_possible
    return _Crowd(by_data, in_all)


def _by_segment(groups: Iterable[AffectedGroup]) -> dict[tuple[str, str], list[AffectedGroup]]:
    segments: dict[tuple[str, str], list[AffectedGroup]] = defaultdict(list)
    for group in groups:
        segments[group.controller, group.segment].append(group)
    return segments


def _context_for(contexts: Sequence[Context], controller: str, segment: str) -> Context:
    def fit(context: Context) -> int:
        if context.controller not in {controller, "*"} or context.segment not in {segment, "*"}:
            return -1
        return 2 * (context.controller == controller) + (context.segment == segment)

    best, best_fit = Context(), -1
    for context in contexts:
        if fit(context) >= max(best_fit, 0):
            best, best_fit = context, fit(context)
    return best


def _segment(
    method: Method,
    incident: IncidentFacts,
    groups: Sequence[AffectedGroup],
    crowd: _Crowd,
    context: Context,
) -> SegmentAssessment:
    controller, segment = groups[0].controller, groups[0].segment
    scored = _scored(method, incident, groups, crowd, context)
    worst, worst_situation = scored[0]
    band = method.band(worst.se)
    outcome = Outcome()
    overrides: dict[str, Override] = {}
    for data_score, situation in scored:
        own, hits = _decide(method, data_score, situation)
        outcome = outcome.union(own)
        overrides.update((hit.id, hit) for hit in hits if hit.id not in overrides or hit.changed)
    likelihood = _likelihood(method, worst_situation)
    impact = _impact(method, band, outcome)
    return SegmentAssessment(
        controller=controller,
        segment=segment,
        persons=sum(group.persons_possible for group in groups),
        records=sum(group.records for group in groups),
        score=worst,
        others=tuple(data_score for data_score, _ in scored[1:]),
        band=band.id,
        flags={
            "more_than_100_persons": worst_situation.persons_in_all >= LARGE_FROM,
            "unintelligible": not incident.intelligible,
        },
        overrides=tuple(overrides.values()),
        likelihood=likelihood,
        impact=impact,
        risk=_risk_words(likelihood, impact, outcome),
        outcome=outcome,
        notes=_notes(incident, context),
    )


def _scored(
    method: Method,
    incident: IncidentFacts,
    groups: Sequence[AffectedGroup],
    crowd: _Crowd,
    context: Context,
) -> list[tuple[Score, Situation]]:
    """Score each data set of a segment, the worst first."""
    scored = []
    by_data: dict[frozenset[str], list[AffectedGroup]] = defaultdict(list)
    for group in groups:
        by_data[group.data].append(group)
    for same in by_data.values():
        situation = replace(
            _situation(incident, same, crowd),
            context=context,
            traits=method.trades.get(context.trade, frozenset()),
        )
        scored.append((score(method, situation), situation))
    scored.sort(key=lambda pair: (-pair[0].se, -pair[0].persons, sorted(pair[0].data)))
    return scored


def _situation(incident: IncidentFacts, groups: Sequence[AffectedGroup], crowd: _Crowd) -> Situation:
    """Count the persons behind one data set of one controller's segment; `groups` are those of the data set."""
    first = groups[0]
    exposed = crowd.with_at_least(first.controller, first.data)
    return Situation(
        incident=incident,
        data=first.data,
        segment=first.segment,
        persons=exposed,
        persons_in_all=crowd.in_all,
        records=exposed * max(_ceiling(group.records, group.persons_possible) for group in groups),
    )


def _ceiling(records: int, persons: int) -> int:
    return -(-records // persons) if persons else records


def _decide(method: Method, data_score: Score, situation: Situation) -> tuple[Outcome, list[Override]]:
    """Apply the rules beside the number: lowering first, then ceilings, then floors, so that floors win."""
    band = method.band(data_score.se)
    outcome = Outcome(authority=band.authority, persons=band.persons)
    situation = replace(situation, band=band.id)
    hits = []
    order = {"lower": 0, "document": 1, "authority": 2, "persons": 3}
    for rule in sorted(method.overrides, key=lambda rule: order[rule.effect]):
        because = reasons(rule.when, situation)
        if because is None or (rule.unless is not None and reasons(rule.unless, situation) is not None):
            continue
        moved = _apply(method, rule, band, outcome)
        hits.append(
            Override(
                rule.id, rule.title, rule.effect, moved != outcome, rule.reason, because, rule.source, rule.confidence
            )
        )
        outcome = moved
    return outcome, hits


def _apply(method: Method, rule: OverrideRule, band: Band, outcome: Outcome) -> Outcome:
    if rule.effect == "lower":
        below = max(
            (lower for lower in method.bands if lower.start < band.start), key=lambda b: b.start, default=band
        )
        return Outcome(authority=below.authority, persons=below.persons)
    if rule.effect == "document":
        return Outcome()
    if rule.effect == "authority":
        return replace(outcome, authority=True)
    return replace(outcome, authority=True, persons=True)


def _likelihood(method: Method, situation: Situation) -> Scale:
    for rule in method.likelihoods:
        if reasons(rule.when, situation) is not None:
            return Scale(rule.value, rule.words, rule.reason)
    raise AssertionError("the last likelihood holds always; the loader checks it")


def _impact(method: Method, band: Band, outcome: Outcome) -> Scale:
    """Take the impact from the band, moved to what the outcome stands for where rules moved the outcome."""
    if outcome == Outcome(authority=band.authority, persons=band.persons):
        return Scale(band.impact, band.impact_words, f"by the number: {band.consequence}")
    fitting = [b for b in method.bands if (b.authority, b.persons) == (outcome.authority, outcome.persons)]
    chosen = min(fitting, key=lambda b: abs(b.start - band.start))
    return Scale(chosen.impact, chosen.impact_words, f"by the rules beside the number: {chosen.consequence}")


def _risk_words(likelihood: Scale, impact: Scale, outcome: Outcome) -> str:
    level = "high risk" if outcome.persons else "risk" if outcome.authority else "risk unlikely"
    return f"{level}: harm is {likelihood.words}, its impact {impact.words}"


def _notes(incident: IncidentFacts, context: Context) -> tuple[str, ...]:
    notes = []
    if not incident.intelligible:
        notes.append("Open the case again if the key falls or the encryption turns out weak.")
    if incident.nature and "confidentiality" not in incident.nature and is_secrecy_in_question(incident):
        notes.append("The facts say that data left but do not name confidentiality: it was counted as hit.")
    if incident.taken == "possible":
        notes.append("Whether data left is not settled: assess again when it is.")
    if context.author:
        notes.append(f"Context judged by {context.author}: {context.reason}")
    return tuple(notes)
