"""A set of hashes knows each of them whatever the order and size in which they came, waiting ones included."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.claims.distinct import DistinctHashes, hashes_of

VALUES = st.lists(st.sampled_from([0, 1, 2, 3, (1 << 63), (1 << 64) - 2, (1 << 64) - 1]), max_size=8)


def hashes(*values: int) -> np.ndarray:
    return np.array(values, np.uint64)


@given(st.lists(VALUES, max_size=6), VALUES, st.booleans())
def test_what_was_taken_in_is_known_and_nothing_else(batches, asked, is_asked_between) -> None:
    found, seen = DistinctHashes(), set()
    for batch in batches:
        found.add(hashes(*batch))
        seen.update(batch)
        if is_asked_between:  # Makes a run of its own of what came so far.
            assert found.unknown(hashes(*asked)).tolist() == [value not in seen for value in asked]
    assert found.unknown(hashes(*asked)).tolist() == [value not in seen for value in asked]
    assert found.all().tolist() == sorted(seen)
    assert len(found) == len(seen)


def test_a_set_may_be_added_to_after_it_was_counted() -> None:
    found = DistinctHashes()
    found.add(hashes(5, 3))
    assert len(found) == 2
    found.add(hashes(4, 3))
    assert found.all().tolist() == [3, 4, 5]


@pytest.mark.parametrize("sizes", [(8, 1), (1, 8), (4, 2, 1), (1, 1, 1, 1), (9, 4, 2, 1), (3, 2)])
def test_runs_of_every_proportion_are_searched_and_merged(sizes) -> None:
    found, ends = DistinctHashes(), [0, *np.cumsum(sizes).tolist()]
    for start, end in pairwise(ends):
        found.add(np.arange(start, end, dtype=np.uint64))
        found.unknown(hashes())
    total = ends[-1]
    assert found.unknown(np.arange(total + 1, dtype=np.uint64)).tolist() == [False] * total + [True]
    assert found.all().tolist() == list(range(total))


def test_a_null_has_no_hash_and_equal_values_have_one_under_each_seed() -> None:
    values = pl.Series(["a", None, "b", "a"])
    found = hashes_of(values, 7)
    assert found.size == 3
    assert found[0] == found[2] != found[1]
    assert set(found.tolist()).isdisjoint(hashes_of(values, 8).tolist())
