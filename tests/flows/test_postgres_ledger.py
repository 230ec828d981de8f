"""The ledger in PostgreSQL does what every ledger must."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from ledger_behaviour import SETS, TOLERANCE, LedgerBehaviour, LedgerWorld

from cloakroom.adapters.postgres.connection import connect, create_schema
from cloakroom.adapters.postgres.ledger_store import PostgresLedger
from cloakroom.adapters.postgres.queries import load_queries
from stores import database


@pytest.fixture(scope="module")
def schema(postgres_server: str) -> Iterator[str]:
    """A store without anything in it; each test has a lineage of its own there."""
    with database(postgres_server) as url:
        with connect(url) as connection:
            create_schema(connection)
        yield url


class TestPostgresLedger(LedgerBehaviour):
    @pytest.fixture
    def world(self, schema: str) -> Iterator[LedgerWorld]:
        with ExitStack() as opened:
            connection = opened.enter_context(connect(schema))

            def swap_sets(lineage: str, one: int, other: int) -> None:
                connection.execute("alter table ledger_entry disable trigger user")
                connection.execute(
                    "update ledger_entry e set sealed_set = o.sealed_set from ledger_entry o"
                    " where e.lineage = %(lineage)s and o.lineage = %(lineage)s"
                    " and (e.lineage_version, o.lineage_version) in ((%(one)s, %(other)s), (%(other)s, %(one)s))",
                    {"lineage": lineage, "one": one, "other": other},
                )

            yield LedgerWorld(
                open=lambda: PostgresLedger(opened.enter_context(connect(schema)), SETS, TOLERANCE),
                add_lineage=lambda name: connection.execute(load_queries("store")["add_lineage"], {"id": name}),
                leaves=lambda lineage: [
                    row[0]
                    for row in connection.execute(
                        "select body from ledger_entry where lineage = %s order by id", (lineage,)
                    )
                ],
                swap_sets=swap_sets,
            )
