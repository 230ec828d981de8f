"""Folded histories of lineages in PostgreSQL.

A history is a number of rows that belong together: each is sealed for its lineage, the version up to which entries
are folded, its number and how many there are, and everything that stands beside it in the clear. Whoever changes,
moves, leaves out or adds a row, or says that more entries are folded than are, is found out when it is read. An
older history, put back with its version, only makes the node read the entries since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import psycopg
from psycopg.pq import TransactionStatus
from pyroaring import BitMap

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.errors import TamperedError
from cloakroom.flows.ledger.ports import History
from cloakroom.gate.folding import CountedItem
from cloakroom.ledger.record_sets import RecordSetSealer


class LineageHistories:
    """Reads and keeps them over one connection; not for use by two threads at once."""

    def __init__(self, connection: Connection, sets: RecordSetSealer) -> None:
        """Take an open connection in autocommit mode, and what opens and seals sets."""
        self._connection = connection
        self._sets = sets
        self._queries = load_queries("history")

    def read(self, lineage: str) -> History:
        """See `flows.ports.Ledger.history`."""
        rows = self._connection.execute(self._queries["history"], {"lineage": lineage}, binary=True).fetchall()
        if not rows or rows[0][0] == 0:
            return History(0, ())
        version = int(rows[0][0])
        if [row[1] for row in rows] != list(range(len(rows))):
            raise TamperedError(f"the folded history of lineage {lineage} up to version {version} is not complete")
        items = []
        for _, number, brand, drawn, probes, last_at, is_renewed, sealed in rows:
            stated = CountedItem(last_at, brand, tuple(drawn), probes, BitMap(), is_renewed)
            records = self._sets.open(_place(lineage, version, number, len(rows), stated), sealed)
            items.append(replace(stated, records=records))
        return History(version, tuple(items))

    def keep(self, lineage: str, before: int, history: History) -> bool:
        """See `flows.ports.Ledger.keep_history`.

        Within a caller's transaction nothing is kept: it may hold the lineage's row, which another node that folds
        waits for while this one would wait for its rows.
        """
        if self._connection.info.transaction_status != TransactionStatus.IDLE:
            return False
        count = len(history.items)
        rows = [
            {
                "lineage": lineage,
                "version": history.version,
                "number": number,
                "brand": item.brand,
                "drawn": list(item.drawn),
                "probes": item.probes,
                "last_at": item.at,
                "renewed": item.is_renewed,
                "sealed": self._sets.seal(_place(lineage, history.version, number, count, item), item.records),
            }
            for number, item in enumerate(history.items)
        ]
        done = False
        with self._connection.transaction() as transaction, self._connection.cursor() as cursor:
            cursor.executemany(self._queries["add_history"], rows)
            # Late, since appends wait for whoever holds the lineage's row.
            versions = {"lineage": lineage, "before": before, "version": history.version}
            done = bool(cursor.execute(self._queries["set_folded_version"], versions).rowcount)
            if not done:
                raise psycopg.Rollback(transaction)
            cursor.execute(self._queries["drop_history"], versions)
        return done

    def unfolded(self, entries: int) -> Sequence[str]:
        """See `flows.ports.Ledger.unfolded`."""
        return [row[0] for row in self._connection.execute(self._queries["unfolded"], {"entries": entries})]


def _place(lineage: str, version: int, number: int, count: int, item: CountedItem) -> str:
    return (
        f"history/{lineage}/{version}/{number}/{count}/{item.at}/{item.probes}/{int(item.is_renewed)}/{item.brand}/"
        f"{','.join(item.drawn)}"
    )
