"""Ports of an import, and the values that pass through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from cloakroom.vault.row_changes import KnownRecord, Replacement
from cloakroom.vault.rows import RowBlock, RowDigests


@dataclass(frozen=True, slots=True)
class NewRows:
    """New records as the contents of three binary COPY commands.

    Attributes:
        records: For ``record``.
        keys: For ``person_key``.
        index: For ``blind_index``.
    """

    records: bytes
    keys: bytes
    index: bytes


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """The progress of a delivery.

    Attributes:
        rows_done: Rows of the file that are in the store, rejected ones included.
        finished: Whether the whole file is.
        counts: Rows by fate.
        without_key: Values of the taken rows without a normal form, by indexed field.
    """

    rows_done: int
    finished: bool
    counts: Mapping[str, int]
    without_key: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchWrite:
    """Everything that one batch changes.

    Attributes:
        new: New records, or None.
        replacements: New values of known records.
        facet_change: Sealed change of the facets, or None.
        rows_done: Rows of the file that are done with this batch, or None while it is not done.
        counts: Rows by fate so far.
        without_key: Values of the taken rows without a normal form so far, by indexed field.
    """

    new: NewRows | None
    replacements: Sequence[Replacement]
    facet_change: bytes | None
    rows_done: int | None
    counts: Mapping[str, int]
    without_key: Mapping[str, int] = field(default_factory=dict)


class ImportStore(Protocol):
    """The store that imports are written to."""

    def has_records(self, brand: int) -> bool:
        """Say whether the brand has any record, in whatever state."""
        ...

    def known(self, brand: int, digests: RowDigests, links: bytes) -> dict[int, KnownRecord]:
        """Return known records by position."""
        ...

    def take_ordinals(self, count: int) -> range:
        """Return ordinals that nobody else gets."""
        ...

    def atomic(self) -> AbstractContextManager[None]:
        """Make everything written inside one transaction."""
        ...

    def write(self, brand: int, sha256: bytes, digests: RowDigests, batch: BatchWrite) -> None:
        """Write one batch in one transaction."""
        ...


Encode = Callable[[RowBlock, Sequence[int]], "Future[NewRows]"]
"""Seals and encodes rows as new records with the given ordinals, which come in no order; the result is in theirs."""
