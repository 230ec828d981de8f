"""Records of a brand: sealed one by one or in bulk, opened under old and new generations, wrapped anew."""

from __future__ import annotations

import itertools

import pytest
from vault_worlds import ALBA, BOREAS, opener, ring, seal_one, sealer

from cloakroom.errors import OpenError, UsageError
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.key_ring import KeyPurpose, KeyRing
from cloakroom.vault.opening import BrandOpener
from cloakroom.vault.sealed_record import SealedKeys, SealedRecord
from cloakroom.vault.wraps import BrandKeyWrapper

CONTACT, IDENTITY, VALUE = EnvelopeClass
CELLS = {CONTACT: [(1, b"Ada"), (2, b"ada@example.com")], IDENTITY: [(0, b"")]}
ALL = dict.fromkeys(EnvelopeClass)


def sealed(brand_sealer, ordinal=7):
    return seal_one(brand_sealer, ordinal, CELLS)


def test_a_record_opens_to_what_was_sealed_class_by_class():
    alba = sealer()
    keys, record = sealed(alba)
    assert record.envelopes[VALUE - 1] is None
    assert opener().open(record, keys, ALL) == {1: b"Ada", 2: b"ada@example.com", 0: b""}
    assert opener().open(record, keys, {CONTACT: [2]}) == {2: b"ada@example.com"}
    assert opener().open(record, keys, {VALUE: None}) == {}


def test_many_records_at_once_are_sealed_like_one():
    alba = sealer()
    records = [
        CELLS,
        {IDENTITY: [(0, b"x")], VALUE: [(9, b"12.50")]},
        CELLS,
        {CONTACT: [(2, b"eva@example.com")], IDENTITY: [(0, b"x" * 3_000)]},
        {},
    ]
    columns = {
        item: [(number, [dict(record.get(item, ())).get(number) for record in records]) for number in numbers]
        for item, numbers in {CONTACT: (1, 2), IDENTITY: (0,), VALUE: (9,)}.items()
    }
    wraps, envelopes = alba.seal_new(range(3, 8), columns)
    for at, record in enumerate(records):
        sealed_record = SealedRecord(3 + at, 1, tuple(envelopes[item][at] for item in EnvelopeClass))
        values = opener().open(sealed_record, SealedKeys(alba.generation, 0, wraps[at]), ALL)
        assert values == {number: value for cells in record.values() for number, value in cells}
    assert [one is None for one in envelopes[CONTACT]] == [False, True, False, False, True]


def test_a_value_that_is_too_long_stops_a_batch():
    columns = {VALUE: [(9, [b"1", b"x" * 60_000])]}
    with pytest.raises(UsageError, match="longer than"):
        sealer().seal_new([1, 2], columns)


def test_no_randomness_is_used_twice():
    alba = sealer()
    columns = {CONTACT: [(1, [b"Ada"] * 200)], IDENTITY: [(0, [b"", None] * 100)]}
    wraps, envelopes = alba.seal_new(range(200), columns)
    seen = [one[at : at + 16] for one in wraps for at in range(0, 96, 16)]
    seen += [one[1:12] for item in EnvelopeClass for one in envelopes[item] if one]
    assert len(set(seen)) == len(seen) == 200 * 6 + 300


def test_wraps_and_envelopes_of_another_record_or_brand_do_not_open():
    alba = sealer()
    keys, record = sealed(alba)
    other_keys, other = sealed(alba, ordinal=8)
    for wrong_record, wrong_keys, brand in (
        (record, other_keys, ALBA),
        (other, keys, ALBA),
        (SealedRecord(8, 1, record.envelopes), keys, ALBA),
        (record, keys, BOREAS),
        (SealedRecord(7, 1, (record.envelopes[1], record.envelopes[0], None)), keys, ALBA),
    ):
        with pytest.raises(OpenError):
            opener(brand).open(wrong_record, wrong_keys, ALL)


def test_rows_of_an_older_generation_open_until_it_is_destroyed():
    keys, record = sealed(sealer(wrap=(1,)))
    both = sealer(wrap=(1, 2))
    assert both.generation == 2
    assert opener(wrap=(1, 2)).open(record, keys, {CONTACT: [1]}) == {1: b"Ada"}
    (moved,) = both.rewrap([(7, keys)])
    assert moved.generation == 2
    only_new = opener(wrap=(2,))
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
        SealedKeys(keys.generation, keys.key_number, keys.wraps[:96]),
        SealedKeys(keys.generation, keys.key_number, b""),
        SealedKeys(keys.generation, 256, keys.wraps),
        SealedKeys(keys.generation, -1, keys.wraps),
    ):
        with pytest.raises(OpenError):
            opener(wrap=(1, 2)).open(record, changed, ALL)


def test_every_flipped_bit_of_the_wraps_is_found_whichever_class_is_opened():
    alba = opener()
    keys, record = sealed(sealer())
    for at, bit in itertools.product(range(len(keys.wraps)), range(8)):
        changed = bytearray(keys.wraps)
        changed[at] ^= 1 << bit
        for field_class in (CONTACT, IDENTITY):
            with pytest.raises(OpenError):
                alba.open(record, SealedKeys(keys.generation, 0, bytes(changed)), {field_class: None})


def test_blocks_of_wraps_put_together_anew_do_not_unwrap():
    """Each block is enciphered by itself; only the commitment knows which ones belong together."""
    (one, _), (other, _) = sealed(sealer()), sealed(sealer())
    blocks = [one.wraps[at : at + 16] for at in range(0, 96, 16)]
    mixtures = [
        [blocks[1], blocks[0], *blocks[2:]],
        [blocks[2], blocks[3], blocks[0], blocks[1], *blocks[4:]],
        [other.wraps[:16], *blocks[1:]],
        [other.wraps[:16], other.wraps[16:32], *blocks[2:]],
    ]
    for mixture in mixtures:
        for commitment in (one.wraps[96:], other.wraps[96:]):
            mixed = SealedKeys(one.generation, 0, b"".join(mixture) + commitment)
            assert BrandKeyWrapper(ring(), ALBA).unwrap([(7, mixed), (7, one)], [CONTACT])[0] is None


def test_whoever_knows_the_class_keys_of_a_record_cannot_give_them_to_another():
    """The commitment is keyed with the brand's own keys, not with the keys of the record."""
    known, _ = sealed(sealer())
    alba, boreas = BrandKeyWrapper(ring(), ALBA), BrandKeyWrapper(ring(), BOREAS)
    given, to_eight, to_zero = alba.unwrap([(7, known), (8, known), (0, known)], [CONTACT])
    assert given is not None
    assert (to_eight, to_zero) == (None, None)
    assert boreas.unwrap([(7, known)], [CONTACT]) == [None]


def test_wraps_fix_all_three_keys_even_for_a_ring_that_shares_two_of_them():
    """A ring with another key for values alone must not give out the contact key under the same commitment."""
    names = ring()
    changed = {
        name: bytes(32) if (name.purpose, name.detail) == (KeyPurpose.WRAP, "VALUE") else names.get(*name_of(name))
        for name in names.names()
    }
    keys, record = sealed(sealer())
    with pytest.raises(OpenError):
        BrandOpener(KeyRing(changed), ALBA).open(record, keys, {CONTACT: None})


def name_of(name):
    return name.purpose, name.scope, name.detail, name.generation


def test_a_record_that_does_not_open_leaves_the_others_of_its_batch_alone():
    both = sealer(wrap=(1, 2))
    old = sealer(wrap=(1,))
    rows = [sealed(old, 3), sealed(both, 4), sealed(both, 5), sealed(old, 6), sealed(both, 7), sealed(both, 8)]
    batch = [(record, keys) for keys, record in rows]
    batch[1] = (batch[1][0], batch[2][1])
    contact = batch[3][0].envelopes[0]
    batch[3] = (SealedRecord(6, 1, (contact[:-1] + bytes((contact[-1] ^ 1,)), None, None)), batch[3][1])
    batch[5] = (SealedRecord(8, -1, batch[5][0].envelopes), batch[5][1])
    opened = opener(wrap=(1, 2)).open_many(batch, {CONTACT: [2]})
    mail = {2: b"ada@example.com"}
    assert opened == [mail, None, mail, None, mail, None]


def test_keys_are_wrapped_anew_in_batches_and_a_changed_row_is_named():
    both = sealer(wrap=(1, 2))
    rows = [(at, sealed(sealer(wrap=(1,)), at)) for at in range(5)]
    moved = both.rewrap([(at, keys) for at, (keys, _) in rows])
    only_new = opener(wrap=(2,))
    for (_, (_, record)), keys in zip(rows, moved, strict=True):
        assert only_new.open(record, keys, {CONTACT: [1]}) == {1: b"Ada"}
    with pytest.raises(OpenError, match="the keys of record 1 do not open"):
        both.rewrap([(0, rows[0][1][0]), (1, rows[2][1][0])])
