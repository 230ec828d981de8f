"""Runs the service: one process, or several that share a socket."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network
from types import FrameType

import uvicorn

from cloakroom.adapters.postgres.connection import connect
from cloakroom.adapters.postgres.server import start_server
from cloakroom.settings import Settings
from cloakroom.web.addresses import Surroundings
from cloakroom.web.application import build_application
from cloakroom.web.service import Service
from cloakroom.wiring import Application, open_application

SWITCH_SECONDS = 0.001
"""How long one thread may keep the interpreter: the event loop and the core take turns in short steps."""


@dataclass(frozen=True, slots=True)
class Serving:
    """How to serve.

    Attributes:
        host: Address to listen on.
        port: Port to listen on.
        authorities: Names that clients use, with port unless it is the default one of the scheme.
        proxies: Networks of trusted proxies.
        workers: Processes.
        metrics_port: Port on the loopback address for metrics of the first process, the next for the second, or None.
        grace_s: How long requests may take to finish after a signal to stop.
    """

    host: str
    port: int
    authorities: frozenset[str]
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    workers: int = 1
    metrics_port: int | None = None
    grace_s: int = 20


def serve(settings: Settings, serving: Serving) -> int:
    """Serve until a signal says stop; return the exit code."""
    url = settings.database_url or start_server(settings.database_directory, create=False)
    listening = socket.create_server((serving.host, serving.port), backlog=1024, reuse_port=False)
    if serving.workers == 1:
        _serve_one(settings, serving, url, listening, 0)
        return 0
    return _supervise(settings, serving, url, listening)


def _supervise(settings: Settings, serving: Serving, url: str, listening: socket.socket) -> int:
    """Run several processes over one socket; if one dies, the others stop too and the exit code says so."""
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_serve_one, args=(settings, serving, url, listening, number), name=f"worker-{number}")
        for number in range(serving.workers)
    ]
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        for process in processes:
            if process.is_alive() and process.pid is not None:
                os.kill(process.pid, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    for process in processes:
        process.start()
    failed = False
    while any(process.is_alive() for process in processes):
        for process in processes:
            process.join(0.2)
            if process.exitcode not in {None, 0} and not stopping:
                failed = True
                stop(signal.SIGTERM, None)
    return 1 if failed else 0


def _serve_one(settings: Settings, serving: Serving, url: str, listening: socket.socket, number: int) -> None:
    sys.setswitchinterval(SWITCH_SECONDS)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    node = settings.node if serving.workers == 1 else f"{settings.node}.{number}"

    def open_store(suffix: str) -> Application:
        name = f"{node}.{suffix}" if suffix else node
        return open_application(replace(settings, node=name), url=url)

    around = Surroundings(serving.authorities, serving.proxies)
    service = Service(open_store, lambda: connect(url), around, leads=number == 0)
    config = uvicorn.Config(
        build_application(service),
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=serving.grace_s,
        h11_max_incomplete_event_size=65_536,
        backlog=1024,
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_run(_Server(config), service, serving, listening, number))


class _Server(uvicorn.Server):
    """Ends with a clean exit code after a signal to stop; uvicorn's own would raise the signal again."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop gracefully at SIGTERM and SIGINT while this is open."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


async def _run(
    server: uvicorn.Server, service: Service, serving: Serving, listening: socket.socket, number: int
) -> None:
    if serving.metrics_port is None:
        await server.serve([listening])
        return

    async def show(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            body = service.metrics.render().encode()
            head = f"HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {len(body)}\r\n"
            writer.write(head.encode() + b"connection: close\r\n\r\n" + body)
            await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()

    metrics = await asyncio.start_server(show, "127.0.0.1", serving.metrics_port + number, limit=16_384)
    async with metrics:
        await server.serve([listening])
