"""Sealed values of one record: envelopes and wrapped keys. The bytes are specified in `docs/spec/envelope.md`.

Contract:

- Each record has one random 256-bit key for each field class. The key lies wrapped in another table than the
  envelope, so that destroying it makes every copy of the envelope unreadable.
- Each field is sealed by itself (AES-256-GCM), padded to 16 bytes, with associated data that binds format, brand,
  record, class, field, version of the values and number of the key. A cell moved anywhere else does not open.
- An envelope has one random 96-bit initial value; the nonce of a cell is that value XOR the field's number, as
  TLS 1.3 does for its records (RFC 8446 §5.3). An envelope is always sealed whole, never patched: changed values
  get a new initial value, so that no nonce is used twice.
- AES-GCM does not commit to its key. The envelope carries a commitment (HMAC-SHA-256 under the class key) that is
  compared before anything is opened; there is one key for an envelope, never a list to try.
- Opening is mute: `OpenError` does not say why.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from cloakroom.crypto import (
    AEAD_NONCE_SIZE,
    AEAD_TAG_SIZE,
    KEY_SIZE,
    AuthenticatedCipher,
    hmac_sha256,
    is_equal,
    open_cells,
    seal_cells,
)
from cloakroom.errors import OpenError, UsageError

FORMAT = 1
PADDING_BLOCK = 16
COMMITMENT_SIZE = 24
"""HMAC-SHA-256 cut to 192 bits: two keys with one commitment take 2^96 tries."""
WRAP_SIZE = KEY_SIZE + AEAD_TAG_SIZE
MAX_FIELD_NUMBER = 255
MAX_VALUE_SIZE = 60_000

_HEADER = struct.Struct(f">BBI{AEAD_NONCE_SIZE}s{COMMITMENT_SIZE}s")
_CELL_HEADER = struct.Struct(">BH")
_CELL_CONTEXT = struct.Struct(">18sBHIBBI")
_WRAP_CONTEXT = struct.Struct(">18sBHIBBH")
_COMMITMENT_CONTEXT = struct.Struct(">20sBHIBB")
_CELL_LABEL = b"cloakroom/cell"
_WRAP_LABEL = b"cloakroom/wrap"
_COMMITMENT_LABEL = b"cloakroom/commitment"
_PADDINGS = [b"\x80" + bytes(PADDING_BLOCK - 1 - used) for used in range(PADDING_BLOCK)]
"""What follows a value of so many bytes beyond a multiple of 16 (ISO/IEC 7816-4)."""


class EnvelopeClass(IntEnum):
    """What a thief wants is split three ways; each class has keys of its own."""

    CONTACT = 1
    IDENTITY = 2
    VALUE = 3


@dataclass(frozen=True, slots=True)
class CellContext:
    """Where an envelope belongs; bound to every cell in it.

    Attributes:
        brand: Number of the brand, 0 to 65535.
        ordinal: Ordinal of the record, 0 to 2^32 − 1.
        field_class: Class of all fields in the envelope.
        key_number: Counts the class keys that this record has had; 0 for the first.
        version: Version of the record's values at which this envelope was sealed.
    """

    brand: int
    ordinal: int
    field_class: EnvelopeClass
    key_number: int
    version: int


def seal_envelope(key: bytes, initial: bytes, context: CellContext, cells: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the envelope that holds `cells`.

    Args:
        key: The class key of the record, 32 bytes.
        initial: 12 random bytes, new for each envelope.
        context: Where it belongs.
        cells: Pairs of field number (0 to 255, each once) and value.
    """
    held = list(cells)
    if len({number for number, _ in held}) != len(held):
        raise UsageError("a field number stands twice in one envelope")
    place = (context.brand, context.ordinal, context.field_class, context.key_number)
    return seal_cells_of(key, initial, place, context.version, held)


Place = tuple[int, int, int, int]
"""Brand, ordinal, class, key number: see `CellContext`. A plain tuple where thousands are sealed in a loop."""


def seal_cells_of(
    key: bytes, initial: bytes, place: Place, version: int, cells: Sequence[tuple[int, bytes]]
) -> bytes:
    """Do what `seal_envelope` does, for callers that know that no field number stands twice."""
    numbers = [number for number, _ in cells]
    plaintexts = [value + _PADDINGS[len(value) % PADDING_BLOCK] for _, value in cells]
    if max(map(len, plaintexts)) > MAX_VALUE_SIZE:
        raise UsageError(f"a value is longer than {MAX_VALUE_SIZE - PADDING_BLOCK} bytes")
    head = _CELL_CONTEXT.pack(_CELL_LABEL, FORMAT, *place, version)
    sealed = seal_cells(key, initial, head, numbers, plaintexts)
    parts = [_HEADER.pack(FORMAT, place[3], version, initial, _commitment(key, place))]
    pack = _CELL_HEADER.pack
    for number, cell in zip(numbers, sealed, strict=True):
        parts += (pack(number, len(cell)), cell)
    return b"".join(parts)


def open_envelope(
    key: bytes,
    envelope: bytes,
    *,
    brand: int,
    ordinal: int,
    field_class: EnvelopeClass,
    numbers: Sequence[int] | None = None,
) -> Mapping[int, bytes]:
    """Return the values of the wanted fields, by field number.

    Args:
        key: The class key of the record.
        envelope: What `seal_envelope` returned.
        brand: Number of the brand it is expected to belong to.
        ordinal: Ordinal of the record it is expected to belong to.
        field_class: Class it is expected to hold.
        numbers: Fields to open; None for all. A field that the envelope does not hold is left out.

    Raises:
        OpenError: It does not open.
    """
    if len(envelope) < _HEADER.size:
        raise OpenError("does not open")
    form, key_number, version, initial, commitment = _HEADER.unpack_from(envelope)
    place = (brand, ordinal, field_class, key_number)
    if form != FORMAT or not is_equal(commitment, _commitment(key, place)):
        raise OpenError("does not open")
    found, sealed = _cells(envelope, numbers)
    head = _CELL_CONTEXT.pack(_CELL_LABEL, FORMAT, *place, version)
    opened = open_cells(key, initial, head, found, sealed)
    return dict(zip(found, map(_unpad, opened), strict=True))


def _cells(envelope: bytes, numbers: Sequence[int] | None) -> tuple[list[int], list[bytes]]:
    """Return the numbers and the sealed bytes of the wanted cells; every cell's length is checked."""
    found: list[int] = []
    sealed: list[bytes] = []
    position, end, unpack = _HEADER.size, len(envelope), _CELL_HEADER.unpack_from
    while position < end:
        start = position + _CELL_HEADER.size
        if start > end:
            raise OpenError("does not open")
        number, size = unpack(envelope, position)
        position = start + size
        if position > end:
            raise OpenError("does not open")
        if numbers is None or number in numbers:
            found.append(number)
            sealed.append(envelope[start:position])
    return found, sealed


def _unpad(padded: bytes) -> bytes:
    value = padded.rstrip(b"\0")
    if not value.endswith(b"\x80"):
        raise OpenError("does not open")
    return value[:-1]


def _commitment(key: bytes, place: Place) -> bytes:
    return hmac_sha256(key, _COMMITMENT_CONTEXT.pack(_COMMITMENT_LABEL, FORMAT, *place))[:COMMITMENT_SIZE]


def wrap_context(brand: int, ordinal: int, field_class: EnvelopeClass, key_number: int, generation: int) -> bytes:
    """Return the associated data of a wrapped class key.

    Args:
        brand: Number of the brand.
        ordinal: Ordinal of the record.
        field_class: Class of the key.
        key_number: Counts the class keys that the record has had.
        generation: Generation of the brand's key-encryption keys.
    """
    return _WRAP_CONTEXT.pack(_WRAP_LABEL, FORMAT, brand, ordinal, field_class, key_number, generation)


def wrap_key(encryption_key: AuthenticatedCipher, nonce: bytes, key: bytes, context: bytes) -> bytes:
    """Return `key` (32 bytes) wrapped into 48 bytes; `context` comes from `wrap_context`."""
    return encryption_key.seal(nonce, key, context)


def unwrap_key(encryption_key: AuthenticatedCipher, nonce: bytes, wrapped: bytes, context: bytes) -> bytes:
    """Undo `wrap_key`.

    Raises:
        OpenError: It does not open.
    """
    return encryption_key.open(nonce, wrapped, context)
