"""A store as the tutorial leaves it, for every page that goes on from there."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docs_pages import ROOT
from transcript import environment, run_page

TUTORIAL = ROOT / "docs/tutorial/first-store.md"


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a folder for a store with a server of its own.

    Not below pytest's: every run of pytest closes that to others than root, as whom PostgreSQL does not run.
    """
    with tempfile.TemporaryDirectory(prefix="cloakroom-docs-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="session")
def tutorial():
    """The tutorial, run as written; its set-up of Python is the one that the tests run in."""
    with open_folder() as folder:
        yield run_tutorial(folder)


def run_tutorial(folder):
    """Run the tutorial in a folder; return that, the page, and what came of each block."""
    (folder / ".venv").symlink_to(Path(sys.executable).parent.parent)
    page = TUTORIAL.read_text("utf-8")
    outcomes = run_page(page, folder, environment(folder), preamble='make() { [ "$*" = .venv/ready ]; }')
    return folder, page, outcomes


@pytest.fixture
def after_tutorial(tutorial):
    left, _, _ = tutorial
    with open_folder() as folder:
        copy = folder / "after"
        # With the owner of every file: PostgreSQL does not start on a folder of somebody else's.
        subprocess.run(["cp", "-a", left, copy], check=True)
        yield copy
