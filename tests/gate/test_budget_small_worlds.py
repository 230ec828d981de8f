"""Every schedule of a small world, against a thief who tries them all."""

from __future__ import annotations

import itertools

import pytest
from gate_oracle import Reference
from gate_worlds import MINUTE, START, budget, contact
from pyroaring import BitMap

from cloakroom.gate.budget import Draw, OpenedRecords, Renewed
from cloakroom.gate.policy import Budget
from cloakroom.vocabulary import FieldClass

TICK = MINUTE
RECORDS = (0, 1, 2)
CEILING = 2


def windows_hold(opened: list[tuple[int, int]], length: int, ceiling: int) -> bool:
    """Lay a window at every opening and count what it holds, ends included."""
    return all(
        len({record for when, record in opened if start <= when <= start + length}) <= ceiling for start, _ in opened
    )


def small(lifetime: int = 100) -> Budget:
    return budget(CEILING, CEILING, lifetime, burst_length=4 * TICK, day_length=8 * TICK)


# Each move waits 0, 1 or 2 ticks, then opens one record or, as None, only lets time pass.
MOVES = [(wait, record) for wait in (0, 1, 2) for record in (*RECORDS, None)]


@pytest.mark.parametrize("skew", [0, TICK])
def test_no_schedule_of_five_moves_opens_more_than_the_ceiling_at_any_window_position(skew: int) -> None:
    rules = small()
    for schedule in itertools.product(MOVES, repeat=4):
        for last in RECORDS:
            view, opened, now = OpenedRecords(rules, skew=skew), [], START
            for wait, record in (*schedule, (1, last)):
                now += wait * TICK
                if record is None:
                    continue
                draw = contact(record)
                assessment = view.assess(now, draw, rules)
                if assessment.permitted:
                    view.apply(assessment.at, draw)
                    opened.append((now, record))
            assert windows_hold(opened, 4 * TICK, CEILING), (schedule, last)
            assert windows_hold(opened, 8 * TICK, CEILING), (schedule, last)


def test_no_schedule_of_six_openings_over_a_window_of_four_ticks_beats_it() -> None:
    rules = small()
    for waits in itertools.product((1, 2, 4), repeat=5):
        for records in itertools.product(RECORDS, repeat=5):
            view, opened, now = OpenedRecords(rules, skew=0), [], START
            for wait, record in zip((0, *waits), (0, *records), strict=True):
                now += wait * TICK
                draw = contact(record)
                assessment = view.assess(now, draw, rules)
                if assessment.permitted:
                    view.apply(assessment.at, draw)
                    opened.append((now, record))
            assert windows_hold(opened, 4 * TICK, CEILING), (waits, records)
            assert windows_hold(opened, 8 * TICK, CEILING), (waits, records)


def test_every_batch_of_a_small_world_is_permitted_exactly_as_the_reference_says() -> None:
    rules = small(lifetime=2)
    batches = [frozenset(batch) for size in (1, 2, 3) for batch in itertools.combinations(RECORDS, size)]
    for first, second, third in itertools.product(batches, repeat=3):
        for cut in (False, True):
            view, reference = OpenedRecords(rules, skew=0), Reference()
            for step, batch in enumerate((first, second, third)):
                draw = contact(*batch)
                assessment = view.assess(START + step, draw, rules, cut=cut)
                fits = (
                    max(count for (_, key), count in reference.counts(START, rules, draw).items() if key != "probes")
                    <= CEILING
                )
                if not cut:
                    assert assessment.permitted == fits
                elif not assessment.permitted:
                    assert not fits
                if assessment.permitted:
                    assert assessment.draw.records <= draw.records
                    view.apply(assessment.at, assessment.draw)
                    reference.apply(assessment.at, assessment.draw)
                    assert all(
                        count <= CEILING
                        for (_, key), count in reference.counts(START, rules).items()
                        if key != "probes"
                    )


def test_a_record_opened_again_late_in_the_window_stays_when_its_first_opening_leaves() -> None:
    rules = budget(burst=100, burst_length=60 * MINUTE, day=1000)
    view = OpenedRecords(rules, skew=0)
    hundred = contact(*range(100))
    view.apply(START, hundred)
    late = START + 59 * MINUTE
    assert view.assess(late, hundred, rules).permitted
    view.apply(late, hundred)
    just_after = START + 62 * MINUTE
    assert not view.assess(just_after, contact(100), rules).permitted
    assert view.assess(just_after, hundred, rules).permitted
    assert view.assess(late + 62 * MINUTE, contact(100), rules).permitted


def test_an_assessment_for_later_does_not_hide_what_is_opened_meanwhile() -> None:
    rules = small()
    view = OpenedRecords(rules, skew=0)
    view.apply(START, contact(0))
    later = START + 10 * TICK
    assert view.assess(later, contact(1, 2), rules).permitted
    view.apply(START, contact(1))
    view.apply(later - TICK, contact(0, 1))
    assert not view.assess(later, contact(2), rules).permitted


def test_time_that_goes_back_is_taken_as_the_latest_time() -> None:
    rules = small()
    view = OpenedRecords(rules, skew=0)
    view.apply(START, contact(0, 1))
    assessment = view.assess(START - 100 * TICK, contact(2), rules)
    assert not assessment.permitted
    assert assessment.at == START
    view.apply(START - 100 * TICK, contact(0))
    assert view.seen == START


def test_the_lifetime_knows_no_time_and_only_a_renewal_frees_it() -> None:
    rules = small(lifetime=2)
    view = OpenedRecords(rules, skew=0)
    view.apply(START, contact(0, 1))
    far = START + 10**15
    refused = view.assess(far, contact(2), rules)
    assert not refused.permitted
    assert refused.exhausted is not None
    assert refused.exhausted.window == "lifetime"
    assert refused.exhausted.back_at is None
    view.apply(far, Renewed())
    assert view.version == 2
    permitted = view.assess(far, contact(2), rules)
    assert permitted.permitted
    assert permitted.new == 1


def test_a_renewal_does_not_free_the_windows() -> None:
    rules = small(lifetime=2)
    view = OpenedRecords(rules, skew=0)
    view.apply(START, contact(0, 1))
    view.apply(START, Renewed())
    assert not view.assess(START, contact(2), rules).permitted


def test_a_batch_larger_than_the_room_is_refused_whole_unless_it_may_be_cut() -> None:
    rules = budget(burst=3)
    view = OpenedRecords(rules)
    view.apply(START, contact(7))
    whole = view.assess(START, contact(7, 1, 9, 5), rules)
    assert not whole.permitted
    cut = view.assess(START, contact(7, 1, 9, 5), rules, cut=True)
    assert cut.permitted
    assert list(cut.draw.records) == [1, 5, 7]
    assert cut.dropped == 1
    assert cut.exhausted is not None
    again = view.assess(START, contact(9, 5, 1, 7), rules, cut=True)
    assert list(again.draw.records) == [1, 5, 7]


def test_a_cut_with_no_room_at_all_is_a_refusal() -> None:
    rules = budget(burst=1)
    view = OpenedRecords(rules)
    view.apply(START, contact(7))
    assert not view.assess(START, contact(8), rules, cut=True).permitted


def test_the_refusal_names_the_first_window_and_says_when_room_comes_back() -> None:
    rules = budget(burst=2, burst_length=60 * MINUTE, day=100)
    view = OpenedRecords(rules, skew=0)
    view.apply(START, contact(1))
    view.apply(START + 20 * MINUTE, contact(2))
    refused = view.assess(START + 30 * MINUTE, contact(3), rules)
    assert refused.exhausted is not None
    assert refused.exhausted.window == "burst"
    assert (refused.exhausted.used, refused.exhausted.asked, refused.exhausted.ceiling) == (2, 1, 2)
    back_at = refused.exhausted.back_at
    assert back_at is not None
    assert START + 60 * MINUTE < back_at <= START + 62 * MINUTE
    assert not view.assess(back_at - 1, contact(3), rules).permitted
    assert view.assess(back_at, contact(3), rules).permitted


def test_a_request_larger_than_the_ceiling_never_fits() -> None:
    rules = budget(burst=2)
    refused = OpenedRecords(rules).assess(START, contact(1, 2, 3), rules)
    assert refused.exhausted is not None
    assert refused.exhausted.back_at is None


def test_probes_have_their_own_ceiling_and_count_what_they_name() -> None:
    rules = Budget(
        "probing",
        *(type(one)(one.name, one.length, one.records, one.classes, None, 10) for one in budget().windows),
    )
    view = OpenedRecords(rules, skew=0)
    view.apply(START, Draw.probe("auberon", named=8))
    assert view.assess(START, Draw.probe("auberon"), rules).permitted
    refused = view.assess(START, Draw.probe("balmere", named=1), rules)
    assert refused.exhausted is not None
    assert refused.exhausted.counter == "probes"
    assert view.assess(START, contact(*range(20)), rules).permitted


def test_low_water_marks_turn_reveals_into_masks_and_masks_into_tokens() -> None:
    rules = budget(burst=10, mask=40, token=20)
    view = OpenedRecords(rules)
    seen = []
    for record in range(11):
        assessment = view.assess(START, contact(record), rules)
        seen.append(assessment.caps[FieldClass.CONTACT].value if assessment.permitted else "refused")
        if assessment.permitted:
            view.apply(START, contact(record))
    assert seen == ["reveal"] * 6 + ["mask"] * 2 + ["token"] * 2 + ["refused"]


def test_a_low_class_brings_down_only_itself() -> None:
    classes = {FieldClass.VALUE: 5}
    one, two, three = budget(100, 1000, 2000, mask=20).windows
    rules = Budget("b", type(one)(one.name, one.length, 100, classes, None, 0), two, three, 20, 0)
    view = OpenedRecords(rules)
    records = BitMap(range(5))
    draw = Draw("auberon", {FieldClass.CONTACT: records, FieldClass.VALUE: records})
    assessment = view.assess(START, draw, rules)
    assert assessment.caps[FieldClass.CONTACT] == "reveal"
    assert assessment.caps[FieldClass.VALUE] == "mask"


def test_a_ceiling_lowered_below_what_is_open_refuses_even_what_is_open() -> None:
    before, after = budget(burst=10), budget(burst=3)
    view = OpenedRecords(before)
    view.apply(START, contact(1, 2, 3, 4, 5))
    assert view.fits(after)
    assert not view.assess(START, contact(1), after).permitted
    assert not view.assess(START, contact(1), after, cut=True).permitted
    assert view.levels(START, "auberon", after)[0].room == 0


def test_a_budget_that_counts_otherwise_needs_a_new_view() -> None:
    view = OpenedRecords(budget())
    other = budget(burst_length=20 * MINUTE)
    assert not view.fits(other)
    with pytest.raises(Exception, match="rebuild the view"):
        view.assess(START, contact(1), other)
