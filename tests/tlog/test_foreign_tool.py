"""An export is verified by code that is not ours: golang.org/x/mod, sumdb/note and sumdb/tlog.

Runs where Go is installed and has that module at hand, without the network; skipped elsewhere. To fetch the module
once: `cd tests/tlog/foreign && go mod download`.
"""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest

from cloakroom.adapters.tile_files import TileDirectory
from cloakroom.crypto import SigningKey
from cloakroom.tlog import (
    Checkpoint,
    Ed25519Signer,
    TileHashReader,
    TreeState,
    integrate,
    prove_inclusion,
    sign_checkpoint,
)
from foreign_tools import absent, tool

LOG = Ed25519Signer("ledger.example/log", SigningKey(b"f" * 32))
SIZES = (7, 1000, 66_000, 66_003)


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the foreign verifier."""
    go = tool("go")
    program = tmp_path_factory.mktemp("foreign") / "verify"
    environment = {**os.environ, "GOPROXY": "off", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
    built = subprocess.run(
        [go, "build", "-o", str(program), "."],
        cwd=Path(__file__).parent / "foreign",
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )
    if "module lookup disabled" in built.stderr or "requires go >=" in built.stderr:
        absent("Go is too old or does not have golang.org/x/mod at hand")
    assert built.returncode == 0, built.stderr
    return program


@pytest.fixture
def export(tmp_path: Path) -> Path:
    directory, state = TileDirectory(tmp_path / "export"), TreeState()
    for size in SIZES:
        step = integrate(state, [b"entry %d" % number for number in range(state.size, size)])
        state = step.state
        directory.publish(step.files, sign_checkpoint(Checkpoint(LOG.name, size, step.root), LOG))
    (tmp_path / "proofs").mkdir()
    for number in range(0, state.size, 997):
        hashes = prove_inclusion(number, state.size, TileHashReader(directory, state.size))
        lines = (base64.b64encode(item).decode() for item in hashes)
        (tmp_path / "proofs" / str(number)).write_text("\n".join(lines))
    return tmp_path


def run(verifier: Path, export: Path, key: str) -> subprocess.CompletedProcess[str]:
    command = [str(verifier), str(export / "export"), key, str(export / "proofs")]
    return subprocess.run(command, capture_output=True, check=False, text=True)


def test_gos_own_log_code_accepts_our_checkpoint_tiles_entries_and_proofs(verifier: Path, export: Path) -> None:
    done = run(verifier, export, LOG.verifier.render())
    assert (done.returncode, done.stdout.split()) == (0, ["66003", "67"])


@pytest.mark.parametrize("path", ["checkpoint", "tile/entries/100", "tile/0/100", "tile/1/001.p/1", "proofs"])
def test_gos_own_log_code_refuses_a_changed_file(verifier: Path, export: Path, path: str) -> None:
    target = export / "proofs" / "997" if path == "proofs" else export / "export" / path
    content = bytearray(target.read_bytes())
    content[9] ^= 1
    target.write_bytes(bytes(content))
    assert run(verifier, export, LOG.verifier.render()).returncode == 1
