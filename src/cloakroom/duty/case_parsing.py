"""The cases that stand beside rules: small worlds in a few words.

A case leaves out what does not matter to it; what it leaves out is the theft this product has in mind: criminals
outside took the data, a high risk, 1,000 residents of the rule's own place, known on 2 March 2026 at 09:00 UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final

from cloakroom.duty import fact_values
from cloakroom.duty.facts import AffectedGroup, ControllerFacts, Facts, IncidentFacts, RiskAssessment
from cloakroom.duty.instruments import STATUSES, Rule, RuleCase
from cloakroom.vocabulary import DATA_ELEMENTS

if TYPE_CHECKING:
    from cloakroom.toml import Table

__all__ = ["parse_cases"]

BASE_AT: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BASE_DATA: Final = ("name", "email")
BASE_PERSONS: Final = 1000
CONTROLLER: Final = "house"

_RISKS: Final = {"none": (False, False), "risk": (True, False), "high": (True, True)}
_PLACE_OF: Final = {"EEA": "FR", "*": "FR"}


def parse_cases(root: Table, rules: tuple[Rule, ...]) -> tuple[RuleCase, ...]:
    """Take all ``[[case]]`` of a rule file; one with `each` becomes a case per element."""
    by_id = {rule.id: rule for rule in rules}
    cases: list[RuleCase] = []
    for table in root.tables("case"):
        rule = by_id.get(table.text("rule"))
        if rule is None:
            table.report("rule", "is not the id of a rule in this file")
            continue
        cases.extend(_case(table, rule, by_id))
    return tuple(cases)


def _case(table: Table, rule: Rule, rules: dict[str, Rule]) -> list[RuleCase]:
    name = table.text("name")
    place = table.text("place", default=_home(rule))
    incident = _incident(table)
    controller = _controller(table)
    risks = _risks(table)
    expect = table.text("expect", choices=STATUSES)
    due_by = _due_by(table)
    residents = table.number("residents") if table.has("residents") else None
    recipient = table.text("recipient", default="")
    jurisdiction = table.text("jurisdiction", default="")
    done = _done(table, rules)
    worlds = _worlds(table, place)
    table.close()
    return [
        RuleCase(
            name=f"{name} [{label}]" if label else name,
            rule=rule.id,
            facts=Facts(table.source, incident, (controller,), groups),
            risks=risks,
            expect=expect,
            due_by=due_by,
            residents=residents,
            recipient=recipient,
            jurisdiction=jurisdiction,
            done=done,
            file=table.source,
            line=table.line(),
        )
        for label, groups in worlds
    ]


def _done(table: Table, rules: dict[str, Rule]) -> tuple[tuple[str, datetime], ...]:
    """Take `done`: when other rules' duties were done, by rule id."""
    item = table.table("done")
    if item is None:
        return ()
    times = []
    for rule_id in item.values:
        at = item.time(rule_id)
        if rule_id not in rules:
            item.report(rule_id, "is not the id of a rule in this file")
        elif at is not None:
            times.append((f"{rule_id}:{rules[rule_id].jurisdiction}:{CONTROLLER}", at))
    return tuple(times)


def _home(rule: Rule) -> str:
    """Return the place whose residents a case means where it does not say."""
    place = min(rule.residents, default="")
    return _PLACE_OF.get(place, place)


def _worlds(table: Table, place: str) -> list[tuple[str, tuple[AffectedGroup, ...]]]:
    """Return the affected groups of each world that the case stands for, with a label."""
    group_tables = table.tables("groups")
    if group_tables:
        return [("", tuple(_group(item, place) for item in group_tables))]
    each = table.texts("each", choices=DATA_ELEMENTS)
    base = _group(table, place, closing=False)
    if not each:
        return [("", (base,))]
    return [(element, (_with_data(base, base.data | {element}),)) for element in each]


def _with_data(group: AffectedGroup, data: frozenset[str]) -> AffectedGroup:
    return AffectedGroup(
        group.controller,
        group.country,
        group.subdivision,
        group.persons,
        group.records,
        data,
        group.segment,
        group.persons_possible,
    )


def _group(table: Table, place: str, *, closing: bool = True) -> AffectedGroup:
    where = table.text("place", default=place)
    country, _, subdivision = where.partition("-")
    persons = table.number("persons", default=BASE_PERSONS)
    data = frozenset(table.texts("data", choices=DATA_ELEMENTS) or BASE_DATA)
    left_out = table.texts("data_except", choices=DATA_ELEMENTS)
    if left_out:
        data = DATA_ELEMENTS - set(left_out)
    group = AffectedGroup(
        controller=CONTROLLER,
        country=country,
        subdivision=subdivision,
        persons=persons,
        records=persons,
        data=data,
        segment=table.text("segment", default="general", choices=fact_values.SEGMENTS),
        persons_possible=table.number("persons_possible", default=persons),
    )
    if closing:
        table.close()
    return group


def _incident(table: Table) -> IncidentFacts:
    at = _at(table)
    item = table.table("incident")
    if item is None:
        return IncidentFacts(aware_at=at, occurred_to=at, discovered_at=at, determined_at=at, assessed_at=at)
    incident = IncidentFacts(
        aware_at=item.time("aware_at") or at,
        occurred_from=item.time("occurred_from"),
        occurred_to=item.time("occurred_to") or at,
        discovered_at=item.time("discovered_at") or at,
        determined_at=item.time("determined_at") or at,
        assessed_at=item.time("assessed_at") or at,
        nature=item.texts("nature", choices=fact_values.NATURES) or ("confidentiality",),
        cause=item.text("cause", default="external_malicious", choices=fact_values.CAUSES),
        taken=item.text("taken", default="exfiltrated", choices=fact_values.TAKEN),
        holder=item.text("holder", default="criminal", choices=fact_values.HOLDERS),
        intelligible=item.flag("intelligible", default=True),
        restored_hours=item.number("restored_hours", default=0),
        service_harm=item.text("service_harm", default="none", choices=fact_values.SERVICE_HARMS),
        deletion_confirmed=item.flag("deletion_confirmed", default=False),
    )
    item.close()
    return incident


def _at(table: Table) -> datetime:
    """Take `at`: an instant, or a day, which means 09:00 UTC of it."""
    if type(table.values.get("at")) is date:
        day = table.day("at")
        return datetime.combine(day or BASE_AT.date(), time(9), UTC)
    return table.time("at") or BASE_AT


def _due_by(table: Table) -> datetime | date | None:
    if type(table.values.get("due_by")) is date:
        return table.day("due_by")
    return table.time("due_by")


def _controller(table: Table) -> ControllerFacts:
    item = table.table("controller")
    if item is None:
        return ControllerFacts(CONTROLLER, "House SAS", "FR", eea_main_establishment="FR")
    controller = ControllerFacts(
        id=CONTROLLER,
        name="House SAS",
        country=item.text("country", default="FR"),
        subdivision=item.text("subdivision", default=""),
        eea_main_establishment=item.text("eea_main_establishment", default=""),
        languages=item.texts("languages"),
        timezone=item.text("timezone", default=""),
        flags=frozenset(item.texts("flags", choices=fact_values.FLAGS)),
    )
    item.close()
    return controller


def _risks(table: Table) -> tuple[RiskAssessment, ...]:
    """Take `risk`: none, risk, high, or unassessed; it holds for every segment."""
    risk = table.text("risk", default="high", choices=frozenset({*_RISKS, "unassessed"}))
    if risk not in _RISKS:
        return ()
    authority, persons = _RISKS[risk]
    return tuple(
        RiskAssessment(CONTROLLER, segment, document=True, authority=authority, persons=persons)
        for segment in sorted(fact_values.SEGMENTS)
    )
