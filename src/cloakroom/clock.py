"""Time as a parameter.

Everything that needs the time takes a `Clock`; nothing else asks the system. Times are aware datetimes in UTC;
stored and signed forms are whole microseconds since 1970-01-01T00:00:00Z.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back and is never set; its zero means nothing."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()


class FixedClock:
    """A clock that stands still until it is moved; for tests and for evaluating "as if it were then"."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)
        self._passed = 0.0

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self._at

    def monotonic(self) -> float:
        """Return the seconds by which it was advanced."""
        return self._passed

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._at += by
        self._passed += by.total_seconds()

    def step(self, by: timedelta) -> None:
        """Set the wall clock forward or back while no time passes: clocks do jump."""
        self._at += by


def to_microseconds(at: datetime) -> int:
    """Return whole microseconds since the epoch; `at` must be aware."""
    return (at - EPOCH) // timedelta(microseconds=1)


def from_microseconds(value: int) -> datetime:
    """Return the aware UTC time `value` microseconds after the epoch."""
    return EPOCH + timedelta(microseconds=value)


def format_time(at: datetime) -> str:
    """Render as RFC 3339 in UTC, with microseconds only where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Parse an RFC 3339 time; one without an offset is refused with ValueError."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if at.tzinfo is None:
        raise ValueError("a time needs an offset, such as Z or +02:00")
    return at.astimezone(UTC)
