"""How many distinct records a lineage has opened, and whether it may open more. Exact, pure, fast.

The contract:

1. The truth is the sequence of counted entries of a lineage in the ledger: openings, probes and renewals, in the
   order in which the store accepted them. `OpenedRecords` is a view of the first `version` of them.
2. A node assesses a request against its view. The store inserts the entry only if the lineage is not frozen and has
   still exactly `version` counted entries; else it hands back the missing ones, which the node applies before it
   assesses again. So no two nodes ever assess against the same state and both succeed.
3. `assess` changes nothing. `apply` is called once per accepted entry, with the entry's own time: `Assessment.at`.
   An entry that was accepted counts, whether or not its answer ever reached anybody.
4. A record counts once per window, from its latest opening: opening it again costs nothing but starts its time anew.
   It counts for at least the window's length plus `skew`, and leaves up to one sixtieth of the window later: never
   too early. Whatever position a window is laid at, it holds no more distinct records than its ceiling.
5. Time does not go back: a time earlier than the latest applied one is taken as the latest one. The lifetime
   knows no time.
6. Probes are a plain sum: each search or existence check counts one plus the records it named.

What is not handled here: a clock that runs ahead (see `gate_clock`), freezes (the store), releases (they have
their own maximum). `docs/adr/0003-budgets-are-compared-and-swapped.md` says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from pyroaring import BitMap

from cloakroom.errors import UsageError
from cloakroom.gate.policy import Budget, FieldClass, Form, Window, WindowName
from cloakroom.gate.windows import SlidingSet, SlidingSum

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_SKEW: Final = 5_000_000
"""Microseconds by which two nodes' clocks may differ; records are held that much longer."""


class Draw:
    """What one entry takes from a budget: records of one brand per field class, and probes.

    A request over several brands is one draw per brand, each with its own entry.

    Attributes:
        brand: The brand all records belong to.
        sets: Ordinals per field class, in whatever form they leave; a class that leaves only as tokens is left out.
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
        kept: dict[int, BitMap] = {}
        sets = {}
        for field_class, asked in self.sets.items():
            if id(asked) not in kept:
                kept[id(asked)] = asked - dropped
            sets[field_class] = kept[id(asked)]
        return Draw(self.brand, sets, probes=self.probes)


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
        """How much is left after the request; 0 where a lowered ceiling lies below what was opened."""
        return max(self.ceiling - self.after, 0)


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Why a budget said no.

    Attributes:
        window: The first window, shortest first, without room.
        counter: ``records``, ``contact``, ``identity``, ``value``, ``brand`` or ``probes``.
        ceiling: The bound.
        used: What counts against it now.
        asked: What the request would add.
        back_at: Microseconds since the epoch when the whole request would fit, if nothing else is opened;
            None if it never will (larger than the ceiling, or the lifetime).
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


class Assessment(NamedTuple):
    """What a budget says to one draw, as of one version of the view.

    Attributes:
        at: The time the entry must carry and be applied with, in microseconds since the epoch.
        version: The number of counted entries this rests on; the store compares it.
        draw: What may be opened: the whole request, or with `cut` the part that fits; the request if refused.
        new: Records of `draw` that the lineage has not opened since its last renewal.
        dropped: How many records were cut.
        caps: Best form per field class that the low-water marks leave.
        exhausted: The first window without room for the whole request, or None.
        meters: What bounded it; read `levels` instead.
        before: Count of each meter before.
        after: Count of each meter after.
    """

    at: int
    version: int
    draw: Draw
    new: int
    dropped: int
    caps: Mapping[FieldClass, Form]
    exhausted: Exhausted | None
    meters: tuple[Meter, ...]
    before: list[int]
    after: list[int]

    @property
    def permitted(self) -> bool:
        """Whether `draw` may be opened."""
        return self.caps is not NO_CAPS

    @property
    def levels(self) -> tuple[Level, ...]:
        """Every counter that bounds the draw, before and after; what the ledger entry records of the budget."""
        return tuple(
            Level(meter.window, meter.counter, meter.ceiling, before, after)
            for meter, before, after in zip(self.meters, self.before, self.after, strict=True)
        )


class Meter:
    """One ceiling beside the counter it bounds. Internal to the gate."""

    __slots__ = ("ceiling", "counter", "field_class", "full_to", "masked_to", "opened", "probed", "window")

    def __init__(
        self, budget: Budget, window: Window, counter: str, ceiling: int, counts: SlidingSet | SlidingSum
    ) -> None:
        self.window = window.name
        self.counter = counter
        self.ceiling = ceiling
        self.full_to = budget.masked_from(ceiling)
        self.masked_to = budget.tokens_from(ceiling)
        self.field_class = _CLASS_COUNTERS.get(counter)
        self.opened = counts if isinstance(counts, SlidingSet) else None
        self.probed = counts if isinstance(counts, SlidingSum) else None

    def asked(self, draw: Draw) -> BitMap:
        """Return the records of `draw` that this meter counts."""
        return draw.records if self.field_class is None else draw.sets.get(self.field_class, _NOTHING)

    def room_at(self, at: int, draw: Draw) -> int | None:
        """Return when `draw` will fit, if nothing else is opened."""
        if self.probed is not None:
            return self.probed.room_at(at, draw.probes, self.ceiling)
        assert self.opened is not None
        return self.opened.room_at(at, self.asked(draw), self.ceiling)


class OpenedRecords:
    """What one lineage has opened, according to the first `version` of its counted entries.

    Args:
        budget: Decides which counters are kept. A budget with other ceilings may be passed to `assess` later;
            one that needs other counters or window lengths needs a new view, rebuilt from the entries (`fits`).
        skew: Microseconds by which the times of entries from different nodes may be off against each other.

    Attributes:
        version: How many counted entries were applied.
        seen: The latest time applied, in microseconds since the epoch.
    """

    __slots__ = ("_budget", "_counts", "_plans", "_shape", "_skew", "seen", "version")

    def __init__(self, budget: Budget, *, skew: int = DEFAULT_SKEW) -> None:
        self.version = 0
        self.seen = 0
        self._skew = skew
        self._budget = budget
        self._shape = _shape(budget)
        self._counts: dict[tuple[WindowName, str], SlidingSet | SlidingSum] = {}
        self._plans: dict[str, tuple[Meter, ...]] = {}

    def fits(self, budget: Budget) -> bool:
        """Say whether `budget` can be assessed on this view."""
        return budget is self._budget or _shape(budget) == self._shape

    def apply(self, at: int, event: Draw | Renewed) -> None:
        """Count one accepted entry; call it exactly once for each, in the store's order.

        Args:
            at: The entry's time in microseconds since the epoch.
            event: What the entry drew, or that it renewed the lifetime.
        """
        at = max(at, self.seen)
        self.seen = at
        self.version += 1
        if isinstance(event, Renewed):
            for (window, _), counts in self._counts.items():
                if window is WindowName.LIFETIME:
                    counts.clear()
            return
        records, sets, probes = event.records, event.sets, event.probes
        for meter in self._plan(event.brand, self._budget):
            opened = meter.opened
            if opened is None:
                if probes and meter.probed is not None:
                    meter.probed.add(at, probes)
                continue
            asked = records if meter.field_class is None else sets.get(meter.field_class)
            if asked:
                opened.add(at, asked)

    def assess(self, at: int, draw: Draw, budget: Budget, *, cut: bool = False) -> Assessment:
        """Say whether `draw` fits, in which form, and what would be left. Changes nothing.

        Args:
            at: Now, in microseconds since the epoch.
            draw: What is asked for.
            budget: Ceilings in force.
            cut: Where the request is too large, permit the part that fits instead of refusing it whole: records
                that are open already, then new ones by ascending ordinal.

        Raises:
            UsageError: `budget` needs counters that this view does not keep.
        """
        at = max(at, self.seen)
        meters = self._plan(draw.brand, budget)
        before, after, fits, degraded = _weigh(meters, at, draw)
        if fits:
            caps = _caps(meters, draw, after) if degraded else FULL
            return Assessment(at, self.version, draw, _new(before, after), 0, caps, None, meters, before, after)
        exhausted = _exhausted(meters, at, draw, before, after)
        if cut:
            smaller = draw.without(_surplus(meters, at, draw))
            cut_before, cut_after, fits, _ = _weigh(meters, at, smaller)
            if fits and smaller.records:
                return Assessment(
                    at,
                    self.version,
                    smaller,
                    _new(cut_before, cut_after),
                    len(draw.records) - len(smaller.records),
                    _caps(meters, smaller, cut_after),
                    exhausted,
                    meters,
                    cut_before,
                    cut_after,
                )
        return Assessment(at, self.version, draw, 0, 0, NO_CAPS, exhausted, meters, before, before)

    def levels(self, at: int, brand: str, budget: Budget) -> tuple[Level, ...]:
        """Return every counter that bounds `brand` as it stands at `at`."""
        return self.assess(at, Draw(brand, {}), budget).levels

    def _plan(self, brand: str, budget: Budget) -> tuple[Meter, ...]:
        if budget is not self._budget:
            if not self.fits(budget):
                raise UsageError("the budget counts otherwise than this view; rebuild the view from the entries")
            self._budget = budget
            self._plans = {}
        plan = self._plans.get(brand)
        if plan is None:
            plan = self._plans[brand] = tuple(self._meters(brand))
        return plan

    def _meters(self, brand: str) -> Iterator[Meter]:
        for window in self._budget.windows:
            yield self._meter(window, "records", window.records)
            for field_class, ceiling in window.classes.items():
                yield self._meter(window, field_class.value, ceiling)
            if window.per_brand is not None:
                yield self._meter(window, "brand", window.per_brand, brand)
            yield self._meter(window, "probes", window.probes)

    def _meter(self, window: Window, counter: str, ceiling: int, brand: str = "") -> Meter:
        key = (window.name, f"{counter} {brand}" if brand else counter)
        counts = self._counts.get(key)
        if counts is None:
            kind = SlidingSum if counter == "probes" else SlidingSet
            counts = self._counts[key] = kind(window.length, self._skew)
        return Meter(self._budget, window, counter, ceiling, counts)


def lesser(form: Form, cap: Form) -> Form:
    """Return `form` brought down to `cap`, the best form that a budget still allows.

    A band is about as much as a mask and stays where masks are allowed.
    """
    if cap is Form.TOKEN or form is Form.TOKEN:
        return Form.TOKEN
    if cap is Form.REVEAL or form is not Form.REVEAL:
        return form
    return Form.MASK


_CLASS_COUNTERS: Final = {field_class.value: field_class for field_class in FieldClass}
_NOTHING: Final = BitMap()
FULL: Final[Mapping[FieldClass, Form]] = MappingProxyType(dict.fromkeys(FieldClass, Form.REVEAL))
"""Caps while no low-water mark is reached."""
NO_CAPS: Final[Mapping[FieldClass, Form]] = MappingProxyType(dict.fromkeys(FieldClass, Form.TOKEN))
"""Caps of a refusal."""


def _union(sets: Mapping[FieldClass, BitMap]) -> BitMap:
    different = {id(records): records for records in sets.values()}
    if len(different) > 1:
        return BitMap().union(*different.values())
    return next(iter(different.values()), _NOTHING)


def _shape(budget: Budget) -> tuple[object, ...]:
    return tuple(
        (window.name, window.length, frozenset(window.classes), window.per_brand is None) for window in budget.windows
    )


def _weigh(meters: tuple[Meter, ...], at: int, draw: Draw) -> tuple[list[int], list[int], bool, bool]:
    """Return the counts before and after, whether all fit, and whether any low-water mark is passed."""
    before: list[int] = []
    after: list[int] = []
    fits = True
    degraded = False
    records, sets, probes = draw.records, draw.sets, draw.probes
    for meter in meters:
        opened = meter.opened
        if opened is None:
            assert meter.probed is not None
            used = meter.probed.total_at(at)
            total = used + probes
            asks = probes > 0
        else:
            asked = records if meter.field_class is None else sets.get(meter.field_class)
            live = opened.live if at // opened.width == opened.index else opened.live_at(at)
            total = used = len(live)
            asks = bool(asked)
            if asked:
                total += len(asked) - asked.intersection_cardinality(live)
        # A ceiling that was lowered below what is open refuses even what is open already: opening it again
        # would keep it in the window, and the window would go on holding more than the ceiling.
        if asks:
            if total > meter.ceiling:
                fits = False
            elif total > meter.full_to and opened is not None:
                degraded = True
        before.append(used)
        after.append(total)
    return before, after, fits, degraded


def _caps(meters: tuple[Meter, ...], draw: Draw, after: list[int]) -> Mapping[FieldClass, Form]:
    caps = dict(FULL)
    for meter, total in zip(meters, after, strict=True):
        if meter.opened is None or total <= meter.full_to or not meter.asked(draw):
            continue
        cap = Form.MASK if total <= meter.masked_to else Form.TOKEN
        for field_class in (meter.field_class,) if meter.field_class is not None else tuple(FieldClass):
            caps[field_class] = lesser(cap, caps[field_class])
    return MappingProxyType(caps)


def _new(before: list[int], after: list[int]) -> int:
    return after[0] - before[0]


def _exhausted(meters: tuple[Meter, ...], at: int, draw: Draw, before: list[int], after: list[int]) -> Exhausted:
    full = [
        (meter, used, total)
        for meter, used, total in zip(meters, before, after, strict=True)
        if total > meter.ceiling and (draw.probes if meter.opened is None else meter.asked(draw))
    ]
    times = [meter.room_at(at, draw) for meter, _, _ in full]
    meter, used, total = full[0]
    back_at = None if None in times else max(time for time in times if time is not None)
    return Exhausted(meter.window, meter.counter, meter.ceiling, used, total - used, back_at)


def _surplus(meters: tuple[Meter, ...], at: int, draw: Draw) -> BitMap:
    """Return the records to leave out so that every meter fits: the highest ordinals among the new ones."""
    surplus = BitMap()
    for meter in meters:
        if meter.opened is None:
            continue
        asked = meter.asked(draw)
        live = meter.opened.live_at(at)
        room = meter.ceiling - len(live)
        if room < 0:
            surplus |= asked
            continue
        fresh = asked - live
        if len(fresh) > room:
            surplus |= fresh[room:]
    return surplus
