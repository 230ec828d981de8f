"""Folded history: the lifetime is exact, windows never shorter and hardly longer, and there are few items."""

from __future__ import annotations

import random
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from cloakroom.gate.budget import DEFAULT_SKEW, OpenedRecords
from cloakroom.gate.draw import Renewed
from cloakroom.gate.folding import CountedItem, Folding, events_of
from cloakroom.gate.policy import Budget, Window, WindowName
from cloakroom.vocabulary import FieldClass

SECOND = 1_000_000
MINUTE = 60 * SECOND
BURST, DAY = 10 * MINUTE, 24 * 60 * MINUTE
START = 1_750_000_000 * SECOND


@st.composite
def histories(draw):
    """Counted entries of some hours, renewals and clocks set back among them; the places at which they are folded."""
    source = random.Random(draw(st.integers(0, 2**32)))
    at, events = START, []
    for _ in range(draw(st.integers(1, 60))):
        at += source.choice([0, SECOND // 3, SECOND, 7 * SECOND, MINUTE, 11 * MINUTE, 3 * 60 * MINUTE, -25 * MINUTE])
        if source.random() < 0.08:
            events.append((at, Renewed()))
            continue
        drawn = source.choice([("contact",), ("contact", "identity"), ("value",), ()])
        records = BitMap(source.sample(range(40), source.randint(1, 6))) if drawn else BitMap()
        events.append((at, CountedItem(at, source.choice(["a", "b"]), drawn, source.randint(0, 3), records)))
    folds = sorted(draw(st.sets(st.integers(0, len(events)), max_size=4)))
    return (
        events,
        folds,
        max([START, *(at for at, _ in events)])
        + draw(st.sampled_from([0, SECOND, MINUTE, 9 * MINUTE, BURST, 23 * 60 * MINUTE, DAY])),
    )


def folded(events, folds):
    """Fold events in several steps, each time going on from the items of the last."""
    items: tuple[CountedItem, ...] = ()
    for start, end in pairwise([0, *folds, len(events)]):
        folding = Folding(items)
        for at, event in events[start:end]:
            folding.add(at, event)
        items = folding.items()
    return items


def view_of(budget, events):
    view = OpenedRecords(budget)
    for at, event in events:
        view.apply(at, event.draw() if isinstance(event, CountedItem) else event)
    return view


def levels(view, at, budget):
    return {
        (level.window, level.counter, brand): level.before
        for brand in "ab"
        for level in view.levels(at, brand, budget)
    }


def since_renewal(events):
    last = max((place for place, (_, event) in enumerate(events) if isinstance(event, Renewed)), default=-1)
    return [event for _, event in events[last + 1 :]]


@settings(max_examples=300, deadline=None)
@given(histories())
def test_a_view_of_a_folded_history_counts_the_lifetime_exactly_and_windows_never_short_and_hardly_long(story):
    events, folds, now = story
    budget = make_budget()
    exact, rebuilt = view_of(budget, events), OpenedRecords(budget)
    for at, event in events_of(folded(events, folds)):
        rebuilt.apply(at, event)
    before, after = levels(exact, now, budget), levels(rebuilt, now, budget)
    assert before.keys() == after.keys()
    for place, count in before.items():
        if place[0] is WindowName.LIFETIME:
            assert after[place] == count, place
    # What each window must hold, and what it may: everything within it, and within it and a thirtieth.
    for name, length in ((WindowName.BURST, BURST), (WindowName.DAY, DAY)):
        must = within(events, now - length)
        may = within(events, now - length - DEFAULT_SKEW - 3 * length // 60 - SECOND)
        held = after[name, "records", "a"]
        assert len(must) <= held <= len(may)
        assert after[name, "probes", "a"] >= sum(event.probes for _, event in drawn_since(events, now - length))
    opened = BitMap()
    for event in since_renewal(events):
        opened |= event.records
    assert after[WindowName.LIFETIME, "records", "a"] == len(opened)


def drawn_since(events, start):
    # A time earlier than the latest before it counts as that one.
    times = accumulate((at for at, _ in events), max)
    return [
        (at, event)
        for at, (_, event) in zip(times, events, strict=True)
        if isinstance(event, CountedItem) and at > start
    ]


def within(events, start):
    records = BitMap()
    for _, event in drawn_since(events, start):
        records |= event.records
    return records


@pytest.mark.parametrize("foldings", [1, 2, 40])
def test_no_entry_is_moved_back_nor_on_by_more_than_a_sixtieth_of_its_age_or_a_second(foldings):
    times = [START + number * 17 * SECOND // 3 for number in range(20_000)]
    events = [(at, CountedItem(at, "a", ("contact",), 1, BitMap([number]))) for number, at in enumerate(times)]
    items = folded(events, list(range(0, len(events), len(events) // foldings))[1:])
    moved = {record: item.at - times[record] for item in items for record in item.records}
    assert len(moved) == len(times)
    for record, by in moved.items():
        assert 0 <= by <= max(SECOND, (times[-1] - times[record]) // 60), record


@pytest.mark.parametrize("hours", [1, 24, 24 * 30])
def test_however_much_a_lineage_does_its_history_stays_short(hours):
    folding = Folding()
    step = max(hours * 60 * MINUTE // 60_000, 1)
    for number in range(60_000):
        folding.add(
            START + number * step, CountedItem(START + number * step, "a", ("contact",), 1, BitMap([number % 5_000]))
        )
    items = folding.items()
    assert len(items) < 1_200
    assert sum(item.probes for item in items) == 60_000
    assert len(BitMap.union(*(item.records for item in items))) == 5_000
    assert len(Folding(items).items()) == len(items)


def test_an_item_has_the_time_of_its_latest_entry():
    folding = Folding()
    for at in (START + 2, START + 5, START + 9):
        folding.add(at, CountedItem(at, "a", ("contact",), 1, BitMap([at % 7])))
    [item] = folding.items()
    assert (item.at, item.probes) == (START + 9, 3)


def test_an_entry_of_a_clock_that_was_set_back_has_the_time_of_the_latest_before_it():
    for items in ((), (CountedItem(START, "a", ("contact",), 1, BitMap([1])),)):
        folding = Folding(items)
        if not items:
            folding.add(START, CountedItem(START, "a", ("contact",), 1, BitMap([1])))
        folding.add(START - DAY, CountedItem(START - DAY, "b", ("contact",), 1, BitMap([2])))
        assert {item.at for item in folding.items()} == {START}


def test_a_renewal_keeps_what_came_before_apart_from_what_came_after():
    folding = Folding()
    folding.add(START, CountedItem(START, "a", ("contact",), 1, BitMap([1])))
    folding.add(START, Renewed())
    folding.add(START, CountedItem(START, "a", ("contact",), 1, BitMap([2])))
    first, second = folding.items()
    assert (first.is_renewed, first.records) == (True, BitMap([1]))
    assert (second.is_renewed, second.records) == (False, BitMap([2]))
    assert [type(event) for _, event in events_of([first, second])][1] is Renewed
    assert [type(event) for _, event in events_of([first])][1] is Renewed
    assert next(type(event) for _, event in events_of([second])) is not Renewed


def make_budget() -> Budget:
    spans = {WindowName.BURST: BURST, WindowName.DAY: DAY, WindowName.LIFETIME: None}
    windows = [
        Window(name, length, 1_000, {FieldClass.CONTACT: 1_000, FieldClass.VALUE: 1_000}, 1_000, 10_000)
        for name, length in spans.items()
    ]
    return Budget("wide", *windows)


def test_an_entry_after_a_renewal_counts_from_it_although_its_clock_was_set_back_and_history_was_folded_between():
    budget = make_budget()
    first = CountedItem(START, "a", ("contact",), 0, BitMap([1]))
    late = CountedItem(START - 25 * MINUTE, "a", ("contact",), 1, BitMap([2]))
    events = [(START, first), (START + 11 * MINUTE, Renewed()), (late.at, late)]
    for folds in ([], [1], [2], [1, 2]):
        view = OpenedRecords(budget)
        for at, event in events_of(folded(events, folds)):
            view.apply(at, event)
        found = levels(view, START + 20 * MINUTE, budget)
        assert found[WindowName.BURST, "records", "a"] == 1, folds
        assert found[WindowName.BURST, "probes", "a"] == 1, folds
        assert found[WindowName.LIFETIME, "records", "a"] == 1, folds
