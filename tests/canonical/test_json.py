from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.canonical.json import MAX_INTEGER, decode, encode
from cloakroom.errors import CloakroomError, UsageError

LEAVES = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text(max_size=20)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


def is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (None, b"null"),
        (True, b"true"),
        (0, b"0"),
        (-1, b"-1"),
        (MAX_INTEGER, b"9007199254740991"),
        ("", b'""'),
        ([], b"[]"),
        ({}, b"{}"),
        ((1, "a"), b'[1,"a"]'),
        ({"b": 1, "a": 2}, b'{"a":2,"b":1}'),
        ({"b": {"d": 1, "c": 2}}, b'{"b":{"c":2,"d":1}}'),
        ("é€😀", '"é€😀"'.encode()),
        ('"\\/', b'"\\"\\\\/"'),
        ("\b\f\n\r\t", b'"\\b\\f\\n\\r\\t"'),
        ("\x00\x1f", b'"\\u0000\\u001f"'),
        ("\x7f\u2028", '"\x7f\u2028"'.encode()),
    ],
)
def test_each_value_has_the_bytes_that_rfc_8785_gives_it(value: object, data: bytes) -> None:
    assert encode(value) == data
    assert encode(decode(data)) == data


def test_keys_are_sorted_by_code_point() -> None:
    assert encode({"é": 1, "z": 2, "A": 3, "": 4, "a": 5}) == '{"":4,"A":3,"a":5,"z":2,"é":1}'.encode()


@given(VALUES)
def test_every_value_comes_back_and_is_read_alike_by_the_standard_library(value: object) -> None:
    data = encode(value)
    assert decode(data) == value
    assert json.loads(data) == value
    assert encode(decode(data)) == data


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_in_which_keys_came_does_not_matter(value: object, chance: object) -> None:
    def shuffled(item: object) -> object:
        if isinstance(item, dict):
            keys = list(item)
            chance.shuffle(keys)  # type: ignore[attr-defined]
            return {key: shuffled(item[key]) for key in keys}
        return [shuffled(inner) for inner in item] if isinstance(item, list) else item

    assert encode(shuffled(value)) == encode(value)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        0.5,
        float("nan"),
        float("inf"),
        MAX_INTEGER + 1,
        -MAX_INTEGER - 1,
        10**400,
        b"bytes",
        {1, 2},
        {1: "a"},
        {None: "a"},
        {True: "a"},
        object(),
        [1, [2, [3.0]]],
        {"a": {"b": [1.5]}},
        range(3),
        "\ud800",
        {"\ud800": 1},
        nested(5000),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_other_languages_would_read_differently_is_not_encoded(value: object) -> None:
    with pytest.raises(UsageError):
        encode(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"nul",
        b"{",
        b"{}x",
        b" {}",
        b"{} ",
        b"{}\n",
        b'{ "a":1}',
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":2}',
        b'{"a":1,"a":1}',
        b"1.0",
        b"1e2",
        b"-0",
        b"01",
        b"+1",
        b"9007199254740992",
        b"1" * 400,
        b"NaN",
        b"Infinity",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\u00e9"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'"\n"',
        b"'a'",
        b"[1,]",
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        pytest.param(b"[" * 10_000 + b"]" * 10_000, id="nested too deeply"),
    ],
)
def test_any_other_bytes_for_a_value_are_refused(data: bytes) -> None:
    with pytest.raises(CloakroomError):
        decode(data)


@given(st.binary(max_size=60).filter(is_text))
def test_no_text_whatever_crash_the_decoder(data: bytes) -> None:
    try:
        value = decode(data)
    except CloakroomError:
        return
    assert encode(value) == data


def test_messages_name_no_values() -> None:
    for value in ({"name": 1.25}, {"name": 10**20}, {3: "Aurélie"}):
        with pytest.raises(UsageError) as caught:
            encode(value)
        assert "Aurélie" not in str(caught.value)
        assert "1.25" not in str(caught.value)
