"""A draft: every computed answer of the canonical filing, from facts, severity and duties; none is typed by hand.

What a filing covers ("its groups") are the controller's affected groups within the authority's reach: all of the EEA
for a lead authority, else the residents of its own country or subdivision. The number of persons is the one that the
duty itself counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloakroom.clock import format_time
from cloakroom.duty.filings.model import Answer, Template, Value
from cloakroom.duty.places import EEA
from cloakroom.duty.severity.appraisal import decision_for
from cloakroom.duty.severity.report import render_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from cloakroom.duty.duties import Duty
    from cloakroom.duty.facts import AffectedGroup, Facts
    from cloakroom.duty.filings.answers import WrittenAnswers
    from cloakroom.duty.severity.appraisal import Decision
    from cloakroom.duty.severity.model import Assessment, SegmentAssessment

__all__ = ["Draft", "Earlier", "deciding_with", "draft_filing", "groups_of"]

# Words of the four- and three-step scales by band: low is minor, medium moderate, high and very high severe.
_GRAVITY = {"low": "negligible", "medium": "limited", "high": "significant", "very_high": "maximum"}
_SEVERITY = {"low": "minor", "medium": "moderate", "high": "severe", "very_high": "severe"}
_LIKELIHOOD = ("very_unlikely", "unlikely", "possible", "likely", "very_likely")
_BANDS = ("low", "medium", "high", "very_high")
_SPECIAL = frozenset(
    {"health", "biometric", "genetic", "religion", "politics", "ethnicity", "union", "sex_life", "criminal"}
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """Earlier submissions to the same authority, and to others.

    Attributes:
        reference: Reference number that the authority gave; empty if nothing was sent.
        changes: What differs from what was sent.
        first_sent: When the first version was sent, which is what the deadline is about; None if nothing was.
        told: Other authorities that have a filing, with reference.
    """

    reference: str = ""
    changes: tuple[str, ...] = ()
    first_sent: datetime | None = None
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """The answers of one filing, by canonical path."""

    kind: str
    answers: dict[str, Answer]


def groups_of(facts: Facts, duty: Duty) -> tuple[AffectedGroup, ...]:
    """Return the affected groups that a filing under `duty` covers."""
    controller = facts.controller(duty.controller)
    mine = [group for group in facts.affected if group.controller == duty.controller]
    place = duty.jurisdiction
    if place == controller.eea_main_establishment and place in EEA:
        return tuple(group for group in mine if group.country in EEA)
    here = tuple(group for group in mine if place in {group.place, group.country})
    return here or tuple(group for group in mine if group.country == place.partition("-")[0])


def draft_filing(
    template: Template,
    facts: Facts,
    assessment: Assessment,
    duties: Sequence[Duty],
    duty: Duty,
    *,
    kind: str,
    language: str,
    at: datetime,
    written: WrittenAnswers,
    decisions: Iterable[Decision] = (),
    earlier: Earlier | None = None,
) -> Draft:
    """Draft the filing for one duty.

    Args:
        template: The canonical filing.
        facts: The facts.
        assessment: Their severity.
        duties: All duties, for the list of other authorities.
        duty: The one to file for.
        kind: One of `FILING_KINDS`.
        language: Of the form, to choose among written answers.
        at: Now.
        written: What people wrote.
        decisions: What named persons decided about the risk.
        earlier: What was sent before.
    """
    earlier = earlier or Earlier()
    segments = [segment for segment in assessment.segments if segment.controller == duty.controller]
    answers: dict[str, Answer] = {}

    def put(origin: str, values: dict[str, Value | None]) -> None:
        for path, value in values.items():
            if value is not None and value != "":
                answers[path] = Answer(value, origin, "en" if template.fields[path].prose else "")

    put("facts", _controller(facts, duty))
    put("facts", _timeline(facts, duty, earlier.first_sent or at))
    put("facts", _nature(facts))
    put("facts", _persons(facts, duty))
    put("facts", _data(template, facts, duty))
    put("facts", _borders(facts, duty))
    put("severity", _risk(segments, tuple(decisions), duty.controller))
    put("duties", _others(facts, duties, duty))
    put("records", {"other.authorities_told": list(earlier.told) or None})
    put(
        "records",
        {
            "type.kind": kind,
            "type.own_reference": duty.id,
            "type.made_at": format_time(at),
            "type.earlier_reference": earlier.reference,
            "type.changes": list(earlier.changes) or None,
        },
    )
    for path, field in template.fields.items():
        if field.origin == "person":
            answer = written.best(path, duty.controller, language)
            if answer is not None:
                answers[path] = answer
    return Draft(kind, answers)


def _yes(value: bool) -> str:  # noqa: FBT001 - the one argument says it all
    return "yes" if value else "no"


def _controller(facts: Facts, duty: Duty) -> dict[str, Value | None]:
    controller = facts.controller(duty.controller)
    joint = [facts.controller(name).name for name in controller.joint_with]
    return {
        "controller.name": controller.name,
        "controller.country": controller.country,
        "others.joint_controllers": joint or None,
        "cross.controller_in_eea": _yes(controller.eea_main_establishment in EEA),
        "cross.lead": controller.eea_main_establishment if controller.eea_main_establishment in EEA else None,
    }


def _timeline(facts: Facts, duty: Duty, sent: datetime) -> dict[str, Value | None]:
    incident = facts.incident
    begin, end = incident.occurred_from, incident.occurred_to
    if begin is None:
        kind = "unknown"
    elif end is None:
        kind = "ongoing"
    else:
        kind = "day" if begin.date() == end.date() else "range"
    frame = (
        None if begin is None else f"{begin.date()} to {end.date()}" if end is not None else f"from {begin.date()}"
    )

    def text(time: datetime | None) -> str | None:
        return None if time is None else format_time(time)

    return {
        "time.kind": kind,
        "time.begin": text(begin),
        "time.end": text(end),
        "time.discovered": text(incident.discovered_at),
        "time.aware": text(incident.aware_at),
        "time.determined": text(incident.determined_at),
        "time.deadline": text(duty.deadline),
        "time.late": _yes(duty.deadline is not None and sent > duty.deadline),
        "us.time_frame": frame,
    }


def _nature(facts: Facts) -> dict[str, Value | None]:
    incident = facts.incident
    availability = "availability" in incident.nature
    return {
        "nature.kinds": sorted(incident.nature),
        "nature.taken": incident.taken,
        "nature.holder": incident.holder,
        "nature.intelligible": _yes(incident.intelligible),
        "nature.availability_hit": _yes(availability),
        "nature.restored_hours": incident.restored_hours if availability else None,
        "nature.service_harm": incident.service_harm,
        "nature.cause": incident.cause,
        "nature.malicious": _yes(incident.cause.endswith("malicious")),
    }


def _persons(facts: Facts, duty: Duty) -> dict[str, Value | None]:
    groups = groups_of(facts, duty)
    mine = [group for group in facts.affected if group.controller == duty.controller]
    place = duty.jurisdiction
    local = [group for group in mine if place in {group.place, group.country}]
    proven = sum(group.persons for group in groups)
    possible = sum(group.persons_possible for group in groups)
    number = duty.residents or proven
    segments: Counter[str] = Counter()
    for group in groups:
        segments[group.segment] += group.persons
    return {
        "persons.categories": sorted(segments),
        "persons.number": number,
        "persons.number_kind": "exact" if proven == possible else "approximate",
        "persons.number_most": possible if possible != proven else None,
        "persons.local": sum(group.persons for group in local) or number,
        "persons.total": sum(group.persons for group in mine),
        "persons.minors": segments.get("minor"),
        "persons.by_segment": dict(sorted(segments.items())),
    }


def _data(template: Template, facts: Facts, duty: Duty) -> dict[str, Value | None]:
    groups = groups_of(facts, duty)
    elements = frozenset(element for group in groups for element in group.data)
    segments = frozenset(group.segment for group in groups)
    return {
        "data.elements": sorted(elements),
        "data.categories": [category.title for category in template.categories if category.elements & elements],
        "data.special": _yes(bool(elements & _SPECIAL)),
        "data.records": sum(group.records for group in groups),
        "consequences.impacts": _impacts(template, elements, segments, facts),
    }


def _impacts(template: Template, elements: frozenset[str], segments: frozenset[str], facts: Facts) -> list[str]:
    found = [
        impact.id
        for impact in template.impacts
        if (not impact.data_any or impact.data_any & elements)
        and (not impact.segment_any or impact.segment_any & segments)
    ]
    if facts.incident.service_harm != "none":
        found.append("service_denied")
    return found


def _borders(facts: Facts, duty: Duty) -> dict[str, Value | None]:
    counts: Counter[str] = Counter()
    for group in facts.affected:
        if group.controller == duty.controller:
            counts[group.country] += group.persons
    return {
        "cross.border": _yes(len(counts) > 1),
        "cross.countries": sorted(counts),
        "cross.counts": dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))),
    }


def _risk(
    segments: Sequence[SegmentAssessment], decisions: tuple[Decision, ...], controller: str
) -> dict[str, Value | None]:
    if not segments:
        return {}
    mine = [decision for decision in decisions if decision.controller in {controller, "*"}]
    authority, persons = _outcome(segments, decisions)
    worst = max(segments, key=lambda segment: (_BANDS.index(segment.band), segment.score.se))
    gravity = max(segments, key=lambda segment: segment.impact.value)
    gravity_band = _BANDS[max(gravity.impact.value, 1) - 1]
    likelihood = max(segment.likelihood.value for segment in segments)
    return {
        "consequences.severity": _SEVERITY[max(worst.band, gravity_band, key=_BANDS.index)],
        "risk.level": "high_risk" if persons else "risk" if authority else "unlikely",
        "risk.gravity": _GRAVITY[gravity_band],
        "risk.likelihood": _LIKELIHOOD[likelihood],
        "risk.method": "ENISA 2013 with override rules. "
        + "; ".join(_method_line(segment) for segment in segments)
        + ".",
        "risk.decision": "; ".join(_decision_line(decision) for decision in mine),
        "told.required": _yes(persons),
    }


def _outcome(segments: Sequence[SegmentAssessment], decisions: tuple[Decision, ...]) -> tuple[bool, bool]:
    """Return whether authority and persons are to be told: as decided, else as recommended, over all segments."""
    authority = persons = False
    for segment in segments:
        decision = decision_for(decisions, segment.controller, segment.segment)
        chosen = segment.outcome if decision is None else decision.outcome
        authority, persons = authority or chosen.authority, persons or chosen.persons
    return authority, persons


def _method_line(segment: SegmentAssessment) -> str:
    score = segment.score
    number = f"{render_number(score.dpc)} × {render_number(score.ei)} + {render_number(score.cb)}"
    rules = ", ".join(hit.title for hit in segment.overrides if hit.changed)
    line = (
        f"{segment.segment}: DPC × EI + CB = {number} = {render_number(score.se)} ({segment.band.replace('_', ' ')})"
    )
    return f"{line}, moved by: {rules}" if rules else line


def _decision_line(decision: Decision) -> str:
    told = (
        "authority and persons"
        if decision.outcome.persons
        else "authority"
        if decision.outcome.authority
        else "nobody"
    )
    where = "" if decision.segment == "*" else f" for {decision.segment}"
    reasons = f": {decision.reasons}" if decision.reasons else ""
    return f"{decision.by} decided on {format_time(decision.at)} to tell {told}{where}{reasons}"


def deciding_with(facts: Facts, controller: str) -> frozenset[str]:
    """Return the controller and those that decide jointly with it: what others do is nothing for its filings."""
    return frozenset({controller, *facts.controller(controller).joint_with})


def _others(facts: Facts, duties: Sequence[Duty], duty: Duty) -> dict[str, Value | None]:
    controllers = deciding_with(facts, duty.controller)
    others = sorted(
        {
            f"{other.recipient} ({other.jurisdiction})"
            for other in duties
            if other.controller in controllers
            and other.recipient_kind == "authority"
            and other.status == "due"
            and other.id != duty.id
        }
    )
    return {"other.authorities": others or ["none"]}
