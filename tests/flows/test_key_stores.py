"""The key ring, rotated rows and kept answers do the same in PostgreSQL and in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from key_behaviour import KeyBehaviour, KeyNode

from cloakroom.adapters.postgres.connection import connect, create_schema
from cloakroom.adapters.postgres.key_store import PostgresKeys
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.adapters.postgres.rotation_store import PostgresRotations
from cloakroom.adapters.postgres.write_store import PostgresWrites
from cloakroom.testing.simulators.memory_keys import MemoryKeys, MemoryRotations
from cloakroom.testing.simulators.memory_records import MemoryWrites
from cloakroom.testing.simulators.memory_store import MemoryStore


class TestInMemory(KeyBehaviour):
    @pytest.fixture
    def open_node(self) -> Callable[[], KeyNode]:
        store = MemoryStore()
        return lambda: KeyNode(MemoryKeys(store), MemoryRotations(store), MemoryWrites(store))


class TestInPostgreSQL(KeyBehaviour):
    @pytest.fixture
    def open_node(self, empty_database: str) -> Iterator[Callable[[], KeyNode]]:
        with connect(empty_database) as connection:
            create_schema(connection)
            for name in ("anna", "ben"):
                connection.execute(load_queries("store")["add_lineage"], {"id": name})
        with ExitStack() as opened:

            def open_one() -> KeyNode:
                connection = opened.enter_context(connect(empty_database))
                return KeyNode(PostgresKeys(connection), PostgresRotations(connection), PostgresWrites(connection))

            yield open_one
