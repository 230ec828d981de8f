"""Feeds the ledger to a SIEM, entry by entry in the order of the log. Part of the composition root.

The feed follows the log, not the nodes: whatever entry is in the log is sent, by whichever node it was written, and
after an interruption the feed goes on where the cursor stands. An event may be sent twice around a crash, never be
left out; its `metadata.uid` is the same both times.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from cloakroom.adapters.postgres.service_store import ServiceStore
from cloakroom.adapters.siem import Sink, render_event
from cloakroom.clock import from_microseconds
from cloakroom.errors import InputError
from cloakroom.ledger.entry import decode_entry
from cloakroom.wiring import Application

BATCH = 1_000
PAUSE_SECONDS = 1.0


class Cursor:
    """The place in the log from which to go on, in a file."""

    def __init__(self, path: Path | None) -> None:
        """Take the file; None keeps the place in memory only."""
        self._path = path

    def read(self) -> int:
        """Return the place, 0 where there is none yet.

        Raises:
            InputError: The file holds something else.
        """
        if self._path is None or not self._path.exists():
            return 0
        text = self._path.read_text("ascii", "replace").strip()
        if not text.isascii() or not text.isdigit():
            raise InputError.at(str(self._path), "is no place in the log")
        return int(text)

    def write(self, place: int) -> None:
        """Keep the place, on disk before this returns."""
        if self._path is None:
            return
        partial = self._path.with_name(f"{self._path.name}.part")
        with partial.open("w", encoding="ascii") as file:
            file.write(f"{place}\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path)


def feed(application: Application, sink: Sink, cursor: Cursor, *, until: Callable[[], bool] | None = None) -> int:
    """Send what is in the log from the cursor on, and return how many events were sent.

    Args:
        application: The opened store.
        sink: Where to.
        cursor: Where to go on from.
        until: Asked whenever the end of the log is reached; going on waits for more. Ends there if None.
    """
    store, place, sent = ServiceStore(application.connection), cursor.read(), 0
    origin = application.identity.origin
    while True:
        entries = store.entries_from(place, BATCH)
        for leaf_index, leaf in entries:
            entry = decode_entry(leaf)
            event = render_event(entry, leaf_index, origin)
            sink.write(msgspec.json.encode(event), event["severity_id"], from_microseconds(entry.at))
            place = leaf_index + 1
        if entries:
            sink.flush()
            cursor.write(place)
            sent += len(entries)
        elif until is None or until():
            return sent
        else:
            time.sleep(PAUSE_SECONDS)
