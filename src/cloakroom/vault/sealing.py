"""Seal whole records of one brand, in batches; `vault.opening` opens them.

Pure: keys and randomness come in, bytes go out. Class keys that are unwrapped here, to seal changed values under the
keys that a record has or to wrap them anew, never leave this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cloakroom.crypto import INITIAL_SIZE, KEY_SIZE, random_bytes
from cloakroom.errors import OpenError
from cloakroom.vault.envelope import CellContext, EnvelopeClass, seal_envelope, seal_envelopes
from cloakroom.vault.key_ring import KeyRing
from cloakroom.vault.sealed_record import SealedKeys, SealedRecord
from cloakroom.vault.wraps import CLASSES, BrandKeyWrapper


class BrandSealer:
    """Seals the records of one brand."""

    def __init__(self, ring: KeyRing, brand: int, random: Callable[[int], bytes] = random_bytes) -> None:
        """Take the ring, the number of the brand and a source of randomness."""
        self._brand = brand
        self._random = random
        self._keys = BrandKeyWrapper(ring, brand)

    @property
    def generation(self) -> int:
        """Generation of the key-encryption keys that new wraps use."""
        return self._keys.generation

    def seal_new(
        self, ordinals: Sequence[int], columns: Mapping[EnvelopeClass, Sequence[tuple[int, Sequence[bytes | None]]]]
    ) -> tuple[list[bytes], dict[EnvelopeClass, list[bytes | None]]]:
        """Seal many new records under fresh keys.

        Args:
            ordinals: Ordinal of each record.
            columns: By class, the number of each field, no number twice, and its value in each record.

        Returns:
            The wraps of each, as `SealedKeys` holds them, and by class the envelope of each.
        """
        count = len(ordinals)
        keys = {item: self._random(KEY_SIZE * count) for item in CLASSES}
        wraps = self._keys.wrap([(ordinal, 0) for ordinal in ordinals], keys)
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

    def reseal(
        self,
        ordinal: int,
        version: int,
        sealed_keys: SealedKeys,
        cells: Mapping[EnvelopeClass, Sequence[tuple[int, bytes]]],
    ) -> SealedRecord:
        """Seal new values of a known record under the keys that it has.

        Args:
            ordinal: Ordinal of the record.
            version: Version of the new values.
            sealed_keys: Its wrapped keys.
            cells: Field number and value of each field, by class.

        Raises:
            OpenError: Its keys do not open; names the record.
        """
        (keys,) = self._unwrapped([(ordinal, sealed_keys)])
        envelopes: list[bytes | None] = []
        for field_class in CLASSES:
            held = cells.get(field_class)
            if not held:
                envelopes.append(None)
                continue
            context = CellContext(self._brand, ordinal, field_class, sealed_keys.key_number, version)
            envelopes.append(seal_envelope(keys[field_class], self._random(INITIAL_SIZE), context, held))
        return SealedRecord(ordinal, version, (envelopes[0], envelopes[1], envelopes[2]))

    def rewrap(self, rows: Sequence[tuple[int, SealedKeys]]) -> list[SealedKeys]:
        """Return the keys of records, given with their ordinals, wrapped under the newest generation.

        Raises:
            OpenError: Those of one do not open; names the record.
        """
        held = self._unwrapped(rows)
        joined = {item: b"".join([keys[item] for keys in held]) for item in CLASSES}
        wraps = self._keys.wrap([(ordinal, sealed.key_number) for ordinal, sealed in rows], joined)
        return [
            SealedKeys(self.generation, sealed.key_number, one) for (_, sealed), one in zip(rows, wraps, strict=True)
        ]

    def _unwrapped(self, rows: Sequence[tuple[int, SealedKeys]]) -> list[Mapping[EnvelopeClass, bytes]]:
        found: list[Mapping[EnvelopeClass, bytes]] = []
        for (ordinal, _), keys in zip(rows, self._keys.unwrap(rows, CLASSES), strict=True):
            if keys is None:
                raise OpenError(f"the keys of record {ordinal} do not open: a stored row was changed")
            found.append(keys)
        return found
