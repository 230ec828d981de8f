"""Reads what entries disclosed: whole hours from roll-ups, the rest entry by entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from pyroaring import BitMap

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.flows.affected import DisclosedSet

HOUR = 3_600_000_000
ROLL_UP_BATCH = 200_000
"""Entries taken into roll-ups in one transaction."""


class PostgresDisclosures:
    """Reads disclosures and keeps the roll-ups, over one connection."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._queries = load_queries("rollup")

    def disclosed(
        self, *, lineage: str | None = None, start: int | None = None, end: int | None = None
    ) -> list[DisclosedSet]:
        """Return what was disclosed, one item for each lineage, operation and shape.

        Args:
            lineage: Only of this one; of all unless told.
            start: First moment in microseconds; from the beginning unless told.
            end: First moment after; until now unless told.
        """
        span: dict[str, Any] = {"lineage": lineage, "from": start or 0, "to": end or 2**62, "hour": HOUR}
        groups: dict[tuple[str, str, str], list[tuple[int, int, int, bytes]]] = {}
        for name in ("rolled_up", "not_rolled_up"):
            for owner, operation, shape, first, last, entries, data in self._rows(name, span):
                groups.setdefault((owner, operation, shape), []).append((first, last, entries, data))
        return [
            DisclosedSet(
                lineage=owner,
                operation=operation,
                shape=msgspec.json.decode(shape),
                records=BitMap.union(*[BitMap.deserialize(data) for _, _, _, data in parts]),
                first_at=min(first for first, _, _, _ in parts),
                last_at=max(last for _, last, _, _ in parts),
                entries=sum(entries for _, _, entries, _ in parts),
            )
            for (owner, operation, shape), parts in sorted(groups.items())
        ]

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
        row = self._connection.execute("select leaf_index from rollup_progress").fetchone()
        done = int(row[0]) if row else 0
        end = self._connection.execute("select coalesce(max(size), 0) from checkpoint").fetchone()
        until = min(int(end[0]) if end else 0, done + ROLL_UP_BATCH)
        if until <= done:
            return 0
        groups: dict[tuple[Any, ...], list[Any]] = {}
        for row in self._rows("entries_to_roll_up", {"from": done, "to": until, "hour": HOUR}):
            *key, at, version, data = row
            group = groups.setdefault(tuple(key), [[], 0, at, at])
            group[0].append(BitMap.deserialize(data))
            group[1] = max(group[1], version)
            group[2] = min(group[2], at)
            group[3] = max(group[3], at)
        arguments = {place: _rollup(place, *group) for place, group in groups.items()}
        for place, present in self._present(list(arguments)):
            groups[place][0].append(present)
        for place, (sets, *_) in groups.items():
            union = BitMap.union(*sets)
            union.run_optimize()
            arguments[place]["set_bytes"] = union.serialize()
        with self._connection.cursor() as cursor:
            cursor.executemany(self._queries["put_rollup"], list(arguments.values()))
            cursor.execute(self._queries["advance_rollup"], {"leaf_index": until})
        return until - done

    def _present(self, places: Sequence[tuple[Any, ...]]) -> Iterator[tuple[tuple[Any, ...], BitMap]]:
        """Yield the sets of those roll-ups that exist already."""
        columns: list[tuple[Any, ...]] = list(zip(*places, strict=True)) or [()] * 5
        names = ("lineages", "hours", "epochs", "operations", "shapes")
        arguments = {name: list(column) for name, column in zip(names, columns, strict=True)}
        for *place, data in self._connection.execute(self._queries["rollup_sets"], arguments, binary=True):
            yield tuple(place), BitMap.deserialize(data)

    def _locked(self) -> bool:
        row = self._connection.execute("select pg_try_advisory_xact_lock(4172028)").fetchone()
        return bool(row and row[0])

    def _rows(self, name: str, arguments: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        with self._connection.transaction(), self._connection.cursor(name, binary=True) as cursor:
            cursor.itersize = 20_000
            cursor.execute(self._queries[name], arguments)
            yield from cursor


def _rollup(key: tuple[Any, ...], sets: list[BitMap], version: int, first: int, last: int) -> dict[str, Any]:
    lineage, hour, epoch, operation, shape = key
    return {
        "lineage": lineage,
        "hour": hour,
        "epoch": epoch,
        "operation": operation,
        "shape": shape,
        "entries": len(sets),
        "last_version": version,
        "first_at": first,
        "last_at": last,
    }
