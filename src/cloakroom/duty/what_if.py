"""Single changes of the facts that would change a duty: how many persons, which element, which risk.

Each answer is found by judging the same rule again over changed facts, never by reading the rule's text, so it is
true of the whole expression with its exemptions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cloakroom.duty.evaluation import judge, reached_by
from cloakroom.duty.expressions import Selection, walk
from cloakroom.duty.facts import RiskAssessment
from cloakroom.duty.instruments import RESIDENCE
from cloakroom.duty.places import controller_zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from cloakroom.duty.duties import Duty
    from cloakroom.duty.expressions import Expression
    from cloakroom.duty.facts import AffectedGroup, Facts
    from cloakroom.duty.instruments import Rule

__all__ = ["what_would_change", "with_changes"]

_WORDS: Final = {
    "due": "due",
    "not_due": "not due",
    "conditional": "conditional",
    "ask_counsel": "a question for counsel",
}
_LEVELS: Final = {"no risk": (False, False), "a risk": (True, False), "a high risk": (True, True)}


def with_changes(duties: Iterable[Duty], facts: Facts, risks: tuple[RiskAssessment, ...]) -> tuple[Duty, ...]:
    """Return the duties with what would change them added to their reasons."""
    return tuple(
        replace(duty, reasons=(*duty.reasons, *(f"change: {text}" for text in what_would_change(duty, facts, risks))))
        for duty in duties
    )


def what_would_change(duty: Duty, facts: Facts, risks: tuple[RiskAssessment, ...]) -> tuple[str, ...]:
    """Return, in words, the single changes of the facts that would give a duty another status."""
    rule = duty.rule
    if rule is None or rule.effect != "duty" or not rule.in_force(_day(duty, facts)):
        return ()
    everybody = _everybody(duty, rule, facts, risks)
    if not everybody.certain:
        return ()
    now = judge(rule, everybody, quick=True).status
    found = [
        *_by_number(rule, everybody, now),
        *_by_element(rule, everybody, now),
        *_by_risk(rule, everybody, now),
        *_by_incident(rule, everybody, now),
    ]
    return tuple(dict.fromkeys(found))


def _day(duty: Duty, facts: Facts) -> date:
    zone = controller_zone(facts.controller(duty.controller))
    return (duty.clock.start or facts.incident.aware_at).astimezone(zone).date()


def _everybody(duty: Duty, rule: Rule, facts: Facts, risks: Iterable[RiskAssessment]) -> Selection:
    controller = facts.controller(duty.controller)
    own_groups = [group for group in facts.affected if group.controller == controller.id]
    lead = rule.addressee == "one_stop_shop" and duty.jurisdiction == controller.eea_main_establishment
    groups = own_groups if lead else reached_by(rule, own_groups)
    if rule.jurisdiction == RESIDENCE and not lead:
        groups = [group for group in groups if group.country == duty.jurisdiction]
    own = {risk.segment: risk for risk in risks if risk.controller == controller.id}
    return Selection(facts.incident, controller, _merged(rule, groups), (), own)


def _merged(rule: Rule, groups: list[AffectedGroup]) -> tuple[AffectedGroup, ...]:
    """Put together the groups that the rule cannot tell apart: a worldwide scope has hundreds of them."""
    ops = {part.op for part in _expressions(rule)}
    named = _named(rule)
    merged: dict[tuple[object, ...], AffectedGroup] = {}
    for group in groups:
        segment = group.segment if ops & {"segment", "risk", "harm"} else ""
        key = (group.data & named, segment, group.place if "place" in ops else "")
        known = merged.get(key)
        if known is not None:
            persons, possible = known.persons + group.persons, known.persons_possible + group.persons_possible
            merged[key] = replace(known, persons=persons, persons_possible=possible)
        else:
            merged[key] = group
    return tuple(merged.values())


def _named(rule: Rule) -> frozenset[str]:
    """Return the data elements that the rule names."""
    atoms = (part for part in _expressions(rule) if part.op in {"data", "data_all"})
    return frozenset(str(value) for atom in atoms for value in atom.values)


def _expressions(rule: Rule) -> Iterator[Expression]:
    for expression in (rule.who, rule.when, *(exemption.when for exemption in rule.exemptions)):
        yield from walk(expression)


def _by_number(rule: Rule, everybody: Selection, now: str) -> Iterator[str]:
    """Try one person less and the threshold itself for every threshold in the rule, on those whom it counts."""
    thresholds = sorted(
        {
            int(part.values[0]) + (part.op == "persons_over")
            for part in _expressions(rule)
            if part.op.startswith("persons")
        }
    )
    counted = judge(rule, everybody, quick=True).residents
    for threshold in thresholds:
        for number, words in (
            (threshold, f"from {threshold:,} persons on"),
            (threshold - 1, f"below {threshold:,} persons"),
        ):
            if (number >= threshold) is (counted >= threshold):
                continue
            status = judge(rule, _with_number(rule, everybody, number), quick=True).status
            if status != now:
                yield f"{words}: {_WORDS[status]} (now {counted:,})"


def _with_number(rule: Rule, everybody: Selection, number: int) -> Selection:
    """Give the first group that the rule counts `number` persons, and the others none."""
    first = next(
        (
            g
            for g in everybody.certain
            if judge(rule, replace(everybody, certain=(_sized(g, 10**9),)), quick=True).status == "due"
        ),
        everybody.certain[0],
    )
    return replace(everybody, certain=tuple(_sized(g, number if g is first else 0) for g in everybody.certain))


def _sized(group: AffectedGroup, number: int) -> AffectedGroup:
    return replace(group, persons=number, persons_possible=number)


def _by_element(rule: Rule, everybody: Selection, now: str) -> Iterator[str]:
    """Try the elements that the rule names: added where that could bring a duty, removed where it could end one."""
    named = sorted(_named(rule))
    if now != "due":
        found = _statuses(rule, everybody, {item: _with_element(everybody, item) for item in named}, now)
        for status, elements in found.items():
            yield f"if the data also held {' or '.join(elements)}: {_WORDS[status]}"
    if now != "not_due":
        found = _statuses(rule, everybody, {item: _without_element(everybody, item) for item in named}, now)
        for status, elements in found.items():
            yield f"if the data did not hold {' or '.join(elements)}: {_WORDS[status]}"


def _with_element(everybody: Selection, element: str) -> tuple[AffectedGroup, ...]:
    return tuple(replace(group, data=group.data | {element}) for group in everybody.certain)


def _without_element(everybody: Selection, element: str) -> tuple[AffectedGroup, ...]:
    return tuple(replace(group, data=group.data - {element}) for group in everybody.certain)


def _statuses(
    rule: Rule, everybody: Selection, changed: dict[str, tuple[AffectedGroup, ...]], now: str
) -> dict[str, list[str]]:
    """Return the elements by the other status that they would bring."""
    found: dict[str, list[str]] = {}
    for element, groups in changed.items():
        if groups != everybody.certain:
            status = judge(rule, replace(everybody, certain=groups), quick=True).status
            if status != now:
                found.setdefault(status, []).append(element.replace("_", " "))
    return found


def _by_risk(rule: Rule, everybody: Selection, now: str) -> Iterator[str]:
    if not any(part.op in {"risk", "harm"} for part in _expressions(rule)):
        return
    for words, (authority, persons) in _LEVELS.items():
        segments = {group.segment for group in everybody.certain}
        assumed = {
            segment: RiskAssessment(
                everybody.controller.id, segment, document=True, authority=authority, persons=persons
            )
            for segment in segments
        }
        status = judge(rule, replace(everybody, risks=assumed), quick=True).status
        if status != now:
            yield f"if the assessment found {words} for every segment: {_WORDS[status]}"


def _by_incident(rule: Rule, everybody: Selection, now: str) -> Iterator[str]:
    """Try the other value of the two plain facts that laws make exits of."""
    ops = {part.op for part in _expressions(rule)}
    incident = everybody.incident
    if "intelligible" in ops:
        words = "unintelligible and the key safe" if incident.intelligible else "intelligible (the key fell)"
        changed = replace(incident, intelligible=not incident.intelligible)
        status = judge(rule, replace(everybody, incident=changed), quick=True).status
        if status != now:
            yield f"if the data were {words}: {_WORDS[status]}"
    if "deletion_confirmed" in ops:
        words = "not confirmed" if incident.deletion_confirmed else "confirmed in writing"
        changed = replace(incident, deletion_confirmed=not incident.deletion_confirmed)
        status = judge(rule, replace(everybody, incident=changed), quick=True).status
        if status != now:
            yield f"if deletion were {words}: {_WORDS[status]}"
