"""Tokens hold no state, differ by application, and a made-up one is told apart without a look-up."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
