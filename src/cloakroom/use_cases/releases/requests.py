"""Releases until they run: asked for, approved by others, shown to whom they concern."""

from __future__ import annotations

from collections.abc import Mapping

from cloakroom.adapters.postgres.release_store import StoredRelease
from cloakroom.canonical import json as canonical_json
from cloakroom.clock import format_time, from_microseconds
from cloakroom.crypto import random_bytes
from cloakroom.errors import DeniedError
from cloakroom.gate.decision import Request, decide
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
from cloakroom.use_cases.people.principals import Authenticated
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application


def request_release(
    application: Application, who: Authenticated, content: ReleaseContent, *, address: str | None = None
) -> StoredRelease:
    """Ask for a release.

    Raises:
        DeniedError: The policy does not let this principal ask for it.
        UsageError: The content makes no sense.
    """
    policy = application.configuration.policy
    name = f"release-{random_bytes(6).hex()}"
    try:
        kind = check_content(policy, content)
        check_identifier("recipient", content.recipient)
        release_forms(application, who, content, address)
        check_not_frozen(application, who)
    except DeniedError as error:
        enter_refusal(application, who, error.code, {"phase": "request"})
        raise
    store, at = application.releases, application.now()
    entry = application.entries.prepare(
        lineage=who.stored.principal.id,
        operation=Operation.RELEASE,
        purpose=kind.purpose,
        brand=content.brand,
        reference=content.reference,
        detail={"phase": "request", "release": name, "digest": content.digest, "credential": who.credential},
    )
    with application.connection.transaction():
        store.add(name, content, who.stored.principal.id, at, at + kind.expires)
        application.ledger.append({}, [entry])
    return store.get(name)


def approve_release(
    application: Application, who: Authenticated, name: str, digest: str, *, address: str | None = None
) -> StoredRelease:
    """Approve a release as it was shown.

    Raises:
        DeniedError: The approval does not count; see `gate.releases.check_approval`.
    """
    policy, store = application.configuration.policy, application.releases
    principal = who.stored.principal
    try:
        with application.connection.transaction():
            found = store.get(name, lock=True)
            standing = found.standing
            check_not_frozen(application, who)
            owners = application.records.credentials_of(standing.requested_by)
            is_last = check_approval(
                policy,
                standing,
                principal,
                credential=who.credential,
                requester_credentials=frozenset(item.id for item in owners),
                digest=digest,
                now=application.now(),
                address=address,
            )
            store.approve(name, Approval(principal.id, who.credential, digest), application.now())
            if is_last:
                store.approved(name, application.now() + kind_of(policy, standing.content.kind).expires)
            entry = application.entries.prepare(
                lineage=principal.id,
                operation=Operation.RELEASE,
                detail={"phase": "approve", "release": name, "digest": digest, "credential": who.credential},
            )
            application.ledger.append({}, [entry])
    except DeniedError as error:
        enter_refusal(application, who, error.code, {"phase": "approve", "release": name})
        raise
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


def visible_release(
    application: Application, who: Authenticated, name: str, *, address: str | None = None
) -> StoredRelease:
    """Return a release to whoever asked for it or may approve it; to others it does not exist.

    Raises:
        DeniedError: There is no such release for this caller.
    """
    found = application.releases.get(name)
    if not _is_visible(application, who, found, address):
        raise DeniedError("not-found", "no such release")
    return found


def visible_releases(
    application: Application, who: Authenticated, *, address: str | None = None
) -> list[StoredRelease]:
    """Return the releases that somebody asked for or may approve, newest first."""
    found = application.releases.newest()
    return [item for item in found if _is_visible(application, who, item, address)]


def check_receiver(
    application: Application, who: Authenticated, name: str, *, address: str | None = None
) -> StoredRelease:
    """Return a release to whoever asked for it and still may; to others it does not exist.

    Raises:
        DeniedError: There is no such release for this caller, or he may not have it any more.
    """
    found = application.releases.get(name)
    if found.standing.requested_by != who.stored.principal.id:
        raise DeniedError("not-found", "no such release")
    try:
        check_not_frozen(application, who)
        release_forms(application, who, found.standing.content, address)
    except DeniedError as error:
        enter_refusal(application, who, error.code, {"phase": "receive", "release": name})
        raise
    return found


def release_forms(
    application: Application, who: Authenticated, content: ReleaseContent, address: str | None
) -> Mapping[str, Form]:
    """Return the form in which each field of a release leaves, as the policy has it.

    Raises:
        DeniedError: The policy does not let this principal have it.
    """
    kind = kind_of(application.configuration.policy, content.kind)
    request = Request(
        operation=Operation.RELEASE,
        purpose=kind.purpose,
        brands=frozenset({content.brand}),
        at=application.clock.now(),
        fields=frozenset(content.fields),
        records=content.maximum,
        address=address,
        reference=content.reference or None,
    )
    decision = decide(application.configuration.policy, who.stored.principal, request)
    if not decision.permitted:
        raise DeniedError(str(decision.reasons[0].code), decision.explanation)
    return decision.forms


def check_not_frozen(application: Application, who: Authenticated) -> None:
    """Return silently unless the principal is frozen.

    Raises:
        DeniedError: It is.
    """
    if application.records.principal(who.stored.principal.id).frozen_at is not None:
        raise DeniedError("frozen", "this credential is frozen")


def _is_visible(application: Application, who: Authenticated, found: StoredRelease, address: str | None) -> bool:
    policy, principal = application.configuration.policy, who.stored.principal
    kind = policy.releases.get(found.standing.content.kind)
    return principal.id == found.standing.requested_by or (
        kind is not None and may_approve(policy, kind, principal, address)
    )


def enter_refusal(application: Application, who: Authenticated, code: str, detail: dict[str, object]) -> None:
    """Enter a refusal into the ledger.

    Args:
        application: The opened store.
        who: Who was refused.
        code: Stable code of the reason.
        detail: Identifiers and numbers for the entry.
    """
    entry = application.entries.prepare(
        lineage=who.stored.principal.id,
        operation=Operation.RELEASE,
        permitted=False,
        reason=code,
        detail={**detail, "credential": who.credential},
    )
    application.ledger.append({}, [entry])
