"""Ceilings beside the counters they bound, and the weighing of one draw against all of them.

Several ceilings often bound the very same records: whoever opens contact and value of each record alike has one
history, not three. Such ceilings share one counter (a `Gauge`), so that the common case touches three sets.
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


class Meter:
    """One ceiling of one window.

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


class Gauge:
    """A set of records and the ceilings that bound it.

    Attributes:
        opened: The records.
        field_class: Which records of a draw go in: those of one class, or None for all.
        meters: The ceilings.
        ceiling: The lowest of them.
        full_to: The lowest number that may leave in full.
    """

    __slots__ = ("ceiling", "field_class", "full_to", "meters", "opened")

    def __init__(self, opened: SlidingSet, field_class: FieldClass | None, meters: tuple[Meter, ...]) -> None:
        self.opened = opened
        self.field_class = field_class
        self.meters = meters
        self.ceiling = min(meter.ceiling for meter in meters)
        self.full_to = min(meter.full_to for meter in meters)

    def asked(self, draw: Draw) -> BitMap:
        """Return the records of `draw` that go in."""
        return draw.records if self.field_class is None else draw.sets.get(self.field_class, _NOTHING)


class ProbeGauge(NamedTuple):
    """A sum of probes and the ceiling that bounds it."""

    probed: SlidingSum
    meter: Meter


class Plan(NamedTuple):
    """Everything that bounds draws of one brand, shortest window first.

    Attributes:
        gauges: The sets of records; of each window, the one of all records first.
        probes: The sums of probes, one a window.
        lifetime: Index in `gauges` of all records of the lifetime.
        meters: The ceilings of each gauge, then of each sum of probes.
    """

    gauges: tuple[Gauge, ...]
    probes: tuple[ProbeGauge, ...]
    lifetime: int
    meters: tuple[tuple[Meter, ...], ...]


class Weighed(NamedTuple):
    """Counts of every gauge of a plan before and after a draw.

    Attributes:
        plan: What it was weighed against.
        before: Counts before, gauges first, then probes if the draw has any.
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
        """Return one level per ceiling."""
        return tuple(
            Level(meter.window, meter.counter, meter.ceiling, before, after)
            for group, before, after in zip(self.plan.meters, self.before, self.after, strict=False)
            for meter in group
        )

    def told(self) -> dict[str, tuple[int, int, int]]:
        """Return the same by the name of the meter, as entries tell it: ceiling, before, after."""
        return {
            meter.name: (meter.ceiling, before, after)
            for group, before, after in zip(self.plan.meters, self.before, self.after, strict=False)
            for meter in group
        }


def weigh(plan: Plan, at: int, draw: Draw) -> Weighed:
    """Count what `draw` would make of every gauge at `at`. Changes nothing.

    A ceiling that was lowered below what is open refuses even what is open already: opening it again would keep it
    in the window, which would go on holding more than the ceiling.
    """
    before: list[int] = []
    after: list[int] = []
    fits = True
    low = False
    records, sets = draw.records, draw.sets
    for gauge in plan.gauges:
        opened = gauge.opened
        live = opened.live if at // opened.width == opened.index else opened.live_at(at)
        used = total = len(live)
        asked = records if gauge.field_class is None else sets.get(gauge.field_class)
        if asked:
            total += len(asked) - asked.intersection_cardinality(live)
            if total > gauge.full_to:
                low = True
                if total > gauge.ceiling:
                    fits = False
        before.append(used)
        after.append(total)
    if draw.probes:
        for probed, meter in plan.probes:
            used = probed.total_at(at)
            total = used + draw.probes
            if total > meter.ceiling:
                fits = False
            before.append(used)
            after.append(total)
    return Weighed(plan, before, after, fits, low)


def caps_of(weighed: Weighed, draw: Draw) -> Mapping[FieldClass, Form]:
    """Return the best form per field class that the low-water marks leave."""
    caps = dict(FULL)
    for gauge, total in zip(weighed.plan.gauges, weighed.after, strict=False):
        if not gauge.asked(draw):
            continue
        for meter in gauge.meters:
            if total > meter.full_to:
                cap = Form.MASK if total <= meter.masked_to else Form.TOKEN
                for field_class in FieldClass if meter.field_class is None else (meter.field_class,):
                    caps[field_class] = lesser(caps[field_class], cap)
    return MappingProxyType(caps)


def exhausted_by(weighed: Weighed, at: int, draw: Draw) -> Exhausted:
    """Return the first ceiling that `draw` does not fit under, and when it will fit under all of them."""
    plan = weighed.plan
    full: list[Exhausted] = []
    for gauge, used, total in zip(plan.gauges, weighed.before, weighed.after, strict=False):
        asked = gauge.asked(draw)
        for meter in gauge.meters:
            if asked and total > meter.ceiling:
                room_at = gauge.opened.room_at(at, asked, meter.ceiling)
                full.append(Exhausted(meter.window, meter.counter, meter.ceiling, used, total - used, room_at))
    counts = len(plan.gauges)
    for (probed, meter), used, total in zip(
        plan.probes, weighed.before[counts:], weighed.after[counts:], strict=False
    ):
        if total > meter.ceiling:
            room_at = probed.room_at(at, draw.probes, meter.ceiling)
            full.append(Exhausted(meter.window, meter.counter, meter.ceiling, used, total - used, room_at))
    times = [one.back_at for one in full if one.back_at is not None]
    return full[0]._replace(back_at=max(times) if len(times) == len(full) else None)


def surplus_of(plan: Plan, at: int, draw: Draw) -> BitMap:
    """Return the records to leave out so that every gauge fits: the highest ordinals among the new ones."""
    surplus = BitMap()
    for gauge in plan.gauges:
        asked = gauge.asked(draw)
        live = gauge.opened.live_at(at)
        room = gauge.ceiling - len(live)
        if room < 0:
            surplus |= asked
        else:
            surplus |= (asked - live)[room:]
    return surplus
