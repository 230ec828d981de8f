"""Each call of the client is the signed request that the service's own decoder reads; its answer comes back whole."""

from __future__ import annotations

import httpx
import msgspec
import pytest
from answering_service import KEY, Service, problem

from cloakroom.client import Client, Exposure, RefusedError, Run, SignIn, UnreachableError
from cloakroom.client import client as client_module

TOKENS = ["tok_a", "tok_b"]
DIGEST = "ab" * 32
RELEASE = {"id": "r-1", "state": "requested", "digest": DIGEST, "kind": "campaign"}
RUN = {
    "id": "r-1",
    "state": "running",
    "failure": None,
    "rows_done": 5,
    "records": 9,
    "parts": 2,
    "bytes": 77,
    "file_sha256": None,
}
RECIPIENT = "age1" + "q" * 58
FULL_RELEASE = {
    "brand": "alba",
    "fields": ["email"],
    "recipient": "printer",
    "recipient_key": RECIPIENT,
    "facets": {"country": "FR"},
    "form": "parquet",
    "maximum": 7,
    "reference": "A-1",
}
CALLS = [
    # What is called, the endpoint, what it reads, the answer, and what comes back.
    (
        lambda c: [
            (r.token, r.fields, r.forms)
            for r in c.reveal(TOKENS, purpose="selling", fields=["email"], reference="A-1")
        ],
        "reveal",
        {"purpose": "selling", "tokens": TOKENS, "fields": ["email"], "reference": "A-1"},
        {"forms": {"email": "mask"}, "records": [{"token": "tok_a", "fields": {"email": "x"}}]},
        [("tok_a", {"email": "x"}, {"email": "mask"})],
    ),
    (
        lambda c: c.find("ilse@mail.example", purpose="selling"),
        "find",
        {"purpose": "selling", "by": "email", "value": "ilse@mail.example"},
        {"tokens": {"alba": TOKENS}},
        {"alba": TOKENS},
    ),
    (
        lambda c: c.find("1", purpose="selling", by="phone", brands=("alba",), country="SE", reference="A-1"),
        "find",
        {"purpose": "selling", "by": "phone", "value": "1", "brands": ["alba"], "country": "SE", "reference": "A-1"},
        {"tokens": {}},
        {},
    ),
    (
        lambda c: c.exchange(TOKENS, "parcels", purpose="hand_over", reference="A-1"),
        "exchange",
        {"purpose": "hand_over", "tokens": TOKENS, "application": "parcels", "reference": "A-1"},
        {"tokens": ["x", "y"]},
        ["x", "y"],
    ),
    (
        lambda c: c.exposure(),
        "exposure",
        {},
        {"principal": "anna", "ceiling": 9, "fields": {"email": "mask"}, "windows": [{"window": "day"}]},
        Exposure("anna", 9, {"email": "mask"}, [{"window": "day"}]),
    ),
    (
        lambda c: c.exposure("bea", purpose="guarding").principal,
        "exposure",
        {"principal": "bea", "purpose": "guarding"},
        {"principal": "bea", "ceiling": 0, "fields": {}, "windows": []},
        "bea",
    ),
    (
        lambda c: c.freeze("bea", purpose="guarding", reason="INC-1"),
        "freeze",
        {"purpose": "guarding", "principal": "bea", "reason": "INC-1"},
        {"was_frozen": False},
        True,
    ),
    (
        lambda c: c.freeze("bea", purpose="guarding", reason="INC-1"),
        "freeze",
        {"purpose": "guarding", "principal": "bea", "reason": "INC-1"},
        {"was_frozen": True},
        False,
    ),
    (
        lambda c: c.request_release("campaign", **FULL_RELEASE).document,
        "request-release",
        {
            **{name: value for name, value in FULL_RELEASE.items() if name != "form"},
            "kind": "campaign",
            "format": "parquet",
        },
        RELEASE,
        RELEASE,
    ),
    (
        lambda c: [(r.id, r.state, r.digest) for r in c.releases()],
        "releases",
        {},
        {"releases": [RELEASE, {**RELEASE, "id": "r-0"}]},
        [("r-1", "requested", DIGEST), ("r-0", "requested", DIGEST)],
    ),
    (lambda c: c.release("r-1").state, "release", {"id": "r-1"}, RELEASE, "requested"),
    (
        lambda c: c.run_release("r-1"),
        "run-release",
        {"id": "r-1"},
        RUN,
        Run("r-1", "running", None, 5, 9, 2, 77, None),
    ),
    (
        lambda c: c.release_run("r-1"),
        "release-run",
        {"id": "r-1"},
        {**RUN, "failure": "disk", "file_sha256": DIGEST},
        Run("r-1", "running", "disk", 5, 9, 2, 77, DIGEST),
    ),
    (
        lambda c: c.report_access(["t"], purpose="access", reference="A-1", start="2026-01-01", end="2026-02-01"),
        "access-report",
        {"purpose": "access", "tokens": ["t"], "reference": "A-1", "start": "2026-01-01", "end": "2026-02-01"},
        {"lines": []},
        {"lines": []},
    ),
    (lambda c: c.session(), "session", {}, {"id": "s"}, {"id": "s"}),
    (lambda c: c.sessions("*", purpose="g"), "sessions", {"principal": "*", "purpose": "g"}, {"sessions": [1]}, [1]),
    (
        lambda c: c.revoke_sessions(session="s-1", principal="bea", purpose="g"),
        "revoke-sessions",
        {"session": "s-1", "principal": "bea", "purpose": "g"},
        {"sessions": ["s-1"]},
        ["s-1"],
    ),
    (lambda c: c.revoke_sessions(), "revoke-sessions", {}, {"sessions": []}, []),
    (lambda c: c.passkeys(purpose="g"), "passkeys", {"purpose": "g"}, {"passkeys": [2]}, [2]),
    (
        lambda c: c.approve_passkey("pk-0123456789abcdef", DIGEST, purpose="g"),
        "approve-passkey",
        {"id": "pk-0123456789abcdef", "fingerprint": DIGEST, "purpose": "g"},
        {"id": "p"},
        {"id": "p"},
    ),
    (
        lambda c: c.revoke_passkey("pk-0123456789abcdef"),
        "revoke-passkey",
        {"id": "pk-0123456789abcdef"},
        {"id": "p"},
        {"id": "p"},
    ),
]


@pytest.mark.parametrize(("call", "endpoint", "reads", "answer", "result"), CALLS)
def test_a_call_asks_its_endpoint_for_exactly_what_was_said(call, endpoint, reads, answer, result):
    service = Service()
    assert service.asks(call, answer) == result
    [(asked, request)] = service.asked
    assert asked == endpoint
    # What was not said is left to the service: it stands neither in the body nor in the query.
    told = {name: value for name, value in msgspec.to_builtins(request).items() if value is not None and value != {}}
    assert told == {**({"format": "csv"} if endpoint == "request-release" and "format" not in reads else {}), **reads}
    assert all(b"null" not in body for body in service.bodies)
    assert (service.signatures[0].key_id, service.signed_at > 0) == ("key-1", True)


def test_a_write_and_a_delete_carry_a_key_of_their_own_that_stays_the_same_when_tried_again(pauses):
    service = Service([problem(503, {"code": "busy"}), httpx.Response(200, json={"token": "tok_z"})])
    with service.client() as client:
        assert client.write("alba", "C-1", {"city": "Lund"}, purpose="keeping", modified_at="2026-03-01") == "tok_z"
        service.answers = [httpx.Response(200, json={"done": True})] * 2
        client.delete("alba", "C-1", purpose="keeping", reference="A-1")
        client.delete("alba", "C-1", purpose="keeping", reference="A-1")
    write, again, first, second = (request for _, request in service.asked)
    assert [name for name, _ in service.asked] == ["write", "write", "delete", "delete"]
    assert write == again
    assert (write.brand, write.record_id, write.fields, write.modified_at) == (
        "alba",
        "C-1",
        {"city": "Lund"},
        "2026-03-01",
    )
    assert len({write.idempotency_key, first.idempotency_key, second.idempotency_key}) == 3
    assert (first.brand, first.record_id, first.reference) == ("alba", "C-1", "A-1")


@pytest.fixture
def pauses(monkeypatch):
    """How long the client would have waited, at the longest of what chance allows; nobody waits."""
    waited = []
    monkeypatch.setattr(client_module.time, "sleep", waited.append)
    monkeypatch.setattr(client_module.random, "uniform", lambda low, high: high)
    return waited


@pytest.mark.parametrize("code", ["busy", "waiting", "unavailable"])
def test_a_service_that_has_no_time_is_asked_again_later_each_time_with_a_new_signature(pauses, code):
    service = Service([problem(503, {"code": code})] * 3 + [httpx.Response(200, json={"id": "s"})])
    with service.client() as client:
        assert client.session() == {"id": "s"}
    assert pauses == pytest.approx([0.1, 0.2, 0.4])
    assert len({signature.nonce for signature in service.signatures}) == 4


def test_the_service_says_how_long_to_wait_and_how_often_the_caller(pauses):
    service = Service([problem(503, {"code": "busy"}, retry_after="7")] * 2)
    with service.client(attempts=2) as client, pytest.raises(RefusedError) as refused:
        client.session()
    assert (pauses, refused.value.retry_after_s, len(service.asked)) == ([7], 7, 2)
    service = Service([problem(503, {"code": "busy"})])
    with service.client(attempts=1) as client, pytest.raises(RefusedError):
        client.session()
    assert pauses == [7]


@pytest.mark.parametrize("broken", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x")])
def test_a_connection_that_breaks_is_tried_again_only_where_that_is_harmless(pauses, broken):
    service = Service([broken, httpx.Response(200, json={"id": "s"})])
    with service.client() as client:
        assert client.session() == {"id": "s"}
    for call in (
        lambda c: c.run_release("r-1"),
        lambda c: c.report_access(["t"], purpose="access"),
        lambda c: c.request_release("k", brand="b", fields=["e"], recipient="r", recipient_key=RECIPIENT),
    ):
        service = Service([broken])
        with service.client() as client, pytest.raises(UnreachableError, match=type(broken).__name__):
            call(client)
        assert len(service.asked) == 1
    assert len(pauses) == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            problem(403, {"code": "policy", "title": "Refused", "detail": "no grant", "reason": "brand"}),
            ("policy", 403, "brand", None, "policy: no grant"),
        ),
        (
            problem(429, {"code": "budget", "title": "Spent"}, retry_after="60"),
            ("budget", 429, "", 60, "budget: Spent"),
        ),
        (problem(400, {"code": "malformed"}, retry_after="soon"), ("malformed", 400, "", None, "malformed: refused")),
        (httpx.Response(502, content=b"<html>"), ("internal", 502, "", None, "internal: status 502")),
        (httpx.Response(500, json=["x"]), ("internal", 500, "", None, "internal: status 500")),
        (
            httpx.Response(302, json={}, headers={"location": "https://evil.example/"}),
            ("internal", 302, "", None, "internal: refused"),
        ),
    ],
)
def test_a_refusal_is_an_error_with_code_status_reason_and_time_and_is_not_asked_again(answer, told):
    service = Service([answer])
    with service.client() as client, pytest.raises(RefusedError) as refused:
        client.exposure()
    error = refused.value
    assert (error.code, error.status, error.reason, error.retry_after_s, str(error)) == told
    assert len(service.asked) == 1


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (999, [999]), (1000, [1000]), (1001, [1000, 1])])
def test_tokens_are_asked_for_by_the_thousand_and_only_as_they_are_wanted(count, sizes):
    service = Service([httpx.Response(200, json={"forms": {}, "records": []})] * len(sizes))
    with service.client() as client:
        records = client.reveal((f"t{n}" for n in range(count)), purpose="selling", fields=("email",))
        assert service.asked == []
        assert list(records) == []
    assert [len(request.tokens) for _, request in service.asked] == sizes


@pytest.mark.parametrize(
    "address",
    ["https://vault.example", "https://VAULT.example:443", "http://vault.example:80", "http://vault.example:8443"],
)
def test_what_is_signed_is_the_host_as_it_goes_over_the_wire(address):
    """The service verifies over the Host field of the request, in which a port that is the default one is not."""
    service = Service([httpx.Response(200, json={"id": "s"})])
    with service.client(address) as client:
        client.session()
    assert len(service.signatures) == 1


def test_a_run_is_waited_for_until_it_is_done_or_failed_or_the_time_is_up(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(client_module.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(client_module.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    for last in ("done", "failed"):
        states = ["waiting", "running", last]
        service = Service([httpx.Response(200, json={**RUN, "state": state}) for state in states])
        with service.client() as client:
            assert client.await_release("r-1", every_s=2.0).state == last
    service = Service([httpx.Response(200, json=RUN)] * 3)
    with service.client() as client, pytest.raises(UnreachableError, match="did not end within 6"):
        client.await_release("r-1", timeout_s=6.0, every_s=2.0)
    assert len(service.asked) == 3


def test_a_release_is_approved_by_its_digest_as_it_was_shown():
    service = Service()
    approved = service.asks(lambda c: c.approve_release(c.release("r-1")), RELEASE, {**RELEASE, "state": "approved"})
    assert approved.state == "approved"
    assert msgspec.to_builtins(service.asked[1][1]) == {"id": "r-1", "digest": DIGEST}


def test_a_new_key_signs_in_under_its_own_hexadecimal_name():
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["signature-input"])
        return httpx.Response(200, json={"ceremony": "c-1", "nonce": "bm5u" * 10 + "bm4", "location": "https://x"})

    sign_in = SignIn("https://vault.example", key=KEY, transport=httpx.MockTransport(answer))
    passkey, enrolment = sign_in.begin_passkey(), sign_in.begin_enrolment("anna")
    openid = sign_in.begin_openid("staff")
    sign_in.close()
    assert all(f'keyid="new:{KEY.verifying_key.raw.hex()}"' in one for one in seen)
    # The challenge is over purpose, nonce and key, so that the same nonce gives another one for another purpose.
    assert (len(passkey.challenge), len(enrolment.challenge), openid.challenge) == (32, 32, b"")
    assert passkey.challenge != enrolment.challenge
    other = SignIn("https://vault.example", transport=httpx.MockTransport(answer))
    assert other.begin_passkey().challenge != passkey.challenge
    other.close()


def test_a_client_closes_its_connections_with_its_block():
    service = Service([httpx.Response(200, json={"id": "s"})])
    with service.client() as client:
        client.session()
    with pytest.raises(RuntimeError, match="closed"):
        client.session()
    assert isinstance(client, Client)
