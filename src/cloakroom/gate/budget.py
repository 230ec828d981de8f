"""Budgets: count the distinct records that a lineage has opened, and say whether it may open more. Exact, pure, fast.

The contract:

1. The truth is the sequence of counted entries of a lineage in the ledger: openings, probes and renewals, in the
   order in which the store accepted them. `OpenedRecords` is a view of the first `version` of them.
2. A node assesses a request against its view. The store inserts the entry only if the lineage is not frozen and has
   still exactly `version` counted entries; else it hands back the missing ones, which the node applies before it
   assesses again. So no two nodes ever assess against the same state and both succeed.
3. `assess` changes nothing. `apply` is called once per accepted entry, with the entry's own time: `Assessment.at`.
   An entry that was accepted counts, whether or not its answer ever reached anybody.
4. A record counts once per window, from its latest opening: opening it again costs nothing but starts its time anew.
   It counts for at least the window's length plus `skew`, and leaves up to one sixtieth of the window later, or two
   where the view was built from a folded history (`folding`): never too early. Whatever position a window is laid at,
   it holds no more distinct records than its ceiling.
5. Time does not go back: a time earlier than the latest applied one is taken as the latest one. The lifetime
   knows no time.
6. Probes are a plain sum: each search or existence check counts one plus the records it named.

What is not handled here: a clock that runs ahead (see `gate_clock`), freezes (the store), releases (they have
their own maximum). `docs/adr/0003-budgets-are-compared-and-swapped.md` says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cloakroom.errors import UsageError
from cloakroom.gate.assessment import Assessment
from cloakroom.gate.counters import (
    Limit,
    Plan,
    ProbeCounter,
    RecordCounter,
    Usage,
    caps_of,
    exhausted_by,
    measure,
    surplus_of,
)
from cloakroom.gate.draw import FULL, NO_CAPS, Draw, Exhausted, Level, Renewed, lesser
from cloakroom.gate.policy import WindowName
from cloakroom.gate.windows import SlidingSet, SlidingSum

if TYPE_CHECKING:
    from cloakroom.gate.policy import Budget, Window

__all__ = ["DEFAULT_SKEW", "Assessment", "Draw", "Exhausted", "Level", "OpenedRecords", "Renewed", "lesser"]

DEFAULT_SKEW: Final = 5_000_000
"""Microseconds by which the times of two nodes' entries may differ; records are held that much longer."""

_BRAND: Final = "brand "


class OpenedRecords:
    """The records that a lineage has opened, according to the first `version` of its counted entries.

    Args:
        budget: Decides which counters are kept. A budget with other ceilings may be passed to `assess` later;
            one that needs other counters or window lengths needs a new view, rebuilt from the entries (`fits`).
        skew: Microseconds by which the times of entries from different nodes may be off against each other.

    Attributes:
        version: How many counted entries were applied.
        seen: The latest time applied, in microseconds since the epoch.
    """

    __slots__ = (
        *("_alike", "_budget", "_mixed", "_one_brand", "_plans", "_probed", "_sets", "_shape", "_skew"),
        *("seen", "version"),
    )

    def __init__(self, budget: Budget, *, skew: int = DEFAULT_SKEW) -> None:
        self.version = 0
        self.seen = 0
        self._skew = skew
        self._budget = budget
        self._shape = _shape(budget)
        self._sets = {(window.name, "records"): SlidingSet(window.length, skew) for window in budget.windows}
        self._probed = {window.name: SlidingSum(window.length, skew) for window in budget.windows}
        self._plans: dict[str, Plan] = {}
        # Classes and the one brand whose history is, so far, that of all records: they share its counter.
        self._alike = {kind for window in budget.windows for kind in window.classes}
        self._one_brand: str | None = None
        self._mixed = all(window.per_brand is None for window in budget.windows)

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
            self._renew()
            return
        records, sets, probes = event.records, event.sets, event.probes
        if records:
            self._tell_apart(event)
            if self._one_brand is None:
                self._one_brand = event.brand
                self._plans = {}
        plan = self._plan(event.brand, self._budget)
        for counter in plan.counters:
            asked = records if counter.field_class is None else sets.get(counter.field_class)
            if asked:
                counter.opened.add(at, asked)
        if probes:
            for probed, _ in plan.probes:
                probed.add(at, probes)

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
        if draw.records:
            self._tell_apart(draw)
        plan = self._plan(draw.brand, budget)
        usage = measure(plan, at, draw)
        if usage.fits:
            caps = caps_of(usage, draw) if usage.low else FULL
            return Assessment(at, self.version, draw, usage.new, 0, caps, None, usage)
        exhausted = exhausted_by(usage, at, draw)
        if cut:
            smaller = draw.without(surplus_of(plan, at, draw))
            less = measure(plan, at, smaller)
            if less.fits and smaller.records:
                dropped = len(draw.records) - len(smaller.records)
                caps = caps_of(less, smaller)
                return Assessment(at, self.version, smaller, less.new, dropped, caps, exhausted, less)
        return Assessment(at, self.version, draw, 0, 0, NO_CAPS, exhausted, usage._replace(after=usage.before))

    def levels(self, at: int, brand: str, budget: Budget) -> tuple[Level, ...]:
        """Return every counter that bounds `brand` as it stands at `at`, in microseconds since the epoch."""
        plan = self._plan(brand, budget)
        at = max(at, self.seen)
        counts = [len(counter.opened.live_at(at)) for counter in plan.counters]
        counts += [probed.total_at(at) for probed, _ in plan.probes]
        return Usage(plan, counts, counts, fits=True, low=False).levels()

    def _renew(self) -> None:
        for (window, _), opened in self._sets.items():
            if window is WindowName.LIFETIME:
                opened.clear()
        self._probed[WindowName.LIFETIME].clear()

    def _tell_apart(self, draw: Draw) -> None:
        """Give a class or brand its own counter from the moment that its history is no longer that of all records."""
        for kind in [kind for kind in self._alike if draw.sets.get(kind) is not draw.records]:
            self._alike.remove(kind)
            self._split_off(kind.value)
        if not self._mixed and self._one_brand is not None and draw.brand != self._one_brand:
            self._mixed = True
            self._split_off(f"{_BRAND}{self._one_brand}")

    def _split_off(self, counter: str) -> None:
        for window in self._budget.windows:
            if counter in window.classes or counter.startswith(_BRAND):
                self._sets[window.name, counter] = self._sets[window.name, "records"].copy()
        self._plans = {}

    def _plan(self, brand: str, budget: Budget) -> Plan:
        if budget is not self._budget:
            if not self.fits(budget):
                raise UsageError("the budget counts otherwise than this view; rebuild the view from the entries")
            self._budget = budget
            self._plans = {}
        plan = self._plans.get(brand)
        if plan is None:
            by_window = [self._counters(window, brand) for window in budget.windows]
            counters = tuple(counter for found in by_window for counter in found)
            probes = tuple(
                ProbeCounter(self._probed[window.name], Limit(budget, window.name, "probes", window.probes))
                for window in budget.windows
            )
            limits = (*(counter.limits for counter in counters), *((counter.limit,) for counter in probes))
            plan = self._plans[brand] = Plan(counters, probes, len(counters) - len(by_window[-1]), limits)
        return plan

    def _counters(self, window: Window, brand: str) -> list[RecordCounter]:
        common = [Limit(self._budget, window.name, "records", window.records)]
        apart = []
        for kind, ceiling in window.classes.items():
            limit = Limit(self._budget, window.name, kind.value, ceiling)
            if kind in self._alike:
                common.append(limit)
            else:
                apart.append(RecordCounter(self._sets[window.name, kind.value], kind, (limit,)))
        if window.per_brand is not None:
            limit = Limit(self._budget, window.name, "brand", window.per_brand)
            if not self._mixed and self._one_brand in {None, brand}:
                common.append(limit)
            else:
                key = (window.name, f"{_BRAND}{brand}")
                if key not in self._sets:
                    self._sets[key] = SlidingSet(window.length, self._skew)
                apart.append(RecordCounter(self._sets[key], None, (limit,)))
        return [RecordCounter(self._sets[window.name, "records"], None, tuple(common)), *apart]


def _shape(budget: Budget) -> tuple[object, ...]:
    return tuple(
        (window.name, window.length, frozenset(window.classes), window.per_brand is None) for window in budget.windows
    )
