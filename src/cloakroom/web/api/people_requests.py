"""What people ask: to sign in, to see and end sessions, to enrol passkeys, who opened what, and files of releases."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from cloakroom.web.api.requests import Identifier, Order, Purpose, Reference, Token

Encoded = Annotated[
    str, Meta(pattern="^[A-Za-z0-9_-]{1,65536}$", max_length=65_536, description="base64url without padding.")
]
CeremonyId = Annotated[str, Meta(pattern="^c-[0-9a-f]{32}$", max_length=34, description="Id of a ceremony.")]
PasskeyId = Annotated[str, Meta(pattern="^pk-[0-9a-f]{16}$", max_length=19, description="Id of a passkey.")]
Fingerprint = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64, description="SHA-256 of a passkey.")]
Time = Annotated[str, Meta(max_length=40, description="RFC 3339.")]


class NewcomerOrder(Order, frozen=True, kw_only=True):
    """Anything that is asked with a key that is not enrolled: ``keyid`` is ``new:`` and the key in hex."""


class ShowSignIn(NewcomerOrder, frozen=True, kw_only=True):
    """Show in which ways people sign in here."""


class OfferedProvider(msgspec.Struct, frozen=True):
    """An OpenID provider that people sign in at."""

    id: str
    label: str


class SignInOffer(msgspec.Struct, frozen=True):
    """The ways; the relying party is empty where nobody signs in with a passkey."""

    rp_id: str
    providers: list[OfferedProvider]


class BeginPasskey(NewcomerOrder, frozen=True, kw_only=True):
    """Begin to sign in with a passkey."""


class BegunPasskey(msgspec.Struct, frozen=True):
    """What the client hashes with its key into the challenge: see docs/spec/sign-in.md."""

    ceremony: str
    nonce: str
    rp_id: str
    expires_at: str


class FinishPasskey(NewcomerOrder, frozen=True, kw_only=True):
    """Sign in by what the authenticator answered."""

    ceremony: CeremonyId
    credential_id: Encoded
    client_data: Encoded
    authenticator_data: Encoded
    signature: Encoded
    user_handle: Encoded


class SessionDocument(msgspec.Struct, frozen=True):
    """A session. Requests are signed with its key under its id."""

    id: str
    principal: str
    began_at: str
    ends_at: str
    idle_s: int
    signed_in_by: str
    address_bound: bool


class BeginOpenID(NewcomerOrder, frozen=True, kw_only=True):
    """Begin to sign in at an OpenID provider."""

    provider: Annotated[str, Meta(pattern="^[a-z][a-z0-9_-]{0,30}$", max_length=31, description="Its name here.")]


class BegunOpenID(msgspec.Struct, frozen=True):
    """Where the browser goes; the ceremony comes back as `state`."""

    ceremony: str
    location: str
    expires_at: str


class FinishOpenID(NewcomerOrder, frozen=True, kw_only=True):
    """Hand in what the provider sent the browser back with. A node redeems it in the background."""

    ceremony: CeremonyId
    code: Annotated[str, Meta(min_length=1, max_length=4_096)]
    issuer: Annotated[str, Meta(max_length=500)] | None = None


class CollectOpenID(NewcomerOrder, frozen=True, kw_only=True):
    """Ask what became of a sign-in at a provider."""

    ceremony: CeremonyId


class CollectedOpenID(msgspec.Struct, frozen=True):
    """The session, or none while the provider is asked."""

    is_waiting: bool
    session: SessionDocument | None


class BeginEnrolment(NewcomerOrder, frozen=True, kw_only=True):
    """Begin to enrol a passkey for a principal. Whether there is such a principal is not told."""

    principal: Identifier


class BegunEnrolment(msgspec.Struct, frozen=True):
    """What the client hashes with its key into the challenge, and what the authenticator is told."""

    ceremony: str
    nonce: str
    rp_id: str
    user_handle: str
    algorithms: list[int]
    expires_at: str


class FinishEnrolment(NewcomerOrder, frozen=True, kw_only=True):
    """Ask for a passkey by what the authenticator registered. Two other people approve its fingerprint."""

    ceremony: CeremonyId
    credential_id: Encoded
    client_data: Encoded
    attestation: Encoded


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


class ShowSession(Order, frozen=True, kw_only=True):
    """Show the session that signs this request."""


class ListSessions(Order, frozen=True, kw_only=True):
    """List living sessions: one's own, or with a purpose that allows `freeze` those of somebody, or all (`*`)."""

    principal: Annotated[str, Meta(pattern="^([A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}|[*])$", max_length=128)] | None = (
        None
    )
    purpose: Purpose | None = None


class SessionList(msgspec.Struct, frozen=True):
    """Newest first."""

    sessions: list[SessionDocument]


class RevokeSessions(Order, frozen=True, kw_only=True):
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


class ListPasskeys(Order, frozen=True, kw_only=True):
    """List passkeys: one's own, or with a purpose that allows `enrol` everybody's."""

    purpose: Purpose | None = None


class PasskeyList(msgspec.Struct, frozen=True):
    """Newest first."""

    passkeys: list[PasskeyDocument]


class ApprovePasskey(Order, frozen=True, kw_only=True):
    """Approve exactly the passkey of that fingerprint; one's own further passkey takes no purpose."""

    id: PasskeyId
    fingerprint: Fingerprint
    purpose: Purpose | None = None


class RevokePasskey(Order, frozen=True, kw_only=True):
    """Let a passkey sign nobody in any more; somebody else's takes a purpose that allows `freeze`."""

    id: PasskeyId
    purpose: Purpose | None = None


class ReportAccess(Order, frozen=True, kw_only=True):
    """Report who opened the records of one person: which fields, when, for which purpose, each with its proof."""

    purpose: Purpose
    tokens: Annotated[list[Token], Meta(min_length=1, max_length=100)]
    reference: Reference | None = None
    start: Time | None = None
    end: Time | None = None

    @property
    def size(self) -> int:
        """Return the number of tokens."""
        return len(self.tokens)


class ReportedOpening(msgspec.Struct, frozen=True):
    """One entry: form by field is empty where only the existence of the record was told."""

    leaf_index: int
    at: str
    lineage: str
    principal: str
    operation: str
    purpose: str
    brand: str
    reference: str
    fields: dict[str, str]
    records: int
    proof: str


class ReportedAccess(msgspec.Struct, frozen=True):
    """In the order of the log; `log_size` entries are taken into account, `log_key` verifies the proofs."""

    records: int
    log_size: int
    log_key: str
    openings: list[ReportedOpening]


class RunRelease(Order, frozen=True, kw_only=True):
    """Have an approved release run by a node; ask again for one whose run failed."""

    id: Identifier


class ReadReleasePart(Order, frozen=True, kw_only=True):
    """Read a part of the finished file, encrypted to the recipient's age key; parts begin with 0."""

    id: Identifier
    part: Annotated[int, Meta(ge=0, le=2**31 - 1)]


class ReleaseProgress(msgspec.Struct, frozen=True):
    """How far the run of a release is, with the size and hash of the file once it is whole."""

    id: str
    state: str
    failure: str | None
    records: int
    rows_done: int
    parts: int
    bytes: int
    file_sha256: str | None


class ShowReleaseRun(Order, frozen=True, kw_only=True):
    """Show how far the run of a release is, to whoever asked for the release."""

    id: Identifier
