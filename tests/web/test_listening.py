"""A node listens on all its ports or says which it cannot have, before any of its processes starts."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
from contextlib import ExitStack, closing

import httpx
import pytest
from service_world import World

from cloakroom.errors import UsageError
from cloakroom.web.metrics.counters import Metrics
from cloakroom.web.metrics.port import show_metrics
from cloakroom.web.node.listening import listen
from cloakroom.web.node.options import NodeOptions
from free_ports import free_port
from patience import PATIENCE

HOST = "127.0.0.1"


def options(port: int, metrics_port: int | None = None, workers: int = 1, host: str = HOST) -> NodeOptions:
    return NodeOptions(host, port, frozenset(), workers=workers, metrics_port=metrics_port)


def taken(port: int) -> socket.socket:
    return socket.create_server((HOST, port))


def accepts(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize(
    ("after_first", "use"),
    [(0, "front process 1"), (1, "front process 2"), (2, "the core")],
)
def test_a_metrics_port_that_is_taken_is_named_with_whose_metrics_it_was_for(after_first, use):
    port, first = free_port(), free_port()
    with taken(first + after_first), pytest.raises(UsageError) as raised:
        listen(options(port, first, workers=2))
    assert str(raised.value) == (
        f"cannot listen on port {first + after_first} of 127.0.0.1 for the metrics of {use}: Address already in use"
    )


def test_a_port_of_the_service_that_is_taken_is_named():
    port = free_port()
    with taken(port), pytest.raises(UsageError) as raised:
        listen(options(port))
    assert str(raised.value) == f"cannot listen on port {port} of 127.0.0.1 for the service: Address already in use"


def test_a_node_that_cannot_have_its_last_port_closes_the_others_itself(recwarn):
    port, first = free_port(), free_port()
    with taken(first + 2):
        with pytest.raises(UsageError) as kept:
            listen(options(port, first, workers=2))
        assert [accepts(number) for number in (port, first, first + 1)] == [False, False, False]
    del kept
    gc.collect()
    assert [item for item in recwarn if item.category is ResourceWarning] == []


def test_the_ports_after_the_core_are_left_to_others():
    port, first = free_port(), free_port()
    with taken(first + 3), ExitStack() as opened:
        found = listen(options(port, first, workers=2))
        for item in found.all:
            opened.enter_context(item)
        assert [item.getsockname() for item in found.all] == [
            (HOST, number) for number in (port, first, first + 1, first + 2)
        ]
        assert found.core_metrics is not None
        assert found.core_metrics.getsockname()[1] == first + 2


def test_without_metrics_a_node_listens_on_its_one_port():
    found = listen(options(free_port(), workers=3))
    with closing(found.service):
        assert found.all == [found.service]
        assert (found.fronts_metrics, found.core_metrics) == ([None, None, None], None)


def test_metrics_are_for_the_machine_itself_though_the_service_is_for_everybody():
    found = listen(options(free_port(), free_port(), host="0.0.0.0"))
    hosts = [item.getsockname()[0] for item in found.all]
    for item in found.all:
        item.close()
    assert hosts == ["0.0.0.0", HOST, HOST]


@pytest.mark.parametrize("which", ["the service", "the metrics of front process 1"])
def test_a_number_beyond_the_last_port_is_a_mistake_of_the_caller(which):
    port, metrics_port = (65_536, None) if which == "the service" else (free_port(), 65_536)
    with pytest.raises(UsageError) as raised:
        listen(options(port, metrics_port))
    assert str(raised.value) == f"cannot listen on port 65536 of 127.0.0.1 for {which}: ports end at 65535"


def test_an_address_of_another_machine_is_a_mistake_of_the_caller():
    """192.0.2.0/24 is kept for documentation (RFC 5737); no machine has an address of it."""
    port = free_port()
    with pytest.raises(UsageError) as raised:
        listen(options(port, host="192.0.2.1"))
    assert str(raised.value) == (
        f"cannot listen on port {port} of 192.0.2.1 for the service: Cannot assign requested address"
    )


def test_metrics_are_shown_on_the_socket_that_was_opened_for_them():
    metrics, port = Metrics(), free_port()
    metrics.gauge("answers_to_everything", lambda: 42.0)
    show_metrics(metrics, taken(port))
    shown = httpx.get(f"http://{HOST}:{port}/metrics", timeout=PATIENCE)
    assert shown.status_code == 200
    assert "answers_to_everything 42" in shown.text


@pytest.mark.parametrize("which", ["--port", "--metrics-port"])
def test_a_node_whose_port_is_taken_ends_with_one_line_that_says_so(fresh: World, which: str):
    ports = {"--port": free_port(), "--metrics-port": free_port()}
    # Of the metrics the core's, which is the one after the only front's.
    number = ports[which] + (which == "--metrics-port")
    arguments = [text for name, port in ports.items() for text in (name, str(port))]
    with taken(number):
        ended = subprocess.run(
            [sys.executable, "-m", "cloakroom", "serve", *arguments, "--home", str(fresh.settings.home)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=fresh.environment(),
            check=False,
        )
    assert (ended.returncode, ended.stdout) == (2, "")
    use = {"--port": "the service", "--metrics-port": "the metrics of the core"}[which]
    said = f"error: cannot listen on port {number} of 127.0.0.1 for {use}: Address already in use"
    assert " ".join(ended.stderr.split()) == said
