"""Windows slide no further than a monotonic clock has witnessed."""

from __future__ import annotations

from gate_worlds import DAY, HOUR, START
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.gate.budget import DEFAULT_SKEW
from cloakroom.gate.gate_clock import DEFAULT_TOLERANCE, DRIFT, STORE_TOLERANCE, GateClock

SECOND = 1_000_000


def test_a_clock_that_runs_is_followed() -> None:
    clock = GateClock()
    for passed in (0, 1, 60, 3600):
        assert clock.observe(START + passed * SECOND, 100.0 + passed) == (START + passed * SECOND, None)


def test_a_step_forward_is_reported_once_and_not_followed() -> None:
    clock = GateClock()
    clock.observe(START, 0.0)
    at, step = clock.observe(START + DAY + SECOND, 1.0)
    assert at <= START + SECOND + DEFAULT_TOLERANCE + SECOND // DRIFT
    assert step is not None
    assert step.by == DAY
    at, step = clock.observe(START + DAY + 2 * SECOND, 2.0)
    assert at <= START + 2 * SECOND + DEFAULT_TOLERANCE + 2 * SECOND // DRIFT
    assert step is None


def test_a_step_back_is_reported_and_time_goes_on() -> None:
    clock = GateClock()
    clock.observe(START, 0.0)
    at, step = clock.observe(START + 10 * SECOND - HOUR, 10.0)
    assert step is not None
    assert step.by == -HOUR
    assert START < at <= START + 10 * SECOND


def test_the_return_of_a_clock_is_reported_too() -> None:
    clock = GateClock()
    clock.observe(START, 0.0)
    clock.observe(START + HOUR, 1.0)
    at, step = clock.observe(START + 2 * SECOND, 2.0)
    assert step is not None
    assert step.by == 0
    assert at >= START


def test_many_small_steps_do_not_add_up() -> None:
    clock = GateClock()
    wall = START
    at, _ = clock.observe(wall, 0.0)
    for turn in range(1, 1000):
        wall += 900_000
        at, _ = clock.observe(wall, turn * 0.001)
    assert at <= START + SECOND + DEFAULT_TOLERANCE + SECOND // DRIFT


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-10 * DAY, 10 * DAY), st.floats(0, 86400, allow_nan=False, allow_infinity=False)),
        max_size=30,
    )
)
def test_gate_time_never_goes_back_and_never_outruns_monotonic_time(steps: list[tuple[int, float]]) -> None:
    clock = GateClock()
    last, _ = clock.observe(START, 0.0)
    monotonic, wall = 0.0, START
    for jump, passed in steps:
        monotonic += passed
        wall += jump
        at, _ = clock.observe(wall, monotonic)
        elapsed = int(monotonic * SECOND)
        assert at >= last
        assert at <= START + elapsed + DEFAULT_TOLERANCE + elapsed // DRIFT
        assert at >= START + elapsed - DEFAULT_TOLERANCE - elapsed // DRIFT
        last = at


def test_views_hold_records_longer_than_two_nodes_may_differ() -> None:
    assert 2 * STORE_TOLERANCE < DEFAULT_SKEW
    assert DEFAULT_TOLERANCE < STORE_TOLERANCE
