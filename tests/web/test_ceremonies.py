"""Ceremonies lie in the store: bounded, of one key and kind, once, and for minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from people_world import SERVICE

from cloakroom.clock import FixedClock
from cloakroom.crypto import SigningKey
from cloakroom.signing.binding import Ceremony
from cloakroom.use_cases.people import ceremonies
from cloakroom.use_cases.people.ceremonies import LIFETIMES, begin_ceremony, use_ceremony
from cloakroom.use_cases.people.sessions import SignInRefusedError
from cloakroom.use_cases.people.signing_in import begin_passkey_sign_in
from cloakroom.use_cases.store.configuration import apply_configuration
from cloakroom.web.api.requests.sign_in import BeginPasskey
from cloakroom.web.api.unenrolled import UnenrolledCaller
from cloakroom.web.core.unenrolled_requests import _failure
from cloakroom.web.handlers.sign_in import begin_passkey

KEY = SigningKey.generate().verifying_key


@pytest.fixture
def clocked(store):
    clock = FixedClock(datetime(2026, 12, 1, tzinfo=UTC))
    application = store.open(clock=clock, clock_tolerance=None)
    texts = {**application.configuration.texts, "service.toml": SERVICE.format(origin="https://localhost")}
    apply_configuration(application, texts)
    application.refresh_configuration()
    yield application, clock
    application.close()


def refused(code: str, attempt) -> SignInRefusedError:
    with pytest.raises(SignInRefusedError) as caught:
        attempt()
    assert caught.value.code == code
    return caught.value


@pytest.mark.parametrize("kind", list(Ceremony))
def test_a_ceremony_lapses_after_its_minutes_and_is_forgotten(clocked, kind):
    application, clock = clocked
    begun, until = begin_ceremony(application.sign_ins, kind, KEY, at=application.now(), address=None)
    assert until == application.now() + LIFETIMES[kind]
    clock.advance(timedelta(microseconds=LIFETIMES[kind]))
    refused("ceremony", lambda: use_ceremony(application.sign_ins, begun.id, kind, KEY, at=application.now()))
    clock.advance(timedelta(seconds=1))
    begin_ceremony(application.sign_ins, kind, KEY, at=application.now(), address=None)
    count = application.connection.execute("select count(*) from ceremony").fetchone()
    assert count == (1,)


def test_a_ceremony_serves_once_its_key_and_its_kind(clocked):
    application, _ = clocked
    begun, _ = begin_ceremony(application.sign_ins, Ceremony.PASSKEY, KEY, at=application.now(), address=None)
    stranger = SigningKey.generate().verifying_key
    refused(
        "ceremony",
        lambda: use_ceremony(application.sign_ins, begun.id, Ceremony.PASSKEY, stranger, at=application.now()),
    )
    refused(
        "ceremony", lambda: use_ceremony(application.sign_ins, begun.id, Ceremony.ENROL, KEY, at=application.now())
    )
    assert (
        use_ceremony(application.sign_ins, begun.id, Ceremony.PASSKEY, KEY, at=application.now()).nonce == begun.nonce
    )
    refused(
        "replayed", lambda: use_ceremony(application.sign_ins, begun.id, Ceremony.PASSKEY, KEY, at=application.now())
    )
    refused(
        "ceremony",
        lambda: use_ceremony(application.sign_ins, begun.id, Ceremony.PASSKEY, stranger, at=application.now()),
    )


def test_too_many_from_one_address_wait_and_others_go_on(clocked, monkeypatch):
    application, _ = clocked
    monkeypatch.setattr(ceremonies, "MAX_CEREMONIES_FROM_ADDRESS", 3)
    for _ in range(3):
        begin_passkey_sign_in(application, KEY, address="10.20.1.1")
    error = refused("waiting", lambda: begin_passkey_sign_in(application, KEY, address="10.20.1.1"))
    answer = _failure(error)
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (429, "waiting", "5")
    begin_passkey_sign_in(application, KEY, address="10.20.1.2")


def test_too_many_at_all_are_turned_away(clocked, monkeypatch):
    application, _ = clocked
    monkeypatch.setattr(ceremonies, "MAX_CEREMONIES", 2)
    for _ in range(2):
        assert begin_passkey(application, UnenrolledCaller(KEY, None), BeginPasskey()).status == 200
    error = refused("busy", lambda: begin_passkey(application, UnenrolledCaller(KEY, None), BeginPasskey()))
    assert (_failure(error).status, _failure(error).code) == (503, "busy")
