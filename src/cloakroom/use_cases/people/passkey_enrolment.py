"""Enrolling passkeys: asked for by its holder, active by the word of two others.

A person who signed in with a passkey a moment ago may add another without them, with the key of that very session.
Nobody is sent an invitation that could be passed on: what is approved is the fingerprint of exactly one key.
"""

from __future__ import annotations

from cloakroom.adapters.openid import subject_digest
from cloakroom.adapters.passkeys import Registration, check_registration
from cloakroom.adapters.postgres.passkey_store import PasskeyState, StoredPasskey
from cloakroom.adapters.postgres.sign_in_store import BegunCeremony
from cloakroom.adapters.postgres.store_records import StoreRecords
from cloakroom.crypto import VerifyingKey, random_bytes
from cloakroom.errors import ConflictError, DeniedError, UsageError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.ledger.entry_writing import EntryWriter
from cloakroom.gate.policy import PrincipalKind
from cloakroom.ledger.entry import check_identifier
from cloakroom.signing.binding import Ceremony, bind_key
from cloakroom.use_cases.people.ceremonies import begin_ceremony, passkey_rules, use_ceremony
from cloakroom.use_cases.people.sessions import revoke_sessions_of
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application

APPROVALS_NEEDED = 2
MAX_REQUESTED = 5
"""Requests of one person that wait for approval; more are not kept."""
REQUEST_LIFETIME = 86_400_000_000
"""How long a request waits for approval, in microseconds."""
OWN_SESSION = 600_000_000
"""How long ago a person may have signed in with a passkey to approve a further one of his own, in microseconds."""


def begin_enrolment(
    application: Application, key: VerifyingKey, name: str, *, address: str | None
) -> tuple[BegunCeremony, int]:
    """Begin to enrol a passkey; return the ceremony and when it lapses. Whether there is such a person is not told.

    Raises:
        SignInRefusedError: Nobody signs in with a passkey here, or too many ceremonies are under way.
        UsageError: The name is no identifier.
    """
    check_identifier("principal", name)
    passkey_rules(application.configuration.service)
    at = application.now()
    return begin_ceremony(application.sign_ins, Ceremony.ENROL, key, at=at, address=address, detail=name)


def finish_enrolment(
    application: Application, key: VerifyingKey, ceremony: str, registration: Registration
) -> StoredPasskey:
    """Take what the authenticator registered as a request that others approve; return it.

    The same is returned where there is no such person, or where too many requests of his wait; then nothing is kept.

    Raises:
        SignInRefusedError: The ceremony is not this key's, or was presented before.
        DeniedError: The authenticator's answer is wrong.
    """
    rules = passkey_rules(application.configuration.service)
    begun = use_ceremony(application.sign_ins, ceremony, Ceremony.ENROL, key, at=application.now())
    new = check_registration(rules, bind_key(Ceremony.ENROL, begun.nonce, key), registration)
    now = application.now()
    passkey = StoredPasskey(
        id=f"pk-{random_bytes(8).hex()}",
        principal=begun.detail,
        credential_id=new.credential_id,
        public_key=new.public_key,
        fingerprint=new.fingerprint,
        asked_with=key.raw,
        sign_count=new.sign_count,
        state=PasskeyState.REQUESTED,
        requested_at=now,
        expires_at=now + REQUEST_LIFETIME,
    )
    found = application.records.find_principal(begun.detail)
    is_person = found is not None and found.principal.kind is PrincipalKind.PERSON
    with application.connection.transaction():
        kept = is_person and application.passkeys.request(passkey, MAX_REQUESTED)
        detail = {"action": "request-passkey", "passkey": passkey.id, "fingerprint": passkey.fingerprint}
        application.entries.append(
            lineage=begun.detail if is_person else "system",
            operation=Operation.PRINCIPAL,
            principal="system",
            permitted=kept,
            reason="granted" if kept else "request",
            detail=detail,
        )
    return passkey


def approve_passkey(
    application: Application, who: Caller, name: str, fingerprint: str, *, purpose: str
) -> StoredPasskey:
    """Approve exactly the key of that fingerprint.

    Args:
        application: The opened store.
        who: Who approves.
        name: Id of the passkey.
        fingerprint: What the approver compared with what the person's screen shows, face to face.
        purpose: Purpose of the policy that allows ``enrol``; not needed for one's own further passkey.

    Raises:
        DeniedError: The approval does not count: ``own-lineage``, ``exhausted``, ``changed``, ``frozen``, or the
            policy's reason.
    """
    store, principal = application.passkeys, who.principal
    refused = application.authoriser.entering_refusals(
        who, Operation.PRINCIPAL, detail={"action": "approve-passkey", "passkey": name}
    )
    with refused, application.connection.transaction():
        found = store.get(name, lock=True)
        own = _check_approval(application, who, found, fingerprint=fingerprint, purpose=purpose)
        store.approve(name, principal.id, who.credential, application.now())
        if own or len(found.approvals) + 1 >= APPROVALS_NEEDED:
            store.activate(name, application.now())
        _enter(application.entries, found, by=principal.id, action="approve-passkey", credential=who.credential)
    return store.get(name)


def revoke_passkey(application: Application, name: str, *, by: str, reason: str = "granted") -> bool:
    """Let a passkey sign nobody in any more and end the sessions that it began; say whether it was not revoked.

    Raises:
        DeniedError: There is no such passkey.
    """
    store = application.passkeys
    with application.connection.transaction():
        found = store.get(name, lock=True)
        done = store.revoke(name, application.now())
        if done:
            _enter(application.entries, found, by=by, action="revoke-passkey", reason=reason)
            revoke_sessions_of(application, found.principal, by=by, signed_in_by=f"passkey:{name}")
    return done


def link_subject(application: Application, name: str, provider: str, subject: str, *, by: str = "operator") -> None:
    """Let a subject of an OpenID provider be a person here.

    Raises:
        DeniedError: There is no such person.
        UsageError: There is no such provider, or the subject is none.
        ConflictError: The subject is somebody already.
    """
    found = application.records.principal(name)
    known = application.configuration.service.providers.get(provider)
    if known is None or not 1 <= len(subject) <= 255:
        raise UsageError("no such provider in service.toml, or no subject")
    if found.principal.kind is not PrincipalKind.PERSON:
        raise UsageError("only people sign in")
    digest = subject_digest(known.issuer, subject)
    with application.connection.transaction():
        if not application.sign_ins.link_subject(digest, provider, name, application.now()):
            raise ConflictError("this subject is somebody here already")
        application.entries.append(
            lineage=name,
            operation=Operation.PRINCIPAL,
            principal=by,
            detail={"action": "link", "by": f"oidc:{provider}"},
        )


def unlink_subjects(application: Application, name: str, provider: str, *, by: str = "operator") -> int:
    """Take a person's subjects of a provider away and end the sessions they began; return how many they were."""
    application.records.principal(name)
    with application.connection.transaction():
        count = application.sign_ins.unlink_subjects(provider, name)
        if count:
            application.entries.append(
                lineage=name,
                operation=Operation.PRINCIPAL,
                principal=by,
                detail={"action": "unlink", "by": f"oidc:{provider}"},
            )
            revoke_sessions_of(application, name, by=by, signed_in_by=f"oidc:{provider}")
    return count


def _check_approval(
    application: Application,
    who: Caller,
    passkey: StoredPasskey,
    *,
    fingerprint: str,
    purpose: str,
) -> bool:
    """Refuse an approval that does not count; answer whether it is a person's own, which needs no other."""
    principal, now = who.principal, application.now()
    application.authoriser.check_not_frozen(principal.id)
    own = principal.id == passkey.principal
    if own:
        _check_own_session(application.records, who, passkey, now)
    else:
        application.authoriser.check(who, Operation.ENROL, purpose)
        if principal.kind is not PrincipalKind.PERSON:
            raise DeniedError("kind", "only people approve")
    if passkey.state is not PasskeyState.REQUESTED or passkey.expires_at <= now:
        raise DeniedError("exhausted", "the passkey takes no approval any more")
    if any(principal.id == name or who.credential == credential for name, credential in passkey.approvals):
        raise DeniedError("exhausted", "the same person approves once")
    if fingerprint != passkey.fingerprint:
        raise DeniedError("changed", "the approval is of another key")
    return own


def _check_own_session(records: StoreRecords, who: Caller, passkey: StoredPasskey, now: int) -> None:
    known = records.credential(who.credential)
    by = "" if known is None else known.signed_in_by or ""
    # Asked for with the very key of the session that approves: nobody is talked into approving a stranger's passkey.
    own_request = known is not None and known.key.raw == passkey.asked_with
    if known is None or not own_request or not by.startswith("passkey:") or now - known.created_at > OWN_SESSION:
        words = "one's own further passkey is asked for and approved within ten minutes of signing in with another"
        raise DeniedError("own-lineage", words)


def _enter(
    entries: EntryWriter, passkey: StoredPasskey, *, by: str, action: str, reason: str = "granted", **detail: str
) -> None:
    entries.append(
        lineage=passkey.principal,
        operation=Operation.PRINCIPAL,
        principal=by,
        reason=reason,
        detail={"action": action, "passkey": passkey.id, "fingerprint": passkey.fingerprint, **detail},
    )
