"""Finds entries that opened certain records: by roll-ups, from the longest spans to hours, then entry by entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pyroaring import BitMap

from cloakroom.adapters.postgres.connection import Connection, snapshot
from cloakroom.adapters.postgres.disclosures import FOREVER, HOUR, LENGTHS, Place, place_of_roll_up
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.ledger.record_sets import RecordSetSealer, entry_place

_UNCOUNTED = ("resolve",)
"""Operations that open something without drawing on a budget: resolving opens names to count persons."""


class PostgresOpenings:
    """Reads integrated entries over one connection."""

    def __init__(self, connection: Connection, sets: RecordSetSealer) -> None:
        """Take an open connection in autocommit mode, and what opens the sets."""
        self._connection = connection
        self._sets = sets
        self._queries = load_queries("rollup")

    def holding(
        self, records: BitMap, *, size: int, start: int | None = None, end: int | None = None
    ) -> Iterator[tuple[int, bytes]]:
        """Yield (place in the log, leaf) of every permitted entry whose set holds one of `records`.

        Args:
            records: The records.
            size: Entries from this place in the log on are left out.
            start: First moment in microseconds; from the beginning unless told.
            end: First moment after; until now unless told.

        Raises:
            TamperedError: A set was changed.
        """
        span: dict[str, Any] = {"from": start or 0, "to": FOREVER if end is None else end, "size": size}
        with snapshot(self._connection):  # What a node rolls up between our readings would be in none of them.
            for lineage, _, hour, operation, shape in self._hours_holding(records, span):
                place = {"lineage": lineage, "start": hour, "operation": operation, "shape": shape, "hour": HOUR}
                yield from self._matching("entries_of_place", {**span, **place}, records)
            yield from self._matching("entries_of_no_place", {**span, "uncounted": list(_UNCOUNTED)}, records)

    def _hours_holding(self, records: BitMap, span: Mapping[str, Any]) -> list[Place]:
        """Return the hours that hold one of `records`: looked for only within longer spans that hold one."""
        longest = LENGTHS[-1]
        places = self._holding(self._rows("rolled_up_places", {**span, "length": longest}), records)
        for length in reversed(LENGTHS[:-1]):
            within = {
                "lineages": [place[0] for place in places],
                "starts": [place[2] for place in places],
                "operations": [place[3] for place in places],
                "shapes": [place[4] for place in places],
            }
            asked = {**span, **within, "length": length, "longer": longest}
            places = self._holding(self._rows("rolled_up_within", asked), records)
            longest = length
        return places

    def _holding(self, rows: Iterator[tuple[Any, ...]], records: BitMap) -> list[Place]:
        found: list[Place] = []
        for lineage, length, start, operation, shape, sealed in rows:
            place = (lineage, length, start, operation, shape)
            if self._sets.open(place_of_roll_up(place), sealed).intersect(records):
                found.append(place)
        return found

    def _matching(self, name: str, arguments: Mapping[str, Any], records: BitMap) -> Iterator[tuple[int, bytes]]:
        for leaf_index, lineage, body, sealed in self._rows(name, arguments):
            if self._sets.open(entry_place(lineage), sealed).intersect(records):
                yield leaf_index, body

    def _rows(self, name: str, arguments: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        with self._connection.transaction(), self._connection.cursor(name, binary=True) as cursor:
            cursor.itersize = 5_000
            cursor.execute(self._queries[name], arguments)
            yield from cursor
