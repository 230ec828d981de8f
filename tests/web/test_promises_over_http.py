"""P2 and P3 over HTTP: three nodes, several clients, one of the nodes killed in the middle of the load."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from pyroaring import BitMap
from service_world import SHOP, World, signed

from cloakroom.ledger.entry import decode_entry
from cloakroom.ledger.record_sets import entry_place
from patience import PATIENCE, wait_until

CLIENTS = ("associate", "second-associate")


@pytest.mark.slow
def test_the_ledger_holds_exactly_what_clients_received_and_no_credential_got_past_its_ceiling(
    fresh: World, tmp_path: Path
):
    """The rule: shown ⊆ entered ⊆ shown ∪ asked-without-answer.

    Whatever a client was shown is in the ledger. Whatever is in the ledger was shown, or its answer was lost on the
    way: committed, but the node was killed before the client had it. References tie each entry to its request.
    """
    nodes = [fresh.start() for _ in range(3)]
    tokens = fresh.tokens(400)
    (tmp_path / "tokens.json").write_text(json.dumps(tokens))
    addresses = ",".join(node.address for node in nodes)
    notes = {(name, number): tmp_path / f"{name}-{number}.jsonl" for name in CLIENTS for number in range(2)}
    clients = [
        subprocess.Popen(
            [
                sys.executable, str(Path(__file__).with_name("load_client.py")), addresses,
                str(fresh.credentials[name]), str(tmp_path / "tokens.json"), str(path),
            ],
            stdin=subprocess.PIPE,
        )
        for (name, _), path in notes.items()
    ]  # fmt: skip

    def told(text: str) -> list[int]:
        return [path.read_text().count(text) if path.exists() else 0 for path in notes.values()]

    def all_go_on(before: list[int]) -> bool:
        return all(now > then + 9 for now, then in zip(told('"number"'), before, strict=True))

    try:
        # Two clients share what their credential may open: one of them may be shown nearly all of it.
        wait_until(lambda: min(map(sum, zip(*[iter(told('"shown"'))] * 2, strict=True))) >= 5)
        wait_until(lambda: all_go_on([0] * len(clients)))
        for node in nodes[:2]:
            node.kill()
            before = told('"number"')
            wait_until(lambda before=before: all_go_on(before))
        for client in clients:
            client.stdin.close()
        assert [client.wait(PATIENCE) for client in clients] == [0] * len(clients)
    finally:
        for client in clients:
            client.kill()
    application = fresh.open()
    ceiling = application.configuration.policy.budgets["counter"].burst.records
    codec = application.codec(SHOP)
    lost_anything = False
    for name in CLIENTS:
        shown, lost, answered = BitMap(), BitMap(), 0
        for (who, _), path in notes.items():
            if who != name:
                continue
            for line in path.read_text().splitlines():
                note = json.loads(line)
                shown |= BitMap(item.ordinal for item in codec.read_all(note.get("shown", [])))
                lost |= BitMap(item.ordinal for item in codec.read_all(note.get("lost", [])))
                answered += "shown" in note
        lost_anything |= bool(lost)
        entered, entries = entered_by(fresh, name)
        assert shown - entered == BitMap()
        assert entered - shown - lost == BitMap()
        assert 0 < len(entered) <= ceiling
        assert entries >= answered
    assert lost_anything
    application.sequencer.run()
    application.close()


def entered_by(world: World, lineage: str) -> tuple[BitMap, int]:
    with psycopg.connect(world.settings.database_url or "") as connection:
        rows = connection.execute(
            "select body, sealed_set from ledger_entry where lineage = %s and permitted and sealed_set is not null",
            (lineage,),
        ).fetchall()
    assert all(decode_entry(body).operation == "reveal" for body, _ in rows)
    sets = world.sets()
    return BitMap.union(*[sets.open(entry_place(lineage), data) for _, data in rows]), len(rows)


def test_an_answer_that_nobody_waits_for_is_in_the_ledger(fresh: World):
    """A caller who hangs up after sending has opened what he asked for, as far as the ledger is concerned."""
    node = fresh.start()
    order = {"purpose": "clienteling", "fields": ["email"], "reference": "APPT-1", "tokens": fresh.tokens(3)}
    request = signed(fresh, "associate", "POST", "/v1/reveal", order)
    head = f"POST /v1/reveal HTTP/1.1\r\nhost: 127.0.0.1:{node.port}\r\ncontent-length: {len(request.body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection(("127.0.0.1", node.port)) as connection:
        connection.sendall(head.encode() + b"\r\n" + request.body)
    wait_until(lambda: len(entered_by_or_none(fresh, "associate")) in {0, 3})
    time.sleep(1)
    entered = entered_by_or_none(fresh, "associate")
    assert len(entered) in {0, 3}
    # Dropped before it was taken, or done whole; and the node serves on.
    with fresh.client("associate", node) as client:
        assert list(client.reveal(fresh.tokens(1), purpose="clienteling", fields=["email"], reference="APPT-2"))


def entered_by_or_none(world: World, lineage: str) -> BitMap:
    try:
        return entered_by(world, lineage)[0]
    except TypeError:
        return BitMap()
