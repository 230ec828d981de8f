"""What docs/spec/ledger.md says is what the code does: each named block is executed."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloakroom.adapters.tile_files import TileDirectory
from cloakroom.crypto import SigningKey
from cloakroom.tlog import (
    AddCheckpoint,
    Checkpoint,
    CosignatureVerifier,
    Ed25519Signer,
    Ed25519Verifier,
    Node,
    ProofFile,
    TreeState,
    add_cosignatures,
    cosign,
    decode_bundle,
    edge_tiles,
    integrate,
    leaf_hash,
    node_hash,
    open_checkpoint,
    prove_consistency,
    prove_inclusion,
    root_of,
    sign_checkpoint,
)

PAGE = (Path(__file__).parents[2] / "docs" / "spec" / "ledger.md").read_text()
BLOCKS = {
    name: text
    for _, name, text in re.findall(r"^```(\w+) ([\w-]+)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
}
ENTRIES = [line.encode() for line in BLOCKS["entries"].splitlines()]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
LOG = Ed25519Signer("ledger.example/maison", SigningKey(bytes(range(32))))
WITNESS_KEY = SigningKey(bytes(range(32, 64)))
STEP = integrate(TreeState(), ENTRIES)
HEAD = Checkpoint(LOG.name, 3, STEP.root)


@dataclass
class Leaves:
    hashes: list[bytes]

    def read_hashes(self, nodes: list[Node]) -> list[bytes]:
        return [root_of(self.hashes[node.index << node.level : (node.index + 1) << node.level]) for node in nodes]


def block(name: str) -> str:
    return BLOCKS[name]


def test_the_hashes_are_those_printed() -> None:
    printed = block("hashes").split()
    assert printed == [*(leaf.hex() for leaf in LEAVES), node_hash(*LEAVES[:2]).hex(), STEP.root.hex()]


def test_the_shell_command_gives_the_first_leaf_hash() -> None:
    command = block("leaf")
    output = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True, text=True).stdout
    assert output.split()[0] == LEAVES[0].hex()


def test_the_bundle_is_the_one_printed() -> None:
    printed = bytes.fromhex(block("bundle").replace("\n", ""))
    assert printed == STEP.files["tile/entries/000.p/3"]
    assert decode_bundle(printed) == ENTRIES


def test_the_tree_of_70000_entries_has_the_printed_edge_and_root() -> None:
    assert [tile.path for tile in edge_tiles(70_000)] == block("edge-of-70000").split()
    assert (
        integrate(TreeState(), [b"%d" % number for number in range(70_000)]).root.hex()
        == block("root-of-70000").strip()
    )


def test_the_checkpoint_is_signed_by_the_key_printed() -> None:
    printed = block("checkpoint").encode()
    assert printed == sign_checkpoint(HEAD, LOG)
    assert block("verifier-key").strip() == LOG.verifier.render()
    assert open_checkpoint(printed, Ed25519Verifier.parse(LOG.verifier.render())).checkpoint == HEAD


def test_the_witness_made_the_printed_line() -> None:
    witness = CosignatureVerifier.parse(block("witness-key").strip())
    line = cosign(witness.name, WITNESS_KEY, HEAD.render(), 1_795_435_260)
    printed = block("cosigned").encode()
    assert printed == add_cosignatures(sign_checkpoint(HEAD, LOG), [line])
    open_checkpoint(printed, LOG.verifier, witnesses=[witness], quorum=1)


def test_the_request_is_the_one_printed() -> None:
    proof = prove_consistency(1, 3, Leaves(LEAVES))
    assert AddCheckpoint(1, proof, sign_checkpoint(HEAD, LOG)).render() == block("request").encode()


def test_the_proof_file_is_the_one_printed() -> None:
    printed = block("proof").encode()
    proof = prove_inclusion(1, 3, Leaves(LEAVES))
    assert ProofFile(1, proof, sign_checkpoint(HEAD, LOG), ENTRIES[1]).render() == printed
    assert ProofFile.parse(printed).verify(LOG.verifier)[0] == ENTRIES[1]


def test_the_python_example_verifies_the_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    TileDirectory(tmp_path).publish(STEP.files, sign_checkpoint(HEAD, LOG))
    code = compile(block("verify"), "docs/spec/ledger.md", "exec")
    exec(code, {"verifier_key": LOG.verifier.render(), "folder": str(tmp_path)})
    assert capsys.readouterr().out == "3\n"


def test_every_named_block_is_used_above() -> None:
    used = re.findall(r"block\(\s*\"([\w-]+)\"", Path(__file__).read_text())
    assert set(BLOCKS) == {"entries", *used}
