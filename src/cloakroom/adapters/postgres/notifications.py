"""Wait for PostgreSQL's notifications, by which one process of a node wakes another, on whatever node."""

from __future__ import annotations

import psycopg
from psycopg.sql import SQL, Identifier

from cloakroom.adapters.postgres.connection import Connection, store_error


class Notifications:
    """Notifications on one channel, over a connection that does nothing else meanwhile."""

    def __init__(self, connection: Connection, channel: str) -> None:
        """Listen from now on."""
        self._connection = connection
        connection.execute(SQL("listen {}").format(Identifier(channel)))

    def wait(self, timeout_s: float) -> None:
        """Wait until something came in since the last time, but not longer than `timeout_s`.

        Raises:
            UnavailableError: The database does not answer.
        """
        try:
            for _ in self._connection.notifies(timeout=timeout_s, stop_after=1):
                return
        except psycopg.Error as error:
            raise store_error(error) from error
