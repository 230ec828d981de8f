"""What callers get from the service, and what they are refused."""

from __future__ import annotations

import re
import time

import httpx
import pytest
from service_world import SHOP, World, signed

from cloakroom.client import RefusedError
from cloakroom.gate.policy import PrincipalKind
from cloakroom.use_cases.people import principals
from free_ports import free_port
from patience import PATIENCE, wait_until

CLIENTELING = {"purpose": "clienteling", "fields": ["given_name", "email"], "reference": "APPT-1"}
# Some records have no address, and not every address that a shop typed is one.
PLAIN_ADDRESS = re.compile(r"[a-z0-9.]+@[a-z0-9.-]+\.[a-z]+")


def test_values_are_revealed_in_the_order_asked(served: World):
    tokens = served.tokens(5)
    with served.client("second-associate") as client:
        records = list(client.reveal(tokens[::-1], **CLIENTELING))
    assert [record.token for record in records] == tokens[::-1]
    assert any("email" in record.fields for record in records)
    entry = [item for item in served.entries() if item.operation == "reveal" and item.permitted][-1]
    assert (entry.principal, entry.records, entry.purpose) == ("second-associate", 5, "clienteling")
    assert entry.detail["credential"] == served.credential("second-associate").id


def test_a_search_answers_with_tokens_and_never_with_values(served: World):
    tokens = served.tokens(12)
    with served.client("privacy") as client:
        shown = client.reveal(tokens, purpose="access_request", fields=["email"], reference="DSR-1")
        someone = next(record for record in shown if PLAIN_ADDRESS.fullmatch(record.fields.get("email", "")))
        found = client.find(someone.fields["email"], purpose="access_request", reference="DSR-1")
    assert someone.token in [token for tokens in found.values() for token in tokens]


def test_the_own_ceiling_is_shown_and_that_of_others_takes_a_purpose(served: World):
    with served.client("associate") as client:
        assert 0 < client.exposure().ceiling <= 600
        with pytest.raises(RefusedError) as refused:
            client.exposure("security", purpose="clienteling")
        assert (refused.value.code, refused.value.status) == ("policy", 403)
    with served.client("security") as client:
        assert client.exposure("associate", purpose="containment").principal == "associate"


def test_each_refusal_has_its_own_code(served: World):
    token = served.tokens(1)
    with served.client("associate") as client:
        for code, status, order in (
            ("policy", 403, {**CLIENTELING, "purpose": "mailing"}),
            ("policy", 403, {**CLIENTELING, "fields": ["spend_total", "street"]}),
            ("policy", 403, {**CLIENTELING, "reference": None}),
            ("malformed", 400, {**CLIENTELING, "fields": []}),
            ("malformed", 400, {**CLIENTELING, "fields": ["Jane Doe"]}),
            ("malformed", 400, {**CLIENTELING, "purpose": "jane.doe@example.org"}),
        ):
            with pytest.raises(RefusedError) as refused:
                list(client.reveal(token, **order))
            assert (refused.value.code, refused.value.status) == (code, status)


def test_no_refused_text_reaches_the_ledger(served: World):
    with served.client("associate") as client, pytest.raises(RefusedError):
        list(client.reveal(served.tokens(1), purpose="jane", fields=["email"], reference="jane.doe@example.org"))
    assert not [item for item in served.entries() if "jane.doe" in str(item)]


def test_a_record_that_is_not_there_and_one_that_is_not_yours_are_refused_alike(served: World):
    own, other = served.tokens(1), served.tokens(1, scope="other-app")
    garbage = ["tok_" + "A" * 22]
    answers = {}
    for name, tokens in (("other", other), ("garbage", garbage), ("both", own + garbage)):
        request = signed(served, "associate", "POST", "/v1/reveal", {**CLIENTELING, "tokens": tokens})
        response = request.send(served.nodes[0])
        answers[name] = (response.status_code, response.content, sorted(response.headers))
    assert answers["other"] == answers["garbage"] == answers["both"]
    assert answers["other"][0] == 403


@pytest.mark.slow
def test_what_is_not_there_takes_as_long_as_what_is_not_yours(served: World):
    """Medians of interleaved requests differ by less than a fifth of the spread of either."""
    other, garbage = served.tokens(1, scope="other-app"), ["tok_" + "A" * 22]
    seconds: dict[str, list[float]] = {"other": [], "garbage": []}
    with httpx.Client(base_url=served.nodes[0].address, timeout=PATIENCE) as http:
        for _ in range(150):
            for name, tokens in (("other", other), ("garbage", garbage)):
                request = signed(served, "associate", "POST", "/v1/reveal", {**CLIENTELING, "tokens": tokens})
                began = time.perf_counter()
                http.post("/v1/reveal", content=request.body, headers=request.headers)
                seconds[name].append(time.perf_counter() - began)
    one, two = (sorted(values) for values in seconds.values())
    spread = max(values[int(len(values) * 0.9)] - values[int(len(values) * 0.1)] for values in (one, two))
    assert abs(one[75] - two[75]) < max(0.2 * spread, 0.0005)


def test_a_spent_budget_says_when_to_come_back(served: World):
    tokens = served.tokens(60)
    with served.client("second-privacy") as client:
        with pytest.raises(RefusedError) as refused:  # noqa: PT012 - whichever request is the one too many
            for token in tokens:
                list(client.reveal([token], purpose="access_request", fields=["email"], reference="DSR-2"))
        assert (refused.value.code, refused.value.status) == ("budget", 429)
        assert 0 < refused.value.retry_after_s <= 660


def test_a_freeze_holds_from_the_next_request_on(served: World):
    second = served.start()
    served.enrol("thief", "store_associate")
    token = served.tokens(1)
    with (
        served.client("security") as guard,
        served.client("thief", second) as thief,
    ):
        assert list(thief.reveal(token, **CLIENTELING))
        assert guard.freeze("thief", purpose="containment", reason="INC-1")
        with pytest.raises(RefusedError) as refused:
            list(thief.reveal(token, **CLIENTELING))
        assert refused.value.code == "frozen"
        assert not guard.freeze("thief", purpose="containment", reason="INC-1")
        for again in (lambda: thief.exposure("security", purpose="clienteling"),):
            with pytest.raises(RefusedError) as refused:
                again()
            assert refused.value.code == "frozen"
    assert second.stop() == 0


def test_a_revoked_credential_is_refused_at_once(served: World):
    served.enrol("revoked", "store_associate")
    token = served.tokens(1)
    with served.client("revoked") as client:
        assert list(client.reveal(token, **CLIENTELING))
        application = served.open()
        application.records.revoke_credential(served.credential("revoked").id, application.now())
        application.close()
        with pytest.raises(RefusedError) as refused:
            list(client.reveal(token, **CLIENTELING))
        assert (refused.value.code, refused.value.status) == ("expired", 401)


def test_a_credential_that_nobody_used_for_three_months_has_lapsed(served: World):
    served.enrol("absent", "store_associate")
    application = served.open()
    old = application.now() - 91 * 86_400_000_000
    application.connection.execute(
        "update credential set created_at = %s, last_used_at = %s where id = %s",
        (old, old, served.credential("absent").id),
    )
    application.close()
    with served.client("absent") as client, pytest.raises(RefusedError) as refused:
        list(client.reveal(served.tokens(1), **CLIENTELING))
    assert refused.value.code == "expired"


def test_an_application_enrolled_while_a_node_runs_is_served(served: World):
    application = served.open()
    path = principals.enrol(application, "new-app", kind=PrincipalKind.APPLICATION, roles=frozenset({"web_shop"}))
    application.close()
    assert path is not None
    served.credentials["new-app"] = path
    token = served.tokens(1, scope="new-app")
    with served.client("new-app") as client:
        assert list(client.reveal(token, purpose="order_confirmation", fields=["email"], reference="ORDER-1"))


def test_the_ledger_can_be_read_and_an_entry_proven(served: World):
    with httpx.Client(base_url=served.nodes[0].address, timeout=PATIENCE) as http:
        wait_until(lambda: bool(served.entries()))

        def get(path: str) -> httpx.Response:
            request = signed(served, "privacy", "GET", path)
            return http.get(path, headers=request.headers)

        checkpoint = get("/v1/ledger/checkpoint?purpose=breach_assessment")
        assert checkpoint.status_code == 200
        size = int(checkpoint.text.split("\n")[1])
        proof = get("/v1/ledger/proof?purpose=breach_assessment&leaf_index=0")
        assert proof.status_code == 200
        assert size > 0
        assert get("/v1/ledger/proof?purpose=breach_assessment&leaf_index=99999999").status_code == 404
        assert get("/v1/ledger/tile?purpose=breach_assessment&path=tile/0/x999/000").status_code == 404
        request = signed(served, "associate", "GET", "/v1/ledger/checkpoint?purpose=clienteling")
        assert http.get("/v1/ledger/checkpoint?purpose=clienteling", headers=request.headers).status_code == 403


def test_paths_and_methods_that_do_not_exist_are_problems_too(served: World):
    address = served.nodes[0].address
    for response, code in (
        (httpx.get(f"{address}/nothing", timeout=PATIENCE), "not-found"),
        (httpx.get(f"{address}/v1/reveal", timeout=PATIENCE), "method-not-allowed"),
        (httpx.post(f"{address}/v1/reveal", content=b"x" * 300_000, timeout=PATIENCE), "too-large"),
        (httpx.post(f"{address}/v1/reveal", content=b"{}", timeout=PATIENCE), "unsigned"),
    ):
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"] == code


def test_a_stopped_node_has_answered_and_entered_everything(fresh: World):
    node = fresh.start()
    with fresh.client(SHOP, node) as client:
        for token in fresh.tokens(10):
            list(client.reveal([token], purpose="order_confirmation", fields=["email"], reference="ORDER-9"))
    httpx.post(f"{node.address}/v1/reveal", content=b"{}", timeout=PATIENCE)
    assert node.stop() == 0
    entries = fresh.entries()
    assert sum(item.records for item in entries if item.operation == "reveal") == 10
    assert [item.count for item in entries if item.operation == "request" and item.reason == "unsigned"] == [1]
    application = fresh.open()
    assert application.log.waiting_count() == 0
    application.close()


def test_metrics_name_nobody(fresh: World):
    port = free_port()
    fresh.start("--metrics-port", str(port))
    with fresh.client("associate") as client:
        list(client.reveal(fresh.tokens(1), **CLIENTELING))
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE).text
    assert 'cloakroom_answers_total{endpoint="reveal",status="200",code=""} 1' in text
    assert "associate" not in text
    assert httpx.get(f"{fresh.nodes[0].address}/metrics", timeout=PATIENCE).status_code == 404
