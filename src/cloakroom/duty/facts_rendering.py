"""Facts back into a facts file, so that what the scope commands computed can be read, kept and edited by people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cloakroom.clock import format_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from cloakroom.duty.facts import AffectedGroup, ControllerFacts, Facts, Hold, IncidentFacts

__all__ = ["render_facts"]

_TIMES = ("occurred_from", "occurred_to", "discovered_at", "aware_at", "determined_at", "assessed_at")

Plain = str | int | bool | list[str]


def render_facts(facts: Facts) -> str:
    """Return the facts as TOML that `parse_facts` reads back into the same values."""
    lines = [
        "# Facts of an incident, for `cloakroom duties`. The form is docs/reference/facts.md. Not legal advice.",
        *_table("[incident]", _incident(facts.incident)),
    ]
    for controller in facts.controllers:
        lines += ["", *_table("[[controller]]", _controller(controller))]
    for group in facts.affected:
        lines += ["", *_table("[[affected]]", _group(group))]
    for hold in facts.holds:
        lines += ["", *_table("[[hold]]", _hold(hold))]
    return "\n".join(lines) + "\n"


def _table(header: str, pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield header
    for key, value in pairs:
        yield f"{key} = {value}"


def _incident(incident: IncidentFacts) -> Iterator[tuple[str, str]]:
    for name in _TIMES:
        at: datetime | None = getattr(incident, name)
        if at is not None:
            yield name, format_time(at)
    yield "nature", _plain(list(incident.nature))
    for name in ("cause", "taken", "holder", "intelligible", "restored_hours", "service_harm", "deletion_confirmed"):
        yield name, _plain(getattr(incident, name))


def _controller(controller: ControllerFacts) -> Iterator[tuple[str, str]]:
    for name in ("id", "name", "country"):
        yield name, _plain(getattr(controller, name))
    for name in ("subdivision", "bearer", "timezone"):
        if getattr(controller, name):
            yield name, _plain(getattr(controller, name))
    yield "eea_main_establishment", _plain(controller.eea_main_establishment)
    for name in ("brands", "joint_with", "languages", "flags"):
        values = getattr(controller, name)
        if values:
            yield name, _plain(sorted(values) if name == "flags" else list(values))


def _group(group: AffectedGroup) -> Iterator[tuple[str, str]]:
    for name in ("controller", "country", "subdivision", "persons"):
        yield name, _plain(getattr(group, name))
    if group.persons_possible != group.persons:
        yield "persons_possible", _plain(group.persons_possible)
    yield "records", _plain(group.records)
    yield "data", _plain(sorted(group.data))
    yield "segment", _plain(group.segment)


def _hold(hold: Hold) -> Iterator[tuple[str, str]]:
    yield "ground", _plain(hold.ground)
    yield "jurisdiction", _plain(hold.jurisdiction)
    if hold.until is not None:
        yield "until", format_time(hold.until)


def _plain(value: Plain) -> str:
    """Render a value; a JSON string is a TOML basic string, once the one character that differs is escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
