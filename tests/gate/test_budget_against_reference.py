"""The fast view agrees with a slow one that keeps every event."""

from __future__ import annotations

from gate_oracle import Reference
from gate_worlds import MINUTE, START, window
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from cloakroom.gate.budget import Draw, OpenedRecords, Renewed
from cloakroom.gate.policy import Budget
from cloakroom.vocabulary import FieldClass

SKEW = MINUTE
LENGTH = 60 * MINUTE

sets = st.frozensets(st.integers(0, 30), max_size=6).map(BitMap)
draws = st.builds(
    lambda brand, kinds, shared, own, probes: Draw(
        brand, {kind: (shared if index % 2 else own) for index, kind in enumerate(sorted(kinds))}, probes=probes
    ),
    st.sampled_from(["auberon", "balmere"]),
    st.frozensets(st.sampled_from(list(FieldClass))),
    sets,
    sets,
    st.sampled_from([0, 0, 1, 3]),
)
steps = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 17, 59 * MINUTE, 60 * MINUTE, 61 * MINUTE, 25 * 60 * MINUTE, -5]),
        draws | st.just(None),
    ),
    max_size=25,
)


def a_budget(ceiling: int) -> Budget:
    classes = {FieldClass.VALUE: ceiling, FieldClass.CONTACT: ceiling}
    return Budget(
        "small",
        window("burst", LENGTH, ceiling, classes=classes, per_brand=ceiling, probes=ceiling),
        window("day", 24 * LENGTH, ceiling, classes=classes, per_brand=ceiling, probes=ceiling),
        window("lifetime", None, ceiling, classes=classes, per_brand=ceiling, probes=ceiling),
    )


@settings(max_examples=400, deadline=None)
@given(steps, st.integers(3, 12))
def test_nothing_that_the_reference_refuses_is_permitted_and_the_slack_is_bounded(
    events: list[tuple[int, Draw | None]], ceiling: int
) -> None:
    budget = a_budget(ceiling)
    view, reference = OpenedRecords(budget, skew=SKEW), Reference()
    now = START
    for wait, event in events:
        now += wait
        if event is None:
            view.apply(now, Renewed())
            reference.apply(now, Renewed())
            continue
        at = max(now, view.seen)
        assessment = view.assess(now, event, budget)
        assert assessment.at == at
        exact = reference.counts(at, budget)
        for level in assessment.levels:
            key = f"brand {event.brand}" if level.counter == "brand" else level.counter
            assert level.before >= exact.get((level.window.value, key), 0)
        if assessment.permitted:
            reference.apply(at, event)
            view.apply(assessment.at, event)
            for count in reference.counts(at, budget).values():
                assert count <= ceiling


@settings(max_examples=300, deadline=None)
@given(steps)
def test_a_view_without_ceilings_in_the_way_counts_between_the_window_and_one_bucket_more(
    events: list[tuple[int, Draw | None]],
) -> None:
    budget = a_budget(10_000)
    longer = Budget(
        "longer",
        window("burst", LENGTH + SKEW + LENGTH // 60, 1, classes=budget.burst.classes, per_brand=1),
        window("day", 24 * LENGTH + SKEW + 24 * LENGTH // 60, 1, classes=budget.burst.classes, per_brand=1),
        window("lifetime", None, 1, classes=budget.burst.classes, per_brand=1),
    )
    view, reference = OpenedRecords(budget, skew=SKEW), Reference()
    now = START
    for wait, event in events:
        now += wait
        at = max(now, view.seen)
        view.apply(now, event or Renewed())
        reference.apply(now, event or Renewed())
        for brand in ("auberon", "balmere"):
            low, high = reference.counts(at, budget), reference.counts(at, longer)
            for level in view.levels(now, brand, budget):
                key = (level.window.value, f"brand {brand}" if level.counter == "brand" else level.counter)
                assert low.get(key, 0) <= level.before <= high.get(key, 0), key
