"""Boolean expressions of rules: a closed set of operators over facts, evaluated in three values, with reasons.

An expression is data: an operator, its values, its operands. There is no other language inside a rule. The third
value, unknown, comes with a question: a fact or a judgement that somebody has to supply (`open`), or law that only
counsel can read (`unclear`). Kleene's tables hold: false beats unknown in `all`, true beats unknown in `any`.

The operators, by what they look at:

    all any not                             operands
    data data_all segment place             the groups (any group in the selection counts)
    persons_from persons_over               the number of persons in the selection: >= and >
    nature cause taken holder service_harm  the incident
    intelligible deletion_confirmed restored_hours_over
    risk harm                               the risk assessment of the group's segment
    flag based                              the controller
    always open unclear                     nothing
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cloakroom.duty.facts import AffectedGroup, ControllerFacts, IncidentFacts, RiskAssessment

__all__ = ["ALWAYS", "NO_THRESHOLD", "Expression", "Question", "Selection", "Truth", "Verdict", "evaluate", "walk"]


class Truth(Enum):
    """One of Kleene's three values."""

    FALSE = 0
    UNKNOWN = 1
    TRUE = 2


@dataclass(frozen=True, slots=True)
class Expression:
    """An operator with its operands (for `all`, `any`, `not`) or its values (for everything else)."""

    op: str
    operands: tuple[Expression, ...] = ()
    values: tuple[str | int | bool, ...] = ()


NO_THRESHOLD: Final = "no threshold"
ALWAYS: Final = Expression("always", values=(True,))


@dataclass(frozen=True, slots=True)
class Question:
    """A question whose answer settles an unknown; `for_counsel` where it is the law that is unclear."""

    text: str
    for_counsel: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Groups that an expression looks at.

    Attributes:
        incident: What happened.
        controller: Whose duty it is.
        certain: Groups that belong.
        uncertain: Groups of which that is unknown.
        risks: Assessments by segment, of this controller.
    """

    incident: IncidentFacts
    controller: ControllerFacts
    certain: tuple[AffectedGroup, ...]
    uncertain: tuple[AffectedGroup, ...]
    risks: dict[str, RiskAssessment]

    @property
    def groups(self) -> tuple[AffectedGroup, ...]:
        """Every group, certain or not."""
        return self.certain + self.uncertain

    @property
    def persons_least(self) -> int:
        """Persons proven."""
        return sum(group.persons for group in self.certain)

    @property
    def persons_most(self) -> int:
        """Persons that cannot be excluded."""
        return sum(group.persons_possible for group in self.groups)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A truth with its reasons, and the questions that keep it from being more certain."""

    truth: Truth
    reasons: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


def evaluate(expression: Expression, selection: Selection, *, quick: bool = False) -> Verdict:
    """Evaluate `expression` over `selection`, keeping only the reasons that decided.

    Args:
        expression: What to evaluate.
        selection: What it looks at.
        quick: Stop at the first operand that decides: same truth and questions, fewer reasons.
    """
    if expression.op == "not":
        inner = evaluate(expression.operands[0], selection, quick=quick)
        return Verdict(Truth(2 - inner.truth.value), inner.reasons, inner.questions)
    deciding = _DECIDES.get(expression.op)
    if deciding is None:
        return _ATOMS[expression.op](expression, selection)
    verdicts: list[Verdict] = []
    for operand in expression.operands:
        verdict = evaluate(operand, selection, quick=quick)
        if quick and verdict.truth is deciding:
            return verdict
        verdicts.append(verdict)
    pick = min if expression.op == "all" else max
    truth = Truth(pick(verdict.truth.value for verdict in verdicts))
    chosen = [verdict for verdict in verdicts if verdict.truth is truth]
    return Verdict(
        truth,
        _unique(reason for verdict in chosen for reason in verdict.reasons),
        _unique(question for verdict in chosen for question in verdict.questions),
    )


_DECIDES: Final = {"all": Truth.FALSE, "any": Truth.TRUE}


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield `expression` and everything inside it, outermost first."""
    yield expression
    for operand in expression.operands:
        yield from walk(operand)


Item = TypeVar("Item")


def _unique(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(items))


def _answer(truth: bool, yes: str, no: str) -> Verdict:  # noqa: FBT001 -- private, positional reads best
    return Verdict(Truth.TRUE, (yes,)) if truth else Verdict(Truth.FALSE, (no,))


def _over_groups(
    selection: Selection,
    judge: Callable[[AffectedGroup], Truth],
    words: Callable[[Truth], str],
) -> Verdict:
    """Any certain group makes it true; an unknown, or a group that may not belong, keeps it unknown.

    `words` gives the reason for a truth; for an unknown it is the question. Only the one that is needed is rendered:
    rendering costs more than judging.
    """
    truth = Truth.FALSE
    for group in selection.certain:
        judged = judge(group)
        if judged is Truth.TRUE:
            return Verdict(Truth.TRUE, (words(Truth.TRUE),))
        if judged is Truth.UNKNOWN:
            truth = Truth.UNKNOWN
    if truth is Truth.UNKNOWN or any(judge(group) is not Truth.FALSE for group in selection.uncertain):
        ask = words(Truth.UNKNOWN)
        return Verdict(Truth.UNKNOWN, (ask,), (Question(ask),))
    return Verdict(Truth.FALSE, (words(Truth.FALSE),))


def _texts(expression: Expression) -> tuple[str, ...]:
    return tuple(str(value) for value in expression.values)


def _listed(values: Iterable[str], joint: str = "or") -> str:
    words = [value.replace("_", " ") for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}"


def _data(expression: Expression, selection: Selection) -> Verdict:
    wanted = frozenset(expression.values)

    def words(truth: Truth) -> str:
        if truth is Truth.FALSE:
            return f"the data hold no {_listed(_texts(expression))}"
        found = sorted(
            str(value) for value in wanted & frozenset().union(*(group.data for group in selection.groups))
        )
        if truth is Truth.TRUE:
            return f"the data hold {_listed(found, 'and')}"
        return f"it is open whether the groups that hold {_listed(found)} count"

    return _over_groups(selection, lambda group: Truth.FALSE if wanted.isdisjoint(group.data) else Truth.TRUE, words)


def _data_all(expression: Expression, selection: Selection) -> Verdict:
    wanted = frozenset(expression.values)

    def words(truth: Truth) -> str:
        together = _listed(_texts(expression), "and")
        return {
            Truth.TRUE: f"the data hold {together} of the same persons",
            Truth.FALSE: f"the data do not hold {together} together",
            Truth.UNKNOWN: f"it is open whether the groups that hold {together} count",
        }[truth]

    return _over_groups(selection, lambda group: Truth.TRUE if wanted <= group.data else Truth.FALSE, words)


def _segment(expression: Expression, selection: Selection) -> Verdict:
    wanted = _texts(expression)

    def words(truth: Truth) -> str:
        return {
            Truth.TRUE: f"persons of the segment {_listed(wanted)} are among them",
            Truth.FALSE: f"no person of the segment {_listed(wanted)} is among them",
            Truth.UNKNOWN: f"it is open whether persons of the segment {_listed(wanted)} count",
        }[truth]

    return _over_groups(selection, lambda group: Truth.TRUE if group.segment in wanted else Truth.FALSE, words)


def _place(expression: Expression, selection: Selection) -> Verdict:
    wanted = frozenset(_texts(expression))

    def words(truth: Truth) -> str:
        places = ", ".join(sorted(wanted))
        return {
            Truth.TRUE: f"residents of {places}",
            Truth.FALSE: f"not residents of {places}",
            Truth.UNKNOWN: f"it is open whether residents of {places} count",
        }[truth]

    return _over_groups(
        selection, lambda group: Truth.TRUE if {group.place, group.country} & wanted else Truth.FALSE, words
    )


def _persons(expression: Expression, selection: Selection) -> Verdict:
    value = int(expression.values[0])
    least = value + (expression.op == "persons_over")
    wording = f"more than {value:,}" if expression.op == "persons_over" else f"{value:,} or more"
    if selection.persons_least >= least:
        return Verdict(Truth.TRUE, (f"{selection.persons_least:,} persons count: the threshold is {wording}",))
    if selection.persons_most < least:
        return Verdict(Truth.FALSE, (f"{selection.persons_most:,} persons count: the threshold is {wording}",))
    ask = f"between {selection.persons_least:,} and {selection.persons_most:,} persons: the threshold is {wording}"
    return Verdict(Truth.UNKNOWN, (ask,), (Question(ask),))


def _incident_word(expression: Expression, selection: Selection) -> Verdict:
    wanted = _texts(expression)
    actual = getattr(selection.incident, expression.op)
    values = actual if isinstance(actual, tuple) else (actual,)
    name = {"taken": "taking", "service_harm": "harm to services"}.get(expression.op, expression.op)
    fact = f"{name}: {_listed(values, 'and')}"
    return _answer(bool(set(values) & set(wanted)), fact, f"{fact}, not {_listed(wanted)}")


def _intelligible(expression: Expression, selection: Selection) -> Verdict:
    fact = (
        "the data are intelligible to whoever has them"
        if selection.incident.intelligible
        else "the data are unintelligible and the key is safe"
    )
    return _answer(selection.incident.intelligible is expression.values[0], fact, fact)


def _deletion_confirmed(expression: Expression, selection: Selection) -> Verdict:
    confirmed = selection.incident.deletion_confirmed
    fact = "deletion is confirmed in writing" if confirmed else "deletion is not confirmed"
    return _answer(confirmed is expression.values[0], fact, fact)


def _restored(expression: Expression, selection: Selection) -> Verdict:
    hours = selection.incident.restored_hours
    fact = f"data were restored after {hours} hours"
    bound = int(expression.values[0])
    return _answer(hours > bound, f"{fact}, more than {bound}", f"{fact}, not more than {bound}")


_UNASSESSED: Final = "the risk has not been assessed for every segment"


def _risk(expression: Expression, selection: Selection) -> Verdict:
    wants_high = expression.values[0] == "high"
    words = "a high risk" if wants_high else "a risk"

    def judge(group: AffectedGroup) -> Truth:
        assessment = selection.risks.get(group.segment)
        if assessment is None:
            return Truth.UNKNOWN
        return Truth.TRUE if (assessment.persons if wants_high else assessment.authority) else Truth.FALSE

    def reason(truth: Truth) -> str:
        if truth is Truth.UNKNOWN:
            return _UNASSESSED
        return f"the assessment {'finds' if truth is Truth.TRUE else 'does not find'} {words} to the persons"

    return _over_groups(selection, judge, reason)


def _harm(expression: Expression, selection: Selection) -> Verdict:
    """A national harm test: high risk passes it, no risk fails it, what lies between needs a written judgement."""
    name = str(expression.values[0])

    def judge(group: AffectedGroup) -> Truth:
        assessment = selection.risks.get(group.segment)
        if assessment is None or (assessment.authority and not assessment.persons):
            return Truth.UNKNOWN
        return Truth.TRUE if assessment.persons else Truth.FALSE

    def reason(truth: Truth) -> str:
        return {
            Truth.TRUE: f"{name} is likely: the assessment finds a high risk",
            Truth.FALSE: f"{name} is not likely: the assessment finds no risk",
            Truth.UNKNOWN: f"a written judgement is needed: is {name} likely?",
        }[truth]

    return _over_groups(selection, judge, reason)


def _flag(expression: Expression, selection: Selection) -> Verdict:
    wanted = _texts(expression)
    carried = sorted(selection.controller.flags & set(wanted))
    return _answer(
        bool(carried),
        f"the controller is marked {', '.join(carried)}",
        f"the controller is not marked {' or '.join(wanted)}",
    )


def _based(expression: Expression, selection: Selection) -> Verdict:
    country = selection.controller.country
    fact = f"the controller's seat is in {country}"
    return _answer(country in expression.values, fact, fact)


def _always(expression: Expression, selection: Selection) -> Verdict:
    del selection
    return _answer(bool(expression.values[0]), NO_THRESHOLD, "never")


def _question(expression: Expression, selection: Selection) -> Verdict:
    del selection
    text = str(expression.values[0])
    return Verdict(Truth.UNKNOWN, (text,), (Question(text, for_counsel=expression.op == "unclear"),))


_ATOMS: Final[dict[str, Callable[[Expression, Selection], Verdict]]] = {
    "always": _always,
    "based": _based,
    "cause": _incident_word,
    "data": _data,
    "data_all": _data_all,
    "deletion_confirmed": _deletion_confirmed,
    "flag": _flag,
    "harm": _harm,
    "holder": _incident_word,
    "intelligible": _intelligible,
    "nature": _incident_word,
    "open": _question,
    "persons_from": _persons,
    "persons_over": _persons,
    "place": _place,
    "restored_hours_over": _restored,
    "risk": _risk,
    "segment": _segment,
    "service_harm": _incident_word,
    "taken": _incident_word,
    "unclear": _question,
}
