"""The house holds: its contracts, each with a sample that breaks it, its one door, its words."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "cloakroom"
CORE = ("vault", "gate", "ledger", "scoping", "tlog", "crypto", "canonical", "flows")


def contracts_hold(source):
    """Run import-linter over a tree that holds the package and the configuration."""
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("lint-imports")),
            "--config",
            str(source.parent / ".importlinter"),
            "--no-cache",
        ],
        cwd=source.parent,
        env={"PYTHONPATH": str(source), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Contracts" in done.stdout, done.stdout + done.stderr
    return done.returncode == 0, done.stdout


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(SOURCE, tmp_path / "src" / "cloakroom", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / ".importlinter", tmp_path)
    return tmp_path / "src"


def test_the_contracts_hold(copy):
    kept, report = contracts_hold(copy)
    assert kept, report


SAMPLES = {
    "a domain package that sees another": ("vault/sample.py", "import cloakroom.gate.policy"),
    "a domain package that sees an adapter": ("gate/sample.py", "import cloakroom.adapters.root_key"),
    "a flow that sees an adapter": ("flows/records/sample.py", "import cloakroom.adapters.postgres.connection"),
    "mathematics that sees a domain": ("tlog/sample.py", "import cloakroom.ledger.entry"),
    "the crypto library outside crypto": (
        "vault/sample.py",
        "from cryptography.hazmat.primitives.ciphers.aead import AESGCM",
    ),
    "a package without a place": ("sample/__init__.py", ""),
    "a room of the service without a place": ("web/sample/__init__.py", ""),
    "a room of commands without a place": ("cli/sample/__init__.py", ""),
    "a room of use cases without a place": ("use_cases/sample/__init__.py", ""),
    "a room of flows without a place": ("flows/sample/__init__.py", ""),
    "a flow of records that sees one of releases": ("flows/records/sample.py", "import cloakroom.flows.releases.run"),
    "a writer of entries that sees the door": ("flows/ledger/sample.py", "import cloakroom.flows.opening"),
    "a command that a use case sees": ("use_cases/store/sample.py", "import cloakroom.cli.output"),
    "a use case of records that sees one of releases": (
        "use_cases/records/sample.py",
        "import cloakroom.use_cases.releases.requests",
    ),
    "commands of two subjects that see each other": ("cli/records/sample.py", "import cloakroom.cli.people.sessions"),
    "a front that sees the core": ("web/front/sample.py", "import cloakroom.web.core.core"),
    "an endpoint that unseals by itself": ("web/core/sample.py", "from cloakroom.vault.opening import BrandOpener"),
    "a use case that unseals by itself": ("use_cases/store/sample.py", "import cloakroom.vault.opening"),
    "another flow that unseals": ("flows/records/sample.py", "from cloakroom.vault.opening import open_envelope"),
    "the driver of the database in the gate": ("gate/sample.py", "import psycopg"),
    "the driver of the database in a flow": ("flows/store/sample.py", "import psycopg.errors"),
    "the driver of the database in an endpoint": ("web/core/sample.py", "import psycopg"),
    "the driver of the database in a use case": ("use_cases/store/sample.py", "from psycopg import sql"),
    "a domain that opens files": ("claims/sample.py", "from pathlib import Path"),
    "a domain that starts threads": ("claims/sample.py", "import threading"),
    "a domain that starts processes": ("scoping/sample.py", "import subprocess"),
    "mathematics that opens sockets": ("tlog/sample.py", "import socket"),
    "a flow that opens files": ("flows/incident/sample.py", "import tempfile"),
    "a front that sees the store": ("web/front/sample.py", "import cloakroom.wiring"),
    "a shared room of the service that sees the store": ("web/protocol/sample.py", "import psycopg"),
    "a handler that sees the core": ("web/handlers/sample.py", "import cloakroom.web.core.fair_queue"),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_that_breaks_a_contract_is_found(copy, name):
    place, text = SAMPLES[name]
    path = copy / "cloakroom" / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'"""A sample."""\n{text}\n')
    kept, report = contracts_hold(copy)
    assert not kept
    assert "BROKEN" in report
    assert "sample" in report


@pytest.mark.parametrize("package", ["gate", "vault", "toml", "adapters.postgres", "web.core", "use_cases.records"])
def test_a_circle_of_modules_is_found_even_one_for_types_alone(copy, package):
    folder = copy.joinpath("cloakroom", *package.split("."))
    for_types = f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cloakroom.{package}.other\n"
    (folder / "sample.py").write_text(f'"""A sample."""\n{for_types}')
    (folder / "other.py").write_text(f'"""A sample."""\nimport cloakroom.{package}.sample\n')
    kept, report = contracts_hold(copy)
    assert not kept
    assert f"No cycles are allowed in cloakroom.{package}" in report


CALLERS = {
    # Unseals: the class that does it, and the one door.
    "open_many": {"vault/opening.py", "flows/opening.py"},
    "open_index_cells": {
        "vault/opening.py",
        "vault/row_changes.py",
        "flows/opening.py",
        "flows/records/import_delivery.py",
    },
    "open_envelope": {"vault/opening.py"},
    "open_cells": {"vault/opening.py"},
    # Gives what opens: the writer of entries, and admission, which had its entries appended.
    "DurableEntry": {"flows/ledger/entry_writing.py"},
    "admitted": {"flows/admission/gatekeeper.py"},
    # Speaks to the database.
    "execute": {"adapters/"},
    "executemany": {"adapters/"},
}
"""Where a function or class may be called by that name, by path below the package."""


def calls(tree):
    """Yield the name and line of everything that is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
            if name is not None:
                yield name, node.lineno


def called_elsewhere(root):
    """Return the calls of `CALLERS` that lie elsewhere."""
    return [
        f"{path.relative_to(root)}:{line}: {name}"
        for path in sorted(root.rglob("*.py"))
        for name, line in calls(ast.parse(path.read_text("utf-8")))
        if name in CALLERS and not str(path.relative_to(root)).startswith(tuple(CALLERS[name]))
    ]


def test_what_unseals_gives_what_opens_or_speaks_sql_is_called_in_its_own_place_only():
    assert called_elsewhere(SOURCE) == []


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("web/core/core.py", "values = self._openers._brands[1].open_many(rows, wanted)"),
        ("use_cases/releases/running.py", 'entry = DurableEntry("anna", records, forms)'),
        ("use_cases/records/erasing.py", "entry = application.entries.admitted(lineage, records, forms)"),
        ("use_cases/store/status.py", 'connection.execute("select 1")'),
        ("wiring.py", 'connection.execute("select 1")'),
        ("flows/records/find.py", "envelope.open_envelope(key, data, head)"),
    ],
)
def test_a_call_in_another_place_is_found(tmp_path, place, text):
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")
    assert len(called_elsewhere(tmp_path)) == 1


PURE = (
    "vault",
    "gate",
    "ledger",
    "claims",
    "scoping",
    "duty",
    "disclosures",
    "signing",
    "tlog",
    "crypto",
    "canonical",
)
OUTSIDE = {"open", "print", "input", "exec", "eval", "__import__", "import_module", "urlopen", "breakpoint"}
"""Effects for which nothing is imported, or whose module also has pure parts."""

CLOCKS = {"datetime.now", "datetime.utcnow", "date.today", "time.time", "time.monotonic", "time.sleep"}


def effects(path):
    """Return the calls in a file by which a pure module would reach the outside world or the clock."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in OUTSIDE or name in CLOCKS:
            found.append(f"{path.name}:{node.lineno}: {name}")
    return found


@pytest.mark.parametrize("package", [*PURE, "flows"])
def test_pure_packages_open_print_and_look_at_the_clock_nowhere(package):
    assert [place for path in sorted((SOURCE / package).rglob("*.py")) for place in effects(path)] == []


@pytest.mark.parametrize(
    "text", ["open('x')", "print(1)", "exec('x')", "datetime.now()", "date.today()", "urlopen('x')"]
)
def test_an_effect_in_a_pure_module_is_found(tmp_path, text):
    (tmp_path / "sample.py").write_text(f"x = {text}\n")
    assert len(effects(tmp_path / "sample.py")) == 1


def undocumented(path):
    """Return the public modules, classes and functions of a file that have no docstring."""
    tree = ast.parse(path.read_text("utf-8"))
    found = [] if ast.get_docstring(tree) else [f"{path}: module"]

    def look(node):
        for item in node.body:
            public = not getattr(item, "name", "_").startswith("_")
            if isinstance(item, ast.ClassDef | ast.FunctionDef) and public:
                if not ast.get_docstring(item):
                    found.append(f"{path}:{item.lineno}: {item.name}")
                if isinstance(item, ast.ClassDef):
                    look(item)

    look(tree)
    return found


@pytest.mark.parametrize("package", CORE)
def test_every_public_function_of_the_core_has_a_docstring(package):
    files = sorted((SOURCE / package).rglob("*.py"))
    assert files
    assert [place for path in files for place in undocumented(path)] == []


def test_a_function_without_a_docstring_is_found(tmp_path):
    path = tmp_path / "sample.py"
    path.write_text('"""Module."""\n\nclass Thing:\n    """Thing."""\n\n    def promise(self):\n        return 1\n')
    assert undocumented(path) == [f"{path}:6: promise"]


QUESTIONS = ("What", "Whether", "How", "Who", "Where", "Why", "When", "Is", "Are", "Does")
"""Words with which a docstring asks instead of saying what a thing is or does."""


def asking(path):
    """Return the modules, classes and functions of a file whose docstring begins like a question."""
    tree = ast.parse(path.read_text("utf-8"))
    nodes = [item for item in ast.walk(tree) if isinstance(item, ast.Module | ast.ClassDef | ast.FunctionDef)]
    return [
        f"{path}:{getattr(node, 'lineno', 1)}: {text.splitlines()[0]}"
        for node in nodes
        if (text := ast.get_docstring(node)) and text.split(maxsplit=1)[0] in QUESTIONS
    ]


@pytest.mark.parametrize("package", sorted(path.name for path in SOURCE.iterdir() if path.name != "__pycache__"))
def test_docstrings_say_what_a_thing_is_or_does(package):
    place = SOURCE / package
    assert [line for path in sorted(place.rglob("*.py")) or [place] for line in asking(path)] == []


def test_a_docstring_that_asks_is_found(tmp_path):
    path = tmp_path / "sample.py"
    path.write_text('"""Sample."""\n\ndef size(self):\n    """How large it is."""\n')
    assert asking(path) == [f"{path}:3: How large it is."]


def test_errors_end_in_error():
    """An exception that the program raises is recognised by its name."""
    named = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            bases = [getattr(base, "id", getattr(base, "attr", "")) for base in getattr(node, "bases", ())]
            if isinstance(node, ast.ClassDef) and any(base.endswith(("Error", "Exception")) for base in bases):
                named.append(node.name)
    assert [name for name in named if not name.endswith("Error")] == []
    assert len(named) > 10


FEW = 2
"""Parts of the opened store; a use case that needs no more is given these and not the whole."""


def taking_too_much(path):
    """Return the functions of a file that take a whole `Application` and use but few parts of it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        arguments = [*node.args.args, *node.args.kwonlyargs] if isinstance(node, ast.FunctionDef) else []
        for whole in [
            item.arg for item in arguments if item.annotation and ast.unparse(item.annotation) == "Application"
        ]:
            parts = [
                item.attr
                for item in ast.walk(node)
                if isinstance(item, ast.Attribute) and isinstance(item.value, ast.Name) and item.value.id == whole
            ]
            named = sum(isinstance(item, ast.Name) and item.id == whole for item in ast.walk(node))
            is_handed_on = named > len(parts)
            if not is_handed_on and len(set(parts)) <= FEW:
                found.append(f"{path}:{node.lineno}: {node.name}")
    return found


def test_use_cases_that_need_few_parts_of_the_store_take_these():
    assert [place for path in sorted((SOURCE / "use_cases").rglob("*.py")) for place in taking_too_much(path)] == []


def test_a_use_case_that_takes_the_whole_store_for_two_parts_is_found(tmp_path):
    path = tmp_path / "sample.py"
    body = "def {name}(application: Application):\n    return application.clock, application.records{more}\n\n"
    path.write_text(
        body.format(name="few", more="")
        + body.format(name="many", more=", application.entries")
        + "def on(application: Application):\n    return few(application)\n"
    )
    assert taking_too_much(path) == [f"{path}:1: few"]
