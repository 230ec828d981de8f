"""Draws: what one request takes from a budget, and where a budget stands before and after it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from pyroaring import BitMap

from cloakroom.errors import UsageError
from cloakroom.gate.policy import Form
from cloakroom.vocabulary import FieldClass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cloakroom.gate.policy import WindowName

FULL: Final[Mapping[FieldClass, Form]] = MappingProxyType(dict.fromkeys(FieldClass, Form.REVEAL))
"""Caps while no low-water mark is reached."""

NO_CAPS: Final[Mapping[FieldClass, Form]] = MappingProxyType(dict.fromkeys(FieldClass, Form.TOKEN))
"""Caps of a refusal."""

_NOTHING: Final = BitMap()


class Draw:
    """Records of one brand per field class, and probes, that one entry takes from a budget.

    A request over several brands is one draw per brand, each with its own entry.

    Attributes:
        brand: The brand that all records belong to.
        sets: Ordinals per field class, in whatever form they leave; a class that leaves only as tokens is left out.
            Where classes open the same records, pass the same object: it is counted once. Not to be changed later.
        records: The union of all sets.
        probes: Searches or existence checks, plus the records they named; 0 for a plain opening.
    """

    __slots__ = ("brand", "probes", "records", "sets")

    def __init__(self, brand: str, sets: Mapping[FieldClass, BitMap], *, probes: int = 0) -> None:
        if probes < 0:
            raise UsageError("probes cannot be negative")
        self.brand = brand
        self.sets = sets
        self.probes = probes
        self.records = _union(sets)

    def __repr__(self) -> str:
        """Show counts only."""
        return f"Draw(brand={self.brand!r}, records={len(self.records)}, probes={self.probes})"

    @classmethod
    def probe(cls, brand: str, *, named: int = 0) -> Draw:
        """Return the draw of one search or existence check that named `named` records."""
        return cls(brand, {}, probes=1 + named)

    def without(self, dropped: BitMap) -> Draw:
        """Return the draw less the records in `dropped`."""
        kept = {id(asked): asked - dropped for asked in self.sets.values()}
        return Draw(self.brand, {kind: kept[id(asked)] for kind, asked in self.sets.items()}, probes=self.probes)


class Renewed:
    """The counted entry by which somebody else starts a lineage's lifetime anew."""

    __slots__ = ()


class Level(NamedTuple):
    """One counter of one window before and after a request."""

    window: WindowName
    counter: str
    ceiling: int
    before: int
    after: int

    @property
    def room(self) -> int:
        """Return what is left after the request; 0 where a lowered ceiling lies below what was opened."""
        return max(self.ceiling - self.after, 0)


class Exhausted(NamedTuple):
    """The reason of a budget that said no.

    Attributes:
        window: The first window, shortest first, without room.
        counter: ``records``, ``contact``, ``identity``, ``value``, ``brand`` or ``probes``.
        ceiling: The bound.
        used: What counts against it now.
        asked: What the request would add.
        back_at: Microseconds since the epoch when the whole request would fit every window, if nothing else is
            opened; None if it never will (larger than a ceiling, or the lifetime).
    """

    window: WindowName
    counter: str
    ceiling: int
    used: int
    asked: int
    back_at: int | None

    def __str__(self) -> str:
        """Say it for a person."""
        return f"{self.counter} of {self.window}: {self.used} of {self.ceiling} used, {self.asked} more asked"


def lesser(form: Form, cap: Form) -> Form:
    """Return `form` brought down to `cap`, the best form that a budget still allows.

    A band tells about as much as a mask and stays where masks are allowed.
    """
    if cap is Form.TOKEN or form is Form.TOKEN:
        return Form.TOKEN
    if cap is Form.REVEAL or form is not Form.REVEAL:
        return form
    return Form.MASK


def _union(sets: Mapping[FieldClass, BitMap]) -> BitMap:
    different = {id(records): records for records in sets.values()}
    if len(different) > 1:
        return BitMap().union(*different.values())
    return next(iter(different.values()), _NOTHING)
