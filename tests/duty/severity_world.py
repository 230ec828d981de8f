"""Small incidents for the tests of severity."""

from __future__ import annotations

from datetime import UTC, datetime

from cloakroom.duty.facts import AffectedGroup, IncidentFacts


def incident(**how: object) -> IncidentFacts:
    """Return an incident; what is not said is what weighs least."""
    plain = {"aware_at": datetime(2026, 3, 2, 9, tzinfo=UTC), "taken": "possible", "holder": "none", **how}
    return IncidentFacts(**plain)  # type: ignore[arg-type]


def exposed(controller: str, segment: str, persons: int, records: int, data: frozenset[str]) -> AffectedGroup:
    """Return persons of one controller, segment and data set, all proven."""
    return AffectedGroup(controller, "FR", "", persons, records, data, segment, persons)
