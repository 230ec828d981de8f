"""A store as the tutorial leaves it, for every page that goes on from there."""

import subprocess
import sys
from pathlib import Path

import pytest
from docs_pages import ROOT
from transcript import environment, run_page

TUTORIAL = ROOT / "docs/tutorial/first-store.md"


@pytest.fixture(scope="session")
def tutorial(tmp_path_factory):
    """The tutorial, run as written; its set-up of Python is the one that the tests run in."""
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / ".venv").symlink_to(Path(sys.executable).parent.parent)
    page = TUTORIAL.read_text("utf-8")
    outcomes = run_page(page, folder, environment(folder), preamble='make() { [ "$*" = .venv/ready ]; }')
    return folder, page, outcomes


@pytest.fixture
def after_tutorial(tutorial, tmp_path):
    folder, _, _ = tutorial
    copy = tmp_path / "after"
    # With the owner of every file: PostgreSQL does not start on a folder of somebody else's.
    subprocess.run(["cp", "-a", folder, copy], check=True)
    return copy
