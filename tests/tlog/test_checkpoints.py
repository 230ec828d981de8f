from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloakroom.crypto import SigningKey
from cloakroom.errors import TamperedError, UncheckableError, UnverifiedError, UsageError
from cloakroom.tlog import (
    Checkpoint,
    CosignatureVerifier,
    Ed25519Signer,
    Ed25519Verifier,
    Note,
    add_cosignatures,
    cosign,
    open_checkpoint,
    parse_note,
    sign_checkpoint,
)
from cloakroom.tlog.cosignature import parse_cosignature

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "c2sp" / "notes.json").read_text())
LOG = Ed25519Signer("ledger.example/log", SigningKey(b"l" * 32))
HEAD = Checkpoint(LOG.name, 7, b"r" * 32)
WITNESS_KEYS = [SigningKey(bytes([number]) * 32) for number in range(1, 4)]
WITNESSES = [
    CosignatureVerifier(f"witness{number}.example/w", key.verifying_key) for number, key in enumerate(WITNESS_KEYS)
]


def cosigned(*numbers: int, time_s: int = 1_800_000_000) -> bytes:
    note = sign_checkpoint(HEAD, LOG)
    lines = [cosign(WITNESSES[number].name, WITNESS_KEYS[number], HEAD.render(), time_s) for number in numbers]
    return add_cosignatures(note, lines)


def test_the_example_of_the_specification_is_read() -> None:
    note = parse_note(VECTORS["checkpoint"].encode())
    head = Checkpoint.parse(note.text)
    assert head == Checkpoint("example.com/behind-the-sofa", 20_852_163, bytes.fromhex(VECTORS["checkpoint_root"]))
    assert head.render() == note.text
    witness = CosignatureVerifier("witness.example.com/w1", LOG.key.verifying_key)
    assert parse_cosignature(witness, note.signatures[1]).time_s == VECTORS["checkpoint_cosigned_at"]


def test_a_public_logs_checkpoint_opens_with_its_key_and_a_public_witnesss_key() -> None:
    vector = VECTORS["cosigned"]
    log, witness = Ed25519Verifier.parse(vector["log"]), CosignatureVerifier.parse(vector["witness"])
    signed = open_checkpoint(vector["note"].encode(), log, witnesses=[witness], quorum=1)
    assert signed.checkpoint.size == 1_432_088_532
    assert [(found.witness, found.time_s) for found in signed.cosignatures] == [(witness, vector["cosigned_at"])]
    assert len(signed.unknown) == 4
    with pytest.raises(UnverifiedError):
        open_checkpoint(vector["note"].replace("1432088532", "1432088533").encode(), log, witnesses=[witness])


def test_a_signed_checkpoint_opens() -> None:
    signed = open_checkpoint(sign_checkpoint(HEAD, LOG), LOG.verifier)
    assert signed.checkpoint == HEAD
    assert signed.cosignatures == ()
    assert signed.unknown == ()


def test_extension_lines_are_carried_along_and_covered() -> None:
    head = Checkpoint(LOG.name, 7, b"r" * 32, ("extended", "twice"))
    data = sign_checkpoint(head, LOG)
    assert open_checkpoint(data, LOG.verifier).checkpoint == head
    with pytest.raises(TamperedError):
        open_checkpoint(data.replace(b"twice", b"thrice"), LOG.verifier)


@pytest.mark.parametrize(
    "text",
    [
        "origin\n7\n",
        "origin\n7\nQQ==\n",
        "origin\n07\ncnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=\n",
        "origin\n-7\ncnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=\n",
        "origin\n7 \ncnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=\n",
        "origin\n7\ncnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI\n",
        "origin\n7\ncnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnJ=\n",
        "origin\n7\ncnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=",
        "origin\n7\ncnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=\n\nextension\n",
        "\n7\ncnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=\n",
        "origin\n99999999999999999999\ncnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(UncheckableError):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "head",
    [
        Checkpoint("", 7, b"r" * 32),
        Checkpoint("two\nlines", 7, b"r" * 32),
        Checkpoint("origin", -1, b"r" * 32),
        Checkpoint("origin", 7, b"r" * 31),
        Checkpoint("origin", 7, b"r" * 32, ("",)),
    ],
)
def test_a_checkpoint_that_cannot_be_read_again_is_not_rendered(head: Checkpoint) -> None:
    with pytest.raises(UsageError):
        head.render()


def test_a_log_signs_under_its_own_name_only() -> None:
    with pytest.raises(UsageError):
        sign_checkpoint(Checkpoint("elsewhere.example", 7, b"r" * 32), LOG)


def test_a_key_does_not_vouch_for_another_logs_checkpoint() -> None:
    text = Checkpoint("elsewhere.example", 7, b"r" * 32).render()
    with pytest.raises(TamperedError):
        open_checkpoint(Note(text, (LOG.sign(text),)).render(), LOG.verifier)


def test_a_witness_alone_does_not_make_a_checkpoint() -> None:
    line = cosign(WITNESSES[0].name, WITNESS_KEYS[0], HEAD.render(), 5)
    with pytest.raises(UncheckableError):
        open_checkpoint(Note(HEAD.render(), (line,)).render(), LOG.verifier, witnesses=WITNESSES)


def test_a_quorum_counts_known_witnesses_once_each() -> None:
    twice = add_cosignatures(cosigned(0), [cosign(WITNESSES[0].name, WITNESS_KEYS[0], HEAD.render(), 1_800_000_060)])
    signed = open_checkpoint(twice, LOG.verifier, witnesses=WITNESSES, quorum=1)
    assert [found.time_s for found in signed.cosignatures] == [1_800_000_060]
    earlier = cosign(WITNESSES[0].name, WITNESS_KEYS[0], HEAD.render(), 1_700_000_000)
    (found,) = open_checkpoint(add_cosignatures(twice, [earlier]), LOG.verifier, witnesses=WITNESSES).cosignatures
    assert found.time_s == 1_800_000_060
    with pytest.raises(UncheckableError):
        open_checkpoint(twice, LOG.verifier, witnesses=WITNESSES, quorum=2)
    open_checkpoint(cosigned(0, 2), LOG.verifier, witnesses=WITNESSES, quorum=2)
    with pytest.raises(UncheckableError):
        open_checkpoint(cosigned(0, 2), LOG.verifier, witnesses=WITNESSES[:2], quorum=2)


def test_the_log_is_not_its_own_witness_and_one_key_is_one_witness() -> None:
    own = CosignatureVerifier("friend.example/w", LOG.key.verifying_key)
    data = add_cosignatures(cosigned(0), [cosign(own.name, LOG.key, HEAD.render(), 5)])
    with pytest.raises(UncheckableError):
        open_checkpoint(data, LOG.verifier, witnesses=[*WITNESSES, own], quorum=2)
    alias = CosignatureVerifier("alias.example/w", WITNESS_KEYS[0].verifying_key)
    data = add_cosignatures(cosigned(0), [cosign(alias.name, WITNESS_KEYS[0], HEAD.render(), 5)])
    with pytest.raises(UncheckableError):
        open_checkpoint(data, LOG.verifier, witnesses=[*WITNESSES, alias], quorum=2)


def test_a_known_witnesss_wrong_cosignature_refuses_the_checkpoint() -> None:
    wrong = cosign(WITNESSES[1].name, WITNESS_KEYS[1], Checkpoint(LOG.name, 8, b"r" * 32).render(), 5)
    with pytest.raises(TamperedError):
        open_checkpoint(add_cosignatures(cosigned(0), [wrong]), LOG.verifier, witnesses=WITNESSES)
    signed = open_checkpoint(add_cosignatures(cosigned(0), [wrong]), LOG.verifier, witnesses=WITNESSES[:1], quorum=1)
    assert signed.unknown == (WITNESSES[1].name,)


def test_any_changed_byte_of_a_cosigned_checkpoint_is_noticed_by_who_knows_the_witness() -> None:
    data = cosigned(0)
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << (at % 8)
        with pytest.raises(UnverifiedError):
            open_checkpoint(bytes(changed), LOG.verifier, witnesses=WITNESSES, quorum=1)


def test_the_time_of_a_cosignature_is_signed_and_bounded() -> None:
    line = cosign(WITNESSES[0].name, WITNESS_KEYS[0], HEAD.render(), 5)
    for time_s in (6, 2**63, 2**64 - 1):
        with pytest.raises(TamperedError):
            WITNESSES[0].verify(HEAD.render(), time_s.to_bytes(8) + line.signature[8:])
    with pytest.raises(TamperedError):
        WITNESSES[0].verify(HEAD.render(), line.signature[8:])
    for time_s in (0, 2**63 - 1):
        edge = cosign(WITNESSES[0].name, WITNESS_KEYS[0], HEAD.render(), time_s)
        WITNESSES[0].verify(HEAD.render(), edge.signature)
        assert parse_cosignature(WITNESSES[0], edge).time_s == time_s
    for time_s in (-1, 2**63):
        with pytest.raises(UsageError):
            cosign(WITNESSES[0].name, WITNESS_KEYS[0], HEAD.render(), time_s)


def test_a_cosignature_is_no_log_signature_and_the_reverse() -> None:
    key = WITNESS_KEYS[0]
    text = HEAD.render()
    as_log = Ed25519Signer(WITNESSES[0].name, key).sign(text)
    with pytest.raises(TamperedError):
        WITNESSES[0].verify(text, as_log.signature)
    with pytest.raises(TamperedError):
        Ed25519Verifier(WITNESSES[0].name, key.verifying_key).verify(text, cosign("w", key, text, 5).signature)
