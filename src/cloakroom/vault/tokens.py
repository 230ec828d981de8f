"""Tokens: what applications hold instead of personal data. Specified in `docs/spec/token.md`.

A token is one AES-256 block over (format, brand, ordinal, 64 zero bits) under the key of one application, written
as ``tok_`` and 22 characters of base64url. It holds no state, differs from one application to the next, so that two
stolen application databases cannot be joined, and a forged one is recognised without a look-up: a random block
shows its 72 zero bits with probability 2^-72.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from cloakroom.crypto import BLOCK_SIZE, BlockPermutation
from cloakroom.errors import InputError

FORMAT = 1
PREFIX = "tok_"
_LAYOUT = struct.Struct(">BHxIQ")
_TEXT_SIZE = 22


@dataclass(frozen=True, slots=True)
class RecordReference:
    """The record that a token names.

    Attributes:
        brand: Number of the brand.
        ordinal: Ordinal of the record.
    """

    brand: int
    ordinal: int


class TokenCodec:
    """Makes and reads the tokens of one application."""

    __slots__ = ("_permutation",)

    def __init__(self, key: bytes) -> None:
        """Take the application's token key, 32 bytes."""
        self._permutation = BlockPermutation(key)

    def issue(self, references: Sequence[RecordReference]) -> list[str]:
        """Return one token for each reference; the same reference always gives the same token."""
        plain = b"".join(_LAYOUT.pack(FORMAT, reference.brand, reference.ordinal, 0) for reference in references)
        blocks = self._permutation.permute(plain)
        return [
            PREFIX + base64.urlsafe_b64encode(blocks[at : at + BLOCK_SIZE])[:_TEXT_SIZE].decode()
            for at in range(0, len(blocks), BLOCK_SIZE)
        ]

    def read(self, tokens: Sequence[str]) -> list[RecordReference | None]:
        """Return what each token names, None for one that is not a token of this application."""
        blocks = [_block(token) for token in tokens]
        plain = self._permutation.invert(b"".join(block or bytes(BLOCK_SIZE) for block in blocks))
        references: list[RecordReference | None] = []
        for index, block in enumerate(blocks):
            form, brand, ordinal, zero = _LAYOUT.unpack_from(plain, index * BLOCK_SIZE)
            spare = plain[index * BLOCK_SIZE + 3]
            valid = block is not None and form == FORMAT and zero == 0 and spare == 0
            references.append(RecordReference(brand, ordinal) if valid else None)
        return references

    def read_all(self, tokens: Sequence[str]) -> list[RecordReference]:
        """Return what each token names.

        Raises:
            InputError: Some are not tokens of this application; names their positions.
        """
        references = self.read(tokens)
        bad = [str(index + 1) for index, reference in enumerate(references) if reference is None]
        if bad:
            raise InputError.at("tokens", f"not a token of this application: number {', '.join(bad[:20])}")
        return [reference for reference in references if reference is not None]


def _block(token: str) -> bytes | None:
    if not token.startswith(PREFIX) or len(token) != len(PREFIX) + _TEXT_SIZE:
        return None
    try:
        block = base64.b64decode(token[len(PREFIX) :] + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    # The last character holds four spare bits; only one spelling of a token is a token.
    canonical = base64.urlsafe_b64encode(block)[:_TEXT_SIZE].decode()
    return block if canonical == token[len(PREFIX) :] else None
