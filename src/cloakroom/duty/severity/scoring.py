"""The ENISA number of one data set: DPC × EI + CB, with every step and its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cloakroom.duty.severity.conditions import Situation, reasons
from cloakroom.duty.severity.model import Score, Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloakroom.duty.severity.method import DataClass, Method, Rule

__all__ = ["score"]

DPC_MIN, DPC_MAX = 100, 400
EI_MIN = 25


def score(method: Method, situation: Situation) -> Score:
    """Score one data set.

    Args:
        method: Weights and rules.
        situation: The data set with its persons, incident and context.
    """
    dpc, dpc_steps = _context(method, situation)
    ei, ei_step = _ease(method, situation)
    cb_steps = _circumstances(method, situation)
    steps = (*dpc_steps, ei_step, *cb_steps)
    return Score(situation.data, situation.persons, dpc, ei, sum(step.change for step in cb_steps), steps)


def _context(method: Method, situation: Situation) -> tuple[int, list[Step]]:
    """Score every class present; the highest counts (ENISA 2013)."""
    best, steps = DPC_MIN, []
    scored: list[tuple[int, DataClass]] = []
    for data_class in method.classes:
        present = data_class.elements & situation.data
        if not present:
            continue
        value, class_steps = _class_score(method, data_class, replace(situation, elements=present))
        steps.extend(class_steps)
        scored.append((value, data_class))
    if scored:
        best, winner = max(scored, key=lambda pair: pair[0])
        reason = f"the highest of the classes present: {winner.title}"
        steps.append(Step("dpc", "dpc-highest", best, reason, (), "ENISA 2013, DPC"))
    return best, steps


def _class_score(method: Method, data_class: DataClass, situation: Situation) -> tuple[int, list[Step]]:
    found = ", ".join(sorted(situation.elements))
    steps = [
        Step(
            data_class.id,
            f"{data_class.id}-base",
            data_class.base,
            data_class.title,
            (f"data: {found}",),
            data_class.source,
        )
    ]
    applying = [step for rule in method.steps if rule.element == data_class.id and (step := _try(rule, situation))]
    up = max((step for step in applying if step.change > 0), key=lambda step: step.change, default=None)
    down = min((step for step in applying if step.change < 0), key=lambda step: step.change, default=None)
    steps.extend(step for step in (up, down) if step is not None)
    value = sum(step.change for step in steps)
    return min(max(value, DPC_MIN), DPC_MAX), steps


def _ease(method: Method, situation: Situation) -> tuple[int, Step]:
    if not situation.incident.intelligible:
        step = Step(
            "ei",
            "ease-unintelligible",
            EI_MIN,
            "unreadable to whoever holds it, and the key is safe",
            ("readable to the holder: no",),
            "ENISA 2013, EI, encrypted or pseudonymised without the key",
        )
        return EI_MIN, step
    highest = _highest(method.ease, situation)
    if highest is None:
        reason = "no direct identifier: matching is extremely difficult"
        return EI_MIN, Step("ei", "ease-negligible", EI_MIN, reason, (), "ENISA 2013, EI, negligible")
    return highest.change, highest


def _circumstances(method: Method, situation: Situation) -> list[Step]:
    steps = []
    for element in ("confidentiality", "integrity", "availability", "malice"):
        rules = (rule for rule in method.circumstances if rule.element == element)
        highest = _highest(rules, situation)
        nothing = Step(element, f"{element}-none", 0, "nothing shown that would add to it", (), "ENISA 2013, CB")
        steps.append(highest or nothing)
    return steps


def _highest(rules: Iterable[Rule], situation: Situation) -> Step | None:
    applying = [step for rule in rules if (step := _try(rule, situation))]
    return max(applying, key=lambda step: step.change, default=None)


def _try(rule: Rule, situation: Situation) -> Step | None:
    because = reasons(rule.when, situation)
    return None if because is None else Step(rule.element, rule.id, rule.value, rule.reason, because, rule.source)
