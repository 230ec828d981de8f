"""Differences between a filing that was sent and the draft of now, for supplementary filings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cloakroom.duty.filings.model import Answer, Template, Value

__all__ = ["AnswerChange", "changes_between", "render_change"]

# These say something about the act of filing, not about the breach.
_NOT_COMPARED: Final = frozenset(
    {
        "other.authorities_told",
        "time.late",
        "type.changes",
        "type.completeness",
        "type.earlier_reference",
        "type.kind",
        "type.made_at",
        "type.own_reference",
        "type.withdraw_reason",
    }
)


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """A field whose answer differs; None stands for no answer."""

    path: str
    label: str
    before: Value | None
    after: Value | None


def changes_between(
    template: Template, before: Mapping[str, Answer], after: Mapping[str, Answer]
) -> tuple[AnswerChange, ...]:
    """Return the fields whose answers differ, in the template's order."""
    changes = []
    for path, field in template.fields.items():
        old, new = before.get(path), after.get(path)
        old_value = None if old is None else old.value
        new_value = None if new is None else new.value
        if path not in _NOT_COMPARED and old_value != new_value:
            changes.append(AnswerChange(path, field.label, old_value, new_value))
    return tuple(changes)


def render_change(change: AnswerChange) -> str:
    """Say a change in one line; long texts are named, not repeated."""
    if change.before is None:
        return f"{change.label}: new: {_short(change.after)}"
    if change.after is None:
        return f"{change.label}: withdrawn, was {_short(change.before)}"
    if isinstance(change.before, dict) and isinstance(change.after, dict):
        return f"{change.label}: " + ", ".join(_count_changes(change.before, change.after))
    return f"{change.label}: was {_short(change.before)}, is {_short(change.after)}"


def _count_changes(before: dict[str, int], after: dict[str, int]) -> list[str]:
    return [
        f"{name} was {before.get(name, 0)}, is {after.get(name, 0)}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def _short(value: Value | None) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items())
    text = str(value)
    return text if len(text) <= 120 else f"a text of {len(text.split())} words"
