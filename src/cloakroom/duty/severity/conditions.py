"""Conditions of the method file: a closed set of questions about a situation, all of which must hold.

There is no expression language. A condition is a table such as ``{holder_any = ["criminal"], persons_min = 1000}``;
`any_of` holds if one of its tables does, `not` if its table does not. Whatever is not in `OPERATORS` is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cloakroom.duty.severity.model import Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloakroom.duty.facts import IncidentFacts
    from cloakroom.toml import Table

__all__ = ["OPERATORS", "Condition", "Situation", "is_secrecy_in_question", "parse_condition", "reasons"]


@dataclass(frozen=True, slots=True)
class Situation:
    """A data set with its persons, incident and context: all that a condition may ask about.

    Attributes:
        incident: How it happened.
        data: Data elements of the data set.
        elements: Those of them that belong to the class under consideration.
        segment: The segment of the persons.
        persons: Persons of this controller whose data include at least `data`.
        persons_in_all: All persons of the incident.
        records: Records of `persons`.
        context: What was judged about the data.
        traits: What the trade of the controller gives away about its customers.
        band: The band of the score, once known.
    """

    incident: IncidentFacts
    data: frozenset[str]
    segment: str
    persons: int
    persons_in_all: int
    records: int
    context: Context = field(default_factory=Context)
    traits: frozenset[str] = frozenset()
    elements: frozenset[str] = frozenset()
    band: str = ""


def is_secrecy_in_question(incident: IncidentFacts) -> bool:
    """Answer whether secrecy is: named, not yet known, or shown by the data having left."""
    return (
        not incident.nature or "confidentiality" in incident.nature or incident.taken in {"accessed", "exfiltrated"}
    )


@dataclass(frozen=True, slots=True)
class Condition:
    """Questions, all of which must hold; without questions it always holds."""

    questions: tuple[tuple[str, Any], ...] = ()
    any_of: tuple[Condition, ...] = ()
    never: Condition | None = None


@dataclass(frozen=True, slots=True)
class _Operator:
    kind: str
    answer: Callable[[Situation, Any], str | None]


def _sorted(values: frozenset[str]) -> str:
    return ", ".join(sorted(values))


def _any(name: str, read: Callable[[Situation], str]) -> _Operator:
    return _Operator("texts", lambda s, wanted: f"{name} is {read(s) or 'not stated'}" if read(s) in wanted else None)


def _meets(name: str, read: Callable[[Situation], frozenset[str]]) -> _Operator:
    return _Operator("texts", lambda s, wanted: f"{name}: {_sorted(read(s) & wanted)}" if read(s) & wanted else None)


def _least(name: str, read: Callable[[Situation], int]) -> _Operator:
    return _Operator("number", lambda s, bound: f"{name}: {read(s)} (at least {bound})" if read(s) >= bound else None)


def _most(name: str, read: Callable[[Situation], int]) -> _Operator:
    return _Operator("number", lambda s, bound: f"{name}: {read(s)} (at most {bound})" if read(s) <= bound else None)


def _is(name: str, read: Callable[[Situation], bool]) -> _Operator:
    return _Operator("flag", lambda s, wanted: f"{name}: {'yes' if wanted else 'no'}" if read(s) is wanted else None)


def _has_all(s: Situation, wanted: frozenset[str]) -> str | None:
    return f"data have {_sorted(wanted)}" if wanted <= s.data else None


def _has_only(s: Situation, allowed: frozenset[str]) -> str | None:
    return f"data have nothing beyond {_sorted(allowed)}" if s.data <= allowed else None


def _class_has_only(s: Situation, allowed: frozenset[str]) -> str | None:
    return f"of this class only {_sorted(s.elements)}" if s.elements <= allowed else None


def _counts(wanted: frozenset[str], number: int, s: Situation) -> str | None:
    present = s.data & wanted
    return f"data have {number} or more of these: {_sorted(present)}" if len(present) >= number else None


def _restored_after(s: Situation, hours: int) -> str | None:
    restored = s.incident.restored_hours
    return f"available again after {restored} h (at least {hours} h)" if restored >= hours else None


def _restored_within(s: Situation, hours: int) -> str | None:
    restored = s.incident.restored_hours
    return f"available again after {restored} h (at most {hours} h)" if restored <= hours else None


def _spans_at_least(s: Situation, days: int) -> str | None:
    span = s.context.period_days
    return f"data span {span} days (at least {days})" if span is not None and span >= days else None


def _spans_at_most(s: Situation, days: int) -> str | None:
    span = s.context.period_days
    return f"data span {span} days (at most {days})" if span is not None and span <= days else None


def _per_person_at_most(s: Situation, number: int) -> str | None:
    return f"at most {number} record(s) for each person" if s.records <= number * s.persons else None


def _per_person_at_least(s: Situation, number: int) -> str | None:
    return f"at least {number} records for each person" if s.persons and s.records >= number * s.persons else None


OPERATORS: dict[str, _Operator] = {
    "band_any": _any("band", lambda s: s.band),
    "cause_any": _any("cause", lambda s: s.incident.cause),
    "class_only": _Operator("texts", _class_has_only),
    "confidentiality": _is("secrecy in question", lambda s: is_secrecy_in_question(s.incident)),
    "data_all": _Operator("texts", _has_all),
    "data_any": _meets("data", lambda s: s.data),
    "data_only": _Operator("texts", _has_only),
    "deletion_confirmed": _is("deletion confirmed", lambda s: s.incident.deletion_confirmed),
    "elements_min": _least("data elements", lambda s: len(s.data)),
    "holder_any": _any("holder", lambda s: s.incident.holder),
    "insight_any": _any("insight", lambda s: s.context.insight),
    "intelligible": _is("readable to the holder", lambda s: s.incident.intelligible),
    "nature_any": _meets("nature", lambda s: frozenset(s.incident.nature)),
    "outdated": _is("data long invalid", lambda s: s.context.outdated),
    "period_days_max": _Operator("number", _spans_at_most),
    "period_days_min": _Operator("number", _spans_at_least),
    "persons_in_all_max": _most("persons in all", lambda s: s.persons_in_all),
    "persons_max": _most("persons", lambda s: s.persons),
    "persons_min": _least("persons", lambda s: s.persons),
    "public": _is("data public before", lambda s: s.context.public),
    "records_each_max": _Operator("number", _per_person_at_most),
    "records_each_min": _Operator("number", _per_person_at_least),
    "restored_hours_max": _Operator("number", _restored_within),
    "restored_hours_min": _Operator("number", _restored_after),
    "segment_any": _any("segment", lambda s: s.segment),
    "service_harm_any": _any("harm to service", lambda s: s.incident.service_harm),
    "taken_any": _any("taken", lambda s: s.incident.taken),
    "trait_any": _meets("trade tells of", lambda s: s.traits),
    "two_of": _Operator("texts", lambda s, wanted: _counts(wanted, 2, s)),
}


def parse_condition(table: Table | None) -> Condition:
    """Read a condition; mistakes are reported to the table's document."""
    if table is None:
        return Condition()
    questions: list[tuple[str, Any]] = []
    for name, operator in OPERATORS.items():
        if not table.has(name):
            continue
        if operator.kind == "texts":
            questions.append((name, frozenset(table.texts(name, required=True))))
        elif operator.kind == "number":
            questions.append((name, table.number(name)))
        else:
            questions.append((name, table.flag(name, default=False)))
    any_of = tuple(parse_condition(child) for child in table.tables("any_of"))
    denied = table.table("not")
    never = None if denied is None else parse_condition(denied)
    table.close()
    return Condition(tuple(questions), any_of, never)


def reasons(condition: Condition, situation: Situation) -> tuple[str, ...] | None:
    """Return the facts that make `condition` hold, or None where it does not."""
    found: list[str] = []
    for name, wanted in condition.questions:
        answer = OPERATORS[name].answer(situation, wanted)
        if answer is None:
            return None
        found.append(answer)
    if condition.any_of:
        branches = (reasons(branch, situation) for branch in condition.any_of)
        first = next((branch for branch in branches if branch is not None), None)
        if first is None:
            return None
        found.extend(first)
    if condition.never is not None and reasons(condition.never, situation) is not None:
        return None
    return tuple(found)
