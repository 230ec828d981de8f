"""Single writes in PostgreSQL: kept answers, and who is kept away meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cloakroom.adapters.postgres.connection import Connection, wait_for_the_disk
from cloakroom.adapters.postgres.locks import Lock, held, hold, try_share
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.flows.records.ports import KeptAnswer


class PostgresWrites:
    """Implements `flows.record_ports.WriteStore` over one connection."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._queries = load_queries("service")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `WriteStore.transaction`."""
        with self._connection.transaction():
            yield
            # Writing rows switched waiting for the disk off, as imports may; what is answered here must stay.
            wait_for_the_disk(self._connection)

    def kept_answer(self, lineage: str, key: str) -> KeptAnswer | None:
        """See `WriteStore.kept_answer`."""
        row = self._connection.execute(self._queries["answer_of"], {"lineage": lineage, "key": key}).fetchone()
        return None if row is None else KeptAnswer(row[0], row[1])

    def keep_answer(self, lineage: str, key: str, kept: KeptAnswer, at: int) -> bool:
        """See `WriteStore.keep_answer`."""
        arguments = {"lineage": lineage, "key": key, "request": kept.request, "answer": kept.answer, "at": at}
        return bool(self._connection.execute(self._queries["keep_answer"], arguments).rowcount)

    def keep_imports_away(self, brand: int) -> bool:
        """See `WriteStore.keep_imports_away`."""
        return try_share(self._connection, Lock.IMPORT, brand)

    def hold_record_id(self, link: bytes) -> None:
        """See `WriteStore.hold_record_id`."""
        hold(self._connection, Lock.RECORD, int.from_bytes(link[:4], "big", signed=True))

    @contextmanager
    def sole_import(self, brand: int) -> Iterator[None]:
        """Be the only import of a brand until the end: two at once could make one record twice."""
        with held(self._connection, Lock.IMPORT, brand):
            yield
