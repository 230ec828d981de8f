"""Seal the values of one record and class into an envelope. The bytes are specified in `docs/spec/envelope.md`.

Contract:

- Each record has one random 256-bit key for each field class. The key lies wrapped in another table than the
  envelope, so that destroying it makes every copy of the envelope unreadable. `vault.wraps` gives it out.
- Each field is sealed by itself (AES-256-GCM), padded to 16 bytes, with associated data that binds format, brand,
  record, class, field, version of the values, number of the key, and which fields the envelope holds. A cell moved
  anywhere else does not open, and none opens where one was taken away.
- An envelope has one random initial value of 88 bits; the nonce of a cell is that value and the field's number. An
  envelope is always sealed whole, never patched: changed values get a new initial value, so that no nonce is used
  twice.
- AES-GCM does not commit to its key. The commitment to the three class keys of a record lies with their wraps, and
  is compared before any of them is given out; there is one key for an envelope, never a list to try.
- `vault.opening` opens it; nothing here does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from cloakroom.crypto import INITIAL_SIZE, KEY_SIZE, seal_cells, seal_rows
from cloakroom.errors import UsageError

FORMAT = 1
PADDING_BLOCK = 16
MAX_FIELD_NUMBER = 255
MAX_VALUE_SIZE = 60_000
HEADER_SIZE = 1 + INITIAL_SIZE
INDEX_CELL = 0
"""Field number of the cell that holds a record's link digests; no field has it."""
LONG_COUNT = 0x80
"""Set in the first of two bytes that count the blocks of a value of 2,048 bytes or more."""

_CELL_CONTEXT = struct.Struct(">18sBHIBBI")
_CELL_LABEL = b"cloakroom/cell"
_FORMAT_BYTE = bytes((FORMAT,))
_PADDINGS = [b"\x80" + bytes(PADDING_BLOCK - 1 - used) for used in range(PADDING_BLOCK)]
"""What follows a value of so many bytes beyond a multiple of 16 (ISO/IEC 7816-4)."""
_BYTE = [bytes((number,)) for number in range(256)]
_COUNTS = [
    bytes((blocks,)) if blocks < LONG_COUNT else bytes((LONG_COUNT | blocks >> 8, blocks & 0xFF))
    for blocks in range(MAX_VALUE_SIZE // PADDING_BLOCK + 1)
]
"""How a count of blocks is written."""


class EnvelopeClass(IntEnum):
    """The number of each `FieldClass` in sealed bytes, under the same names; each class has keys of its own."""

    CONTACT = 1
    IDENTITY = 2
    VALUE = 3


@dataclass(frozen=True, slots=True)
class CellContext:
    """The place where an envelope belongs; bound to every cell in it.

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

    def head(self) -> bytes:
        """Return the associated data that all cells of the envelope share."""
        return cell_head(self.brand, self.ordinal, self.field_class, self.key_number, self.version)


def cell_head(brand: int, ordinal: int, field_class: int, key_number: int, version: int) -> bytes:
    """Return what `CellContext.head` does, without a context, where thousands are sealed or opened in a loop."""
    return _CELL_CONTEXT.pack(_CELL_LABEL, FORMAT, brand, ordinal, field_class, key_number, version)


def seal_envelope(key: bytes, initial: bytes, context: CellContext, cells: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the envelope that holds `cells`.

    Args:
        key: The class key of the record, 32 bytes.
        initial: 11 random bytes, new for each envelope.
        context: Where it belongs.
        cells: Pairs of field number (0 to 255, each once) and value.
    """
    held = list(cells)
    if len({number for number, _ in held}) != len(held):
        raise UsageError("a field number stands twice in one envelope")
    numbers = [number for number, _ in held]
    padded = _padded([value for _, value in held])
    sealed = seal_cells(key, initial, context.head() + bytes(numbers), numbers, padded)
    parts = [_FORMAT_BYTE, initial]
    for number, value, cell in zip(numbers, padded, sealed, strict=True):
        parts += (_BYTE[number], _COUNTS[len(value) // PADDING_BLOCK], cell)
    return b"".join(parts)


def seal_envelopes(
    keys: bytes,
    initials: bytes,
    ordinals: Sequence[int],
    *,
    brand: int,
    field_class: EnvelopeClass,
    columns: Sequence[tuple[int, Sequence[bytes | None]]],
) -> list[bytes | None]:
    """Do what `seal_envelope` does for many new records at once: the first key of each, the first version.

    Args:
        keys: Class key of each record, 32 bytes each, one after the other.
        initials: Initial value of each record, 11 bytes each.
        ordinals: Ordinal of each record.
        brand: Number of the brand.
        field_class: Class of the fields.
        columns: Field number, each once, and the value of each record; None where a record lacks the field.

    Returns:
        The envelopes, None where a record has none of the fields.
    """
    envelopes: list[bytes | None] = [None] * len(ordinals)
    for present, positions in _alike([values for _, values in columns], len(ordinals)).items():
        held = [
            (number, _padded(_take(values, positions)))
            for (number, values), is_held in zip(columns, present, strict=True)
            if is_held
        ]
        if not held:
            continue
        numbers = [number for number, _ in held]
        tail = bytes(numbers)
        firsts = _slices(initials, INITIAL_SIZE, positions)
        cells = seal_rows(
            b"".join(_slices(keys, KEY_SIZE, positions)),
            b"".join(firsts),
            heads=[cell_head(brand, ordinals[at], field_class, 0, 1) + tail for at in positions],
            numbers=numbers,
            rows=zip(*[values for _, values in held], strict=True),
            fronts=zip(*[_fronts(number, values) for number, values in held], strict=True),
        )
        for at, initial, one in zip(positions, firsts, cells, strict=True):
            envelopes[at] = _FORMAT_BYTE + initial + one
    return envelopes


def _padded(values: Sequence[bytes]) -> list[bytes]:
    if max(map(len, values), default=0) > MAX_VALUE_SIZE - PADDING_BLOCK:
        raise UsageError(f"a value is longer than {MAX_VALUE_SIZE - PADDING_BLOCK} bytes")
    return [value + _PADDINGS[len(value) % PADDING_BLOCK] for value in values]


def _alike(columns: Sequence[Sequence[bytes | None]], count: int) -> Mapping[tuple[bool, ...], Sequence[int]]:
    """Group rows that have the same fields; mostly all of them have, and then nothing is asked of each value."""
    if not any(None in values for values in columns):
        return {(True,) * len(columns): range(count)}
    groups: dict[tuple[bool, ...], list[int]] = {}
    for at, row in enumerate(zip(*columns, strict=True)):
        groups.setdefault(tuple([value is not None for value in row]), []).append(at)
    return groups


def _take(values: Sequence[bytes | None], positions: Sequence[int]) -> Sequence[bytes]:
    return [value for at in positions if (value := values[at]) is not None]


def _slices(joined: bytes, size: int, positions: Sequence[int]) -> list[bytes]:
    return [joined[at * size : (at + 1) * size] for at in positions]


def _fronts(number: int, padded: Sequence[bytes]) -> list[bytes]:
    """Return what stands before each cell: the number of its field, and how many blocks its value has."""
    first, counts = _BYTE[number], _COUNTS
    return [first + counts[len(value) // PADDING_BLOCK] for value in padded]
