"""Keys get numbers in the order in which they come, whatever their hashes have in common."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.claims.key_table import KeyTable

# Few low bits, so that many hashes want one place; 0 is the mark of an empty one.
CROWDED = st.integers(0, 40).map(lambda number: (number << 40) % (1 << 64))
HASHES = st.lists(st.one_of(CROWDED, st.integers(2, (1 << 64) - 1), st.just(0)), max_size=60)


@given(st.lists(HASHES, max_size=8))
def test_every_key_has_the_number_of_its_first_arrival(batches):
    table, numbers = KeyTable(), {}
    for batch in batches:
        asked = np.array(batch, np.uint64)
        expected = [numbers.get(value, -1) for value in batch]
        assert table.numbers(asked).tolist() == expected
        fresh = list(dict.fromkeys(value for value in batch if value not in numbers))
        table.add(np.array(fresh, np.uint64))
        numbers.update({value: place for place, value in enumerate(fresh, len(numbers))})
        assert len(table) == len(numbers)
        assert table.numbers(asked).tolist() == [numbers[value] for value in batch]


def test_a_table_that_grows_many_times_forgets_nothing():
    table = KeyTable()
    hashes = np.random.default_rng(4).permutation(np.arange(1, 400_001, dtype=np.uint64)) * np.uint64(
        0x9E3779B97F4A7C15
    )
    for start in range(0, hashes.size, 70_000):
        table.add(hashes[start : start + 70_000])
    assert np.array_equal(table.numbers(hashes), np.arange(hashes.size))
    assert (table.numbers(hashes + np.uint64(1)) == -1).all()
