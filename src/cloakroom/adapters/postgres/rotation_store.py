"""The rows that follow a rotation of keys, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.locks import Lock, hold
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.flows.store.ports import IndexRow
from cloakroom.vault.sealed_record import SealedKeys


class PostgresRotations:
    """Implements `flows.key_ports.RotationStore` over one connection."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._queries = load_queries("vault")

    def transaction(self) -> AbstractContextManager[object]:
        """See `RotationStore.transaction`."""
        return self._connection.transaction()

    def keys_before(self, brand: int, generation: int, limit: int) -> list[tuple[int, SealedKeys]]:
        """See `RotationStore.keys_before`."""
        arguments = {"brand": brand, "generation": generation, "limit": limit}
        rows = self._connection.execute(self._queries["keys_to_rewrap"], arguments, binary=True)
        return [(row[0], SealedKeys(*row[1:])) for row in rows]

    def store_keys(self, brand: int, keys: Sequence[tuple[int, SealedKeys]]) -> None:
        """See `RotationStore.store_keys`."""
        self._connection.execute(
            self._queries["rewrap"],
            {
                "brand": brand,
                "ordinals": [ordinal for ordinal, _ in keys],
                "generations": [item.generation for _, item in keys],
                "wraps": [item.wraps for _, item in keys],
            },
        )

    def take_index_rows(self, brand: int, index_id: int, limit: int) -> list[IndexRow]:
        """See `RotationStore.take_index_rows`."""
        hold(self._connection, Lock.INDEX, brand)
        arguments = {"brand": brand, "index_id": index_id, "limit": limit}
        rows = self._connection.execute(self._queries["take_index_rows"], arguments, binary=True)
        return [(digest.bytes, ordinal, is_current) for digest, ordinal, is_current in rows]

    def put_index_rows(self, brand: int, index_id: int, rows: Sequence[IndexRow]) -> None:
        """See `RotationStore.put_index_rows`."""
        self._connection.execute(
            self._queries["put_index_rows"],
            {
                "brand": brand,
                "index_id": index_id,
                "digests": [digest.hex() for digest, _, _ in rows],
                "ordinals": [ordinal for _, ordinal, _ in rows],
                "current": [is_current for _, _, is_current in rows],
            },
        )
