"""Links between duties: order, clocks that start with the doing of another duty, requests to wait.

A rule names rules; here that becomes the duties of the same controller, in the same jurisdiction if that rule has one
there. Only duties that run can be waited for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cloakroom.duty.deadlines import deadline
from cloakroom.duty.duties import ON_HOLD
from cloakroom.duty.places import controller_zone, zone_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from cloakroom.duty.duties import Duty
    from cloakroom.duty.facts import ControllerFacts, Facts

__all__ = ["link_duties"]


def link_duties(
    found: list[Duty], facts: Facts, controller: ControllerFacts, done: Mapping[str, datetime]
) -> Iterator[Duty]:
    """Yield the duties of one controller with order edges, chained clocks and holds resolved."""
    by_rule: dict[str, list[Duty]] = {}
    for duty in found:
        by_rule.setdefault(duty.rule.id if duty.rule is not None else duty.id, []).append(duty)
    for duty in found:
        linked = replace(duty, after=_edges(duty, by_rule))
        yield _held(_chained(linked, by_rule, controller, done), facts)


def _peers(duty: Duty, rule_id: str, by_rule: dict[str, list[Duty]]) -> list[Duty]:
    """Return the running duties of a rule that concern the same place, or all of them where none does."""
    running = [other for other in by_rule.get(rule_id, []) if other.status in {"due", "conditional"}]
    return [other for other in running if other.jurisdiction == duty.jurisdiction] or running


def _edges(duty: Duty, by_rule: dict[str, list[Duty]]) -> tuple[str, ...]:
    return tuple(other.id for rule_id in duty.after for other in _peers(duty, rule_id, by_rule))


def _chained(
    duty: Duty, by_rule: dict[str, list[Duty]], controller: ControllerFacts, done: Mapping[str, datetime]
) -> Duty:
    if not duty.clock.event.startswith("duty:") or duty.rule is None or duty.rule.clock is None:
        return duty
    peers = _peers(duty, duty.clock.event.removeprefix("duty:"), by_rule)
    was_done = [done[peer.id] for peer in peers if peer.id in done]
    expected = [peer.deadline for peer in peers if peer.deadline is not None]
    start = max(was_done, default=None) or min(expected, default=None)
    if start is None or duty.status not in {"due", "conditional"}:
        waits = (*duty.reasons, "the clock starts when the duty before it is done")
        reasons = waits if duty.status in {"due", "conditional"} else duty.reasons
        return replace(duty, clock=replace(duty.clock, start=None), deadline=None, target=None, reasons=reasons)
    period = duty.rule.clock.period
    ends: datetime | None = start
    if period.amount != 0:
        ends = deadline(
            start,
            period,
            own=controller_zone(controller),
            there=zone_of(duty.jurisdiction),
            holidays_of=duty.rule.clock.holidays or duty.jurisdiction.partition("-")[0],
        )
    remark = "counted from when it was done" if was_done else "projected from the latest date of the duty before it"
    return replace(duty, clock=replace(duty.clock, start=start), deadline=ends, reasons=(*duty.reasons, remark))


def _held(duty: Duty, facts: Facts) -> Duty:
    """Apply a request to wait, where the rule allows its ground."""
    for hold in facts.holds:
        if hold.jurisdiction != duty.jurisdiction or duty.rule is None or duty.status != "due":
            continue
        if hold.ground not in duty.rule.delay:
            continue
        until = f"until {hold.until.isoformat()}" if hold.until is not None else "until it is lifted"
        reason = f"{ON_HOLD}({hold.ground.replace('_', ' ')}) {until}: the duty stands and revives then"
        return replace(duty, status="conditional", reasons=(*duty.reasons, reason))
    return duty
