"""Fold what many counted entries opened into few items, so that a node that starts need not read each entry.

Entries that lie close together in time are united, by brand and classes. How close, depends on their age: of an
entry that is a minutes old, those of the same a seconds may be united (rounded down to a power of two, at least one
second). The item has the time of the latest of them. So a view that is built from items holds a record for at most
another sixtieth of a window longer than one that is built from the entries, or another second, and never shorter: a
window that still counts an item is at least as long as the item is old. The lifetime is exact.

A renewal starts the lifetime anew and nothing else. Items from before the last one are kept apart; where none of them
has the renewal's time, an empty item does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from pyroaring import BitMap

from cloakroom.gate.draw import Draw, Renewed
from cloakroom.vocabulary import FieldClass

__all__ = ["CountedItem", "Folding", "events_of"]

_SECOND = 1_000_000
_PARTS = 60


@dataclass(frozen=True, slots=True)
class CountedItem:
    """The records that one or several counted entries opened.

    Attributes:
        at: Time of the latest of them, in microseconds since the epoch.
        brand: Name of the brand.
        drawn: Names of the field classes that they drew on, sorted.
        probes: Probes that they drew.
        records: The records.
        is_renewed: Whether the lifetime was started anew since.
    """

    at: int
    brand: str
    drawn: tuple[str, ...]
    probes: int
    records: BitMap = field(repr=False)
    is_renewed: bool = False

    def draw(self) -> Draw:
        """Return it as a view counts it."""
        classes = sorted(FieldClass(name) for name in self.drawn)
        return Draw(self.brand, dict.fromkeys(classes, self.records), probes=self.probes)


_Key = tuple[bool, str, tuple[str, ...], int, int]


class Folding:
    """Unites items; whatever comes in was accepted by the store, in its order."""

    def __init__(self, items: Iterable[CountedItem] = ()) -> None:
        """Begin with what was folded earlier."""
        self._united: dict[_Key, CountedItem] = {}
        self._seen = 0
        for item in items:
            self._seen = max(self._seen, item.at)
            self._unite(item, _SECOND)

    def add(self, at: int, event: CountedItem | Renewed) -> None:
        """Take in one counted entry with its time, in microseconds since the epoch."""
        # Time does not go back: see the contract of `budget`.
        self._seen = max(self._seen, at)
        if isinstance(event, CountedItem):
            self._unite(event if event.at == self._seen else replace(event, at=self._seen), _SECOND)
            return
        before, self._united = self._united.values(), {}
        for item in before:
            self._unite(replace(item, is_renewed=True), _SECOND)
        if all(item.at < self._seen for item in self._united.values()):
            # Holds the time of the renewal: an entry that comes later counts from it, whatever its clock says.
            self._unite(CountedItem(self._seen, "", (), 0, BitMap(), is_renewed=True), _SECOND)

    def items(self) -> tuple[CountedItem, ...]:
        """Return everything in few items: those before the last renewal first, and by time."""
        before, self._united = self._united.values(), {}
        for item in before:
            self._unite(item, _width(self._seen - item.at))
        return tuple(sorted(self._united.values(), key=lambda item: (not item.is_renewed, item.at)))

    def _unite(self, item: CountedItem, width: int) -> None:
        key = (item.is_renewed, item.brand, item.drawn, width, item.at // width)
        known = self._united.get(key)
        if known is not None:
            item = replace(
                known,
                at=max(known.at, item.at),
                probes=known.probes + item.probes,
                records=known.records | item.records,
            )
        self._united[key] = item


def events_of(items: Sequence[CountedItem]) -> Iterator[tuple[int, Draw | Renewed]]:
    """Yield times and events from which a view is built, in order; `items` as `Folding.items` gives them."""
    renewed_at = None
    for item in items:
        if item.is_renewed:
            renewed_at = item.at
        elif renewed_at is not None:
            yield renewed_at, Renewed()
            renewed_at = None
        if item.records or item.probes:
            yield item.at, item.draw()
    if renewed_at is not None:
        yield renewed_at, Renewed()


def _width(age: int) -> int:
    """Return the span within which entries of an age are united; both in microseconds."""
    parts = max(age // (_PARTS * _SECOND), 1)
    return _SECOND << (parts.bit_length() - 1)
