"""Requests on their way through admission: grouped so that they can be assessed together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyroaring import BitMap

from cloakroom.flows.admission.request import AdmissionRequest
from cloakroom.gate.budget import Assessment, Draw, OpenedRecords
from cloakroom.gate.decision import Decision
from cloakroom.gate.policy import Budget
from cloakroom.vocabulary import FieldClass


@dataclass(slots=True)
class PendingRequest:
    """A request on its way through admission."""

    position: int
    request: AdmissionRequest
    decision: Decision
    draw: Draw


def one_brand_each(pending: Iterable[PendingRequest]) -> tuple[list[PendingRequest], list[PendingRequest]]:
    """Split off the requests that can be assessed together: for each lineage, those of its first brand."""
    brands: dict[str, str] = {}
    now: list[PendingRequest] = []
    later: list[PendingRequest] = []
    for case in pending:
        brand = brands.setdefault(case.request.principal.id, case.request.brand)
        (now if brand == case.request.brand else later).append(case)
    return now, later


def by_lineage(pending: Iterable[PendingRequest]) -> dict[str, list[PendingRequest]]:
    """Group requests by lineage."""
    groups: dict[str, list[PendingRequest]] = {}
    for case in pending:
        groups.setdefault(case.request.principal.id, []).append(case)
    return groups


def assess_together(snapshot: OpenedRecords, now: int, group: Sequence[PendingRequest], budget: Budget) -> Assessment:
    """Assess what several requests of one brand cost, and refuse what they may cost at most if that does not fit."""
    draw = _joined(group)
    if any(case.request.reserved > case.draw.probes for case in group):
        reserved = sum(max(case.draw.probes, case.request.reserved) for case in group)
        at_most = snapshot.assess(now, Draw(draw.brand, draw.sets, probes=reserved), budget)
        if not at_most.permitted:
            return at_most
    return snapshot.assess(now, draw, budget)


def _joined(group: Sequence[PendingRequest]) -> Draw:
    """Return one draw for several of one brand."""
    if len(group) == 1:
        return group[0].draw
    parts: dict[FieldClass, list[BitMap]] = {}
    for case in group:
        for field_class, records in case.draw.sets.items():
            parts.setdefault(field_class, []).append(records)
    # Classes that open the same records share one union, as they share one set in each draw: a snapshot that is shown
    # different ones counts each class apart from then on.
    unions: dict[tuple[int, ...], BitMap] = {}
    sets: dict[FieldClass, BitMap] = {}
    for field_class, some in parts.items():
        key = tuple(map(id, some))
        if key not in unions:
            unions[key] = BitMap.union(*some)
        sets[field_class] = unions[key]
    return Draw(group[0].draw.brand, sets, probes=sum(case.draw.probes for case in group))
