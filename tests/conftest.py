"""Fixtures that many tests share: a real PostgreSQL server, and small stores copied from one template."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings as hypothesis_settings
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

# A busy machine must not fail a property: time is measured by the bench, not by the tests.
hypothesis_settings.register_profile("cloakroom", deadline=None, print_blob=True)
hypothesis_settings.load_profile("cloakroom")


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


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server that this test process runs, connected to its maintenance database."""
    own = os.environ.get("CLOAKROOM_TEST_DATABASE_SERVER")
    if own:
        yield own
        return
    # Not below pytest's own folder: that one is closed to the user under whom a server runs when we are root.
    folder = Path(tempfile.mkdtemp(prefix="cloakroom-test-server-"))
    url = start_server(folder / "database", create=True)
    yield make_conninfo(url, dbname="postgres")
    stop_server(folder / "database")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty_database(postgres_server: str) -> Iterator[str]:
    """The address of an empty database, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
    yield _address(postgres_server, name)
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}" with (force)')


@pytest.fixture(scope="session")
def store_template(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> StoreCopy:
    """A store of the synthetic group with all deliveries imported; tests work on copies of it."""
    home = tmp_path_factory.mktemp("template") / "store"
    home.mkdir()
    copy_configuration(home / "configuration")
    world = write_group(home / "deliveries", GroupPlan(records=RECORDS))
    name = f"template_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
    settings = Settings(
        home=home,
        database_url=_address(postgres_server, name),
        root_key=f"file:{home / 'root.key'}",
        node="template",
    )
    application = initialise(settings, home / "configuration")
    deliveries = {brand: [home / "deliveries" / file for file in files] for brand, files in world.files.items()}
    for brand, files in deliveries.items():
        for file in files:
            import_file(application, file, brand)
    application.sequencer.run()
    watch_commits(application.connection)
    application.close()
    return StoreCopy(settings, deliveries, home)


@pytest.fixture
def store(store_template: StoreCopy, postgres_server: str, tmp_path: Path) -> Iterator[StoreCopy]:
    """A fresh copy of the template store."""
    name = f"store_{uuid.uuid4().hex}"
    source = conninfo_to_dict(store_template.settings.database_url or "")["dbname"]
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{source}"')
    home = tmp_path / "store"
    home.mkdir()
    shutil.copy2(store_template.settings.home / "root.key", home / "root.key")
    settings = Settings(
        home=home,
        database_url=_address(postgres_server, name),
        root_key=f"file:{home / 'root.key'}",
        node="test",
    )
    yield StoreCopy(settings, store_template.deliveries, store_template.template)
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}" with (force)')


@pytest.fixture
def application(store: StoreCopy) -> Iterator[Application]:
    """The copy of the template store, opened."""
    opened = store.open()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def world() -> Path:
    """The synthetic Valmont world, where it lies beside the project."""
    here = Path(__file__).resolve().parent.parent
    path = Path(os.environ.get("CLOAKROOM_WORLD", here.parent / "shared" / "data" / "world"))
    if not path.is_dir():
        pytest.skip("the synthetic Valmont world is not here")
    return path


def _address(server: str, database: str) -> str:
    return make_conninfo(server, dbname=database)
