"""Ports of releases to the outside world, and the values that pass through them.

Split by the promise that must be kept: `ReleaseStore` holds what was asked for, approved and fixed, and its
transactions are durable when they end; `ReleaseRecords` may be read at any time, since what it gives is sealed;
`CanaryStore` writes only within a transaction of the `ReleaseStore`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from pyroaring import BitMap

from cloakroom.flows.ledger.ports import StoredRow
from cloakroom.flows.opening import Openers
from cloakroom.gate.releases import Approval, ReleaseContent, Standing


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """A release as stored.

    Attributes:
        id: Its id.
        standing: Where it stands.
        requested_at: In microseconds.
        records: The exact set once it has begun, canaries included.
        canaries: How many of them are canaries.
        rows_done: Rows written by the last run.
        file_sha256: Of the finished file, in hex.
    """

    id: str
    standing: Standing
    requested_at: int
    records: BitMap | None
    canaries: int
    rows_done: int
    file_sha256: str | None


class ReleaseStore(Protocol):
    """Releases, and how far they are."""

    def transaction(self) -> AbstractContextManager[None]:
        """Open a transaction: what is written and appended within, by whomever, stands or falls together.

        It waits for the disk at its end, whatever was written within: somebody is answered because of it.
        """
        ...

    def add(self, name: str, content: ReleaseContent, requested_by: str, at: int, expires_at: int) -> None:
        """Note a request, its times in microseconds."""
        ...

    def get(self, name: str, *, lock: bool = False) -> StoredRelease:
        """Return a release; with `lock`, nobody else changes it until the transaction ends.

        Raises:
            DeniedError: There is none of that id.
        """
        ...

    def approve(self, name: str, approval: Approval, at: int) -> None:
        """Note an approval."""
        ...

    def approved(self, name: str, expires_at: int) -> None:
        """Note that the last approval is there; it stands until `expires_at`."""
        ...

    def begun(self, name: str, records: BitMap, canaries: int) -> None:
        """Fix the set of a release, of which so many are canaries."""
        ...

    def run_entry(self, found: StoredRelease) -> tuple[bytes, bytes | None]:
        """Return the entry under which a release was fixed, and the sealed set beside it.

        Raises:
            TamperedError: There is none, though the release is fixed.
        """
        ...

    def progress(self, name: str, rows_done: int) -> None:
        """Note how far a run is."""
        ...

    def done(self, name: str, rows_done: int, sha256: str, at: int) -> bool:
        """Note the end; false if it was noted before."""
        ...


class ReleaseRecords(Protocol):
    """The sealed records that releases choose from and show."""

    @property
    def openers(self) -> Openers:
        """The openers under the newest keys; others after each `settle_keys`."""
        ...

    def settle_keys(self, brand: int) -> bool:
        """Within a transaction: keep a brand's keys as they are until its end; false while they are being rotated."""
        ...

    def facets(self, brand: int) -> Mapping[tuple[str, str], BitMap]:
        """Return every facet of a brand by (name, value)."""
        ...

    def live(self, brand: int, ordinals: Iterable[int]) -> BitMap:
        """Return which of these records its system has not deleted and nobody has erased."""
        ...

    def sealed_rows(self, ordinals: Iterable[int]) -> Sequence[StoredRow]:
        """Return the sealed rows of `ordinals`, in no particular order; unknown ones are left out."""
        ...


class CanaryStore(Protocol):
    """The store of canaries, written within a transaction of the `ReleaseStore`."""

    def add(self, brand: str, record_id: str, fields: Mapping[str, str]) -> BitMap:
        """Write a new record of a brand and return its ordinal; none where the brand has a record of that id.

        Raises:
            InputError: The brand's mapping does not take it.
        """
        ...

    def mark(self, brand: str, release: str, canaries: BitMap) -> None:
        """Note in the facets of the brand that these are the canaries of a release."""
        ...
