"""The time that windows slide by: it never goes back, and never runs ahead of what a monotonic clock has seen.

A wall clock that is set forward would empty every window at once and give a thief another day's budget. So the wall
clock is believed only within a slack around the time at which the node started plus what has passed since on
a monotonic clock. Outside it the monotonic clock is followed, and the step is reported, once for each.

Two things cannot be seen here: a clock that was already wrong when the node started, and one that was set while
no node ran. For those the store compares the time of each entry with its own clock
(docs/adr/0003-budgets-are-compared-and-swapped.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DEFAULT_TOLERANCE: Final = 1_000_000
"""Microseconds by which the wall clock may be off at once, as after a correction."""

STORE_TOLERANCE: Final = 2_000_000
"""Microseconds by which an entry's time may differ from the store's clock; beyond it the store refuses the entry.

Views hold records longer than twice this (`cloakroom.gate.budget.DEFAULT_SKEW`), so that entries of a node that lags
and of one that leads do not shorten a window between them.
"""

DRIFT: Final = 50_000
"""One microsecond of slack for each so many that pass: twenty parts in a million."""


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The wall clock jumped.

    Attributes:
        by: Microseconds that the wall clock is ahead of gate time; negative if behind.
        at: Gate time when it was noticed, in microseconds since the epoch.
    """

    by: int
    at: int


class GateClock:
    """Gate time of one node. Not to be shared between threads without a lock.

    Args:
        tolerance: Microseconds by which the wall clock may differ from the monotonic one without being a step.
    """

    __slots__ = ("_last", "_origin", "_origin_monotonic", "_step", "_tolerance")

    def __init__(self, *, tolerance: int = DEFAULT_TOLERANCE) -> None:
        self._tolerance = tolerance
        self._origin: int | None = None
        self._origin_monotonic = 0.0
        self._last = 0
        self._step = 0

    def observe(self, wall: int, monotonic: float) -> tuple[int, ClockStep | None]:
        """Return gate time, and the step of the wall clock if there is one that was not reported yet.

        Args:
            wall: The wall clock, in microseconds since the epoch.
            monotonic: A clock that never goes back, in seconds; its zero means nothing.
        """
        if self._origin is None:
            self._origin = self._last = wall
            self._origin_monotonic = monotonic
            return wall, None
        passed = max(int((monotonic - self._origin_monotonic) * 1_000_000), 0)
        expected = self._origin + passed
        slack = self._tolerance + passed // DRIFT
        at = max(min(max(wall, expected - slack), expected + slack), self._last)
        self._last = at
        return at, self._report(wall - expected, slack, at)

    def _report(self, off: int, slack: int, at: int) -> ClockStep | None:
        step = off if abs(off) > slack else 0
        if abs(step - self._step) <= slack:
            return None
        self._step = step
        return ClockStep(step, at)
