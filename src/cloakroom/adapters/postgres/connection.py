"""Opens the store, checks that it is one that this program knows, and applies migrations when told to.

This is also where the errors of the driver end: whatever goes over a `Connection` raises errors of the store, whose
messages name the kind of the driver's error and nothing that it says, which may be a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.rows import TupleRow

from cloakroom.errors import ConflictError, StatementError, StoreError, UnavailableError, UnstorableError

MINIMUM_SERVER = 150000
_STOPPED = "the database stopped answering ({kind}); nothing half-done remains, try again"


class Connection(psycopg.Connection[TupleRow]):
    """A connection whose errors are the store's: `StoreError` and its kinds, each with the driver's as its cause."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """See `psycopg.Connection.wait`, through which everything goes that is said to the server."""
        if timeout is not None:  # for notifications, where the driver looks for its own error; see `Notifications`
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval)
        except psycopg.Error as error:
            raise store_error(error) from error
        except UnicodeEncodeError:  # Its message and its arguments hold the text.
            raise UnstorableError("a text that is no Unicode") from None

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        """See `psycopg.Connection.cursor`."""
        try:
            return super().cursor(*arguments, **options)
        except psycopg.Error as error:
            raise store_error(error) from error


class CanceledError(UnavailableError, psycopg.errors.QueryCanceled):
    """A statement was cancelled. The driver's own error, too, since it looks for that when it breaks off a COPY."""


def store_error(error: psycopg.Error) -> StoreError:
    """Return what an error of the driver means."""
    kind = type(error).__name__
    match error:
        case psycopg.errors.QueryCanceled():
            return CanceledError(_STOPPED.format(kind=kind))
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return UnavailableError(_STOPPED.format(kind=kind))
        case psycopg.DataError():
            return UnstorableError(f"the database does not take a value ({kind})")
        case _:
            return StatementError(f"the database refused a statement ({kind})")


def migrations() -> list[tuple[int, str]]:
    """Return the numbered migrations, oldest first, as (number, SQL)."""
    folder = resources.files("cloakroom.adapters.postgres").joinpath("migrations")
    files = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return [(int(name.split("_")[0]), folder.joinpath(name).read_text("utf-8")) for name in files]


def connect(url: str, **options: Any) -> Connection:
    """Connect to `url`.

    Raises:
        UnavailableError: It does not answer.
        StoreError: It is older than PostgreSQL 15, or does not keep what it commits.
    """
    try:
        connection = Connection.connect(url, autocommit=True, prepare_threshold=2, **options)
    except psycopg.OperationalError as error:
        raise UnavailableError(
            "the database does not answer; check CLOAKROOM_DATABASE_URL and that it runs"
        ) from error
    if connection.info.server_version < MINIMUM_SERVER:
        connection.close()
        raise StoreError("the database server is older than PostgreSQL 15")
    _insist_on_durability(connection)
    return connection


def _insist_on_durability(connection: Connection) -> None:
    """Make commits durable whatever the server, the database or the role has set: an entry must outlive a crash."""
    fsync, commit = (
        connection.execute(f"show {name}".encode()).fetchone() for name in ("fsync", "synchronous_commit")
    )
    if fsync is None or fsync[0] != "on":
        connection.close()
        raise StoreError("the database server runs with fsync off: no entry would survive a loss of power")
    if commit is None or commit[0] == "off":
        connection.execute("set synchronous_commit = on")


def wait_for_the_disk(connection: Connection) -> None:
    """Within a transaction: make it durable when it commits, whatever was switched off in it before."""
    connection.execute("set local synchronous_commit = on")


@contextmanager
def snapshot(connection: Connection) -> Iterator[None]:
    """Let several queries see one state of the store: what others commit meanwhile is seen by none of them.

    Args:
        connection: In autocommit mode, outside of any transaction.
    """
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        yield


def open_store(url: str) -> Connection:
    """Connect to an existing store of exactly the version that this program knows.

    Raises:
        StoreError: No store there, or a newer or older one.
    """
    connection = connect(url)
    found, known = store_version(connection), migrations()[-1][0]
    if found == known:
        return connection
    connection.close()
    if found == 0:
        raise StoreError("the database holds no store; `cloakroom init` makes one")
    _refuse_unreadable(found)
    if found > known:
        raise StoreError(f"the store is of version {found}, this program knows {known}: update the program")
    raise StoreError(f"the store is of version {found}, this program needs {known}: run `cloakroom migrate`")


def _refuse_unreadable(found: int) -> None:
    """Refuse stores from before the first migration: what lies sealed in them is in formats that are gone."""
    if 0 < found < migrations()[0][0]:
        raise StoreError(
            f"the store is of version {found}, whose sealed formats this program does not read: make a new store with"
            " `cloakroom init` and import the deliveries again"
        )


def store_version(connection: Connection) -> int:
    """Return the number of the newest migration applied, 0 where there is no store."""
    exists = connection.execute("select to_regclass('schema_migration') is not null").fetchone()
    if exists is None or not exists[0]:
        return 0
    row = connection.execute("select coalesce(max(number), 0) from schema_migration").fetchone()
    return int(row[0]) if row else 0


def create_schema(connection: Connection) -> None:
    """Make the tables of a new store.

    Raises:
        ConflictError: There is a store already.
    """
    if store_version(connection) or not apply_migrations(connection):
        raise ConflictError("there is a store already; nothing was changed")


def apply_migrations(connection: Connection) -> list[int]:
    """Apply what is missing, in one transaction, and return the numbers applied.

    Raises:
        StoreError: The store is from before the oldest migration known; nothing was changed.
    """
    applied = []
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(4172025)")
        connection.execute(
            "create table if not exists schema_migration"
            " (number int primary key, applied_at timestamptz default now())"
        )
        found = store_version(connection)
        _refuse_unreadable(found)
        for number, sql in migrations():
            if number > found:
                connection.execute(sql.encode())
                connection.execute("insert into schema_migration (number) values (%s)", (number,))
                applied.append(number)
    return applied
