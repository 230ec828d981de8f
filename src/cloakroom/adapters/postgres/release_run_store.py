"""Runs of releases that nodes do for people, and the encrypted files they write, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.queries import load_queries

RUNS = "cloakroom_runs"
"""Channel on which nodes hear that a run waits."""


class RunState(StrEnum):
    """The state of a run."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as stored.

    Attributes:
        release: Id of the release.
        requested_by: Who asked for the run.
        credential: With which credential.
        address: From where; None for the machine itself.
        state: How far it is.
        failure: Stable code of what went wrong, or None.
        attempt: Counts the leases; each writes parts of its own.
        size: Bytes of the finished file.
        parts: Parts of the finished file.
    """

    release: str
    requested_by: str
    credential: str
    address: str | None
    state: RunState
    failure: str | None
    attempt: int
    size: int
    parts: int


class ReleaseRunStore:
    """Reads and writes runs over one connection."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._queries = load_queries("release_run")
        self._notify = load_queries("sign_in")["notify"]

    def ask(self, release: str, requested_by: str, credential: str, address: str | None, *, at: int) -> bool:
        """Ask for a run and tell the nodes; false if one is under way or done."""
        with self._connection.transaction():
            cursor = self._connection.execute(
                self._queries["ask_for_run"],
                {
                    "release": release,
                    "requested_by": requested_by,
                    "credential": credential,
                    "address": address,
                    "at": at,
                },
            )
            self._connection.execute(self._notify, {"channel": RUNS})
        return bool(cursor.rowcount)

    def get(self, release: str) -> StoredRun | None:
        """Return the run of a release, or None if nobody asked for one."""
        row = self._connection.execute(self._queries["run"], {"release": release}).fetchone()
        return None if row is None else _run(row)

    def take(self, node: str, now: int, lease_until: int) -> StoredRun | None:
        """Lease the oldest run that no living node does, as a new attempt; None if there is none."""
        arguments = {"node": node, "now": now, "lease_until": lease_until}
        row = self._connection.execute(self._queries["take_run"], arguments).fetchone()
        if row is None:
            return None
        run = _run(row)
        self._connection.execute(self._queries["drop_other_parts"], {"release": run.release, "attempt": run.attempt})
        return run

    def keep(self, run: StoredRun, lease_until: int) -> bool:
        """Prolong the lease; false if another node has the run by now."""
        arguments = {"release": run.release, "attempt": run.attempt, "lease_until": lease_until}
        return bool(self._connection.execute(self._queries["keep_run"], arguments).rowcount)

    def add_part(self, run: StoredRun, number: int, data: bytes) -> bool:
        """Keep a part of the file; false if another node has the run by now."""
        arguments = {"release": run.release, "attempt": run.attempt, "number": number, "data": data}
        return bool(self._connection.execute(self._queries["add_part"], arguments).rowcount)

    def done(self, run: StoredRun, size: int, parts: int) -> bool:
        """Note that the file is whole; false if another node has the run by now."""
        arguments = {"release": run.release, "attempt": run.attempt, "size": size, "parts": parts}
        return bool(self._connection.execute(self._queries["run_done"], arguments).rowcount)

    def failed(self, run: StoredRun, failure: str) -> bool:
        """Note that the run cannot be done; false if another node has it by now."""
        arguments = {"release": run.release, "attempt": run.attempt, "failure": failure}
        return bool(self._connection.execute(self._queries["run_failed"], arguments).rowcount)

    def part(self, release: str, number: int) -> bytes | None:
        """Return a part of a finished file, or None."""
        row = self._connection.execute(
            self._queries["part"], {"release": release, "number": number}, binary=True
        ).fetchone()
        return None if row is None else bytes(row[0])

    def forget_parts(self, now: int) -> int:
        """Drop the files of releases whose time is up; return how many parts they were."""
        return self._connection.execute(self._queries["forget_parts"], {"now": now}).rowcount


def _run(row: Sequence[Any]) -> StoredRun:
    release, requested_by, credential, address, state, failure, attempt, size, parts = row
    return StoredRun(release, requested_by, credential, address, RunState(state), failure, attempt, size, parts)
