"""A duty as a result: whom to tell, by when, with what, and why or why not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cloakroom.clock import format_time

if TYPE_CHECKING:
    from datetime import datetime

    from cloakroom.duty.instruments import Rule

__all__ = ["NOT_LEGAL_ADVICE", "Duty", "DutyClock", "duty_to_json"]

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


@dataclass(frozen=True, slots=True)
class Duty:
    """One result of the evaluation; fields as in `docs/reference/duties.md`.

    Attributes:
        deadline: Last instant in time, in the zone whose midnight counts; None where the law gives no number.
        target: Soft aim; never part of the law.
        rule: The rule behind it; None where no rule covers the place.
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


def duty_to_json(duty: Duty) -> dict[str, object]:
    """Return the published form, with exactly the keys of `docs/reference/duties.md`."""
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
