"""Seals and opens whole records of one brand, in batches.

Pure: keys and randomness come in, bytes go out. `BrandSealer` is bound to one brand and the generation of its
key-encryption keys; rows of an older generation open as long as the ring holds that generation.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from cloakroom.crypto import INITIAL_SIZE, KEY_SIZE, random_bytes
from cloakroom.errors import OpenError
from cloakroom.vault.envelope import (
    CellContext,
    EnvelopeClass,
    cell_head,
    open_wanted_cells,
    seal_envelope,
    seal_envelopes,
)
from cloakroom.vault.key_ring import KeyPurpose, KeyRing
from cloakroom.vault.wraps import CLASSES, KeyWrapper

_KEY_NUMBER_MAX = 255
_VERSION_MAX = 2**32 - 1


class SealedKeys(msgspec.Struct, frozen=True, gc=False):
    """The wrapped class keys of one record.

    Attributes:
        generation: Generation of the brand's key-encryption keys.
        key_number: Counts the key sets that the record has had.
        wraps: What `KeyWrapper.wrap` returned.
    """

    generation: int
    key_number: int
    wraps: bytes


class SealedRecord(msgspec.Struct, frozen=True, gc=False):
    """One record as it is stored.

    Attributes:
        ordinal: Ordinal of the record.
        version: Version of its values.
        envelopes: One envelope for each class, None where the class holds nothing.
    """

    ordinal: int
    version: int
    envelopes: tuple[bytes | None, bytes | None, bytes | None]


Wanted = Mapping[EnvelopeClass, Sequence[int] | None]
"""Field numbers by class; None for all fields of a class."""


class BrandSealer:
    """Seals and opens the records of one brand."""

    def __init__(self, ring: KeyRing, brand: int, random: Callable[[int], bytes] = random_bytes) -> None:
        """Take the ring, the number of the brand and a source of randomness."""
        self._brand = brand
        self._random = random
        self._generation = ring.newest(KeyPurpose.WRAP, brand, EnvelopeClass.CONTACT.name)
        self._wrappers = {
            generation: KeyWrapper(
                brand,
                generation,
                {item: ring.get(KeyPurpose.WRAP, brand, item.name, generation) for item in CLASSES},
            )
            for generation in ring.generations(KeyPurpose.WRAP, brand, EnvelopeClass.CONTACT.name)
        }

    @property
    def generation(self) -> int:
        """Generation of the key-encryption keys that new wraps use."""
        return self._generation

    def new_keys(self, ordinal: int, key_number: int = 0) -> tuple[SealedKeys, Mapping[EnvelopeClass, bytes]]:
        """Return fresh class keys for a record, wrapped and open."""
        keys = {item: self._random(KEY_SIZE) for item in CLASSES}
        (wraps,) = self._wrappers[self._generation].wrap([(ordinal, key_number)], keys)
        return SealedKeys(self._generation, key_number, wraps), keys

    def rewrap(self, rows: Sequence[tuple[int, SealedKeys]]) -> list[SealedKeys]:
        """Return the keys of records, given with their ordinals, wrapped under the newest generation.

        Raises:
            OpenError: Those of one do not open.
        """
        places = [(ordinal, sealed.key_number) for ordinal, sealed in rows]
        held = self._unwrapped(rows, CLASSES)
        missing = [ordinal for (ordinal, _), keys in zip(places, held, strict=True) if keys is None]
        if missing:
            raise OpenError(f"the keys of record {missing[0]} do not open: a stored row was changed")
        joined = {item: b"".join(keys[item] for keys in held if keys is not None) for item in CLASSES}
        wraps = self._wrappers[self._generation].wrap(places, joined)
        return [SealedKeys(self._generation, number, one) for (_, number), one in zip(places, wraps, strict=True)]

    def unwrap(
        self, ordinal: int, sealed: SealedKeys, classes: Collection[EnvelopeClass]
    ) -> Mapping[EnvelopeClass, bytes]:
        """Return the open class keys.

        Raises:
            OpenError: They do not open.
        """
        (keys,) = self._unwrapped([(ordinal, sealed)], classes)
        if keys is None:
            raise OpenError("does not open")
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
        envelopes: list[bytes | None] = []
        for field_class in CLASSES:
            held = cells.get(field_class)
            if not held:
                envelopes.append(None)
                continue
            context = CellContext(self._brand, ordinal, field_class, key_number, version)
            envelopes.append(seal_envelope(keys[field_class], self._random(INITIAL_SIZE), context, held))
        return SealedRecord(ordinal, version, (envelopes[0], envelopes[1], envelopes[2]))

    def open(self, record: SealedRecord, sealed_keys: SealedKeys, wanted: Wanted) -> Mapping[int, bytes]:
        """Return values by field number.

        Args:
            record: The sealed record; only the wanted classes need an envelope.
            sealed_keys: Its wrapped keys.
            wanted: Field numbers by class; None for all fields of a class.

        Raises:
            OpenError: Something does not open.
        """
        (values,) = self.open_many([(record, sealed_keys)], wanted)
        if values is None:
            raise OpenError("does not open")
        return values

    def open_many(
        self, rows: Sequence[tuple[SealedRecord, SealedKeys]], wanted: Wanted
    ) -> list[Mapping[int, bytes] | None]:
        """Return the values of many records by field number, None for each that does not open."""
        held = self._unwrapped([(record.ordinal, keys) for record, keys in rows], wanted.keys())
        plan = [(field_class, numbers) for field_class, numbers in wanted.items()]
        return [
            None if keys is None else self._values(record, sealed.key_number, keys, plan)
            for (record, sealed), keys in zip(rows, held, strict=True)
        ]

    def seal_new(
        self, ordinals: Sequence[int], columns: Mapping[EnvelopeClass, Sequence[tuple[int, Sequence[bytes | None]]]]
    ) -> tuple[list[bytes], dict[EnvelopeClass, list[bytes | None]]]:
        """Seal many new records: return the wraps of each, as `SealedKeys` holds them, and its envelopes by class.

        Does for thousands of records, column by column, what `new_keys` and `seal` do for one.

        Args:
            ordinals: Ordinal of each record.
            columns: By class, the number of each field, no number twice, and its value in each record.
        """
        count = len(ordinals)
        keys = {item: self._random(KEY_SIZE * count) for item in CLASSES}
        wraps = self._wrappers[self._generation].wrap([(ordinal, 0) for ordinal in ordinals], keys)
        envelopes = {
            item: seal_envelopes(
                keys[item],
                self._random(INITIAL_SIZE * count),
                ordinals,
                brand=self._brand,
                field_class=item,
                columns=columns.get(item, ()),
            )
            for item in CLASSES
        }
        return wraps, envelopes

    def _unwrapped(
        self, rows: Sequence[tuple[int, SealedKeys]], classes: Collection[EnvelopeClass]
    ) -> list[Mapping[EnvelopeClass, bytes] | None]:
        """Return the open class keys of each record, None where they do not open."""
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

    def _values(
        self,
        record: SealedRecord,
        key_number: int,
        keys: Mapping[EnvelopeClass, bytes],
        plan: Sequence[tuple[EnvelopeClass, Sequence[int] | None]],
    ) -> Mapping[int, bytes] | None:
        values: dict[int, bytes] = {}
        if not 0 <= record.version <= _VERSION_MAX:
            return None
        try:
            for field_class, numbers in plan:
                envelope = record.envelopes[field_class - 1]
                if envelope is not None:
                    head = cell_head(self._brand, record.ordinal, field_class, key_number, record.version)
                    values.update(open_wanted_cells(keys[field_class], envelope, head, numbers))
        except OpenError:
            return None
        return values
