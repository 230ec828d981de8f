"""People sign in with passkeys: what is accepted, what is refused, and that every refusal is entered."""

from __future__ import annotations

import time

import httpx
import msgspec
import psycopg
import pytest
from people_world import ORIGIN, RP_ID, Person, admit_people, approve, ask_for_passkey, enrol_person
from service_world import World, signed
from software_authenticator import USER_PRESENT, SoftwareAuthenticator, b64, unb64

from cloakroom.client import Client, RefusedError, SignIn
from cloakroom.crypto import SigningKey
from cloakroom.signing import Message, content_digest, sign_request
from cloakroom.signing.binding import Ceremony, bind_key
from cloakroom.use_cases.store.configuration import apply_configuration
from patience import PATIENCE, wait_until


@pytest.fixture(scope="module")
def anna(peopled: World) -> Person:
    return enrol_person(peopled, "associate", ORIGIN)


def entered(world: World, reason: str) -> int:
    return sum(
        item.count
        for item in world.entries()
        if item.operation == "sign-in" and not item.permitted and item.reason == reason
    )


def check_refused(world: World, reason: str, attempt, code: str = "sign-in") -> None:
    """Try, and see that it is refused without saying why, and that the ledger says why."""
    before = entered(world, reason)
    with pytest.raises(RefusedError) as caught:
        attempt()
    assert (caught.value.code, caught.value.reason) == (code, "")
    wait_until(lambda: entered(world, reason) == before + 1)


def attempt_sign_in(world: World, person: Person, **bent):
    signing = SignIn(world.nodes[0].address)
    challenge = signing.begin_passkey()
    answer = {**person.authenticator.sign(challenge.challenge), **bent}
    return lambda: signing.finish_passkey(challenge, answer)


def test_a_session_opens_what_its_person_may_and_draws_on_the_same_budget(peopled: World, anna: Person):
    with anna.sign_in(peopled.nodes[0].address) as client:
        order = {"purpose": "clienteling", "fields": ["email"], "reference": "APPT-7"}
        shown = list(client.reveal(peopled.tokens(20), **order))
        assert any(record.fields.get("email") for record in shown)
        assert client.session()["principal"] == "associate"
        assert client.session()["signed_in_by"] == f"passkey:{anna.passkey}"
    last = [item for item in peopled.entries() if item.operation == "reveal"][-1]
    assert last.lineage == "associate"
    assert ":s-" in str(last.detail["credential"])


def test_a_session_that_ended_days_ago_is_forgotten_and_one_that_ended_today_is_not(peopled: World, anna: Person):
    sessions = []
    for _ in range(2):
        with anna.sign_in(peopled.nodes[0].address) as client:
            sessions.append(client.session()["id"])
    with psycopg.connect(peopled.settings.database_url or "", autocommit=True) as connection:
        for session, hours in zip(sessions, (25, 23), strict=True):
            ended = int((time.time() - hours * 3600) * 1e6)
            connection.execute("update credential set revoked_at = %s where id = %s", (ended, session))
        kept = "select id from credential where id = any (%s)"
        wait_until(lambda: len(connection.execute(kept, (sessions,)).fetchall()) < 2)
        assert connection.execute(kept, (sessions,)).fetchall() == [(sessions[1],)]


def test_signing_in_has_its_entry_before_the_session_is_told(peopled: World, anna: Person):
    with anna.sign_in(peopled.nodes[0].address) as client:
        session = client.session()["id"]
        found = [item for item in peopled.entries() if item.operation == "sign-in" and item.permitted]
        assert found[-1].detail == {"credential": session, "by": f"passkey:{anna.passkey}"}
        assert found[-1].lineage == "associate"


def test_a_passkey_signs_nobody_in_until_two_others_approved_it(peopled: World):
    authenticator = SoftwareAuthenticator(RP_ID, ORIGIN)
    passkey = ask_for_passkey(peopled.nodes[0].address, "second-associate", authenticator)
    person = Person("second-associate", authenticator)
    check_refused(peopled, "inactive", attempt_sign_in(peopled, person))
    assert approve(peopled, passkey, "security")["state"] == "requested"
    check_refused(peopled, "inactive", attempt_sign_in(peopled, person))
    with pytest.raises(RefusedError, match="exhausted"):
        approve(peopled, passkey, "security")
    assert approve(peopled, passkey, "privacy")["state"] == "active"
    person.sign_in(peopled.nodes[0].address).close()


def test_nobody_approves_for_himself_nor_without_the_purpose_nor_another_key(peopled: World):
    address = peopled.nodes[0].address
    own = ask_for_passkey(address, "security", SoftwareAuthenticator(RP_ID, ORIGIN))
    with pytest.raises(RefusedError) as caught:
        approve(peopled, own, "security")
    assert caught.value.reason == "own-lineage"
    with pytest.raises(RefusedError) as caught:
        approve(peopled, own, "marketing")
    assert caught.value.reason == "purpose"
    with pytest.raises(RefusedError) as caught:
        approve(peopled, {**own, "fingerprint": "0" * 64}, "privacy")
    assert caught.value.reason == "changed"
    refused = [item for item in peopled.entries() if item.detail.get("passkey") == own["id"] and not item.permitted]
    assert [item.reason for item in refused] == ["own-lineage", "purpose", "changed"]


def test_a_request_for_nobody_looks_the_same_and_is_not_kept(peopled: World):
    address = peopled.nodes[0].address
    for name in ("nobody-at-all", "shop-app"):
        passkey = ask_for_passkey(address, name, SoftwareAuthenticator(RP_ID, ORIGIN))
        assert passkey["state"] == "requested"
        with pytest.raises(RefusedError, match="not-found"):
            approve(peopled, passkey, "security")


def test_requests_of_one_person_are_bounded(peopled: World):
    address = peopled.nodes[0].address
    for _ in range(7):
        ask_for_passkey(address, "second-privacy", SoftwareAuthenticator(RP_ID, ORIGIN))
    with peopled.client("security") as client:
        kept = [
            item for item in client.passkeys(purpose="access_administration") if item["principal"] == "second-privacy"
        ]
    assert len(kept) == 5


def test_a_further_passkey_of_ones_own_takes_the_session_that_asked_for_it(peopled: World, anna: Person):
    address = peopled.nodes[0].address
    with anna.sign_in(address) as client:
        # A stranger asks for a passkey in her name and talks her into approving it: it is not of her session.
        strangers = ask_for_passkey(address, "associate", SoftwareAuthenticator(RP_ID, ORIGIN))
        with pytest.raises(RefusedError) as caught:
            client.approve_passkey(strangers["id"], strangers["fingerprint"])
        assert caught.value.reason == "own-lineage"
        key = client._credential.key
        further = SoftwareAuthenticator(RP_ID, ORIGIN)
        asked = ask_for_passkey(address, "associate", further, key=key)
        assert client.approve_passkey(asked["id"], asked["fingerprint"])["state"] == "active"
    Person("associate", further).sign_in(address).close()


@pytest.mark.parametrize(
    ("what", "bend"),
    [
        ("another origin", {"origin": "https://localhost.evil.example"}),
        ("an origin with a port", {"origin": "https://localhost:444"}),
        ("another relying party", {"rp_id": "evil.example"}),
        ("no user verification", {"flags": USER_PRESENT}),
        ("nobody present", {"flags": 0x04}),
        ("within another's frame", {"client_data_more": {"crossOrigin": True}}),
        ("within a frame of another top", {"client_data_more": {"topOrigin": "https://evil.example"}}),
    ],
)
def test_an_answer_that_is_bent_signs_nobody_in(peopled: World, anna: Person, what, bend):
    authenticator = anna.authenticator
    before = {name: getattr(authenticator, name) for name in bend}
    try:
        for name, value in bend.items():
            setattr(authenticator, name, value)
        check_refused(peopled, "passkey", attempt_sign_in(peopled, anna))
    finally:
        for name, value in before.items():
            setattr(authenticator, name, value)
    anna.sign_in(peopled.nodes[0].address).close()


def test_a_registration_answer_does_not_serve_to_sign_in(peopled: World, anna: Person):
    signing = SignIn(peopled.nodes[0].address)
    challenge = signing.begin_passkey()
    answer = anna.authenticator.sign(challenge.challenge, kind="webauthn.create")
    check_refused(peopled, "passkey", lambda: signing.finish_passkey(challenge, answer))


def test_a_wrong_signature_or_somebody_elses_handle_or_an_unknown_passkey(peopled: World, anna: Person):
    check_refused(peopled, "passkey", attempt_sign_in(peopled, anna, signature=b64(bytes(70))))
    check_refused(peopled, "passkey", attempt_sign_in(peopled, anna, user_handle=b64(bytes(32))))
    check_refused(peopled, "inactive", attempt_sign_in(peopled, anna, credential_id=b64(bytes(32))))
    check_refused(peopled, "passkey", attempt_sign_in(peopled, anna, client_data=b64(b"[]")))
    check_refused(peopled, "passkey", attempt_sign_in(peopled, anna, authenticator_data=b64(b"\xff" * 40)))


def test_the_key_of_the_session_cannot_be_swapped(peopled: World, anna: Person):
    """A man in the middle begins with his own key and hands the nonce on: the challenge is over the other key."""
    address = peopled.nodes[0].address
    his = SignIn(address)
    begun = his.begin_passkey()
    hers = SignIn(address)
    challenge = bind_key(Ceremony.PASSKEY, unb64(begun.document["nonce"]), hers.key.verifying_key)
    answer = anna.authenticator.sign(challenge)
    check_refused(peopled, "passkey", lambda: his.finish_passkey(begun, answer))


def test_a_ceremony_serves_the_key_that_began_it_and_once(peopled: World, anna: Person):
    address = peopled.nodes[0].address
    first, other = SignIn(address), SignIn(address)
    challenge = first.begin_passkey()
    answer = anna.authenticator.sign(challenge.challenge)
    check_refused(peopled, "ceremony", lambda: other.finish_passkey(challenge, answer))
    first.finish_passkey(challenge, answer)
    check_refused(peopled, "replayed", lambda: first.finish_passkey(challenge, answer), "replayed")


def test_a_ceremony_of_one_kind_does_not_serve_another(peopled: World, anna: Person):
    signing = SignIn(peopled.nodes[0].address)
    challenge = signing.begin_enrolment("associate")
    answer = anna.authenticator.sign(challenge.challenge)
    check_refused(peopled, "ceremony", lambda: signing.finish_passkey(challenge, answer))


def test_a_captured_sign_in_replayed_is_refused_with_its_entry(peopled: World, anna: Person):
    """The bytes as they went over the wire, sent again: the nonce of the request was claimed."""
    node = peopled.nodes[0]
    signing = SignIn(node.address)
    challenge = signing.begin_passkey()
    order = {"ceremony": challenge.ceremony, **anna.authenticator.sign(challenge.challenge)}
    body = msgspec.json.encode(order)
    path, digest = "/v1/sign-in/passkey/finish", content_digest(body)
    headers = sign_request(
        Message("POST", f"127.0.0.1:{node.port}", path, "?", digest),
        key_id=f"new:{signing.key.verifying_key.raw.hex()}",
        key=signing.key,
        created=int(time.time()),
    )
    headers["content-digest"] = digest

    def send() -> httpx.Response:
        return httpx.post(f"{node.address}{path}", content=body, headers=headers, timeout=PATIENCE)

    assert send().status_code == 200
    before = sum(item.count for item in peopled.entries() if item.reason == "replayed")
    response = send()
    assert (response.status_code, response.json()["code"]) == (401, "replayed")
    wait_until(lambda: sum(item.count for item in peopled.entries() if item.reason == "replayed") == before + 1)


def test_an_authenticator_that_counts_backwards_is_stopped_with_its_sessions(peopled: World):
    person = enrol_person(peopled, "marketing", ORIGIN, counter=5)
    address = peopled.nodes[0].address
    with person.sign_in(address) as client:
        client.session()
        person.authenticator.counter = 3  # a copy that was used less
        check_refused(peopled, "sign-count", attempt_sign_in(peopled, person))
        with pytest.raises(RefusedError, match="expired"):
            client.session()
    person.authenticator.counter = 50
    check_refused(peopled, "inactive", attempt_sign_in(peopled, person))
    flagged = [item for item in peopled.entries() if item.reason == "sign-count" and item.operation == "principal"]
    assert [item.detail["action"] for item in flagged] == ["revoke-passkey"]


def test_a_session_that_was_revoked_ends_with_its_next_request_on_every_node(peopled: World, anna: Person):
    other = peopled.start()
    with anna.sign_in(peopled.nodes[0].address) as first, anna.sign_in(other.address) as second:
        names = {item["id"] for item in first.sessions()}
        assert {first.session()["id"], second.session()["id"]} <= names
        ended = first.revoke_sessions(session=second.session()["id"])
        assert len(ended) == 1
        with pytest.raises(RefusedError, match="expired"):
            second.session()
        assert first.revoke_sessions() == [first._credential.id]
        with pytest.raises(RefusedError, match="expired"):
            first.session()
    revoked = [item for item in peopled.entries() if item.detail.get("action") == "revoke-session"]
    assert {item.principal for item in revoked} == {"associate"}


def test_somebody_elses_sessions_take_a_purpose(peopled: World, anna: Person):
    address = peopled.nodes[0].address
    with anna.sign_in(address) as client, peopled.client("security") as security:
        mine = client.session()["id"]
        with peopled.client("second-associate") as stranger, pytest.raises(RefusedError, match="not-found"):
            stranger.revoke_sessions(session=mine)
        with pytest.raises(RefusedError, match="malformed"):
            security.sessions("associate")
        assert mine in {item["id"] for item in security.sessions("associate", purpose="containment")}
        assert mine in security.revoke_sessions(principal="associate", purpose="containment")
        with pytest.raises(RefusedError, match="expired"):
            client.session()


def test_a_revoked_passkey_ends_the_sessions_that_it_began(peopled: World):
    person = enrol_person(peopled, "second-associate", ORIGIN)
    address = peopled.nodes[0].address
    with person.sign_in(address) as client, peopled.client("security") as security:
        with pytest.raises(RefusedError, match="not-found"), peopled.client("marketing") as stranger:
            stranger.revoke_passkey(person.passkey)
        assert security.revoke_passkey(person.passkey, purpose="containment")["state"] == "revoked"
        with pytest.raises(RefusedError, match="expired"):
            client.session()
    check_refused(peopled, "inactive", attempt_sign_in(peopled, person))


def test_a_key_that_nobody_enrolled_does_nothing_but_sign_in(peopled: World):
    key = SigningKey.generate()
    signing = SignIn(peopled.nodes[0].address, key=key)
    for path, order in (("/v1/reveal", {"purpose": "clienteling", "tokens": ["x"], "fields": ["email"]}),):
        with pytest.raises(RefusedError) as caught:
            signing._client.post(path, order)
        assert caught.value.code == "bad-signature"
    # And an enrolled credential signs nobody in.
    request = signed(peopled, "associate", "POST", "/v1/sign-in/passkey/begin", {})
    assert request.send(peopled.nodes[0]).json()["code"] == "bad-signature"


def test_a_frozen_person_does_not_sign_in_and_a_session_freezes_with_its_lineage(peopled: World):
    peopled.enrol("thief", "store_associate")
    node = peopled.nodes[0]
    person = enrol_person(peopled, "thief", ORIGIN)
    with person.sign_in(node.address) as client, peopled.client("security") as security:
        security.freeze("thief", purpose="containment", reason="stolen-laptop")
        with pytest.raises(RefusedError, match="frozen"):
            list(client.reveal(peopled.tokens(1), purpose="clienteling", fields=["email"], reference="APPT-7"))
    check_refused(peopled, "frozen", attempt_sign_in(peopled, person))


def test_a_session_lapses_when_idle_and_when_its_time_is_up(peopled: World):
    peopled.enrol("idler", "store_associate")
    node = peopled.nodes[0]
    person = enrol_person(peopled, "idler", ORIGIN)
    for column, change in (("idle", "idle = 1, last_used_at = null"), ("expiry", "expires_at = 1")):
        with person.sign_in(node.address) as client:
            client.session()
            with psycopg.connect(peopled.settings.database_url, autocommit=True) as connection:
                connection.execute(f"update credential set {change} where id = %s", (client._credential.id,))
            with pytest.raises(RefusedError, match="expired"):
                client.session()
        assert column


def test_a_session_that_is_bound_serves_from_no_other_address(fresh: World):
    admit_people(fresh, ORIGIN)
    application = fresh.open("setup")
    texts = dict(application.configuration.texts)
    texts["service.toml"] = texts["service.toml"].replace(
        "idle_minutes = 30", "idle_minutes = 30\nbind_address = true"
    )
    apply_configuration(application, texts)
    application.close()
    node = fresh.start("--trusted-proxy", "127.0.0.1/32")
    sent = {"x-forwarded-for": "10.20.1.1"}
    person = Person("associate", SoftwareAuthenticator(RP_ID, ORIGIN))
    passkey = ask_for_passkey(node.address, "associate", person.authenticator, transport=_from(sent))
    for name, from_address in (("security", "10.70.0.1"), ("privacy", "10.60.0.1")):
        with fresh.client(name, transport=_from({"x-forwarded-for": from_address})) as client:
            client.approve_passkey(passkey["id"], passkey["fingerprint"], purpose="access_administration")
    signing = SignIn(node.address, transport=_from(sent))
    challenge = signing.begin_passkey()
    credential = signing.finish_passkey(challenge, person.authenticator.sign(challenge.challenge))
    with Client(node.address, credential, transport=_from(sent)) as here:
        assert here.session()["address_bound"]
    with Client(node.address, credential, transport=_from({"x-forwarded-for": "10.20.1.2"})) as elsewhere:
        with pytest.raises(RefusedError) as caught:
            elsewhere.session()
        assert caught.value.reason == "network"


def _from(headers):
    """A transport that says where a caller sits, as a proxy does."""

    class Transport(httpx.HTTPTransport):
        def handle_request(self, request):
            request.headers.update(headers)
            return super().handle_request(request)

    return Transport()


def test_where_nobody_configured_it_nobody_signs_in(served: World):
    with pytest.raises(RefusedError, match="sign-in"):
        SignIn(served.nodes[0].address).begin_passkey()
