"""What callers see while the store is away, a row was changed, keys rotate, or there is more than can be done."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pyrage
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from service_world import SHOP, World, open_and_change, signed

from cloakroom.client import RefusedError
from cloakroom.use_cases.store import rotation as rotating
from cloakroom.use_cases.store.configuration import apply_configuration
from cloakroom.web.core.core import REFRESH_SECONDS
from patience import PATIENCE, wait_until

ORDER = {"purpose": "order_confirmation", "fields": ["given_name", "email"], "reference": "ORDER-1"}


def code_of(world: World, name: str, order: dict) -> tuple[int, str]:
    response = signed(world, name, "POST", "/v1/reveal", order).send(world.nodes[0])
    return response.status_code, response.json().get("code", "")


def test_while_the_store_is_away_nothing_is_opened_and_afterwards_all_is_well(served: World):
    node = served.nodes[0]
    token = served.tokens(1)
    order = {**ORDER, "tokens": token}
    assert code_of(served, SHOP, order) == (200, "")
    name = conninfo_to_dict(served.settings.database_url)["dbname"]
    with psycopg.connect(make_conninfo(served.settings.database_url, dbname="postgres"), autocommit=True) as other:
        other.execute(f'alter database "{name}" with allow_connections false')
        other.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        assert code_of(served, SHOP, order) == (503, "unavailable")
        wait_until(lambda: httpx.get(f"{node.address}/readyz", timeout=PATIENCE).status_code == 503)
        assert httpx.get(f"{node.address}/healthz", timeout=PATIENCE).status_code == 200
        other.execute(f'alter database "{name}" with allow_connections true')
    wait_until(lambda: code_of(served, SHOP, order) == (200, ""))
    wait_until(lambda: httpx.get(f"{node.address}/readyz", timeout=PATIENCE).status_code == 200)


def test_a_changed_row_breaks_its_own_request_only(served: World):
    tokens = served.tokens(3, skip=100)
    application = served.open()
    reference = application.codec(SHOP).read_all(tokens[:1])[0]
    flip = "update person_key set wraps = set_byte(wraps, 0, get_byte(wraps, 0) # 1) where ordinal = %s"
    application.connection.execute(flip, (reference.ordinal,))
    orders = [{**ORDER, "tokens": [token]} for token in tokens]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda order: code_of(served, SHOP, order), orders))
    application.connection.execute(flip, (reference.ordinal,))
    application.close()
    assert answers == [(500, "broken-record"), (200, ""), (200, "")]


def test_a_changed_history_refuses_its_own_lineage_only(fresh: World):
    """One principal's earlier entry is changed; it asks all the time, and others in the same batches."""
    fresh.start()
    token = fresh.tokens(1)
    orders = {
        SHOP: {**ORDER, "tokens": token},
        "privacy": {"purpose": "access_request", "fields": ["email"], "reference": "DSR-1", "tokens": token},
    }
    open_and_change(fresh, "privacy", purpose="access_request", reference="DSR-1")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: (name, code_of(fresh, name, orders[name])), [SHOP, "privacy"] * 20))
    assert {answer for name, answer in answers if name == SHOP} == {(200, "")}
    assert {answer for name, answer in answers if name == "privacy"} == {(500, "broken-history")}
    refused = [item for item in fresh.entries() if item.reason == "broken-history"]
    assert {item.lineage for item in refused} == {"privacy"}
    assert sum(item.count for item in refused) == 20


def test_keys_rotate_while_a_node_serves(served: World):
    tokens = served.tokens(30, brand="tarsenne")
    stop, seen = threading.Event(), []

    def work() -> None:
        number = 0
        with served.client(SHOP) as client:
            while not stop.is_set():
                number += 1
                try:
                    record = next(client.reveal([tokens[number % 30]], **ORDER))
                    seen.append(bool(record.fields))
                except RefusedError as refused:
                    seen.append(refused.code)

    worker = threading.Thread(target=work)
    worker.start()
    application = served.open("rotator")
    rotating.rotate_brand(application, "tarsenne")
    rotating.rotate_index(application, "tarsenne")
    application.close()
    before = len(seen)
    wait_until(lambda: len(seen) > before + 20 or not worker.is_alive())
    stop.set()
    worker.join()
    assert set(seen) == {True}
    assert len(seen) > 20


def test_a_changed_policy_is_in_force_within_two_seconds(fresh: World):
    fresh.start()
    token = fresh.tokens(1)
    with fresh.client(SHOP) as client:
        assert list(client.reveal(token, **ORDER))
        application = fresh.open()
        texts = dict(application.configuration.texts)
        texts["policy.toml"] = texts["policy.toml"].replace(
            '"order_confirmation", "record_keeping"', '"record_keeping"'
        )
        texts["policy.toml"] = texts["policy.toml"].replace(
            'purposes = ["clienteling"]', 'purposes = ["clienteling", "order_confirmation"]'
        )
        apply_configuration(application, texts)
        application.close()
        assert REFRESH_SECONDS <= 2
        wait_until(lambda: code_of(fresh, SHOP, {**ORDER, "tokens": token})[0] == 403)
        with pytest.raises(RefusedError) as refused:
            list(client.reveal(token, **ORDER))
    assert refused.value.reason == "purpose"


def test_a_placeholder_is_no_answer(served: World):
    with served.client(SHOP) as shop:
        for number in range(101):
            shop.write("tarsenne", f"SAME-{number}", {"email": "none@example.org"}, purpose="record_keeping")
    with served.client("privacy") as client, pytest.raises(RefusedError) as refused:
        client.find("none@example.org", purpose="access_request", brands=["tarsenne"], reference="DSR-1")
    assert refused.value.code in {"too-many", "policy", "budget"}


def test_releases_over_http_show_nothing_to_strangers(served: World):
    key = str(pyrage.x25519.Identity.generate().to_public())
    asked = {"brand": "tarsenne", "fields": ["email"], "recipient": "printer-7", "recipient_key": key}
    with (
        served.client("marketing") as marketing,
        served.client("privacy") as privacy,
        served.client("security") as security,
        served.client("associate") as stranger,
    ):
        release = marketing.request_release("campaign", **asked)
        assert [item.id for item in privacy.releases()] == [release.id]
        assert not stranger.releases()
        answers = []
        for name in (release.id, "release-000000000000"):
            with pytest.raises(RefusedError) as refused:
                stranger.release(name)
            answers.append((refused.value.status, refused.value.code, str(refused.value)))
        assert answers[0] == answers[1] == (404, "not-found", answers[0][2])
        with pytest.raises(RefusedError) as refused:
            marketing.approve_release(release)
        assert refused.value.reason == "own-lineage"
        assert privacy.approve_release(release).state == "requested"
        with pytest.raises(RefusedError) as refused:
            privacy.approve_release(release)
        assert refused.value.code == "exhausted"
        assert security.approve_release(release).state == "approved"


async def all_at_once(address, requests):
    """Send every request over a connection of its own, all at the same time; return what each was answered."""
    host, port = address.removeprefix("http://").split(":")

    async def one(request):
        reader, writer = await asyncio.open_connection(host, int(port))
        own = {"host": f"{host}:{port}", "content-length": str(len(request.body)), "connection": "close"}
        headers = {**request.headers, **own}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"POST /v1/reveal HTTP/1.1\r\n{lines}\r\n".encode() + request.body)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        status, *fields = head.decode().split("\r\n")
        found = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        code = json.loads(body).get("code")
        return int(status.split()[1]), code, found.get("retry-after"), found["content-type"]

    return await asyncio.gather(*(one(request) for request in requests))


@pytest.mark.slow
def test_more_than_can_be_done_is_turned_away_at_once_and_nothing_is_lost(fresh: World):
    """900 callers at once: each is answered, or told to come back, and the ledger holds exactly those answered."""
    node = fresh.start()
    tokens = fresh.tokens(200)
    signed_at = time.time()
    requests = [
        signed(fresh, SHOP, "POST", "/v1/reveal", {**ORDER, "tokens": [tokens[number % 200]]}, lifetime_s=60)
        for number in range(900)
    ]
    answers = asyncio.run(all_at_once(node.address, requests))
    assert len(answers) == len(requests)
    shown = sum(status == 200 for status, *_ in answers)
    for status, code, retry_after, media_type in answers:
        if status != 200:
            assert (status, code) in {(429, "waiting"), (503, "busy")}
            assert 1 <= int(retry_after) <= 60
            assert media_type == "application/problem+json"
    entered = [item for item in fresh.entries() if item.operation == "reveal" and item.permitted]
    assert len(entered) == shown > 0
    # The very requests that were turned away are welcome later: nothing of them was done, not even their nonces.
    again = [item for item, answer in zip(requests, answers, strict=True) if answer[0] != 200][:20]
    codes = {(answer.status_code, answer.json().get("code")) for answer in (item.send(node) for item in again)}
    # Where the machine was so busy that a minute has passed, they are refused for their age, as they would be then.
    assert codes <= ({(200, None)} if time.time() - signed_at < 45 else {(200, None), (401, "clock")})
