"""Writing and erasing records do the same in PostgreSQL and in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from memory_records_world import ROLES, MemoryNode, caller, fill
from record_behaviour import RecordBehaviour, RecordNode

from cloakroom.adapters.postgres.erasure_store import PostgresErasures
from cloakroom.adapters.postgres.import_store import PostgresImports
from cloakroom.adapters.postgres.write_store import PostgresWrites
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.gate.policy import PrincipalKind
from cloakroom.ledger.entry import decode_entry
from cloakroom.testing.simulators.memory_records import MemoryErasures, MemoryWrites
from cloakroom.testing.simulators.memory_store import MemoryStore
from cloakroom.use_cases.people import principals
from cloakroom.wiring import Application


class TestInMemory(RecordBehaviour):
    @pytest.fixture
    def open_node(self) -> Callable[[], RecordNode]:
        store = MemoryStore()
        fill(store)

        def open_one() -> RecordNode:
            node = MemoryNode(store)
            return RecordNode(
                node.imports,
                MemoryErasures(store),
                MemoryWrites(store),
                node.facets,
                node.keys,
                node.entries,
                node.authoriser,
                node.clock,
                caller("paula"),
                caller("anna"),
                caller("mia"),
                node.told,
                lambda name: node.gatekeeper().freeze(name, by="operator", reason="drill"),
            )

        return open_one


class TestInPostgreSQL(RecordBehaviour):
    @pytest.fixture
    def open_node(self, application: Application, store) -> Iterator[Callable[[], RecordNode]]:
        principals.enrol(application, "app", kind=PrincipalKind.APPLICATION, roles=frozenset())
        people = [enrolled(application, name, role) for name, role in ROLES.items()]
        with ExitStack() as opened:
            count = iter(range(1_000))

            def open_one() -> RecordNode:
                node = opened.enter_context(closing(store.open(f"node-{next(count)}")))
                connection = node.connection
                return RecordNode(
                    PostgresImports(connection),
                    PostgresErasures(connection),
                    PostgresWrites(connection),
                    node.facets,
                    node.keys,
                    node.entries,
                    node.authoriser,
                    node.clock,
                    *people,
                    lambda operation: [
                        entry
                        for (body,) in connection.execute("select body from ledger_entry order by id").fetchall()
                        if (entry := decode_entry(bytes(body))).operation == operation
                    ],
                    lambda name: node.gatekeeper.freeze(name, by="operator", reason="drill"),
                )

            yield open_one


def enrolled(application: Application, name: str, role: str) -> Caller:
    path = principals.enrol(
        application, name, kind=PrincipalKind.PERSON, roles=frozenset({role}), works_through="app"
    )
    assert path is not None
    return principals.authenticate(application.records, path, at=application.now())
