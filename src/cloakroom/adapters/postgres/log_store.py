"""Tiles and checkpoints of the log in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate

import psycopg

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.locks import Lock, hold, try_hold
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.errors import StoreError, UnavailableError, UncheckableError
from cloakroom.flows.ledger.sequencing import StoredCheckpoint
from cloakroom.tlog.tiles import Tile

_PATIENCE_SECONDS = 5


class PostgresLog:
    """Implements `flows.sequencing.LogStore` and reads the log for exports and proofs."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._queries = load_queries("ledger")

    @contextmanager
    def exclusive(self, *, wait: bool) -> Iterator[bool]:
        """See `LogStore.exclusive`."""
        with self._connection.transaction():
            is_mine = try_hold(self._connection, Lock.SEQUENCER)
            if wait and not is_mine:
                self._wait_for_the_sequencer()
            yield is_mine or wait

    def _wait_for_the_sequencer(self) -> None:
        self._connection.execute(f"set local lock_timeout = '{_PATIENCE_SECONDS}s'".encode())
        try:
            hold(self._connection, Lock.SEQUENCER)
        except UnavailableError as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise
            raise StoreError(
                f"another node has been taking entries into the log for more than {_PATIENCE_SECONDS} seconds"
            ) from None

    def latest_checkpoint(self) -> StoredCheckpoint | None:
        """See `LogStore.latest_checkpoint`."""
        row = self._connection.execute(self._queries["latest_checkpoint"]).fetchone()
        return None if row is None else StoredCheckpoint(row[0], row[1], row[2].encode(), row[3])

    def read_tiles(self, tiles: Sequence[Tile]) -> Sequence[bytes]:
        """See `LogStore.read_tiles`; a full tile serves where a partial one is asked for."""
        names = [name for tile in tiles for name in {tile.path, _full(tile)}]
        rows = self._connection.execute(self._queries["tiles"], {"paths": names}, binary=True)
        found: dict[str, bytes] = dict(rows.fetchall())
        contents = []
        for tile in tiles:
            data = found.get(tile.path) or found.get(_full(tile))
            if data is None:
                raise UncheckableError(f"{tile.path} is not in the store")
            contents.append(data)
        return contents

    def read_path(self, path: str) -> bytes | None:
        """Return the tile or bundle of exactly this path, or None."""
        row = self._connection.execute(self._queries["tile_at"], {"path": path}, binary=True).fetchone()
        return None if row is None else row[0]

    def waiting(self, limit: int) -> Sequence[tuple[int, bytes]]:
        """See `LogStore.waiting`."""
        rows = self._connection.execute(self._queries["waiting"], {"limit": limit}, binary=True)
        return [(row[0], row[1]) for row in rows]

    def integrated(self, ids: Sequence[int], first_leaf: int) -> None:
        """See `LogStore.integrated`."""
        runs = runs_of(ids)
        first_leaves = list(accumulate((count for _, count in runs), initial=first_leaf))[:-1]
        self._connection.execute(
            self._queries["place_entries"],
            {
                "first_leaves": first_leaves,
                "first_entries": [first for first, _ in runs],
                "entries": [count for _, count in runs],
            },
        )
        gone = self._connection.execute(self._queries["no_longer_waiting"], {"ids": list(ids)})
        if gone.rowcount != len(ids):
            raise StoreError("entries that were to get their place in the log no longer wait for it")

    def write(self, files: Mapping[str, bytes], obsolete: Sequence[str], checkpoint: StoredCheckpoint) -> None:
        """See `LogStore.write`."""
        with self._connection.cursor() as cursor:
            cursor.executemany(
                self._queries["put_tile"], [{"path": path, "data": data} for path, data in files.items()]
            )
            if obsolete:
                cursor.execute(self._queries["drop_tile"], {"paths": list(obsolete)})
            cursor.execute(
                self._queries["add_checkpoint"],
                {
                    "size": checkpoint.size,
                    "root": checkpoint.root,
                    "note": checkpoint.note.decode(),
                    "at": checkpoint.at,
                },
            )

    def all_tiles(self) -> Iterator[tuple[str, bytes]]:
        """Return every tile and bundle, by path."""
        with self._connection.transaction(), self._connection.cursor("tiles", binary=True) as cursor:
            cursor.execute(self._queries["all_tiles"])
            yield from cursor

    def sets(self, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Return (leaf index, sealed set) of the entries in a range of the log that have one."""
        rows = self._connection.execute(self._queries["sets_from"], {"from": first, "to": end}, binary=True)
        yield from rows

    def leaf(self, leaf_index: int) -> bytes:
        """Return the leaf at a place in the log.

        Raises:
            UncheckableError: There is none.
        """
        row = self._connection.execute(self._queries["leaf"], {"leaf_index": leaf_index}, binary=True).fetchone()
        if row is None:
            raise UncheckableError(f"no entry {leaf_index} in the log")
        leaf: bytes = row[0]
        return leaf

    def waiting_count(self) -> int:
        """Return how many entries wait to be integrated."""
        row = self._connection.execute(self._queries["waiting_count"]).fetchone()
        return int(row[0]) if row else 0


def runs_of(ids: Sequence[int]) -> list[tuple[int, int]]:
    """Return the runs of consecutive numbers among ascending ones, each as its first number and how many it has."""
    runs: list[tuple[int, int]] = []
    for number in ids:
        if runs and number == sum(runs[-1]):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((number, 1))
    return runs


def _full(tile: Tile) -> str:
    return Tile(tile.level, tile.index, 256).path
