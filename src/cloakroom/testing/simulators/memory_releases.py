"""Releases in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pyroaring import BitMap

from cloakroom.errors import DeniedError, TamperedError
from cloakroom.flows.releases.ports import StoredRelease
from cloakroom.gate.releases import Approval, ReleaseContent, ReleaseState, Standing
from cloakroom.ledger.entry import decode_entry
from cloakroom.testing.simulators.memory_ledger import MemoryEntry
from cloakroom.testing.simulators.memory_store import MemoryStore
from cloakroom.vocabulary import Operation


class MemoryReleases:
    """Implements `flows.release_ports.ReleaseStore` over a store in memory; one for each node."""

    def __init__(self, store: MemoryStore) -> None:
        """Take the store that everything lies in."""
        self._store = store
        self._releases: dict[str, StoredRelease] = store.table("release")
        self._entries: dict[int, MemoryEntry] = store.table("entry")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `ReleaseStore.transaction`."""
        with self._store.transaction():
            yield

    def add(self, name: str, content: ReleaseContent, requested_by: str, at: int, expires_at: int) -> None:
        """See `ReleaseStore.add`."""
        with self._store.effect("add release"):
            # Kept in the bytes that approvals are of, as the real one does: that sorts the fields.
            content = ReleaseContent.decode(content.encode())
            standing = Standing(content, requested_by, ReleaseState.REQUESTED, expires_at)
            self._releases[name] = StoredRelease(name, standing, at, None, 0, 0, None)

    def get(self, name: str, *, lock: bool = False) -> StoredRelease:
        """See `ReleaseStore.get`."""
        if name not in self._releases:
            raise DeniedError("not-found", "no such release")
        return self._releases[name]

    def approve(self, name: str, approval: Approval, at: int) -> None:
        """See `ReleaseStore.approve`."""
        standing = self._releases[name].standing
        self._change("approve", name, standing=replace(standing, approvals=[*standing.approvals, approval]))

    def approved(self, name: str, expires_at: int) -> None:
        """See `ReleaseStore.approved`."""
        standing = replace(self._releases[name].standing, state=ReleaseState.APPROVED, expires_at=expires_at)
        self._change("approved", name, standing=standing)

    def begun(self, name: str, records: BitMap, canaries: int) -> None:
        """See `ReleaseStore.begun`."""
        standing = replace(self._releases[name].standing, state=ReleaseState.RUNNING)
        self._change("begun", name, standing=standing, records=records.copy(), canaries=canaries)

    def run_entry(self, found: StoredRelease) -> tuple[bytes, bytes | None]:
        """See `ReleaseStore.run_entry`."""
        for entry in reversed(self._entries.values()):
            told = entry.prepared
            if (
                entry.version is not None
                and (told.lineage, told.operation) == (found.standing.requested_by, Operation.RELEASE.value)
                and decode_entry(told.body).detail.get("release") == found.id
            ):
                return told.body, told.sealed_set
        raise TamperedError(f"{found.id} is fixed, but no entry says so")

    def progress(self, name: str, rows_done: int) -> None:
        """See `ReleaseStore.progress`."""
        self._change("progress", name, rows_done=rows_done)

    def done(self, name: str, rows_done: int, sha256: str, at: int) -> bool:
        """See `ReleaseStore.done`."""
        standing = self._releases[name].standing
        if standing.state is not ReleaseState.RUNNING:
            return False
        standing = replace(standing, state=ReleaseState.DONE)
        self._change("done", name, standing=standing, rows_done=rows_done, file_sha256=sha256)
        return True

    def _change(self, effect: str, name: str, **changes: object) -> None:
        with self._store.effect(effect):
            self._releases[name] = replace(self._releases[name], **changes)  # type: ignore[arg-type]
