"""Reveals that are admitted, and opened when there is time: while the store works on the next batch, or right away.

The entries of all of them are durable before they come here. Opening them asks the store for nothing, so it can be
done while somebody waits for the store; only a record that does not open under the keys at hand has to wait until
nobody does, since the keys are then read anew: at the end of the next batch's admission at the latest.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cloakroom.flows.opening import Openers
from cloakroom.flows.records.reveal import AdmittedReveals
from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.core.answering import place, revealed

_log = logging.getLogger("cloakroom.core")

Deliver = Callable[[int, Answer], None]
"""Takes the place of a request in its batch, and its answer."""

Refreshed = Callable[[], Openers]
"""Gives the openers of a key ring read anew."""


PIECE_RECORDS = 32
"""Number of records opened between two looks at whether the store has answered; at least one request's."""


@dataclass(frozen=True, slots=True)
class _Opening:
    """A request to be opened."""

    admitted: AdmittedReveals = field(repr=False)
    position: int
    at: int
    place: int
    deliver: Deliver


class Openings:
    """Admitted reveals that have no answer yet, oldest first."""

    def __init__(self) -> None:
        """Begin with none."""
        self._waiting: deque[_Opening] = deque()
        self._broken: list[_Opening] = []

    def add(
        self, admitted: AdmittedReveals, places: Sequence[int], at: int, deliver: Deliver, refreshed: Refreshed
    ) -> None:
        """Take in a batch; what is left of the one before is finished first, so that no more than one ever waits.

        Args:
            admitted: The requests.
            places: The place of each in what `deliver` counts by.
            at: When they were admitted, in microseconds.
            deliver: Takes their answers, each once; must not raise.
            refreshed: See `finish`; what it raises comes out of here, after the batch was taken in.
        """
        try:
            self.finish(refreshed)
        finally:
            for position, here in enumerate(places):
                self._waiting.append(_Opening(admitted, position, at, here, deliver))

    def open_some(self) -> bool:
        """Open the oldest, if there are any; say whether there were. Never raises, and asks nothing of the store."""
        if not self._waiting:
            return False
        admitted = self._waiting[0].admitted
        piece: list[_Opening] = []
        records = 0
        while self._waiting and self._waiting[0].admitted is admitted:
            records += admitted.size(self._waiting[0].position)
            if piece and records > PIECE_RECORDS:
                break
            piece.append(self._waiting.popleft())
        self._answer(piece, admitted, is_last_try=False)
        return True

    def finish(self, refreshed: Refreshed) -> None:
        """Open all.

        Args:
            refreshed: Gives the openers of a key ring read anew; called where a record does not open. What it raises
                comes out of here, after the requests concerned were answered.
        """
        while self.open_some():
            pass
        broken, self._broken = self._broken, []
        if not broken:
            return
        try:
            openers = refreshed()
        except Exception:
            for opening in broken:
                opening.deliver(opening.place, problem("unavailable", retry_after_s=1))
            raise
        for opening in broken:
            self._answer([opening], opening.admitted.opened_by(openers), is_last_try=True)

    def _answer(self, piece: Sequence[_Opening], admitted: AdmittedReveals, *, is_last_try: bool) -> None:
        try:
            answers = admitted.answers([opening.position for opening in piece])
            told = [
                None if answer.broken is not None and not is_last_try else revealed(answer, opening.at)
                for opening, answer in zip(piece, answers, strict=True)
            ]
        except Exception as error:  # noqa: BLE001 - one request's defect must not end the service
            if len(piece) > 1:  # nor spoil those that were opened with it
                for opening in piece:
                    self._answer([opening], admitted, is_last_try=is_last_try)
                return
            # Its text may hold a value; its type and place do not.
            _log.critical("an opening failed: %s at %s", type(error).__name__, place(error))
            told = [problem("internal")]
        for opening, answer in zip(piece, told, strict=True):
            if answer is None:
                self._broken.append(opening)
            else:
                opening.deliver(opening.place, answer)
