"""The beginning of every process of a node: logging, signals, priority, memory."""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
from multiprocessing import connection, parent_process

_GC_THRESHOLDS = (20_000, 50, 100)

_NICENESS = 10
"""Amount by which others come first, as `nice` counts: 0 is as everybody, 19 the most."""


def begin() -> None:
    """Say how to log, and end at once when the node's first process has gone."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    parent = parent_process()
    if parent is not None:
        sentinel = parent.sentinel
        threading.Thread(target=_die_with, args=(sentinel,), name="parent", daemon=True).start()


def _die_with(sentinel: int) -> None:
    connection.wait([sentinel])
    # Killed like the parent: whatever is half done here is harmless, by the order in which it is done.
    os._exit(1)


def ignore_stop_signals() -> None:
    """Ignore SIGINT and SIGTERM, which a terminal or a service manager sends to all processes of a node at once."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def lower_priority() -> None:
    """Run at a low priority, on what processor time the others leave."""
    os.nice(_NICENESS)


def freeze_memory() -> None:
    """Keep what was loaded so far out of garbage collection, which then takes less time when it is due."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
