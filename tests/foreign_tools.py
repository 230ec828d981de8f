"""Tools of others that some tests need: skipped where they are absent, unless CLOAKROOM_FOREIGN_TOOLS=required."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def tool(name: str, *others: str) -> str:
    """Return the path of a program under the first of its names that is there."""
    found = next(filter(None, map(shutil.which, (name, *others))), None)
    return found or absent(f"{name} is not installed")


def absent(reason: str) -> NoReturn:
    """Skip the test, or fail it where the machine is meant to have every tool."""
    if os.environ.get("CLOAKROOM_FOREIGN_TOOLS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)
