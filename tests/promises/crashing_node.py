"""A node that dies at a named moment; run as a process of its own by the suite of P2.

It does openings, searches and batches through the real flows over a real connection, and hands what it was given to
a "screen": a file that is written and synchronised byte by byte. Where it dies is decided by a connection that counts
what passes over it, a subclass of psycopg's own.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.key_store import PostgresKeys
from cloakroom.adapters.postgres.ledger_store import PostgresLedger
from cloakroom.adapters.postgres.statements import Statements
from cloakroom.adapters.root_key import load_root_key
from cloakroom.flows import opening
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.releases import run as release_run
from cloakroom.flows.store.keys import StoreKeys
from cloakroom.settings import Settings
from cloakroom.use_cases.people.principals import authenticate
from cloakroom.use_cases.releases import running as releasing
from cloakroom.vault.opening import BrandOpener
from cloakroom.wiring import Application, open_application
from spine_world import open_records, search


class Moment:
    """Counts the steps of one kind and dies at the chosen one."""

    def __init__(self, kind: str, number: int) -> None:
        self.kind, self.number, self.armed = kind, number, False

    def reached(self, kind: str) -> None:
        if not self.armed or kind != self.kind:
            return
        self.number -= 1
        if self.number < 0:
            os.kill(os.getpid(), signal.SIGKILL)


class CountingConnection(Connection):
    """Tells the moment before and after each statement and each commit."""

    moment: Moment

    def execute(self, *arguments, **options):
        self.moment.reached("before a statement")
        cursor = super().execute(*arguments, **options)
        self.moment.reached("after a statement")
        return cursor

    def transaction(self, *arguments, **options):
        return CountingTransaction(super().transaction(*arguments, **options), self.moment)


class CountingTransaction:
    """A transaction of psycopg with a moment on either side of its commit."""

    def __init__(self, inner, moment):
        self._inner, self._moment = inner, moment

    def __enter__(self):
        self._moment.reached("before begin")
        return self._inner.__enter__()

    def __exit__(self, *problem):
        self._moment.reached("before commit")
        done = self._inner.__exit__(*problem)
        self._moment.reached("after commit")
        return done


class DyingLedger(PostgresLedger):
    """Tells the moment before and after an append."""

    moment: Moment

    def append(self, *arguments, **options):
        self.moment.reached("before append")
        done = super().append(*arguments, **options)
        self.moment.reached("after append")
        return done


class DyingStatements(Statements):
    """Tells the moments of statements that go straight through libpq: sent is not yet committed."""

    moment: Moment

    def _run(self, calls, *, prepared):
        self.moment.reached("before begin")
        self.moment.reached("before a statement")
        done = super()._run(calls, prepared=prepared)
        self.moment.reached("after a statement")
        return done

    def _results(self, work):
        self.moment.reached("before commit")
        done = super()._results(work)
        self.moment.reached("after commit")
        return done


class DyingOpener(BrandOpener):
    """Notes which records it is about to open, and tells the moment after it did, once for each of a batch."""

    __slots__ = ()
    moment: Moment
    journal: int | None = None

    def open_many(self, rows, wanted):
        if self.journal is not None and self.moment.armed:
            noted = " ".join(str(record.ordinal) for record, _ in rows)
            os.write(self.journal, f"{noted}\n".encode())
            os.fsync(self.journal)
        opened = super().open_many(rows, wanted)
        for _ in opened:
            self.moment.reached("after opening")
        return opened


class EagerLedger(DyingLedger):
    """Breaks the promise on purpose: says that entries are durable before they are."""

    def append(self, expected, entries, fetch=()):
        with self._connection.transaction(force_rollback=True):
            return super().append(expected, entries, fetch)


class Screen:
    """What has left the process."""

    def __init__(self, path: Path, moment: Moment) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._moment = moment

    def show(self, record: object) -> None:
        for letter in (json.dumps(record) + "\n").encode():
            os.write(self._handle, bytes((letter,)))
            os.fsync(self._handle)
            self._moment.reached("while answering")


def run(plan: dict) -> None:
    moment = Moment(plan["kind"], plan["number"])
    settings = Settings(Path(plan["home"]), plan["url"], plan["root_key"], "crashing")
    application = open_application(settings)
    application.connection.close()
    CountingConnection.moment = moment
    connection = CountingConnection.connect(plan["url"], autocommit=True)
    keys = StoreKeys(
        store=PostgresKeys(connection),
        root=application.keys.root,
        load_root=lambda: load_root_key(settings.root_key),
        catalogue=application.catalogue,
    )
    application = replace(application, connection=connection, keys=keys)
    ledger = (EagerLedger if plan.get("eager") else DyingLedger)(application.connection, application.sets)
    ledger.moment = moment
    DyingStatements.moment = moment
    ledger._statements = DyingStatements(application.connection)
    DyingOpener.moment = moment
    if "journal" in plan:
        DyingOpener.journal = os.open(plan["journal"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    opening.BrandOpener = DyingOpener
    application.__dict__.update(ledger=ledger)
    who = authenticate(application.records, Path(plan["credential"]), at=application.now())
    screen = Screen(Path(plan["screen"]), moment)
    moment.armed = True
    if "release" in plan:
        release(application, who, plan, moment)
        return
    for tokens in plan["batches"]:
        for item in open_records(application, who, tokens).revealed:
            if item.values:
                screen.show({"token": item.token, "values": dict(item.values)})
        for brand, found in search(application, who, plan["brands"], plan["address"]).tokens.items():
            for token in found:
                screen.show({"token": token, "found": brand})


def release(application: Application, who: Caller, plan: dict, moment: Moment) -> None:
    """Run a release, in blocks small enough that there are several."""
    release_run.ROWS_PER_READ = 100
    releasing.run_release(
        application,
        who,
        plan["release"],
        Path(plan["target"]),
        canary_domain="coatcheck.example",
        progress=lambda done, rows: moment.reached("while writing"),
    )


def run_all(plans: list[dict]) -> list[int]:
    """Run each plan in a process of its own, forked from this one, and return how each ended."""
    codes = []
    for plan in plans:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                run(plan)
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        codes.append(os.waitstatus_to_exitcode(status))
    return codes


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run_all(json.loads(Path(sys.argv[1]).read_text("utf-8")))))
