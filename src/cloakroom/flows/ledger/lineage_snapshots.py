"""A node's snapshots of what each lineage has opened, kept in step with the store."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

from cloakroom.errors import DeniedError, TamperedError
from cloakroom.flows.ledger.ports import COUNTED_AT_ONCE, CountedEntry, History, Ledger, LineageState
from cloakroom.gate.budget import Draw, OpenedRecords, Renewed
from cloakroom.gate.folding import CountedItem, Folding, events_of
from cloakroom.gate.policy import Budget

MAX_SNAPSHOTS = 10_000
"""Snapshots kept in memory; the least recently used one is dropped and read again when needed."""

FOLD_AFTER = 500
"""Counted entries from which on they are folded into the history, so that a new snapshot need not read each."""


class LineageSnapshots:
    """Snapshots by lineage. Not for use by two threads at once."""

    def __init__(self, ledger: Ledger) -> None:
        """Take the ledger to read from."""
        self._ledger = ledger
        self._states: OrderedDict[str, LineageState] = OrderedDict()
        self._snapshots: dict[str, OpenedRecords] = {}

    def load(self, lineages: Iterable[str]) -> None:
        """Make sure that each lineage is known here, however old the knowledge.

        Raises:
            DeniedError: A lineage does not exist.
        """
        missing = [lineage for lineage in lineages if lineage not in self._states]
        if missing:
            self.refresh(missing)

    def refresh(self, lineages: Iterable[str]) -> None:
        """Read the state of `lineages` from the store, and the entries that their snapshots lack.

        Raises:
            DeniedError: A lineage does not exist.
        """
        wanted = list(lineages)
        states = self._ledger.states(wanted)
        for lineage in wanted:
            if lineage not in states:
                raise DeniedError("unknown", "no such principal")
            self._states[lineage] = states[lineage]
            self._states.move_to_end(lineage)
            snapshot = self._snapshots.get(lineage)
            if snapshot is not None and snapshot.version > states[lineage].version:
                # It counts an entry whose transaction never became durable.
                del self._snapshots[lineage]
            elif snapshot is not None:
                try:
                    self._catch_up(lineage, snapshot)
                except TamperedError:
                    # Others are refreshed with it. Whoever needs this snapshot has it built anew, and is told then.
                    del self._snapshots[lineage]
        while len(self._states) > MAX_SNAPSHOTS:
            dropped, _ = self._states.popitem(last=False)
            self._snapshots.pop(dropped, None)

    def frozen(self, lineage: str) -> str | None:
        """Return the reason of a freeze that this node knows of; the store has the last word."""
        return self._states[lineage].frozen

    def version(self, lineage: str) -> int:
        """Return the version that the store must have for this node's snapshot to be current."""
        snapshot = self._snapshots.get(lineage)
        return snapshot.version if snapshot is not None else self._states[lineage].version

    def snapshot(self, lineage: str, budget: Budget) -> OpenedRecords:
        """Return the snapshot of `lineage`, built from its counted entries if need be.

        Raises:
            TamperedError: An entry of it, or its history, is not what was written.
        """
        snapshot = self._snapshots.get(lineage)
        if snapshot is None or not snapshot.fits(budget):
            snapshot = self._snapshots[lineage] = self._built(lineage, budget)
        return snapshot

    def counted(self, lineage: str, at: int, draws: Sequence[Draw]) -> None:
        """Take note of entries of this node that the store accepted."""
        state = self._states[lineage]
        self._states[lineage] = LineageState(
            state.version + len(draws), state.epoch, state.epoch_version, state.frozen
        )
        snapshot = self._snapshots.get(lineage)
        if snapshot is not None:
            for draw in draws:
                snapshot.apply(at, draw)

    def forget(self, lineage: str) -> None:
        """Drop what is known of `lineage`, so that it is read anew."""
        self._states.pop(lineage, None)
        self._snapshots.pop(lineage, None)

    def _built(self, lineage: str, budget: Budget) -> OpenedRecords:
        snapshot = OpenedRecords(budget)
        history = self._ledger.history(lineage)
        for at, event in events_of(history.items):
            snapshot.apply(at, event)
        snapshot.version = history.version
        folding = Folding(history.items)
        self._catch_up(lineage, snapshot, folding)
        if snapshot.version - history.version >= FOLD_AFTER:
            # Where no roll-ups run, nobody else does.
            self._ledger.keep_history(lineage, history.version, History(snapshot.version, folding.items()))
        return snapshot

    def _catch_up(self, lineage: str, snapshot: OpenedRecords, folding: Folding | None = None) -> None:
        for entry in _counted_since(self._ledger, lineage, snapshot.version):
            event = _event(entry)
            snapshot.apply(entry.at, event.draw() if isinstance(event, CountedItem) else event)
            if folding is not None:
                folding.add(entry.at, event)


def fold_histories(ledger: Ledger) -> None:
    """Fold the counted entries of every lineage that has many of them since its last folding."""
    for lineage in ledger.unfolded(FOLD_AFTER):
        history = ledger.history(lineage)
        folding, version = Folding(history.items), history.version
        for entry in _counted_since(ledger, lineage, version):
            folding.add(entry.at, _event(entry))
            version = entry.version
        ledger.keep_history(lineage, history.version, History(version, folding.items()))


def _counted_since(ledger: Ledger, lineage: str, version: int) -> Iterator[CountedEntry]:
    while True:
        entries = ledger.counted_since(lineage, version)
        yield from entries
        if len(entries) < COUNTED_AT_ONCE:
            return
        version = entries[-1].version


def _event(entry: CountedEntry) -> CountedItem | Renewed:
    if entry.operation == "renew":
        return Renewed()
    return CountedItem(entry.at, entry.brand, tuple(sorted(entry.drawn)), entry.probes, entry.records)
