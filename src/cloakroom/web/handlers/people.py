"""What people ask once they are signed in: their sessions and passkeys, who opened what, and files of releases."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cloakroom.adapters.postgres.passkey_store import PasskeyStore
from cloakroom.adapters.postgres.service_store import ServiceStore
from cloakroom.clock import format_time, from_microseconds, parse_time, to_microseconds
from cloakroom.errors import UsageError
from cloakroom.gate.policy import Operation
from cloakroom.use_cases.ledger.access_report import Opening, report_access
from cloakroom.use_cases.people.passkey_enrolment import approve_passkey, revoke_passkey
from cloakroom.use_cases.people.sessions import find_session, live_sessions, revoke_session, revoke_sessions_of
from cloakroom.use_cases.releases.background_runs import ask_for_run, read_part, run_of
from cloakroom.use_cases.releases.requests import check_receiver
from cloakroom.web.api import people_requests as orders
from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.api.requests import Order
from cloakroom.web.handlers.operations import Caller, Do, authorise
from cloakroom.web.handlers.sign_in import passkey_document, session_document
from cloakroom.wiring import Application

_encode = msgspec.json.Encoder().encode
_NEEDS_PURPOSE = "what is somebody else's needs a purpose"


def show_session(application: Application, _: ServiceStore, caller: Caller, __: orders.ShowSession) -> Answer:
    """Show the session that signs the request."""
    return Answer(200, _encode(session_document(find_session(application, caller.credential))))


def list_sessions(application: Application, _: ServiceStore, caller: Caller, order: orders.ListSessions) -> Answer:
    """List living sessions."""
    name = order.principal or caller.principal.id
    if name != caller.principal.id:
        if order.purpose is None:
            return problem("malformed", _NEEDS_PURPOSE)
        authorise(application, caller, Operation.FREEZE, order.purpose)
    found = live_sessions(application, None if name == "*" else name)
    return Answer(200, _encode(orders.SessionList([session_document(item) for item in found])))


def revoke_sessions(
    application: Application, _: ServiceStore, caller: Caller, order: orders.RevokeSessions
) -> Answer:
    """End sessions."""
    me = caller.principal.id
    if order.principal is not None and order.session is not None:
        return problem("malformed", "a session or a principal, not both")
    if order.purpose is not None:
        authorise(application, caller, Operation.FREEZE, order.purpose)
    elif order.principal not in {None, me}:
        return problem("malformed", _NEEDS_PURPOSE)
    if order.principal is not None:
        ended = revoke_sessions_of(application, order.principal, by=me)
        return Answer(200, _encode(orders.RevokedSessions(ended)))
    session = find_session(application, order.session or caller.credential)
    if session.principal != me and order.purpose is None:
        return problem("not-found")
    done = revoke_session(application, session, by=me)
    return Answer(200, _encode(orders.RevokedSessions([session.id] if done else [])))


def list_passkeys(application: Application, _: ServiceStore, caller: Caller, order: orders.ListPasskeys) -> Answer:
    """List passkeys."""
    if order.purpose is not None:
        authorise(application, caller, Operation.ENROL, order.purpose)
    name = caller.principal.id if order.purpose is None else None
    found = PasskeyStore(application.connection).passkeys(application.now(), name)
    return Answer(200, _encode(orders.PasskeyList([passkey_document(item) for item in found])))


def approve(application: Application, _: ServiceStore, caller: Caller, order: orders.ApprovePasskey) -> Answer:
    """Approve a passkey."""
    found = approve_passkey(
        application,
        caller.authenticated,
        order.id,
        order.fingerprint,
        purpose=order.purpose or "",
        address=caller.address,
    )
    return Answer(200, _encode(passkey_document(found)))


def revoke(application: Application, _: ServiceStore, caller: Caller, order: orders.RevokePasskey) -> Answer:
    """Revoke a passkey."""
    store = PasskeyStore(application.connection)
    if order.purpose is not None:
        authorise(application, caller, Operation.FREEZE, order.purpose)
    elif store.get(order.id).principal != caller.principal.id:
        return problem("not-found")
    revoke_passkey(application, order.id, by=caller.principal.id)
    return Answer(200, _encode(passkey_document(store.get(order.id))))


def report(application: Application, _: ServiceStore, caller: Caller, order: orders.ReportAccess) -> Answer:
    """Report who opened records."""
    found = report_access(
        application,
        caller.authenticated,
        order.tokens,
        purpose=order.purpose,
        reference=order.reference,
        start=_moment(order.start),
        end=_moment(order.end),
        address=caller.address,
    )
    openings = [reported_opening(item) for item in found.openings]
    return Answer(200, _encode(orders.ReportedAccess(found.records, found.size, found.key, openings)))


def reported_opening(opening: Opening) -> orders.ReportedOpening:
    """Return one opening as a report shows it."""
    entry = opening.entry
    return orders.ReportedOpening(
        leaf_index=opening.leaf_index,
        at=format_time(from_microseconds(entry.at)),
        lineage=entry.lineage,
        principal=entry.principal,
        operation=str(entry.operation),
        purpose=entry.purpose,
        brand=entry.brand,
        reference=entry.reference,
        fields=dict(entry.shape),
        records=entry.records,
        proof=opening.proof.render().decode(),
    )


def run(application: Application, _: ServiceStore, caller: Caller, order: orders.RunRelease) -> Answer:
    """Have a release run by a node."""
    ask_for_run(application, caller.authenticated, order.id, address=caller.address)
    return _progress(application, caller, order.id)


def show_run(application: Application, _: ServiceStore, caller: Caller, order: orders.ShowReleaseRun) -> Answer:
    """Show how far a run is."""
    return _progress(application, caller, order.id)


def read_release_part(
    application: Application, _: ServiceStore, caller: Caller, order: orders.ReadReleasePart
) -> Answer:
    """Give a part of a finished file out."""
    data = read_part(application, caller.authenticated, order.id, order.part, address=caller.address)
    return Answer(200, data, b"application/octet-stream")


def _progress(application: Application, caller: Caller, name: str) -> Answer:
    found = check_receiver(application, caller.authenticated, name, address=caller.address)
    done = run_of(application, name)
    if done is None:
        return problem("not-found")
    document = orders.ReleaseProgress(
        id=name,
        state=str(done.state),
        failure=done.failure,
        records=len(found.records) if found.records is not None else 0,
        rows_done=found.rows_done,
        parts=done.parts,
        bytes=done.size,
        file_sha256=found.file_sha256 if done.parts else None,
    )
    return Answer(200, _encode(document))


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return to_microseconds(parse_time(text))
    except (ValueError, OverflowError):
        raise UsageError("a time is RFC 3339 with an offset, such as 2027-01-01T00:00:00Z") from None


PEOPLE_OPERATIONS: Mapping[type[Order], Do] = {
    orders.ApprovePasskey: approve,
    orders.ListPasskeys: list_passkeys,
    orders.ListSessions: list_sessions,
    orders.ReadReleasePart: read_release_part,
    orders.ReportAccess: report,
    orders.RevokePasskey: revoke,
    orders.RevokeSessions: revoke_sessions,
    orders.RunRelease: run,
    orders.ShowReleaseRun: show_run,
    orders.ShowSession: show_session,
}
"""What does the work of each order of people."""
