"""What a node does besides answering: integrate entries, beat, notice changes, tidy up; in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import psycopg

from cloakroom.adapters.postgres.service_store import ServiceStore, StoreChanges
from cloakroom.errors import CloakroomError, TamperedError
from cloakroom.ledger.entry import Operation
from cloakroom.web.core import Core
from cloakroom.wiring import Application

_log = logging.getLogger("cloakroom.keeper")

STEP_SECONDS = 0.5
HEARTBEAT_SECONDS = 60.0
TIDY_SECONDS = 10.0
KEPT_ANSWERS = 86_400_000_000
"""How long answers to writes are kept, in microseconds: a day."""
FOLD_FROM = 64
"""Facet changes of a brand from which on they are folded in."""


class Keeper:
    """The background thread of one process."""

    def __init__(self, open_store: Callable[[], Application], core: Core, *, leads: bool) -> None:
        """Take what opens the store, and the core to tell about changes.

        Args:
            open_store: Opens the store for this thread alone.
            core: Is told that keys or configuration changed.
            leads: Whether this is the process that beats and tidies for its node.
        """
        self._open_store = open_store
        self._core = core
        self._leads = leads
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._changes: StoreChanges | None = None
        self._next: dict[str, float] = {}
        self._last_good = 0.0
        self.tampered = False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End it, after one last integration."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(20.0)

    def is_well(self) -> bool:
        """Answer whether the last ten seconds saw a complete round and nothing was tampered with."""
        return not self.tampered and time.monotonic() - self._last_good < 10.0

    def _run(self) -> None:
        application: Application | None = None
        while True:
            stopping = self._stop.is_set()
            try:
                if application is None:
                    application = self._open_store()
                self._step(application, ServiceStore(application.connection))
                self._last_good = time.monotonic()
            except TamperedError as error:
                self.tampered = True
                _log.critical("the log was tampered with: %s", error)
            except (psycopg.Error, CloakroomError) as error:
                _log.error("background work failed: %s", type(error).__name__)
                _close(application)
                application = None
            if stopping:
                break
            self._stop.wait(STEP_SECONDS)
        _close(application)

    def _step(self, application: Application, store: ServiceStore) -> None:
        self._notice(store)
        if self._stop.is_set() or self._is_due("integrate", 1.0):
            application.sequencer.run()
        if self._stop.is_set() or self._is_due("use", 5.0):
            store.note_use(self._core.take_used())
        if not self._leads:
            return
        if self._is_due("beat", HEARTBEAT_SECONDS):
            entry = application.gatekeeper.prepare(lineage="system", operation=Operation.HEARTBEAT)
            application.ledger.append({}, [entry])
        if self._is_due("tidy", TIDY_SECONDS):
            now = application.now()
            store.forget_nonces(now // 1_000_000)
            store.forget_answers(now - KEPT_ANSWERS)
            for brand, count in store.facet_changes().items():
                if count >= FOLD_FROM:
                    application.facets.fold_changes(brand)

    def _notice(self, store: ServiceStore) -> None:
        found, before = store.changes(), self._changes
        self._changes = found
        if before is None:
            # Whatever changed between the core's opening and now would otherwise go unnoticed.
            self._core.configuration_changed()
        elif (found.configuration, found.canaries) != (before.configuration, before.canaries):
            self._core.configuration_changed()
        elif found.keys != before.keys:
            self._core.keys_changed()

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every_s
        return True


def _close(application: Application | None) -> None:
    if application is not None:
        try:
            application.close()
        except psycopg.Error as error:
            _log.warning("closing the store: %s", type(error).__name__)
