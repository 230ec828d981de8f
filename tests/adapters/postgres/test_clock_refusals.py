"""What the database refuses for another reason than the time of an entry is not told as a wrong clock."""

from __future__ import annotations

import pytest

from cloakroom.adapters.postgres.connection import connect, create_schema
from cloakroom.adapters.postgres.ledger_store import PostgresLedger
from cloakroom.errors import StatementError
from cloakroom.flows.ledger.ports import PreparedEntry
from cloakroom.ledger.record_sets import RecordSetSealer
from stores import database

TOLERANCE = 2_000_000


@pytest.fixture(scope="module")
def schema(postgres_server):
    with database(postgres_server) as url, connect(url) as connection:
        create_schema(connection)
        yield connection


@pytest.fixture
def ledger(schema):
    """The ledger of a store, whose entries are gone afterwards."""
    with schema.transaction(force_rollback=True):
        yield PostgresLedger(schema, RecordSetSealer({1: bytes(32)}), TOLERANCE)


def entry_at(at):
    return PreparedEntry(
        lineage="system",
        counted=False,
        at=at,
        operation="heartbeat",
        permitted=True,
        shape=None,
        records=0,
        body=b"{}",
        sealed_set=None,
    )


def now_of(connection):
    return connection.execute("select (extract(epoch from clock_timestamp()) * 1000000)::bigint").fetchone()[0]


def test_an_entry_that_the_database_refuses_for_another_reason_is_not_blamed_on_the_clock(schema, ledger):
    schema.execute(
        "create function refuse() returns trigger language plpgsql as $$ begin raise 'the disk is read-only'; end $$"
    )
    schema.execute("create trigger refuse before insert on ledger_entry execute function refuse()")
    with pytest.raises(StatementError) as caught, schema.transaction():
        ledger.append({}, [entry_at(now_of(schema))])
    assert "clock" not in str(caught.value)
    assert "disk" not in str(caught.value), "what the database says may hold a value"
