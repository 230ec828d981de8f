"""Entries, lineages and their versions in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

import msgspec
import psycopg
from pyroaring import BitMap

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.lineage_history import LineageHistories
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.adapters.postgres.rows import stored_row
from cloakroom.adapters.postgres.statements import (
    Parameters,
    Statements,
    bool_array,
    bytea_array,
    int4_array,
    int8,
    int8_array,
    text_array,
)
from cloakroom.errors import StatementError, StoreError, TamperedError
from cloakroom.flows.ledger.ports import (
    COUNTED_AT_ONCE,
    Appended,
    CountedEntry,
    History,
    LineageState,
    PreparedEntry,
    StoredRow,
)
from cloakroom.ledger.record_sets import RecordSetSealer, entry_place, hash_set

_CLOCK = "clock"
"""What `append_entries` raises where the time of an entry differs too much from the database's."""


class PostgresLedger:
    """Implements `flows.ports.Ledger` over one connection; not for use by two threads at once."""

    def __init__(self, connection: Connection, sets: RecordSetSealer, clock_tolerance: int | None = None) -> None:
        """Take an open connection in autocommit mode.

        Args:
            connection: The connection.
            sets: Opens and seals the sets that lie beside entries.
            clock_tolerance: Microseconds by which an entry's time may differ from the database's clock; None where
                they are not to be compared.
        """
        self._connection = connection
        self._sets = sets
        self._clock_tolerance = clock_tolerance
        self._queries = load_queries("ledger")
        self._vault_queries = load_queries("vault")
        self._statements = Statements(connection)
        self._histories = LineageHistories(connection, sets)
        self._shapes: dict[bytes, int] = {}

    def use_waiting(self, work: Callable[[], bool]) -> None:
        """Have something done while entries are appended; see `Statements.use_waiting`."""
        self._statements.use_waiting(work)

    @property
    def in_transaction(self) -> bool:
        """See `flows.ports.Ledger.in_transaction`."""
        return self._connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE

    def append(
        self, expected: Mapping[str, int], entries: Sequence[PreparedEntry], fetch: Sequence[int] = ()
    ) -> tuple[Mapping[str, Appended], Sequence[StoredRow]]:
        """See `flows.ports.Ledger.append`."""
        calls = [(self._queries["append"], self._append_arguments(expected, entries))]
        if fetch:
            calls.append((self._vault_queries["sealed_rows"], {"ordinals": int8_array(fetch)}))
        with _clock_errors():
            appended, *rows = self._statements.run(*calls)
        # That waited for the commit, unless the caller has a transaction: whatever is returned from here is durable.
        outcome = {row[0]: Appended(row[1], row[2], row[3]) for row in appended}
        for lineage in expected:
            outcome.setdefault(lineage, Appended("unknown", 0, 0))
        return outcome, [stored_row(row) for row in rows[0]] if rows else []

    def _append_arguments(
        self, expected: Mapping[str, int], entries: Sequence[PreparedEntry], *, check_clock: bool = True
    ) -> Parameters:
        shapes = [None if entry.shape is None else self._shape_id(entry.shape) for entry in entries]
        places = {lineage: place for place, lineage in enumerate(expected, 1)}
        versions = dict(expected)
        counted: list[tuple[int | None, int | None]] = []
        for entry in entries:
            if entry.counted:
                versions[entry.lineage] += 1
                counted.append((places[entry.lineage], versions[entry.lineage]))
            else:
                counted.append((None, None))
        return {
            "lineage": text_array(list(expected)),
            "version": int8_array(list(expected.values())),
            "added": int4_array([versions[lineage] - version for lineage, version in expected.items()]),
            "e_lineage": text_array([entry.lineage for entry in entries]),
            "e_place": int4_array([place for place, _ in counted]),
            "e_version": int8_array([version for _, version in counted]),
            "e_at": int8_array([entry.at for entry in entries]),
            "e_operation": text_array([entry.operation for entry in entries]),
            "e_permitted": bool_array([entry.permitted for entry in entries]),
            "e_shape": int4_array(shapes),
            "e_records": int4_array([entry.records for entry in entries]),
            "e_body": bytea_array([entry.body for entry in entries]),
            "e_set": bytea_array([entry.sealed_set for entry in entries]),
            "tolerance": int8(self._clock_tolerance if check_clock else None),
        }

    def _shape_id(self, shape: bytes) -> int:
        known = self._shapes.get(shape)
        if known is None:
            row = None
            while row is None:  # a concurrent insert shows itself at the second look
                row = self._connection.execute(self._queries["shape_id"], {"shape": shape.decode()}).fetchone()
            known = self._shapes[shape] = int(row[0])
        return known

    @contextmanager
    def locked(self, lineages: Iterable[str]) -> Iterator[None]:
        """See `flows.ports.Ledger.locked`."""
        with self._connection.transaction():
            self.hold(lineages)
            yield
        if self._connection.closed:
            raise StoreError("the connection to the database was closed; nothing was appended or opened")

    def hold(self, lineages: Iterable[str]) -> None:
        """See `flows.ports.Ledger.hold`."""
        self._connection.execute(self._queries["lock_lineages"], {"ids": sorted(lineages)})

    def states(self, lineages: Iterable[str]) -> Mapping[str, LineageState]:
        """See `flows.ports.Ledger.states`."""
        rows = self._connection.execute(self._queries["lineage_state"], {"ids": list(lineages)})
        return {
            name: LineageState(version, epoch, epoch_version, reason if frozen_at is not None else None)
            for name, version, epoch, epoch_version, frozen_at, reason in rows
        }

    def counted_since(self, lineage: str, version: int, most: int = COUNTED_AT_ONCE) -> Sequence[CountedEntry]:
        """See `flows.ports.Ledger.counted_since`."""
        arguments = {"lineage": lineage, "version": version, "most": most}
        rows = self._connection.execute(self._queries["counted_since"], arguments)
        return [self._counted_entry(lineage, row) for row in rows]

    def history(self, lineage: str) -> History:
        """See `flows.ports.Ledger.history`."""
        return self._histories.read(lineage)

    def keep_history(self, lineage: str, before: int, history: History) -> bool:
        """See `flows.ports.Ledger.keep_history`."""
        return self._histories.keep(lineage, before, history)

    def unfolded(self, entries: int) -> Sequence[str]:
        """See `flows.ports.Ledger.unfolded`."""
        return self._histories.unfolded(entries)

    def _counted_entry(self, lineage: str, row: Sequence[Any]) -> CountedEntry:
        version, at, operation, body, sealed = row
        document = msgspec.json.decode(body)
        detail = document.get("detail", {})
        records = BitMap()
        if sealed:
            # A set that was exchanged for another one of the same lineage opens, and would change what is counted.
            if hash_set(sealed) != document.get("set_sha256"):
                raise TamperedError(f"counted entry {version} of lineage {lineage} does not name the set beside it")
            records = self._sets.open(entry_place(lineage), sealed)
        return CountedEntry(
            version=version,
            at=at,
            operation=operation,
            brand=document.get("brand", ""),
            drawn=detail.get("drawn", ()),
            probes=detail.get("probes", 0),
            records=records,
        )

    def refused_within(self, lineage: str, start: int, end: int, reason: str, enough: int) -> int:
        """See `flows.ports.Ledger.refused_within`."""
        arguments = {"lineage": lineage, "from": start, "to": end, "reason": reason, "limit": enough}
        rows = self._connection.execute(self._queries["refusals"], arguments).fetchall()
        return sum(count for (count,) in takewhile(lambda row: row[0] is not None, rows))

    def freeze(self, lineage: str, at: int, reason: str, entry: PreparedEntry) -> bool:
        """See `flows.ports.Ledger.freeze`."""
        with self._connection.transaction():
            done = self._connection.execute(
                self._queries["freeze"], {"id": lineage, "at": at, "reason": reason}
            ).rowcount
            if done:
                self._append_uncounted(entry)
        return bool(done)

    def thaw(self, lineage: str, entry: PreparedEntry) -> bool:
        """End the freeze of `lineage` and append `entry`; say whether it was frozen."""
        with self._connection.transaction():
            done = self._connection.execute(self._queries["thaw"], {"id": lineage}).rowcount
            if done:
                self._append_uncounted(entry)
        return bool(done)

    def renew(self, lineage: str, version: int, entry: PreparedEntry) -> None:
        """Start the lifetime of `lineage` anew and append the counted `entry`, in one transaction.

        Raises:
            StoreError: Somebody else appended first, or the lineage is unknown or frozen.
        """
        with _clock_errors(), self._connection.transaction():
            arguments = self._append_arguments({lineage: version}, [entry])
            [rows] = self._statements.run((self._queries["append"], arguments))
            row = rows[0] if rows else None
            if row is None or row[1] != "ok":
                raise StoreError(f"lineage {lineage} was not renewed: {'unknown' if row is None else row[1]}")
            self._connection.execute(self._queries["renew"], {"id": lineage})

    def _append_uncounted(self, entry: PreparedEntry) -> None:
        # No window depends on the time of such an entry, and a freeze must not fail because a clock is wrong.
        self._statements.run((self._queries["append"], self._append_arguments({}, [entry], check_clock=False)))


@contextmanager
def _clock_errors() -> Iterator[None]:
    try:
        yield
    except StatementError as error:
        refusal = error.__cause__
        is_clock = isinstance(refusal, psycopg.errors.RaiseException) and refusal.diag.message_primary == _CLOCK
        if not is_clock:
            raise
        raise StoreError(
            "this node's clock differs from the database's by more than two seconds; nothing was appended or opened"
        ) from error
