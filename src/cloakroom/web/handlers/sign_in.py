"""Signing in and enrolling passkeys: what callers ask whose key is not enrolled.

Why a sign-in was refused stands in the ledger; whoever is refused is not told.
"""

from __future__ import annotations

import base64

import msgspec

from cloakroom.adapters.openid import encode_base64url
from cloakroom.adapters.passkeys import ALGORITHMS, Assertion, Registration
from cloakroom.use_cases.people.ceremonies import passkey_rules, user_handle
from cloakroom.use_cases.people.passkey_enrolment import (
    begin_enrolment,
    finish_enrolment,
)
from cloakroom.use_cases.people.signing_in import (
    begin_openid_sign_in,
    begin_passkey_sign_in,
    collect_openid_sign_in,
    finish_openid_sign_in,
    finish_passkey_sign_in,
)
from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.api.requests import sign_in as requests
from cloakroom.web.api.unenrolled import UnenrolledCaller
from cloakroom.web.handlers.people import passkey_document, render_time, session_document
from cloakroom.wiring import Application

_encode = msgspec.json.Encoder().encode


def show_sign_in(application: Application, _: UnenrolledCaller, __: requests.ShowSignIn) -> Answer:
    """Show in which ways people sign in here."""
    rules = application.configuration.service
    offer = requests.SignInOffer(
        rp_id="" if rules.passkeys is None else rules.passkeys.rp_id,
        providers=[requests.OfferedProvider(item.id, item.label) for item in rules.providers.values()],
    )
    return Answer(200, _encode(offer))


def begin_passkey(application: Application, caller: UnenrolledCaller, _: requests.BeginPasskey) -> Answer:
    """Begin to sign in with a passkey."""
    begun, until = begin_passkey_sign_in(application, caller.key, address=caller.address)
    nonce, rp_id = encode_base64url(begun.nonce), passkey_rules(application.configuration.service).rp_id
    return Answer(200, _encode(requests.BegunPasskey(begun.id, nonce, rp_id, render_time(until))))


def finish_passkey(application: Application, caller: UnenrolledCaller, request: requests.FinishPasskey) -> Answer:
    """Sign in by what the authenticator answered."""
    session = finish_passkey_sign_in(
        application,
        caller.key,
        request.ceremony,
        Assertion(request.credential_id, request.client_data, request.authenticator_data, request.signature),
        handle=_decoded(request.user_handle),
        address=caller.address,
    )
    return Answer(200, _encode(session_document(session)))


def begin_openid(application: Application, caller: UnenrolledCaller, request: requests.BeginOpenID) -> Answer:
    """Begin to sign in at a provider."""
    begun, until, location = begin_openid_sign_in(application, caller.key, request.provider, address=caller.address)
    return Answer(200, _encode(requests.BegunOpenID(begun.id, location, render_time(until))))


def finish_openid(application: Application, caller: UnenrolledCaller, request: requests.FinishOpenID) -> Answer:
    """Hand in what the provider sent the browser back with."""
    finish_openid_sign_in(application, caller.key, request.ceremony, request.code, issuer=request.issuer)
    return Answer(200, _encode(requests.CollectedOpenID(is_waiting=True, session=None)))


def collect_openid(application: Application, caller: UnenrolledCaller, request: requests.CollectOpenID) -> Answer:
    """Say what became of it."""
    found = collect_openid_sign_in(application.sign_ins, caller.key, request.ceremony)
    if found.refused:  # its entry is there already
        return problem("sign-in")
    session = None if found.session is None else session_document(found.session)
    return Answer(200, _encode(requests.CollectedOpenID(is_waiting=session is None, session=session)))


def begin_enrolling(application: Application, caller: UnenrolledCaller, request: requests.BeginEnrolment) -> Answer:
    """Begin to enrol a passkey."""
    begun, until = begin_enrolment(application, caller.key, request.principal, address=caller.address)
    document = requests.BegunEnrolment(
        ceremony=begun.id,
        nonce=encode_base64url(begun.nonce),
        rp_id=passkey_rules(application.configuration.service).rp_id,
        user_handle=encode_base64url(user_handle(application.identity.id, request.principal)),
        algorithms=[int(item) for item in ALGORITHMS],
        expires_at=render_time(until),
    )
    return Answer(200, _encode(document))


def finish_enrolling(application: Application, caller: UnenrolledCaller, request: requests.FinishEnrolment) -> Answer:
    """Ask for a passkey."""
    registration = Registration(request.credential_id, request.client_data, request.attestation)
    passkey = finish_enrolment(application, caller.key, request.ceremony, registration)
    return Answer(200, _encode(passkey_document(passkey)))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""
