"""Blind indexes: equal within a brand, unlinkable between brands, and permuted without opening anybody."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.vault.blind_index import SHARED_SCOPE, BrandIndex, LinkDigests

LINK = LinkDigests(bytes(range(32)))
ALBA, BOREAS, ALBA_NEXT = (BrandIndex(bytes([number]) * 32) for number in (1, 2, 3))
forms = st.lists(st.text(max_size=30), min_size=1, max_size=10)


@given(forms)
@settings(max_examples=100, deadline=None)
def test_the_same_form_gives_the_same_digest_whatever_stands_beside_it(values):
    together = LINK.digest(2, SHARED_SCOPE, values)
    assert together == b"".join(LINK.digest(2, SHARED_SCOPE, [value]) for value in values)
    assert len(together) == 16 * len(values)


@given(st.text(max_size=30))
@settings(max_examples=100, deadline=None)
def test_kind_scope_group_and_brand_all_change_the_digest(value):
    link = LINK.digest(2, SHARED_SCOPE, [value])
    others = [
        LINK.digest(3, SHARED_SCOPE, [value]),
        LINK.digest(2, 1, [value]),
        LINK.digest(2, SHARED_SCOPE, [value + " "]),
        LinkDigests(bytes(32)).digest(2, SHARED_SCOPE, [value]),
        ALBA.to_stored(link),
        BOREAS.to_stored(link),
        ALBA_NEXT.to_stored(link),
    ]
    assert len({link, *others}) == len(others) + 1


@given(st.binary(max_size=320).map(lambda data: data[: len(data) // 16 * 16]))
@settings(max_examples=100, deadline=None)
def test_a_rotation_of_the_index_key_needs_no_value(links):
    moved = ALBA_NEXT.to_stored(ALBA.to_link(ALBA.to_stored(links)))
    assert ALBA_NEXT.to_link(moved) == links
