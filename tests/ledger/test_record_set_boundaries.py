"""A sealed set opens only as the bytes that were specified, under its key, generation and place, and nothing else."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from cloakroom.crypto import AEAD_NONCE_SIZE, AuthenticatedCipher, hmac_sha256
from cloakroom.errors import TamperedError
from cloakroom.ledger.record_sets import (
    RecordSetSealer,
    decode_set_bundle,
    encode_set,
    encode_set_bundle,
    entry_place,
    is_sealed_set,
)

KEY, OTHER = bytes(range(32)), bytes(range(32, 64))
NONCE = b"n" * AEAD_NONCE_SIZE
HEADER_SIZE, TAG_SIZE = 39, 16


def sealed_by_hand(plain: bytes, *, generation: int = 1, place: str = "entry/anna", form: int = 1) -> bytes:
    """Seal any plaintext as `docs/spec/record-set.md` says, as somebody who holds the key can."""
    numbers = struct.pack(">BH", form, generation)
    commitment = hmac_sha256(KEY, b"cloakroom/record-set/commitment" + numbers)[:24]
    context = b"cloakroom/record-set" + numbers + place.encode()
    return numbers + commitment + NONCE + AuthenticatedCipher(KEY).seal(NONCE, plain, context)


def padded(bitmap: bytes, size: int | None = None) -> bytes:
    plain = struct.pack(">I", len(bitmap) if size is None else size) + bitmap
    return plain + bytes(-len(plain) % 64)


def opened(sealed: bytes) -> BitMap:
    return RecordSetSealer({1: KEY}).open("entry/anna", sealed)


def test_what_is_sealed_by_hand_is_what_the_sealer_makes() -> None:
    records = BitMap([3, 5, 7])
    by_hand = sealed_by_hand(padded(encode_set(records)))
    assert RecordSetSealer({1: KEY}, lambda _: NONCE).seal(entry_place("anna"), records) == by_hand
    assert opened(by_hand) == records


@pytest.mark.parametrize(
    "sealed",
    [
        pytest.param(sealed_by_hand(padded(encode_set(BitMap([3]))), form=2), id="format"),
        pytest.param(sealed_by_hand(padded(encode_set(BitMap([3]))), generation=2), id="generation"),
        pytest.param(sealed_by_hand(padded(encode_set(BitMap([3]))), place="entry/bea"), id="place"),
        pytest.param(b"\2" + sealed_by_hand(padded(encode_set(BitMap([3]))))[1:], id="format told otherwise"),
        pytest.param(sealed_by_hand(b""), id="nothing"),
        pytest.param(sealed_by_hand(b"\0\0"), id="half a length"),
        pytest.param(sealed_by_hand(bytes(64)), id="no bitmap"),
        pytest.param(sealed_by_hand(padded(b"not a bitmap")), id="no Roaring bitmap"),
        pytest.param(sealed_by_hand(padded(encode_set(BitMap([3])), 61)), id="longer than what is there"),
        pytest.param(sealed_by_hand(padded(encode_set(BitMap([3])), 2**32 - 1)), id="much longer"),
        pytest.param(sealed_by_hand(padded(encode_set(BitMap([3])), 9)), id="shorter than the bitmap"),
        pytest.param(sealed_by_hand(padded(encode_set(BitMap([3])))[:-1] + b"x"), id="something after the bitmap"),
        pytest.param(sealed_by_hand(padded(encode_set(BitMap([3]))) + b"\0"), id="not padded to a step"),
        pytest.param(b"", id="empty"),
    ],
)
def test_what_is_no_set_for_this_place_does_not_open_and_is_told_in_one_way(sealed: bytes) -> None:
    with pytest.raises(TamperedError, match=r"^the record set of entry/anna does not open$"):
        opened(sealed)


def test_an_older_set_is_not_taken_for_one_of_another_generation_under_the_same_key() -> None:
    sealed = bytearray(RecordSetSealer({1: KEY}).seal("entry/anna", BitMap([1])))
    sealed[2] = 2
    with pytest.raises(TamperedError):
        RecordSetSealer({1: KEY, 2: KEY}).open("entry/anna", bytes(sealed))


def test_two_seals_of_one_set_have_nothing_in_common_but_their_header() -> None:
    sealer = RecordSetSealer({1: KEY})
    one, other = (sealer.seal("entry/anna", BitMap([1])) for _ in range(2))
    assert one[:27] == other[:27]
    assert one[27:39] != other[27:39]
    assert one[39:] != other[39:]


@pytest.mark.parametrize("count", [1, 2, 21, 22, 23, 54, 100])
def test_small_sets_look_alike_and_larger_ones_grow_by_steps(count: int) -> None:
    records = BitMap(range(0, 3 * count, 3))
    expected = -(-(4 + len(encode_set(records))) // 64) * 64
    assert len(RecordSetSealer({1: KEY}).seal("entry/anna", records)) == HEADER_SIZE + expected + TAG_SIZE


def test_a_generation_that_nobody_has_is_asked_for_and_then_refused() -> None:
    asked = []

    def refreshed() -> dict[int, bytes]:
        asked.append(1)
        return {1: KEY}

    sealer = RecordSetSealer({1: KEY}, refreshed=refreshed)
    later = RecordSetSealer({1: KEY, 2: OTHER}).seal("entry/anna", BitMap([1]))
    with pytest.raises(TamperedError):
        sealer.open("entry/anna", later)
    assert asked == [1]
    assert sealer.open("entry/anna", sealer.seal("entry/anna", BitMap([4]))) == BitMap([4])
    assert asked == [1]


def test_after_adopting_keys_the_newest_seals_and_dropped_ones_open_nothing() -> None:
    sealer = RecordSetSealer({1: KEY})
    old = sealer.seal("entry/anna", BitMap([1]))
    sealer.adopt({9: OTHER, 2: KEY})
    assert struct.unpack_from(">BH", sealer.seal("entry/anna", BitMap([1]))) == (1, 9)
    with pytest.raises(TamperedError):
        sealer.open("entry/anna", old)


@pytest.mark.parametrize(
    ("size", "is_set"), [(63, False), (64, True), (65, False), (127, False), (128, True), (0, False)]
)
def test_the_shape_of_a_sealed_set_is_told_to_the_byte(size: int, is_set: bool) -> None:
    assert is_sealed_set(b"\1" + bytes(HEADER_SIZE - 1 + size + TAG_SIZE)) is is_set
    assert not is_sealed_set(b"\2" + bytes(HEADER_SIZE - 1 + size + TAG_SIZE))
    assert not is_sealed_set(b"")


@given(st.lists(st.none() | st.binary(min_size=1, max_size=80), max_size=8))
def test_a_bundle_gives_back_its_sets_in_their_places(sets: list[bytes | None]) -> None:
    data = encode_set_bundle(sets)
    assert decode_set_bundle(data) == sets
    assert len(data) == sum(4 + len(item or b"") for item in sets)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\0", "ends within a length"), (b"\0\0\0", "ends within a length"), (b"\0\0\0\1", "ends within a set"),
        (b"\0\0\0\2x", "ends within a set"), (b"\xff\xff\xff\xffx", "ends within a set"),
        (b"\0\0\0\1x\0\0\0", "ends within a length"),
    ],
)  # fmt: skip
def test_a_bundle_that_ends_early_is_refused_and_the_place_told(data: bytes, message: str) -> None:
    with pytest.raises(TamperedError, match=f"^{message}$"):
        decode_set_bundle(data)
    assert decode_set_bundle(b"") == []
    assert decode_set_bundle(b"\0\0\0\0\0\0\0\1x") == [None, b"x"]


@given(st.sets(st.integers(0, 2**32 - 1), max_size=100))
def test_a_set_is_encoded_so_that_others_read_it_and_is_left_as_it_was(ordinals: set[int]) -> None:
    records = BitMap(ordinals)
    before = records.serialize()
    assert BitMap.deserialize(encode_set(records)) == records
    assert records.serialize() == before


def test_a_run_is_encoded_as_one_and_the_set_that_was_given_stays_as_it_was() -> None:
    records = BitMap()
    for ordinal in range(300):
        records.add(ordinal)
    before = records.serialize()
    assert len(encode_set(records)) < 20 < len(before)
    assert records.serialize() == before
