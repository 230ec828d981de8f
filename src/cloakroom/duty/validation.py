"""Checks over a whole set of rules, apart from parsing and from running the cases.

Each check yields problems with file and line:

- an id belongs to one instrument; versions of one id do not overlap in time, and a version lasts at least a day;
- two rules do not give different orders to the same recipient under the same provision;
- references (`after`, `duty:`) lead to rules that exist, and never in a circle;
- an expression can be true: no `all` that asks for contradictory things;
- every rule has cases on both sides: one in which something is due, one in which nothing is;
- a business-day clock has a calendar of holidays.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from cloakroom.duty.deadlines import has_calendar
from cloakroom.duty.expressions import ALWAYS, Expression, walk
from cloakroom.duty.instruments import RESIDENCE
from cloakroom.errors import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloakroom.duty.instruments import Instrument, Rule, RuleSet

__all__ = ["case_problems", "rule_problems"]

_NEVER: Final = date.max


def rule_problems(rules: RuleSet) -> Iterator[Problem]:
    """Yield every problem between the rules of a set."""
    families: dict[str, list[Rule]] = {}
    for rule in rules.rules:
        families.setdefault(rule.id, []).append(rule)
    yield from _instrument_ids(rules)
    for family in families.values():
        yield from _versions(family)
    yield from _conflicts(rules)
    for rule in rules.rules:
        yield from _single(rule)
        yield from _references(rule, families)
    yield from _circles(families)
    yield from _address_book(rules)


def case_problems(instrument: Instrument) -> Iterator[Problem]:
    """Yield a problem for every rule of an instrument without cases on both sides."""
    expected: dict[str, set[str]] = {}
    for case in instrument.cases:
        expected.setdefault(case.rule, set()).add(case.expect)
    for rule in instrument.rules:
        seen = expected.get(rule.id, set())
        if not seen:
            yield _at(rule, "has no case")
        elif rule.effect == "duty":
            if not seen - {"not_due"}:
                yield _at(rule, "is unreachable as far as its cases show: none of them makes it due")
            if "not_due" not in seen and not _is_unconditional(rule):
                yield _at(rule, "has no case in which it is not due")


def _at(rule: Rule, reason: str) -> Problem:
    return Problem(Position(rule.file, rule.line, rule.id), reason)


def _is_unconditional(rule: Rule) -> bool:
    return rule.who == ALWAYS and rule.when == ALWAYS and not rule.exemptions and rule.valid_from is None


def _instrument_ids(rules: RuleSet) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for instrument in rules.instruments:
        if instrument.id in seen:
            where = Position(instrument.file, None, "instrument.id")
            yield Problem(where, f"is the id of {seen[instrument.id]} already")
        seen[instrument.id] = instrument.file


def _versions(family: list[Rule]) -> Iterator[Problem]:
    if len({rule.instrument for rule in family}) > 1:
        yield _at(family[-1], "has the id of a rule of another instrument")
    for rule in family:
        if rule.valid_from is not None and rule.valid_until is not None and rule.valid_until <= rule.valid_from:
            yield _at(rule, "is never in force: until is not after from")
    dated = sorted((rule for rule in family if not rule.pending), key=lambda rule: rule.valid_from or date.min)
    for before, after in pairwise(dated):
        if (before.valid_until or _NEVER) > (after.valid_from or date.min):
            yield _at(after, f"overlaps in time with the version on line {before.line}")


def _conflicts(rules: RuleSet) -> Iterator[Problem]:
    """Find two rules that speak to the same recipient under the same provision at the same time."""
    seen: dict[tuple[str, str, str, str], list[Rule]] = {}
    for rule in rules.rules:
        if rule.pending:
            continue
        key = (rule.jurisdiction, rule.recipient_kind, rule.recipient, rule.provision)
        for other in seen.get(key, []):
            if other.id != rule.id and _overlap(other, rule) and other.residents & rule.residents:
                yield _at(rule, f"conflicts with {other.id}: same recipient, provision, residents and time")
        seen.setdefault(key, []).append(rule)


def _overlap(one: Rule, other: Rule) -> bool:
    starts = max(one.valid_from or date.min, other.valid_from or date.min)
    return starts < min(one.valid_until or _NEVER, other.valid_until or _NEVER)


def _single(rule: Rule) -> Iterator[Problem]:
    for expression in (rule.who, rule.when, *(exemption.when for exemption in rule.exemptions)):
        if any(_contradicts(part) for part in walk(expression)):
            yield _at(rule, "is unreachable: an 'all' asks for things that exclude each other")
    if any(part.op.startswith("persons") for part in walk(rule.who)):
        yield _at(rule, "counts persons in 'who': thresholds belong into 'when'")
    clock = rule.clock
    if clock is not None and "business_day" in {clock.period.unit, clock.target.unit if clock.target else ""}:
        place = clock.holidays or rule.jurisdiction.partition("-")[0]
        if rule.jurisdiction == RESIDENCE and not clock.holidays:
            return
        if not has_calendar(place):
            yield _at(rule, "counts business days, but there is no calendar of holidays for the place")


_SINGLE_VALUED: Final = frozenset({"cause", "taken", "holder", "service_harm", "based"})


def _contradicts(expression: Expression) -> bool:
    """Answer whether an `all` cannot be true whatever the facts are."""
    if expression.op != "all":
        return False
    parts = expression.operands
    if any(Expression("not", operands=(part,)) in parts for part in parts):
        return True
    if any(part == Expression("always", values=(False,)) for part in parts):
        return True
    least = max((_least(part) for part in parts), default=0)
    most = min(
        (_most(part) for part in parts), default=None, key=lambda bound: float("inf") if bound is None else bound
    )
    if most is not None and least > most:
        return True
    for op in _SINGLE_VALUED:
        wanted = [set(part.values) for part in parts if part.op == op]
        if wanted and not set.intersection(*wanted):
            return True
    truths = {(part.op, part.values[0]) for part in parts if part.op in {"intelligible", "deletion_confirmed"}}
    return any((op, not value) in truths for op, value in truths)


def _least(part: Expression) -> int:
    """Return how many persons `part` asks for."""
    if part.op not in {"persons_from", "persons_over"}:
        return 0
    return int(part.values[0]) + (part.op == "persons_over")


def _most(part: Expression) -> int | None:
    """Return up to how many persons `part` allows; None without bound."""
    if part.op != "not" or part.operands[0].op not in {"persons_from", "persons_over"}:
        return None
    return _least(part.operands[0]) - 1


def _references(rule: Rule, families: dict[str, list[Rule]]) -> Iterator[Problem]:
    names = [*rule.after, rule.replaces] if rule.replaces else list(rule.after)
    if rule.clock is not None and rule.clock.start.startswith("duty:"):
        names.append(rule.clock.start.removeprefix("duty:"))
    for name in names:
        if name not in families:
            yield _at(rule, f"refers to {name}, which is no rule")


def _circles(families: dict[str, list[Rule]]) -> Iterator[Problem]:
    edges = {name: {after for rule in family for after in rule.after} for name, family in families.items()}
    for name, family in families.items():
        seen: set[str] = set()
        front = set(edges[name])
        while front - seen:
            seen |= front
            front = {after for item in front for after in edges.get(item, set())}
        if name in seen:
            yield _at(family[0], "comes after itself: the order edges form a circle")


def _address_book(rules: RuleSet) -> Iterator[Problem]:
    seen: set[str] = set()
    for instrument in rules.instruments:
        for authority in instrument.authorities:
            if authority.place in seen:
                yield Problem(Position(instrument.file, None, "authority"), f"{authority.place} is there twice")
            seen.add(authority.place)
