"""Turns between principals, and what is turned away."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.web.core.fair_queue import FairQueue
from cloakroom.web.protocol.limits import LIMITS


@dataclass(frozen=True)
class Item:
    lineage: str
    number: int
    size: int = 1


def test_one_with_many_requests_delays_another_by_one_turn():
    queue = FairQueue(replace(LIMITS, batch_requests=4))
    for number in range(100):
        queue.put(Item("greedy", number))
    queue.put(Item("modest", 0))
    assert "modest" in {item.lineage for item in queue.take()}


def test_who_waits_too_often_or_comes_too_late_is_turned_away():
    queue = FairQueue(replace(LIMITS, waiting=5, waiting_per_principal=3))
    assert [queue.put(Item("a", number)) for number in range(4)] == [None, None, None, "waiting"]
    assert [queue.put(Item("b", number)) for number in range(3)] == [None, None, "busy"]
    assert queue.is_full
    queue.take()
    assert queue.put(Item("a", 9)) is None


def test_a_request_larger_than_a_batch_is_taken_alone():
    queue = FairQueue(replace(LIMITS, batch_records=100))
    queue.put(Item("a", 0, 1_000))
    queue.put(Item("b", 1, 1))
    assert [item.number for item in queue.take()] == [0]
    assert [item.number for item in queue.take()] == [1]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 60)), max_size=60), st.integers(1, 8))
def test_nobody_is_lost_doubled_or_overtaken_by_their_own(asked, size):
    limits = replace(LIMITS, batch_requests=size, batch_records=100)
    queue = FairQueue(limits)
    items = [Item(lineage, number, records) for number, (lineage, records) in enumerate(asked)]
    assert all(queue.put(item) is None for item in items)
    taken = []
    while len(queue):
        batch = queue.take()
        assert 0 < len(batch) <= size
        assert len(batch) == 1 or sum(item.size for item in batch) <= 100
        taken += batch
    assert sorted(item.number for item in taken) == list(range(len(items)))
    for lineage in "abc":
        own = [item.number for item in taken if item.lineage == lineage]
        assert own == sorted(own)
    assert not queue.take()
