"""Facets: which records have a property, as sealed bitmaps. Specified in `docs/spec/facet.md`.

Country, language, kind, spend band and the like are not columns: each (name, value) of a brand is one Roaring
bitmap of ordinals, sealed under the brand's facet key and stored under a keyed digest of its name and value. The
plaintext is padded to a power of two from 4 KB on, so that a copied store shows only the rough size of the largest.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pyroaring import BitMap

from cloakroom.crypto import AEAD_NONCE_SIZE, BLOCK_SIZE, AuthenticatedCipher, hkdf_sha256, hmac_sha256, random_bytes
from cloakroom.errors import OpenError

FORMAT = 1
CANARY = "canary"
ERASED = "erased"
RECORD = "record"
PERMANENT = frozenset({CANARY, ERASED, RECORD})
"""Facets that no change of a record's values touches: canaries, erased, and all records of a brand."""
_SMALLEST = 4096
_LENGTHS = struct.Struct(">BHHI")


@dataclass(frozen=True, slots=True)
class FacetChange:
    """The changes that one batch of an import makes to the facets of a brand.

    Attributes:
        removed: Records that first leave every facet of the import.
        added: Records that then enter facets, by (name, value).
    """

    removed: BitMap
    added: Mapping[tuple[str, str], BitMap]

    def apply(self, facets: dict[tuple[str, str], BitMap]) -> None:
        """Change `facets` in place."""
        if self.removed:
            for place, ordinals in facets.items():
                if place[0] not in PERMANENT:
                    ordinals -= self.removed  # noqa: PLW2901 - in place
        for place, ordinals in self.added.items():
            if place in facets:
                facets[place] |= ordinals
            else:
                facets[place] = ordinals.copy()


class FacetSealer:
    """Seals and opens the facets of one brand."""

    __slots__ = ("_brand", "_cipher", "_name_key", "_random")

    def __init__(self, key: bytes, brand: int, random: Callable[[int], bytes] = random_bytes) -> None:
        """Take the brand's facet key, its number and a source of randomness."""
        self._brand = brand
        self._cipher = AuthenticatedCipher(hkdf_sha256(key, info=b"cloakroom/facet/seal/v1"))
        self._name_key = hkdf_sha256(key, info=b"cloakroom/facet/name/v1")
        self._random = random

    def key_of(self, name: str, value: str) -> bytes:
        """Return the 16 bytes under which the facet is stored."""
        return hmac_sha256(self._name_key, _head(name.encode(), value.encode(), 0))[:BLOCK_SIZE]

    def seal(self, name: str, value: str, ordinals: BitMap) -> bytes:
        """Return the sealed facet."""
        plain = _part(name, value, ordinals)
        size = _SMALLEST
        while size < len(plain):
            size *= 2
        nonce = self._random(AEAD_NONCE_SIZE)
        return nonce + self._cipher.seal(nonce, plain.ljust(size, b"\0"), self._context(self.key_of(name, value)))

    def open(self, key: bytes, sealed: bytes) -> tuple[str, str, BitMap]:
        """Return name, value and ordinals of the facet stored under `key`.

        Raises:
            OpenError: It does not open.
        """
        plain = self._cipher.open(sealed[:AEAD_NONCE_SIZE], sealed[AEAD_NONCE_SIZE:], self._context(key))
        return next(_parts(plain))

    def seal_change(self, change: FacetChange) -> bytes:
        """Return a sealed change."""
        parts = [_part("", "", change.removed)]
        parts += [_part(name, value, ordinals) for (name, value), ordinals in change.added.items()]
        plain = b"".join(parts)
        size = _SMALLEST * (len(plain) // _SMALLEST + 1)
        nonce = self._random(AEAD_NONCE_SIZE)
        return nonce + self._cipher.seal(nonce, plain.ljust(size, b"\0"), self._context(b"change"))

    def open_change(self, sealed: bytes) -> FacetChange:
        """Return the change.

        Raises:
            OpenError: It does not open.
        """
        plain = self._cipher.open(sealed[:AEAD_NONCE_SIZE], sealed[AEAD_NONCE_SIZE:], self._context(b"change"))
        parts = list(_parts(plain))
        return FacetChange(parts[0][2], {(name, value): ordinals for name, value, ordinals in parts[1:]})

    def _context(self, key: bytes) -> bytes:
        return b"cloakroom/facet" + struct.pack(">BH", FORMAT, self._brand) + key


def _head(name: bytes, value: bytes, body_size: int) -> bytes:
    return _LENGTHS.pack(FORMAT, len(name), len(value), body_size) + name + value


def _part(name: str, value: str, ordinals: BitMap) -> bytes:
    body = ordinals.serialize()
    return _head(name.encode(), value.encode(), len(body)) + body


def _parts(plain: bytes) -> Iterator[tuple[str, str, BitMap]]:
    """Read parts until the padding; at least one."""
    at = 0
    while at < len(plain) and plain[at] == FORMAT:
        _, name_size, value_size, body_size = _LENGTHS.unpack_from(plain, at)
        at += _LENGTHS.size
        name = plain[at : at + name_size].decode()
        at += name_size
        value = plain[at : at + value_size].decode()
        at += value_size
        yield name, value, BitMap.deserialize(plain[at : at + body_size])
        at += body_size
    if at == 0:
        raise OpenError("does not open")
