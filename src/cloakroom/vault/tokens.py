"""Tokens: what applications hold instead of personal data. Specified in `docs/spec/token.md`.

A token is one AES-256 block over (format, brand, ordinal, 64 zero bits) under the key of one application, written
as ``tok_`` and 22 characters of base64url. It holds no state, differs from one application to the next, so that two
stolen application databases cannot be joined, and a forged one is recognised without a look-up: a random block
shows its 72 zero bits with probability 2^-72.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Sequence

import msgspec

from cloakroom.crypto import BLOCK_SIZE, BlockPermutation
from cloakroom.errors import InputError

FORMAT = 1
PREFIX = "tok_"
_LAYOUT = struct.Struct(">BHBIQ")
_TEXT_SIZE = 22
_FILLER = bytes(2)
_GROUP_TEXT = 24
_NOTHING = "A" * _GROUP_TEXT
_WRITTEN = re.compile(r"tok_([A-Za-z0-9_-]{21}[AQgw])", re.ASCII)
"""The last character has four spare bits, which are zero: only one spelling of a token is a token."""


class RecordReference(msgspec.Struct, frozen=True, gc=False):
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
        plain = b"".join(_LAYOUT.pack(FORMAT, item.brand, 0, item.ordinal, 0) for item in references)
        blocks = self._permutation.permute(plain)
        # Two bytes more make whole groups of three, so that one call writes all tokens.
        groups = [blocks[at : at + BLOCK_SIZE] + _FILLER for at in range(0, len(blocks), BLOCK_SIZE)]
        text = base64.urlsafe_b64encode(b"".join(groups)).decode()
        return [PREFIX + text[at : at + _TEXT_SIZE] for at in range(0, len(text), _GROUP_TEXT)]

    def read(self, tokens: Sequence[str]) -> list[RecordReference | None]:
        """Return what each token names, None for one that is not a token of this application."""
        written = [_WRITTEN.fullmatch(token) for token in tokens]
        data = base64.urlsafe_b64decode("".join([_NOTHING if one is None else one[1] + "AA" for one in written]))
        step = BLOCK_SIZE + len(_FILLER)
        plain = self._permutation.invert(b"".join([data[at : at + BLOCK_SIZE] for at in range(0, len(data), step)]))
        return [
            RecordReference(brand, ordinal) if one is not None and (form, spare, zero) == (FORMAT, 0, 0) else None
            for one, (form, brand, spare, ordinal, zero) in zip(written, _LAYOUT.iter_unpack(plain), strict=True)
        ]

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
