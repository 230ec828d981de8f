"""Databases and stores of the tests: one server for a run, each world imported once, a copy for each test.

The workers of a run share a folder, so that what one of them has made the others find. Where there is room it lies in
memory: the server forces every commit out as always (`cloakroom.adapters.postgres.connection` refuses one that does
not), and there that costs nothing. No test takes the power away; those that speak about crashes kill processes.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cloakroom.adapters.postgres.server import start_server, stop_server
from cloakroom.clock import Clock
from cloakroom.gate.gate_clock import STORE_TOLERANCE
from cloakroom.settings import Settings
from cloakroom.testing.group import GroupPlan, copy_configuration, write_group
from cloakroom.use_cases.records.importing import import_file
from cloakroom.wiring import Application, initialise, open_application
from durable_commits import watch_commits

RECORDS = 600
MEMORY = Path("/dev/shm")
ROOM = 6 << 30
"""Bytes that must be free in memory before a server is put there."""
RUN_FOLDER = "CLOAKROOM_TEST_RUN_FOLDER"
_PREFIX = "cloakroom-test-"
Made = TypeVar("Made")


@dataclass(frozen=True)
class StoreCopy:
    """A store of its own for one test.

    Attributes:
        settings: How to reach it.
        deliveries: The files that were imported, by brand, in order.
        template: Folder of the template: deliveries, configuration, truth.
    """

    settings: Settings
    deliveries: dict[str, list[Path]]
    template: Path

    def open(
        self, node: str = "test", clock: Clock | None = None, *, clock_tolerance: int | None = STORE_TOLERANCE
    ) -> Application:
        """Open the store as a node; a clock that tells another time than the database's needs a tolerance of None."""
        return open_application(replace(self.settings, node=node), clock, clock_tolerance=clock_tolerance)


def make_run_folder() -> Path:
    """Make the folder that the processes of this run share; folders that killed runs left are removed.

    It does not lie below pytest's own: that one is closed to the user under whom a server runs when we are root.
    """
    parents = [Path(tempfile.gettempdir())]
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
        parents.insert(0, MEMORY)
    for parent in parents:
        for left in parent.glob(f"{_PREFIX}*-*"):
            # A server whose folder is gone stops by itself.
            if not _runs(left.name.removeprefix(_PREFIX).split("-")[0]):
                shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parents[0]))


def _runs(process: str) -> bool:
    with suppress(ValueError, PermissionError):
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return False
    return True


def made_once(folder: Path, name: str, make: Callable[[Path], Made]) -> Made:
    """Return what `make` makes in a folder of that name: once in a run, by whichever worker needs it first."""
    with _alone(folder, name):
        kept = folder / f"{name}.pickle"
        if not kept.exists():
            home = folder / name
            home.mkdir()
            kept.write_bytes(pickle.dumps(make(home)))
        return pickle.loads(kept.read_bytes())


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """Run the server of this run, or use the one that another worker started; the last one to leave stops it."""
    directory = folder / "database"
    with _alone(folder, "server"):
        is_new = not directory.exists()
        server = server_of(start_server(directory, create=is_new))
        if is_new:
            with psycopg.connect(server, autocommit=True) as connection:
                # The settings suit imports of millions of rows; here the log of writes would only fill memory.
                connection.execute("alter system set max_wal_size = '512MB'")
                connection.execute("select pg_reload_conf()")
    yield server
    with _alone(folder, "server"):
        stop_server(directory)


def create_database(server: str, template: str | None = None) -> str:
    """Create a database, empty or as a copy of the one at the address `template`, and return its address."""
    name = f"test_{uuid.uuid4().hex}"
    copied = f' template "{conninfo_to_dict(template)["dbname"]}"' if template else ""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'create database "{name}"{copied}'.encode())
    return make_conninfo(server, dbname=name)


def drop_database(url: str) -> None:
    """Drop the database at this address, whoever is connected to it."""
    with psycopg.connect(server_of(url), autocommit=True) as connection:
        connection.execute(f'drop database if exists "{conninfo_to_dict(url)["dbname"]}" with (force)'.encode())


@contextmanager
def database(server: str, template: str | None = None) -> Iterator[str]:
    """Keep a database for as long as the block lasts; see `create_database`."""
    url = create_database(server, template)
    try:
        yield url
    finally:
        drop_database(url)


def imported_group(server: str, home: Path) -> StoreCopy:
    """Make a store of the synthetic group in an empty folder, with all deliveries imported."""
    copy_configuration(home / "configuration")
    world = write_group(home / "deliveries", GroupPlan(records=RECORDS))
    settings = Settings(home, create_database(server), f"file:{home / 'root.key'}", "template")
    application = initialise(settings, home / "configuration")
    deliveries = {brand: [home / "deliveries" / file for file in files] for brand, files in world.files.items()}
    for brand, files in deliveries.items():
        for file in files:
            import_file(application, file, brand)
    application.sequencer.run()
    watch_commits(application.connection)
    application.close()
    return StoreCopy(settings, deliveries, home)


@contextmanager
def copied_store(template: StoreCopy, home: Path) -> Iterator[StoreCopy]:
    """Keep a copy of a store for as long as the block lasts; `home` becomes its folder."""
    home.mkdir(parents=True)
    shutil.copy2(template.settings.home / "root.key", home / "root.key")
    source = template.settings.database_url or ""
    with database(server_of(source), source) as url:
        yield replace(template, settings=Settings(home, url, f"file:{home / 'root.key'}", "test"))


def server_of(url: str) -> str:
    """Return the address of the maintenance database of the server at `url`."""
    return make_conninfo(url, dbname="postgres")
