"""Turns rows of the store into the values that flows work with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloakroom.crypto import BLOCK_SIZE
from cloakroom.flows.ledger.ports import StoredRow
from cloakroom.vault.rows import RowDigests
from cloakroom.vault.sealed_record import SealedKeys, SealedRecord


def stored_row(row: Sequence[Any]) -> StoredRow:
    """Return the value of a row of ``sealed_rows`` or ``sealed_versions``."""
    brand, ordinal, version, valid_from, state, contact, identity, value, generation, key_number, wraps = row
    keys = None if generation is None else SealedKeys(generation, key_number, wraps)
    return StoredRow(brand, SealedRecord(ordinal, version, (contact, identity, value)), keys, valid_from, state)


def index_arguments(
    brand: int, digests: RowDigests, links: Sequence[tuple[int, int, bytes]], generation: int
) -> dict[str, object]:
    """Return what names rows of the blind index in a query.

    Args:
        brand: Number of the brand.
        digests: Digests of the brand.
        links: (ordinal, number of the index, link digest) of each row.
        generation: Generation of the brand's index key.
    """
    stored = digests.stored_links(b"".join(link for _, _, link in links), generation)
    return {
        "brand": brand,
        "index_ids": [number * 256 + generation for _, number, _ in links],
        "digests": [stored[at : at + BLOCK_SIZE].hex() for at in range(0, len(stored), BLOCK_SIZE)],
        "ordinals": [ordinal for ordinal, _, _ in links],
    }
