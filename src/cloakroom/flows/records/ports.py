"""Ports of erasing and of writing single records.

In both, everything between the beginning and the end of `transaction` stands or falls together, and is durable when
it has ended without an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from pyroaring import BitMap

from cloakroom.flows.ledger.ports import PreparedEntry, StoredRow
from cloakroom.flows.records.import_ports import NewRows
from cloakroom.vault.rows import RowBlock, RowDigests


class Facets(Protocol):
    """The facets of brands, opened."""

    def fold_changes(self, brand: int) -> None:
        """Make what imports noted as changes part of the facets themselves."""
        ...

    def load(self, brand: int) -> Mapping[tuple[str, str], BitMap]:
        """Return every facet of a brand by (name, value)."""
        ...

    def store(self, brand: int, facets: Mapping[tuple[str, str], BitMap]) -> None:
        """Write facets; an empty one is removed."""
        ...


class ErasureStore(Protocol):
    """The store that records are erased from."""

    def transaction(self) -> AbstractContextManager[object]:
        """Open a durable transaction."""
        ...

    def hold_records(self, brand: int, ordinals: Sequence[int]) -> None:
        """Within a transaction: let nobody change the keys and index rows of records before its end.

        What others committed before this returns is seen by whatever is read after it.
        """
        ...

    def sealed_rows(self, ordinals: Iterable[int]) -> Sequence[StoredRow]:
        """Return the sealed rows of records; unknown ones are left out."""
        ...

    def sealed_versions(self, ordinals: Iterable[int]) -> Sequence[tuple[StoredRow, int]]:
        """Return the superseded values of records, each with the moment at which it ceased to hold."""
        ...

    def erase_index_rows(self, brand: int, digests: RowDigests, links: Sequence[tuple[int, int, bytes]]) -> None:
        """Remove rows of the blind index, of every generation of the brand's index key.

        Args:
            brand: Number of the brand.
            digests: What computes its digests as they are stored.
            links: (ordinal, number of the index, link digest) of each.
        """
        ...

    def erase_values(self, brand: int, ordinals: Sequence[int]) -> None:
        """Destroy the keys of records, their superseded values and their current ones."""
        ...

    def place_of(self, entry: PreparedEntry) -> int | None:
        """Return the place of an appended entry in the log; None while it waits for one."""
        ...


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer to an earlier write under the same idempotency key.

    Attributes:
        request: Keyed digest of the request.
        answer: The answer.
    """

    request: bytes
    answer: bytes


class WriteStore(Protocol):
    """The store that single records are written to, besides `ImportStore`, which takes the record itself."""

    def transaction(self) -> AbstractContextManager[object]:
        """Open a transaction, durable whatever is written within that would not wait for the disk by itself."""
        ...

    def kept_answer(self, lineage: str, key: str) -> KeptAnswer | None:
        """Return the answer that a write of this lineage under `key` was given."""
        ...

    def keep_answer(self, lineage: str, key: str, kept: KeptAnswer, at: int) -> bool:
        """Within a transaction: keep an answer; false if another one was kept first."""
        ...

    def keep_imports_away(self, brand: int) -> bool:
        """Within a transaction: let no import of a brand begin before its end; false while one runs."""
        ...

    def hold_record_id(self, link: bytes) -> None:
        """Within a transaction: wait for others that write the record with this link digest of its id."""
        ...


class RowEncoder(Protocol):
    """Seals new records of one brand."""

    def encode(self, block: RowBlock, ordinals: Sequence[int]) -> NewRows:
        """Return the rows of `block` as new records with the given ordinals."""
        ...
