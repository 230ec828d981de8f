"""Runs of releases in the background of a node, and handing their files out.

A run is leased. A node that dies leaves a lease that lapses; the next node takes the same set with the same
canaries under the same entry, and writes the file anew as an attempt of its own. Only a whole file is given out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from cloakroom.adapters.postgres.release_run_store import ReleaseRunStore, RunState, StoredRun
from cloakroom.adapters.release_files import ReleaseParts
from cloakroom.errors import BusyError, ConflictError, DeniedError, InputError, UsageError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.releases.ports import StoredRelease
from cloakroom.gate.releases import ReleaseContent
from cloakroom.use_cases.releases.assembly import release_requests, release_runs
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application

PART_BYTES: Final = 524_288
LEASE: Final = 20_000_000
"""For how long a node has a run for itself unless it makes progress, in microseconds."""


def ask_for_run(application: Application, who: Caller, name: str) -> tuple[StoredRelease, StoredRun]:
    """Have an approved release run by a node; ask again for one that failed.

    Raises:
        DeniedError: It is not approved, has expired, was run, runs already, or is none of this caller's.
        UsageError: The configuration does not say which domain's mail the group receives.
    """
    found = release_requests(application).check_may_run(who, name)
    if not application.configuration.service.canary_domain:
        raise UsageError("service.toml names no canary_domain under [releases]; releases are run at the machine")
    store = application.release_runs
    if not store.ask(name, who.lineage, who.credential, who.address, at=application.now()):
        raise DeniedError("exhausted", "the release is being run, or was")
    run = store.get(name)
    assert run is not None
    return found, run


def run_waiting(application: Application) -> bool:
    """Do the oldest run that waits, to its end; false if there is none.

    Raises:
        StoreError: The store went away; the run is taken up again when its lease has lapsed.
    """
    store, now = application.release_runs, application.now()
    run = store.take(application.node.name, now, now + LEASE)
    if run is None:
        return False
    try:
        _run(application, store, run)
    except BusyError:
        store.failed(run, "busy")
    except ConflictError:
        pass  # another node has it by now
    except DeniedError as error:
        store.failed(run, error.code)
    except (InputError, UsageError):
        store.failed(run, "usage")
    return True


def read_part(application: Application, who: Caller, name: str, number: int) -> bytes:
    """Return a part of the finished file, with its entry.

    Raises:
        DeniedError: ``not-found`` where there is no such part for this caller, ``expired-release`` after its time.
    """
    found = release_requests(application).check_receiver(who, name)
    detail = {"phase": "receive", "release": name, "part": number, "credential": who.credential}
    data = None
    if found.standing.expires_at > application.now():
        data = application.release_runs.part(name, number)
    code = "granted" if data is not None else "expired-release"
    if found.standing.expires_at > application.now() and data is None:
        raise DeniedError("not-found", "no such part")
    application.entries.append(
        lineage=who.lineage,
        operation=Operation.RELEASE,
        permitted=data is not None,
        reason=code,
        brand=found.standing.content.brand,
        detail=detail,
    )
    if data is None:
        raise DeniedError("expired-release", "the release has expired")
    return data


def _run(application: Application, store: ReleaseRunStore, run: StoredRun) -> None:
    known = application.records.credential(run.credential)
    if known is None or known.has_lapsed(application.now()):
        raise DeniedError("expired", "the credential that asked for the run is no longer valid")
    stored = application.records.principal(run.requested_by)
    who = Caller(stored.principal, run.credential, stored.token_scope, run.address)

    def keep_part(number: int, data: bytes) -> None:
        if not store.add_part(run, number, data):
            raise ConflictError("another node has this run by now")

    def progress(_done: int, _all: int) -> None:
        if not store.keep(run, application.now() + LEASE):
            raise ConflictError("another node has this run by now")

    parts = ReleaseParts(keep_part, PART_BYTES)

    def write(content: ReleaseContent, rows: Iterator[Mapping[str, str]]) -> str:
        return parts.write_file(content.recipient_key, content.form, sorted(content.fields), rows)

    def settle() -> None:
        if not store.done(run, parts.size, parts.count):
            raise ConflictError("another node has this run by now")

    release_runs(application).run_release(
        who,
        run.release,
        write,
        canary_domain=application.configuration.service.canary_domain,
        progress=progress,
        settle=settle,
    )


def is_open(run: StoredRun | None) -> bool:
    """Answer whether a run is under way."""
    return run is not None and run.state in {RunState.WAITING, RunState.RUNNING}
