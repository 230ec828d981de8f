"""Requests for records: reveal, find, write, delete, exchange of tokens; each with its answer."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from cloakroom.web.api.requests.elements import (
    Brand,
    FieldName,
    Identifier,
    Key,
    Purpose,
    Reference,
    Request,
    Token,
    Value,
)


class Reveal(Request, frozen=True, kw_only=True):
    """Show fields of the records behind tokens."""

    purpose: Purpose
    tokens: Annotated[list[Token], Meta(min_length=1, max_length=1_000)]
    fields: Annotated[list[FieldName], Meta(min_length=1, max_length=100)]
    reference: Reference | None = None

    @property
    def size(self) -> int:
        """Return the number of tokens."""
        return len(self.tokens)


class RevealedRecord(msgspec.Struct, frozen=True):
    """The values shown of one token; a field that the record lacks is left out."""

    token: str
    fields: dict[str, str]


class Revealed(msgspec.Struct, frozen=True):
    """Form by field, and one record for each token in the order asked."""

    forms: dict[str, str]
    records: list[RevealedRecord]


class Find(Request, frozen=True, kw_only=True):
    """Find the records that hold a value."""

    purpose: Purpose
    by: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$", max_length=63, description="Name of an index.")]
    value: Annotated[str, Meta(min_length=1, max_length=1_000)]
    brands: Annotated[list[Brand], Meta(min_length=1, max_length=100)] | None = None
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)] | None = None
    reference: Reference | None = None


class Found(msgspec.Struct, frozen=True):
    """Tokens by brand."""

    tokens: dict[str, list[str]]


class WriteRecord(Request, frozen=True, kw_only=True):
    """Create a record, or replace its values."""

    purpose: Purpose
    brand: Brand
    record_id: Annotated[str, Meta(min_length=1, max_length=200, description="Customer number at the brand.")]
    fields: Annotated[dict[FieldName, Value], Meta(max_length=100)]
    idempotency_key: Key
    modified_at: Annotated[str, Meta(max_length=40, description="RFC 3339; now unless told.")] | None = None
    reference: Reference | None = None


class Written(msgspec.Struct, frozen=True):
    """The record's token; whether it existed before is not told."""

    token: str


class DeleteRecord(Request, frozen=True, kw_only=True):
    """Note that a brand's system has deleted a record. Its history stays until it is erased."""

    purpose: Purpose
    brand: Brand
    record_id: Annotated[str, Meta(min_length=1, max_length=200, description="Customer number at the brand.")]
    idempotency_key: Key
    reference: Reference | None = None


class Deleted(msgspec.Struct, frozen=True):
    """Done; whether there was such a record is not told."""

    done: bool


class Exchange(Request, frozen=True, kw_only=True):
    """Turn tokens of the caller's application into those of another that has the same purpose."""

    purpose: Purpose
    tokens: Annotated[list[Token], Meta(min_length=1, max_length=1_000)]
    application: Identifier
    reference: Reference | None = None

    @property
    def size(self) -> int:
        """Return the number of tokens."""
        return len(self.tokens)


class Exchanged(msgspec.Struct, frozen=True):
    """One token for each, in the order asked."""

    tokens: list[str]
