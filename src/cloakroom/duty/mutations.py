"""Small wrong changes to rules, to see whether the cases beside them notice.

A mutant is a rule with one thing changed: an hour or day more or less on the clock, one person more or less on a
threshold, one data element or circumstance added or removed, a date moved by a day, an exemption dropped, risk and
high risk exchanged. A mutant that no case notices is a boundary that nobody tries.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from cloakroom.duty.case_checking import failed_cases
from cloakroom.duty.evaluation import judge, reached_by, start_of
from cloakroom.duty.expressions import Expression, Selection, walk
from cloakroom.duty.fact_values import CAUSES, HOLDERS, NATURES, SEGMENTS, SERVICE_HARMS, TAKEN
from cloakroom.duty.instruments import RESIDENCE, RuleSet
from cloakroom.duty.places import controller_zone
from cloakroom.duty.validation import rule_problems
from cloakroom.vocabulary import DATA_ELEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloakroom.duty.instruments import Authority, Clock, Instrument, Rule

__all__ = ["Mutant", "mutants", "unnoticed"]

_NEVER: Final = Expression("always", values=(False,))
_DAY: Final = timedelta(days=1)
_VOCABULARY: Final[dict[str, frozenset[str]]] = {
    "based": frozenset(),
    "cause": CAUSES,
    "data": DATA_ELEMENTS,
    "flag": frozenset(),
    "holder": HOLDERS,
    "nature": NATURES,
    "place": frozenset(),
    "segment": SEGMENTS,
    "service_harm": SERVICE_HARMS,
    "taken": TAKEN,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule of an instrument, changed.

    Attributes:
        index: Which rule of the instrument.
        rule: The changed rule.
        change: What was changed, in words.
    """

    index: int
    rule: Rule
    change: str


def unnoticed(instrument: Instrument, authorities: tuple[Authority, ...] = ()) -> Iterator[Mutant]:
    """Yield the mutants of an instrument that neither the checks nor any case notices.

    The cases are taken to hold. A changed expression is first judged over the worlds of the rule's own cases, which
    is quick; only what that does not settle is evaluated in full.
    """
    trials = {index: _trials(rule, instrument) for index, rule in enumerate(instrument.rules)}
    for mutant in mutants(instrument):
        if _judged_otherwise(mutant.rule, trials[mutant.index]):
            continue
        rules = (*instrument.rules[: mutant.index], mutant.rule, *instrument.rules[mutant.index + 1 :])
        own = sorted(instrument.cases, key=lambda case: case.rule != mutant.rule.id)
        changed = replace(instrument, rules=rules, cases=tuple(own))
        if next(failed_cases(changed, authorities), None) is None and not any(rule_problems(RuleSet((changed,)))):
            yield mutant


@dataclass(frozen=True, slots=True)
class _Trial:
    """The world of a case, and what the unchanged rule says there."""

    everybody: Selection
    status: str


def _trials(rule: Rule, instrument: Instrument) -> list[_Trial]:
    """Return the worlds in which this version of the rule gives the one result that a case looks at."""
    if rule.addressee == "one_stop_shop" or rule.jurisdiction == RESIDENCE:
        return []
    found = []
    for case in instrument.cases:
        (controller,) = case.facts.controllers
        day = start_of(rule, case.facts).astimezone(controller_zone(controller)).date()
        if case.rule != rule.id or not rule.enacted().in_force(day):
            continue
        own = {risk.segment: risk for risk in case.risks}
        groups = tuple(reached_by(rule, case.facts.affected))
        everybody = Selection(case.facts.incident, controller, groups, (), own)
        found.append(_Trial(everybody, judge(rule, everybody).status))
    return found


def _judged_otherwise(rule: Rule, trials: list[_Trial]) -> bool:
    """Answer whether the changed rule says something else in a trial; that one is tried first next time."""
    for index, trial in enumerate(trials):
        if judge(rule, trial.everybody, quick=True).status != trial.status:
            trials.insert(0, trials.pop(index))
            return True
    return False


def mutants(instrument: Instrument) -> Iterator[Mutant]:
    """Yield every mutant of every rule of an instrument."""
    for index, rule in enumerate(instrument.rules):
        if rule.effect != "duty" or (rule.pending and not rule.replaces):
            continue
        for changed, change in _changes(rule):
            yield Mutant(index, changed, change)


def _changes(rule: Rule) -> Iterator[tuple[Rule, str]]:
    if rule.clock is not None:
        for clock, change in _clocks(rule.clock):
            yield replace(rule, clock=clock), change
    for who, change in _expressions(rule.who, _named(rule.who)):
        yield replace(rule, who=who), f"who: {change}"
    for when, change in _expressions(rule.when, _named(rule.when)):
        yield replace(rule, when=when), f"when: {change}"
    for number, exemption in enumerate(rule.exemptions):
        others = rule.exemptions[:number], rule.exemptions[number + 1 :]
        yield replace(rule, exemptions=others[0] + others[1]), f"exemption dropped: {exemption.text}"
        for when, change in _expressions(exemption.when, _named(exemption.when)):
            changed = (*others[0], replace(exemption, when=when), *others[1])
            yield replace(rule, exemptions=changed), f"exemption {exemption.text!r}: {change}"
    for move in (-_DAY, _DAY):
        if rule.valid_from is not None:
            yield replace(rule, valid_from=rule.valid_from + move), f"from {rule.valid_from + move}"
        if rule.valid_until is not None and rule.valid_until != date.max:
            yield replace(rule, valid_until=rule.valid_until + move), f"until {rule.valid_until + move}"


def _clocks(clock: Clock) -> Iterator[tuple[Clock, str]]:
    amount = clock.period.amount
    if amount is None:
        return
    for changed in (amount - 1, amount + 1):
        if changed >= 0:
            yield replace(clock, period=replace(clock.period, amount=changed)), f"clock {changed} {clock.period.unit}"


def _named(expression: Expression) -> Counter[tuple[str, str]]:
    """Count how often an expression names each word, by kind.

    Adding a word that is named elsewhere is not tried: where "health" alone suffices, "name with health" says nothing
    new. Nor is removing a circumstance that is named twice: the other place may already cover it.
    """
    return Counter((_kind(part), str(value)) for part in walk(expression) for value in part.values)


def _kind(expression: Expression) -> str:
    return "data" if expression.op == "data_all" else expression.op


def _expressions(expression: Expression, named: Counter[tuple[str, str]]) -> Iterator[tuple[Expression, str]]:
    """Yield the expression with one of its parts changed."""
    for index, operand in enumerate(expression.operands):
        for changed, change in _expressions(operand, named):
            parts = (*expression.operands[:index], changed, *expression.operands[index + 1 :])
            yield replace(expression, operands=parts), change
    if expression.op in {"persons_from", "persons_over"}:
        value = int(expression.values[0])
        for number in (value - 1, value + 1):
            yield replace(expression, values=(number,)), f"{expression.op} {number}"
    elif expression.op == "risk":
        other = "risk" if expression.values[0] == "high" else "high"
        yield replace(expression, values=(other,)), f"risk {other}"
    elif expression.op == "restored_hours_over":
        hours = int(expression.values[0])
        for number in (hours - 1, hours + 1):
            yield replace(expression, values=(number,)), f"restored_hours_over {number}"
    elif expression.op in {"intelligible", "deletion_confirmed"}:
        yield replace(expression, values=(not expression.values[0],)), f"{expression.op} {not expression.values[0]}"
    elif _kind(expression) in _VOCABULARY:
        yield from _words(expression, named)


def _words(expression: Expression, named: Counter[tuple[str, str]]) -> Iterator[tuple[Expression, str]]:
    """Yield the expression with one of its words removed, or another of their kind added."""
    kind = _kind(expression)
    for value in expression.values:
        if kind == "data" or named[kind, str(value)] == 1:
            rest = tuple(item for item in expression.values if item != value)
            yield replace(expression, values=rest) if rest else _NEVER, f"{expression.op} without {value}"
    for value in sorted(_VOCABULARY[kind]):
        if not named[kind, value]:
            yield replace(expression, values=(*expression.values, value)), f"{expression.op} with {value}"
