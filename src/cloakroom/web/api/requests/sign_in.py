"""Requests of those who sign in or enrol a passkey; each with its answer."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from cloakroom.web.api.requests.elements import (
    CeremonyId,
    Encoded,
    Identifier,
    UnenrolledRequest,
)
from cloakroom.web.api.requests.people import SessionDocument


class ShowSignIn(UnenrolledRequest, frozen=True, kw_only=True):
    """Show in which ways people sign in here."""


class OfferedProvider(msgspec.Struct, frozen=True):
    """An OpenID provider that people sign in at."""

    id: str
    label: str


class SignInOffer(msgspec.Struct, frozen=True):
    """The ways; the relying party is empty where nobody signs in with a passkey."""

    rp_id: str
    providers: list[OfferedProvider]


class BeginPasskey(UnenrolledRequest, frozen=True, kw_only=True):
    """Begin to sign in with a passkey."""


class BegunPasskey(msgspec.Struct, frozen=True):
    """The nonce that the client hashes with its key into the challenge: see docs/spec/sign-in.md."""

    ceremony: str
    nonce: str
    rp_id: str
    expires_at: str


class FinishPasskey(UnenrolledRequest, frozen=True, kw_only=True):
    """Sign in by what the authenticator answered."""

    ceremony: CeremonyId
    credential_id: Encoded
    client_data: Encoded
    authenticator_data: Encoded
    signature: Encoded
    user_handle: Encoded


class BeginOpenID(UnenrolledRequest, frozen=True, kw_only=True):
    """Begin to sign in at an OpenID provider."""

    provider: Annotated[str, Meta(pattern="^[a-z][a-z0-9_-]{0,30}$", max_length=31, description="Its name here.")]


class BegunOpenID(msgspec.Struct, frozen=True):
    """The address that the browser goes to; the ceremony comes back as `state`."""

    ceremony: str
    location: str
    expires_at: str


class FinishOpenID(UnenrolledRequest, frozen=True, kw_only=True):
    """Hand in what the provider sent the browser back with. A node redeems it in the background."""

    ceremony: CeremonyId
    code: Annotated[str, Meta(min_length=1, max_length=4_096)]
    issuer: Annotated[str, Meta(max_length=500)] | None = None


class CollectOpenID(UnenrolledRequest, frozen=True, kw_only=True):
    """Ask what became of a sign-in at a provider."""

    ceremony: CeremonyId


class CollectedOpenID(msgspec.Struct, frozen=True):
    """The session, or none while the provider is asked."""

    is_waiting: bool
    session: SessionDocument | None


class BeginEnrolment(UnenrolledRequest, frozen=True, kw_only=True):
    """Begin to enrol a passkey for a principal. Whether there is such a principal is not told."""

    principal: Identifier


class BegunEnrolment(msgspec.Struct, frozen=True):
    """The nonce that the client hashes with its key into the challenge, and what the authenticator is told."""

    ceremony: str
    nonce: str
    rp_id: str
    user_handle: str
    algorithms: list[int]
    expires_at: str


class FinishEnrolment(UnenrolledRequest, frozen=True, kw_only=True):
    """Ask for a passkey by what the authenticator registered. Two other people approve its fingerprint."""

    ceremony: CeremonyId
    credential_id: Encoded
    client_data: Encoded
    attestation: Encoded
