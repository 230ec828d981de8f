"""Elements of requests: texts confined to identifiers or in length, and the type that all requests are kinds of.

Every text that can end in the ledger is an identifier. Requests are decoded strictly from JSON; the OpenAPI
description is made from these types.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Purpose = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$", max_length=63, description="Purpose of the policy.")]
Brand = Annotated[str, Meta(pattern="^[a-z][a-z0-9_-]{0,62}$", max_length=63, description="Id of a brand.")]
FieldName = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$", max_length=63, description="Name of a field.")]
Reference = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9][A-Za-z0-9./_-]{2,63}$",
        max_length=64,
        description="Number of a case, order or appointment, with at least one digit.",
    ),
]
Identifier = Annotated[
    str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}$", max_length=128, description="An identifier.")
]
Token = Annotated[str, Meta(min_length=1, max_length=64, description="A token of the caller's application.")]
Key = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9_-]{8,64}$",
        max_length=64,
        description="Made up by the caller; the same request under the same key is done once.",
    ),
]
Value = Annotated[str, Meta(max_length=10_000)]
Encoded = Annotated[
    str, Meta(pattern="^[A-Za-z0-9_-]{1,65536}$", max_length=65_536, description="base64url without padding.")
]
CeremonyId = Annotated[str, Meta(pattern="^c-[0-9a-f]{32}$", max_length=34, description="Id of a ceremony.")]
PasskeyId = Annotated[str, Meta(pattern="^pk-[0-9a-f]{16}$", max_length=19, description="Id of a passkey.")]
Fingerprint = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64, description="SHA-256 of a passkey.")]
Time = Annotated[str, Meta(max_length=40, description="RFC 3339.")]


class Request(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Anything that is asked."""

    @property
    def size(self) -> int:
        """Number of records that it names, for taking turns."""
        return 1


class UnenrolledRequest(Request, frozen=True, kw_only=True):
    """Anything that is asked with a key that is not enrolled: ``keyid`` is ``new:`` and the key in hex."""
