"""Imports point down, only `crypto` touches the crypto library, and every public function says what it promises."""

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
    "a flow that sees an adapter": ("flows/sample.py", "import cloakroom.adapters.postgres.connection"),
    "mathematics that sees a domain": ("tlog/sample.py", "import cloakroom.ledger.entry"),
    "the crypto library outside crypto": (
        "vault/sample.py",
        "from cryptography.hazmat.primitives.ciphers.aead import AESGCM",
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_that_breaks_a_contract_is_found(copy, name):
    place, text = SAMPLES[name]
    (copy / "cloakroom" / place).write_text(f'"""A sample."""\n{text}\n')
    kept, report = contracts_hold(copy)
    assert not kept
    assert "BROKEN" in report
    assert "sample" in report


@pytest.mark.parametrize("package", ["gate", "vault", "ledger", "toml"])
def test_a_circle_of_modules_is_found_even_one_for_types_alone(copy, package):
    folder = copy / "cloakroom" / package
    for_types = f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cloakroom.{package}.other\n"
    (folder / "sample.py").write_text(f'"""A sample."""\n{for_types}')
    (folder / "other.py").write_text(f'"""A sample."""\nimport cloakroom.{package}.sample\n')
    kept, report = contracts_hold(copy)
    assert not kept
    assert f"No cycles are allowed in cloakroom.{package}" in report


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


def test_sql_lies_in_files_or_beside_its_adapter_and_nowhere_else():
    """No flow and no domain package speaks SQL."""
    words = ("select ", "insert into ", "update ", "delete from ")
    for package in CORE:
        for path in (SOURCE / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "execute":
                    texts = [item.value for item in ast.walk(node) if isinstance(item, ast.Constant)]
                    assert not any(str(text).lower().startswith(words) for text in texts), path
