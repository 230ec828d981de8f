"""Erasure of records in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.locks import Lock, hold
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.adapters.postgres.rows import index_arguments
from cloakroom.adapters.postgres.vault_store import PostgresVault
from cloakroom.flows.ledger.ports import PreparedEntry, StoredRow
from cloakroom.vault.rows import RowDigests


class PostgresErasures:
    """Implements `flows.record_ports.ErasureStore` over one connection."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._vault = PostgresVault(connection)
        self._queries = load_queries("vault")
        self._ledger = load_queries("ledger")

    def transaction(self) -> AbstractContextManager[object]:
        """See `ErasureStore.transaction`."""
        return self._connection.transaction()

    def hold_records(self, brand: int, ordinals: Sequence[int]) -> None:
        """See `ErasureStore.hold_records`."""
        hold(self._connection, Lock.INDEX, brand)
        self._connection.execute(self._queries["lock_keys"], {"brand": brand, "ordinals": sorted(ordinals)})

    def sealed_rows(self, ordinals: Iterable[int]) -> list[StoredRow]:
        """See `ErasureStore.sealed_rows`."""
        return self._vault.sealed_rows(ordinals)

    def sealed_versions(self, ordinals: Iterable[int]) -> list[tuple[StoredRow, int]]:
        """See `ErasureStore.sealed_versions`."""
        return self._vault.sealed_versions(ordinals)

    def erase_index_rows(self, brand: int, digests: RowDigests, links: Sequence[tuple[int, int, bytes]]) -> None:
        """See `ErasureStore.erase_index_rows`."""
        for generation in digests.generations:
            arguments = index_arguments(brand, digests, links, generation)
            self._connection.execute(self._queries["erase_index"], arguments)

    def erase_values(self, brand: int, ordinals: Sequence[int]) -> None:
        """See `ErasureStore.erase_values`."""
        for name in ("erase_keys", "erase_versions", "erase_records"):
            self._connection.execute(self._queries[name], {"brand": brand, "ordinals": list(ordinals)})

    def place_of(self, entry: PreparedEntry) -> int | None:
        """See `ErasureStore.place_of`."""
        arguments = {"lineage": entry.lineage, "body": entry.body}
        row = self._connection.execute(self._ledger["place_of"], arguments).fetchone()
        return None if row is None or row[0] is None else int(row[0])
