"""Open records of one brand: the only module that yields plaintext of a record.

Contract:

- `BrandOpener` is the one way from sealed records to their values. It is pure: keys come in, values go out; who may
  call it, and what has to be durable before, is `flows`' to say.
- It is bound to one brand. Rows of an older generation of key-encryption keys open as long as the ring holds that
  generation.
- Opening is mute: `OpenError` does not say why. There is one key for an envelope, never a list to try, and it is
  given out only after the commitment to all class keys of the record was compared (`vault.wraps`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloakroom.crypto import AEAD_TAG_SIZE, open_cells
from cloakroom.errors import OpenError
from cloakroom.vault.envelope import (
    FORMAT,
    HEADER_SIZE,
    INDEX_CELL,
    LONG_COUNT,
    PADDING_BLOCK,
    EnvelopeClass,
    cell_head,
)
from cloakroom.vault.key_ring import KeyRing
from cloakroom.vault.sealed_record import SealedKeys, SealedRecord
from cloakroom.vault.wraps import BrandKeyWrapper

Wanted = Mapping[EnvelopeClass, Sequence[int] | None]
"""Field numbers by class; None for all fields of a class."""

_VERSION_MAX = 2**32 - 1


class BrandOpener:
    """Opens the records of one brand."""

    def __init__(self, ring: KeyRing, brand: int) -> None:
        """Take the ring and the number of the brand."""
        self._brand = brand
        self._keys = BrandKeyWrapper(ring, brand)

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
        held = self._keys.unwrap([(record.ordinal, keys) for record, keys in rows], wanted.keys())
        plan = list(wanted.items())
        return [
            None if keys is None else self._values(record, sealed.key_number, keys, plan)
            for (record, sealed), keys in zip(rows, held, strict=True)
        ]

    def open_index_cells(self, rows: Sequence[tuple[SealedRecord, SealedKeys]]) -> list[bytes]:
        """Return the index cell of each record, empty where it holds no values.

        Raises:
            OpenError: One of them does not open; names the record.
        """
        cells: list[bytes] = []
        opened = self.open_many(rows, {EnvelopeClass.IDENTITY: (INDEX_CELL,)})
        for (record, _), values in zip(rows, opened, strict=True):
            if values is None:
                raise OpenError(f"record {record.ordinal} does not open: a stored row was changed")
            cells.append(values.get(INDEX_CELL, b""))
        return cells

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
                    values.update(open_envelope(keys[field_class], envelope, head, numbers))
        except OpenError:
            return None
        return values


def open_envelope(
    key: bytes, envelope: bytes, head: bytes, numbers: Sequence[int] | None = None
) -> Mapping[int, bytes]:
    """Return the values of the wanted fields, by field number.

    Args:
        key: The class key of the record.
        envelope: What `seal_envelope` returned.
        head: Where it is expected to belong, as `cell_head` returns it.
        numbers: Fields to open; None for all. A field that the envelope does not hold is left out, but at least one
            cell is opened, so that an envelope of another place is refused and not taken for one that lacks fields.

    Raises:
        OpenError: It does not open.
    """
    if len(envelope) < HEADER_SIZE or envelope[0] != FORMAT:
        raise OpenError("does not open")
    try:
        present, found, sealed = _cells(envelope, numbers)
    except IndexError:
        raise OpenError("does not open") from None
    values: dict[int, bytes] = {}
    for number, padded in zip(
        found, open_cells(key, envelope[1:HEADER_SIZE], head + present, found, sealed), strict=True
    ):
        value = padded.rstrip(b"\0")
        if not value.endswith(b"\x80"):
            raise OpenError("does not open")
        values[number] = value[:-1]
    return values if numbers is None or found[0] in numbers else {}


def _cells(envelope: bytes, numbers: Sequence[int] | None) -> tuple[bytes, list[int], list[bytes]]:
    """Return the numbers of all cells, and the numbers and sealed bytes of the wanted ones.

    Where none of the wanted fields is held, the first cell is given: only a cell that opens shows that the envelope
    belongs where it lies. Every cell's length is checked.
    """
    present = bytearray()
    found: list[int] = []
    sealed: list[bytes] = []
    position, end = HEADER_SIZE, len(envelope)
    while position < end:
        number, blocks, start = envelope[position], envelope[position + 1], position + 2
        if blocks >= LONG_COUNT:
            blocks, start = (blocks - LONG_COUNT) << 8 | envelope[start], start + 1
            if blocks < LONG_COUNT:  # only the shortest way of writing a number is one
                raise OpenError("does not open")
        position = start + blocks * PADDING_BLOCK + AEAD_TAG_SIZE
        present.append(number)
        if numbers is None or number in numbers:
            found.append(number)
            sealed.append(envelope[start:position])
    if position != end:
        raise OpenError("does not open")
    if not present:
        raise OpenError("does not open")
    if not found:
        return _cells(envelope, present[:1])
    return bytes(present), found, sealed
