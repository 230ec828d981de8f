"""Reads what entries disclosed: whole spans of time from roll-ups, the rest entry by entry.

A roll-up is the union of what the integrated entries of one lineage, operation and shape disclosed in an hour, a day
or thirty days. The longer spans lie on the bounds of the shorter ones, so that any time is the longest spans that fit
into it, shorter ones towards its ends, and single entries in the two hours that it cuts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from pyroaring import BitMap

from cloakroom.adapters.postgres.connection import Connection, snapshot
from cloakroom.adapters.postgres.locks import Lock, try_hold
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.disclosures.disclosure import Disclosure
from cloakroom.ledger.disclosed import disclosed_by_entries
from cloakroom.ledger.record_sets import RecordSetSealer, entry_place

HOUR = 3_600_000_000
LENGTHS = (HOUR, 24 * HOUR, 30 * 24 * HOUR)
"""Lengths of the spans in microseconds, each a multiple of the one before."""
FOREVER = 2**62 // LENGTHS[-1] * LENGTHS[-1]
ROLL_UP_BATCH = 200_000
"""Entries taken into roll-ups in one transaction."""
ROWS_PER_WRITE = 10_000

Place = tuple[str, int, int, str, int]
"""Lineage, length and start of the span, operation, number of the shape."""


@dataclass(slots=True)
class _Union:
    """The union of what several entries disclosed; the sets are united at the end, which is far faster."""

    first_at: int = FOREVER
    last_at: int = 0
    entries: int = 0
    sets: list[BitMap] = field(default_factory=list)

    def add(self, first_at: int, last_at: int, entries: int, records: BitMap) -> None:
        self.first_at = min(self.first_at, first_at)
        self.last_at = max(self.last_at, last_at)
        self.entries += entries
        self.sets.append(records)

    def united(self) -> BitMap:
        if len(self.sets) > 1:
            self.sets = [BitMap.union(*self.sets)]
        return self.sets[0]


class PostgresDisclosures:
    """Reads disclosures and keeps the roll-ups, over one connection."""

    def __init__(self, connection: Connection, sets: RecordSetSealer) -> None:
        """Take an open connection in autocommit mode, and what seals the sets."""
        self._connection = connection
        self._sets = sets
        self._queries = load_queries("rollup")

    def disclosed(
        self, *, lineage: str | None = None, start: int | None = None, end: int | None = None
    ) -> list[Disclosure]:
        """Return what was disclosed, one item for each lineage, operation and shape.

        Args:
            lineage: Only of this one; of all unless told.
            start: First moment in microseconds; from the beginning unless told.
            end: First moment after; until now unless told.

        Raises:
            TamperedError: A set beside an entry or in a roll-up was changed.
        """
        groups: dict[tuple[str, str, str], _Union] = {}
        with snapshot(self._connection):  # What a node rolls up between our two readings would be in neither.
            for owner, operation, shape, first, last, entries, records in self._parts(lineage, start or 0, end):
                groups.setdefault((owner, operation, shape), _Union()).add(first, last, entries, records)
        return [
            disclosed_by_entries(
                owner,
                operation,
                msgspec.json.decode(shape),
                union.united(),
                first_at=union.first_at,
                last_at=union.last_at,
                entries=union.entries,
            )
            for (owner, operation, shape), union in sorted(groups.items())
        ]

    def _parts(
        self, lineage: str | None, start: int, end: int | None
    ) -> Iterator[tuple[str, str, str, int, int, int, BitMap]]:
        past = FOREVER if end is None else end
        spans, whole_from, whole_to = cover(start, past)
        lengths, starts, ends = (list(column) for column in zip(*spans, strict=True)) if spans else ([], [], [])
        covered = {"lineage": lineage, "lengths": lengths, "starts": starts, "ends": ends}
        for *key, shape, first, last, entries, sealed in self._rows("rolled_up", covered):
            place: Place = (key[0], key[1], key[2], key[3], key[4])
            yield place[0], place[3], shape, first, last, entries, self._open(place, sealed)
        cut = {"lineage": lineage, "from": start, "to": past, "whole_from": whole_from, "whole_to": whole_to}
        for owner, operation, shape, at, sealed in self._rows("not_rolled_up", cut):
            yield owner, operation, shape, at, at, 1, self._sets.open(entry_place(owner), sealed)

    def roll_up(self) -> int:
        """Take integrated entries into the roll-ups, in the order of the log, and return how many.

        Progress is a place in the log, not a time: an entry whose node had a slow clock comes later in the log and
        is never missed.
        """
        total = 0
        while True:
            with self._connection.transaction():
                taken = self._roll_up_some() if self._locked() else 0
            total += taken
            if taken < ROLL_UP_BATCH:
                return total

    def _roll_up_some(self) -> int:
        done, size = self._number("rolled_up_to"), self._number("log_size")
        until = min(size, done + ROLL_UP_BATCH)
        if until <= done:
            return 0
        unions: dict[Place, _Union] = {}
        for lineage, operation, shape, at, sealed in self._rows("entries_to_roll_up", {"from": done, "to": until}):
            records = self._sets.open(entry_place(lineage), sealed)
            place = (lineage, HOUR, at // HOUR * HOUR, operation, shape)
            unions.setdefault(place, _Union()).add(at, at, 1, records)
        _lengthen(unions)
        self._add_present(unions)
        self._put(unions)
        self._connection.execute(self._queries["advance_rollup"], {"leaf_index": until})
        return until - done

    def _add_present(self, unions: Mapping[Place, _Union]) -> None:
        """Add what those roll-ups that exist already hold."""
        for some in _slices(list(unions)):
            for *key, first, last, entries, sealed in self._connection.execute(
                self._queries["rollup_sets"], _columns(some), binary=True
            ):
                place: Place = (key[0], key[1], key[2], key[3], key[4])
                unions[place].add(first, last, entries, self._open(place, sealed))

    def _put(self, unions: Mapping[Place, _Union]) -> None:
        for some in _slices(list(unions)):
            found = [unions[place] for place in some]
            self._connection.execute(
                self._queries["put_rollups"],
                _columns(some)
                | {
                    "sealed": [self._seal(place, unions[place].united()) for place in some],
                    "entries": [union.entries for union in found],
                    "first": [union.first_at for union in found],
                    "last": [union.last_at for union in found],
                },
            )

    def _seal(self, place: Place, records: BitMap) -> bytes:
        return self._sets.seal(place_of_roll_up(place), records)

    def _open(self, place: Place, sealed: bytes) -> BitMap:
        return self._sets.open(place_of_roll_up(place), sealed)

    def _locked(self) -> bool:
        return try_hold(self._connection, Lock.ROLL_UPS)

    def _number(self, name: str) -> int:
        row = self._connection.execute(self._queries[name]).fetchone()
        return int(row[0]) if row else 0

    def _rows(self, name: str, arguments: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        with self._connection.transaction(), self._connection.cursor(name, binary=True) as cursor:
            cursor.itersize = 20_000
            cursor.execute(self._queries[name], arguments)
            yield from cursor


def cover(start: int, end: int) -> tuple[list[tuple[int, int, int]], int, int]:
    """Return how the time from `start` to before `end` is put together, all in microseconds.

    Returns:
        Spans as (length, first start, past the last start), and the bounds of what they cover: entries before the
        first bound and from the second one on are read one by one.
    """
    whole_from, whole_to = -(-start // HOUR) * HOUR, end // HOUR * HOUR
    if whole_from >= whole_to:
        return [], end, end
    spans: list[tuple[int, int, int]] = []
    rest = [(whole_from, whole_to)]
    for length in reversed(LENGTHS):
        left: list[tuple[int, int]] = []
        for since, until in rest:
            first, past = -(-since // length) * length, until // length * length
            if first >= past:
                left.append((since, until))
                continue
            spans.append((length, first, past))
            left += [part for part in ((since, first), (past, until)) if part[0] < part[1]]
        rest = left
    return spans, whole_from, whole_to


def _lengthen(unions: dict[Place, _Union]) -> None:
    """Add the longer spans, each from the spans of the length before it."""
    shorter = list(unions.items())
    for length in LENGTHS[1:]:
        longer: dict[Place, _Union] = {}
        for (lineage, _, start, operation, shape), union in shorter:
            place = (lineage, length, start // length * length, operation, shape)
            longer.setdefault(place, _Union()).add(union.first_at, union.last_at, union.entries, union.united())
        unions.update(longer)
        shorter = list(longer.items())


def place_of_roll_up(place: Place) -> str:
    """Return where the set of a roll-up lies, for what seals it."""
    lineage, length, start, operation, shape = place
    return f"rollup/{lineage}/{length}/{start}/{operation}/{shape}"


def _columns(places: Iterable[Place]) -> dict[str, list[Any]]:
    names = ("lineages", "lengths", "starts", "operations", "shapes")
    return {name: list(column) for name, column in zip(names, zip(*places, strict=True), strict=True)}


def _slices(places: list[Place]) -> Iterator[list[Place]]:
    for at in range(0, len(places), ROWS_PER_WRITE):
        yield places[at : at + ROWS_PER_WRITE]
