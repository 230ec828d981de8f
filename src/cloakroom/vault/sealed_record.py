"""A record as it is stored: its wrapped class keys and its envelopes. Pure data; opens and seals nothing."""

from __future__ import annotations

import msgspec


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
