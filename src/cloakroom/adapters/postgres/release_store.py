"""Releases in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pyroaring import BitMap

from cloakroom.adapters.postgres.connection import Connection, wait_for_the_disk
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.errors import DeniedError, TamperedError
from cloakroom.flows.releases.ports import StoredRelease
from cloakroom.gate.releases import Approval, ReleaseContent, ReleaseState, Standing
from cloakroom.ledger.record_sets import RecordSetSealer

_CLOCKS_APART = 24 * 60 * 60 * 1_000_000
"""Microseconds by which the clocks of two nodes may differ at most, for certain."""


class PostgresReleases:
    """Implements `flows.release_ports.ReleaseStore` over one connection."""

    def __init__(self, connection: Connection, sets: RecordSetSealer) -> None:
        """Take an open connection in autocommit mode, and what seals the sets."""
        self._connection = connection
        self._sets = sets
        self._queries = load_queries("service")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `ReleaseStore.transaction`."""
        with self._connection.transaction():
            yield
            # Canaries are written as an import writes rows, which switches the wait for the disk off.
            wait_for_the_disk(self._connection)

    def add(self, name: str, content: ReleaseContent, requested_by: str, at: int, expires_at: int) -> None:
        """See `ReleaseStore.add`."""
        self._connection.execute(
            self._queries["add_release"],
            {
                "id": name,
                "kind": content.kind,
                "requested_by": requested_by,
                "content": content.encode(),
                "digest": content.digest,
                "at": at,
                "expires_at": expires_at,
            },
        )

    def get(self, name: str, *, lock: bool = False) -> StoredRelease:
        """See `ReleaseStore.get`."""
        query = self._queries["lock_release" if lock else "release"]
        row = self._connection.execute(query, {"id": name}).fetchone()
        if row is None:
            raise DeniedError("not-found", "no such release")
        return self._release(row)

    def newest(self, limit: int = 200) -> list[StoredRelease]:
        """Return releases, newest first."""
        rows = self._connection.execute(self._queries["releases"], {"limit": limit}).fetchall()
        return [self._release(row) for row in rows]

    def approve(self, name: str, approval: Approval, at: int) -> None:
        """See `ReleaseStore.approve`."""
        self._connection.execute(
            self._queries["add_approval"],
            {
                "id": name,
                "principal": approval.principal,
                "credential": approval.credential,
                "digest": approval.digest,
                "at": at,
            },
        )

    def approved(self, name: str, expires_at: int) -> None:
        """See `ReleaseStore.approved`."""
        self._connection.execute(self._queries["release_approved"], {"id": name, "expires_at": expires_at})

    def begun(self, name: str, records: BitMap, canaries: int) -> None:
        """See `ReleaseStore.begun`."""
        self._connection.execute(
            self._queries["release_begun"],
            {"id": name, "sealed": self._sets.seal(_place(name), records), "canaries": canaries},
        )

    def run_entry(self, found: StoredRelease) -> tuple[bytes, bytes | None]:
        """See `ReleaseStore.run_entry`."""
        arguments = {
            "lineage": found.standing.requested_by,
            "since": found.requested_at - _CLOCKS_APART,
            "release": found.id,
        }
        row = self._connection.execute(self._queries["run_entry"], arguments, binary=True).fetchone()
        if row is None:
            raise TamperedError(f"{found.id} is fixed, but no entry says so")
        return row[0], row[1]

    def progress(self, name: str, rows_done: int) -> None:
        """See `ReleaseStore.progress`."""
        self._connection.execute(self._queries["release_progress"], {"id": name, "rows_done": rows_done})

    def done(self, name: str, rows_done: int, sha256: str, at: int) -> bool:
        """See `ReleaseStore.done`."""
        cursor = self._connection.execute(
            self._queries["release_done"], {"id": name, "rows_done": rows_done, "sha256": sha256, "at": at}
        )
        return bool(cursor.rowcount)

    def _release(self, row: Sequence[Any]) -> StoredRelease:
        name, _, requested_by, content, _, state, requested_at, expires_at, data, canaries, done, digest, _ = row
        approvals = [
            Approval(principal, credential, of)
            for principal, credential, of, _ in self._connection.execute(self._queries["approvals"], {"id": name})
        ]
        return StoredRelease(
            id=name,
            standing=Standing(
                ReleaseContent.decode(content), requested_by, ReleaseState(state), expires_at, approvals
            ),
            requested_at=requested_at,
            records=None if data is None else self._sets.open(_place(name), data),
            canaries=canaries,
            rows_done=done,
            file_sha256=digest,
        )


def _place(name: str) -> str:
    return f"release/{name}"
