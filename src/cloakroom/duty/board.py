"""The board: every duty with its clock, what blocks it, what was done and with which proof.

`board` is pure: duties, what was done, and the time in; rows out, the most urgent first. A row is in one state:

    overdue   the deadline has passed and it is not done
    blocked   it runs, but another duty must be done first
    running   it runs towards a deadline
    open      it is due, and the law gives no number: only a target, or nothing
    undecided conditional or a question for counsel; its clock runs all the same where there is one
    done      done in time, or where there is no number
    late      done after the deadline: the reason is owed to the recipient
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cloakroom.duty.places import controller_zone
from cloakroom.errors import InputError
from cloakroom.toml import DocumentLimits, parse_document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloakroom.duty.duties import Duty
    from cloakroom.duty.facts import Facts

__all__ = ["BoardRow", "Done", "board", "parse_progress", "reminders"]

_ORDER: Final = {"overdue": 0, "running": 1, "blocked": 1, "undecided": 1, "open": 1, "late": 2, "done": 3}
_REMINDED: Final = (timedelta(hours=24), timedelta(hours=6), timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Done:
    """The doing of a duty.

    Attributes:
        duty: Id of the duty.
        at: Time.
        proof: Place of the proof: a hash, a file name, a receipt number.
        reference: The recipient's reference number.
        late_reason: Why it was late, as told to the recipient.
    """

    duty: str
    at: datetime
    proof: str
    reference: str = ""
    late_reason: str = ""


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One line of the board.

    Attributes:
        duty: The duty.
        state: See the module's list.
        left: Time to the deadline, negative when it has passed; None without a deadline or when done.
        local: The deadline (else the target) in the controller's zone.
        blocked_by: Ids of duties that must be done first and are not.
        done: What was done, or None.
        reminders: Instants at which to remind, still to come.
        remarks: What is missing, such as the reason for being late.
    """

    duty: Duty
    state: str
    left: timedelta | None
    local: datetime | None
    blocked_by: tuple[str, ...]
    done: Done | None
    reminders: tuple[datetime, ...]
    remarks: tuple[str, ...]


def parse_progress(text: str, source: str, *, limits: DocumentLimits | None = None) -> tuple[Done, ...]:
    """Read a progress file: ``[[done]]`` with `duty`, `at`, `proof`, optionally `reference` and `late_reason`.

    Raises:
        InputError: With every mistake.
    """
    root = parse_document(text, source, limits=limits, error=InputError, semicolons=True)
    found: dict[str, Done] = {}
    for table in root.tables("done"):
        at = table.time("at")
        if at is None and not table.has("at"):
            table.report("at", "is missing")
        done = Done(
            duty=table.text("duty"),
            at=at or datetime.min,
            proof=table.text("proof"),
            reference=table.text("reference", default=""),
            late_reason=table.text("late_reason", default=""),
        )
        if done.duty in found:
            table.report("duty", "is there twice")
        found[done.duty] = done
        table.close()
    root.close()
    root.check()
    return tuple(found.values())


def board(duties: Iterable[Duty], facts: Facts, progress: Iterable[Done], now: datetime) -> tuple[BoardRow, ...]:
    """Return the rows of everything that is due, conditional or open, the most urgent first.

    Args:
        duties: The evaluation.
        facts: For the controllers' time zones.
        progress: What was done.
        now: The time.
    """
    done = {item.duty: item for item in progress}
    rows = [_row(duty, facts, done, now) for duty in duties if duty.status != "not_due"]
    return tuple(sorted(rows, key=_urgency))


def _urgency(row: BoardRow) -> tuple[int, bool, float, str]:
    at = row.duty.deadline or row.duty.target
    return _ORDER[row.state], at is None, at.timestamp() if at is not None else 0.0, row.duty.id


def _row(duty: Duty, facts: Facts, done: dict[str, Done], now: datetime) -> BoardRow:
    was = done.get(duty.id)
    blocked = () if was is not None else tuple(other for other in duty.after if other not in done)
    state = _state(duty, was, now, blocked=bool(blocked))
    at = duty.deadline or duty.target
    zone = controller_zone(facts.controller(duty.controller))
    return BoardRow(
        duty=duty,
        state=state,
        left=None if was is not None or duty.deadline is None else duty.deadline - now,
        local=at.astimezone(zone) if at is not None else None,
        blocked_by=blocked,
        done=was,
        reminders=() if was is not None else reminders(duty, now),
        remarks=_remarks(duty, was, state),
    )


def _state(duty: Duty, was: Done | None, now: datetime, *, blocked: bool) -> str:
    if was is not None:
        return "late" if duty.deadline is not None and was.at > duty.deadline else "done"
    if duty.deadline is not None and now > duty.deadline:
        return "overdue"
    if duty.status != "due":
        return "undecided"
    if blocked:
        return "blocked"
    return "running" if duty.deadline is not None else "open"


def _remarks(duty: Duty, was: Done | None, state: str) -> tuple[str, ...]:
    remarks = []
    if state == "late" and was is not None and not was.late_reason:
        remarks.append("late: record the reason for the delay and give it to the recipient")
    if state == "overdue":
        remarks.append("overdue: do it now and give the reasons for the delay")
    if duty.deadline is None and duty.target is not None and was is None:
        remarks.append("no number in the law: the time shown is a target")
    return tuple(remarks)


def reminders(duty: Duty, now: datetime) -> tuple[datetime, ...]:
    """Return when to remind after `now`: half-way, and 24, 6 and 1 hours before the deadline or target."""
    end = duty.deadline or duty.target
    start = duty.clock.start
    if end is None or start is None:
        return ()
    at = end.astimezone(UTC)  # subtracting from a local time would follow its wall clock
    times = {at - before for before in _REMINDED} | {start + (at - start) / 2}
    return tuple(sorted(time for time in times if start < time and now < time < at))
