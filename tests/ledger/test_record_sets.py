"""Sets of records beside entries: sealed, bound to their place, and open to nobody without the key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from cloakroom.crypto import AuthenticatedCipher
from cloakroom.errors import TamperedError
from cloakroom.ledger.record_sets import RecordSetSealer, encode_set, entry_place, is_sealed_set

ONE, OTHER = bytes(range(32)), bytes(range(32, 64))
PLACE = entry_place("anna")


@given(st.sets(st.integers(0, 2**31 - 1), max_size=200))
def test_what_is_sealed_opens_where_it_belongs_and_nowhere_else(ordinals):
    sealer, records = RecordSetSealer({1: ONE}), BitMap(ordinals)
    sealed = sealer.seal(PLACE, records)
    assert is_sealed_set(sealed)
    assert sealer.open(PLACE, sealed) == records
    assert (len(sealed) - 39 - 16) % 64 == 0
    for place in ("entry/ann", "entry/anna2", "rollup/anna", ""):
        with pytest.raises(TamperedError, match="does not open"):
            sealer.open(place, sealed)


def test_every_changed_byte_and_every_cut_is_noticed():
    sealer = RecordSetSealer({1: ONE})
    sealed = sealer.seal(PLACE, BitMap([3, 5, 70_000]))
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(TamperedError):
            sealer.open(PLACE, bytes(changed))
    for size in range(len(sealed)):
        with pytest.raises(TamperedError):
            sealer.open(PLACE, sealed[:size])


def test_a_set_under_another_key_is_refused_before_anything_is_opened(monkeypatch):
    sealed = RecordSetSealer({1: ONE}).seal(PLACE, BitMap([1]))

    def opened(*_):
        raise AssertionError("opened under a key that the set does not commit to")

    monkeypatch.setattr(AuthenticatedCipher, "open", opened)
    with pytest.raises(TamperedError):
        RecordSetSealer({1: OTHER}).open(PLACE, sealed)


def test_new_sets_go_under_the_newest_key_and_old_ones_go_on_opening():
    old = RecordSetSealer({1: ONE}).seal(PLACE, BitMap([1]))
    both = RecordSetSealer({1: ONE, 2: OTHER})
    new = both.seal(PLACE, BitMap([1]))
    assert both.open(PLACE, old) == both.open(PLACE, new) == BitMap([1])
    with pytest.raises(TamperedError):
        RecordSetSealer({1: ONE}).open(PLACE, new)


def test_a_node_reads_the_keys_anew_when_another_one_has_added_a_generation():
    new = RecordSetSealer({1: ONE, 2: OTHER}).seal(PLACE, BitMap([9]))
    asked = []

    def refreshed():
        asked.append(1)
        return {1: ONE, 2: OTHER}

    behind = RecordSetSealer({1: ONE}, refreshed=refreshed)
    assert behind.open(PLACE, new) == BitMap([9])
    assert behind.open(PLACE, new) == BitMap([9])
    assert asked == [1]


def test_equal_sets_have_equal_bytes_however_they_were_made():
    one, other = BitMap(range(1000)), BitMap()
    for ordinal in reversed(range(1000)):
        other.add(ordinal)
    assert encode_set(one) == encode_set(other)
