"""Whatever goes over a connection raises errors of the store; the driver's are their causes, and only named."""

from __future__ import annotations

import psycopg
import pytest

from cloakroom.adapters.postgres.connection import connect
from cloakroom.adapters.postgres.notifications import Notifications
from cloakroom.adapters.postgres.statements import Statements, text_array
from cloakroom.errors import StatementError, UnavailableError, UnstorableError

SECRET = "anna@example.org"


@pytest.fixture
def connection(empty_database):
    with connect(empty_database) as opened:
        opened.execute("create table sample (name text primary key)")
        yield opened


@pytest.fixture
def lost(connection, empty_database):
    """A connection that the server has ended, which nobody has noticed yet."""
    with psycopg.connect(empty_database, autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
    return connection


def copy_in(connection):
    with connection.cursor().copy("copy sample from stdin") as copy:
        copy.write_row(("anna",))


def commit(connection):
    with connection.transaction():
        connection.execute("insert into sample values ('anna')")


WAYS = {
    "a query": lambda connection: connection.execute("select 1"),
    "a transaction": commit,
    "a copy": copy_in,
    "many at once": lambda connection: connection.cursor().executemany("insert into sample values (%s)", [("a",)]),
    "a named cursor": lambda connection: connection.cursor("named").execute("select 1"),
    "a prepared statement": lambda connection: Statements(connection).run(("select 1", {})),
    "a notification": lambda connection: Notifications(connection, "sample").wait(0.1),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_is_lost_is_a_store_that_does_not_answer(lost, way):
    with pytest.raises(UnavailableError) as caught:
        WAYS[way](lost)
    assert isinstance(caught.value.__cause__, psycopg.OperationalError)
    with pytest.raises(UnavailableError):  # and so it is from then on, for whoever still has it
        lost.execute("select 1")


def test_one_that_is_lost_while_somebody_waits_for_notifications_does_not_answer(connection, empty_database):
    notifications = Notifications(connection, "sample")
    with psycopg.connect(empty_database, autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
    with pytest.raises(UnavailableError):
        notifications.wait(5.0)


def test_waiting_for_notifications_ends_with_one_or_with_its_time(connection, empty_database):
    notifications = Notifications(connection, "sample")
    notifications.wait(0.01)
    with psycopg.connect(empty_database, autocommit=True) as other:
        other.execute("notify sample")
    notifications.wait(60.0)


def insert_twice(connection):
    with connection.transaction():
        for _ in range(2):
            connection.execute("insert into deferred values ('anna')")


def test_a_failure_of_the_commit_itself_is_told(connection):
    connection.execute("create table deferred (name text primary key deferrable initially deferred)")
    with pytest.raises(StatementError, match="UniqueViolation"):
        insert_twice(connection)


@pytest.mark.parametrize(
    "give",
    [
        lambda connection: connection.execute("insert into sample values (%s)", ("zero \0",)),
        lambda connection: connection.execute("insert into sample values (%s)", ("half \ud800",)),
        lambda connection: connection.cursor().executemany("insert into sample values (%s)", [("half \ud800",)]),
        lambda connection: Statements(connection).run(("select %(names)s", {"names": text_array(["half \ud800"])})),
        lambda connection: Statements(connection).run(
            ("select %(names)s::text[]", {"names": text_array(["zero \0"])})
        ),
    ],
)
def test_what_the_database_cannot_store_is_the_fault_of_the_value(connection, give):
    with pytest.raises(UnstorableError) as caught:
        give(connection)
    assert "zero" not in str(caught.value)
    assert "half" not in str(caught.value)


def test_a_statement_that_is_refused_is_a_defect_and_its_error_holds_no_value(connection):
    connection.execute("insert into sample values (%s)", (SECRET,))
    with pytest.raises(StatementError) as caught:
        connection.execute("insert into sample values (%s)", (SECRET,))
    assert SECRET in str(caught.value.__cause__)
    assert SECRET not in str(caught.value)


def break_off(connection):
    with connection.cursor().copy("copy sample from stdin") as copy:
        copy.write_row(("anna",))
        raise KeyError("the reader")


def test_what_breaks_off_a_copy_comes_out_of_it_as_it_is(connection, caplog):
    with pytest.raises(KeyError, match="the reader"):
        break_off(connection)
    assert not caplog.records  # the driver knows the end of a COPY that it breaks off itself
    assert connection.execute("select count(*) from sample").fetchone() == (0,)
