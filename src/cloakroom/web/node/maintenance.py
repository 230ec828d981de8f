"""Integrate entries, beat, and tidy up: work that a node must not fall behind with, in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable

from cloakroom.adapters.postgres.service_store import ServiceStore
from cloakroom.vocabulary import Operation
from cloakroom.web.node.periodic import RunResult, Schedule, SharedNumber, run_periodically
from cloakroom.wiring import Application

STEP_SECONDS = 0.2
"""How often entries are taken into the log. Little at a time: what the database does for a second's entries at once,
requests would wait for where cores are few."""
HEARTBEAT_SECONDS = 60.0
TIDY_SECONDS = 2.0
KEPT_ANSWERS = 86_400_000_000
"""How long answers to writes are kept, in microseconds: a day."""
KEPT_SESSIONS = 86_400_000_000
"""How long a session that has ended can still be looked at, in microseconds: a day."""
FOLD_FROM = 64
"""Facet changes of a brand from which on they are folded in."""
WELL_SECONDS = 10.0


def is_well(last_good: SharedNumber) -> bool:
    """Answer whether the last ten seconds saw a complete run of maintenance, and nothing was tampered with."""
    return time.monotonic() - last_good.value < WELL_SECONDS


class Maintenance:
    """The background work of one node that others rely on."""

    def __init__(
        self,
        open_store: Callable[[], Application],
        stops_within: Callable[[float], bool],
        last_good: SharedNumber,
        tampered: SharedNumber,
    ) -> None:
        """Take what opens the store.

        Args:
            open_store: Opens the store.
            stops_within: Waits so many seconds for the word to end, and says whether it came.
            last_good: Where to note, by the machine's monotonic clock, that a run was complete.
            tampered: Not 0 once anybody on this node has found something tampered with.
        """
        self._open_store = open_store
        self._stops_within = stops_within
        self._last_good = last_good
        self._tampered = tampered
        self._schedule = Schedule()

    def run(self) -> None:
        """Work until told to stop, and integrate one last time."""
        run_periodically(self._open_store, self._step, self._stops_within, every_s=STEP_SECONDS, ended=self._note)

    def _note(self, ended: RunResult) -> None:
        if ended is RunResult.TAMPERED:
            self._tampered.value = 1.0
        elif ended is RunResult.GOOD:
            self._last_good.value = 0.0 if self._tampered.value else time.monotonic()

    def _step(self, application: Application) -> None:
        application.sequencer.run(wait=False)
        if self._schedule.is_due("beat", HEARTBEAT_SECONDS):
            application.entries.append(lineage="system", operation=Operation.HEARTBEAT)
        if self._schedule.is_due("tidy", TIDY_SECONDS):
            self._tidy(application, ServiceStore(application.connection))

    def _tidy(self, application: Application, store: ServiceStore) -> None:
        now = application.now()
        store.forget_nonces(now // 1_000_000)
        store.forget_answers(now - KEPT_ANSWERS)
        store.forget_sessions(now - KEPT_SESSIONS)
        for brand, count in store.facet_changes().items():
            if count >= FOLD_FROM:
                application.refresh_keys()
                application.facets.fold_changes(brand)
