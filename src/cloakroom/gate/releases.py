"""Releases: bulk as a product feature, with other people's approval. Pure rules; who keeps and who runs is elsewhere.

    requested ──approve × n──▶ approved ──run──▶ running ──▶ done
                                              ▲───┘ taken up again after a crash: same set, same canaries, same entry

What is approved is the digest of the request's content, so what runs is exactly what approvers saw. A release lapses
when its time is up, in whatever state; `done` is final.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cloakroom.canonical import json as canonical_json
from cloakroom.clock import from_microseconds
from cloakroom.crypto import sha256
from cloakroom.errors import DeniedError, UsageError
from cloakroom.gate.decision import Principal, roles_of
from cloakroom.gate.policy import Policy, Release

_RECIPIENT_KEY = re.compile(r"age1[0-9a-z]{58}")
FORMATS = ("csv", "parquet")


class ReleaseState(StrEnum):
    """The state of a release."""

    REQUESTED = "requested"
    APPROVED = "approved"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class ReleaseContent:
    """The content of a release; immutable, and what approvals are of.

    Attributes:
        kind: Kind of release in the policy.
        brand: Name of the brand.
        fields: Fields wanted.
        facets: Facets that a record must have, all of them.
        recipient: Identifier of whoever gets the file.
        recipient_key: age public key (X25519) to encrypt to.
        form: ``csv`` or ``parquet``.
        maximum: Records at most.
        reference: Case or campaign.
    """

    kind: str
    brand: str
    fields: tuple[str, ...]
    recipient: str
    recipient_key: str
    maximum: int
    facets: Mapping[str, str] = field(default_factory=dict)
    form: str = "csv"
    reference: str = ""

    def encode(self) -> bytes:
        """Return the canonical bytes that approvals are of."""
        return canonical_json.encode(
            {
                "brand": self.brand,
                "facets": dict(self.facets),
                "fields": sorted(self.fields),
                "form": self.form,
                "kind": self.kind,
                "maximum": self.maximum,
                "recipient": self.recipient,
                "recipient_key": self.recipient_key,
                "reference": self.reference,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> ReleaseContent:
        """Return the content that `encode` wrote."""
        document = canonical_json.decode(data)
        assert isinstance(document, dict)
        return cls(**{**document, "fields": tuple(document["fields"])})

    @property
    def digest(self) -> str:
        """SHA-256 over `encode`, in hex."""
        return sha256(self.encode()).hex()


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody's word for exactly one content."""

    principal: str
    credential: str
    digest: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The standing of a release; times in microseconds."""

    content: ReleaseContent
    requested_by: str
    state: ReleaseState
    expires_at: int
    approvals: Sequence[Approval] = ()


def kind_of(policy: Policy, name: str) -> Release:
    """Return the bounds of a kind of release.

    Raises:
        DeniedError: The policy knows no such kind.
    """
    kind = policy.releases.get(name)
    if kind is None:
        raise DeniedError("purpose", "the policy knows no such kind of release")
    return kind


def check_content(policy: Policy, content: ReleaseContent) -> Release:
    """Refuse what no approval could make right; return the bounds.

    Raises:
        DeniedError: The kind does not exist, or more records are asked for than it allows.
        UsageError: The recipient's key or the format is none.
    """
    kind = kind_of(policy, content.kind)
    if not 1 <= content.maximum <= kind.max_records:
        raise DeniedError("too-many", f"{kind.name} releases at most {kind.max_records} records")
    if not _RECIPIENT_KEY.fullmatch(content.recipient_key):
        raise UsageError("the recipient's key is an age public key: age1 and 58 letters and digits")
    if content.form not in FORMATS:
        raise UsageError("a release is written as csv or parquet")
    if not content.fields:
        raise UsageError("a release names at least one field")
    return kind


def may_approve(policy: Policy, kind: Release, principal: Principal, address: str | None) -> bool:
    """Answer whether a role lets `principal` approve this kind from this network."""
    here = principal.networks is None or principal.networks.holds(address)
    return here and any(
        role.name in kind.approvers and principal.kind in role.kinds and role.networks.holds(address)
        for role in roles_of(policy, principal)
    )


def check_approval(
    policy: Policy,
    standing: Standing,
    approver: Principal,
    *,
    credential: str,
    requester_credentials: frozenset[str],
    digest: str,
    now: int,
    address: str | None = None,
) -> bool:
    """Refuse an approval that does not count; return whether it is the last one needed.

    Raises:
        DeniedError: ``own-lineage`` by the one who asked, ``role`` by somebody who may not, ``exhausted`` twice by
            the same or in a state that takes none, ``expired``, ``changed`` where the digest is of something else.
    """
    kind = kind_of(policy, standing.content.kind)
    if approver.id == standing.requested_by or credential in requester_credentials:
        raise DeniedError("own-lineage", "nobody approves what they asked for")
    if not approver.valid_from <= from_microseconds(now) < approver.valid_until:
        raise DeniedError("expired", "the approver's credential is not valid now")
    if not may_approve(policy, kind, approver, address):
        raise DeniedError("role", "no role of the approver may approve this kind of release from here")
    _check_time(standing, now)
    if standing.state is not ReleaseState.REQUESTED:
        raise DeniedError("exhausted", "the release takes no approvals any more")
    if any(approval.principal == approver.id or approval.credential == credential for approval in standing.approvals):
        raise DeniedError("exhausted", "the same person approves once")
    if digest != standing.content.digest:
        raise DeniedError("changed", "the approval is of something else than what was asked for")
    return len(standing.approvals) + 1 >= kind.approvals


def check_run(policy: Policy, standing: Standing, runner: Principal, now: int) -> None:
    """Refuse to run a release that may not run.

    Raises:
        DeniedError: ``role`` by somebody else than who asked, ``unapproved``, ``exhausted`` after it was done,
            ``expired``.
    """
    kind = kind_of(policy, standing.content.kind)
    if runner.id != standing.requested_by:
        raise DeniedError("role", "a release is run by whoever asked for it")
    _check_time(standing, now)
    if standing.state is ReleaseState.DONE:
        raise DeniedError("exhausted", "the release was run")
    valid = {item.principal for item in standing.approvals if item.digest == standing.content.digest}
    if standing.state is ReleaseState.REQUESTED or len(valid - {standing.requested_by}) < kind.approvals:
        raise DeniedError("unapproved", f"the release has {len(valid)} of {kind.approvals} approvals")


def _check_time(standing: Standing, now: int) -> None:
    if now >= standing.expires_at:
        raise DeniedError("expired-release", "the release has expired")
