"""A front process: connections in, verified requests to the core. It loads nothing that knows the store."""

from __future__ import annotations

import asyncio
import signal
import socket

import uvloop

from cloakroom.web.front.addresses import Surroundings
from cloakroom.web.front.http_connection import Connections
from cloakroom.web.front.router import Router, build_application
from cloakroom.web.front.service import FLUSH_SECONDS, Service
from cloakroom.web.metrics.port import show_metrics
from cloakroom.web.node import child
from cloakroom.web.node.options import Serving
from cloakroom.web.protocol.limits import LIMITS

_BACKLOG = 1024


def run_front(
    serving: Serving, listening: socket.socket, to_core: socket.socket, to_reports: socket.socket, number: int
) -> None:
    """Serve until SIGTERM, SIGINT, or until a core has gone."""
    child.begin()
    uvloop.run(_serve(serving, listening, to_core, to_reports, number))


async def _serve(
    serving: Serving, listening: socket.socket, to_core: socket.socket, to_reports: socket.socket, number: int
) -> None:
    loop = asyncio.get_running_loop()
    service = Service(Surroundings(serving.authorities, serving.proxies))
    for new_link, connected in ((service.new_link, to_core), (service.new_link_to_reports, to_reports)):
        connected.settimeout(0.0)
        await loop.create_unix_connection(new_link, sock=connected)
    connections = Connections(Router(service, build_application(service)), LIMITS)
    if serving.metrics_port is not None:
        service.metrics.gauge("connections", lambda: float(len(connections.open)))
        show_metrics(service.metrics, serving.metrics_port + number)
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    server = await loop.create_server(connections.accept, sock=listening, backlog=_BACKLOG)
    connections.start()
    flushing = asyncio.create_task(_flush(service))
    child.settle_memory()
    waits = [asyncio.create_task(stop.wait()), asyncio.create_task(service.core_lost.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    server.close()
    await connections.stop(serving.grace_s if stop.is_set() else 1.0)
    for task in (flushing, *waits):
        task.cancel()
    service.close()
    # Turns of the loop in which what was written last is sent.
    await asyncio.sleep(0.05)


async def _flush(service: Service) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        service.flush_refusals()
