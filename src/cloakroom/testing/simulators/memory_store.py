"""A store in memory with transactions, whose effects fail one at a time where a test says so.

Contract:

- An effect is a call that changes the store, or the commit of a transaction. They are numbered in the order in which
  a run has them.
- Outside of a transaction an effect is one by itself: it is in the store when the call returns.
- A fault before an effect leaves it out. A fault after it is raised when the effect is done: what was alone, or was
  the commit, stays in the store although its caller is told of a failure; what stood in a transaction goes with it.
- Whoever is told of a fault is treated as dead: what it held in memory is thrown away, and another one begins over
  the same store. Transactions of two nodes do not overlap here; the real store is tried for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FaultError(Exception):
    """The store did not answer, as a test wanted it."""


class Moment(StrEnum):
    """The moment of a fault: the effect is not done, or done without an answer."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure in a run.

    Attributes:
        number: Number of the effect, from 0.
        moment: Before or after it.
    """

    number: int
    moment: Moment


class MemoryStore:
    """Tables by name, shared by all simulators over one store; not for use by two threads at once."""

    def __init__(self, fault: Fault | None = None) -> None:
        """Begin empty.

        Args:
            fault: The one failure, or None for none.
        """
        self.effects: list[str] = []
        """Names of the effects begun so far."""
        self.held: set[tuple[str, int]] = set()
        """Locks that somebody holds over any number of transactions, by their name and what they are of."""
        self._fault = fault
        self._tables: dict[str, dict[Any, Any]] = {}
        self._depth = 0

    @property
    def in_transaction(self) -> bool:
        """Say whether a transaction is open."""
        return self._depth > 0

    def fail(self, fault: Fault | None) -> None:
        """Set the one failure, counted from now; None for none."""
        self.effects, self._fault = [], fault

    def copied(self) -> MemoryStore:
        """Return another store that holds the same, without faults."""
        assert not self.in_transaction
        other = MemoryStore()
        other._tables = {name: dict(table) for name, table in self._tables.items()}
        return other

    def table(self, name: str) -> dict[Any, Any]:
        """Return a table, empty at first; its values are never changed in place."""
        return self._tables.setdefault(name, {})

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside stand or fall together; one within another takes back only its own part."""
        with self._undoing():
            yield
            if self._depth == 1:
                self._begin("commit")
        if self._depth == 0:
            self._end()

    @contextmanager
    def effect(self, name: str) -> Iterator[None]:
        """Make a change of the store: all of it is done or nothing, and it may fail."""
        with self._undoing():
            self._begin(name)
            number = len(self.effects)
            yield
            if self._depth > 1:
                self._end(number)
        if self._depth == 0:
            self._end(number)

    def _begin(self, name: str) -> None:
        self.effects.append(name)
        if self._fault == Fault(len(self.effects) - 1, Moment.BEFORE):
            raise FaultError(f"before {name}")

    def _end(self, number: int | None = None) -> None:
        number = len(self.effects) if number is None else number
        if self._fault == Fault(number - 1, Moment.AFTER):
            raise FaultError(f"after {self.effects[number - 1]}")

    @contextmanager
    def _undoing(self) -> Iterator[None]:
        before = {name: dict(table) for name, table in self._tables.items()}
        self._depth += 1
        try:
            yield
        except BaseException:
            for name, table in self._tables.items():
                table.clear()
                table.update(before.get(name, {}))
            raise
        finally:
            self._depth -= 1


def faults_of(run: Callable[[MemoryStore], object]) -> list[Fault]:
    """Return every single fault that a run over a new store can have, before and after each of its effects.

    Args:
        run: Does the whole run, and counts its effects from its own call of `MemoryStore.fail`, if it makes one.
    """
    store = MemoryStore()
    run(store)
    return [Fault(number, moment) for number in range(len(store.effects)) for moment in Moment]
