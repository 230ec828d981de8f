"""Components over arrays agree with the naive way, on every small graph and on random large ones."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.scoping.linking import connect, find_holders, select_keys


def naive_labels(size, pairs):
    groups = [{node} for node in range(size)]
    for one, other in pairs:
        first = next(group for group in groups if one in group)
        second = next(group for group in groups if other in group)
        if first is not second:
            groups.remove(second)
            first |= second
    labels = [0] * size
    for group in groups:
        for node in group:
            labels[node] = min(group)
    return labels


def as_pairs(pairs):
    return (
        np.array([one for one, _ in pairs], dtype=np.uint32),
        np.array([other for _, other in pairs], dtype=np.uint32),
    )


def test_every_graph_of_five_records_is_connected_as_by_hand():
    edges = list(itertools.combinations(range(5), 2))
    for choice in range(2 ** len(edges)):
        pairs = [edge for place, edge in enumerate(edges) if choice >> place & 1]
        start = np.arange(5, dtype=np.uint32)
        assert connect(start, as_pairs(pairs)).tolist() == naive_labels(5, pairs)
        assert start.tolist() == list(range(5))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=80), st.integers(0, 80))
@settings(deadline=None)
def test_connecting_in_two_steps_is_connecting_at_once(pairs, cut):
    start = np.arange(61, dtype=np.uint32)
    at_once = connect(start, as_pairs(pairs))
    steps = connect(connect(start, as_pairs(pairs[:cut])), as_pairs(pairs[cut:]))
    assert at_once.tolist() == steps.tolist() == naive_labels(61, pairs)


def test_a_long_chain_in_the_worst_order_is_one_component():
    size = 20_000
    chain = [(place, place + 1) for place in range(size - 1)][::-1]
    assert set(connect(np.arange(size, dtype=np.uint32), as_pairs(chain)).tolist()) == {0}


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 9)), max_size=40))
def test_holders_are_each_record_once_per_key(rows):
    words = np.array([word for word, _ in rows], dtype=np.uint64)
    ordinals = np.array([ordinal for _, ordinal in rows], dtype=np.uint32)
    holders = find_holders(words, ordinals)
    held = {}
    for word, ordinal in rows:
        held.setdefault(word, set()).add(ordinal)
    expected = sorted(sorted(members) for members in held.values())
    parts = [
        holders.ordinals[start : start + size].tolist()
        for start, size in zip(holders.starts, holders.sizes, strict=True)
    ]
    assert sorted(parts) == expected
    pairs = {pair for members in held.values() for pair in itertools.combinations(sorted(members), 2)}
    first, second = holders.all_pairs()
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == sorted(pairs)
    by_chain = naive_labels(10, zip(*(side.tolist() for side in holders.chain_pairs()), strict=True))
    assert by_chain == naive_labels(10, pairs)


def test_selected_keys_keep_their_records():
    holders = find_holders(np.array([5, 5, 6, 7, 7, 7], np.uint64), np.array([1, 2, 3, 4, 5, 6], np.uint32))
    chosen = select_keys(holders, holders.sizes != 2)
    assert chosen.ordinals.tolist() == [3, 4, 5, 6]
    assert chosen.starts.tolist() == [0, 1]
