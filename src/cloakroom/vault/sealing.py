"""Seals and opens whole records of one brand, in batches.

Pure: keys and randomness come in, bytes go out. `BrandSealer` is bound to one brand and the generation of its
key-encryption keys; rows of an older generation open as long as the ring holds that generation.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cloakroom.crypto import AEAD_NONCE_SIZE, KEY_SIZE, AuthenticatedCipher, random_bytes
from cloakroom.errors import OpenError
from cloakroom.vault.envelope import (
    WRAP_SIZE,
    CellContext,
    EnvelopeClass,
    open_envelope,
    seal_cells_of,
    seal_envelope,
    unwrap_key,
    wrap_context,
    wrap_key,
)
from cloakroom.vault.key_ring import KeyPurpose, KeyRing

CLASSES = tuple(EnvelopeClass)


@dataclass(frozen=True, slots=True)
class SealedKeys:
    """The wrapped class keys of one record.

    Attributes:
        generation: Generation of the brand's key-encryption keys.
        key_number: Counts the key sets that the record has had.
        wraps: A nonce of 12 bytes and three wraps of 48 bytes, in the order of the classes. They share the nonce:
            each is under a key-encryption key of its own.
    """

    generation: int
    key_number: int
    wraps: bytes


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """One record as it is stored.

    Attributes:
        ordinal: Ordinal of the record.
        version: Version of its values.
        envelopes: One envelope for each class, None where the class holds nothing.
    """

    ordinal: int
    version: int
    envelopes: tuple[bytes | None, bytes | None, bytes | None]


class BrandSealer:
    """Seals and opens the records of one brand."""

    def __init__(self, ring: KeyRing, brand: int, random: Callable[[int], bytes] = random_bytes) -> None:
        """Take the ring, the number of the brand and a source of randomness."""
        self._brand = brand
        self._random = random
        self._generation = ring.newest(KeyPurpose.WRAP, brand, EnvelopeClass.CONTACT.name)
        self._encryption_keys = {
            (generation, field_class): AuthenticatedCipher(
                ring.get(KeyPurpose.WRAP, brand, field_class.name, generation)
            )
            for field_class in CLASSES
            for generation in ring.generations(KeyPurpose.WRAP, brand, field_class.name)
        }

    @property
    def generation(self) -> int:
        """Generation of the key-encryption keys that new wraps use."""
        return self._generation

    def new_keys(self, ordinal: int, key_number: int = 0) -> tuple[SealedKeys, dict[EnvelopeClass, bytes]]:
        """Return fresh class keys for a record, wrapped and open."""
        material = self._random(AEAD_NONCE_SIZE + KEY_SIZE * len(CLASSES))
        nonce = material[:AEAD_NONCE_SIZE]
        keys = {
            field_class: material[AEAD_NONCE_SIZE + KEY_SIZE * at : AEAD_NONCE_SIZE + KEY_SIZE * (at + 1)]
            for at, field_class in enumerate(CLASSES)
        }
        return self._wrapped(ordinal, key_number, nonce, keys), keys

    def rewrap(self, ordinal: int, sealed: SealedKeys) -> SealedKeys:
        """Return the same keys wrapped under the newest generation."""
        keys = self.unwrap(ordinal, sealed, CLASSES)
        return self._wrapped(ordinal, sealed.key_number, self._random(AEAD_NONCE_SIZE), keys)

    def unwrap(
        self, ordinal: int, sealed: SealedKeys, classes: Collection[EnvelopeClass]
    ) -> dict[EnvelopeClass, bytes]:
        """Return the open class keys.

        Raises:
            OpenError: One does not open.
        """
        keys = {}
        for field_class in classes:
            encryption_key = self._encryption_keys.get((sealed.generation, field_class))
            if encryption_key is None:
                raise OpenError("does not open")
            at = AEAD_NONCE_SIZE + (field_class - 1) * WRAP_SIZE
            context = wrap_context(self._brand, ordinal, field_class, sealed.key_number, sealed.generation)
            keys[field_class] = unwrap_key(
                encryption_key, sealed.wraps[:AEAD_NONCE_SIZE], sealed.wraps[at : at + WRAP_SIZE], context
            )
        return keys

    def seal(
        self,
        ordinal: int,
        version: int,
        keys: Mapping[EnvelopeClass, bytes],
        cells: Mapping[EnvelopeClass, Sequence[tuple[int, bytes]]],
        key_number: int = 0,
    ) -> SealedRecord:
        """Return the record sealed.

        Args:
            ordinal: Ordinal of the record.
            version: Version of the values, from 1.
            keys: Open class keys.
            cells: Field number and value of each field, by class.
            key_number: Counts the key sets of the record.
        """
        initials = self._random(AEAD_NONCE_SIZE * len(CLASSES))
        envelopes: list[bytes | None] = []
        for at, field_class in enumerate(CLASSES):
            held = cells.get(field_class)
            if not held:
                envelopes.append(None)
                continue
            context = CellContext(self._brand, ordinal, field_class, key_number, version)
            initial = initials[AEAD_NONCE_SIZE * at : AEAD_NONCE_SIZE * (at + 1)]
            envelopes.append(seal_envelope(keys[field_class], initial, context, held))
        return SealedRecord(ordinal, version, (envelopes[0], envelopes[1], envelopes[2]))

    def open(
        self,
        record: SealedRecord,
        sealed_keys: SealedKeys,
        wanted: Mapping[EnvelopeClass, Sequence[int] | None],
    ) -> dict[int, bytes]:
        """Return values by field number.

        Args:
            record: The sealed record; only the wanted classes need an envelope.
            sealed_keys: Its wrapped keys.
            wanted: Field numbers by class; None for all fields of a class.

        Raises:
            OpenError: Something does not open.
        """
        keys = self.unwrap(record.ordinal, sealed_keys, wanted.keys())
        values: dict[int, bytes] = {}
        for field_class, numbers in wanted.items():
            envelope = record.envelopes[field_class - 1]
            if envelope is not None:
                values.update(
                    open_envelope(
                        keys[field_class],
                        envelope,
                        brand=self._brand,
                        ordinal=record.ordinal,
                        field_class=field_class,
                        numbers=numbers,
                    )
                )
        return values

    def seal_new(
        self, ordinals: Sequence[int], cells: Iterable[Mapping[EnvelopeClass, Sequence[tuple[int, bytes]]]]
    ) -> Iterator[tuple[bytes, list[bytes | None]]]:
        """Seal many new records: yield for each its wraps, as `SealedKeys` holds them, and envelopes.

        Does for thousands of records in a loop what `new_keys` and `seal` do for one.

        Args:
            ordinals: Ordinal of each record.
            cells: Cells of each record by class; no field number twice, no class empty.
        """
        brand, generation = self._brand, self._generation
        ciphers = [(item, self._encryption_keys[(generation, item)]) for item in CLASSES]
        step = AEAD_NONCE_SIZE * (1 + len(CLASSES)) + KEY_SIZE * len(CLASSES)
        material = self._random(step * len(ordinals))
        for at, (ordinal, held) in enumerate(zip(ordinals, cells, strict=True)):
            start = at * step
            nonce = material[start : start + AEAD_NONCE_SIZE]
            start += AEAD_NONCE_SIZE
            wraps = [nonce]
            envelopes: list[bytes | None] = []
            for field_class, cipher in ciphers:
                key = material[start : start + KEY_SIZE]
                initial = material[start + KEY_SIZE : start + KEY_SIZE + AEAD_NONCE_SIZE]
                start += KEY_SIZE + AEAD_NONCE_SIZE
                wraps.append(cipher.seal(nonce, key, wrap_context(brand, ordinal, field_class, 0, generation)))
                inside = held.get(field_class)
                envelopes.append(
                    seal_cells_of(key, initial, (brand, ordinal, field_class, 0), 1, inside) if inside else None
                )
            yield b"".join(wraps), envelopes

    def _wrapped(
        self, ordinal: int, key_number: int, nonce: bytes, keys: Mapping[EnvelopeClass, bytes]
    ) -> SealedKeys:
        wraps = [
            wrap_key(
                self._encryption_keys[(self._generation, field_class)],
                nonce,
                keys[field_class],
                wrap_context(self._brand, ordinal, field_class, key_number, self._generation),
            )
            for field_class in CLASSES
        ]
        return SealedKeys(self._generation, key_number, nonce + b"".join(wraps))
