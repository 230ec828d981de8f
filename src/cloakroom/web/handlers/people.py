"""Principals: exposure, freezes, sessions and passkeys."""

from __future__ import annotations

import msgspec

from cloakroom.adapters.postgres.passkey_store import PasskeyState, StoredPasskey
from cloakroom.adapters.postgres.sign_in_store import Session
from cloakroom.clock import format_time, from_microseconds
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.gate.exposure import Bound
from cloakroom.use_cases.people import passkey_enrolment, principals
from cloakroom.use_cases.people.exposure import exposure_of
from cloakroom.use_cases.people.passkey_enrolment import APPROVALS_NEEDED
from cloakroom.use_cases.people.sessions import find_session, live_sessions, revoke_session, revoke_sessions_of
from cloakroom.vocabulary import Operation
from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.api.requests import people as requests
from cloakroom.wiring import Application

_encode = msgspec.json.Encoder().encode

_NEEDS_PURPOSE = "what is somebody else's needs a purpose"


def show_exposure(application: Application, caller: Caller, request: requests.ShowExposure) -> Answer:
    """Show the ceiling of a credential."""
    name = request.principal or caller.principal.id
    if name != caller.principal.id:
        if request.purpose is None:
            return problem("malformed", "the exposure of somebody else needs a purpose")
        application.authoriser.authorise(caller, Operation.EXPOSURE, request.purpose)
    found = exposure_of(application, name)
    fields = {field: str(form) for field, form in found.fields.items()}
    windows = [_bound(bound) for bound in found.bounds]
    return Answer(200, _encode(requests.ShownExposure(found.principal, found.ceiling, fields, windows)))


def _bound(bound: Bound) -> requests.ExposureBound:
    return requests.ExposureBound(
        window=str(bound.window),
        until=None if bound.until is None else format_time(from_microseconds(bound.until)),
        records=bound.records,
        in_full=bound.in_full,
        never_opened=bound.never_opened,
        probes=bound.probes,
        classes={str(kind): count for kind, count in bound.classes.items()},
        brands=dict(bound.brands),
    )


def freeze(application: Application, caller: Caller, request: requests.Freeze) -> Answer:
    """Freeze a lineage."""
    application.authoriser.authorise(caller, Operation.FREEZE, request.purpose)
    done = principals.freeze(
        application.gatekeeper, application.records, request.principal, by=caller.principal.id, reason=request.reason
    )
    return Answer(200, _encode(requests.Frozen(request.principal, not done)))


def show_session(application: Application, caller: Caller, __: requests.ShowSession) -> Answer:
    """Show the session that signs the request."""
    return Answer(200, _encode(session_document(find_session(application.sign_ins, caller.credential))))


def list_sessions(application: Application, caller: Caller, request: requests.ListSessions) -> Answer:
    """List living sessions."""
    name = request.principal or caller.principal.id
    if name != caller.principal.id:
        if request.purpose is None:
            return problem("malformed", _NEEDS_PURPOSE)
        application.authoriser.authorise(caller, Operation.FREEZE, request.purpose)
    found = live_sessions(application.sign_ins, application.now(), None if name == "*" else name)
    return Answer(200, _encode(requests.SessionList([session_document(item) for item in found])))


def revoke_sessions(application: Application, caller: Caller, request: requests.RevokeSessions) -> Answer:
    """End sessions."""
    me = caller.principal.id
    if request.principal is not None and request.session is not None:
        return problem("malformed", "a session or a principal, not both")
    if request.purpose is not None:
        application.authoriser.authorise(caller, Operation.FREEZE, request.purpose)
    elif request.principal not in {None, me}:
        return problem("malformed", _NEEDS_PURPOSE)
    if request.principal is not None:
        ended = revoke_sessions_of(application, request.principal, by=me)
        return Answer(200, _encode(requests.RevokedSessions(ended)))
    session = find_session(application.sign_ins, request.session or caller.credential)
    if session.principal != me and request.purpose is None:
        return problem("not-found")
    done = revoke_session(application, session, by=me)
    return Answer(200, _encode(requests.RevokedSessions([session.id] if done else [])))


def list_passkeys(application: Application, caller: Caller, request: requests.ListPasskeys) -> Answer:
    """List passkeys."""
    if request.purpose is not None:
        application.authoriser.authorise(caller, Operation.ENROL, request.purpose)
    name = caller.principal.id if request.purpose is None else None
    found = application.passkeys.passkeys(application.now(), name)
    return Answer(200, _encode(requests.PasskeyList([passkey_document(item) for item in found])))


def approve_passkey(application: Application, caller: Caller, request: requests.ApprovePasskey) -> Answer:
    """Approve a passkey."""
    found = passkey_enrolment.approve_passkey(
        application,
        caller,
        request.id,
        request.fingerprint,
        purpose=request.purpose or "",
    )
    return Answer(200, _encode(passkey_document(found)))


def revoke_passkey(application: Application, caller: Caller, request: requests.RevokePasskey) -> Answer:
    """Revoke a passkey."""
    store = application.passkeys
    if request.purpose is not None:
        application.authoriser.authorise(caller, Operation.FREEZE, request.purpose)
    elif store.get(request.id).principal != caller.principal.id:
        return problem("not-found")
    passkey_enrolment.revoke_passkey(application, request.id, by=caller.principal.id)
    return Answer(200, _encode(passkey_document(store.get(request.id))))


def session_document(session: Session) -> requests.SessionDocument:
    """Return a session as its owner sees it."""
    return requests.SessionDocument(
        id=session.id,
        principal=session.principal,
        began_at=render_time(session.created_at),
        ends_at=render_time(session.expires_at),
        idle_s=session.idle // 1_000_000,
        signed_in_by=session.signed_in_by,
        address_bound=session.address is not None,
    )


def passkey_document(passkey: StoredPasskey) -> requests.PasskeyDocument:
    """Return a passkey as people see it."""
    requested = passkey.state is PasskeyState.REQUESTED
    return requests.PasskeyDocument(
        id=passkey.id,
        principal=passkey.principal,
        state=str(passkey.state),
        fingerprint=passkey.fingerprint,
        requested_at=render_time(passkey.requested_at),
        expires_at=render_time(passkey.expires_at) if requested else None,
        approvals=[name for name, _ in passkey.approvals],
        approvals_needed=APPROVALS_NEEDED,
        last_used_at=None if passkey.last_used_at is None else render_time(passkey.last_used_at),
    )


def render_time(at: int) -> str:
    """Return a moment, given in microseconds, as RFC 3339."""
    return format_time(from_microseconds(at))
