"""Questions for counsel where no rule reaches: no residence is passed over in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloakroom.duty.duties import NO_CLOCK, Duty
from cloakroom.duty.fact_values import UNKNOWN_PLACE
from cloakroom.duty.facts import AffectedGroup, ControllerFacts
from cloakroom.duty.places import reaches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["uncovered"]


def uncovered(
    found: Iterable[Duty], groups: tuple[AffectedGroup, ...], controller: ControllerFacts
) -> Iterator[Duty]:
    """Yield an "ask counsel" for each residence and kind of recipient that no result in `found` covers."""
    covering = [duty for duty in found if duty.rule is not None]
    for place in dict.fromkeys(group.place for group in groups):
        local = [group for group in groups if group.place == place]
        for kind in ("authority", "individual"):
            if not any(duty.recipient_kind == kind and _covers(duty, local[0]) for duty in covering):
                yield _ask_counsel(place, kind, local, controller)


def _covers(duty: Duty, group: AffectedGroup) -> bool:
    rule = duty.rule
    return rule is not None and reaches(rule.residents, rule.excluded, group)


def _ask_counsel(place: str, kind: str, groups: list[AffectedGroup], controller: ControllerFacts) -> Duty:
    if place == UNKNOWN_PLACE:
        reason = "the residence of these persons is unknown: decide under which law they are told"
    else:
        reason = f"no rule table covers {place}: ask counsel there which duties exist and by when"
    return Duty(
        id=f"uncovered-{kind}:{place}:{controller.id}",
        jurisdiction=place,
        instrument="uncovered",
        provision="",
        controller=controller.id,
        bearer=controller.bearer or controller.id,
        recipient="",
        recipient_kind=kind,
        status="ask_counsel",
        deadline=None,
        target=None,
        clock=NO_CLOCK,
        after=(),
        content_required=(),
        content_forbidden=(),
        channels=(),
        languages=(),
        residents=sum(group.persons for group in groups),
        reasons=(reason,),
        confidence="X",
        source="",
    )
