"""A front process: connections in, verified requests to the core. It loads nothing that knows the store."""

from __future__ import annotations

import asyncio
import signal
import socket

import uvloop

from cloakroom.web.front.addresses import Surroundings
from cloakroom.web.front.front import FLUSH_SECONDS, Front
from cloakroom.web.front.http_connection import Connections
from cloakroom.web.front.router import Router
from cloakroom.web.metrics.port import show_metrics
from cloakroom.web.node import process_setup
from cloakroom.web.node.options import NodeOptions
from cloakroom.web.protocol.limits import LIMITS

_BACKLOG = 1024


def run_front(
    serving: NodeOptions,
    listening: socket.socket,
    to_core: socket.socket,
    to_reports: socket.socket,
    for_metrics: socket.socket | None,
) -> None:
    """Serve until SIGTERM, SIGINT, or until a core has gone."""
    process_setup.begin()
    uvloop.run(_serve(serving, listening, to_core, to_reports, for_metrics))


async def _serve(
    serving: NodeOptions,
    listening: socket.socket,
    to_core: socket.socket,
    to_reports: socket.socket,
    for_metrics: socket.socket | None,
) -> None:
    loop = asyncio.get_running_loop()
    front = Front(Surroundings(serving.authorities, serving.proxies))
    for new_link, connected in ((front.new_link, to_core), (front.new_link_to_reports, to_reports)):
        connected.settimeout(0.0)
        await loop.create_unix_connection(new_link, sock=connected)
    connections = Connections(Router(front), LIMITS)
    if for_metrics is not None:
        front.metrics.gauge("connections", lambda: float(len(connections.open)))
        show_metrics(front.metrics, for_metrics)
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    server = await loop.create_server(connections.accept, sock=listening, backlog=_BACKLOG)
    connections.start()
    flushing = asyncio.create_task(_flush(front))
    process_setup.freeze_memory()
    waits = [asyncio.create_task(stop.wait()), asyncio.create_task(front.core_lost.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    server.close()
    await connections.stop(serving.grace_s if stop.is_set() else 1.0)
    for task in (flushing, *waits):
        task.cancel()
    front.close()
    # Turns of the loop in which what was written last is sent.
    await asyncio.sleep(0.05)


async def _flush(front: Front) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        front.flush_rejections()
