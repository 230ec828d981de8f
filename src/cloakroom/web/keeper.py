"""What a node does besides answering: integrate entries, roll them up, fold, beat, tidy up; in its own process."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

import psycopg

from cloakroom.adapters.postgres.service_store import ServiceStore
from cloakroom.errors import CloakroomError, TamperedError
from cloakroom.flows.lineage_views import fold_histories
from cloakroom.ledger.entry import Operation
from cloakroom.wiring import Application

_log = logging.getLogger("cloakroom.keeper")

STEP_SECONDS = 0.2
"""How often entries are taken into the log. Little at a time: what the database does for a second's entries at once,
requests would wait for where cores are few."""
HEARTBEAT_SECONDS = 60.0
ROLL_UP_SECONDS = 60.0
"""How often entries are taken into roll-ups: who asks who was affected waits for those of the last minute only."""
FOLD_SECONDS = 10.0
"""How often counted entries are folded into the histories of lineages: a node that starts reads those since."""
TIDY_SECONDS = 2.0
KEPT_ANSWERS = 86_400_000_000
"""How long answers to writes are kept, in microseconds: a day."""
KEPT_SESSIONS = 86_400_000_000
"""How long a session that has ended can still be looked at, in microseconds: a day."""
FOLD_FROM = 64
"""Facet changes of a brand from which on they are folded in."""


WELL_SECONDS = 10.0


class Moment(Protocol):
    """A number in memory that processes share."""

    value: float


def is_well(last_good: Moment) -> bool:
    """Answer whether the last ten seconds saw a complete round of the keeper, and nothing was tampered with."""
    return time.monotonic() - last_good.value < WELL_SECONDS


class Keeper:
    """The background work of one node."""

    def __init__(
        self, open_store: Callable[[], Application], stops_within: Callable[[float], bool], last_good: Moment
    ) -> None:
        """Take what opens the store.

        Args:
            open_store: Opens the store.
            stops_within: Waits so many seconds for the word to end, and says whether it came.
            last_good: Where to note, by the machine's monotonic clock, that a round was complete.
        """
        self._open_store = open_store
        self._stops_within = stops_within
        self._stopping = False
        self._last_good = last_good
        self._next: dict[str, float] = {}
        self._tampered = False

    def run(self) -> None:
        """Work until told to stop, and integrate one last time."""
        application: Application | None = None
        while True:
            try:
                if application is None:
                    application = self._open_store()
                self._step(application, ServiceStore(application.connection))
                self._last_good.value = 0.0 if self._tampered else time.monotonic()
            except TamperedError as error:
                self._tampered = True
                _log.critical("the log was tampered with: %s", error)
            except (psycopg.Error, CloakroomError) as error:
                _log.error("background work failed: %s", type(error).__name__)
                _close(application)
                application = None
            if self._stopping:
                break
            self._stopping = self._stops_within(STEP_SECONDS)
        _close(application)

    def _step(self, application: Application, store: ServiceStore) -> None:
        application.sequencer.run()
        if self._is_due("beat", HEARTBEAT_SECONDS):
            entry = application.entries.prepare(lineage="system", operation=Operation.HEARTBEAT)
            application.ledger.append({}, [entry])
        if self._is_due("roll-up", ROLL_UP_SECONDS):
            application.disclosures.roll_up()
        if self._is_due("fold", FOLD_SECONDS):
            fold_histories(application.ledger)
        if self._is_due("tidy", TIDY_SECONDS):
            now = application.now()
            store.forget_nonces(now // 1_000_000)
            store.forget_answers(now - KEPT_ANSWERS)
            store.forget_sessions(now - KEPT_SESSIONS)
            for brand, count in store.facet_changes().items():
                if count >= FOLD_FROM:
                    application.refresh_keys()
                    application.facets.fold_changes(brand)

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
