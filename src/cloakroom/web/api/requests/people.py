"""Requests about principals: exposure, freezes, sessions, passkeys; each with its answer."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from cloakroom.web.api.requests.elements import (
    Fingerprint,
    Identifier,
    PasskeyId,
    Purpose,
    Request,
)


class ShowExposure(Request, frozen=True, kw_only=True):
    """Show what a credential could open at most if it were stolen now; one's own needs no purpose."""

    principal: Identifier | None = None
    purpose: Purpose | None = None


class ExposureBound(msgspec.Struct, frozen=True):
    """The most that can be opened until the end of one window."""

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


class Freeze(Request, frozen=True, kw_only=True):
    """Freeze a principal and everything derived from it, on every node, from its next request on."""

    purpose: Purpose
    principal: Identifier
    reason: Identifier


class Frozen(msgspec.Struct, frozen=True):
    """Say whether it was frozen before."""

    principal: str
    was_frozen: bool


class SessionDocument(msgspec.Struct, frozen=True):
    """A session. Requests are signed with its key under its id."""

    id: str
    principal: str
    began_at: str
    ends_at: str
    idle_s: int
    signed_in_by: str
    address_bound: bool


class ShowSession(Request, frozen=True, kw_only=True):
    """Show the session that signs this request."""


class ListSessions(Request, frozen=True, kw_only=True):
    """List living sessions: one's own, or with a purpose that allows `freeze` those of somebody, or all (`*`)."""

    principal: Annotated[str, Meta(pattern="^([A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}|[*])$", max_length=128)] | None = (
        None
    )
    purpose: Purpose | None = None


class SessionList(msgspec.Struct, frozen=True):
    """Newest first."""

    sessions: list[SessionDocument]


class RevokeSessions(Request, frozen=True, kw_only=True):
    """End sessions, everywhere from their next request on.

    Without anything named: the one that signs this request. With a session: that one. With a principal: all of his.
    Those of somebody else take a purpose that allows `freeze`.
    """

    session: Identifier | None = None
    principal: Identifier | None = None
    purpose: Purpose | None = None


class RevokedSessions(msgspec.Struct, frozen=True):
    """Those that ended now."""

    sessions: list[str]


class PasskeyDocument(msgspec.Struct, frozen=True):
    """A passkey. What others approve is its fingerprint."""

    id: str
    principal: str
    state: str
    fingerprint: str
    requested_at: str
    expires_at: str | None
    approvals: list[str]
    approvals_needed: int
    last_used_at: str | None


class ListPasskeys(Request, frozen=True, kw_only=True):
    """List passkeys: one's own, or with a purpose that allows `enrol` everybody's."""

    purpose: Purpose | None = None


class PasskeyList(msgspec.Struct, frozen=True):
    """Newest first."""

    passkeys: list[PasskeyDocument]


class ApprovePasskey(Request, frozen=True, kw_only=True):
    """Approve exactly the passkey of that fingerprint; one's own further passkey takes no purpose."""

    id: PasskeyId
    fingerprint: Fingerprint
    purpose: Purpose | None = None


class RevokePasskey(Request, frozen=True, kw_only=True):
    """Let a passkey sign nobody in any more; somebody else's takes a purpose that allows `freeze`."""

    id: PasskeyId
    purpose: Purpose | None = None
