"""Feeds the ledger to security monitoring, entry by entry in the order of the log.

The feed follows the log, not the nodes: whatever is in the log is sent, whichever node wrote it. The cursor moves on
only after the sink has let a batch go, so that nothing is left out; around a crash an event may come twice, under
the same ``metadata.uid``. The cursor remembers the hash of the last entry sent: a log that was restored from an older
copy, or changed, is noticed instead of being fed on from the wrong place.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cloakroom import __version__
from cloakroom.adapters.postgres.service_store import ServiceStore
from cloakroom.adapters.siem import Message, Sink
from cloakroom.errors import ConflictError, InputError, TamperedError, UncheckableError, UsageError
from cloakroom.ledger.entry import decode_entry
from cloakroom.ledger.ocsf import Place, encode_event, shortened, to_event
from cloakroom.tlog.hashing import leaf_hash
from cloakroom.wiring import Application

BATCH = 1_000
PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
_LONG_LINE = 60_000

Wait = Callable[[float], bool]
"""Waits so many seconds, or less; false when the feed is to end."""


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The place in the log up to which a sink was sent everything.

    Attributes:
        log: Origin of the log.
        to: Address of the sink.
        next: Index of the first entry not sent.
        leaf_hash: Hash of the entry before it, in hex; empty at the beginning.
    """

    log: str
    to: str
    next: int
    leaf_hash: str


@dataclass(frozen=True, slots=True)
class Fed:
    """The result of one run of a feed: events sent, those sent again included, and where the next run goes on."""

    sent: int
    next: int


class Cursor:
    """The file that holds a mark; held by one feed at a time."""

    def __init__(self, path: Path) -> None:
        """Take the file; its folder is made where it is missing."""
        self._path = path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other feeds off.

        Raises:
            ConflictError: Another feed is at it.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConflictError(f"another feed is sending from {self._path}") from error
            yield
        finally:
            os.close(lock)

    def read(self) -> Mark | None:
        """Return the mark, or None where nothing was sent yet.

        Raises:
            InputError: The file holds something else.
        """
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Mark)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise InputError.at(str(self._path), "is no cursor of a feed") from error

    def write(self, mark: Mark) -> None:
        """Replace the mark; it is on the disk when this returns."""
        partial = self._path.with_name(f"{self._path.name}.part")
        with partial.open("wb") as file:
            file.write(msgspec.json.encode(mark) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path)


def cursor_path(home: Path, address: str) -> Path:
    """Return the cursor's file of the sink at `address`, in the store's folder."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", address).strip("-")[-40:]
    return home / "feeds" / f"{readable}-{hashlib.sha256(address.encode()).hexdigest()[:12]}.json"


def feed(
    application: Application,
    sink: Sink,
    cursor: Cursor,
    *,
    start: int | None = None,
    wait: Wait | None = None,
    told: Callable[[OSError, float], None] | None = None,
) -> Fed:
    """Send what is in the log, from where the cursor stands, to the log's end.

    Args:
        application: The opened store.
        sink: Where to.
        cursor: Where to go on from.
        start: Index of the entry to begin with instead.
        wait: Waits; with it, the feed goes on at the end of the log and after errors of the sink until told to end.
        told: Hears of an error after which the feed tries again, and in how many seconds.

    Raises:
        ConflictError: Another feed uses the cursor.
        OSError: The sink failed, and there is nothing to wait for.
        TamperedError: The log does not hold what was sent from it, or lacks an entry.
        UncheckableError: An entry is of a format that this version does not know.
        UsageError: The cursor is of another log or sink, or `start` lies beyond the end.
    """
    with cursor.held():
        run = _Run(application, sink, cursor, start)
        pause = PAUSE_S
        while True:
            # Who comes again and again takes what is in the log; who comes once wants everything.
            application.sequencer.run(wait=wait is None)
            try:
                while run.step() and (wait is None or wait(0.0)):
                    pause = PAUSE_S
            except OSError as error:
                if wait is None or not sink.recoverable:
                    raise
                run.rewind()
                if told is not None:
                    told(error, pause)
                going_on = wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
            else:
                going_on = wait is not None and wait(PAUSE_S)
            if not going_on:
                return Fed(run.sent, run.next)


class _Run:
    """One run: where it stands and what it has sent."""

    def __init__(self, application: Application, sink: Sink, cursor: Cursor, start: int | None) -> None:
        self._store = ServiceStore(application.connection)
        self._application = application
        self._log = application.identity.origin
        self._sink = sink
        self._cursor = cursor
        self.sent = 0
        application.sequencer.run()
        self.next = self._begin(cursor.read()) if start is None else self._checked_start(start)
        self._first = self.next

    def step(self) -> bool:
        """Send the next batch; false at the end of the log."""
        size = self._size()  # Before reading entries: these may become more meanwhile, but not fewer.
        entries = self._store.entries_from(self.next, BATCH)
        if not entries:
            if self.next < size:
                raise TamperedError(f"entry {self.next} is missing from the log")
            return False
        messages: list[Message] = []
        digest = b""
        for index, leaf in entries:
            if index != self.next + len(messages):
                raise TamperedError(f"entry {self.next + len(messages)} is missing from the log")
            digest = leaf_hash(leaf)
            messages.append(self._message(index, leaf, digest))
        self._sink.send(messages)
        self.next += len(messages)
        self.sent += len(messages)
        self._cursor.write(Mark(self._log, self._sink.address, self.next, digest.hex()))
        return True

    def rewind(self) -> None:
        """Go back by what the sink may have lost unseen, at most to where this run began."""
        self.next = max(self._first, self.next - self._sink.overlap)

    def _message(self, index: int, leaf: bytes, digest: bytes) -> Message:
        try:
            entry = decode_entry(leaf)
        except TamperedError as error:
            raise UncheckableError(f"entry {index} is none that this version knows; it stays to be sent") from error
        event = to_event(entry, Place(self._log, index, digest, __version__))
        line = encode_event(event)
        short = encode_event(shortened(event)) if len(line) > _LONG_LINE else line
        severity = event["severity_id"]
        assert isinstance(severity, int)
        return Message(index, entry.at, severity, str(entry.operation), line, short)

    def _begin(self, mark: Mark | None) -> int:
        if mark is None:
            return 0
        if (mark.log, mark.to) != (self._log, self._sink.address):
            raise UsageError("the cursor is of another log or of another receiver")
        if mark.next > 0 and not self._holds(mark.next - 1, mark.leaf_hash):
            raise TamperedError(
                f"the log does not hold what was sent before entry {mark.next}: it was restored or changed; "
                "find out which, then choose where to begin with --from"
            )
        return mark.next

    def _holds(self, index: int, digest: str) -> bool:
        found = self._store.entries_from(index, 1)
        return bool(found) and found[0][0] == index and leaf_hash(found[0][1]).hex() == digest

    def _checked_start(self, start: int) -> int:
        size = self._size()
        if not 0 <= start <= size:
            raise UsageError(f"the log has {size:,} entries; --from takes an index up to that")
        return start

    def _size(self) -> int:
        checkpoint = self._application.log.latest_checkpoint()
        return 0 if checkpoint is None else checkpoint.size
