"""The duties that differ between two versions of the facts, and in which fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cloakroom.duty.duties import Duty

__all__ = ["DutyChange", "compare_duties"]

# Reasons are left out: they repeat the facts in words and would make every duty look changed. So do the residents of
# a rule that is not due before and after: a law that reaches everybody would change with every group.
_COMPARED: Final = (
    "status",
    "deadline",
    "recipient",
    "bearer",
    "residents",
    "clock",
    "after",
    "provision",
    "confidence",
)


@dataclass(frozen=True, slots=True)
class DutyChange:
    """A duty that differs.

    Attributes:
        id: Of the duty.
        kind: ``appeared``, ``vanished`` or ``changed``.
        before: The duty under the earlier facts, or None.
        after: The duty under the later facts, or None.
        fields: Names of the fields that differ.
    """

    id: str
    kind: str
    before: Duty | None
    after: Duty | None
    fields: tuple[str, ...] = ()


def compare_duties(before: Iterable[Duty], after: Iterable[Duty]) -> Iterator[DutyChange]:
    """Yield every duty that appeared, changed or vanished, in that order of the later facts."""
    earlier = {duty.id: duty for duty in before}
    later = {duty.id: duty for duty in after}
    for duty_id, duty in later.items():
        old = earlier.get(duty_id)
        if old is None:
            yield DutyChange(duty_id, "appeared", None, duty)
            continue
        fields = _differences(old, duty)
        if fields:
            yield DutyChange(duty_id, "changed", old, duty, fields)
    for duty_id, duty in earlier.items():
        if duty_id not in later:
            yield DutyChange(duty_id, "vanished", duty, None)


def _differences(old: Duty, new: Duty) -> tuple[str, ...]:
    idle = old.status == new.status == "not_due"
    return tuple(
        name for name in _COMPARED if getattr(old, name) != getattr(new, name) and not (idle and name == "residents")
    )
