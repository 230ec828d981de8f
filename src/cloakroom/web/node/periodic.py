"""Work that a process does again and again over a store of its own, which is opened anew after a failure."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from cloakroom.errors import CloakroomError, TamperedError
from cloakroom.wiring import Application

_log = logging.getLogger("cloakroom.node")


class SharedNumber(Protocol):
    """A number in memory that processes share."""

    value: float


class RunResult(Enum):
    """The end of one run."""

    GOOD = "good"
    FAILED = "failed"
    TAMPERED = "tampered"


def run_periodically(
    open_store: Callable[[], Application],
    work: Callable[[Application], None],
    stops_within: Callable[[float], bool],
    *,
    every_s: float,
    ended: Callable[[RunResult], None],
) -> None:
    """Work until told to stop, and one last time.

    Args:
        open_store: Opens the store.
        work: One run.
        stops_within: Waits so many seconds for the word to end, and says whether it came.
        every_s: Time between two runs.
        ended: Is told how each run ended.
    """
    application: Application | None = None
    stopping = False
    while True:
        try:
            if application is None:
                application = open_store()
            work(application)
            ended(RunResult.GOOD)
        except TamperedError as error:
            _log.critical("the log was tampered with: %s", error)
            ended(RunResult.TAMPERED)
        except CloakroomError as error:
            _log.error("background work failed: %s", type(error).__name__)
            _close(application)
            application = None
            ended(RunResult.FAILED)
        if stopping:
            break
        stopping = stops_within(every_s)
    _close(application)


class Schedule:
    """Times at which things are due, by the machine's monotonic clock."""

    def __init__(self) -> None:
        """Begin; everything is due at first."""
        self._next: dict[str, float] = {}

    def is_due(self, what: str, every_s: float) -> bool:
        """Answer whether `what` is due, and if so, when it is due next."""
        now = time.monotonic()
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every_s
        return True


def _close(application: Application | None) -> None:
    if application is not None:
        application.close()
