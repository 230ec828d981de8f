"""A counter over a span holds nothing too short, and nothing longer than the skew and two steps."""

from __future__ import annotations

import pytest
from pyroaring import BitMap

from cloakroom.gate.windows import SlidingSet, SlidingSum, bucket_width

SPANS = [(600, 0), (601, 0), (600, 7), (659, 13), (61, 1), (59, 0), (7, 3), (1, 0)]


@pytest.mark.parametrize(("length", "skew"), SPANS)
def test_what_was_counted_stays_to_the_last_instant_of_its_span(length, skew):
    width = bucket_width(length)
    for at in range(1_000, 1_000 + 2 * width):
        for age in (length - 1, length + skew - 1):
            records, probes = SlidingSet(length, skew), SlidingSum(length, skew)
            records.add(at, BitMap([1, 2]))
            probes.add(at, 3)
            assert len(records.live_at(at + age)) == 2, (at, age)
            assert probes.total_at(at + age) == 3, (at, age)
            # The same once something else is counted at that moment, which drops what is over.
            records.add(at + age, BitMap([9]))
            probes.add(at + age, 4)
            assert len(records.live_at(at + age)) == 3, (at, age)
            assert probes.total_at(at + age) == 7, (at, age)


@pytest.mark.parametrize(("length", "skew"), SPANS)
def test_what_was_counted_is_gone_two_steps_after_its_span(length, skew):
    width = bucket_width(length)
    for at in range(1_000, 1_000 + 2 * width):
        records, probes = SlidingSet(length, skew), SlidingSum(length, skew)
        records.add(at, BitMap([1, 2]))
        probes.add(at, 3)
        later = at + length + skew + 2 * width
        assert not records.live_at(later)
        assert probes.total_at(later) == 0
        assert records.room_at(at, BitMap([7]), 2) <= later
        assert probes.room_at(at, 1, 3) <= later


def test_a_lifetime_holds_everything_until_it_is_cleared():
    records, probes = SlidingSet(None, 5), SlidingSum(None, 5)
    records.add(1, BitMap([1]))
    probes.add(1, 3)
    assert (len(records.live_at(10**17)), probes.total_at(10**17)) == (1, 3)
    assert records.room_at(1, BitMap([2]), 1) is None
    assert probes.room_at(1, 1, 3) is None
    records.clear()
    probes.clear()
    assert (len(records.live_at(10**17)), probes.total_at(10**17)) == (0, 0)
