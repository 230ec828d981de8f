"""A captured request is worth nothing: replayed, bent, sent elsewhere, later or from elsewhere, it is refused."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from service_world import World, signed

from cloakroom.signing import content_digest
from cloakroom.web.core.core import FLUSH_SECONDS
from patience import PATIENCE, wait_until

ORDER = {"purpose": "clienteling", "fields": ["email"], "reference": "APPT-7"}


def refusals(world: World, code: str) -> int:
    return sum(item.count for item in world.entries() if not item.permitted and item.reason == code)


def check_refused(world: World, code: str, send, status: int = 401) -> None:
    """Send and see that it is refused with its code, and that the refusal is entered."""
    before = refusals(world, code)
    response = send()
    assert (response.status_code, response.json()["code"]) == (status, code)
    wait_until(lambda: refusals(world, code) == before + 1)


@pytest.fixture
def capture(served: World):
    """A legitimate request that was answered, as it went over the wire."""
    request = signed(served, "associate", "POST", "/v1/reveal", {**ORDER, "tokens": served.tokens(1)})
    assert request.send(served.nodes[0]).status_code == 200
    return request


def opened(world: World) -> int:
    return sum(item.operation == "reveal" and item.permitted for item in world.entries())


def test_replayed_as_it_is(served: World, capture):
    before = opened(served)
    check_refused(served, "replayed", lambda: capture.send(served.nodes[0]))
    assert opened(served) == before


def test_replayed_on_another_node(served: World):
    first = served.nodes[0]
    second = served.start("--authority", f"127.0.0.1:{first.port}")
    request = signed(served, "associate", "POST", "/v1/reveal", {**ORDER, "tokens": served.tokens(1)})
    host = {"host": f"127.0.0.1:{first.port}"}
    assert request.send(first).status_code == 200
    check_refused(served, "replayed", lambda: request.send(second, headers=host))
    assert second.stop() == 0


def test_replayed_while_the_node_was_killed_and_started_again(fresh: World):
    node = fresh.start()
    authority = f"127.0.0.1:{node.port}"
    host = {"host": authority}
    order = {**ORDER, "tokens": fresh.tokens(1)}
    code = "clock"
    while code == "clock":  # The start took longer than a signature is valid: that shows nothing.
        request = signed(fresh, "associate", "POST", "/v1/reveal", order, authority=authority, lifetime_s=60)
        assert request.send(node, headers=host).status_code == 200
        node.kill()
        node = fresh.start("--authority", authority)
        code = request.send(node, headers=host).json()["code"]
    assert code == "replayed"


def test_many_at_once_are_answered_once(served: World):
    request = signed(served, "associate", "POST", "/v1/reveal", {**ORDER, "tokens": served.tokens(1)})
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: request.send(served.nodes[0]).status_code, range(16)))
    assert sorted(answers) == [200] + [401] * 15


def test_with_another_body(served: World, capture):
    check_refused(served, "body-digest", lambda: capture.send(served.nodes[0], body=capture.body + b" "))


def test_with_another_body_and_its_digest(served: World, capture):
    body = capture.body.replace(b"APPT-7", b"APPT-8")
    headers = {"content-digest": content_digest(body)}
    check_refused(served, "bad-signature", lambda: capture.send(served.nodes[0], body=body, headers=headers))


def test_on_another_path_or_method_or_query(served: World, capture):
    check_refused(served, "bad-signature", lambda: capture.send(served.nodes[0], path="/v1/find"))
    check_refused(served, "bad-signature", lambda: capture.send(served.nodes[0], path="/v1/reveal?all=1"))
    assert capture.send(served.nodes[0], method="PUT").status_code == 405


def test_for_another_host(served: World, capture):
    headers = {"host": "other.example"}
    check_refused(served, "wrong-host", lambda: capture.send(served.nodes[0], headers=headers), 421)


@pytest.mark.parametrize("ago", [-3600, -40, 3600])
def test_with_an_old_or_future_clock(served: World, ago):
    order = {**ORDER, "tokens": served.tokens(1)}
    request = signed(served, "associate", "POST", "/v1/reveal", order, created=int(time.time()) + ago)
    check_refused(served, "clock", lambda: request.send(served.nodes[0]))


def test_valid_for_an_hour(served: World):
    request = signed(served, "associate", "POST", "/v1/reveal", {**ORDER, "tokens": ["x"]}, lifetime_s=3600)
    check_refused(served, "clock", lambda: request.send(served.nodes[0]))


def test_from_another_network(fresh: World):
    """The proxy that is trusted says where the caller sits; no role of it may be used from there."""
    node = fresh.start("--trusted-proxy", "127.0.0.1/32")
    order = {**ORDER, "tokens": fresh.tokens(1)}

    def send(address: str):
        request = signed(fresh, "associate", "POST", "/v1/reveal", order)
        return request.send(node, headers={"x-forwarded-for": address})

    assert send("10.20.1.1").status_code == 200
    check_refused(fresh, "network", lambda: _renamed(send("203.0.113.7")), 403)
    # What the caller himself writes into the field stands to the left of what the proxy saw.
    assert send("10.20.1.1, 203.0.113.7").status_code == 403


def _renamed(response):
    class Renamed:
        status_code = response.status_code

        @staticmethod
        def json():
            return {"code": response.json()["reason"]}

    return Renamed


def test_a_forwarded_caller_is_never_taken_for_the_machine_itself(served: World):
    request = signed(served, "associate", "POST", "/v1/reveal", {**ORDER, "tokens": served.tokens(1)})
    response = request.send(served.nodes[0], headers={"x-forwarded-for": "127.0.0.1"})
    assert (response.status_code, response.json()["reason"]) == (403, "network")


def test_by_a_key_that_nobody_enrolled(served: World):
    request = signed(served, "associate", "POST", "/v1/reveal", {**ORDER, "tokens": ["x"]})
    inputs = request.headers["signature-input"].replace(served.credential("associate").id, "nobody:1")
    check_refused(served, "bad-signature", lambda: request.send(served.nodes[0], headers={"signature-input": inputs}))


def test_without_a_signature(served: World, capture):
    headers = {"signature": None}
    check_refused(served, "unsigned", lambda: capture.send(served.nodes[0], headers=headers))


def test_a_flood_of_refusals_becomes_few_entries(served: World):
    before = refusals(served, "unsigned")
    entries = sum(item.reason == "unsigned" for item in served.entries())
    began = time.monotonic()
    with httpx.Client(base_url=served.nodes[0].address, timeout=PATIENCE) as http:
        for _ in range(300):
            assert http.post("/v1/reveal", content=b"{}").status_code == 401
    wait_until(lambda: refusals(served, "unsigned") == before + 300)
    # They are gathered for a second; the flood itself takes less than ten where the machine is not busy.
    periods = (time.monotonic() - began) / FLUSH_SECONDS
    assert sum(item.reason == "unsigned" for item in served.entries()) - entries <= max(10, periods + 1)
