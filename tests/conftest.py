"""Fixtures that many tests share: a real PostgreSQL server, and small stores copied from one template."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis.database import DirectoryBasedExampleDatabase

from cloakroom.wiring import Application
from long_files_first import in_halves
from stores import (
    RUN_FOLDER,
    StoreCopy,
    copied_store,
    database,
    imported_group,
    made_once,
    make_run_folder,
    running_server,
)

# A busy machine must not fail a property: time is measured by the bench, not by the tests. Nor may a run fail for its
# luck: the source of a test alone decides what is tried. `make explore` tries what nobody has tried yet.
hypothesis_settings.register_profile("repeatable", deadline=None, derandomize=True, database=None, print_blob=True)
hypothesis_settings.register_profile(
    "explore",
    deadline=None,
    derandomize=False,
    database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
    print_blob=True,
)
hypothesis_settings.load_profile("repeatable")


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that the workers of this run share; they inherit its name."""
    if not hasattr(config, "workerinput"):
        os.environ[RUN_FOLDER] = str(make_run_folder())


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(RUN_FOLDER), ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put long files first where workers share the tests."""
    if hasattr(config, "workerinput"):
        items[:] = in_halves(items)


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """The folder that the workers of this run share."""
    return Path(os.environ[RUN_FOLDER])


@pytest.fixture(scope="session")
def postgres_server(run_folder: Path) -> Iterator[str]:
    """The address of the PostgreSQL server of this run, connected to its maintenance database."""
    own = os.environ.get("CLOAKROOM_TEST_DATABASE_SERVER")
    if own:
        yield own
        return
    with running_server(run_folder) as server:
        yield server


@pytest.fixture
def empty_database(postgres_server: str) -> Iterator[str]:
    """The address of an empty database, dropped afterwards."""
    with database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def store_template(postgres_server: str, run_folder: Path) -> StoreCopy:
    """A store of the synthetic group with all deliveries imported; tests work on copies of it."""
    return made_once(run_folder, "template", lambda home: imported_group(postgres_server, home))


@pytest.fixture
def store(store_template: StoreCopy, tmp_path: Path) -> Iterator[StoreCopy]:
    """A fresh copy of the template store."""
    with copied_store(store_template, tmp_path / "store") as copy:
        yield copy


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
