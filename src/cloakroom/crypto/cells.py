"""Many small values sealed under one key, in one call.

A cell is sealed by AES-256-GCM with nonce = initial ‖ number and associated data head ‖ number. The loop lies here,
beside the library, because per-call overhead is what small values cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloakroom.errors import OpenError, UsageError

INITIAL_SIZE = 11
_KEY_SIZE = 32
_BYTE = [bytes((number,)) for number in range(256)]


def seal_cells(
    key: bytes, initial: bytes, head: bytes, numbers: Sequence[int], plaintexts: Sequence[bytes]
) -> list[bytes]:
    """Return each plaintext sealed, in order.

    Args:
        key: 32 bytes.
        initial: 11 bytes, never used before under this key.
        head: Associated data common to all cells, of a fixed length that the caller's format states.
        numbers: Number of each cell, 0 to 255, each at most once.
        plaintexts: One for each number.
    """
    if len(key) != _KEY_SIZE or len(initial) != INITIAL_SIZE:
        raise UsageError("cells are sealed with a key of 32 bytes and an initial value of 11")
    encrypt = AESGCM(key).encrypt
    return [
        encrypt(initial + (last := _BYTE[number]), plaintext, head + last)
        for number, plaintext in zip(numbers, plaintexts, strict=True)
    ]


def seal_rows(
    keys: bytes,
    initials: bytes,
    *,
    heads: Iterable[bytes],
    numbers: Sequence[int],
    rows: Iterable[Sequence[bytes]],
    fronts: Iterable[Sequence[bytes]],
) -> list[bytes]:
    """Seal the cells of many rows, each row under a key of its own, and return each row's cells as one.

    Args:
        keys: 32 bytes for each row, one after the other.
        initials: 11 bytes for each row, never used before under its key.
        heads: Associated data common to the cells of a row, for each row.
        numbers: Number of each cell, the same in all rows, each at most once.
        rows: The plaintexts of each row, in the order of the numbers.
        fronts: What stands in clear before each of them in the result.
    """
    last = [_BYTE[number] for number in numbers]
    sealed = []
    key_at = initial_at = 0
    for head, row, before in zip(heads, rows, fronts, strict=True):
        encrypt = AESGCM(keys[key_at : key_at + _KEY_SIZE]).encrypt
        initial = initials[initial_at : initial_at + INITIAL_SIZE]
        key_at += _KEY_SIZE
        initial_at += INITIAL_SIZE
        cells = [
            front + encrypt(initial + number, plaintext, head + number)
            for number, plaintext, front in zip(last, row, before, strict=True)
        ]
        sealed.append(b"".join(cells))
    if (key_at, initial_at) != (len(keys), len(initials)):
        raise UsageError("each row is sealed with a key of 32 bytes and an initial value of 11")
    return sealed


def open_cells(
    key: bytes, initial: bytes, head: bytes, numbers: Sequence[int], sealed: Sequence[bytes]
) -> list[bytes]:
    """Undo `seal_cells`.

    Raises:
        OpenError: At least one cell does not open.
    """
    if len(key) != _KEY_SIZE or len(initial) != INITIAL_SIZE:
        raise OpenError("does not open")
    decrypt = AESGCM(key).decrypt
    try:
        return [
            decrypt(initial + (last := _BYTE[number]), cell, head + last)
            for number, cell in zip(numbers, sealed, strict=True)
        ]
    except (InvalidTag, ValueError):
        raise OpenError("does not open") from None
