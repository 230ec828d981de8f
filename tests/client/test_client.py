"""The client: what its page of documentation shows works, and it tries again only where that is harmless."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import msgspec
import pytest

from cloakroom.client import Client, RefusedError, UnreachableError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "use-the-client.md"


def test_the_example_of_the_documentation_works(served, capsys):
    with served.client("shop-app") as shop:
        fields = {"given_name": "Ilse", "family_name": "Tanvik", "email": "ilse.tanvik@example.org", "city": "Lund"}
        shop.write("tarsenne", "DOCS-1", fields, purpose="record_keeping")
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    names = {"address": served.nodes[0].address, "credential": str(served.credentials["second-associate"])}
    exec(compile(code, "use-the-client.md", "exec"), names)
    assert "'city': 'Lund'" in capsys.readouterr().out


def test_more_tokens_than_fit_into_one_request_become_several(served):
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        order = msgspec.json.decode(request.content)
        seen.append(len(order["tokens"]))
        records = [{"token": token, "fields": {}} for token in order["tokens"]]
        return httpx.Response(200, json={"forms": {}, "records": records})

    with Client(
        "https://vault.example", served.credential("associate"), transport=httpx.MockTransport(answer)
    ) as client:
        tokens = [f"tok_{number}" for number in range(2_500)]
        assert [record.token for record in client.reveal(tokens, purpose="x", fields=["email"])] == tokens
    assert seen == [1000, 1000, 500]


@pytest.mark.parametrize(("code", "status", "asked"), [("busy", 503, 3), ("policy", 403, 1), ("budget", 429, 1)])
def test_it_tries_again_only_where_nothing_was_done(served, code, status, asked):
    nonces = []

    def answer(request: httpx.Request) -> httpx.Response:
        nonces.append(request.headers["signature-input"])
        return httpx.Response(status, json={"code": code}, headers={"content-type": "application/problem+json"})

    with Client(
        "https://vault.example", served.credential("associate"), attempts=3, transport=httpx.MockTransport(answer)
    ) as client:
        with pytest.raises(RefusedError) as refused:
            client.exposure()
        assert refused.value.code == code
    assert len(nonces) == len(set(nonces)) == asked


def test_a_release_is_asked_for_once_even_if_the_connection_breaks(served):
    tried = []

    def answer(request: httpx.Request) -> httpx.Response:
        tried.append(request)
        raise httpx.ReadError("gone")

    with Client(
        "https://vault.example", served.credential("marketing"), transport=httpx.MockTransport(answer)
    ) as client:
        with pytest.raises(UnreachableError):
            client.request_release("campaign", brand="b", fields=["email"], recipient="r", recipient_key="age1")
        assert len(tried) == 1
        with pytest.raises(UnreachableError):
            client.releases()
        assert len(tried) == 5


def test_records_do_not_show_values_when_printed(served):
    with served.client("second-associate") as client:
        records = list(client.reveal(served.tokens(3), purpose="clienteling", fields=["email"], reference="APPT-1"))
    assert not any(value in repr(records) for record in records for value in record.fields.values())
