from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cloakroom.crypto import SigningKey
from cloakroom.errors import LimitError, TamperedError, UncheckableError, UnverifiedError, UsageError
from cloakroom.tlog import (
    EMPTY_ROOT,
    AddCheckpoint,
    Checkpoint,
    CosignatureVerifier,
    Cosigned,
    Ed25519Signer,
    Ed25519Verifier,
    Node,
    SizeConflict,
    add_cosignatures,
    cosign,
    leaf_hash,
    open_checkpoint,
    parse_answer,
    parse_note,
    prove_consistency,
    root_of,
    sign_checkpoint,
    verify_consistency,
)
from cloakroom.tlog.note import parse_signature_lines

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "c2sp" / "notes.json").read_text())
LOG = Ed25519Signer("ledger.example/log", SigningKey(b"l" * 32))
KEY = SigningKey(b"w" * 32)
WITNESS = CosignatureVerifier("witness.example/w", KEY.verifying_key)


@dataclass
class Witness:
    """A witness after C2SP tlog-witness, as a log meets it over HTTP."""

    log: Ed25519Verifier
    size: int = 0
    root: bytes = EMPTY_ROOT
    cosigned: list[int] = field(default_factory=list)

    def post(self, body: bytes) -> tuple[int, str, bytes]:
        request = AddCheckpoint.parse(body)
        try:
            head = open_checkpoint(request.checkpoint, self.log).checkpoint
        except UnverifiedError:
            return 403, "", b""
        if request.old_size > head.size:
            return 400, "", b""
        if request.old_size != self.size:
            return 409, "text/x.tlog.size", b"%d\n" % self.size
        if head.size == self.size and head.root != self.root:
            return 409, "", b""
        try:
            verify_consistency(self.size, self.root, head.size, head.root, request.proof)
        except TamperedError:
            return 422, "", b""
        self.size, self.root = head.size, head.root
        self.cosigned.append(head.size)
        return 200, "", cosign(WITNESS.name, KEY, head.render(), 1_800_000_000).render().encode()


@dataclass
class Leaves:
    hashes: list[bytes]

    def read_hashes(self, nodes: list[Node]) -> list[bytes]:
        return [root_of(self.hashes[node.index << node.level : (node.index + 1) << node.level]) for node in nodes]


def ask(witness: Witness, old_size: int, leaves: list[bytes]) -> tuple[bytes, Cosigned | SizeConflict]:
    checkpoint = sign_checkpoint(Checkpoint(LOG.name, len(leaves), root_of(leaves)), LOG)
    proof = prove_consistency(old_size, len(leaves), Leaves(leaves))
    status, content_type, body = witness.post(AddCheckpoint(old_size, proof, checkpoint).render())
    return checkpoint, parse_answer(status, content_type, body, checkpoint=checkpoint, witnesses=[WITNESS])


def test_the_example_of_the_specification_is_read_and_rendered_again() -> None:
    vector = VECTORS["add_checkpoint"]
    request = AddCheckpoint.parse(vector["body"].encode())
    assert request.old_size == vector["old_size"]
    assert len(request.proof) == vector["hashes"]
    assert Checkpoint.parse(parse_note(request.checkpoint).text).size == 20_852_163
    assert request.render() == vector["body"].encode()


def test_the_specifications_example_of_an_answer_is_read() -> None:
    lines = parse_signature_lines(VECTORS["cosignature_lines"])
    assert [line.name for line in lines] == ["witness.example/w1", "witness.example/w1", "witness.example/w2"]
    assert "".join(line.render() for line in lines) == VECTORS["cosignature_lines"]


def test_a_witness_cosigns_a_log_that_only_grows() -> None:
    witness = Witness(LOG.verifier)
    leaves = [leaf_hash(b"%d" % number) for number in range(20)]
    known = 0
    for size in (1, 5, 5, 6, 20):
        checkpoint, answer = ask(witness, known, leaves[:size])
        assert isinstance(answer, Cosigned)
        known = size
        signed = open_checkpoint(
            add_cosignatures(checkpoint, answer.lines), LOG.verifier, witnesses=[WITNESS], quorum=1
        )
        assert signed.cosignatures[0].time_s == 1_800_000_000
    assert witness.cosigned == [1, 5, 5, 6, 20]


def test_a_log_that_forgot_where_the_witness_stands_is_told() -> None:
    witness = Witness(LOG.verifier)
    leaves = [leaf_hash(b"%d" % number) for number in range(20)]
    ask(witness, 0, leaves[:7])
    _, answer = ask(witness, 0, leaves[:9])
    assert answer == SizeConflict(7)
    _, answer = ask(witness, 7, leaves[:9])
    assert isinstance(answer, Cosigned)


def test_a_witness_never_cosigns_a_second_history() -> None:
    witness = Witness(LOG.verifier)
    leaves = [leaf_hash(b"%d" % number) for number in range(20)]
    ask(witness, 0, leaves[:7])
    rewritten = [*leaves[:3], leaf_hash(b"something else"), *leaves[4:]]
    with pytest.raises(TamperedError, match="another root"):
        ask(witness, 7, rewritten[:7])
    with pytest.raises(TamperedError, match="consistency proof"):
        ask(witness, 7, rewritten[:9])
    assert witness.cosigned == [7]


def test_a_witness_refuses_a_log_it_does_not_trust() -> None:
    stranger = Ed25519Verifier(LOG.name, SigningKey(b"x" * 32).verifying_key)
    with pytest.raises(UncheckableError, match="does not trust"):
        ask(Witness(stranger), 0, [leaf_hash(b"0")])


@pytest.mark.parametrize(
    ("status", "content_type", "body", "error"),
    [
        (200, "", b"", UncheckableError),
        (200, "", b"nonsense\n", UncheckableError),
        (200, "", b"\xff\n", UncheckableError),
        (200, "", VECTORS["cosignature_lines"].encode(), UncheckableError),
        (200, "", b"x" * 300_000, LimitError),
        (400, "", b"", UncheckableError),
        (403, "", b"", UncheckableError),
        (404, "", b"", UncheckableError),
        (409, "", b"7\n", TamperedError),
        (409, "text/plain", b"7\n", TamperedError),
        (409, "text/x.tlog.size", b"77", UncheckableError),
        (409, "text/x.tlog.size", b"07\n", UncheckableError),
        (409, "text/x.tlog.size", b"seven\n", UncheckableError),
        (409, "text/x.tlog.size", b"\xff\n", UncheckableError),
        (422, "", b"", TamperedError),
        (500, "", b"", UncheckableError),
        (302, "", b"", UncheckableError),
    ],
)
def test_every_other_answer_is_an_error_with_the_right_name(
    status: int, content_type: str, body: bytes, error: type[Exception]
) -> None:
    checkpoint = sign_checkpoint(Checkpoint(LOG.name, 1, b"r" * 32), LOG)
    with pytest.raises(error):
        parse_answer(status, content_type, body, checkpoint=checkpoint, witnesses=[WITNESS])


def test_the_size_type_may_have_parameters() -> None:
    answer = parse_answer(409, "text/x.tlog.size; charset=utf-8", b"7\n", checkpoint=b"", witnesses=[])
    assert answer == SizeConflict(7)


def test_a_wrong_cosignature_by_the_witness_is_refused_and_foreign_lines_are_left_out() -> None:
    head = Checkpoint(LOG.name, 1, b"r" * 32)
    checkpoint = sign_checkpoint(head, LOG)
    wrong = cosign(WITNESS.name, KEY, "another text\n", 5)
    right = cosign(WITNESS.name, KEY, head.render(), 5)
    foreign = cosign("stranger.example/w", SigningKey(b"x" * 32), head.render(), 5)
    with pytest.raises(TamperedError):
        parse_answer(200, "", wrong.render().encode(), checkpoint=checkpoint, witnesses=[WITNESS])
    body = (foreign.render() + right.render()).encode()
    assert parse_answer(200, "", body, checkpoint=checkpoint, witnesses=[WITNESS]) == Cosigned((right,))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 7\n",
        b"old 07\n\n" + VECTORS["checkpoint"].encode(),
        b"new 7\n\n" + VECTORS["checkpoint"].encode(),
        b"old  7\n\n" + VECTORS["checkpoint"].encode(),
        b"old 7\nQQ==\n\n" + VECTORS["checkpoint"].encode(),
        b"old 7\nnot base64\n\n" + VECTORS["checkpoint"].encode(),
        b"old 7\xff\n\n" + VECTORS["checkpoint"].encode(),
        b"old 7\n\nno checkpoint\n",
    ],
)
def test_a_malformed_request_is_refused(body: bytes) -> None:
    with pytest.raises(UncheckableError):
        AddCheckpoint.parse(body)


def test_a_request_has_at_most_63_hashes() -> None:
    checkpoint = VECTORS["checkpoint"].encode()
    most = AddCheckpoint(7, (b"h" * 32,) * 63, checkpoint)
    assert AddCheckpoint.parse(most.render()) == most
    with pytest.raises(UsageError):
        AddCheckpoint(7, (b"h" * 32,) * 64, checkpoint).render()
    one_more = most.render().replace(b"\n\n", b"\n" + most.render().split(b"\n")[1] + b"\n\n", 1)
    with pytest.raises(LimitError):
        AddCheckpoint.parse(one_more)
    with pytest.raises(LimitError):
        AddCheckpoint.parse(b"old 7\n" + b"x" * 10_000 + b"\n\n" + checkpoint)


def test_a_cosignature_is_added_once() -> None:
    head = Checkpoint(LOG.name, 1, b"r" * 32)
    checkpoint = sign_checkpoint(head, LOG)
    line = cosign(WITNESS.name, KEY, head.render(), 5)
    once = add_cosignatures(checkpoint, [line, line])
    assert add_cosignatures(once, [line]) == once
    flood = [cosign(f"w{number}.example", KEY, head.render(), 5) for number in range(70)]
    with pytest.raises(LimitError):
        add_cosignatures(once, flood)
