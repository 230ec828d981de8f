"""Which groups of names and values are rows about people, in texts that hold other things too.

A group with an address, an id or a number is one. A group without any is one where it has the names of one that is:
a customer whose address nobody noted stands in the list all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cloakroom.claims.readers.loose import loose_finds

_LEAST_NAMES = 3
_WAITING_MAX = 1_000


@dataclass(slots=True)
class RowFilter:
    """A filter that lets the rows about people through, in their order as far as that can be."""

    _shapes: set[frozenset[str]] = field(default_factory=set)
    _waiting: list[dict[str, str]] = field(default_factory=list)

    def take(self, record: dict[str, str]) -> Iterator[dict[str, str]]:
        """Yield the row, if it is one, and earlier ones that it explains."""
        shape = frozenset(record)
        if any(loose_finds(value[:65536]) for value in record.values()):
            if shape not in self._shapes:
                self._shapes.add(shape)
                yield from self._explained(shape)
            yield record
        elif len(shape) >= _LEAST_NAMES:
            if any(_alike(shape, known) for known in self._shapes):
                yield record
            elif len(self._waiting) < _WAITING_MAX:
                self._waiting.append(record)

    def _explained(self, shape: frozenset[str]) -> Iterator[dict[str, str]]:
        waiting, self._waiting = self._waiting, []
        for record in waiting:
            if _alike(frozenset(record), shape):
                yield record
            else:
                self._waiting.append(record)


def _alike(shape: frozenset[str], known: frozenset[str]) -> bool:
    """Return whether two rows have nearly the same names; some systems leave out what is empty."""
    common = len(shape & known)
    return common >= _LEAST_NAMES and common >= 0.6 * len(known) and common >= 0.9 * len(shape)
