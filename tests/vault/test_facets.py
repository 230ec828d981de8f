"""Facets: sealed sets and sealed changes of them, against plain sets of the same story."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from cloakroom.errors import OpenError
from cloakroom.vault.facets import PERMANENT, FacetChange, FacetSealer

SEALER, OTHER = FacetSealer(bytes(32), 1), FacetSealer(bytes(32), 2)
places = st.sampled_from(
    [("country", "IT"), ("country", "FR"), ("kind", "customer"), ("record", "all"), ("erased", "all")]
)
sets = st.sets(st.integers(0, 60), max_size=12)
changes = st.builds(
    lambda removed, added: FacetChange(BitMap(removed), {place: BitMap(item) for place, item in added.items()}),
    sets,
    st.dictionaries(places, sets, max_size=4),
)


@given(st.text(max_size=20), st.text(max_size=20), st.sets(st.integers(0, 2**32 - 1), max_size=50))
@settings(max_examples=100, deadline=None)
def test_a_facet_opens_to_what_was_sealed(name, value, members):
    sealed = SEALER.seal(name, value, BitMap(members))
    assert SEALER.open(SEALER.key_of(name, value), sealed) == (name, value, BitMap(members))
    assert len(sealed) == 12 + 4096 + 16


@given(changes)
@settings(max_examples=100, deadline=None)
def test_a_change_opens_to_what_was_sealed(change):
    assert SEALER.open_change(SEALER.seal_change(change)) == change


@given(st.lists(changes, max_size=6))
@settings(max_examples=150, deadline=None)
def test_changes_do_to_facets_what_they_do_to_plain_sets(story):
    facets, plain = {}, {}
    for change in story:
        change.apply(facets)
        for place, members in plain.items():
            if place[0] not in PERMANENT:
                members -= set(change.removed)
        for place, added in change.added.items():
            plain.setdefault(place, set()).update(added)
    assert {place: set(members) for place, members in facets.items()} == plain


def test_applying_a_change_leaves_the_change_alone():
    change = FacetChange(BitMap(), {("country", "IT"): BitMap([1])})
    facets = {}
    change.apply(facets)
    facets["country", "IT"].add(2)
    assert change.added["country", "IT"] == BitMap([1])


def test_a_facet_opens_under_no_other_key_brand_or_place():
    sealed = SEALER.seal("country", "IT", BitMap([1, 2]))
    place = SEALER.key_of("country", "IT")
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for opener, key, data in (
        (OTHER, place, sealed),
        (FacetSealer(bytes([1]) * 32, 1), place, sealed),
        (SEALER, SEALER.key_of("country", "FR"), sealed),
        (SEALER, place, changed),
        (SEALER, place, sealed[:20]),
        (SEALER, place, b""),
    ):
        with pytest.raises(OpenError):
            opener.open(key, data)
    with pytest.raises(OpenError):
        SEALER.open_change(sealed)


def test_names_and_values_are_told_apart_however_they_are_cut():
    assert SEALER.key_of("ab", "c") != SEALER.key_of("a", "bc")
    assert FacetSealer(bytes([1]) * 32, 1).key_of("ab", "c") != SEALER.key_of("ab", "c")


@pytest.mark.parametrize("size", [4_096, 8_192, 16_384])
def test_a_facet_is_padded_to_the_next_power_of_two_and_a_full_one_gets_no_more(size):
    members = BitMap([1, 2])
    full = "n" * (size - 9 - len(members.serialize()) - 1)
    for name, padded in ((full, size), (full[:-1], size), (full + "n", 2 * size)):
        sealed = SEALER.seal(name, "v", members)
        assert len(sealed) == 12 + padded + 16
        assert SEALER.open(SEALER.key_of(name, "v"), sealed) == (name, "v", members)


@pytest.mark.parametrize(("name_size", "blocks"), [(4_000, 1), (4_200, 2), (8_300, 3), (12_500, 4)])
def test_a_change_is_padded_to_whole_blocks_of_four_kilobytes(name_size, blocks):
    change = FacetChange(BitMap([1]), {("n" * name_size, "v"): BitMap([2])})
    sealed = SEALER.seal_change(change)
    assert len(sealed) == 12 + 4_096 * blocks + 16
    assert SEALER.open_change(sealed) == change


def test_a_change_of_exactly_whole_blocks_still_ends_in_padding():
    rest = 4_096 - (9 + len(BitMap().serialize())) - (9 + len(BitMap([2]).serialize()))
    change = FacetChange(BitMap(), {("n" * (rest - 1), "v"): BitMap([2])})
    assert len(SEALER.seal_change(change)) == 12 + 8_192 + 16
    assert SEALER.open_change(SEALER.seal_change(change)) == change


def test_a_facet_is_no_change_and_a_change_no_facet():
    facet, change = SEALER.seal("country", "IT", BitMap([1])), SEALER.seal_change(FacetChange(BitMap([1]), {}))
    with pytest.raises(OpenError):
        SEALER.open_change(facet)
    with pytest.raises(OpenError):
        SEALER.open(SEALER.key_of("country", "IT"), change)
    with pytest.raises(OpenError):
        OTHER.open_change(change)


def test_every_changed_byte_of_the_ends_of_a_facet_is_found():
    sealed, place = SEALER.seal("country", "IT", BitMap([1, 2])), SEALER.key_of("country", "IT")
    for at in (*range(40), *range(len(sealed) - 40, len(sealed))):
        with pytest.raises(OpenError):
            SEALER.open(place, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])


def test_records_leave_every_facet_but_the_permanent_ones_and_then_enter():
    facets = {(name, "v"): BitMap([1, 2]) for name in ("country", "canary", "erased", "record")}
    FacetChange(BitMap([1]), {("country", "w"): BitMap([1])}).apply(facets)
    assert facets["country", "v"] == BitMap([2])
    assert facets["country", "w"] == BitMap([1])
    assert all(facets[name, "v"] == BitMap([1, 2]) for name in ("canary", "erased", "record"))
    FacetChange(BitMap([2]), {("country", "v"): BitMap([2])}).apply(facets)
    assert facets["country", "v"] == BitMap([2])
