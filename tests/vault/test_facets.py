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
