"""The clock of a store's database, set by a test: what the store compares the time of entries with."""

from __future__ import annotations

from datetime import datetime

import psycopg
from psycopg.conninfo import conninfo_to_dict


class DatabaseClock:
    """Stands in for `clock_timestamp()` in one database, for connections that are opened from now on.

    The store's own functions go on as they are: an unqualified name is looked for along the search path, and here a
    function of that name lies before PostgreSQL's.
    """

    def __init__(self, url: str, at: datetime) -> None:
        database = conninfo_to_dict(url)["dbname"]
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("create schema modelled")
        self._connection.execute("create table modelled.clock (at timestamptz not null)")
        self._connection.execute("insert into modelled.clock values (%s)", (at,))
        self._connection.execute(
            "create function modelled.clock_timestamp() returns timestamptz language sql volatile"
            " as 'select at from modelled.clock'"
        )
        self._connection.execute(f'alter database "{database}" set search_path = modelled, pg_catalog, public')

    def set(self, at: datetime) -> None:
        """Let the database tell `at` until it is set again."""
        self._connection.execute("update modelled.clock set at = %s", (at,))

    def close(self) -> None:
        """Close the connection by which it is set."""
        self._connection.close()
