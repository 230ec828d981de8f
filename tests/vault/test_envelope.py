"""Envelopes: what goes in comes out, and nothing opens anywhere but where it belongs."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.errors import OpenError, UsageError
from cloakroom.vault.envelope import MAX_VALUE_SIZE, CellContext, EnvelopeClass, open_envelope, seal_envelope

KEY, INITIAL = bytes(range(32)), bytes(range(12))
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


def opened(envelope, key=KEY, *, brand=HERE.brand, ordinal=HERE.ordinal, field_class=HERE.field_class, numbers=None):
    return dict(open_envelope(key, envelope, brand=brand, ordinal=ordinal, field_class=field_class, numbers=numbers))


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=12, max_size=12), contexts, values)
@settings(max_examples=150, deadline=None)
def test_what_was_sealed_opens_to_the_same_values(key, initial, context, cells):
    envelope = seal_envelope(key, initial, context, cells.items())
    place = {"brand": context.brand, "ordinal": context.ordinal, "field_class": context.field_class}
    assert dict(open_envelope(key, envelope, **place)) == cells
    one = next(iter(cells))
    assert dict(open_envelope(key, envelope, numbers=[one], **place)) == {one: cells[one]}


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


def test_every_cut_but_at_a_cells_end_is_found():
    envelope = seal_envelope(KEY, INITIAL, HERE, CELLS[:2])
    ends = [len(seal_envelope(KEY, INITIAL, HERE, CELLS[:count])) for count in (1, 2)]
    for size in range(len(envelope)):
        if size in {42, *ends}:
            continue  # a whole cell taken away: the record lacks that field
        with pytest.raises(OpenError):
            opened(envelope[:size])


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"brand": 4},
        {"ordinal": 70_001},
        {"field_class": EnvelopeClass.CONTACT},
        {"key": bytes(32)},
    ],
)
def test_an_envelope_opens_nowhere_else(elsewhere):
    with pytest.raises(OpenError, match=r"^does not open$"):
        opened(seal_envelope(KEY, INITIAL, HERE, CELLS), **elsewhere)


def test_a_cell_of_an_older_version_does_not_open_in_a_newer_envelope():
    old = seal_envelope(KEY, INITIAL, HERE, [(7, b"Ada")])
    newer = CellContext(HERE.brand, HERE.ordinal, HERE.field_class, HERE.key_number, HERE.version + 1)
    new = seal_envelope(KEY, INITIAL, newer, [(7, b"Eva")])
    with pytest.raises(OpenError):
        opened(new[:42] + old[42:])


def test_what_makes_no_sense_is_not_sealed():
    with pytest.raises(UsageError, match="twice"):
        seal_envelope(KEY, INITIAL, HERE, [(1, b"a"), (1, b"b")])
    with pytest.raises(UsageError, match="longer than"):
        seal_envelope(KEY, INITIAL, HERE, [(1, b"x" * (MAX_VALUE_SIZE + 1))])
    with pytest.raises(UsageError):
        seal_envelope(KEY[:16], INITIAL, HERE, CELLS)


def test_the_longest_value_fits_its_length_field():
    value = b"x" * (MAX_VALUE_SIZE - 16)
    assert opened(seal_envelope(KEY, INITIAL, HERE, [(1, value)])) == {1: value}
