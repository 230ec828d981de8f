"""A duty: whom to tell, by when, with what, and why or why not; and its published form.

The published form is what `duties evaluate --json` prints (`docs/reference/duties.md`). It leaves out the target and
the rule, so a duty read back has neither.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cloakroom.clock import format_time, parse_time
from cloakroom.errors import InputError, Position, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cloakroom.duty.instruments import Rule

__all__ = [
    "NOT_LEGAL_ADVICE",
    "NO_CLOCK",
    "ON_HOLD",
    "OPEN",
    "Duty",
    "DutyClock",
    "duty_from_json",
    "duty_to_json",
    "parse_duties",
]

# How the reasons begin that wait for somebody: a fact or judgement that is missing, and a request to wait.
OPEN: Final = "open: "
ON_HOLD: Final = "on hold "

_DUTIES_MAX: Final = 100_000

NOT_LEGAL_ADVICE: Final = (
    "This is a reading aid for counsel, not legal advice. The mark beside each rule says how sure it is."
)


@dataclass(frozen=True, slots=True)
class DutyClock:
    """Event, its instant (None while it has not happened), amount (None without a number) and unit."""

    event: str
    start: datetime | None
    amount: int | None
    unit: str


NO_CLOCK: Final = DutyClock("", None, None, "none")


@dataclass(frozen=True, slots=True)
class Duty:
    """One result of an evaluation; fields as in `docs/reference/duties.md`.

    Attributes:
        deadline: Last instant in time, in the zone whose midnight counts; None where the law gives no number.
        target: Soft aim; never part of the law.
        rule: The rule behind it; None where no rule covers the place, and in a duty that was read back.
    """

    id: str
    jurisdiction: str
    instrument: str
    provision: str
    controller: str
    bearer: str
    recipient: str
    recipient_kind: str
    status: str
    deadline: datetime | None
    target: datetime | None
    clock: DutyClock
    after: tuple[str, ...]
    content_required: tuple[str, ...]
    content_forbidden: tuple[str, ...]
    channels: tuple[str, ...]
    languages: tuple[str, ...]
    residents: int
    reasons: tuple[str, ...]
    confidence: str
    source: str
    rule: Rule | None = field(default=None, repr=False)

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The reasons that wait for an answer; the first reason where none says that it does."""
        return tuple(reason for reason in self.reasons if reason.startswith((OPEN, ON_HOLD))) or self.reasons[:1]


def duty_to_json(duty: Duty) -> dict[str, object]:
    """Return a duty's published form, with exactly the keys of `docs/reference/duties.md`."""
    start = duty.clock.start
    return {
        "id": duty.id,
        "jurisdiction": duty.jurisdiction,
        "instrument": duty.instrument,
        "provision": duty.provision,
        "controller": duty.controller,
        "bearer": duty.bearer,
        "recipient": duty.recipient,
        "recipient_kind": duty.recipient_kind,
        "status": duty.status,
        "deadline": _render(duty.deadline),
        "clock": {
            "event": duty.clock.event,
            "start": format_time(start) if start is not None else None,
            "amount": duty.clock.amount,
            "unit": duty.clock.unit,
        },
        "after": list(duty.after),
        "content_required": list(duty.content_required),
        "content_forbidden": list(duty.content_forbidden),
        "channels": list(duty.channels),
        "languages": list(duty.languages),
        "residents": duty.residents,
        "reasons": list(duty.reasons),
        "confidence": duty.confidence,
        "source": duty.source,
    }


def _render(at: datetime | None) -> str | None:
    """Render a deadline in the zone whose calendar it follows, so that its day reads as the law counts it."""
    if at is None:
        return None
    return format_time(at) if not at.utcoffset() else at.isoformat()


def duty_from_json(value: Mapping[str, Any]) -> Duty:
    """Return the duty of a published form; what does not name it or say what it is may be missing.

    Raises:
        KeyError: A key that a duty cannot be without is missing.
        TypeError: A value is of another kind; AttributeError and ValueError likewise.
    """
    deadline = value.get("deadline")
    return Duty(
        id=str(value["id"]),
        jurisdiction=str(value["jurisdiction"]),
        instrument=str(value["instrument"]),
        provision=str(value["provision"]),
        controller=str(value["controller"]),
        bearer=str(value.get("bearer") or value["controller"]),
        recipient=str(value["recipient"]),
        recipient_kind=str(value["recipient_kind"]),
        status=str(value["status"]),
        deadline=parse_time(deadline) if deadline else None,
        target=None,
        clock=_clock_from_json(value.get("clock")),
        after=tuple(value.get("after") or ()),
        content_required=tuple(value.get("content_required") or ()),
        content_forbidden=tuple(value.get("content_forbidden") or ()),
        channels=tuple(value.get("channels") or ()),
        languages=tuple(value.get("languages") or ()),
        residents=int(value.get("residents") or 0),
        reasons=tuple(value.get("reasons") or ()),
        confidence=str(value.get("confidence") or ""),
        source=str(value.get("source") or ""),
    )


def _clock_from_json(value: Mapping[str, Any] | None) -> DutyClock:
    if not value:
        return NO_CLOCK
    start, amount = value.get("start"), value.get("amount")
    return DutyClock(
        event=str(value.get("event") or ""),
        start=parse_time(start) if start else None,
        amount=int(amount) if amount is not None else None,
        unit=str(value.get("unit") or NO_CLOCK.unit),
    )


def parse_duties(text: str, source: str) -> tuple[Duty, ...]:
    """Read the output of `duties evaluate --json`.

    Args:
        text: The JSON text: a list, or an object that holds it under `duties`.
        source: Name for messages.

    Raises:
        InputError: It is not such a list, or with each entry that misses something.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise InputError.at(source, "is not JSON") from error
    if isinstance(values, dict):
        values = values.get("duties")
    if not isinstance(values, list) or len(values) > _DUTIES_MAX:
        raise InputError.at(source, "must be the list that `cloakroom duties evaluate --json` prints")
    found, problems = [], []
    for number, value in enumerate(values, start=1):
        try:
            found.append(duty_from_json(value))
        except (KeyError, TypeError, ValueError, AttributeError):
            where = Position(source, None, f"duty {number}")
            problems.append(Problem(where, "is not a duty as `duties evaluate` prints it"))
    if problems:
        raise InputError(problems)
    return tuple(found)
