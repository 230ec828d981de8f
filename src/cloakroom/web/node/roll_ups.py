"""Roll entries up and fold them when there is time; in a process of its own, behind all others.

Nothing waits for it. Who asks who was affected takes in what is not rolled up yet, and who builds the view of a
lineage reads what is not folded yet; both only take longer. So it runs at a low priority: as part of the
maintenance it took a core for more than a second at times, and requests waited.
"""

from __future__ import annotations

from collections.abc import Callable

from cloakroom.flows.ledger.lineage_snapshots import fold_histories
from cloakroom.web.node.periodic import RunResult, Schedule, SharedNumber, run_periodically
from cloakroom.wiring import Application

STEP_SECONDS = 1.0
ROLL_UP_SECONDS = 60.0
"""How often entries are taken into roll-ups: who asks who was affected waits for those of the last minute only."""
FOLD_SECONDS = 10.0
"""How often counted entries are folded into the histories of lineages: a node that starts reads those since."""


class RollUps:
    """The background work of one node that nobody waits for."""

    def __init__(
        self, open_store: Callable[[], Application], stops_within: Callable[[float], bool], tampered: SharedNumber
    ) -> None:
        """Take what opens the store.

        Args:
            open_store: Opens the store.
            stops_within: Waits so many seconds for the word to end, and says whether it came.
            tampered: Set to 1 where something turns out to have been tampered with.
        """
        self._open_store = open_store
        self._stops_within = stops_within
        self._tampered = tampered
        self._schedule = Schedule()

    def run(self) -> None:
        """Work until told to stop."""
        run_periodically(self._open_store, self._step, self._stops_within, every_s=STEP_SECONDS, ended=self._note)

    def _note(self, ended: RunResult) -> None:
        if ended is RunResult.TAMPERED:
            self._tampered.value = 1.0

    def _step(self, application: Application) -> None:
        if self._schedule.is_due("roll-up", ROLL_UP_SECONDS):
            application.disclosures.roll_up()
        if self._schedule.is_due("fold", FOLD_SECONDS):
            fold_histories(application.ledger)
