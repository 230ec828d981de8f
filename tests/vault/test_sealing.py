"""Records of a brand: sealed one by one or in bulk, opened under old and new generations, wrapped anew."""

from __future__ import annotations

import pytest
from vault_worlds import ALBA, BOREAS, ring, sealer

from cloakroom.errors import OpenError
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.sealing import BrandSealer, SealedKeys, SealedRecord

CONTACT, IDENTITY, VALUE = EnvelopeClass
CELLS = {CONTACT: [(1, b"Ada"), (2, b"ada@example.com")], IDENTITY: [(0, b"")]}
ALL = dict.fromkeys(EnvelopeClass)


def sealed(brand_sealer, ordinal=7):
    keys, opened = brand_sealer.new_keys(ordinal)
    return keys, brand_sealer.seal(ordinal, 1, opened, CELLS)


def test_a_record_opens_to_what_was_sealed_class_by_class():
    alba = sealer()
    keys, record = sealed(alba)
    assert record.envelopes[VALUE - 1] is None
    assert alba.open(record, keys, ALL) == {1: b"Ada", 2: b"ada@example.com", 0: b""}
    assert alba.open(record, keys, {CONTACT: [2]}) == {2: b"ada@example.com"}
    assert alba.open(record, keys, {VALUE: None}) == {}


def test_many_records_at_once_are_sealed_like_one():
    alba = sealer()
    made = list(alba.seal_new([3, 4], [CELLS, {IDENTITY: [(0, b"x")], VALUE: [(9, b"12.50")]}]))
    values = [
        alba.open(SealedRecord(ordinal, 1, tuple(envelopes)), SealedKeys(alba.generation, 0, wraps), ALL)
        for ordinal, (wraps, envelopes) in zip((3, 4), made, strict=True)
    ]
    assert values == [{1: b"Ada", 2: b"ada@example.com", 0: b""}, {0: b"x", 9: b"12.50"}]
    assert [envelope is None for envelope in made[1][1]] == [True, False, False]


def test_no_randomness_is_used_twice():
    alba, seen = sealer(), []
    for wraps, envelopes in alba.seal_new(range(200), [CELLS] * 200):
        seen += [wraps[:12], *(envelope[6:18] for envelope in envelopes if envelope)]
    assert len(set(seen)) == len(seen) == 600


def test_wraps_and_envelopes_of_another_record_or_brand_do_not_open():
    alba = sealer()
    keys, record = sealed(alba)
    other_keys, other = sealed(alba, ordinal=8)
    for wrong_record, wrong_keys, opener in (
        (record, other_keys, alba),
        (other, keys, alba),
        (SealedRecord(8, 1, record.envelopes), keys, alba),
        (record, keys, sealer(BOREAS)),
        (SealedRecord(7, 1, (record.envelopes[1], record.envelopes[0], None)), keys, alba),
    ):
        with pytest.raises(OpenError):
            opener.open(wrong_record, wrong_keys, ALL)


def test_rows_of_an_older_generation_open_until_it_is_destroyed():
    keys, record = sealed(sealer(wrap=(1,)))
    both = sealer(wrap=(1, 2))
    assert both.generation == 2
    assert both.open(record, keys, {CONTACT: [1]}) == {1: b"Ada"}
    moved = both.rewrap(7, keys)
    assert moved.generation == 2
    only_new = sealer(wrap=(2,))
    assert only_new.open(record, moved, {CONTACT: [1]}) == {1: b"Ada"}
    with pytest.raises(OpenError):
        only_new.open(record, keys, {CONTACT: [1]})


def test_a_wrap_with_its_generation_rewritten_does_not_open():
    keys, record = sealed(sealer(wrap=(1, 2)))
    for changed in (
        SealedKeys(1, keys.key_number, keys.wraps),
        SealedKeys(keys.generation, 1, keys.wraps),
        SealedKeys(9, keys.key_number, keys.wraps),
        SealedKeys(keys.generation, keys.key_number, keys.wraps[:100]),
    ):
        with pytest.raises(OpenError):
            BrandSealer(ring(wrap=(1, 2)), ALBA).open(record, changed, ALL)
