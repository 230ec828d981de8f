"""Blind indexes: find a record by a value without storing the value. Specified in `docs/spec/blind-index.md`.

Two steps, with keys of two kinds:

1. link digest = HMAC-SHA-256(group key, kind ‖ scope ‖ normal form), cut to 16 bytes. The same e-mail gives the same
   link digest at every brand, which is what joining the records of one person needs.
2. index digest = AES-256 block permutation of the link digest under the *brand's* index key. Only this is stored.

So a copied store shows no equality between brands, a brand's index key can be rotated by permuting stored digests
without opening anyone's data, and resolving persons over brands needs the brands' keys, which only a ledgered use
takes out. Values that must not join brands (a brand's customer number) carry the brand in their scope.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from cloakroom.crypto import BLOCK_SIZE, BlockPermutation, KeyedDigest

_HEAD = struct.Struct(">20sBBH")
_LABEL = b"cloakroom/link"
_FORMAT = 1
SHARED_SCOPE = 0xFFFF


class LinkDigests:
    """Computes link digests under the group's key."""

    __slots__ = ("_digest",)

    def __init__(self, key: bytes) -> None:
        """Take the group's link key, 32 bytes."""
        self._digest = KeyedDigest(key)

    def digest(self, kind: int, scope: int, normal_forms: Sequence[str]) -> bytes:
        """Return the digests of `normal_forms`, 16 bytes each, one after the other.

        Args:
            kind: Number of the kind of index (`IndexKind`).
            scope: Number of the brand, or `SHARED_SCOPE` where the value means the same at every brand.
            normal_forms: Values in normal form.
        """
        head = _HEAD.pack(_LABEL, _FORMAT, kind, scope)
        return b"".join(self._digest.digests([head + form.encode() for form in normal_forms], BLOCK_SIZE))


class BrandIndex:
    """Turns link digests into the digests that a brand stores, and back."""

    __slots__ = ("_permutation",)

    def __init__(self, key: bytes) -> None:
        """Take the brand's index key of one version, 32 bytes."""
        self._permutation = BlockPermutation(key)

    def to_stored(self, link_digests: bytes) -> bytes:
        """Return the stored digests for the concatenated `link_digests`."""
        return self._permutation.permute(link_digests)

    def to_link(self, stored: bytes) -> bytes:
        """Undo `to_stored`."""
        return self._permutation.invert(stored)
