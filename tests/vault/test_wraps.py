"""Wrapped class keys: bound to their place, all three together, and mute where they do not unwrap."""

from __future__ import annotations

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vault_worlds import ALBA, ring

from cloakroom.errors import StoreError
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.key_ring import KeyRing
from cloakroom.vault.sealed_record import SealedKeys
from cloakroom.vault.wraps import WRAPS_SIZE, BrandKeyWrapper, KeyWrapper

CONTACT, IDENTITY, VALUE = CLASSES = tuple(EnvelopeClass)


def drawn(*parts):
    return hashlib.sha256(repr(parts).encode()).digest()


ENCRYPTION_KEYS = {item: drawn("encryption", item) for item in CLASSES}
WRAPPER = KeyWrapper(3, 2, ENCRYPTION_KEYS)
places = st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 255)), max_size=6)


def keys_of(count):
    return {item: b"".join(drawn(item, at) for at in range(count)) for item in CLASSES}


def one(wrapper=WRAPPER, place=(7, 0)):
    return wrapper.wrap([place], keys_of(1))[0]


@given(places, st.sets(st.sampled_from(CLASSES)))
def test_many_unwrap_in_their_order_to_the_classes_that_are_wanted(where, wanted):
    keys = keys_of(len(where))
    wraps = WRAPPER.wrap(where, keys)
    assert [len(item) for item in wraps] == [120] * len(where)
    assert WRAPPER.unwrap(where, wraps, wanted) == [
        {item: keys[item][32 * at : 32 * at + 32] for item in wanted} for at in range(len(where))
    ]
    assert WRAPS_SIZE == 120


@given(places, st.data())
def test_of_many_those_that_were_changed_are_none_and_the_others_keep_their_own_keys(where, data):
    keys, wraps = keys_of(len(where)), WRAPPER.wrap(where, keys_of(len(where)))
    broken = data.draw(st.sets(st.integers(0, len(where) - 1))) if where else set()
    held = [item[:-1] + bytes([item[-1] ^ 1]) if at in broken else item for at, item in enumerate(wraps)]
    for at, found in enumerate(WRAPPER.unwrap(where, held, [VALUE])):
        assert found == (None if at in broken else {VALUE: keys[VALUE][32 * at : 32 * at + 32]})


@pytest.mark.parametrize("place", [(8, 0), (7, 1), (0, 0), (2**32 - 1, 255)])
def test_wraps_of_one_place_unwrap_at_no_other(place):
    assert WRAPPER.unwrap([place], [one()], CLASSES) == [None]
    assert WRAPPER.unwrap([place], [one(place=place)], CLASSES) != [None]


@pytest.mark.parametrize(
    "other",
    [
        KeyWrapper(4, 2, ENCRYPTION_KEYS),
        KeyWrapper(3, 1, ENCRYPTION_KEYS),
        *(KeyWrapper(3, 2, ENCRYPTION_KEYS | {item: bytes(32)}) for item in CLASSES),
        KeyWrapper(3, 2, dict(zip(CLASSES, reversed(ENCRYPTION_KEYS.values()), strict=True))),
    ],
)
def test_wraps_unwrap_under_no_other_brand_generation_or_key_whatever_is_wanted(other):
    for wanted in ([], [CONTACT], [IDENTITY], [VALUE], CLASSES):
        assert other.unwrap([(7, 0)], [one()], wanted) == [None]


def test_wraps_are_of_exactly_their_size():
    whole = one()
    for changed in (
        b"",
        whole[:96],
        whole[:119],
        whole + b"\0",
        whole[:96] + whole,
        whole * 2,
        whole[:95] + whole[96:],
    ):
        assert WRAPPER.unwrap([(7, 0)], [changed], CLASSES) == [None]


def test_every_changed_byte_of_wraps_is_found_whatever_is_wanted():
    whole = one()
    for at, wanted in itertools.product(range(len(whole)), ([], [CONTACT], [IDENTITY], [VALUE])):
        changed = whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :]
        assert WRAPPER.unwrap([(7, 0)], [changed], wanted) == [None]


def test_wraps_of_two_classes_do_not_change_places():
    whole = one()
    parts = [whole[at : at + 32] for at in (0, 32, 64)]
    for order in itertools.permutations(range(3)):
        swapped = b"".join(parts[at] for at in order) + whole[96:]
        assert (WRAPPER.unwrap([(7, 0)], [swapped], CLASSES) == [None]) == (order != (0, 1, 2))


def test_commitments_of_two_records_do_not_change_places():
    first, second = WRAPPER.wrap([(7, 0), (8, 0)], keys_of(2))
    crossed = [first[:96] + second[96:], second[:96] + first[96:]]
    assert WRAPPER.unwrap([(7, 0), (8, 0)], crossed, CLASSES) == [None, None]
    assert WRAPPER.unwrap([(7, 0), (8, 0)], [second, first], CLASSES) == [None, None]


def test_one_class_of_keys_wraps_differently_under_another_class():
    same = drawn("same")
    whole = WRAPPER.wrap([(7, 0)], dict.fromkeys(CLASSES, same))[0]
    assert len({whole[0:32], whole[32:64], whole[64:96], same}) == 4
    assert WRAPPER.unwrap([(7, 0)], [whole], CLASSES) == [dict.fromkeys(CLASSES, same)]


def test_as_many_places_as_wraps_are_needed():
    with pytest.raises(ValueError, match="argument"):
        WRAPPER.unwrap([(7, 0), (8, 0)], [one()], CLASSES)
    with pytest.raises(ValueError, match="argument"):
        WRAPPER.unwrap([(7, 0)], [one(), one()], CLASSES)


def test_a_brand_wraps_under_its_newest_generation_and_unwraps_rows_of_all_mixed():
    old, new = BrandKeyWrapper(ring(wrap=(1,)), ALBA), BrandKeyWrapper(ring(wrap=(1, 2, 10)), ALBA)
    assert (old.generation, new.generation) == (1, 10)
    keys = keys_of(4)
    middle = BrandKeyWrapper(ring(wrap=(1, 2)), ALBA)
    rows = []
    for at, wrapper in enumerate([new, old, middle, old]):
        own = {item: keys[item][32 * at : 32 * at + 32] for item in CLASSES}
        rows.append((at, SealedKeys(wrapper.generation, 5, wrapper.wrap([(at, 5)], own)[0])))
    expected = [{IDENTITY: keys[IDENTITY][32 * at : 32 * at + 32]} for at in range(4)]
    assert new.unwrap(rows, [IDENTITY]) == expected
    assert new.unwrap(rows[::-1], [IDENTITY]) == expected[::-1]
    assert middle.unwrap(rows, [IDENTITY]) == [None, *expected[1:]]
    assert old.unwrap(rows, [IDENTITY]) == [None, expected[1], None, expected[3]]
    assert old.unwrap([], [IDENTITY]) == []


@pytest.mark.parametrize("key_number", [-1, 256, 2**40])
def test_a_key_number_that_no_row_can_hold_unwraps_to_nothing_and_raises_nothing(key_number):
    alba = BrandKeyWrapper(ring(), ALBA)
    whole = alba.wrap([(7, 255)], keys_of(1))[0]
    assert alba.unwrap([(7, SealedKeys(1, 255, whole))], [CONTACT]) != [None]
    assert alba.unwrap([(7, SealedKeys(1, key_number, whole))], [CONTACT]) == [None]


def test_a_brand_without_keys_wraps_nothing():
    with pytest.raises(StoreError, match=r"^no key wrap/9/CONTACT in the store$"):
        BrandKeyWrapper(ring(), 9)
    lacking = {
        name: bytes(32) for name in ring(wrap=(1, 2)).names() if (name.detail, name.generation) != ("VALUE", 2)
    }
    with pytest.raises(StoreError, match=rf"^no key wrap/{ALBA}/VALUE/2 in the store$"):
        BrandKeyWrapper(KeyRing(lacking), ALBA)


def test_no_representation_shows_a_key():
    shown = repr(KeyWrapper(3, 2, dict.fromkeys(CLASSES, b"k" * 32)))
    assert shown == "KeyWrapper(brand 3, generation 2)"
