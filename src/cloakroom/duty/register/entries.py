"""An entry of the register: one incident of one controller, with facts, effects, remedy and reasons.

An entry is made whether or not anybody is notified; "not due" stands in it with its reasons. Entries hold counts and
classes, never data of the persons affected. Every change makes a new version; the register shows the newest.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from cloakroom.clock import format_time
from cloakroom.duty.register.retention import retention_of
from cloakroom.duty.severity.appraisal import decision_for
from cloakroom.duty.severity.report import outcome_words, render_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from cloakroom.duty.duties import Duty
    from cloakroom.duty.facts import Facts
    from cloakroom.duty.filings.preparation import Case
    from cloakroom.duty.filings.records import FilingRecord
    from cloakroom.duty.register.retention import Law

__all__ = ["Entry", "entry_for", "entry_from_json", "entry_to_json", "latest"]

_REMEDY: Final = ("measures.done", "measures.mitigation", "measures.preventive")


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one entry; every part is plain values, ready for JSON.

    Attributes:
        incident: Name of the incident.
        controller: Id of the controller.
        recorded_at: When this version was made, RFC 3339.
        by: Who made it.
        facts: Times, nature, cause, data, numbers.
        effects: Severity of each segment, and consequences in words.
        remedy: What was done, in words.
        decisions: Each duty with status, reasons, deadline and confidence.
        filings: What was sent, with reference and day.
        notified: Whether anything was sent to an authority.
        persons_told: What the answers say about telling the persons.
        keep_until: Day until which the entry is kept.
        retention: The laws behind that day.
        facts_hash: SHA-256 of the facts file.
    """

    incident: str
    controller: str
    name: str
    recorded_at: str
    by: str
    facts: dict[str, Any]
    effects: dict[str, Any]
    remedy: dict[str, str]
    decisions: list[dict[str, Any]]
    filings: list[dict[str, str]]
    notified: bool
    persons_told: str
    keep_until: str
    retention: list[dict[str, str]]
    facts_hash: str


def entry_for(
    case: Case,
    controller: str,
    *,
    incident: str,
    at: datetime,
    by: str,
    laws: Iterable[Law],
    records: Iterable[FilingRecord] = (),
) -> Entry:
    """Make the entry of one controller.

    Args:
        case: What is known.
        controller: Its id.
        incident: Name of the incident.
        at: Now.
        by: Who makes the entry.
        laws: Periods of retention.
        records: Filings so far, of all controllers.
    """
    mine = [record for record in records if record.latest["duty"]["controller"] == controller and record.submissions]
    sent = [_sent(record) for record in mine]
    reported = max((submission["at"][:10] for submission in sent), default="")
    retention = retention_of(
        laws,
        (group.place for group in case.facts.affected if group.controller == controller),
        _events(case.facts, reported),
    )
    return Entry(
        incident=incident,
        controller=controller,
        name=case.facts.controller(controller).name,
        recorded_at=format_time(at),
        by=by,
        facts=_facts(case.facts, controller),
        effects=_effects(case, controller),
        remedy={path: text for path in _REMEDY if (text := _written(case, path, controller))},
        decisions=[_decision(duty) for duty in case.duties if duty.controller == controller],
        filings=sent,
        notified=bool(sent),
        persons_told=_written(case, "told.state", controller) or "not stated",
        keep_until=retention.until.isoformat(),
        retention=[
            {"law": law.title, "until": until.isoformat(), "confidence": law.confidence, "source": law.source}
            for law, until in retention.laws
        ],
        facts_hash=case.facts_hash,
    )


def _events(facts: Facts, reported: str) -> dict[str, date]:
    incident = facts.incident
    events = {"aware": incident.aware_at.date()}
    if incident.determined_at is not None:
        events["determined"] = incident.determined_at.date()
    if reported:
        events["reported"] = date.fromisoformat(reported)
    return events


def _written(case: Case, path: str, controller: str) -> str:
    answer = case.written.best(path, controller, "en")
    return "" if answer is None else str(answer.value)


def _facts(facts: Facts, controller: str) -> dict[str, Any]:
    incident = facts.incident
    groups = [group for group in facts.affected if group.controller == controller]
    by_place: Counter[str] = Counter()
    by_segment: Counter[str] = Counter()
    for group in groups:
        by_place[group.place] += group.persons
        by_segment[group.segment] += group.persons
    times = ("occurred_from", "occurred_to", "discovered_at", "aware_at", "determined_at")
    return {
        **{name: format_time(at) for name in times if (at := getattr(incident, name)) is not None},
        "nature": sorted(incident.nature),
        "cause": incident.cause,
        "taken": incident.taken,
        "holder": incident.holder,
        "intelligible": incident.intelligible,
        "persons": sum(group.persons for group in groups),
        "persons_possible": sum(group.persons_possible for group in groups),
        "records": sum(group.records for group in groups),
        "persons_by_place": dict(sorted(by_place.items())),
        "persons_by_segment": dict(sorted(by_segment.items())),
        "data": sorted({element for group in groups for element in group.data}),
    }


def _effects(case: Case, controller: str) -> dict[str, Any]:
    segments = []
    for segment in case.assessment.segments:
        if segment.controller != controller:
            continue
        decision = decision_for(case.decisions, controller, segment.segment)
        segments.append(
            {
                "segment": segment.segment,
                "score": render_number(segment.score.se),
                "band": segment.band,
                "risk": segment.risk,
                "rules": [f"{hit.id} {hit.title}" for hit in segment.overrides],
                "recommended": outcome_words(segment.outcome),
                "decided": "" if decision is None else outcome_words(decision.outcome),
                "decided_by": "" if decision is None else decision.by,
                "decision_reasons": "" if decision is None else decision.reasons,
            }
        )
    text = _written(case, "consequences.text", controller)
    return {"method": case.assessment.method, "segments": segments, "consequences": text}


def _decision(duty: Duty) -> dict[str, Any]:
    return {
        "duty": duty.id,
        "recipient": duty.recipient,
        "kind": duty.recipient_kind,
        "jurisdiction": duty.jurisdiction,
        "status": duty.status,
        "deadline": "" if duty.deadline is None else format_time(duty.deadline),
        "reasons": list(duty.reasons),
        "confidence": duty.confidence,
    }


def _sent(record: FilingRecord) -> dict[str, str]:
    last = record.submissions[-1]
    duty = record.latest["duty"]
    return {"filing": record.id, "authority": str(duty["recipient"]), "reference": last.reference, "at": last.at}


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as plain values."""
    return {slot: getattr(entry, slot) for slot in Entry.__slots__}


def entry_from_json(values: dict[str, Any]) -> Entry:
    """Read an entry back; TypeError where it is none."""
    return Entry(**values)


def latest(entries: Sequence[Entry]) -> list[Entry]:
    """Return the newest version of each entry, oldest incident first."""
    newest = {(entry.incident, entry.controller): entry for entry in entries}
    return sorted(newest.values(), key=lambda entry: (entry.facts["aware_at"], entry.incident, entry.controller))
