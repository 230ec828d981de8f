"""Facts and rules in, duties out. Pure: no clock, no files; the same input gives the same output.

The contract, which `tests/promises/test_p7_no_duty_is_forgotten.py` holds:

1. Every rule whose reach holds a resident of the controller gives a result: due, not due, conditional, or ask
   counsel, each with reasons. A rule is never left out because it does not apply.
2. For every affected residence of every controller there is at least one result for an authority and one for the
   individuals. Where no rule reaches, that result is "ask counsel".
3. The version of a rule is the one in force on the day of its clock's start event, in the controller's calendar.
4. Thresholds count the persons whom the rule's own `who` selects, of one controller, within the rule's reach.
5. Unknown stays unknown: a missing assessment or a count that straddles a threshold gives "conditional" with the
   question.
6. Confidence V3 and X never drive a clock without a warning among the reasons.

The result is a reading aid for counsel. It is not legal advice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from cloakroom.duty.coverage import uncovered
from cloakroom.duty.deadlines import deadline
from cloakroom.duty.duties import NO_CLOCK, OPEN, Duty, DutyClock
from cloakroom.duty.expressions import NO_THRESHOLD, Question, Selection, Truth, Verdict, evaluate
from cloakroom.duty.instruments import CONFIDENCES, RESIDENCE, Authority, Period, Rule, RuleSet
from cloakroom.duty.linking import link_duties
from cloakroom.duty.places import EEA, controller_zone, reaches, zone_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime

    from cloakroom.duty.facts import AffectedGroup, ControllerFacts, Facts, RiskAssessment

__all__ = ["Judgement", "evaluate_duties", "judge", "reached_by", "start_of"]


@dataclass(frozen=True, slots=True)
class _World:
    """One controller with everything that every rule looks at."""

    facts: Facts
    controller: ControllerFacts
    groups: tuple[AffectedGroup, ...]
    risks: dict[str, RiskAssessment]
    authorities: dict[str, Authority]
    target: Period | None

    def selection(self, groups: Iterable[AffectedGroup]) -> Selection:
        return Selection(self.facts.incident, self.controller, tuple(groups), (), self.risks)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The status that a rule gives some groups, with reasons, before it has an addressee and a clock."""

    status: str
    reasons: tuple[str, ...]
    residents: int


def evaluate_duties(
    facts: Facts,
    rules: RuleSet,
    risks: Iterable[RiskAssessment],
    *,
    done: Mapping[str, datetime] | None = None,
    target: Period | None = None,
) -> tuple[Duty, ...]:
    """Return every duty, and every reasoned "not due", that the facts give rise to.

    Args:
        facts: The facts.
        rules: The rules.
        risks: Severity per controller and segment; without one, duties that depend on risk are conditional.
        done: When duties were done, by duty id: clocks that start with the doing of another duty need it.
        target: The house's own aim where the law gives no number, instead of the rules' targets.

    Returns:
        In the order of the controllers, then of the rules; places without rules last.
    """
    by_controller: dict[str, dict[str, RiskAssessment]] = {}
    for risk in risks:
        by_controller.setdefault(risk.controller, {})[risk.segment] = risk
    duties: list[Duty] = []
    for controller in facts.controllers:
        groups = tuple(group for group in facts.affected if group.controller == controller.id)
        own = by_controller.get(controller.id, {})
        world = _World(facts, controller, groups, own, rules.authorities, target)
        found = [duty for version in _versions(rules, world) for duty in _apply(version, world)]
        found.extend(uncovered(found, world.groups, controller))
        duties.extend(link_duties(found, facts, controller, done or {}))
    return tuple(duties)


@dataclass(frozen=True, slots=True)
class _Version:
    """A rule as it applies on the day, or the nearest version with the reason why none does."""

    rule: Rule
    lapse: str
    pending: tuple[Rule, ...]


def _versions(rules: RuleSet, world: _World) -> Iterator[_Version]:
    """Yield one version of every rule that reaches somebody."""
    families: dict[str, list[Rule]] = {}
    for rule in rules.rules:
        if reached_by(rule, world.groups) or (world.groups and _is_established(rule, world.controller)):
            families.setdefault(rule.replaces or rule.id, []).append(rule)
    for family in families.values():
        law = [rule for rule in family if not rule.pending]
        pending = tuple(rule for rule in family if rule.pending)
        if law:
            yield _in_force(law, pending, world)


def _in_force(law: list[Rule], pending: tuple[Rule, ...], world: _World) -> _Version:
    zone = controller_zone(world.controller)
    for rule in law:
        day = start_of(rule, world.facts).astimezone(zone).date()
        if rule.in_force(day):
            return _Version(rule, "", pending)
    rule = min(law, key=lambda item: _distance(item, start_of(item, world.facts).astimezone(zone).date()))
    day = start_of(rule, world.facts).astimezone(zone).date()
    if rule.valid_from is not None and day < rule.valid_from:
        return _Version(rule, f"in force only from {rule.valid_from}; the clock would start on {day}", pending)
    return _Version(rule, f"in force only until {rule.valid_until}; the clock would start on {day}", pending)


def _distance(rule: Rule, day: date) -> int:
    """Return days between `day` and the rule's validity."""
    if rule.valid_from is not None and day < rule.valid_from:
        return (rule.valid_from - day).days
    return (day - rule.valid_until).days if rule.valid_until is not None else 0


def start_of(rule: Rule, facts: Facts) -> datetime:
    """Return the instant of the rule's start event; where the facts do not have it, awareness stands in."""
    return _event(rule.clock.start if rule.clock is not None else "aware", facts)[0]


def _event(name: str, facts: Facts) -> tuple[datetime, str]:
    """Return the instant of an event, with a remark where another had to stand in for it."""
    incident = facts.incident
    at = {
        "assessed": incident.assessed_at,
        "determined": incident.determined_at,
        "discovered": incident.discovered_at,
        "occurred": incident.occurred_to or incident.occurred_from,
    }.get(name)
    if at is not None or name == "aware" or name.startswith("duty:"):
        return at or incident.aware_at, ""
    return incident.aware_at, f"the facts do not say when it was {name}: counted from awareness"


def _apply(version: _Version, world: _World) -> Iterator[Duty]:
    rule = version.rule
    reached = reached_by(rule, world.groups)
    if rule.addressee == "one_stop_shop":
        yield from _one_stop_shop(version, world, reached)
        return
    if rule.jurisdiction != RESIDENCE:
        yield _duty(version, world, rule.jurisdiction, judge(rule, world.selection(reached), version.lapse))
        return
    for country in dict.fromkeys(group.country for group in reached):
        local = [group for group in reached if group.country == country]
        yield _duty(version, world, country, judge(rule, world.selection(local), version.lapse))


def reached_by(rule: Rule, groups: Iterable[AffectedGroup]) -> list[AffectedGroup]:
    """Return the groups whose residence brings them into the rule's reach."""
    return [group for group in groups if reaches(rule.residents, rule.excluded, group)]


def _one_stop_shop(version: _Version, world: _World, reached: list[AffectedGroup]) -> Iterator[Duty]:
    """Give the lead authority the whole, or, where there is none, each authority its own residents (GDPR 55, 56)."""
    lead = world.controller.eea_main_establishment
    countries = dict.fromkeys(group.country for group in reached)
    if lead not in EEA:
        remark = (
            "no main establishment in the EEA, hence no lead authority (a representative under Art. 27 makes none): "
            "every authority concerned is told by itself"
        )
        for country in countries:
            local = [group for group in reached if group.country == country]
            judgement = judge(version.rule, world.selection(local), version.lapse)
            yield _duty(version, world, country, _with_reason(judgement, remark))
        return
    duty = _duty(version, world, lead, _for_lead_authority(version, world, reached))
    yield duty
    for country in countries:
        if country != lead:
            told = f"one-stop-shop: {duty.recipient} is the lead authority ({duty.id}); that filing names {country}"
            yield _duty(version, world, country, Judgement("not_due", (told,), _persons(reached, country)))


def _is_established(rule: Rule, controller: ControllerFacts) -> bool:
    """Answer whether the rule binds a controller by its establishment, wherever the persons live (GDPR 3(1))."""
    return rule.addressee == "one_stop_shop" and controller.eea_main_establishment in EEA


def _for_lead_authority(version: _Version, world: _World, reached: list[AffectedGroup]) -> Judgement:
    """Judge for the whole controller: persons outside the EEA bring the duty, those inside are counted by country."""
    whole = judge(version.rule, world.selection(world.groups), version.lapse)
    shares = ", ".join(f"{place} {_persons(reached, place):,}" for place in dict.fromkeys(g.country for g in reached))
    remarks = [f"lead authority for the EEA; persons by country: {shares or 'none'}"]
    outside = sum(group.persons for group in world.groups if group not in reached)
    if outside:
        remarks.append(
            f"established in the EEA (Art. 3(1)): the filing covers {outside:,} persons outside it, too; "
            "how Art. 34 goes with the law of their place is for counsel"
        )
    residents = judge(version.rule, world.selection(reached), version.lapse).residents if reached else whole.residents
    return Judgement(whole.status, (*whole.reasons, *remarks), residents)


def _persons(groups: list[AffectedGroup], country: str) -> int:
    return sum(group.persons for group in groups if group.country == country)


def _with_reason(judgement: Judgement, reason: str) -> Judgement:
    return replace(judgement, reasons=(*judgement.reasons, reason))


def judge(rule: Rule, everybody: Selection, lapse: str = "", *, quick: bool = False) -> Judgement:
    """Judge whether the rule makes a duty for `everybody` whom it reaches.

    Args:
        rule: The rule in the version that counts.
        everybody: All groups of one controller in the rule's reach.
        lapse: Why the rule is not in force, or empty.
        quick: Same status, fewer reasons.
    """
    if lapse or rule.effect != "duty":
        reasons = (lapse,) if lapse else rule.notes
        prefix = ("no duty; notification is voluntary",) if rule.effect == "voluntary" and not lapse else ()
        return Judgement("not_due", prefix + reasons, everybody.persons_least)
    chosen, verdicts = _select(rule, everybody, quick=quick)
    if not chosen.groups:
        reasons = tuple(dict.fromkeys(reason for verdict in verdicts for reason in verdict.reasons))
        return Judgement("not_due", reasons, everybody.persons_least)
    who = Verdict(
        _presence(chosen),
        tuple(dict.fromkeys(reason for verdict in verdicts for reason in verdict.reasons)),
        tuple(dict.fromkeys(question for verdict in verdicts for question in verdict.questions)),
    )
    when = evaluate(rule.when, chosen, quick=quick)
    return _weigh(rule, chosen, who, when)


def _presence(chosen: Selection) -> Truth:
    if chosen.persons_least > 0:
        return Truth.TRUE
    return Truth.UNKNOWN if chosen.persons_most > 0 else Truth.FALSE


def _select(rule: Rule, everybody: Selection, *, quick: bool) -> tuple[Selection, list[Verdict]]:
    """Split the groups by the rule's `who`; verdicts are of those chosen, or of all where none is."""
    certain: list[AffectedGroup] = []
    uncertain: list[AffectedGroup] = []
    kept: list[Verdict] = []
    refused: list[Verdict] = []
    for group in everybody.certain:
        verdict = evaluate(rule.who, replace(everybody, certain=(group,)), quick=quick)
        if verdict.truth is Truth.FALSE:
            refused.append(verdict)
            continue
        (certain if verdict.truth is Truth.TRUE else uncertain).append(group)
        kept.append(verdict)
    chosen = replace(everybody, certain=tuple(certain), uncertain=tuple(uncertain))
    return chosen, kept or refused


def _weigh(rule: Rule, chosen: Selection, who: Verdict, when: Verdict) -> Judgement:
    """Bring selection, trigger and exemptions together."""
    if who.truth is Truth.FALSE:
        return Judgement("not_due", ("nobody is affected",), 0)
    if when.truth is Truth.FALSE:
        return Judgement("not_due", when.reasons, chosen.persons_least)
    reasons = who.reasons + when.reasons
    if who.truth is Truth.TRUE and len(set(reasons)) > 1:
        reasons = tuple(reason for reason in reasons if reason != NO_THRESHOLD)
    certain = who.truth is Truth.TRUE and when.truth is Truth.TRUE
    # Persons who may count do not make the duty towards those who do count any less due.
    questions = when.questions if certain else who.questions + when.questions
    if who.truth is Truth.UNKNOWN and not who.questions:
        questions += (Question(f"between 0 and {chosen.persons_most:,} persons are affected"),)
    for exemption in rule.exemptions:
        verdict = evaluate(exemption.when, chosen)
        if verdict.truth is Truth.TRUE:
            return Judgement("not_due", (f"exempt: {exemption.text}", *verdict.reasons), chosen.persons_least)
        if verdict.truth is Truth.UNKNOWN:
            questions += tuple(replace(item, text=f"{exemption.text}: {item.text}") for item in verdict.questions)
    if certain and not questions:
        further = tuple(f"open, for further persons: {question.text}" for question in who.questions)
        return Judgement("due", tuple(dict.fromkeys(reasons + further)), chosen.persons_least)
    status = "ask_counsel" if any(question.for_counsel for question in questions) else "conditional"
    asked = tuple(OPEN + question.text for question in questions)
    reasons = tuple(reason for reason in reasons if OPEN + reason not in asked)
    return Judgement(status, tuple(dict.fromkeys(reasons + asked)), chosen.persons_least or chosen.persons_most)


def _duty(version: _Version, world: _World, jurisdiction: str, judgement: Judgement) -> Duty:
    rule = version.rule
    authority = _authority(rule, world, jurisdiction)
    start, remark = _event(rule.clock.start, world.facts) if rule.clock is not None else (None, "")
    clock = NO_CLOCK
    ends = aim = None
    if rule.clock is not None and start is not None:
        zones = {"own": controller_zone(world.controller), "there": zone_of(jurisdiction)}
        calendar = rule.clock.holidays or jurisdiction.partition("-")[0]
        clock = DutyClock(rule.clock.start, start, rule.clock.period.amount, rule.clock.period.unit)
        ends = deadline(start, rule.clock.period, **zones, holidays_of=calendar)
        target = world.target if world.target is not None and ends is None else rule.clock.target
        aim = deadline(start, target, **zones, holidays_of=calendar) if target is not None else None
    runs = judgement.status in {"due", "conditional"}
    return Duty(
        id=f"{rule.id}:{jurisdiction}:{world.controller.id}",
        jurisdiction=jurisdiction,
        instrument=rule.instrument,
        provision=rule.provision,
        controller=world.controller.id,
        bearer=world.controller.bearer or world.controller.id,
        recipient=authority.name if authority is not None and rule.addressee != "named" else rule.recipient,
        recipient_kind=rule.recipient_kind,
        status=judgement.status,
        deadline=ends if runs else None,
        target=aim if runs else None,
        clock=clock,
        after=rule.after if runs else (),
        content_required=rule.content_required,
        content_forbidden=rule.content_forbidden,
        channels=rule.channels or ((authority.channel,) if authority is not None and authority.channel else ()),
        languages=authority.languages if authority is not None and not rule.languages else rule.languages,
        residents=judgement.residents,
        reasons=judgement.reasons + _remarks(version, world, judgement, remark, authority),
        confidence=rule.confidence,
        source=rule.source,
        rule=rule,
    )


def _authority(rule: Rule, world: _World, jurisdiction: str) -> Authority | None:
    """Return the address book's entry, of the controller's own Land where authorities differ within the country."""
    if rule.jurisdiction != RESIDENCE:
        return None
    controller = world.controller
    own = f"{jurisdiction}-{controller.subdivision}" if controller.country == jurisdiction else jurisdiction
    return world.authorities.get(own) or world.authorities.get(jurisdiction)


def _book_remarks(authority: Authority, rule: Rule) -> Iterator[str]:
    """Yield what the address book says about filing there, or about telling residents of the place."""
    if rule.addressee == "named":
        yield from authority.individual_notes
        return
    if authority.address:
        yield f"file at {authority.address}"
    yield from authority.notes
    if authority.confidence in _WARNED:
        yield f"warning: the address book's entry for {authority.place} is {authority.confidence}: confirm it"


_WARNED: Final = frozenset({"V3", "X"})


def _remarks(
    version: _Version, world: _World, judgement: Judgement, remark: str, authority: Authority | None
) -> tuple[str, ...]:
    rule = version.rule
    remarks: list[str] = []
    if judgement.status in {"due", "conditional", "ask_counsel"}:
        remarks += [remark] if remark else []
        if rule.clock is not None and rule.clock.wording:
            remarks.append(f"the law's words: {rule.clock.wording}")
        remarks += rule.notes
        remarks += _book_remarks(authority, rule) if authority is not None else ()
        if world.controller.bearer and world.controller.bearer != world.controller.id:
            remarks.append(f"joint controllers agreed that {world.controller.bearer} files")
        if rule.extension:
            remarks.append(f"extension: {rule.extension}")
    remarks += [f"pending change, not law: {item.provision}" for item in version.pending]
    if rule.confidence in _WARNED:
        remarks.append(f"warning: {rule.confidence}, {CONFIDENCES[rule.confidence]}: confirm before relying on it")
    return tuple(remarks)
