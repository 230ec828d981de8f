"""Ports of the flows to the outside world. Adapters implement these; simulators do, too.

Split by the promise that must be kept: `Ledger` is durable when `append` returns and compares before it swaps;
`Vault` may be read at any time, since what it gives is sealed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import msgspec
from pyroaring import BitMap

from cloakroom.gate.folding import CountedItem
from cloakroom.vault.sealed_record import SealedKeys, SealedRecord

COUNTED_AT_ONCE = 20_000
"""Counted entries read together at most: a lineage may have millions."""


class PreparedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An encoded entry with what the store keeps beside it.

    Attributes:
        lineage: Whose it is.
        counted: Whether it counts against the lineage's budgets; then it needs the lineage's version.
        at: Time of the entry in microseconds.
        operation: Name of the operation.
        permitted: Whether it was permitted.
        shape: Canonical JSON of form by field, or None.
        records: How many distinct records.
        body: The leaf.
        sealed_set: The records, sealed (`ledger.record_sets`), or None.
    """

    lineage: str
    counted: bool
    at: int
    operation: str
    permitted: bool
    shape: bytes | None
    records: int
    body: bytes
    sealed_set: bytes | None


@dataclass(frozen=True, slots=True)
class LineageState:
    """The state of a lineage in the store.

    Attributes:
        version: Number of counted entries.
        epoch: Number of renewals.
        epoch_version: Version at the last renewal.
        frozen: Reason of the freeze, or None.
    """

    version: int
    epoch: int
    epoch_version: int
    frozen: str | None


@dataclass(frozen=True, slots=True)
class Appended:
    """The outcome for a lineage's entries in a batch: ``ok``, ``frozen``, ``stale`` or ``unknown``."""

    status: str
    version: int
    epoch: int


@dataclass(frozen=True, slots=True)
class CountedEntry:
    """One counted entry, as needed to rebuild the view of a lineage.

    Attributes:
        version: Its number among the lineage's counted entries, from 1.
        at: Time of the entry in microseconds.
        operation: Name of the operation.
        brand: Name of the brand.
        drawn: Field classes that it drew on.
        probes: Probes that it drew.
        records: The records.
    """

    version: int
    at: int
    operation: str
    brand: str
    drawn: Sequence[str]
    probes: int
    records: BitMap


@dataclass(frozen=True, slots=True)
class History:
    """The folded first counted entries of a lineage.

    Attributes:
        version: How many they are.
        items: As `gate.folding.Folding.items` gives them.
    """

    version: int
    items: Sequence[CountedItem]


class StoredRow(msgspec.Struct, frozen=True, gc=False):
    """A sealed record with its wrapped keys.

    Attributes:
        brand: Number of the brand.
        record: The sealed values.
        keys: The wrapped class keys; None once erased.
        valid_from: Since when these values hold, in microseconds.
        state: 0 live, 1 deleted by the brand's system, 2 erased.
    """

    brand: int
    record: SealedRecord
    keys: SealedKeys | None
    valid_from: int
    state: int


class Ledger(Protocol):
    """Durable, compared and swapped."""

    @property
    def in_transaction(self) -> bool:
        """Say whether a transaction is open, so that nothing appended now is durable before its end."""
        ...

    def append(
        self, expected: Mapping[str, int], entries: Sequence[PreparedEntry], fetch: Sequence[int] = ()
    ) -> tuple[Mapping[str, Appended], Sequence[StoredRow]]:
        """Append `entries` in one durable transaction, and read the sealed rows of `fetch` in the same round trip.

        Args:
            expected: Version that each counted lineage must have; a lineage that has another keeps its entries out.
            entries: What to append.
            fetch: Ordinals whose sealed rows are wanted back. They are sealed: reading them discloses nothing.

        Returns:
            What became of each lineage in `expected`, and the rows found. Durable when this returns.
        """
        ...

    def locked(self, lineages: Iterable[str]) -> AbstractContextManager[None]:
        """Hold the lineages' rows, so that no other node appends counted entries to them meanwhile."""
        ...

    def hold(self, lineages: Iterable[str]) -> None:
        """Within a transaction: hold the lineages' rows until its end, so that a freeze comes before or after it."""
        ...

    def states(self, lineages: Iterable[str]) -> Mapping[str, LineageState]:
        """Return the state of each known lineage."""
        ...

    def counted_since(self, lineage: str, version: int, most: int = COUNTED_AT_ONCE) -> Sequence[CountedEntry]:
        """Return the first counted entries after `version`, oldest first, `most` of them at most."""
        ...

    def history(self, lineage: str) -> History:
        """Return what the counted entries up to some version amount to; of version 0 where nothing was folded.

        Raises:
            TamperedError: It was changed, or is not complete.
        """
        ...

    def keep_history(self, lineage: str, before: int, history: History) -> bool:
        """Put a history in the place of the one of version `before`; false if nothing was kept."""
        ...

    def unfolded(self, entries: int) -> Sequence[str]:
        """Return the lineages with so many counted entries or more that are not in their histories."""
        ...

    def refused_within(self, lineage: str, start: int, end: int, reason: str, enough: int) -> int:
        """Return how many requests of `lineage` were refused for `reason` on any node.

        Args:
            lineage: Whose.
            start: First moment, in microseconds; a later end of a freeze or renewal begins the count anew.
            end: Last moment.
            reason: Reason code of the refusals.
            enough: Counting may stop here.
        """
        ...

    def freeze(self, lineage: str, at: int, reason: str, entry: PreparedEntry) -> bool:
        """Freeze `lineage` and append `entry`, in one transaction; say whether it was not frozen before."""
        ...
