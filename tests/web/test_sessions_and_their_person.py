"""A session never serves longer than its person: it ends with one frozen, expired, revoked or out of the policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from core_world import RunningCore
from people_world import SERVICE

from cloakroom.clock import FixedClock, from_microseconds
from cloakroom.crypto import SigningKey
from cloakroom.gate.policy import PrincipalKind
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.people.sessions import (
    SignInRefusedError,
    find_session,
    open_session,
    revoke_session,
    revoke_sessions_of,
)
from cloakroom.use_cases.store.configuration import apply_configuration
from cloakroom.vault.tokens import RecordReference
from cloakroom.web.api.requests.people import Freeze, ShowSession
from cloakroom.web.api.requests.records import Find, Reveal

BEGAN = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)
SOLD = {"purpose": "clienteling", "reference": "APPT-7"}


@pytest.fixture
def clocked(store):
    """A core over a store with two people, and the clock of both."""
    clock = FixedClock(BEGAN)
    core = RunningCore(lambda: store.open("core", clock, clock_tolerance=None))
    application = core.application
    texts = {**application.configuration.texts, "service.toml": SERVICE.format(origin="https://localhost")}
    apply_configuration(application, texts)
    core.look()
    enrol(core, "shop", "web_shop", kind=PrincipalKind.APPLICATION)
    enrol(core, "anna", "store_associate", works_through="shop", valid_until=BEGAN + 2 * HOUR)
    enrol(core, "sam", "security_responder", works_through="shop", valid_until=BEGAN + 2 * HOUR)
    yield core, clock
    core.close()


def enrol(core, name, role, *, kind=PrincipalKind.PERSON, **options):
    principals.enrol(core.application, name, kind=kind, roles=frozenset({role}), **options)


def sign_in(core, name):
    application, key = core.application, SigningKey.generate().verifying_key
    with application.connection.transaction():
        return open_session(application, name, key, by="passkey:pk-1f2e", address=None)


def asks(core):
    """One request of each way in: admitted in batches, authorised, and neither."""
    application = core.application
    [(number, ordinal)] = [
        (row.brand, row.record.ordinal) for row in application.vault.sealed_rows([7]) if row.state == 0
    ]
    token = application.codec("shop").issue([RecordReference(number, ordinal)])
    return {
        "anna": {
            "reveal": Reveal(tokens=token, fields=["email"], **SOLD),
            "find": Find(by="email", value="nobody@example.org", brands=["tarsenne"], **SOLD),
        },
        "sam": {"freeze": Freeze(purpose="containment", principal="shop", reason="drill")},
    }


def codes(core, sessions):
    """What each session is answered to each request of its person, and to showing itself."""
    return {
        (name, what): core.code(sessions[name].id, request)
        for name, requests in asks(core).items()
        for what, request in {**requests, "session": ShowSession()}.items()
    }


def test_while_its_person_is_valid_a_session_does_everything_that_the_person_may(clocked):
    core, _ = clocked
    sessions = {name: sign_in(core, name) for name in ("anna", "sam")}
    assert set(codes(core, sessions).values()) == {""}


def test_a_session_ends_with_the_last_moment_of_its_person(clocked):
    core, clock = clocked
    clock.advance(2 * HOUR - timedelta(minutes=5))
    sessions = {name: sign_in(core, name) for name in ("anna", "sam")}
    assert {from_microseconds(item.expires_at) for item in sessions.values()} == {BEGAN + 2 * HOUR}
    clock.advance(timedelta(minutes=5) - MOMENT)
    assert set(codes(core, sessions).values()) == {""}
    clock.advance(MOMENT)
    assert set(codes(core, sessions).values()) == {"expired"}
    with pytest.raises(SignInRefusedError, match="not valid"):
        sign_in(core, "anna")


def test_where_a_persons_time_is_cut_short_its_sessions_do_nothing_that_the_policy_rules(clocked):
    """The session's own row says that it goes on; the person's does not."""
    core, clock = clocked
    sessions = {name: sign_in(core, name) for name in ("anna", "sam")}
    core.application.connection.execute(
        "update principal set valid_until = %s", (core.application.now() + 60_000_000,)
    )
    clock.advance(timedelta(minutes=1) - MOMENT)
    assert set(codes(core, sessions).values()) == {""}
    clock.advance(MOMENT)
    found = codes(core, sessions)
    assert {found[place] for place in found if place[1] != "session"} == {"expired"}


def test_a_session_ends_with_its_own_length_and_with_its_idle_time(clocked):
    core, clock = clocked
    enrol(core, "ben", "store_associate", works_through="shop")
    session = sign_in(core, "ben")
    clock.advance(timedelta(minutes=30))
    assert core.code(session.id, ShowSession()) == ""
    clock.advance(timedelta(minutes=30) + MOMENT)  # nothing has noted its use: it counts as idle since it began
    assert core.code(session.id, ShowSession()) == "expired"
    second = sign_in(core, "ben")
    for _ in range(16):
        clock.advance(timedelta(minutes=30) - MOMENT)
        assert core.code(second.id, ShowSession()) == ""
        core.core._note_use()
    clock.advance(timedelta(seconds=1))
    assert core.code(second.id, ShowSession()) == "expired"


def test_a_frozen_person_is_frozen_in_every_session(clocked):
    core, _ = clocked
    sessions = {name: sign_in(core, name) for name in ("anna", "sam")}
    for name in sessions:
        principals.freeze(
            core.application.gatekeeper, core.application.records, name, by="operator", reason="stolen-laptop"
        )
    found = codes(core, sessions)
    assert {found[place] for place in found if place[1] != "session"} == {"frozen"}
    with pytest.raises(SignInRefusedError, match="frozen"):
        sign_in(core, "anna")


@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_is_revoked_is_gone_with_the_next_request_whoever_revokes_it(clocked, store, elsewhere):
    core, _ = clocked
    first, second, other = sign_in(core, "anna"), sign_in(core, "anna"), sign_in(core, "sam")
    assert core.code(first.id, ShowSession()) == core.code(second.id, ShowSession()) == ""
    revoker = store.open("elsewhere", FixedClock(BEGAN), clock_tolerance=None) if elsewhere else core.application
    assert revoke_session(revoker, find_session(revoker.sign_ins, first.id), by="operator")
    assert core.code(first.id, ShowSession()) == "expired"
    assert core.code(second.id, ShowSession()) == ""
    assert set(revoke_sessions_of(revoker, "anna", by="operator")) >= {second.id}
    assert core.code(second.id, ShowSession()) == "expired"
    assert core.code(other.id, ShowSession()) == ""
    if elsewhere:
        revoker.close()


def test_who_is_left_out_of_the_policy_does_nothing_more_in_a_session_that_goes_on(clocked, store):
    core, _ = clocked
    sessions = {name: sign_in(core, name) for name in ("anna", "sam")}
    assert set(codes(core, sessions).values()) == {""}
    elsewhere = store.open("elsewhere", FixedClock(BEGAN), clock_tolerance=None)
    policy = elsewhere.configuration.texts["policy.toml"]
    for role in ("store_associate", "security_responder"):
        policy = policy.replace(role, f"other_{role}")
    apply_configuration(elsewhere, {**elsewhere.configuration.texts, "policy.toml": policy})
    elsewhere.close()
    core.look()
    found = codes(core, sessions)
    assert {found[place] for place in found if place[1] != "session"} == {"policy"}
