"""Releases until they run: asked for, approved by others, shown to whom they concern."""

from __future__ import annotations

from cloakroom.adapters.postgres.release_store import PostgresReleases
from cloakroom.canonical import json as canonical_json
from cloakroom.clock import format_time, from_microseconds
from cloakroom.errors import DeniedError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.releases.ports import StoredRelease
from cloakroom.gate.policy import Policy
from cloakroom.gate.releases import ReleaseContent, may_approve
from cloakroom.use_cases.releases.assembly import release_requests
from cloakroom.wiring import Application


def request_release(application: Application, who: Caller, content: ReleaseContent) -> StoredRelease:
    """Ask for a release.

    Raises:
        DeniedError: The policy does not let this principal ask for it.
        UsageError: The content makes no sense.
    """
    return release_requests(application).request_release(who, content)


def approve_release(application: Application, who: Caller, name: str, digest: str) -> StoredRelease:
    """Approve a release as it was shown.

    Raises:
        DeniedError: The approval does not count; see `gate.releases.check_approval`.
    """
    return release_requests(application).approve_release(who, name, digest)


def check_receiver(application: Application, who: Caller, name: str) -> StoredRelease:
    """Return a release to whoever asked for it and still may; to others it does not exist.

    Raises:
        DeniedError: There is no such release for this caller, or he may not have it any more.
    """
    return release_requests(application).check_receiver(who, name)


def release_document(found: StoredRelease, policy: Policy) -> dict[str, object]:
    """Return a release as a JSON document for people."""
    standing = found.standing
    kind = policy.releases.get(standing.content.kind)
    return {
        "id": found.id,
        "kind": standing.content.kind,
        "state": str(standing.state),
        "requested_by": standing.requested_by,
        "requested_at": format_time(from_microseconds(found.requested_at)),
        "expires_at": format_time(from_microseconds(standing.expires_at)),
        "digest": standing.content.digest,
        "content": canonical_json.decode(standing.content.encode()),
        "approvals": [item.principal for item in standing.approvals],
        "approvals_needed": kind.approvals if kind is not None else 0,
        "records": len(found.records) if found.records is not None else 0,
        "rows_done": found.rows_done,
    }


def visible_release(releases: PostgresReleases, policy: Policy, who: Caller, name: str) -> StoredRelease:
    """Return a release to whoever asked for it or may approve it; to others it does not exist.

    Raises:
        DeniedError: There is no such release for this caller.
    """
    found = releases.get(name)
    if not _is_visible(policy, who, found):
        raise DeniedError("not-found", "no such release")
    return found


def visible_releases(releases: PostgresReleases, policy: Policy, who: Caller) -> list[StoredRelease]:
    """Return the releases that somebody asked for or may approve, newest first."""
    found = releases.newest()
    return [item for item in found if _is_visible(policy, who, item)]


def _is_visible(policy: Policy, who: Caller, found: StoredRelease) -> bool:
    principal = who.principal
    kind = policy.releases.get(found.standing.content.kind)
    return principal.id == found.standing.requested_by or (
        kind is not None and may_approve(policy, kind, principal, who.address)
    )
