"""The counters of a budget with their limits, and what one draw would make of them.

Several limits often bound the very same records: whoever opens contact and value of each record alike has one
history, not three. Such limits share one counter, so that the common case touches three sets.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from pyroaring import BitMap

from cloakroom.gate.draw import FULL, Exhausted, Level, lesser
from cloakroom.gate.policy import Form
from cloakroom.vocabulary import FieldClass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cloakroom.gate.draw import Draw
    from cloakroom.gate.policy import Budget, WindowName
    from cloakroom.gate.windows import SlidingSet, SlidingSum

_CLASS_COUNTERS: Final = {field_class.value: field_class for field_class in FieldClass}
_NOTHING: Final = BitMap()


class Limit:
    """One limit of one window.

    Attributes:
        window: The window.
        counter: What is counted: ``records``, a field class, ``brand`` or ``probes``.
        name: Both, as entries name it.
        ceiling: At most this many.
        full_to: Up to this many may leave in full.
        masked_to: Up to this many may leave at least masked.
        field_class: The class that the counter is about, or None for all.
    """

    __slots__ = ("ceiling", "counter", "field_class", "full_to", "masked_to", "name", "window")

    def __init__(self, budget: Budget, window: WindowName, counter: str, ceiling: int) -> None:
        self.window = window
        self.counter = counter
        self.name = f"{window}/{counter}"
        self.ceiling = ceiling
        self.full_to = budget.masked_from(ceiling)
        self.masked_to = budget.tokens_from(ceiling)
        self.field_class = _CLASS_COUNTERS.get(counter)


class RecordCounter:
    """A set of records and the limits that bound it.

    Attributes:
        opened: The records.
        field_class: Which records of a draw go in: those of one class, or None for all.
        limits: Its limits.
        ceiling: The lowest of them.
        full_to: The lowest number that may leave in full.
    """

    __slots__ = ("ceiling", "field_class", "full_to", "limits", "opened")

    def __init__(self, opened: SlidingSet, field_class: FieldClass | None, limits: tuple[Limit, ...]) -> None:
        self.opened = opened
        self.field_class = field_class
        self.limits = limits
        self.ceiling = min(limit.ceiling for limit in limits)
        self.full_to = min(limit.full_to for limit in limits)

    def asked(self, draw: Draw) -> BitMap:
        """Return the records of `draw` that go in."""
        return draw.records if self.field_class is None else draw.sets.get(self.field_class, _NOTHING)


class ProbeCounter(NamedTuple):
    """A sum of probes and the limit that bounds it."""

    probed: SlidingSum
    limit: Limit


class Plan(NamedTuple):
    """The counters that bound draws of one brand, shortest window first.

    Attributes:
        counters: The sets of records; of each window, the one of all records first.
        probes: The sums of probes, one a window.
        lifetime: Index in `counters` of all records of the lifetime.
        limits: The limits of each counter, then of each sum of probes.
    """

    counters: tuple[RecordCounter, ...]
    probes: tuple[ProbeCounter, ...]
    lifetime: int
    limits: tuple[tuple[Limit, ...], ...]


class Usage(NamedTuple):
    """The counts of every counter of a plan before and after a draw.

    Attributes:
        plan: What it was measured against.
        before: Counts before, counters first, then probes if the draw has any.
        after: Counts after, in the same order.
        fits: Whether every count stays within its ceiling.
        low: Whether a low-water mark is passed.
    """

    plan: Plan
    before: list[int]
    after: list[int]
    fits: bool
    low: bool

    @property
    def new(self) -> int:
        """Records that were not opened since the last renewal."""
        lifetime = self.plan.lifetime
        return self.after[lifetime] - self.before[lifetime]

    def levels(self) -> tuple[Level, ...]:
        """Return one level per limit."""
        return tuple(
            Level(limit.window, limit.counter, limit.ceiling, before, after)
            for group, before, after in zip(self.plan.limits, self.before, self.after, strict=False)
            for limit in group
        )

    def by_name(self) -> dict[str, tuple[int, int, int]]:
        """Return ceiling, before and after by the name of the limit, as entries state them."""
        return {
            limit.name: (limit.ceiling, before, after)
            for group, before, after in zip(self.plan.limits, self.before, self.after, strict=False)
            for limit in group
        }


def measure(plan: Plan, at: int, draw: Draw) -> Usage:
    """Return what `draw` would make of every counter at `at`; changes nothing.

    A ceiling that was lowered below what is open refuses even what is open already: opening it again would keep it
    in the window, which would go on holding more than the ceiling.
    """
    before: list[int] = []
    after: list[int] = []
    fits = True
    low = False
    records, sets = draw.records, draw.sets
    for counter in plan.counters:
        opened = counter.opened
        live = opened.live if at // opened.width == opened.index else opened.live_at(at)
        used = total = len(live)
        asked = records if counter.field_class is None else sets.get(counter.field_class)
        if asked:
            total += len(asked) - asked.intersection_cardinality(live)
            if total > counter.full_to:
                low = True
                if total > counter.ceiling:
                    fits = False
        before.append(used)
        after.append(total)
    if draw.probes:
        for probed, limit in plan.probes:
            used = probed.total_at(at)
            total = used + draw.probes
            if total > limit.ceiling:
                fits = False
            before.append(used)
            after.append(total)
    return Usage(plan, before, after, fits, low)


def caps_of(usage: Usage, draw: Draw) -> Mapping[FieldClass, Form]:
    """Return the best form per field class that the low-water marks leave."""
    caps = dict(FULL)
    for counter, total in zip(usage.plan.counters, usage.after, strict=False):
        if not counter.asked(draw):
            continue
        for limit in counter.limits:
            if total > limit.full_to:
                cap = Form.MASK if total <= limit.masked_to else Form.TOKEN
                for field_class in FieldClass if limit.field_class is None else (limit.field_class,):
                    caps[field_class] = lesser(caps[field_class], cap)
    return MappingProxyType(caps)


def exhausted_by(usage: Usage, at: int, draw: Draw) -> Exhausted:
    """Return the first limit that `draw` does not fit under, and when it will fit under all of them."""
    plan = usage.plan
    full: list[Exhausted] = []
    for counter, used, total in zip(plan.counters, usage.before, usage.after, strict=False):
        asked = counter.asked(draw)
        for limit in counter.limits:
            if asked and total > limit.ceiling:
                room_at = counter.opened.room_at(at, asked, limit.ceiling)
                full.append(Exhausted(limit.window, limit.counter, limit.ceiling, used, total - used, room_at))
    counts = len(plan.counters)
    for (probed, limit), used, total in zip(plan.probes, usage.before[counts:], usage.after[counts:], strict=False):
        if total > limit.ceiling:
            room_at = probed.room_at(at, draw.probes, limit.ceiling)
            full.append(Exhausted(limit.window, limit.counter, limit.ceiling, used, total - used, room_at))
    times = [one.back_at for one in full if one.back_at is not None]
    return full[0]._replace(back_at=max(times) if len(times) == len(full) else None)


def surplus_of(plan: Plan, at: int, draw: Draw) -> BitMap:
    """Return the records to leave out so that every counter fits: the highest ordinals among the new ones."""
    surplus = BitMap()
    for counter in plan.counters:
        asked = counter.asked(draw)
        live = counter.opened.live_at(at)
        room = counter.ceiling - len(live)
        if room < 0:
            surplus |= asked
        else:
            surplus |= (asked - live)[room:]
    return surplus
