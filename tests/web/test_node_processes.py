"""A node is several processes: what holds over them, and what happens when one of them dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import httpx
import pytest
from service_world import SHOP, Node, World, open_and_change, signed

from cloakroom.adapters.root_key import create_root_key
from cloakroom.client import RefusedError
from cloakroom.flows.admission.gatekeeper import PERSISTENT_REFUSALS
from cloakroom.use_cases.store import rotation as rotating
from cloakroom.web.node.maintenance import Maintenance, is_well
from cloakroom.web.node.roll_ups import RollUps
from patience import PATIENCE, wait_until

ORDER = {"purpose": "order_confirmation", "fields": ["given_name", "email"], "reference": "ORDER-1"}


def processes_of(node: Node) -> dict[str, int]:
    """Process ids of a node by what they do, told from what they have open; Linux only, like the test machines."""
    forked = children_of(forking_process_of(node))
    fresh = children_of(node.process.pid, "spawn_main")
    # They are started in this order.
    return dict(zip(("core", "reports", "maintenance", "roll-ups", "jobs"), forked, strict=True)) | dict(
        zip(("front", "second-front"), fresh, strict=False)
    )


def forking_process_of(node: Node) -> int:
    """Return the id of the process from which those that have the store are forked."""
    (found,) = children_of(node.process.pid, "forkserver")
    return found


def children_of(parent: int, command: str = "") -> list[int]:
    """Return the ids of processes that `parent` started, the oldest first, by a part of their command."""
    listed = subprocess.run(["pgrep", "-P", str(parent), "-f", command], capture_output=True, text=True, check=True)
    return sorted(int(line) for line in listed.stdout.split())


def is_running(number: int) -> bool:
    try:
        return " Z" not in Path(f"/proc/{number}/stat").read_text().rpartition(")")[2][:3]
    except FileNotFoundError:
        return False


def test_the_death_of_what_the_others_are_forked_from_ends_the_node_with_an_error(fresh: World):
    node = fresh.start()
    processes = processes_of(node)
    os.kill(forking_process_of(node), signal.SIGKILL)
    assert node.process.wait(PATIENCE) == 1
    wait_until(lambda: not any(is_running(number) for number in processes.values()))


@pytest.mark.parametrize("victim", ["core", "reports", "maintenance", "roll-ups", "jobs", "front"])
def test_the_death_of_one_process_ends_the_node_with_an_error(fresh: World, victim: str):
    node = fresh.start()
    processes = processes_of(node)
    assert set(processes) == {"core", "reports", "maintenance", "roll-ups", "jobs", "front"}
    os.kill(processes[victim], signal.SIGKILL)
    assert node.process.wait(PATIENCE) == 1
    wait_until(lambda: not any(is_running(number) for number in processes.values()))


def test_the_death_of_the_watching_process_ends_the_others(fresh: World):
    node = fresh.start("--workers", "2")
    processes = processes_of(node)
    assert len(processes) == 7
    forking = forking_process_of(node)
    node.kill()
    wait_until(lambda: not any(is_running(number) for number in (forking, *processes.values())))


def test_nobody_else_waits_while_what_takes_long_is_worked_on(served: World):
    """The process for reports stands still, as in the middle of a long one: other requests are answered, and so is
    the long one when it goes on."""
    node = served.nodes[0]
    reports = processes_of(node)["reports"]
    shown = []

    def ask() -> None:
        with served.client("associate", node) as client:
            shown.append(client.exposure().ceiling)

    os.kill(reports, signal.SIGSTOP)
    try:
        asking = Thread(target=ask)
        asking.start()
        with served.client(SHOP, node) as client:
            for _ in range(5):
                assert list(client.reveal(served.tokens(1), **ORDER))
        assert httpx.get(f"{node.address}/readyz", timeout=PATIENCE).status_code == 200
        assert asking.is_alive()
        assert not shown
    finally:
        os.kill(reports, signal.SIGCONT)
    asking.join(PATIENCE)
    assert shown[0] > 0


def test_what_nobody_waits_for_runs_behind_everything_else(served: World):
    processes = processes_of(served.nodes[0])
    niceness = {name: os.getpriority(os.PRIO_PROCESS, number) for name, number in processes.items()}
    assert niceness.pop("roll-ups") > max(niceness.values())


def test_a_changed_set_that_roll_ups_find_makes_the_node_unwell_for_good(fresh: World):
    # Without a node, which might have taken the set into a roll-up already.
    open_and_change(fresh, SHOP, purpose="order_confirmation", reference="ORDER-1")
    tampered, last_good = SimpleNamespace(value=0.0), SimpleNamespace(value=0.0)
    maintenance = Maintenance(fresh.open, lambda _: True, last_good, tampered)
    maintenance.run()
    assert is_well(last_good)
    RollUps(fresh.open, lambda _: True, tampered).run()
    maintenance.run()
    assert not is_well(last_good)


def test_a_signal_to_all_processes_stops_gracefully(fresh: World):
    """As a service manager or a terminal sends it."""
    node = fresh.start("--workers", "2")
    with fresh.client(SHOP, node) as client:
        assert list(client.reveal(fresh.tokens(1), **ORDER))
    processes = processes_of(node).values()
    for number in (node.process.pid, forking_process_of(node), *processes):
        with suppress(ProcessLookupError):  # stopped by the first of the signals already
            os.kill(number, signal.SIGTERM)
    assert node.process.wait(PATIENCE) == 0
    wait_until(lambda: not any(is_running(number) for number in processes))
    application = fresh.open()
    waiting = application.connection.execute("select count(*) from ledger_waiting").fetchone()
    assert waiting == (0,)
    application.close()


def test_what_two_fronts_take_in_is_counted_once(fresh: World):
    fresh.start("--workers", "2")
    tokens = fresh.tokens(8)
    for _ in range(4):  # over new connections, which either front may get
        with fresh.client(SHOP) as client:
            assert all(list(client.reveal([token], **ORDER)) for token in tokens)
    entries = [item for item in fresh.entries() if item.operation == "reveal" and item.permitted]
    opened = [item.budget["burst/records"][2] for item in entries]
    assert opened == [*range(1, 9), *[8] * 24]
    assert len({item.node for item in entries}) == 1


def test_who_goes_on_asking_past_its_budget_is_frozen_though_it_asks_different_nodes(fresh: World):
    nodes = [fresh.start(), fresh.start()]
    tokens = fresh.tokens(60)

    def ask(number: int, wanted: list[str]) -> str:
        with fresh.client("associate", nodes[number % 2]) as client:
            try:
                list(client.reveal(wanted, purpose="clienteling", fields=["email"], reference=f"APPT-{number}"))
            except RefusedError as refused:
                return refused.code
            return ""

    assert [ask(number, tokens[number * 8 : number * 8 + 8]) for number in range(5)] == [""] * 5
    codes = [ask(number, tokens[40 : 40 + 8]) for number in range(PERSISTENT_REFUSALS + 2)]
    # The other node may refuse once more by the budget that it knows to be spent; it opens nothing either way.
    assert codes[:PERSISTENT_REFUSALS] == ["budget"] * PERSISTENT_REFUSALS
    assert codes[-1] == "frozen"
    frozen = [item for item in fresh.entries() if item.operation == "freeze"]
    assert [(item.lineage, item.reason) for item in frozen] == [("associate", "persistent")]


def test_a_node_goes_on_after_the_root_key_was_rotated(fresh: World):
    fresh.start()
    tokens = fresh.tokens(2, brand="tarsenne")
    old = fresh.settings.home / "root.key"
    new = fresh.settings.home / "new-root.key"
    with fresh.client(SHOP) as client:
        application = fresh.open("rotator")
        create_root_key(new)
        rotating.rotate_root(application, f"file:{new}")
        application.close()
        time.sleep(1.5)  # long enough for the node to notice
        assert next(client.reveal(tokens[:1], **ORDER)).fields
        old.rename(fresh.settings.home / "old-root.key")
        new.rename(old)
        time.sleep(1.5)
        # It has the new one now: keys made under it are read, too.
        application = fresh.open("rotator")
        rotating.rotate_brand(application, "tarsenne")
        application.close()
        assert next(client.reveal(tokens[1:], **ORDER)).fields
        client.write("tarsenne", "NEW-1", {"email": "new@example.org"}, purpose="record_keeping")


def test_a_body_that_does_not_come_is_cut_off_and_others_are_served_meanwhile(served: World):
    node = served.nodes[0]
    slow = [socket.create_connection(("127.0.0.1", node.port)) for _ in range(40)]
    for connection in slow:
        connection.sendall(b"POST /v1/reveal HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{")
    request = signed(served, SHOP, "POST", "/v1/reveal", {**ORDER, "tokens": served.tokens(1)})
    assert request.send(node).status_code == 200
    for connection in slow:
        connection.settimeout(PATIENCE)
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")
        connection.close()
    assert httpx.get(f"{node.address}/readyz", timeout=PATIENCE).status_code == 200
