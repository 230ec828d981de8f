from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloakroom.canonical.salesforce_ids import id_suffix, long_ids

SHORT = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=15, max_size=15)


def by_hand(short: str) -> str:
    """Compute the suffix bit by bit, as the vendor describes it."""
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    parts = [short[start : start + 5] for start in (0, 5, 10)]
    return "".join(signs[sum(sign.isupper() << place for place, sign in enumerate(part))] for part in parts)


def test_a_published_example_has_its_suffix() -> None:
    assert id_suffix("0013000000abcde") == "AAA"
    assert id_suffix("0013000000ABCDE") == "AA5"
    assert id_suffix("A013000000aBcDe") == "BAK"


@given(st.lists(SHORT, max_size=5))
def test_ids_get_the_suffix_of_their_capitals(ids) -> None:
    whole = [short + by_hand(short) for short in ids]
    assert [short + id_suffix(short) for short in ids] == long_ids(ids) == long_ids(whole) == whole


@given(SHORT)
def test_a_change_of_letter_case_is_undone_by_the_suffix(short) -> None:
    whole = short + by_hand(short)
    assert long_ids([whole.lower(), whole.upper()]) == [whole, whole]


def test_a_suffix_that_is_none_leaves_the_id_as_it_is() -> None:
    assert long_ids(["0013000000abcde9AA"]) == ["0013000000abcde9AA"]
    assert long_ids([]) == []
