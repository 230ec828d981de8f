"""Signing in and enrolling passkeys: what newcomers ask.

A function here takes the application, the newcomer and the order, and returns an answer or raises. Why a sign-in was
refused stands in the ledger; whoever is refused is not told.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from cloakroom.adapters.openid import encode_base64url
from cloakroom.adapters.passkeys import ALGORITHMS, Assertion, Registration
from cloakroom.adapters.postgres.passkey_store import PasskeyState, StoredPasskey
from cloakroom.adapters.postgres.sign_in_store import Session
from cloakroom.clock import format_time, from_microseconds
from cloakroom.use_cases.people.ceremonies import passkey_rules, user_handle
from cloakroom.use_cases.people.passkey_enrolment import APPROVALS_NEEDED, begin_enrolment, finish_enrolment
from cloakroom.use_cases.people.signing_in import (
    begin_openid_sign_in,
    begin_passkey_sign_in,
    collect_openid_sign_in,
    finish_openid_sign_in,
    finish_passkey_sign_in,
)
from cloakroom.web.api import people_requests as orders
from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.api.unenrolled import Newcomer
from cloakroom.wiring import Application

_encode = msgspec.json.Encoder().encode

SignIn = Callable[[Application, Newcomer, Any], Answer]


def session_document(session: Session) -> orders.SessionDocument:
    """Return a session as its owner sees it."""
    return orders.SessionDocument(
        id=session.id,
        principal=session.principal,
        began_at=_time(session.created_at),
        ends_at=_time(session.expires_at),
        idle_s=session.idle // 1_000_000,
        signed_in_by=session.signed_in_by,
        address_bound=session.address is not None,
    )


def passkey_document(passkey: StoredPasskey) -> orders.PasskeyDocument:
    """Return a passkey as people see it."""
    requested = passkey.state is PasskeyState.REQUESTED
    return orders.PasskeyDocument(
        id=passkey.id,
        principal=passkey.principal,
        state=str(passkey.state),
        fingerprint=passkey.fingerprint,
        requested_at=_time(passkey.requested_at),
        expires_at=_time(passkey.expires_at) if requested else None,
        approvals=[name for name, _ in passkey.approvals],
        approvals_needed=APPROVALS_NEEDED,
        last_used_at=None if passkey.last_used_at is None else _time(passkey.last_used_at),
    )


def show_sign_in(application: Application, _: Newcomer, __: orders.ShowSignIn) -> Answer:
    """Show in which ways people sign in here."""
    rules = application.configuration.service
    offer = orders.SignInOffer(
        rp_id="" if rules.passkeys is None else rules.passkeys.rp_id,
        providers=[orders.OfferedProvider(item.id, item.label) for item in rules.providers.values()],
    )
    return Answer(200, _encode(offer))


def begin_passkey(application: Application, newcomer: Newcomer, _: orders.BeginPasskey) -> Answer:
    """Begin to sign in with a passkey."""
    begun, until = begin_passkey_sign_in(application, newcomer.key, address=newcomer.address)
    nonce, rp_id = encode_base64url(begun.nonce), passkey_rules(application).rp_id
    return Answer(200, _encode(orders.BegunPasskey(begun.id, nonce, rp_id, _time(until))))


def finish_passkey(application: Application, newcomer: Newcomer, order: orders.FinishPasskey) -> Answer:
    """Sign in by what the authenticator answered."""
    session = finish_passkey_sign_in(
        application,
        newcomer.key,
        order.ceremony,
        Assertion(order.credential_id, order.client_data, order.authenticator_data, order.signature),
        handle=_decoded(order.user_handle),
        address=newcomer.address,
    )
    return Answer(200, _encode(session_document(session)))


def begin_openid(application: Application, newcomer: Newcomer, order: orders.BeginOpenID) -> Answer:
    """Begin to sign in at a provider."""
    begun, until, location = begin_openid_sign_in(application, newcomer.key, order.provider, address=newcomer.address)
    return Answer(200, _encode(orders.BegunOpenID(begun.id, location, _time(until))))


def finish_openid(application: Application, newcomer: Newcomer, order: orders.FinishOpenID) -> Answer:
    """Hand in what the provider sent the browser back with."""
    finish_openid_sign_in(application, newcomer.key, order.ceremony, order.code, issuer=order.issuer)
    return Answer(200, _encode(orders.CollectedOpenID(is_waiting=True, session=None)))


def collect_openid(application: Application, newcomer: Newcomer, order: orders.CollectOpenID) -> Answer:
    """Say what became of it."""
    found = collect_openid_sign_in(application, newcomer.key, order.ceremony)
    if found.refused:  # its entry is there already
        return problem("sign-in")
    session = None if found.session is None else session_document(found.session)
    return Answer(200, _encode(orders.CollectedOpenID(is_waiting=session is None, session=session)))


def begin_enrolling(application: Application, newcomer: Newcomer, order: orders.BeginEnrolment) -> Answer:
    """Begin to enrol a passkey."""
    begun, until = begin_enrolment(application, newcomer.key, order.principal, address=newcomer.address)
    document = orders.BegunEnrolment(
        ceremony=begun.id,
        nonce=encode_base64url(begun.nonce),
        rp_id=passkey_rules(application).rp_id,
        user_handle=encode_base64url(user_handle(application, order.principal)),
        algorithms=[int(item) for item in ALGORITHMS],
        expires_at=_time(until),
    )
    return Answer(200, _encode(document))


def finish_enrolling(application: Application, newcomer: Newcomer, order: orders.FinishEnrolment) -> Answer:
    """Ask for a passkey."""
    registration = Registration(order.credential_id, order.client_data, order.attestation)
    passkey = finish_enrolment(application, newcomer.key, order.ceremony, registration)
    return Answer(200, _encode(passkey_document(passkey)))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""


def _time(at: int) -> str:
    return format_time(from_microseconds(at))


SIGN_INS: Mapping[type[orders.NewcomerOrder], SignIn] = {
    orders.BeginEnrolment: begin_enrolling,
    orders.BeginOpenID: begin_openid,
    orders.BeginPasskey: begin_passkey,
    orders.CollectOpenID: collect_openid,
    orders.FinishEnrolment: finish_enrolling,
    orders.FinishOpenID: finish_openid,
    orders.FinishPasskey: finish_passkey,
    orders.ShowSignIn: show_sign_in,
}
"""What does the work of each order of a newcomer."""
