"""Ports of the key ring and of the rotation of keys."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from cloakroom.vault.key_ring import KeyName, WrappedKey
from cloakroom.vault.sealed_record import SealedKeys

IndexRow = tuple[bytes, int, bool]
"""Digest as it is stored, ordinal, and whether the record holds the value now."""


class KeyStore(Protocol):
    """The wrapped keys of the ring, and who may change them while others use them."""

    def keys(self) -> Sequence[WrappedKey]:
        """Return all wrapped keys of the ring."""
        ...

    def add_key(self, key: WrappedKey, at: int) -> None:
        """Store a wrapped key."""
        ...

    def replace_key(self, key: WrappedKey) -> None:
        """Store the same key wrapped anew."""
        ...

    def drop_key(self, name: KeyName) -> None:
        """Destroy a key."""
        ...

    def changing(self) -> AbstractContextManager[object]:
        """Open a durable transaction in which nobody else changes the ring; reading goes on."""
        ...

    def settled(self, brand: int, *, changing: bool) -> AbstractContextManager[object]:
        """Keep the keys of a brand's records as they are, over several transactions.

        Args:
            brand: Number of the brand.
            changing: Whether it is to change them, hence to be alone; otherwise others keep them, too.
        """
        ...

    def settle(self, brand: int) -> bool:
        """Within a transaction: keep the keys of a brand's records until its end; false while they are rotated."""
        ...


class RotationStore(Protocol):
    """The rows that follow a rotation of keys."""

    def transaction(self) -> AbstractContextManager[object]:
        """Open a transaction, in which one batch of rows is moved."""
        ...

    def keys_before(self, brand: int, generation: int, limit: int) -> Sequence[tuple[int, SealedKeys]]:
        """Return (ordinal, wrapped keys) of records whose keys are under an earlier generation."""
        ...

    def store_keys(self, brand: int, keys: Sequence[tuple[int, SealedKeys]]) -> None:
        """Put keys in the place of the same keys under earlier generations; those erased meanwhile stay away."""
        ...

    def take_index_rows(self, brand: int, index_id: int, limit: int) -> Sequence[IndexRow]:
        """Within a transaction: take rows of one generation of an index out; no erasure comes between before its end.

        Args:
            brand: Number of the brand.
            index_id: Number of the index and generation, as digests are stored under it.
            limit: How many at most.
        """
        ...

    def put_index_rows(self, brand: int, index_id: int, rows: Sequence[IndexRow]) -> None:
        """Put rows in; of two that become one, it is current if either was."""
        ...
