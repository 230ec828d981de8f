"""The key ring in memory, and the rows that follow its rotation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import msgspec

from cloakroom.flows.ledger.ports import StoredRow
from cloakroom.flows.store.ports import IndexRow
from cloakroom.testing.simulators.memory_store import MemoryStore
from cloakroom.vault.key_ring import KeyName, WrappedKey
from cloakroom.vault.sealed_record import SealedKeys

BRAND_KEYS = "brand keys"
"""Name of the lock of whoever rotates the keys of a brand."""


class MemoryKeys:
    """Implements `flows.key_ports.KeyStore` over a store in memory."""

    def __init__(self, store: MemoryStore) -> None:
        """Take the store."""
        self._store = store
        self._keys: dict[KeyName, bytes] = store.table("key")

    def keys(self) -> list[WrappedKey]:
        """See `KeyStore.keys`."""
        return [WrappedKey(name, self._keys[name]) for name in sorted(self._keys)]

    def add_key(self, key: WrappedKey, at: int) -> None:
        """See `KeyStore.add_key`."""
        with self._store.effect("add key"):
            self._keys[key.name] = key.wrapped

    def replace_key(self, key: WrappedKey) -> None:
        """See `KeyStore.replace_key`."""
        with self._store.effect("replace key"):
            self._keys[key.name] = key.wrapped

    def drop_key(self, name: KeyName) -> None:
        """See `KeyStore.drop_key`."""
        with self._store.effect("drop key"):
            del self._keys[name]

    def changing(self) -> AbstractContextManager[None]:
        """See `KeyStore.changing`; transactions do not overlap here."""
        return self._store.transaction()

    @contextmanager
    def settled(self, brand: int, *, changing: bool) -> Iterator[None]:
        """See `KeyStore.settled`; nobody waits here, so that two who would are a mistake of the test."""
        assert (BRAND_KEYS, brand) not in self._store.held
        if changing:
            self._store.held.add((BRAND_KEYS, brand))
        try:
            yield
        finally:
            self._store.held.discard((BRAND_KEYS, brand))

    def settle(self, brand: int) -> bool:
        """See `KeyStore.settle`."""
        return (BRAND_KEYS, brand) not in self._store.held


class MemoryRotations:
    """Implements `flows.key_ports.RotationStore` over a store in memory."""

    def __init__(self, store: MemoryStore) -> None:
        """Take the store."""
        self._store = store
        self._rows: dict[int, StoredRow] = store.table("record")
        self._index: dict[tuple[int, int, bytes, int], bool] = store.table("blind_index")

    def transaction(self) -> AbstractContextManager[None]:
        """See `RotationStore.transaction`."""
        return self._store.transaction()

    def keys_before(self, brand: int, generation: int, limit: int) -> list[tuple[int, SealedKeys]]:
        """See `RotationStore.keys_before`."""
        found = [
            (ordinal, row.keys)
            for ordinal, row in sorted(self._rows.items())
            if row.brand == brand and row.keys is not None and row.keys.generation < generation
        ]
        return found[:limit]

    def store_keys(self, brand: int, keys: Sequence[tuple[int, SealedKeys]]) -> None:
        """See `RotationStore.store_keys`."""
        with self._store.effect("store keys"):
            for ordinal, item in keys:
                row = self._rows[ordinal]
                if row.brand == brand and row.keys is not None and row.keys.generation < item.generation:
                    self._rows[ordinal] = msgspec.structs.replace(row, keys=item)

    def take_index_rows(self, brand: int, index_id: int, limit: int) -> list[IndexRow]:
        """See `RotationStore.take_index_rows`."""
        with self._store.effect("take index rows"):
            places = [place for place in self._index if place[:2] == (brand, index_id)][:limit]
            return [
                (digest, ordinal, self._index.pop((brand, index_id, digest, ordinal)))
                for *_, digest, ordinal in places
            ]

    def put_index_rows(self, brand: int, index_id: int, rows: Sequence[IndexRow]) -> None:
        """See `RotationStore.put_index_rows`."""
        with self._store.effect("put index rows"):
            for digest, ordinal, is_current in rows:
                place = (brand, index_id, digest, ordinal)
                self._index[place] = is_current or self._index.get(place, False)
