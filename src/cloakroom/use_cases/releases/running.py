"""Releases run: what was asked for and approved leaves, marked and encrypted.

The order of effects of a run, and why a crash anywhere is harmless:

1. One durable transaction checks the approvals and enters which records are looked at, to plant others like them.
   Crash before: nothing happened. Crash after: an entry says that some records may have been looked at.
2. Another checks all of it again, computes the exact set from the facets, opens the records that were entered, plants
   the release's own canaries into the set, appends the one entry with that set, and fixes the set. Crash before: of
   the two, only the first entry is there, and running it again begins anew.
3. Only then are the values of the set opened, and written encrypted to the recipient's key under a temporary name.
4. The finished file gets its name, and the release is done, for good. Crash before: running it again takes up the
   same set with the same canaries under the same entry, and writes the file anew.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyroaring import BitMap

from cloakroom.adapters.postgres.release_store import ReleaseStore, StoredRelease
from cloakroom.adapters.release_files import write_release_file
from cloakroom.crypto import random_bytes, sha256
from cloakroom.errors import BusyError, ConflictError, DeniedError, TamperedError, UsageError
from cloakroom.flows.authorisation import Caller
from cloakroom.flows.entry_writing import OPENED_FIELDS, DurableEntry
from cloakroom.flows.ports import PreparedEntry
from cloakroom.gate.policy import Form
from cloakroom.gate.releases import (
    ReleaseContent,
    ReleaseState,
    check_run,
    kind_of,
)
from cloakroom.use_cases.releases.canaries import add_canaries, fields_of_canaries, show_rows
from cloakroom.use_cases.releases.requests import check_receiver, entering_refusals, release_forms
from cloakroom.vault.facets import CANARY, ERASED, RECORD
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application

ROWS_PER_READ = 5_000
TEMPLATES = 200

Progress = Callable[[int, int], None]
Write = Callable[[ReleaseContent, Iterator[Mapping[str, str]]], str]


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished release: records in the file, how many of them planted, SHA-256 of the file in hex."""

    records: int
    canaries: int
    file_sha256: str


def run_release(
    application: Application,
    who: Caller,
    name: str,
    target: Path,
    *,
    canary_domain: str,
    progress: Progress | None = None,
) -> Finished:
    """Run an approved release into a file, or take one up again that was interrupted.

    Args:
        application: The opened store.
        who: Who asked for it.
        name: Its id.
        target: Where the encrypted file goes.
        canary_domain: Domain whose mail the group receives, for the addresses of the canaries.
        progress: Is told (rows done, rows in all).

    Raises:
        DeniedError: It is not approved, has expired, was run, or holds more records than it may.
    """

    def write(content: ReleaseContent, rows: Iterator[Mapping[str, str]]) -> str:
        return write_release_file(target, content.recipient_key, content.form, sorted(content.fields), rows)

    return run_release_into(application, who, name, write, canary_domain=canary_domain, progress=progress)


def run_release_into(
    application: Application,
    who: Caller,
    name: str,
    write: Write,
    *,
    canary_domain: str,
    progress: Progress | None = None,
    settle: Callable[[], None] | None = None,
) -> Finished:
    """Run an approved release into whatever `write` writes, or take one up again that was interrupted.

    Args:
        application: The opened store.
        who: Who asked for it.
        name: Its id.
        write: Writes the rows, encrypted, and returns the SHA-256 of what it wrote in hex.
        canary_domain: Domain whose mail the group receives, for the addresses of the canaries.
        progress: Is told (rows done, rows in all).
        settle: Called in the transaction that makes the release done.

    Raises:
        DeniedError: It is not approved, has expired, was run, or holds more records than it may.
        ConflictError: Another run of it was done first.
    """
    store = application.releases
    with entering_refusals(application, who, {"phase": "run", "release": name}):
        found, entry = _begin(application, store, who, name, canary_domain=canary_domain)
    assert found.records is not None
    content = found.standing.content
    digest = write(content, _rows(application, store, found, entry, progress))
    with application.connection.transaction():
        if not store.done(name, len(found.records), digest, application.now()):
            raise ConflictError("another run of this release was done first")
        if settle is not None:
            settle()
        application.entries.append(
            lineage=who.lineage,
            operation=Operation.RELEASE,
            brand=content.brand,
            detail={"phase": "done", "release": name, "file_sha256": digest, "rows": len(found.records)},
        )
    return Finished(len(found.records), found.canaries, digest)


def check_may_run(application: Application, who: Caller, name: str) -> StoredRelease:
    """Return a release that its requester may run now.

    Raises:
        DeniedError: It is not approved, has expired, was run, or is none of this caller's.
    """
    found = check_receiver(application, who, name)
    with entering_refusals(application, who, {"phase": "run", "release": name}):
        check_run(application.configuration.policy, found.standing, who.principal, application.now())
    return found


def _begin(
    application: Application,
    store: ReleaseStore,
    who: Caller,
    name: str,
    *,
    canary_domain: str,
) -> tuple[StoredRelease, DurableEntry]:
    """Fix the records of a release, or find them fixed; return it with the entry that opens them."""
    lineage = who.lineage
    with application.connection.transaction():
        ready = _checked(application, store, who, name)
        appended = None if ready.audience is None else _append_templates(application, who, ready)
    if appended is None:
        return _taken_up(application, store, ready)
    # What is opened from here on, to make canaries like it, has its durable entry.
    templates = application.entries.durable(appended.body, appended.sealed_set)
    with application.connection.transaction():
        ready = _checked(application, store, who, name)
        if ready.audience is None:
            return _taken_up(application, store, ready)
        records, content = ready.audience, ready.found.standing.content
        canaries = add_canaries(
            application, content.brand, name, audience=records, templates=templates, domain=canary_domain
        )
        with application.ledger.locked([lineage]):
            state = application.ledger.states([lineage])[lineage]
            entry = application.entries.prepare(
                lineage=lineage,
                operation=Operation.RELEASE,
                records=records | canaries,
                shape={field: str(form) for field, form in ready.forms.items()},
                counted=True,
                brand=content.brand,
                purpose=kind_of(application.configuration.policy, content.kind).purpose,
                reference=content.reference,
                detail={
                    "phase": "run",
                    "release": name,
                    "digest": content.digest,
                    "recipient": content.recipient,
                    "approved_by": sorted(item.principal for item in ready.found.standing.approvals),
                    "canaries": len(canaries),
                    "credential": who.credential,
                },
            )
            outcome, _ = application.ledger.append({lineage: state.version}, [entry])
        if outcome[lineage].status != "ok":
            raise DeniedError(outcome[lineage].status, "the credential is frozen")
        store.begun(name, records | canaries, len(canaries))
        # Writing canaries wrote rows as an import does, without waiting for the disk; this transaction must wait.
        application.connection.execute("set local synchronous_commit = on")
    application.gatekeeper.forget(lineage)
    return store.get(name), application.entries.durable(entry.body, entry.sealed_set)


def _taken_up(application: Application, store: ReleaseStore, ready: _Ready) -> tuple[StoredRelease, DurableEntry]:
    """Return a release whose set is fixed, with its entry, which says what leaves at most; the policy may say less.

    Raises:
        TamperedError: The set that the release is fixed to is not the one of its entry.
    """
    entry = application.entries.durable(*store.run_entry(ready.found))
    if entry.records != ready.found.records:
        raise TamperedError(f"the records of {ready.found.id} are not those of its entry")
    return ready.found, entry.at_most(ready.forms)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A release that may run: its brand, the forms of its fields, and its records unless they are fixed already."""

    found: StoredRelease
    forms: Mapping[str, Form]
    brand: int
    audience: BitMap | None


def _checked(application: Application, store: ReleaseStore, who: Caller, name: str) -> _Ready:
    """Within a transaction: hold a release and check everything that lets it run."""
    found = store.get(name, lock=True)
    application.authoriser.check_not_frozen(who.lineage)
    check_run(application.configuration.policy, found.standing, who.principal, application.now())
    content = found.standing.content
    forms = release_forms(application, who, content)
    brand = application.catalogue.brand(content.brand)
    if found.standing.state is ReleaseState.RUNNING:
        return _Ready(found, forms, brand, None)
    if not application.settle_keys(brand):
        raise BusyError("the keys of this brand are being rotated; try again")
    records = _audience(application, brand, content)
    if not records:
        raise UsageError("no record has these facets; nothing was released")
    if len(records) > content.maximum:
        raise DeniedError("too-many", f"{len(records)} records; the release was approved for {content.maximum}")
    return _Ready(found, forms, brand, records)


def _append_templates(application: Application, who: Caller, ready: _Ready) -> PreparedEntry:
    """Choose records to make canaries like, and enter that they are opened, though nobody sees them."""
    assert ready.audience is not None
    chance = random.Random(random_bytes(32))  # noqa: S311 - seeded from the system; nothing here is a key
    chosen = BitMap(chance.sample(list(ready.audience), min(TEMPLATES, len(ready.audience))))
    content = ready.found.standing.content
    return application.entries.append(
        lineage=who.lineage,
        operation=Operation.RELEASE,
        records=chosen,
        brand=content.brand,
        purpose=kind_of(application.configuration.policy, content.kind).purpose,
        reference=content.reference,
        detail={
            "phase": "templates",
            "release": ready.found.id,
            "digest": content.digest,
            OPENED_FIELDS: fields_of_canaries(application, content.brand),
            "credential": who.credential,
        },
    )


def _audience(application: Application, brand: int, content: ReleaseContent) -> BitMap:
    """Return the live records that have every facet asked for, canaries and erased ones left out."""
    facets = application.facets.load(brand)
    records = facets.get((RECORD, "all"), BitMap()).copy()
    for name, value in content.facets.items():
        records &= facets.get((name, value), BitMap())
    for (name, _), members in facets.items():
        if name in {CANARY, ERASED}:
            records -= members
    rows = application.connection.execute(
        "select ordinal from record where brand = %s and state = 0 and ordinal = any (%s)", (brand, list(records))
    )
    return BitMap(row[0] for row in rows)


def _rows(
    application: Application,
    store: ReleaseStore,
    found: StoredRelease,
    entry: DurableEntry,
    progress: Progress | None,
) -> Iterator[Mapping[str, str]]:
    """Yield the rows in an order that is the same for each run and tells nothing: canaries are the newest records."""
    assert found.records is not None
    content = found.standing.content
    ordinals = np.array(found.records, np.int64)
    np.random.default_rng(int.from_bytes(sha256(found.id.encode())[:8], "big")).shuffle(ordinals)
    for first in range(0, len(ordinals), ROWS_PER_READ):
        part = [int(ordinal) for ordinal in ordinals[first : first + ROWS_PER_READ]]
        yield from show_rows(application, content.brand, part, entry)
        done = min(first + ROWS_PER_READ, len(ordinals))
        store.progress(found.id, done)
        if progress is not None:
            progress(done, len(ordinals))
