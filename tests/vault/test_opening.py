"""Opening: what was sealed in bulk and one by one opens alike, in its place, version and class, and nowhere else."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vault_worlds import ALBA, opener, ring, seal_one, sealer

from cloakroom.errors import OpenError, UsageError
from cloakroom.vault.envelope import HEADER_SIZE, CellContext, EnvelopeClass, seal_envelope, seal_envelopes
from cloakroom.vault.opening import open_envelope
from cloakroom.vault.sealed_record import SealedKeys, SealedRecord
from cloakroom.vault.sealing import BrandSealer

CONTACT, IDENTITY, VALUE = CLASSES = tuple(EnvelopeClass)
ALL = dict.fromkeys(CLASSES)
CELLS = {
    CONTACT: [(1, b"Ada"), (2, b"ada@example.com")],
    IDENTITY: [(0, b"\x02" + bytes(16)), (3, b"C1")],
    VALUE: [(9, b"12")],
}
SEALER, OPENER = sealer(), opener()
KEYS, RECORD = seal_one(SEALER, 7, CELLS)
VALUES = {number: value for cells in CELLS.values() for number, value in cells}

numbers = st.integers(0, 255)
columns = st.dictionaries(numbers, st.lists(st.none() | st.binary(max_size=40), min_size=3, max_size=3), max_size=5)


@given(columns, st.sampled_from(CLASSES))
def test_rows_sealed_together_are_byte_for_byte_those_sealed_alone(held, field_class):
    keys, initials, ordinals = bytes(range(96)), bytes(range(100, 133)), [5, 0, 2**32 - 1]
    together = seal_envelopes(
        keys, initials, ordinals, brand=ALBA, field_class=field_class, columns=list(held.items())
    )
    for at, ordinal in enumerate(ordinals):
        cells = [(number, values[at]) for number, values in held.items() if values[at] is not None]
        context = CellContext(ALBA, ordinal, field_class, 0, 1)
        alone = seal_envelope(keys[32 * at :][:32], initials[11 * at :][:11], context, cells) if cells else None
        assert together[at] == alone


@given(st.dictionaries(st.sampled_from(CLASSES), st.dictionaries(numbers, st.binary(max_size=50), max_size=4)))
def test_a_record_sealed_anew_opens_to_its_new_values_at_its_new_version(cells):
    # A field belongs to one class.
    apart = {
        item: {number: value for number, value in held.items() if number % 3 == item - 1}
        for item, held in cells.items()
    }
    again = SEALER.reseal(7, 2, KEYS, {item: list(held.items()) for item, held in apart.items()})
    assert OPENER.open(again, KEYS, ALL) == {
        number: value for held in apart.values() for number, value in held.items()
    }
    assert [one is None for one in again.envelopes] == [not apart.get(item) for item in CLASSES]


@pytest.mark.parametrize("version", [0, 2, 2**32 - 1, 2**32, -1])
def test_a_record_opens_at_no_other_version(version):
    with pytest.raises(OpenError, match=r"^does not open$"):
        OPENER.open(SealedRecord(7, version, RECORD.envelopes), KEYS, ALL)
    assert OPENER.open(RECORD, KEYS, ALL) == VALUES


def test_envelopes_of_two_versions_are_not_mixed():
    again = SEALER.reseal(7, 2, KEYS, CELLS)
    for at in range(3):
        mixed = [*again.envelopes]
        mixed[at] = RECORD.envelopes[at]
        with pytest.raises(OpenError):
            OPENER.open(SealedRecord(7, 2, tuple(mixed)), KEYS, ALL)
        untouched = {item: None for item in CLASSES if item != at + 1}
        assert OPENER.open(SealedRecord(7, 2, tuple(mixed)), KEYS, untouched).keys() == {
            number for item in untouched for number, _ in CELLS[item]
        }


def test_a_key_set_with_another_number_seals_and_opens_its_own_values_only():
    keys = BrandSealer(ring(), ALBA)._keys
    unwrapped = keys.unwrap([(7, KEYS)], CLASSES)[0]
    second = SealedKeys(1, 1, keys.wrap([(7, 1)], unwrapped)[0])
    with pytest.raises(OpenError):
        OPENER.open(RECORD, second, ALL)
    sealed = SEALER.reseal(7, 1, second, CELLS)
    assert OPENER.open(sealed, second, ALL) == VALUES
    [moved] = sealer(wrap=(1, 2)).rewrap([(7, second)])
    assert moved.key_number == 1
    assert opener(wrap=(1, 2)).open(sealed, moved, ALL) == VALUES
    with pytest.raises(OpenError):
        OPENER.open(sealed, KEYS, ALL)


@pytest.mark.parametrize("field_class", CLASSES)
def test_only_the_wanted_class_has_to_open(field_class):
    broken = [b"\x01" + bytes(40)] * 3
    broken[field_class - 1] = RECORD.envelopes[field_class - 1]
    assert OPENER.open(SealedRecord(7, 1, tuple(broken)), KEYS, {field_class: None}) == dict(CELLS[field_class])
    with pytest.raises(OpenError):
        OPENER.open(SealedRecord(7, 1, tuple(broken)), KEYS, ALL)


def test_a_record_gives_the_wanted_fields_of_each_class_and_no_others():
    assert OPENER.open(RECORD, KEYS, {CONTACT: [2], IDENTITY: [3]}) == {2: b"ada@example.com", 3: b"C1"}
    assert OPENER.open(RECORD, KEYS, {CONTACT: []}) == {}
    assert OPENER.open(RECORD, KEYS, {CONTACT: [9], VALUE: [1]}) == {}
    assert OPENER.open(RECORD, KEYS, {}) == {}


def test_wanting_nothing_still_asks_for_the_keys_of_this_record():
    with pytest.raises(OpenError):
        OPENER.open(RECORD, SealedKeys(1, 0, KEYS.wraps[::-1]), {})


def test_index_cells_are_given_in_order_and_empty_where_there_are_none():
    deleted = SealedRecord(7, 3, (None, None, None))
    without = SEALER.reseal(7, 4, KEYS, {IDENTITY: [(3, b"C1")]})
    cells = OPENER.open_index_cells([(deleted, KEYS), (RECORD, KEYS), (without, KEYS)])
    assert cells == [b"", b"\x02" + bytes(16), b""]
    assert OPENER.open_index_cells([]) == []


def test_the_first_index_cell_that_does_not_open_is_named_by_ordinal():
    wrong = SealedRecord(8, 1, RECORD.envelopes)
    with pytest.raises(OpenError, match=r"^record 8 does not open: a stored row was changed$"):
        OPENER.open_index_cells([(RECORD, KEYS), (wrong, KEYS), (replace_version(RECORD), KEYS)])


def replace_version(record):
    return SealedRecord(record.ordinal, record.version + 1, record.envelopes)


def test_a_record_whose_keys_do_not_open_is_not_sealed_anew():
    for ordinal, keys in ((8, KEYS), (7, SealedKeys(1, 1, KEYS.wraps)), (7, SealedKeys(2, 0, KEYS.wraps))):
        reason = rf"^the keys of record {ordinal} do not open: a stored row was changed$"
        with pytest.raises(OpenError, match=reason):
            SEALER.reseal(ordinal, 2, keys, CELLS)
        with pytest.raises(OpenError, match=reason):
            SEALER.rewrap([(7, KEYS), (ordinal, keys)])


def test_keys_wrapped_anew_are_the_same_keys_under_their_old_number():
    both = sealer(wrap=(1, 2))
    [moved] = both.rewrap([(7, KEYS)])
    assert (moved.generation, moved.key_number) == (2, 0)
    assert moved.wraps[:96] != KEYS.wraps[:96]
    assert opener(wrap=(1, 2)).open(RECORD, moved, ALL) == opener(wrap=(1, 2)).open(RECORD, KEYS, ALL) == VALUES
    assert both.rewrap([]) == []


def test_each_envelope_has_an_initial_value_of_its_own_also_when_sealed_anew():
    seen = [one[1:HEADER_SIZE] for one in RECORD.envelopes]
    for _ in range(20):
        seen += [one[1:HEADER_SIZE] for one in SEALER.reseal(7, 2, KEYS, CELLS).envelopes]
    assert len(set(seen)) == len(seen) == 63


def test_all_randomness_is_asked_from_the_source_that_was_given():
    asked = []

    def noting(size):
        asked.append(size)
        return bytes([len(asked)]) * size

    BrandSealer(ring(), ALBA, noting).seal_new([1, 2], {})
    assert sorted(asked) == [22, 22, 22, 64, 64, 64]


CONTEXT = CellContext(1, 7, CONTACT, 0, 1)


@pytest.mark.parametrize("size", range(35))
def test_an_envelope_shows_only_how_many_blocks_a_value_fills(size):
    sealed = seal_envelope(bytes(32), bytes(11), CONTEXT, [(5, b"x" * size)])
    assert len(sealed) == HEADER_SIZE + 2 + 16 * (size // 16 + 1) + 16
    assert sealed[HEADER_SIZE : HEADER_SIZE + 2] == bytes([5, size // 16 + 1])


@pytest.mark.parametrize("longest", [59_983, 59_984])
def test_the_longest_value_fits_and_one_byte_more_does_not(longest):
    sealed = seal_envelope(bytes(32), bytes(11), CONTEXT, [(5, b"x" * longest)])
    assert open_envelope(bytes(32), sealed, CONTEXT.head()) == {5: b"x" * longest}
    with pytest.raises(UsageError, match=r"^a value is longer than 59984 bytes$"):
        seal_envelope(bytes(32), bytes(11), CONTEXT, [(5, b"x" * 59_985)])


@pytest.mark.parametrize("change", [{"brand": 2**16}, {"ordinal": 2**32}, {"key_number": 256}, {"version": -1}])
def test_a_place_that_has_no_bytes_is_not_cut_to_fit(change):
    with pytest.raises(struct.error):
        replace(CONTEXT, **change).head()


@pytest.mark.parametrize("form", [0, 2, 255])
def test_an_envelope_of_another_format_does_not_open(form):
    sealed = seal_envelope(bytes(32), bytes(11), CONTEXT, [(5, b"x")])
    with pytest.raises(OpenError, match=r"^does not open$"):
        open_envelope(bytes(32), bytes([form]) + sealed[1:], CONTEXT.head())


def test_what_holds_no_cell_is_no_envelope():
    for sealed in (b"", b"\x01", b"\x01" + bytes(10), b"\x01" + bytes(11)):
        for wanted in (None, [], [5]):
            with pytest.raises(OpenError, match=r"^does not open$"):
                open_envelope(bytes(32), sealed, CONTEXT.head(), wanted)


@given(st.binary(max_size=120), st.none() | st.lists(numbers, max_size=3))
def test_any_bytes_are_refused_as_an_envelope_and_as_wraps(data, wanted):
    for sealed in (data, b"\x01" + data):
        with pytest.raises(OpenError, match=r"^does not open$"):
            open_envelope(bytes(32), sealed, CONTEXT.head(), wanted)
        with pytest.raises(OpenError):
            OPENER.open(RECORD, SealedKeys(1, 0, sealed), ALL)


@pytest.mark.parametrize("key", [b"", bytes(16), bytes(31), bytes(33)])
def test_a_key_of_another_size_opens_nothing(key):
    sealed = seal_envelope(bytes(32), bytes(11), CONTEXT, [(5, b"x")])
    with pytest.raises(OpenError, match=r"^does not open$"):
        open_envelope(key, sealed, CONTEXT.head())
