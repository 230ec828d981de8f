"""Releases until they run: asked for, approved by others, shown to whom they concern."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from cloakroom.adapters.postgres.release_store import StoredRelease
from cloakroom.canonical import json as canonical_json
from cloakroom.clock import format_time, from_microseconds
from cloakroom.crypto import random_bytes
from cloakroom.errors import DeniedError
from cloakroom.flows.authorisation import Caller
from cloakroom.gate.policy import Form, Policy
from cloakroom.gate.releases import (
    Approval,
    ReleaseContent,
    check_approval,
    check_content,
    kind_of,
    may_approve,
)
from cloakroom.ledger.entry import check_identifier
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application


def request_release(application: Application, who: Caller, content: ReleaseContent) -> StoredRelease:
    """Ask for a release.

    Raises:
        DeniedError: The policy does not let this principal ask for it.
        UsageError: The content makes no sense.
    """
    name = f"release-{random_bytes(6).hex()}"
    with entering_refusals(application, who, {"phase": "request"}):
        kind = check_content(application.configuration.policy, content)
        check_identifier("recipient", content.recipient)
        release_forms(application, who, content)
        application.authoriser.check_not_frozen(who.lineage)
    store, at = application.releases, application.now()
    with application.connection.transaction():
        store.add(name, content, who.lineage, at, at + kind.expires)
        application.entries.append(
            lineage=who.lineage,
            operation=Operation.RELEASE,
            purpose=kind.purpose,
            brand=content.brand,
            reference=content.reference,
            detail={"phase": "request", "release": name, "digest": content.digest, "credential": who.credential},
        )
    return store.get(name)


def approve_release(application: Application, who: Caller, name: str, digest: str) -> StoredRelease:
    """Approve a release as it was shown.

    Raises:
        DeniedError: The approval does not count; see `gate.releases.check_approval`.
    """
    policy, store = application.configuration.policy, application.releases
    principal = who.principal
    refused = entering_refusals(application, who, {"phase": "approve", "release": name})
    with refused, application.connection.transaction():
        found = store.get(name, lock=True)
        standing = found.standing
        application.authoriser.check_not_frozen(principal.id)
        owners = application.records.credentials_of(standing.requested_by)
        is_last = check_approval(
            policy,
            standing,
            principal,
            credential=who.credential,
            requester_credentials=frozenset(item.id for item in owners),
            digest=digest,
            now=application.now(),
            address=who.address,
        )
        store.approve(name, Approval(principal.id, who.credential, digest), application.now())
        if is_last:
            store.approved(name, application.now() + kind_of(policy, standing.content.kind).expires)
        application.entries.append(
            lineage=principal.id,
            operation=Operation.RELEASE,
            detail={"phase": "approve", "release": name, "digest": digest, "credential": who.credential},
        )
    return store.get(name)


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


def visible_release(application: Application, who: Caller, name: str) -> StoredRelease:
    """Return a release to whoever asked for it or may approve it; to others it does not exist.

    Raises:
        DeniedError: There is no such release for this caller.
    """
    found = application.releases.get(name)
    if not _is_visible(application, who, found):
        raise DeniedError("not-found", "no such release")
    return found


def visible_releases(application: Application, who: Caller) -> list[StoredRelease]:
    """Return the releases that somebody asked for or may approve, newest first."""
    found = application.releases.newest()
    return [item for item in found if _is_visible(application, who, item)]


def check_receiver(application: Application, who: Caller, name: str) -> StoredRelease:
    """Return a release to whoever asked for it and still may; to others it does not exist.

    Raises:
        DeniedError: There is no such release for this caller, or he may not have it any more.
    """
    found = application.releases.get(name)
    if found.standing.requested_by != who.lineage:
        raise DeniedError("not-found", "no such release")
    with entering_refusals(application, who, {"phase": "receive", "release": name}):
        application.authoriser.check_not_frozen(who.lineage)
        release_forms(application, who, found.standing.content)
    return found


def release_forms(application: Application, who: Caller, content: ReleaseContent) -> Mapping[str, Form]:
    """Return the form in which each field of a release leaves, as the policy has it.

    Raises:
        DeniedError: The policy does not let this principal have it.
    """
    kind = kind_of(application.configuration.policy, content.kind)
    return application.authoriser.check(
        who,
        Operation.RELEASE,
        kind.purpose,
        brands=frozenset({content.brand}),
        fields=frozenset(content.fields),
        reference=content.reference or None,
        records=content.maximum,
    ).forms


def _is_visible(application: Application, who: Caller, found: StoredRelease) -> bool:
    policy, principal = application.configuration.policy, who.principal
    kind = policy.releases.get(found.standing.content.kind)
    return principal.id == found.standing.requested_by or (
        kind is not None and may_approve(policy, kind, principal, who.address)
    )


def entering_refusals(
    application: Application, caller: Caller, detail: Mapping[str, object]
) -> AbstractContextManager[None]:
    """Return what enters a denied step of a release, and lets the denial pass on; lies around any transaction.

    Args:
        application: The opened store.
        caller: Who asks.
        detail: The step and the release.
    """
    return application.authoriser.entering_refusals(caller, Operation.RELEASE, detail=detail)
