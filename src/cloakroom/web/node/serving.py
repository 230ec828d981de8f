"""Run a node of the service: its fronts, two cores, maintenance, roll-ups, jobs, and this process, which watches.

The front processes share the listening socket; each has a pair of sockets to the core, and one to the core for
reports, which works off what takes long. Stopping is told to the fronts, which answer what they have taken in and go;
the cores go when the last of them has gone, and those behind them when they are told so after that. If any process
ends otherwise, the others are stopped and the exit code says so: a service manager starts the node anew. If this
process is killed, the others end at once.

Those that have the store are forked from a process of `multiprocessing` that has loaded `store_imports` and done
nothing else: they share what is loaded, and start in a fraction of the time. A front is a fresh interpreter, so that
the process which parses what strangers send never has in memory what knows the store.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
from multiprocessing.connection import Connection
from multiprocessing.forkserver import ensure_running
from multiprocessing.process import BaseProcess
from types import FrameType

from cloakroom.adapters.postgres.server import start_server
from cloakroom.settings import Settings
from cloakroom.web.node import store_imports
from cloakroom.web.node.front_process import run_front
from cloakroom.web.node.listening import ListeningSockets, listen
from cloakroom.web.node.options import NodeOptions
from cloakroom.web.node.store_processes import run_core, run_jobs, run_maintenance, run_reports, run_roll_ups
from cloakroom.wiring import open_application

__all__ = ["NodeOptions", "serve"]

_log = logging.getLogger("cloakroom.node")
_LOOK_SECONDS = 0.2


def serve(settings: Settings, serving: NodeOptions) -> int:
    """Serve until a signal says stop; return the exit code.

    Raises:
        CloakroomError: The store cannot be opened.
        UsageError: It cannot listen on one of its ports.
    """
    url = settings.database_url or start_server(settings.database_directory, create=False)
    # Whatever keeps the store from being opened is said here, before anything listens.
    open_application(settings, url=url).close()
    listening = listen(serving)
    node = _Node(settings, serving, url, listening)
    node.start()
    return node.watch()


class _Node:
    """The processes of a node."""

    def __init__(self, settings: Settings, serving: NodeOptions, url: str, listening: ListeningSockets) -> None:
        context, fresh = multiprocessing.get_context("forkserver"), multiprocessing.get_context("spawn")
        context.set_forkserver_preload([store_imports.__name__])
        # Closed, not signalled: a lock that a killed process held would be held for ever.
        for_maintenance, self._maintenance_runs = context.Pipe(duplex=False)
        for_jobs, self._jobs_run = context.Pipe(duplex=False)
        for_roll_ups, self._roll_ups_run = context.Pipe(duplex=False)
        last_good = context.Value("d", 0.0, lock=False)
        tampered = context.Value("d", 0.0, lock=False)
        pairs = [socket.socketpair() for _ in range(serving.workers)]
        to_reports = [socket.socketpair() for _ in range(serving.workers)]
        self._given_away: list[socket.socket | Connection] = [
            *listening.all,
            for_maintenance,
            for_jobs,
            for_roll_ups,
            *(end for pair in (*pairs, *to_reports) for end in pair),
        ]
        self._fronts = [
            fresh.Process(
                target=run_front,
                args=(serving, listening.service, to_core[0], to_report[0], for_metrics),
                name=f"front-{number}",
            )
            for number, (to_core, to_report, for_metrics) in enumerate(
                zip(pairs, to_reports, listening.fronts_metrics, strict=True)
            )
        ]
        self._core = context.Process(
            target=run_core,
            args=(settings, url, [pair[1] for pair in pairs], last_good, listening.core_metrics),
            name="core",
        )
        self._reports = context.Process(
            target=run_reports, args=(settings, url, [pair[1] for pair in to_reports], last_good), name="reports"
        )
        self._maintenance = context.Process(
            target=run_maintenance, args=(settings, url, for_maintenance, last_good, tampered), name="maintenance"
        )
        self._roll_ups = context.Process(
            target=run_roll_ups, args=(settings, url, for_roll_ups, tampered), name="roll-ups"
        )
        self._jobs = context.Process(target=run_jobs, args=(settings, url, for_jobs), name="jobs")
        self._stopping = False

    @property
    def _all(self) -> list[BaseProcess]:
        return [*self._fronts, self._core, self._reports, self._maintenance, self._roll_ups, self._jobs]

    def start(self) -> None:
        # What others are forked from inherits it: a service manager tells every process to stop, and it must not.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ensure_running()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        for process in (self._core, self._reports, self._maintenance, self._roll_ups, self._jobs, *self._fronts):
            process.start()
        # The ends belong to the processes now; the core sees a front go only if nobody else holds its socket.
        for end in self._given_away:
            end.close()

    def watch(self) -> int:
        """Wait for the end; return the exit code."""
        failed = False
        while any(process.is_alive() for process in self._all):
            for process in self._all:
                process.join(_LOOK_SECONDS / len(self._all))
            if self._failed() and not failed:
                failed = True
                self._stop_fronts()
            if not any(process.is_alive() for process in (*self._fronts, self._core, self._reports)):
                self._maintenance_runs.close()
                self._roll_ups_run.close()
                self._jobs_run.close()
        return 1 if failed or self._failed() else 0

    def _failed(self) -> bool:
        """Answer whether a process ended that should not have, or ended badly."""
        ended = [process for process in self._all if process.exitcode is not None]
        return any(process.exitcode != 0 or not self._stopping for process in ended)

    def _on_signal(self, _signal: int, _frame: FrameType | None) -> None:
        self._stop_fronts()

    def _stop_fronts(self) -> None:
        self._stopping = True
        for process in self._fronts:
            if process.is_alive() and process.pid is not None:
                os.kill(process.pid, signal.SIGTERM)
