from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.crypto import SigningKey, VerifyingKey
from cloakroom.errors import CloakroomError, LimitError, TamperedError, UncheckableError, UnverifiedError, UsageError
from cloakroom.tlog import (
    CosignatureVerifier,
    Ed25519Signer,
    Ed25519Verifier,
    Limits,
    Note,
    NoteSignature,
    open_note,
    parse_note,
)
from cloakroom.tlog.text import parse_base64, parse_decimal, parse_hash

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "c2sp" / "notes.json").read_text())
SIGNER = Ed25519Signer("ledger.example/log", SigningKey(b"s" * 32))
OTHER = Ed25519Signer("other.example/log", SigningKey(b"o" * 32))


def signed(text: str, *signers: Ed25519Signer) -> bytes:
    return Note(text, tuple(signer.sign(text) for signer in signers)).render()


def test_the_example_of_the_specification_opens_with_its_verifier_key() -> None:
    vector = VECTORS["signed_note"]
    verifier = Ed25519Verifier.parse(vector["verifier_key"])
    assert verifier.name == "example.com/foo"
    assert verifier.key.raw.hex() == vector["public_key"]
    assert verifier.render() == vector["verifier_key"]
    note, signers = open_note(vector["note"].encode(), [verifier])
    assert note.text == "This is an example message.\n"
    assert signers == (verifier,)
    assert note.render() == vector["note"].encode()


def test_a_signature_is_byte_for_byte_the_one_that_go_makes() -> None:
    vector = VECTORS["two_signers"]
    enoch = Ed25519Signer("EnochRoot", SigningKey(bytes(32)))
    assert enoch.verifier.render() == vector["verifier_keys"][1]
    assert enoch.sign(vector["text"]).render() == vector["lines"][1]


def test_signatures_by_unknown_keys_are_ignored_and_known_ones_are_all_checked() -> None:
    vector = VECTORS["two_signers"]
    peter, enoch = (Ed25519Verifier.parse(key) for key in vector["verifier_keys"])
    data = (vector["text"] + "\n" + "".join(vector["lines"])).encode()
    assert open_note(data, [peter])[1] == (peter,)
    assert open_note(data, [enoch])[1] == (enoch,)
    assert open_note(data, [enoch, peter])[1] == (peter, enoch)


def test_without_a_known_signature_no_text_comes_out() -> None:
    data = signed("text\n", SIGNER)
    for verifiers in ([], [OTHER.verifier], [Ed25519Verifier(SIGNER.name, OTHER.key.verifying_key)]):
        with pytest.raises(UncheckableError):
            open_note(data, verifiers)


def test_a_key_of_the_same_name_or_the_same_id_only_is_unknown() -> None:
    text = "text\n"
    good = SIGNER.sign(text)
    renamed = NoteSignature("elsewhere.example", good.key_id, good.signature)
    other_id = NoteSignature(good.name, b"\0\0\0\0", good.signature)
    with pytest.raises(UncheckableError):
        open_note(Note(text, (renamed, other_id)).render(), [SIGNER.verifier])
    assert open_note(Note(text, (renamed, other_id, good)).render(), [SIGNER.verifier])[1] == (SIGNER.verifier,)


def test_one_wrong_signature_by_a_known_key_refuses_the_note_however_many_are_right() -> None:
    text = "text\n"
    good, wrong = SIGNER.sign(text), SIGNER.sign("another text\n")
    for lines in ((good, wrong), (wrong, good), (OTHER.sign(text), wrong)):
        with pytest.raises(TamperedError):
            open_note(Note(text, lines).render(), [SIGNER.verifier, OTHER.verifier])


def test_a_signature_of_another_length_is_wrong() -> None:
    good = SIGNER.sign("text\n")
    for signature in (good.signature[:-1], good.signature + b"\0"):
        line = NoteSignature(good.name, good.key_id, signature)
        with pytest.raises(TamperedError):
            open_note(Note("text\n", (line,)).render(), [SIGNER.verifier])


def test_any_changed_byte_of_a_signed_note_is_noticed() -> None:
    data = signed("first line\n\nsecond line é\n", SIGNER)
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            with pytest.raises((UnverifiedError, LimitError)):
                open_note(bytes(changed), [SIGNER.verifier])


def test_a_byte_more_or_less_is_noticed() -> None:
    data = signed("text\n", SIGNER)
    for at in range(len(data)):
        for changed in (data[:at] + data[at + 1 :], data[:at] + b"\n" + data[at:], data[:at]):
            try:
                note, _ = open_note(changed, [SIGNER.verifier])
            except CloakroomError:
                continue
            assert changed == data
            assert note.text == "text\n"


def test_text_and_signatures_are_parted_by_the_last_empty_line() -> None:
    text = "one\n\n\n— not a signature but text\n\nthree\n"
    note, _ = open_note(signed(text, SIGNER), [SIGNER.verifier])
    assert note.text == text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        b"text\n\n\n",
        b"text\n\nno dash\n",
        "text\n\n—\n".encode(),
        "text\n\n— name\n".encode(),
        "text\n\n— name \n".encode(),
        "text\n\n— name AAAA\n".encode(),  # three bytes: not even a key id
        "text\n\n— name AAAAAA==\n".encode(),  # a key id and no signature
        "text\n\n— name AAAAAAB=\n".encode(),  # stray bits before the padding
        "text\n\n— name AAAAAAA\n".encode(),  # padding missing
        "text\n\n— name AAAAAAA=".encode(),  # newline missing
        "text\n\n— name AAAA AAA=\n".encode(),
        "text\n\n— na+me AAAAAAA=\n".encode(),
        "text\n\n— na\u00a0me AAAAAAA=\n".encode(),
        "text\n\n— na\u2028me AAAAAAA=\n".encode(),
        "text\n\n—  AAAAAAA=\n".encode(),
        b"text\n\n- name AAAAAAA=\n",
        "text\n\n–– name AAAAAAA=\n".encode(),
        "text\r\n\n— name AAAAAAA=\n".encode(),
        "te\0xt\n\n— name AAAAAAA=\n".encode(),
        "te\txt\n\n— name AAAAAAA=\n".encode(),
        "text\n\n— name AAAAAAA=\n".encode("utf-16"),
        b"te\xffxt\n\n\xe2\x80\x94 name AAAAAAA=\n",
        b"te\xed\xa0\x80xt\n\n\xe2\x80\x94 name AAAAAAA=\n",  # a lone surrogate
        "\n\n— name AAAAAAA=\n".encode(),
    ],
)
def test_a_malformed_note_is_refused(data: bytes) -> None:
    with pytest.raises(UncheckableError):
        parse_note(data)


@given(st.binary(max_size=200))
def test_no_bytes_whatever_crash_the_parser(data: bytes) -> None:
    with contextlib.suppress(UncheckableError, LimitError):
        assert parse_note(data).render() == data


@given(st.text(max_size=80))
def test_every_text_that_can_be_signed_comes_back(text: str) -> None:
    try:
        data = signed(text, SIGNER)
    except UsageError:
        return
    assert open_note(data, [SIGNER.verifier])[0].text == text


def test_sixteen_signatures_are_accepted_and_a_flood_is_not() -> None:
    text = "text\n"
    others = [Ed25519Signer(f"witness{number}.example", OTHER.key).sign(text) for number in range(80)]
    line = SIGNER.sign(text)
    open_note(Note(text, (*others[:15], line)).render(), [SIGNER.verifier])
    with pytest.raises(LimitError):
        open_note(Note(text, (*others, line)).render(), [SIGNER.verifier])
    with pytest.raises(LimitError):
        open_note(signed("x" * 300_000 + "\n", SIGNER), [SIGNER.verifier])
    with pytest.raises(LimitError):
        open_note(signed(text, SIGNER), [SIGNER.verifier], Limits(note_bytes=10))


@pytest.mark.parametrize("text", ["", "no newline", "\n", "\nstarts empty\n", "tab\t\n", "return\r\n", "\ud800\n"])
def test_what_cannot_be_the_text_of_a_note_is_not_signed(text: str) -> None:
    with pytest.raises(UsageError):
        SIGNER.sign(text)


@pytest.mark.parametrize("name", ["", "a space", "a+plus", "a\nnewline", "a\u3000wide space", "a\x07bell", "\ud800"])
def test_a_key_needs_a_name_that_can_stand_in_a_line(name: str) -> None:
    with pytest.raises(UsageError):
        Ed25519Verifier(name, SIGNER.key.verifying_key)
    with pytest.raises(UsageError):
        CosignatureVerifier(name, SIGNER.key.verifying_key)


def test_a_verifier_key_may_have_plus_signs_in_its_key_material() -> None:
    text = VECTORS["plus_in_key"]
    assert text.count("+") == 3
    assert Ed25519Verifier.parse(text).render() == text


def test_verifier_keys_that_go_refuses_are_refused_here() -> None:
    for text in VECTORS["two_signers"]["refused_verifier_keys"]:
        with pytest.raises(UncheckableError):
            Ed25519Verifier.parse(text)


def test_no_part_and_no_mangling_of_a_verifier_key_is_one() -> None:
    text = VECTORS["two_signers"]["verifier_keys"][0]
    for first in range(len(text)):
        for end in range(first, len(text) + 1):
            if (first, end) != (0, len(text)):
                with pytest.raises(UncheckableError):
                    Ed25519Verifier.parse(text[first:end])
    for at in range(len(text)):
        with pytest.raises(UncheckableError):
            Ed25519Verifier.parse(text[:at] + chr(ord(text[at]) + 1) + text[at + 1 :])


def test_the_type_of_a_verifier_key_is_part_of_it() -> None:
    key = SIGNER.key.verifying_key
    assert Ed25519Verifier("name", key).key_id != CosignatureVerifier("name", key).key_id
    with pytest.raises(UncheckableError):
        CosignatureVerifier.parse(Ed25519Verifier("name", key).render())
    with pytest.raises(UncheckableError):
        Ed25519Verifier.parse(CosignatureVerifier("name", key).render())


def test_a_signer_shows_nothing_of_its_key() -> None:
    assert b"s" * 32 not in repr(SIGNER).encode()
    assert SIGNER.key.seed.hex() not in repr(SIGNER)


@pytest.mark.parametrize("text", ["", "A", "AB==", "QQ=", "QR==", "QQ==\n", " QQ==", "QQ ==", "Q-==", "Qé=="])
def test_base64_has_one_spelling(text: str) -> None:
    if text == "":
        assert parse_base64(text, "it") == b""
        return
    with pytest.raises(UncheckableError):
        parse_base64(text, "it")


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "01", "00", "1.0", "1e3", " 1", "1 ", "٣", "²", "9223372036854775808", "9" * 5000]
)
def test_a_number_has_one_spelling_and_a_limit(text: str) -> None:
    with pytest.raises(UncheckableError):
        parse_decimal(text, "it")


def test_numbers_up_to_the_limit_are_read() -> None:
    assert parse_decimal("0", "it") == 0
    assert parse_decimal("9223372036854775807", "it") == 2**63 - 1


def test_a_hash_has_32_bytes() -> None:
    with pytest.raises(UncheckableError):
        parse_hash("QQ==", "it")


def test_a_public_key_has_32_bytes() -> None:
    with pytest.raises(UncheckableError):
        VerifyingKey(b"short")
