"""Duties as filings read them: in the form that `duties evaluate --json` prints, fresh or kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cloakroom.clock import parse_time
from cloakroom.duty.filings.model import DueFiling
from cloakroom.errors import InputError, Position, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["due_filing", "due_filings", "parse_duties"]

DUTIES_MAX = 100_000


def parse_duties(text: str, source: str) -> tuple[DueFiling, ...]:
    """Read the output of `duties evaluate --json`.

    Raises:
        InputError: It is not such a list.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise InputError.at(source, "is not JSON") from error
    if isinstance(values, dict):
        values = values.get("duties")
    if not isinstance(values, list) or len(values) > DUTIES_MAX:
        raise InputError.at(source, "must be the list that `cloakroom duties evaluate --json` prints")
    return due_filings(values, source)


def due_filings(values: Iterable[Mapping[str, Any]], source: str = "duties") -> tuple[DueFiling, ...]:
    """Convert duties in their published form.

    Raises:
        InputError: With each entry that misses something.
    """
    found, problems = [], []
    reason = "is not a duty as `duties evaluate` prints it"
    for number, value in enumerate(values, start=1):
        try:
            found.append(due_filing(value))
        except (KeyError, TypeError, ValueError, AttributeError):
            problems.append(Problem(Position(source, None, f"duty {number}"), reason))
    if problems:
        raise InputError(problems)
    return tuple(found)


def due_filing(value: Mapping[str, Any]) -> DueFiling:
    """Convert one duty in its published form; KeyError or ValueError where it is none."""
    deadline = value.get("deadline")
    return DueFiling(
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
        languages=tuple(value.get("languages") or ()),
        channels=tuple(value.get("channels") or ()),
        residents=int(value.get("residents") or 0),
        after=tuple(value.get("after") or ()),
        content_required=tuple(value.get("content_required") or ()),
        content_forbidden=tuple(value.get("content_forbidden") or ()),
        reasons=tuple(value.get("reasons") or ()),
        confidence=str(value.get("confidence") or ""),
        source=str(value.get("source") or ""),
    )
