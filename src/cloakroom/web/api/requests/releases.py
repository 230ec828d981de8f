"""Requests for releases and for their files; each with its answer."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from cloakroom.web.api.requests.elements import (
    Brand,
    FieldName,
    Identifier,
    Reference,
    Request,
)

Facets = Annotated[dict[FieldName, Annotated[str, Meta(max_length=100)]], Meta(max_length=20)]


class RequestRelease(Request, frozen=True, kw_only=True):
    """Ask for approved bulk."""

    kind: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$", max_length=63)]
    brand: Brand
    recipient: Identifier
    recipient_key: Annotated[str, Meta(pattern="^age1[0-9a-z]{58}$", max_length=62)]
    fields: Annotated[list[FieldName], Meta(min_length=1, max_length=100)]
    facets: Annotated[dict[FieldName, Annotated[str, Meta(max_length=100)]], Meta(max_length=20)] = msgspec.field(
        default_factory=dict
    )
    format: Annotated[str, Meta(pattern="^(csv|parquet)$", max_length=7)] = "csv"
    maximum: Annotated[int, Meta(ge=1, le=2**32)] | None = None
    reference: Reference | None = None


class ApproveRelease(Request, frozen=True, kw_only=True):
    """Approve a release that somebody else asked for; the digest names exactly what is approved."""

    id: Identifier
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]


class ShowRelease(Request, frozen=True, kw_only=True):
    """Show one release to whoever asked for it or may approve it."""

    id: Identifier


class ListReleases(Request, frozen=True, kw_only=True):
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


class RunRelease(Request, frozen=True, kw_only=True):
    """Have an approved release run by a node; ask again for one whose run failed."""

    id: Identifier


class ReadReleasePart(Request, frozen=True, kw_only=True):
    """Read a part of the finished file, encrypted to the recipient's age key; parts begin with 0."""

    id: Identifier
    part: Annotated[int, Meta(ge=0, le=2**31 - 1)]


class ReleaseProgress(msgspec.Struct, frozen=True):
    """The progress of the run of a release, with the size and hash of the file once it is whole."""

    id: str
    state: str
    failure: str | None
    records: int
    rows_done: int
    parts: int
    bytes: int
    file_sha256: str | None


class ShowReleaseRun(Request, frozen=True, kw_only=True):
    """Show how far the run of a release is, to whoever asked for the release."""

    id: Identifier
