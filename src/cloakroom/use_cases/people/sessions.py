"""Sessions of people: short-lived keys that a sign-in enrols.

A session is a credential of the person's own lineage: it draws on the same budget, a freeze ends it, and every
request is signed with its key. There is no cookie and no bearer token that could be stolen.
"""

from __future__ import annotations

from cloakroom.adapters.postgres.sign_in_store import Session, SignInStore
from cloakroom.clock import from_microseconds, to_microseconds
from cloakroom.crypto import VerifyingKey, random_bytes
from cloakroom.errors import DeniedError
from cloakroom.gate.policy import LOCAL, PrincipalKind
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application


class SignInRefusedError(DeniedError):
    """A sign-in or enrolment was not accepted.

    Attributes:
        named: The passkey or provider concerned, where it is known; for the ledger.
    """

    def __init__(self, code: str, message: str, named: str = "") -> None:
        super().__init__(code, message)
        self.named = named


def open_session(application: Application, name: str, key: VerifyingKey, *, by: str, address: str | None) -> Session:
    """Enrol a key as a session of a person, with its entry. Call it within the transaction that judged the sign-in.

    Args:
        application: The opened store.
        name: The principal.
        key: Public half of the session's key.
        by: What the sign-in was done with, such as ``passkey:pk-1f2e``.
        address: Where it comes from; None on the machine itself.

    Raises:
        SignInRefusedError: Nobody of that name signs in now, or not from here, or the key is enrolled already.
    """
    found = application.records.find_principal(name)
    now = application.now()
    if found is None or found.principal.kind is not PrincipalKind.PERSON:
        raise SignInRefusedError("kind", "only people sign in", by)
    principal = found.principal
    if found.frozen_at is not None:
        raise SignInRefusedError("frozen", f"{name} is frozen", by)
    if not principal.valid_from <= from_microseconds(now) < principal.valid_until:
        raise SignInRefusedError("expired", f"{name} is not valid now", by)
    if principal.networks is not None and not principal.networks.holds(address):
        raise SignInRefusedError("network", f"{name} does not sign in from this network", by)
    if application.records.has_key(key):
        raise SignInRefusedError("key", "this key is enrolled already; a session has a new one", by)
    rules = application.configuration.service.sessions
    session = Session(
        id=f"{name}:s-{random_bytes(6).hex()}",
        principal=name,
        created_at=now,
        expires_at=min(now + rules.length, to_microseconds(principal.valid_until)),
        revoked_at=None,
        last_used_at=None,
        idle=rules.idle,
        address=(LOCAL if address is None else address) if rules.bind_address else None,
        signed_in_by=by,
    )
    application.sign_ins.add_session(session, key)
    application.entries.append(lineage=name, operation=Operation.SIGN_IN, detail={"credential": session.id, "by": by})
    return session


def live_sessions(store: SignInStore, at: int, name: str | None = None) -> list[Session]:
    """Return the sessions that live at a moment, newest first; of everybody unless told."""
    return store.sessions(at, name)


def find_session(store: SignInStore, credential: str) -> Session:
    """Return a session, whether or not it still lives.

    Raises:
        DeniedError: There is none of that id.
    """
    found = store.session(credential)
    if found is None:
        raise DeniedError("not-found", "no such session")
    return found


def revoke_session(application: Application, session: Session, *, by: str) -> bool:
    """End a session everywhere from its next request on; say whether it had not ended by revocation before."""
    with application.connection.transaction():
        done = application.records.revoke_credential(session.id, application.now())
        if done:
            application.entries.append(
                lineage=session.principal,
                operation=Operation.PRINCIPAL,
                principal=by,
                detail={"action": "revoke-session", "credential": session.id},
            )
    return done


def revoke_sessions_of(application: Application, name: str, *, by: str, signed_in_by: str | None = None) -> list[str]:
    """End every session of a principal, or those begun with one thing; return their ids.

    Raises:
        DeniedError: There is no such principal.
    """
    application.records.principal(name)
    with application.connection.transaction():
        ended = application.sign_ins.revoke_sessions_of(name, application.now(), signed_in_by)
        if ended:
            application.entries.append(
                lineage=name,
                operation=Operation.PRINCIPAL,
                principal=by,
                detail={"action": "revoke-sessions", "credentials": ended[:100], "sessions": len(ended)},
            )
    return ended
