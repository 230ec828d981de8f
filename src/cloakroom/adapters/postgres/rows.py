"""Turns rows of the store into the values that flows work with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloakroom.flows.ports import StoredRow
from cloakroom.vault.sealed_record import SealedKeys, SealedRecord


def stored_row(row: Sequence[Any]) -> StoredRow:
    """Return the value of a row of ``sealed_rows`` or ``sealed_versions``."""
    brand, ordinal, version, valid_from, state, contact, identity, value, generation, key_number, wraps = row
    keys = None if generation is None else SealedKeys(generation, key_number, wraps)
    return StoredRow(brand, SealedRecord(ordinal, version, (contact, identity, value)), keys, valid_from, state)
