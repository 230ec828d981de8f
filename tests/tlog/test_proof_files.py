from __future__ import annotations

from dataclasses import dataclass

import pytest

from cloakroom.crypto import SigningKey
from cloakroom.errors import CloakroomError, LimitError, TamperedError, UncheckableError, UsageError
from cloakroom.tlog import (
    Checkpoint,
    CosignatureVerifier,
    Ed25519Signer,
    Ed25519Verifier,
    Limits,
    Node,
    ProofFile,
    add_cosignatures,
    cosign,
    leaf_hash,
    prove_inclusion,
    root_of,
    sign_checkpoint,
)

LOG = Ed25519Signer("ledger.example/log", SigningKey(b"l" * 32))
ENTRIES = [b'{"operation":"reveal","sequence":%d}' % number for number in range(11)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
CHECKPOINT = sign_checkpoint(Checkpoint(LOG.name, 11, root_of(LEAVES)), LOG)


@dataclass
class Leaves:
    hashes: list[bytes]

    def read_hashes(self, nodes: list[Node]) -> list[bytes]:
        return [root_of(self.hashes[node.index << node.level : (node.index + 1) << node.level]) for node in nodes]


def proof_of(index: int, *, has_entry: bool = True) -> ProofFile:
    proof = prove_inclusion(index, 11, Leaves(LEAVES))
    return ProofFile(index, proof, CHECKPOINT, ENTRIES[index] if has_entry else None)


def test_a_proof_file_stands_by_itself() -> None:
    for index, entry in enumerate(ENTRIES):
        parsed = ProofFile.parse(proof_of(index).render())
        assert parsed == proof_of(index)
        found, signed = parsed.verify(LOG.verifier)
        assert found == entry
        assert signed.checkpoint.size == 11


def test_its_first_lines_are_those_of_the_specification() -> None:
    lines = proof_of(5).render().decode().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ")
    assert lines[2] == "index 5"
    assert lines[2 + 1 + len(proof_of(5).proof)] == ""
    assert lines[2 + 1 + len(proof_of(5).proof) + 1] == LOG.name


def test_without_extra_data_the_entry_comes_from_elsewhere() -> None:
    parsed = ProofFile.parse(proof_of(3, has_entry=False).render())
    assert b"extra" not in parsed.render()
    assert parsed.verify(LOG.verifier, entry=ENTRIES[3])[0] == ENTRIES[3]
    with pytest.raises(UncheckableError):
        parsed.verify(LOG.verifier)
    with pytest.raises(TamperedError):
        parsed.verify(LOG.verifier, entry=ENTRIES[4])


def test_the_only_entry_of_a_log_needs_no_hashes() -> None:
    checkpoint = sign_checkpoint(Checkpoint(LOG.name, 1, LEAVES[0]), LOG)
    file = ProofFile(0, (), checkpoint, ENTRIES[0])
    assert ProofFile.parse(file.render()) == file
    file.verify(LOG.verifier)


def test_an_empty_entry_is_still_an_entry() -> None:
    checkpoint = sign_checkpoint(Checkpoint(LOG.name, 1, leaf_hash(b"")), LOG)
    parsed = ProofFile.parse(ProofFile(0, (), checkpoint, b"").render())
    assert parsed.verify(LOG.verifier)[0] == b""


def test_any_changed_byte_of_a_proof_file_is_noticed() -> None:
    data = proof_of(5).render()
    for at in range(len(data)):
        for bit in (at % 8, (at + 3) % 8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            with pytest.raises(CloakroomError):
                ProofFile.parse(bytes(changed)).verify(LOG.verifier)


def test_a_proof_of_one_entry_does_not_prove_another() -> None:
    for index in range(11):
        for other in range(11):
            if index != other:
                file = ProofFile(other, proof_of(index).proof, CHECKPOINT, ENTRIES[index])
                with pytest.raises(TamperedError):
                    file.verify(LOG.verifier)


def test_a_proof_under_another_logs_key_is_refused() -> None:
    with pytest.raises(UncheckableError):
        proof_of(5).verify(Ed25519Verifier(LOG.name, SigningKey(b"x" * 32).verifying_key))


def test_witnesses_can_be_asked_for() -> None:
    key = SigningKey(b"w" * 32)
    witness = CosignatureVerifier("witness.example/w", key.verifying_key)
    with pytest.raises(UncheckableError):
        proof_of(5).verify(LOG.verifier, witnesses=[witness], quorum=1)
    line = cosign(witness.name, key, Checkpoint(LOG.name, 11, root_of(LEAVES)).render(), 5)
    file = ProofFile(5, proof_of(5).proof, add_cosignatures(CHECKPOINT, [line]), ENTRIES[5])
    assert file.verify(LOG.verifier, witnesses=[witness], quorum=1)[1].cosignatures[0].witness == witness


@pytest.mark.parametrize(
    "head",
    [
        "",
        "c2sp.org/tlog-proof@v2\nindex 0",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-proof@v1\nextra QQ==",
        "c2sp.org/tlog-proof@v1\nextra QR==\nindex 0",
        "c2sp.org/tlog-proof@v1\nextra !!\nindex 0",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra QQ==",
        "c2sp.org/tlog-proof@v1\nindex -5",
        "c2sp.org/tlog-proof@v1\nindex 05",
        "c2sp.org/tlog-proof@v1\nindex five",
        "c2sp.org/tlog-proof@v1\nindex 0\nnot base64",
        "c2sp.org/tlog-proof@v1\nindex 0\nQQ==",
        "c2sp.org/tlog-proof@v1\nindex 0é",
    ],
)
def test_a_malformed_proof_file_is_refused(head: str) -> None:
    with pytest.raises(UncheckableError):
        ProofFile.parse(head.encode() + b"\n\n" + CHECKPOINT)


def test_a_proof_file_without_a_checkpoint_is_refused() -> None:
    for tail in (b"", b"\n", b"\n\n", b"\n\nnothing signed\n"):
        with pytest.raises(UncheckableError):
            ProofFile.parse(b"c2sp.org/tlog-proof@v1\nindex 0" + tail)


def test_a_proof_file_is_bounded() -> None:
    hashes = (b"h" * 32,) * 64
    with pytest.raises(UsageError):
        ProofFile(0, hashes, CHECKPOINT).render()
    wide = Limits(proof_hashes=64)
    with pytest.raises(LimitError):
        ProofFile.parse(ProofFile(0, hashes, CHECKPOINT).render(wide))
    with pytest.raises(LimitError):
        ProofFile.parse(ProofFile(0, (), CHECKPOINT, b"x" * 3_000_000).render())
    with pytest.raises(LimitError):
        ProofFile.parse(proof_of(5).render(), Limits(extra_bytes=10))
    with pytest.raises(LimitError):
        ProofFile.parse(b"x" * 3_000_000 + b"\n\n" + CHECKPOINT)
    with pytest.raises(UsageError):
        ProofFile(-1, (), CHECKPOINT).render()
