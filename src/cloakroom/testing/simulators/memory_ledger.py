"""Entries and lineages in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pyroaring import BitMap

from cloakroom.clock import Clock, to_microseconds
from cloakroom.errors import ConflictError, StoreError, TamperedError
from cloakroom.flows.ledger.ports import (
    COUNTED_AT_ONCE,
    Appended,
    CountedEntry,
    History,
    LineageState,
    PreparedEntry,
    StoredRow,
)
from cloakroom.ledger.entry import decode_entry
from cloakroom.ledger.record_sets import RecordSetSealer, entry_place, hash_set
from cloakroom.testing.simulators.memory_store import MemoryStore
from cloakroom.vocabulary import Operation

_BEGINS_ANEW = frozenset({Operation.THAW.value, Operation.RENEW.value})


@dataclass(frozen=True, slots=True)
class MemoryEntry:
    """An entry as the store keeps it.

    Attributes:
        prepared: What was appended.
        version: Its number among the lineage's counted entries, or None.
        epoch: The lineage's number of renewals when it was appended.
    """

    prepared: PreparedEntry
    version: int | None
    epoch: int


class MemoryLedger:
    """Implements `flows.ports.Ledger` over a store in memory; one for each node."""

    def __init__(
        self,
        store: MemoryStore,
        sets: RecordSetSealer,
        clock: Clock | None = None,
        clock_tolerance: int | None = None,
    ) -> None:
        """Assemble.

        Args:
            store: Where everything lies.
            sets: Opens the sets that lie beside entries.
            clock: The store's clock.
            clock_tolerance: Microseconds by which an entry's time may differ from it; None where they are not to be
                compared.
        """
        self._store = store
        self._sets = sets
        self._clock = clock
        self._clock_tolerance = clock_tolerance
        self._lineages: dict[str, LineageState] = store.table("lineage")
        self._entries: dict[int, MemoryEntry] = store.table("entry")
        self._histories: dict[str, History] = store.table("history")
        self._rows: dict[int, StoredRow] = store.table("record")

    def entries(self) -> list[MemoryEntry]:
        """Return all entries, oldest first."""
        return list(self._entries.values())

    def add_lineage(self, lineage: str) -> None:
        """Make a lineage without entries.

        Raises:
            ConflictError: There is one.
        """
        with self._store.effect("add lineage"):
            if lineage in self._lineages:
                raise ConflictError(f"there is a lineage {lineage} already")
            self._lineages[lineage] = LineageState(0, 0, 0, None)

    @property
    def in_transaction(self) -> bool:
        """See `flows.ports.Ledger.in_transaction`."""
        return self._store.in_transaction

    def append(
        self, expected: Mapping[str, int], entries: Sequence[PreparedEntry], fetch: Sequence[int] = ()
    ) -> tuple[Mapping[str, Appended], Sequence[StoredRow]]:
        """See `flows.ports.Ledger.append`."""
        with self._store.effect("append"):
            self._check_times(entries)
            outcome = self._append(expected, entries)
        return outcome, [self._rows[ordinal] for ordinal in fetch if ordinal in self._rows]

    def _append(self, expected: Mapping[str, int], entries: Sequence[PreparedEntry]) -> dict[str, Appended]:
        outcome = {lineage: self._compared(lineage, version) for lineage, version in expected.items()}
        for entry in entries:
            state = self._lineages.get(entry.lineage)
            version = None
            if entry.counted:
                if outcome[entry.lineage].status != "ok":
                    continue
                assert state is not None
                version = state.version + 1
                self._lineages[entry.lineage] = replace(state, version=version)
            self._entries[len(self._entries) + 1] = MemoryEntry(entry, version, state.epoch if state else 0)
        return outcome

    def _compared(self, lineage: str, version: int) -> Appended:
        state = self._lineages.get(lineage)
        if state is None:
            return Appended("unknown", 0, 0)
        status = "ok" if state.version == version else "stale"
        return Appended("frozen" if state.frozen is not None else status, state.version, state.epoch)

    def _check_times(self, entries: Sequence[PreparedEntry]) -> None:
        if self._clock is None or self._clock_tolerance is None:
            return
        now = to_microseconds(self._clock.now())
        if any(abs(entry.at - now) > self._clock_tolerance for entry in entries):
            raise StoreError("this node's clock differs from the store's; nothing was appended or opened")

    @contextmanager
    def locked(self, lineages: Iterable[str]) -> Iterator[None]:
        """See `flows.ports.Ledger.locked`."""
        with self._store.transaction():
            self.hold(lineages)
            yield

    def hold(self, lineages: Iterable[str]) -> None:
        """See `flows.ports.Ledger.hold`; transactions do not overlap here, so that nobody waits."""

    def states(self, lineages: Iterable[str]) -> Mapping[str, LineageState]:
        """See `flows.ports.Ledger.states`."""
        return {lineage: self._lineages[lineage] for lineage in lineages if lineage in self._lineages}

    def counted_since(self, lineage: str, version: int, most: int = COUNTED_AT_ONCE) -> Sequence[CountedEntry]:
        """See `flows.ports.Ledger.counted_since`."""
        later = [
            entry
            for entry in self._entries.values()
            if entry.prepared.lineage == lineage and entry.version is not None and entry.version > version
        ]
        return [self._counted(entry) for entry in later[:most]]

    def _counted(self, entry: MemoryEntry) -> CountedEntry:
        prepared, version = entry.prepared, entry.version
        assert version is not None
        told = decode_entry(prepared.body)
        records = BitMap()
        if prepared.sealed_set:
            if hash_set(prepared.sealed_set) != told.set_sha256:
                raise TamperedError(
                    f"counted entry {version} of lineage {prepared.lineage} does not name the set beside it"
                )
            records = self._sets.open(entry_place(prepared.lineage), prepared.sealed_set)
        drawn, probes = told.detail.get("drawn", ()), told.detail.get("probes", 0)
        assert isinstance(drawn, Sequence)
        assert isinstance(probes, int)
        return CountedEntry(version, prepared.at, prepared.operation, told.brand, drawn, probes, records)

    def history(self, lineage: str) -> History:
        """See `flows.ports.Ledger.history`."""
        return self._histories.get(lineage, History(0, ()))

    def keep_history(self, lineage: str, before: int, history: History) -> bool:
        """See `flows.ports.Ledger.keep_history`."""
        if self.in_transaction or lineage not in self._lineages or self.history(lineage).version != before:
            return False
        with self._store.effect("keep history"):
            self._histories[lineage] = history
        return True

    def unfolded(self, entries: int) -> Sequence[str]:
        """See `flows.ports.Ledger.unfolded`."""
        return sorted(
            lineage
            for lineage, state in self._lineages.items()
            if state.version - self.history(lineage).version >= entries
        )

    def refused_within(self, lineage: str, start: int, end: int, reason: str, enough: int) -> int:
        """See `flows.ports.Ledger.refused_within`."""
        found = rows = 0
        for entry in reversed(self._entries.values()):
            prepared = entry.prepared
            if rows == enough or prepared.lineage != lineage or not start <= prepared.at <= end:
                continue
            if prepared.permitted and prepared.operation in _BEGINS_ANEW:
                break
            told = decode_entry(prepared.body)
            if not prepared.permitted and told.reason == reason:
                found, rows = found + told.count, rows + 1
        return found

    def freeze(self, lineage: str, at: int, reason: str, entry: PreparedEntry) -> bool:
        """See `flows.ports.Ledger.freeze`."""
        with self._store.effect("freeze"):
            state = self._lineages.get(lineage)
            if state is None or state.frozen is not None:
                return False
            self._lineages[lineage] = replace(state, frozen=reason)
            self._append({}, [entry])
        return True

    def thaw(self, lineage: str, entry: PreparedEntry) -> bool:
        """End the freeze of `lineage` and append `entry`; say whether it was frozen."""
        with self._store.effect("thaw"):
            state = self._lineages.get(lineage)
            if state is None or state.frozen is None:
                return False
            self._lineages[lineage] = replace(state, frozen=None)
            self._append({}, [entry])
        return True

    def renew(self, lineage: str, version: int, entry: PreparedEntry) -> None:
        """Start the lifetime of `lineage` anew and append the counted `entry`.

        Raises:
            StoreError: Somebody else appended first, or the lineage is unknown or frozen.
        """
        with self._store.effect("renew"):
            self._check_times([entry])
            status = self._append({lineage: version}, [entry])[lineage].status
            if status != "ok":
                raise StoreError(f"lineage {lineage} was not renewed: {status}")
            state = self._lineages[lineage]
            self._lineages[lineage] = replace(state, epoch=state.epoch + 1, epoch_version=state.version)
