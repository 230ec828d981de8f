"""A front process, which parses what strangers send, never loads what knows the store or its keys (ADR 11)."""

from __future__ import annotations

import subprocess
import sys

FORBIDDEN = (
    "psycopg",
    "cloakroom.adapters",
    "cloakroom.flows",
    "cloakroom.use_cases",
    "cloakroom.vault",
    "cloakroom.wiring",
)


def loaded_by(statement: str) -> set[str]:
    """The forbidden packages that a fresh interpreter has loaded after a statement."""
    code = f"import sys; {statement}; print(*sys.modules, sep=chr(10))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = done.stdout.split()
    return {package for package in FORBIDDEN for name in names if name == package or name.startswith(f"{package}.")}


def test_a_front_process_loads_neither_the_store_nor_what_opens_it():
    assert loaded_by("import cloakroom.web.node.front_process") == set()


def test_a_process_that_has_the_store_is_told_from_one_that_has_not():
    assert loaded_by("import cloakroom.web.node.store_processes") == set(FORBIDDEN)
