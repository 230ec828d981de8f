"""The class keys of records, wrapped. The bytes are specified in `docs/spec/keys.md`.

Contract:

- A class key is two random blocks, enciphered block by block (AES-256 as a permutation) under the key-encryption key
  of its brand, class and generation. What is random and never repeats may be enciphered so: equal blocks would show
  as equal, and there are none. No nonce is needed, hence none can be used twice, whatever backup is put back.
- One commitment for the three wraps of a record: HMAC-SHA-256 over place and wraps. It is compared before anything
  is unwrapped, whichever classes are wanted, so it authenticates the wraps and fixes all three keys: a row of wraps
  gives these keys and no others, and no second ring can be found under which it gives others.
- The key of the commitment is derived from all three key-encryption keys of the generation, and dies with them.
- Opening is mute: what does not open is None, whatever the reason.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence

from cloakroom.crypto import KEY_SIZE, BlockPermutation, KeyedDigest, hkdf_sha256, is_equal
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.key_ring import KeyPurpose, KeyRing
from cloakroom.vault.sealed_record import SealedKeys

FORMAT = 1
COMMITMENT_SIZE = 24
"""HMAC-SHA-256 cut to 192 bits: two sets of keys with one commitment take 2^96 tries."""
CLASSES = tuple(EnvelopeClass)
KEYS_SIZE = KEY_SIZE * len(CLASSES)
WRAPS_SIZE = KEYS_SIZE + COMMITMENT_SIZE

_CONTEXT = struct.Struct(">18sBHIBH")
_LABEL = b"cloakroom/wraps"
_COMMITMENT_INFO = b"cloakroom/wraps/commitment/v1"

_KEY_NUMBER_MAX = 255

Place = tuple[int, int]
"""Ordinal of a record, and number of its key set."""


class KeyWrapper:
    """Wraps and unwraps the class keys of one brand's records under one generation of key-encryption keys."""

    __slots__ = ("_brand", "_commitments", "_generation", "_permutations")

    def __init__(self, brand: int, generation: int, encryption_keys: Mapping[EnvelopeClass, bytes]) -> None:
        """Take the number of the brand, the generation, and its key of each class."""
        self._brand = brand
        self._generation = generation
        self._permutations = {item: BlockPermutation(encryption_keys[item]) for item in CLASSES}
        secret = b"".join(encryption_keys[item] for item in CLASSES)
        self._commitments = KeyedDigest(hkdf_sha256(secret, info=_COMMITMENT_INFO))

    @property
    def generation(self) -> int:
        """The generation of the key-encryption keys."""
        return self._generation

    def wrap(self, places: Sequence[Place], keys: Mapping[EnvelopeClass, bytes]) -> list[bytes]:
        """Return the wraps of many records.

        Args:
            places: One for each record.
            keys: By class, the keys of all records, 32 bytes each, one after the other.
        """
        contact, identity, value = (self._permutations[item].permute(keys[item]) for item in CLASSES)
        wrapped = [
            contact[at : at + KEY_SIZE] + identity[at : at + KEY_SIZE] + value[at : at + KEY_SIZE]
            for at in range(0, KEY_SIZE * len(places), KEY_SIZE)
        ]
        return [one + commitment for one, commitment in zip(wrapped, self._committed(places, wrapped), strict=True)]

    def unwrap(
        self, places: Sequence[Place], wraps: Sequence[bytes], classes: Collection[EnvelopeClass]
    ) -> list[Mapping[EnvelopeClass, bytes] | None]:
        """Return the class keys of many records, None for each whose wraps are not what they were when made.

        Args:
            places: One for each record.
            wraps: What `wrap` returned for each.
            classes: Which keys are wanted.
        """
        wrapped = [one[:KEYS_SIZE] for one in wraps]
        whole = [
            len(one) == WRAPS_SIZE and is_equal(one[KEYS_SIZE:], commitment)
            for one, commitment in zip(wraps, self._committed(places, wrapped), strict=True)
        ]
        opened = {
            item: self._permutations[item].invert(
                b"".join(
                    [
                        one[(item - 1) * KEY_SIZE : item * KEY_SIZE]
                        for one, is_whole in zip(wrapped, whole, strict=True)
                        if is_whole
                    ]
                )
            )
            for item in classes
        }
        found: list[Mapping[EnvelopeClass, bytes] | None] = []
        at = 0
        for is_whole in whole:
            found.append({item: keys[at : at + KEY_SIZE] for item, keys in opened.items()} if is_whole else None)
            at += KEY_SIZE * is_whole
        return found

    def _committed(self, places: Sequence[Place], wrapped: Iterable[bytes]) -> list[bytes]:
        brand, generation, pack = self._brand, self._generation, _CONTEXT.pack
        return self._commitments.digests(
            [
                pack(_LABEL, FORMAT, brand, ordinal, key_number, generation) + one
                for (ordinal, key_number), one in zip(places, wrapped, strict=True)
            ],
            COMMITMENT_SIZE,
        )

    def __repr__(self) -> str:
        return f"KeyWrapper(brand {self._brand}, generation {self._generation})"


class BrandKeyWrapper:
    """Wraps the class keys of one brand's records under the newest generation; unwraps them under every one held."""

    __slots__ = ("_newest", "_wrappers")

    def __init__(self, ring: KeyRing, brand: int) -> None:
        """Take the ring and the number of the brand."""
        generations = ring.generations(KeyPurpose.WRAP, brand, EnvelopeClass.CONTACT.name)
        self._newest = ring.newest(KeyPurpose.WRAP, brand, EnvelopeClass.CONTACT.name)
        self._wrappers = {
            generation: KeyWrapper(
                brand,
                generation,
                {item: ring.get(KeyPurpose.WRAP, brand, item.name, generation) for item in CLASSES},
            )
            for generation in generations
        }

    @property
    def generation(self) -> int:
        """The generation of the key-encryption keys that new wraps use."""
        return self._newest

    def wrap(self, places: Sequence[Place], keys: Mapping[EnvelopeClass, bytes]) -> list[bytes]:
        """Return the wraps of many records under the newest generation, as `KeyWrapper.wrap` does."""
        return self._wrappers[self._newest].wrap(places, keys)

    def unwrap(
        self, rows: Sequence[tuple[int, SealedKeys]], classes: Collection[EnvelopeClass]
    ) -> list[Mapping[EnvelopeClass, bytes] | None]:
        """Return the class keys of many records, given with their ordinals; None for each that does not unwrap."""
        by_generation: dict[int, list[int]] = {}
        for at, (_, sealed) in enumerate(rows):
            if sealed.generation in self._wrappers and 0 <= sealed.key_number <= _KEY_NUMBER_MAX:
                by_generation.setdefault(sealed.generation, []).append(at)
        found: list[Mapping[EnvelopeClass, bytes] | None] = [None] * len(rows)
        for generation, positions in by_generation.items():
            chosen = [rows[at] for at in positions]
            places = [(ordinal, sealed.key_number) for ordinal, sealed in chosen]
            keys = self._wrappers[generation].unwrap(places, [sealed.wraps for _, sealed in chosen], classes)
            for at, held in zip(positions, keys, strict=True):
                found[at] = held
        return found
