"""Sets of records beside entries, sealed. The bytes are specified in `docs/spec/record-set.md`.

Contract:

- What lies beside an entry says whom it concerned. In the clear it would tell who reads a copied store which records
  one search found at several brands, so which of them belong to one person. It is therefore sealed before it leaves
  the node, and an entry names the SHA-256 of the *sealed* bytes: everybody can check that nothing was changed, and
  nobody can find a small set by trying.
- The associated data bind a set to the place where it lies; moved elsewhere it does not open.
- The plaintext is padded to a multiple of 64 bytes, so that small sets look alike. How many records an entry concerns
  stands in the entry itself.
- AES-GCM does not commit to its key; the header carries a commitment that is compared before anything is opened.
- Sealed sets are bound by entries and never sealed anew, so that older generations of the key stay in the ring.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence

from pyroaring import AbstractBitMap, BitMap

from cloakroom.crypto import AEAD_NONCE_SIZE, AEAD_TAG_SIZE, AuthenticatedCipher, hmac_sha256, random_bytes, sha256
from cloakroom.errors import OpenError, TamperedError

FORMAT = 1
PADDING = 64
COMMITMENT_SIZE = 24
_HEADER = struct.Struct(f">BH{COMMITMENT_SIZE}s{AEAD_NONCE_SIZE}s")
_LENGTH = struct.Struct(">I")
_LABEL = b"cloakroom/record-set"
_COMMITMENT_LABEL = b"cloakroom/record-set/commitment"


class RecordSetSealer:
    """Seals and opens sets of records under a group's set keys."""

    __slots__ = ("_ciphers", "_commitments", "_newest", "_random", "_refreshed")

    def __init__(
        self,
        keys: Mapping[int, bytes],
        random: Callable[[int], bytes] = random_bytes,
        refreshed: Callable[[], Mapping[int, bytes]] | None = None,
    ) -> None:
        """Assemble.

        Args:
            keys: The set keys by generation, 32 bytes each, one at least.
            random: Source of randomness.
            refreshed: Reads the keys anew; called when a set is under a generation that is not here, which another
                node may have added since.
        """
        self._random = random
        self._refreshed = refreshed
        self.adopt(keys)

    def adopt(self, keys: Mapping[int, bytes]) -> None:
        """Go on with these keys; sets are sealed under the newest."""
        self._ciphers = {generation: AuthenticatedCipher(key) for generation, key in keys.items()}
        self._commitments = {generation: _commitment(key, generation) for generation, key in keys.items()}
        self._newest = max(keys)

    def seal(self, place: str, records: AbstractBitMap) -> bytes:
        """Return `records` sealed for `place`, such as ``entry/anna``."""
        encoded = encode_set(records)
        plain = _LENGTH.pack(len(encoded)) + encoded
        plain += bytes(-len(plain) % PADDING)
        nonce = self._random(AEAD_NONCE_SIZE)
        header = _HEADER.pack(FORMAT, self._newest, self._commitments[self._newest], nonce)
        return header + self._ciphers[self._newest].seal(nonce, plain, _context(self._newest, place))

    def open(self, place: str, sealed: bytes) -> BitMap:
        """Return the records that were sealed for `place`.

        Raises:
            TamperedError: It does not open: changed, moved from elsewhere, or sealed under a key that is not here.
        """
        if len(sealed) >= _HEADER.size:
            form, generation, commitment, nonce = _HEADER.unpack_from(sealed)
            if generation not in self._ciphers and self._refreshed is not None:
                self.adopt(self._refreshed())
            if form == FORMAT and commitment == self._commitments.get(generation):
                try:
                    plain = self._ciphers[generation].open(nonce, sealed[_HEADER.size :], _context(generation, place))
                except OpenError as error:
                    raise TamperedError(f"the record set of {place} does not open") from error
                records = _records_in(plain)
                if records is not None:
                    return records
        raise TamperedError(f"the record set of {place} does not open")


def is_sealed_set(content: bytes) -> bool:
    """Answer whether `content` has the shape of a sealed set; what is in it takes the key."""
    size = len(content) - _HEADER.size - AEAD_TAG_SIZE
    return size >= PADDING and size % PADDING == 0 and content[0] == FORMAT


def encode_set_bundle(sets: Sequence[bytes | None]) -> bytes:
    """Return the sealed sets of one entry bundle, each after its length; None for an entry without a set."""
    return b"".join(_LENGTH.pack(len(sealed or b"")) + (sealed or b"") for sealed in sets)


def decode_set_bundle(data: bytes) -> list[bytes | None]:
    """Return the sealed sets of a bundle in order; None for an entry without a set.

    Raises:
        TamperedError: It is cut short.
    """
    sets: list[bytes | None] = []
    at = 0
    while at < len(data):
        start = at + _LENGTH.size
        if start > len(data):
            raise TamperedError("ends within a length")
        (size,) = _LENGTH.unpack_from(data, at)
        at = start + size
        if at > len(data):
            raise TamperedError("ends within a set")
        sets.append(data[start:at] or None)
    return sets


def entry_place(lineage: str) -> str:
    """Return the place of a set beside an entry of `lineage`; the entry itself binds it by its hash."""
    return f"entry/{lineage}"


def hash_set(sealed: bytes) -> str:
    """Return the hex digest by which an entry names its sealed set."""
    return sha256(sealed).hex()


def encode_set(records: AbstractBitMap) -> bytes:
    """Return the portable Roaring encoding of `records`, run-optimised so that equal sets have equal bytes."""
    copy = BitMap(records)
    copy.shrink_to_fit()
    copy.run_optimize()
    return copy.serialize()


def _records_in(plain: bytes) -> BitMap | None:
    """Return the records of an opened set; None for what nobody seals who keeps to the specification."""
    if not plain or len(plain) % PADDING:
        return None
    (size,) = _LENGTH.unpack_from(plain)
    end = _LENGTH.size + size
    if end > len(plain) or any(plain[end:]):
        return None
    try:
        return BitMap.deserialize(plain[_LENGTH.size : end])
    except (ValueError, IndexError):
        return None


def _context(generation: int, place: str) -> bytes:
    return _LABEL + struct.pack(">BH", FORMAT, generation) + place.encode()


def _commitment(key: bytes, generation: int) -> bytes:
    label = _COMMITMENT_LABEL + struct.pack(">BH", FORMAT, generation)
    return hmac_sha256(key, label)[:COMMITMENT_SIZE]
