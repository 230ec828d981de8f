"""The processes of a node that open the store: the core, which works batches off, and those beside and behind it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection

from cloakroom.settings import Settings
from cloakroom.web.api.decoding import RequestDecoder
from cloakroom.web.core.batcher import Batcher, Work
from cloakroom.web.core.core import Core
from cloakroom.web.metrics.counters import Metrics
from cloakroom.web.metrics.port import show_metrics
from cloakroom.web.node import process_setup
from cloakroom.web.node.jobs import Jobs
from cloakroom.web.node.maintenance import Maintenance, is_well
from cloakroom.web.node.periodic import SharedNumber
from cloakroom.web.node.roll_ups import RollUps
from cloakroom.web.protocol.limits import LIMITS, REPORT_LIMITS, Limits
from cloakroom.wiring import Application, open_application


def run_core(
    settings: Settings,
    url: str,
    fronts: list[socket.socket],
    last_good: SharedNumber,
    for_metrics: socket.socket | None,
) -> None:
    """Work for the front processes until all of them have gone."""
    process_setup.begin()
    process_setup.ignore_stop_signals()
    _work_for(fronts, lambda: open_application(settings, url=url), LIMITS, last_good, for_metrics)


def run_reports(settings: Settings, url: str, fronts: list[socket.socket], last_good: SharedNumber) -> None:
    """Do what the core does, with what takes long (`Endpoint.takes_long`), one request after the other.

    A report reads the whole ledger, which may take many seconds, and may have to wait for whoever writes the log;
    exposure counts all records. In the core, every other request would wait with them.
    """
    process_setup.begin()
    process_setup.ignore_stop_signals()
    _work_for(fronts, _opens(settings, url, "reports"), REPORT_LIMITS, last_good, None)


def _work_for(
    fronts: list[socket.socket],
    open_store: Callable[[], Application],
    limits: Limits,
    last_good: SharedNumber,
    for_metrics: socket.socket | None,
) -> None:
    core, metrics = Core(open_store), Metrics()
    work = Work(
        decode_request=RequestDecoder().read,
        answer=core.work,
        finish=core.finish,
        keys=core.keys,
        count_rejected=core.count_rejected,
        idle=core.idle,
        is_ready=lambda: is_well(last_good),
        observe=metrics.batch,
    )
    batcher = Batcher(work, limits, fronts)
    metrics.gauge("waiting_requests", lambda: float(len(batcher)))
    if for_metrics is not None:
        show_metrics(metrics, for_metrics)
    core.idle()
    process_setup.freeze_memory()
    batcher.run()
    core.close()


def run_maintenance(
    settings: Settings, url: str, until_closed: Connection, last_good: SharedNumber, tampered: SharedNumber
) -> None:
    """Integrate, beat and tidy up until the other end of `until_closed` is closed."""
    process_setup.begin()
    process_setup.ignore_stop_signals()
    Maintenance(_opens(settings, url, "maintenance"), until_closed.poll, last_good, tampered).run()


def run_roll_ups(settings: Settings, url: str, until_closed: Connection, tampered: SharedNumber) -> None:
    """Roll up and fold until the other end of `until_closed` is closed."""
    process_setup.begin()
    process_setup.ignore_stop_signals()
    process_setup.lower_priority()
    RollUps(_opens(settings, url, "roll-ups"), until_closed.poll, tampered).run()


def run_jobs(settings: Settings, url: str, until_closed: Connection) -> None:
    """Redeem codes of OpenID providers and run releases until the other end of `until_closed` is closed."""
    process_setup.begin()
    process_setup.ignore_stop_signals()
    jobs = Jobs(lambda name: open_application(replace(settings, node=f"{settings.node}.{name}"), url=url))
    jobs.start()
    until_closed.poll(None)
    jobs.stop()


def _opens(settings: Settings, url: str, name: str) -> Callable[[], Application]:
    """Return what opens the store for a process that writes its entries under its own name."""
    own = replace(settings, node=f"{settings.node}.{name}")
    return lambda: open_application(own, url=url)
