"""Finds the entries that opened certain records: whole hours by their roll-ups first, then entry by entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pyroaring import BitMap

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.disclosures import HOUR
from cloakroom.adapters.postgres.queries import load_queries

_UNCOUNTED = ("resolve",)
"""Operations that open something without drawing on a budget: resolving opens names to count persons."""


class PostgresOpenings:
    """Reads integrated entries over one connection."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
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
        """
        span: dict[str, Any] = {"from": start or 0, "to": end or 2**62, "hour": HOUR, "size": size}
        places = [
            {"lineage": lineage, "start": hour, "operation": operation, "shape": shape}
            for lineage, hour, operation, shape, data in self._rows("rolled_up_places", span)
            if _set(data).intersect(records)
        ]
        for place in places:
            yield from self._matching("entries_of_place", {**span, **place}, records)
        yield from self._matching("entries_of_no_place", {**span, "uncounted": list(_UNCOUNTED)}, records)

    def _matching(self, name: str, arguments: Mapping[str, Any], records: BitMap) -> Iterator[tuple[int, bytes]]:
        for leaf_index, body, data in self._rows(name, arguments):
            if _set(data).intersect(records):
                yield leaf_index, body

    def _rows(self, name: str, arguments: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        with self._connection.transaction(), self._connection.cursor(name, binary=True) as cursor:
            cursor.itersize = 5_000
            cursor.execute(self._queries[name], arguments)
            yield from cursor


def _set(data: bytes) -> BitMap:
    return BitMap.deserialize(data)
