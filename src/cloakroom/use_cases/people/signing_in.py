"""Signing in with a passkey or an OpenID provider.

Nothing here can be read aloud: no code is shown to anybody, nothing is sent by mail or message, and there is no
second way for those who have lost the first. `docs/adr/0010-people-sign-in-with-a-key-of-their-own.md` says why.
"""

from __future__ import annotations

from dataclasses import dataclass

from cloakroom.adapters.openid import OpenIDClient, authorization_address, encode_base64url, subject_digest
from cloakroom.adapters.passkeys import Assertion, check_assertion, credential_id_of, has_regressed
from cloakroom.adapters.postgres.passkey_store import PasskeyState, StoredPasskey
from cloakroom.adapters.postgres.sign_in_store import BegunCeremony, Session, SignInStore
from cloakroom.crypto import VerifyingKey, is_equal, random_bytes
from cloakroom.errors import ConflictError, DeniedError
from cloakroom.flows.store.service_file import Provider, ServiceRules
from cloakroom.signing.binding import Ceremony, bind_key
from cloakroom.use_cases.people.ceremonies import begin_ceremony, passkey_rules, use_ceremony, user_handle
from cloakroom.use_cases.people.passkey_enrolment import revoke_passkey
from cloakroom.use_cases.people.sessions import SignInRefusedError, open_session
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application

REDEEM_LEASE = 30_000_000
"""For how long a node has a provider's code for itself, in microseconds."""


@dataclass(frozen=True, slots=True)
class Collected:
    """The outcome of a sign-in at a provider: a session, a refusal, or neither yet."""

    session: Session | None
    refused: bool


def begin_passkey_sign_in(
    application: Application, key: VerifyingKey, *, address: str | None
) -> tuple[BegunCeremony, int]:
    """Begin to sign in with a passkey; return the ceremony and when it lapses.

    Raises:
        SignInRefusedError: Nobody signs in so here, or too many do.
    """
    passkey_rules(application.configuration.service)
    return begin_ceremony(application.sign_ins, Ceremony.PASSKEY, key, at=application.now(), address=address)


def finish_passkey_sign_in(
    application: Application,
    key: VerifyingKey,
    ceremony: str,
    assertion: Assertion,
    *,
    handle: bytes,
    address: str | None,
) -> Session:
    """Sign somebody in by what his authenticator says.

    Args:
        application: The opened store.
        key: Public half of the session's key.
        ceremony: Id of the ceremony that was begun for it.
        assertion: The authenticator's answer.
        handle: What the authenticator knows the person by.
        address: Where it comes from; None on the machine itself.

    Raises:
        SignInRefusedError: It is not accepted.
    """
    rules = passkey_rules(application.configuration.service)
    begun = use_ceremony(application.sign_ins, ceremony, Ceremony.PASSKEY, key, at=application.now())
    challenge = bind_key(Ceremony.PASSKEY, begun.nonce, key)
    store = application.passkeys
    with application.connection.transaction():
        found = store.presented(credential_id_of(assertion.credential_id))
        if found is None or found.state is not PasskeyState.ACTIVE:
            raise SignInRefusedError("inactive", "no such passkey is active", "" if found is None else found.id)
        if not is_equal(handle, user_handle(application.identity.id, found.principal)):
            raise SignInRefusedError("passkey", "the authenticator means somebody else", found.id)
        try:
            count = check_assertion(rules, challenge, assertion, found.public_key)
        except DeniedError as error:
            raise SignInRefusedError(error.code, str(error), found.id) from None
        if not has_regressed(found.sign_count, count):
            store.used(found.id, count, application.now())
            return open_session(application, found.principal, key, by=f"passkey:{found.id}", address=address)
    _stop_copied(application, found)
    raise SignInRefusedError("sign-count", "the authenticator counts as if its key were in two places", found.id)


def _stop_copied(application: Application, passkey: StoredPasskey) -> None:
    # Whoever made the signature holds the key; so do others. Neither signs in with it again.
    revoke_passkey(application, passkey.id, by="system", reason="sign-count")


def begin_openid_sign_in(
    application: Application, key: VerifyingKey, provider: str, *, address: str | None
) -> tuple[BegunCeremony, int, str]:
    """Begin to sign in at a provider; return the ceremony, when it lapses, and where the browser goes.

    Raises:
        SignInRefusedError: There is no such provider, or too many people sign in.
    """
    known = _provider(application.configuration.service, provider)
    verifier = encode_base64url(random_bytes(48))
    begun, until = begin_ceremony(
        application.sign_ins,
        Ceremony.OPENID,
        key,
        at=application.now(),
        address=address,
        detail=known.id,
        verifier=verifier,
    )
    nonce = bind_key(Ceremony.OPENID, begun.nonce, key)
    return begun, until, authorization_address(known, state=begun.id, nonce=nonce, verifier=verifier)


def finish_openid_sign_in(
    application: Application, key: VerifyingKey, ceremony: str, code: str, *, issuer: str | None
) -> None:
    """Hand in what the provider sent the browser back with; a node redeems it in the background.

    Raises:
        SignInRefusedError: The ceremony is not this key's, was presented before, or the answer is of another issuer.
    """
    begun = use_ceremony(application.sign_ins, ceremony, Ceremony.OPENID, key, at=application.now())
    known = _provider(application.configuration.service, begun.detail)
    if issuer is not None and issuer != known.issuer:  # RFC 9207: a mix-up of providers
        raise SignInRefusedError("issuer", "the answer is of another provider", known.id)
    application.sign_ins.wait_for_provider(begun.id, code)


def collect_openid_sign_in(store: SignInStore, key: VerifyingKey, ceremony: str) -> Collected:
    """Say what became of a sign-in that was handed in.

    Raises:
        SignInRefusedError: There is none for this key.
    """
    state = store.ceremony(ceremony)
    if state is None or state.kind is not Ceremony.OPENID or state.key != key or not state.is_used:
        raise SignInRefusedError("ceremony", "no such sign-in is under way for this key")
    if state.outcome is None:
        return Collected(None, refused=False)
    if state.outcome.startswith("!"):
        return Collected(None, refused=True)
    return Collected(store.session(state.outcome), refused=False)


def redeem_code(application: Application, client: OpenIDClient) -> bool:
    """Redeem the oldest code that waits, at its provider; false if there is none.

    Whether somebody is signed in or refused, the ceremony says so afterwards, and the ledger has its entry.
    """
    store, now = application.sign_ins, application.now()
    taken = store.take_code(now, now + REDEEM_LEASE)
    if taken is None:
        return False
    begun, code = taken
    try:
        _redeem(application, client, begun, code)
    except DeniedError as error:
        with application.connection.transaction():
            if store.settle(begun.id, f"!{error.code}"):
                application.entries.append(
                    lineage="system",
                    operation=Operation.SIGN_IN,
                    permitted=False,
                    reason=error.code,
                    detail={"by": f"oidc:{begun.detail}"},
                )
    return True


def _redeem(application: Application, client: OpenIDClient, begun: BegunCeremony, code: str) -> None:
    provider = _provider(application.configuration.service, begun.detail)
    nonce = bind_key(Ceremony.OPENID, begun.nonce, begun.key)
    subject = client.subject(provider, code=code, verifier=begun.verifier, nonce=nonce)
    store = application.sign_ins
    name = store.subject(subject_digest(provider.issuer, subject))
    if name is None:
        raise SignInRefusedError("subject", "the provider vouches for somebody who is nobody here", provider.id)
    address = None if begun.address == "local" else begun.address
    with application.connection.transaction():
        session = open_session(application, name, begun.key, by=f"oidc:{provider.id}", address=address)
        if not store.settle(begun.id, session.id):
            raise ConflictError("another node redeemed this code")


def _provider(service: ServiceRules, name: str) -> Provider:
    found = service.providers.get(name)
    if found is None:
        raise SignInRefusedError("off", "no such provider")
    return found
