"""Envelopes: what goes in comes out, and nothing opens anywhere but where it belongs."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.errors import OpenError, UsageError
from cloakroom.vault.envelope import (
    HEADER_SIZE,
    MAX_VALUE_SIZE,
    CellContext,
    EnvelopeClass,
    seal_envelope,
)
from cloakroom.vault.opening import open_envelope

KEY, INITIAL = bytes(range(32)), bytes(range(11))
HERE = CellContext(3, 70_000, EnvelopeClass.IDENTITY, 1, 4)
CELLS = [(0, b""), (7, b"Ada"), (200, b"x" * 100)]
contexts = st.builds(
    CellContext,
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**32 - 1),
    st.sampled_from(EnvelopeClass),
    st.integers(0, 255),
    st.integers(0, 2**32 - 1),
)
values = st.dictionaries(st.integers(0, 255), st.binary(max_size=70), min_size=1, max_size=8)


def opened(envelope, key=KEY, numbers=None, **elsewhere):
    return dict(open_envelope(key, envelope, replace(HERE, **elsewhere).head(), numbers))


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=11, max_size=11), contexts, values)
@settings(max_examples=150, deadline=None)
def test_what_was_sealed_opens_to_the_same_values(key, initial, context, cells):
    envelope = seal_envelope(key, initial, context, cells.items())
    assert dict(open_envelope(key, envelope, context.head())) == cells
    one = next(iter(cells))
    assert dict(open_envelope(key, envelope, context.head(), [one])) == {one: cells[one]}


@given(st.binary(max_size=64))
@settings(max_examples=200, deadline=None)
def test_values_that_look_like_padding_survive(tail):
    value = tail + b"\x80\0\0"
    assert opened(seal_envelope(KEY, INITIAL, HERE, [(1, value), (2, b"\0\0"), (3, b"")])) == {
        1: value,
        2: b"\0\0",
        3: b"",
    }


def test_every_flipped_bit_is_found():
    envelope = seal_envelope(KEY, INITIAL, HERE, CELLS[:2])
    for at, bit in itertools.product(range(len(envelope)), range(8)):
        changed = bytearray(envelope)
        changed[at] ^= 1 << bit
        with pytest.raises(OpenError, match=r"^does not open$"):
            opened(bytes(changed))


def test_every_cut_is_found_also_at_a_cells_end():
    envelope = seal_envelope(KEY, INITIAL, HERE, CELLS[:2])
    for size in range(len(envelope)):
        for numbers in (None, [0], [99]):
            with pytest.raises(OpenError):
                opened(envelope[:size], numbers=numbers)


def test_a_cell_taken_away_renamed_or_moved_is_found_whatever_is_asked_for():
    parts = [seal_envelope(KEY, INITIAL, HERE, CELLS[:count]) for count in (1, 2, 3)]
    header, whole = parts[2][:HEADER_SIZE], parts[2]
    first_end = len(parts[0])
    first, others = whole[HEADER_SIZE:first_end], whole[first_end:]
    second_size = len(parts[1]) - first_end
    second, third = others[:second_size], others[second_size:]
    for changed in (
        header + second + third,
        header + first + third,
        header + second + first + third,
        header + first + b"\x08" + second[1:] + third,
        header + first + second + first + third,
        header,
    ):
        for numbers in (None, [0], [7], [200], [99]):
            with pytest.raises(OpenError):
                opened(changed, numbers=numbers)


def test_an_envelope_without_the_wanted_fields_still_has_to_belong_here():
    envelope = seal_envelope(KEY, INITIAL, HERE, CELLS)
    assert opened(envelope, numbers=[99]) == {}
    assert opened(seal_envelope(KEY, INITIAL, HERE, [(9, b"x" * 3_000)]), numbers=[]) == {}
    with pytest.raises(OpenError):
        opened(envelope, numbers=[99], field_class=EnvelopeClass.CONTACT)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"brand": 4},
        {"ordinal": 70_001},
        {"field_class": EnvelopeClass.CONTACT},
        {"key_number": 0},
        {"version": 5},
        {"key": bytes(32)},
    ],
)
def test_an_envelope_opens_nowhere_else(elsewhere):
    with pytest.raises(OpenError, match=r"^does not open$"):
        opened(seal_envelope(KEY, INITIAL, HERE, CELLS), **elsewhere)


def test_a_cell_of_an_older_version_does_not_open_in_a_newer_envelope():
    old = seal_envelope(KEY, INITIAL, HERE, [(7, b"Ada")])
    newer = replace(HERE, version=HERE.version + 1)
    new = seal_envelope(KEY, INITIAL, newer, [(8, b"Eva")])
    assert dict(open_envelope(KEY, new, newer.head())) == {8: b"Eva"}
    with pytest.raises(OpenError):
        open_envelope(KEY, new + old[HEADER_SIZE:], newer.head())


def test_what_makes_no_sense_is_not_sealed():
    with pytest.raises(UsageError, match="twice"):
        seal_envelope(KEY, INITIAL, HERE, [(1, b"a"), (1, b"b")])
    with pytest.raises(UsageError, match="longer than"):
        seal_envelope(KEY, INITIAL, HERE, [(1, b"x" * (MAX_VALUE_SIZE + 1))])
    with pytest.raises(UsageError):
        seal_envelope(KEY[:16], INITIAL, HERE, CELLS)


@pytest.mark.parametrize("size", [2_031, 2_032, 4_095, 4_096, MAX_VALUE_SIZE - 16])
def test_values_around_a_longer_count_of_blocks_and_the_longest_one_fit(size):
    cells = {1: b"x" * size, 2: b"Ada"}
    assert opened(seal_envelope(KEY, INITIAL, HERE, cells.items())) == cells


def test_a_count_of_blocks_is_read_in_its_shortest_form_only():
    envelope = seal_envelope(KEY, INITIAL, HERE, [(7, b"Ada")])
    assert envelope[HEADER_SIZE : HEADER_SIZE + 2] == bytes((7, 1))
    with pytest.raises(OpenError):
        opened(envelope[: HEADER_SIZE + 1] + b"\x80\x01" + envelope[HEADER_SIZE + 2 :])


def test_what_follows_the_last_whole_cell_is_refused():
    envelope = seal_envelope(KEY, INITIAL, HERE, CELLS)
    for tail in (b"\x09", b"\x09\x01", b"\x09\x80", b"\x09\xff\xff", b"\x09\x00" + bytes(15)):
        with pytest.raises(OpenError):
            opened(envelope + tail, numbers=[7])
