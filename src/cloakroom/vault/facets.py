"""Facets: which records have a property, as sealed bitmaps. Specified in `docs/spec/facet.md`.

Country, language, kind, spend band and the like are not columns: each (name, value) of a brand is one Roaring bitmap
of ordinals, sealed under the brand's facet key and stored under a keyed digest of its name and value. The plaintext is
padded to a power of two from 4 KB on, so that a copied store shows only the rough size of the largest facets.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from pyroaring import BitMap

from cloakroom.crypto import AEAD_NONCE_SIZE, BLOCK_SIZE, AuthenticatedCipher, hkdf_sha256, hmac_sha256, random_bytes
from cloakroom.errors import OpenError

FORMAT = 1
_SMALLEST = 4096
_LENGTHS = struct.Struct(">BHHI")


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
        body = ordinals.serialize()
        plain = _head(name.encode(), value.encode(), len(body)) + body
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
        form, name_size, value_size, body_size = _LENGTHS.unpack_from(plain)
        if form != FORMAT:
            raise OpenError("does not open")
        at = _LENGTHS.size
        name = plain[at : at + name_size].decode()
        value = plain[at + name_size : at + name_size + value_size].decode()
        at += name_size + value_size
        return name, value, BitMap.deserialize(plain[at : at + body_size])

    def _context(self, key: bytes) -> bytes:
        return b"cloakroom/facet" + struct.pack(">BH", FORMAT, self._brand) + key


def _head(name: bytes, value: bytes, body_size: int) -> bytes:
    return _LENGTHS.pack(FORMAT, len(name), len(value), body_size) + name + value
