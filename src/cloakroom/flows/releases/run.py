"""A release is run: what was asked for and approved leaves, marked and encrypted.

The order of effects, and why a crash anywhere is harmless:

1. One durable transaction checks the approvals and enters which records are looked at, to make canaries like them.
   Crash before: nothing happened. Crash after: an entry says that some records may have been looked at.
2. Another checks all of it again, computes the exact set from the facets, opens the records that were entered, adds
   the release's own canaries to the set, appends the one entry with that set, and fixes the set. Crash before: of
   the two, only the first entry is there, and running it again begins anew. Whoever finds the set fixed by then, by
   another run, takes that one up.
3. Only then are the values of the set opened, and written encrypted to the recipient's key under a temporary name.
4. The finished file gets its name, and the release is done, for good, with an entry, in one durable transaction.
   Crash before: running it again takes up the same set with the same canaries under the same entry, and writes the
   file anew. Of two runs at once, one is done and the other is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from pyroaring import BitMap

from cloakroom.clock import Clock, to_microseconds
from cloakroom.crypto import sha256
from cloakroom.errors import ConflictError, DeniedError, TamperedError, UsageError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.ledger.entry_writing import OPENED_FIELDS, DurableEntry, EntryWriter
from cloakroom.flows.ledger.ports import Ledger, PreparedEntry
from cloakroom.flows.releases.audience import Audience
from cloakroom.flows.releases.canaries import Canaries
from cloakroom.flows.releases.ports import ReleaseStore, StoredRelease
from cloakroom.flows.releases.requests import ReleaseRequests
from cloakroom.gate.policy import Form
from cloakroom.gate.releases import ReleaseContent, ReleaseState
from cloakroom.vocabulary import Operation

ROWS_PER_READ: Final = 5_000

Progress = Callable[[int, int], None]
"""Is told (rows done, rows in all)."""

Write = Callable[[ReleaseContent, Iterator[Mapping[str, str]]], str]
"""Writes the rows, encrypted, under a name that appears with the whole file; returns its SHA-256 in hex."""


@dataclass(frozen=True, slots=True)
class FinishedRelease:
    """A finished release: records in the file, how many of them are canaries, SHA-256 of the file in hex."""

    records: int
    canaries: int
    file_sha256: str


@dataclass(frozen=True, slots=True)
class _Ready:
    """A release that may run: the forms of its fields, and its audience unless its set is fixed already."""

    found: StoredRelease
    forms: Mapping[str, Form]
    audience: BitMap | None


class ReleaseRuns:
    """Runs approved releases."""

    def __init__(
        self,
        *,
        requests: ReleaseRequests,
        store: ReleaseStore,
        audience: Audience,
        canaries: Canaries,
        ledger: Ledger,
        entries: EntryWriter,
        clock: Clock,
        forget: Callable[[str], None],
    ) -> None:
        """Assemble.

        Args:
            requests: Judges whether a release may run.
            store: Where releases are kept.
            audience: Chooses and shows the records.
            canaries: Makes the canaries.
            ledger: Where the entry of the set is appended.
            entries: Writes this node's entries.
            clock: Tells the time.
            forget: Drops what this node knows of a lineage, which has drawn on its budget elsewhere.
        """
        self._requests = requests
        self._store = store
        self._audience = audience
        self._canaries = canaries
        self._ledger = ledger
        self._entries = entries
        self._clock = clock
        self._forget = forget

    def run_release(
        self,
        who: Caller,
        name: str,
        write: Write,
        *,
        canary_domain: str,
        progress: Progress | None = None,
        settle: Callable[[], None] | None = None,
    ) -> FinishedRelease:
        """Run an approved release into whatever `write` writes, or take one up again that was interrupted.

        Args:
            who: Who asked for it.
            name: Its id.
            write: Writes the rows.
            canary_domain: Domain whose mail the group receives, for the addresses of the canaries.
            progress: Is told how far it is.
            settle: Called in the transaction that makes the release done.

        Raises:
            BusyError: The keys of the brand are being rotated; nothing was released.
            ConflictError: Another run of it was done first.
            DeniedError: It is not approved, has expired, was run, or holds more records than it may.
            UsageError: No record has these facets, or no canaries could be made.
        """
        with self._requests.entering_refusals(who, "run", name):
            found, entry = self._begin(who, name, canary_domain)
        assert found.records is not None
        content = found.standing.content
        digest = write(content, self._rows(found, entry, progress))
        with self._store.transaction():
            if not self._store.done(name, len(found.records), digest, to_microseconds(self._clock.now())):
                raise ConflictError("another run of this release was done first")
            if settle is not None:
                settle()
            self._entries.append(
                lineage=who.lineage,
                operation=Operation.RELEASE,
                brand=content.brand,
                detail={"phase": "done", "release": name, "file_sha256": digest, "rows": len(found.records)},
            )
        return FinishedRelease(len(found.records), found.canaries, digest)

    def _begin(self, who: Caller, name: str, canary_domain: str) -> tuple[StoredRelease, DurableEntry]:
        """Fix the set of a release, or find it fixed; return the release with the entry that opens the set."""
        with self._store.transaction():
            ready = self._ready(who, name)
            appended = None if ready.audience is None else self._append_templates(who, ready, ready.audience)
        if appended is None:
            return self._taken_up(ready)
        # What is opened from here on, to make canaries like it, has its durable entry.
        templates = self._entries.durable(appended.body, appended.sealed_set)
        with self._store.transaction():
            ready = self._ready(who, name)
            entry = None
            if ready.audience is not None:
                canaries = self._canaries.add(
                    ready.found.standing.content.brand,
                    name,
                    records=ready.audience,
                    templates=templates,
                    email_domain=canary_domain,
                )
                entry = self._append_set(who, ready, ready.audience, canaries)
                self._store.begun(name, ready.audience | canaries, len(canaries))
        if entry is None:
            return self._taken_up(ready)
        self._forget(who.lineage)
        return self._store.get(name), self._entries.durable(entry.body, entry.sealed_set)

    def _ready(self, who: Caller, name: str) -> _Ready:
        """Within a transaction: hold a release, check everything that lets it run, and choose its audience."""
        found, forms = self._requests.hold(who, name)
        if found.standing.state is ReleaseState.RUNNING:
            return _Ready(found, forms, None)
        content = found.standing.content
        records = self._audience.choose(content.brand, content.facets)
        if not records:
            raise UsageError("no record has these facets; nothing was released")
        if len(records) > content.maximum:
            raise DeniedError("too-many", f"{len(records)} records; the release was approved for {content.maximum}")
        return _Ready(found, forms, records)

    def _taken_up(self, ready: _Ready) -> tuple[StoredRelease, DurableEntry]:
        """Return a release whose set is fixed, with its entry, under which the policy may let less leave.

        Raises:
            TamperedError: The set that the release is fixed to is not the one of its entry.
        """
        entry = self._entries.durable(*self._store.run_entry(ready.found))
        if entry.records != ready.found.records:
            raise TamperedError(f"the records of {ready.found.id} are not those of its entry")
        return ready.found, entry.at_most(ready.forms)

    def _append_templates(self, who: Caller, ready: _Ready, audience: BitMap) -> PreparedEntry:
        """Choose records to make canaries like, and enter that they are opened, though nobody sees them."""
        content = ready.found.standing.content
        return self._entries.append(
            lineage=who.lineage,
            operation=Operation.RELEASE,
            records=self._canaries.choose_templates(audience),
            brand=content.brand,
            purpose=self._requests.purpose(content),
            reference=content.reference,
            detail={
                "phase": "templates",
                "release": ready.found.id,
                "digest": content.digest,
                OPENED_FIELDS: self._canaries.fields(content.brand),
                "credential": who.credential,
            },
        )

    def _append_set(self, who: Caller, ready: _Ready, audience: BitMap, canaries: BitMap) -> PreparedEntry:
        """Append the one entry that says what leaves: it counts against the budgets of the lineage.

        Raises:
            DeniedError: The lineage is frozen.
        """
        lineage, content = who.lineage, ready.found.standing.content
        with self._ledger.locked([lineage]):
            state = self._ledger.states([lineage])[lineage]
            entry = self._entries.prepare(
                lineage=lineage,
                operation=Operation.RELEASE,
                records=audience | canaries,
                shape={field: str(form) for field, form in ready.forms.items()},
                counted=True,
                brand=content.brand,
                purpose=self._requests.purpose(content),
                reference=content.reference,
                detail={
                    "phase": "run",
                    "release": ready.found.id,
                    "digest": content.digest,
                    "recipient": content.recipient,
                    "approved_by": sorted(item.principal for item in ready.found.standing.approvals),
                    "canaries": len(canaries),
                    "credential": who.credential,
                },
            )
            outcome, _ = self._ledger.append({lineage: state.version}, [entry])
        if outcome[lineage].status != "ok":
            raise DeniedError(outcome[lineage].status, "the credential is frozen")
        return entry

    def _rows(
        self, found: StoredRelease, entry: DurableEntry, progress: Progress | None
    ) -> Iterator[Mapping[str, str]]:
        """Yield the rows in an order that is the same for each run and tells nothing: canaries are the newest."""
        assert found.records is not None
        brand = found.standing.content.brand
        ordinals = np.array(found.records, np.int64)
        np.random.default_rng(int.from_bytes(sha256(found.id.encode())[:8], "big")).shuffle(ordinals)
        for first in range(0, len(ordinals), ROWS_PER_READ):
            part = [int(ordinal) for ordinal in ordinals[first : first + ROWS_PER_READ]]
            yield from self._audience.show(brand, part, entry)
            done = first + len(part)
            self._store.progress(found.id, done)
            if progress is not None:
                progress(done, len(ordinals))
