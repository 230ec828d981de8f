"""The answer of a budget to one draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cloakroom.gate.counters import Usage
from cloakroom.gate.draw import NO_CAPS, Draw, Exhausted, Level
from cloakroom.gate.policy import Form
from cloakroom.vocabulary import FieldClass


class Assessment(NamedTuple):
    """The answer of a budget to one draw, as of one version of the snapshot.

    Attributes:
        at: The time the entry must carry and be applied with, in microseconds since the epoch.
        version: The number of counted entries this rests on; the store compares it.
        draw: What may be opened: the whole request, or with `cut` the part that fits; the request if refused.
        new: Records of `draw` that the lineage has not opened since its last renewal.
        dropped: How many records were cut.
        caps: Best form per field class that the low-water marks leave; bring a field's form down with `lesser`.
        exhausted: The first window without room for the whole request, or None.
        usage: The counts behind it; read `levels` instead.
    """

    at: int
    version: int
    draw: Draw
    new: int
    dropped: int
    caps: Mapping[FieldClass, Form]
    exhausted: Exhausted | None
    usage: Usage

    @property
    def permitted(self) -> bool:
        """Say whether `draw` may be opened."""
        return self.caps is not NO_CAPS

    @property
    def levels(self) -> tuple[Level, ...]:
        """Every counter that the draw touches, before and after: what the entry records of the budget."""
        return self.usage.levels()
