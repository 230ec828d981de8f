"""What processes of a node load: a front nothing of the store, what others are forked from no threads (ADR 11)."""

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


def printed_by(code: str) -> list[str]:
    """Return the lines that a fresh interpreter prints."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()


def loaded_by(statement: str) -> set[str]:
    """The forbidden packages that a fresh interpreter has loaded after a statement."""
    names = printed_by(f"import sys; {statement}; print(*sys.modules, sep=chr(10))")
    return {package for package in FORBIDDEN for name in names if name == package or name.startswith(f"{package}.")}


def test_a_front_process_loads_neither_the_store_nor_what_opens_it():
    assert loaded_by("import cloakroom.web.node.front_process") == set()


def test_a_process_that_has_the_store_is_told_from_one_that_has_not():
    assert loaded_by("import cloakroom.web.node.store_processes") == set(FORBIDDEN)


def test_what_processes_are_forked_from_runs_no_thread_but_those_of_numpy_which_can_be_forked():
    shown = "print(len(os.listdir('/proc/self/task')), 'polars' in sys.modules)"
    before, after = printed_by(f"import os, sys, numpy; {shown}; import cloakroom.web.node.store_imports; {shown}")
    assert before == after
    assert after.endswith("False")


def test_most_of_what_processes_with_the_store_load_is_loaded_before_they_are_forked():
    count = "print(sum(name.startswith('cloakroom.') for name in sys.modules))"
    shared, whole = (
        int(printed_by(f"import sys, cloakroom.web.node.{name}; {count}")[0])
        for name in ("store_imports", "store_processes")
    )
    assert shared > 0.5 * whole
