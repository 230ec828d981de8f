"""Tokens hold no state, differ by application, and a made-up one is told apart without a look-up."""

from __future__ import annotations

import base64
import itertools
import random
import re
import string
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.crypto import BlockPermutation
from cloakroom.errors import InputError
from cloakroom.vault.tokens import RecordReference, TokenCodec

ONE, OTHER = TokenCodec(bytes(range(32))), TokenCodec(bytes(range(1, 33)))
references = st.lists(st.builds(RecordReference, st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)), max_size=30)


@given(references)
@settings(max_examples=100, deadline=None)
def test_tokens_are_read_back_in_order_and_always_the_same(wanted):
    tokens = ONE.issue(wanted)
    assert ONE.read(tokens) == wanted
    assert ONE.issue(wanted) == tokens
    assert [ONE.issue([item])[0] for item in wanted] == tokens


@given(references)
@settings(max_examples=100, deadline=None)
def test_two_applications_share_no_token(wanted):
    assert not set(ONE.issue(wanted)) & set(OTHER.issue(wanted))
    assert OTHER.read(ONE.issue(wanted)) == [None] * len(wanted)


def test_made_up_tokens_are_none():
    dice = random.Random(1)
    letters = string.ascii_letters + string.digits + "-_"
    guesses = ["tok_" + "".join(dice.choices(letters, k=22)) for _ in range(20_000)]
    assert set(ONE.read(guesses)) == {None}


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_without_an_error(text):
    assert ONE.read([text]) == [None]
    assert ONE.read(["tok_" + text]) == [None]


def test_a_token_has_one_spelling():
    token = ONE.issue([RecordReference(1, 2)])[0]
    letters = string.ascii_letters + string.digits + "-_"
    assert [letter for letter in letters if ONE.read([token[:-1] + letter])[0]] == [token[-1]]


def test_bad_ones_are_named_by_position_and_never_by_value():
    good = ONE.issue([RecordReference(1, 2)])[0]
    with pytest.raises(InputError) as caught:
        ONE.read_all([good, "secret@example.com", good, "tok_x"])
    assert str(caught.value) == "tokens: not a token of this application: number 2, 4"


@pytest.mark.parametrize("reference", [RecordReference(0, 0), RecordReference(2**16 - 1, 2**32 - 1)])
def test_the_smallest_and_the_largest_reference_have_tokens(reference):
    [token] = ONE.issue([reference])
    assert re.fullmatch(r"tok_[A-Za-z0-9_-]{22}", token)
    assert ONE.read([token]) == [reference]


@pytest.mark.parametrize("reference", [RecordReference(2**16, 0), RecordReference(0, 2**32), RecordReference(0, -1)])
def test_a_reference_that_no_token_can_hold_is_not_cut_to_fit(reference):
    with pytest.raises(struct.error):
        ONE.issue([reference])


def forged(plain):
    """Return the token of any block, as only the holder of the key could make it."""
    block = BlockPermutation(bytes(range(32))).permute(plain)
    return "tok_" + base64.urlsafe_b64encode(block).decode().rstrip("=")


def test_each_of_the_seventy_two_zero_bits_and_the_format_is_looked_at():
    plain = b"\x01\x00\x01\x00\x00\x00\x00\x02" + bytes(8)
    assert ONE.read([forged(plain)]) == [RecordReference(1, 2)]
    for at in (0, 3, *range(8, 16)):
        for bit in range(8):
            changed = bytearray(plain)
            changed[at] ^= 1 << bit
            assert ONE.read([forged(bytes(changed))]) == [None]


def test_one_changed_letter_makes_it_no_token():
    [token] = ONE.issue([RecordReference(1, 2)])
    for at, letter in itertools.product(range(len(token)), "A-_9"):
        if token[at] != letter:
            assert ONE.read([token[:at] + letter + token[at + 1 :]]) == [None]


@pytest.mark.parametrize(
    "respelled",
    [
        str.upper,
        "{}=".format,
        "{}==".format,
        "{}\n".format,
        " {}".format,
        "{}A".format,
        lambda token: token[:-1],
        lambda token: token[4:],
        lambda token: token.replace("tok_", "tok-"),
        lambda token: token.replace("tok_", "ｔok_"),
        lambda token: token.translate(str.maketrans("-_", "+/")) + "+",
    ],
)
def test_a_token_written_otherwise_is_none(respelled):
    [token] = ONE.issue([RecordReference(1, 2)])
    assert ONE.read([respelled(token)]) == [None]


def test_what_is_no_token_moves_none_of_those_beside_it():
    wanted = [RecordReference(1, number) for number in range(5)]
    tokens = ONE.issue(wanted)
    mixed = ["", tokens[0], "tok_", OTHER.issue(wanted)[1], tokens[1], tokens[1] + "x", tokens[4]]
    assert ONE.read(mixed) == [None, wanted[0], None, None, wanted[1], None, wanted[4]]
    assert (ONE.read([]), ONE.issue([]), ONE.read_all([])) == ([], [], [])
    assert ONE.read_all(tokens) == wanted


def test_at_most_twenty_bad_ones_are_named():
    with pytest.raises(InputError) as caught:
        ONE.read_all(["x"] * 21)
    assert str(caught.value).endswith("number " + ", ".join(map(str, range(1, 21))))
    with pytest.raises(InputError, match=r"number 20$"):
        ONE.read_all([*ONE.issue([RecordReference(1, 2)]) * 19, "x"])
