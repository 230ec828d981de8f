"""Advisory locks of a store: who waits for whom, beyond the rows that both touch.

Their numbers stay as they are: nodes of two releases of the program serve one store while it is updated. Where one
transaction takes several, it takes those of lower lines in this table later, so that no two wait for each other:

| Lock | Of | Held by | Until |
|---|---|---|---|
| `BRAND_KEYS` | a brand | a rotation alone; imports, writes and releases together | its end; the transaction's |
| `IMPORT` | a brand | an import alone; writes together | its end; the transaction's |
| `RECORD` | a record id's digest | a write | the transaction's end |
| `INDEX` | a brand | an erasure, a batch of an index's rotation | the transaction's end |
| `FACETS` | a brand | whoever folds changes of facets | the transaction's end |

`MIGRATIONS`, `SEQUENCER` and `ROLL_UPS` are of the whole store, and each is taken alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.queries import load_queries


class Lock(IntEnum):
    """Numbers of the locks."""

    SEQUENCER = 4172026
    FACETS = 4172027
    ROLL_UPS = 4172028
    BRAND_KEYS = 4172029
    INDEX = 4172030
    RECORD = 4172031
    IMPORT = 4172041


def hold(connection: Connection, lock: Lock, of: int | None = None) -> None:
    """Within a transaction: wait for a lock and hold it until the end.

    Args:
        connection: The connection.
        lock: Which.
        of: Number of what it is of, 32 bits with a sign; None for a lock of the whole store.
    """
    connection.execute(_query("hold", of), {"lock": int(lock), "of": of})


def try_hold(connection: Connection, lock: Lock) -> bool:
    """Within a transaction: hold a lock of the whole store until the end; false where somebody else does."""
    return _is_granted(connection, "try_hold", lock, None)


def try_share(connection: Connection, lock: Lock, of: int) -> bool:
    """Within a transaction: hold a lock together with others until the end; false where somebody has it alone."""
    return _is_granted(connection, "try_share", lock, of)


@contextmanager
def held(connection: Connection, lock: Lock, of: int, *, together: bool = False) -> Iterator[None]:
    """Wait for a lock and hold it over any number of transactions.

    Args:
        connection: The connection; what ends it gives the lock back, too.
        lock: Which.
        of: Number of what it is of.
        together: Whether others may hold it in the same way.
    """
    share = "share_" if together else ""
    arguments = {"lock": int(lock), "of": of}
    connection.execute(_query(f"take_{share}".rstrip("_"), of), arguments)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(_query(f"give_back_{share}".rstrip("_"), of), arguments)


def _is_granted(connection: Connection, name: str, lock: Lock, of: int | None) -> bool:
    row = connection.execute(_query(name, of), {"lock": int(lock), "of": of}).fetchone()
    return bool(row and row[0])


def _query(name: str, of: int | None) -> str:
    return load_queries("locks")[name if of is None else f"{name}_of"]
