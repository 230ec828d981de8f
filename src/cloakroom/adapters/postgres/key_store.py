"""The wrapped keys of the ring in PostgreSQL, and who may change them while others use them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.locks import Lock, held, try_share
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.vault.key_ring import KeyName, KeyPurpose, WrappedKey


class PostgresKeys:
    """Implements `flows.key_ports.KeyStore` over one connection."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._queries = load_queries("store")

    def keys(self) -> list[WrappedKey]:
        """See `KeyStore.keys`."""
        rows = self._connection.execute(self._queries["keys"])
        return [
            WrappedKey(KeyName(KeyPurpose(purpose), scope, detail, generation), wrapped)
            for purpose, scope, detail, generation, wrapped in rows
        ]

    def add_key(self, key: WrappedKey, at: int) -> None:
        """See `KeyStore.add_key`."""
        self._connection.execute(self._queries["add_key"], _key_row(key) | {"at": at})

    def replace_key(self, key: WrappedKey) -> None:
        """See `KeyStore.replace_key`."""
        self._connection.execute(self._queries["replace_key"], _key_row(key))

    def drop_key(self, name: KeyName) -> None:
        """See `KeyStore.drop_key`."""
        self._connection.execute(self._queries["drop_key"], _key_row(WrappedKey(name, b"")))

    @contextmanager
    def changing(self) -> Iterator[None]:
        """See `KeyStore.changing`."""
        with self._connection.transaction():
            self._connection.execute(self._queries["lock_keys"])
            yield

    @contextmanager
    def settled(self, brand: int, *, changing: bool) -> Iterator[None]:
        """See `KeyStore.settled`."""
        with held(self._connection, Lock.BRAND_KEYS, brand, together=not changing):
            yield

    def settle(self, brand: int) -> bool:
        """See `KeyStore.settle`."""
        return try_share(self._connection, Lock.BRAND_KEYS, brand)


def _key_row(key: WrappedKey) -> dict[str, object]:
    name = key.name
    return {
        "purpose": str(name.purpose),
        "scope": name.scope,
        "detail": name.detail,
        "generation": name.generation,
        "wrapped": key.wrapped,
    }
