"""What callers may ask, as typed values decoded strictly from JSON, and what they are answered.

Every text that can end in the ledger is confined to identifiers; values are confined in length. The OpenAPI
description is made from these types.
"""

from __future__ import annotations

from typing import Annotated, Any

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


class Order(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Anything that is asked."""

    @property
    def size(self) -> int:
        """How many records it names, for taking turns."""
        return 1


class Reveal(Order, frozen=True, kw_only=True):
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
    """What is shown of one token; a field that the record lacks is left out."""

    token: str
    fields: dict[str, str]


class Revealed(msgspec.Struct, frozen=True):
    """Form by field, and one record for each token in the order asked."""

    forms: dict[str, str]
    records: list[RevealedRecord]


class Find(Order, frozen=True, kw_only=True):
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


class WriteRecord(Order, frozen=True, kw_only=True):
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


class DeleteRecord(Order, frozen=True, kw_only=True):
    """Note that a brand's system has deleted a record. Its history stays until it is erased."""

    purpose: Purpose
    brand: Brand
    record_id: Annotated[str, Meta(min_length=1, max_length=200, description="Customer number at the brand.")]
    idempotency_key: Key
    reference: Reference | None = None


class Deleted(msgspec.Struct, frozen=True):
    """Done; whether there was such a record is not told."""

    done: bool


class Exchange(Order, frozen=True, kw_only=True):
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


class ShowExposure(Order, frozen=True, kw_only=True):
    """Show what a credential could open at most if it were stolen now; one's own needs no purpose."""

    principal: Identifier | None = None
    purpose: Purpose | None = None


class ExposureBound(msgspec.Struct, frozen=True):
    """What can be opened at most until the end of one window."""

    window: str
    until: str | None
    records: int
    in_full: int
    never_opened: int
    probes: int
    classes: dict[str, int]
    brands: dict[str, int]


class ShownExposure(msgspec.Struct, frozen=True):
    """The ceiling of one credential."""

    principal: str
    ceiling: int
    fields: dict[str, str]
    windows: list[ExposureBound]


class Freeze(Order, frozen=True, kw_only=True):
    """Freeze a principal and everything derived from it, on every node, from its next request on."""

    purpose: Purpose
    principal: Identifier
    reason: Identifier


class Frozen(msgspec.Struct, frozen=True):
    """Whether it was frozen before."""

    principal: str
    was_frozen: bool


class ReadCheckpoint(Order, frozen=True, kw_only=True):
    """Read the newest signed checkpoint of the ledger."""

    purpose: Purpose


class ReadTile(Order, frozen=True, kw_only=True):
    """Read a tile or bundle of the ledger (C2SP tlog-tiles)."""

    purpose: Purpose
    path: Annotated[str, Meta(pattern="^[a-z0-9/.]{1,200}$", max_length=200)]


class ProveEntry(Order, frozen=True, kw_only=True):
    """Prove that an entry is in the ledger (C2SP tlog-proof)."""

    purpose: Purpose
    leaf_index: Annotated[int, Meta(ge=0, le=2**53 - 1)]


class RequestRelease(Order, frozen=True, kw_only=True):
    """Ask for approved bulk."""

    kind: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$", max_length=63)]
    brand: Brand
    recipient: Identifier
    recipient_key: Annotated[str, Meta(pattern="^age1[0-9a-z]{58}$", max_length=62)]
    fields: Annotated[list[FieldName], Meta(min_length=1, max_length=100)]
    facets: Annotated[dict[FieldName, Annotated[str, Meta(max_length=100)]], Meta(max_length=20)] = {}
    format: Annotated[str, Meta(pattern="^(csv|parquet)$", max_length=7)] = "csv"
    maximum: Annotated[int, Meta(ge=1, le=2**32)] | None = None
    reference: Reference | None = None


class ApproveRelease(Order, frozen=True, kw_only=True):
    """Approve a release that somebody else asked for; the digest names exactly what is approved."""

    id: Identifier
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]


class ShowRelease(Order, frozen=True, kw_only=True):
    """Show one release to whoever asked for it or may approve it."""

    id: Identifier


class ListReleases(Order, frozen=True, kw_only=True):
    """List the releases that the caller asked for or may approve."""


class ReleaseDocument(msgspec.Struct, frozen=True):
    """A release as people see it."""

    id: str
    kind: str
    state: str
    requested_by: str
    requested_at: str
    expires_at: str
    digest: str
    content: dict[str, Any]
    approvals: list[str]
    approvals_needed: int
    records: int
    rows_done: int


class ReleaseList(msgspec.Struct, frozen=True):
    """Newest first."""

    releases: list[ReleaseDocument]
