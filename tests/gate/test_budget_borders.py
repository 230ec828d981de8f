"""Budgets at their borders: the last record in full, the first in a mask, and overlapping unions counted once."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from gate_oracle import Reference
from gate_worlds import DAY, MINUTE, START, budget, contact, window
from pyroaring import BitMap

from cloakroom.errors import UsageError
from cloakroom.gate.budget import Draw, Level, OpenedRecords, Renewed
from cloakroom.gate.policy import Budget, Form, WindowName
from cloakroom.gate.windows import SlidingSet, SlidingSum
from cloakroom.vocabulary import FieldClass

CONTACT, IDENTITY, VALUE = FieldClass.CONTACT, FieldClass.IDENTITY, FieldClass.VALUE


@pytest.mark.parametrize("percent", [0, 1, 5, 20, 33, 50, 89, 90])
def test_a_record_leaves_in_full_while_its_share_of_the_ceiling_would_be_left_after_it(percent: int) -> None:
    """`docs/reference/policy.md`: once less than this share of a ceiling would be left, values leave masked."""
    masking, tokens = budget(mask=percent), budget(mask=90, token=percent)
    for ceiling in range(61):
        enough = [count for count in range(ceiling + 1) if 100 * (ceiling - count) >= percent * ceiling]
        assert masking.masked_from(ceiling) == max(enough), ceiling
        assert tokens.tokens_from(ceiling) == max(enough), ceiling


def forms_until_refused(rules: Budget) -> list[str]:
    view, seen = OpenedRecords(rules), []
    while (assessment := view.assess(START, contact(len(seen)), rules)).permitted:
        view.apply(assessment.at, assessment.draw)
        seen.append(assessment.caps[CONTACT].value)
    return seen


@pytest.mark.parametrize(
    ("ceiling", "mask", "token", "expected"),
    [
        (20, 20, 5, ["reveal"] * 16 + ["mask"] * 3 + ["token"]),  # The example of the reference.
        (20, 0, 0, ["reveal"] * 20),
        (20, 5, 5, ["reveal"] * 19 + ["token"]),
        (10, 25, 0, ["reveal"] * 7 + ["mask"] * 3),
        (10, 90, 90, ["reveal"] + ["token"] * 9),
        (3, 20, 5, ["reveal"] * 2 + ["token"]),
        (1, 20, 0, ["mask"]),
        (0, 20, 5, []),
    ],
)
def test_forms_sink_from_values_to_masks_to_tokens_to_nothing(
    ceiling: int, mask: int, token: int, expected: list[str]
) -> None:
    assert forms_until_refused(budget(burst=ceiling, mask=mask, token=token)) == expected


def test_the_lowest_of_several_limits_decides_the_form_of_its_own_class_only() -> None:
    rules = replace(
        budget(mask=50, token=25),
        burst=window("burst", 10 * MINUTE, 100, classes={CONTACT: 40, VALUE: 8}, per_brand=80),
    )
    both = BitMap(range(5))
    for count, contact_form, value_form in ((4, "reveal", "reveal"), (5, "reveal", "mask"), (7, "reveal", "token")):
        records = BitMap(range(count))
        caps = OpenedRecords(rules).assess(START, Draw("a", {CONTACT: records, VALUE: records}), rules).caps
        assert (caps[CONTACT], caps[VALUE]) == (contact_form, value_form), count
    # A class that the draw does not touch brings nobody down, however low it stands.
    view = OpenedRecords(rules)
    view.apply(START, Draw("a", {CONTACT: BitMap([9]), VALUE: BitMap(range(8))}))
    caps = view.assess(START, Draw("a", {CONTACT: both}), rules).caps
    assert caps[CONTACT] is Form.REVEAL
    # The limits of all records bring every class down; the worse of two wins, in whatever order they stand.
    low = replace(rules, burst=window("burst", 10 * MINUTE, 8, classes={CONTACT: 7}))
    caps = OpenedRecords(low).assess(START, Draw("a", {CONTACT: both}), low).caps
    assert (caps[CONTACT], caps[IDENTITY], caps[VALUE]) == ("mask", "mask", "mask")
    caps = OpenedRecords(low).assess(START, Draw("a", {CONTACT: BitMap(range(6))}), low).caps
    assert (caps[CONTACT], caps[IDENTITY]) == ("token", "mask")


def test_a_refusal_caps_everything_at_tokens_and_leaves_every_level_where_it_was() -> None:
    rules = budget(burst=2)
    view = OpenedRecords(rules)
    view.apply(START, contact(1))
    refused = view.assess(START, contact(2, 3), rules)
    assert not refused.permitted
    assert set(refused.caps.values()) == {Form.TOKEN}
    assert (refused.new, refused.dropped, refused.draw.records) == (0, 0, BitMap([2, 3]))
    assert [(level.before, level.after) for level in refused.levels] == [(1, 1)] * 3
    assert refused.usage.by_name() == {
        "burst/records": (2, 1, 1), "day/records": (120, 1, 1), "lifetime/records": (2000, 1, 1),
    }  # fmt: skip


def draws() -> list[Draw]:
    """Every draw of one or two of three records, of one brand, in one class, two alike or two apart."""
    found = [Draw.probe("a"), Draw.probe("b", named=2)]
    sets = [BitMap([1]), BitMap([2, 3]), BitMap([1, 2])]
    for brand, records in itertools.product("ab", sets):
        found += [Draw(brand, {CONTACT: records}), Draw(brand, {CONTACT: records, VALUE: records}, probes=1)]
    return [*found, Draw("a", {CONTACT: BitMap([1, 2]), VALUE: BitMap([2, 3])}), Draw("b", {VALUE: BitMap([1, 3])})]


WIDE = Budget(
    "wide",
    *(
        window(name, length, 50, classes={CONTACT: 50, VALUE: 50}, per_brand=50, probes=50)
        for name, length in (("burst", 10 * MINUTE), ("day", DAY), ("lifetime", None))
    ),
)


def test_overlapping_records_count_once_in_every_union_whatever_was_drawn_before() -> None:
    """All histories of two draws and a third in question, against an oracle that keeps plain sets."""
    for first, second, third in itertools.product(draws(), repeat=3):
        view, reference = OpenedRecords(WIDE), Reference()
        for event in (first, second):
            view.apply(START, event)
            reference.apply(START, event)
        before, after = reference.counts(START, WIDE), reference.counts(START, WIDE, third)
        assessment = view.assess(START, third, WIDE)
        for level in assessment.levels:
            key = (level.window.value, f"brand {third.brand}" if level.counter == "brand" else level.counter)
            assert (level.before, level.after) == (before.get(key, 0), after.get(key, 0)), (key, first, second)
        assert len(assessment.levels) == (15 if third.probes else 12)
        lifetime = ("lifetime", "records")
        assert assessment.new == after[lifetime] - before[lifetime]


def test_a_brand_is_bounded_by_its_own_records_and_the_whole_by_all() -> None:
    rules = replace(budget(), burst=window("burst", 10 * MINUTE, 5, per_brand=3))
    view = OpenedRecords(rules)
    view.apply(START, contact(1, 2, 3, brand="a"))
    full = view.assess(START, contact(4, brand="a"), rules).exhausted
    assert full is not None
    assert (full.window, full.counter, full.ceiling, full.used, full.asked) == ("burst", "brand", 3, 3, 1)
    assert view.assess(START, contact(11, 12, brand="b"), rules).permitted
    view.apply(START, contact(11, 12, brand="b"))
    refused = view.assess(START, contact(13, brand="b"), rules).exhausted
    assert refused is not None
    assert (refused.counter, refused.used, refused.asked) == ("records", 5, 1)
    assert view.assess(START, contact(1, 3, brand="a"), rules).permitted
    assert [level.before for level in view.levels(START, "c", rules) if level.counter == "brand"] == [0]


def test_a_refusal_names_the_first_window_and_waits_for_the_last() -> None:
    rules = replace(
        budget(burst=2, day=3, burst_length=60 * MINUTE), day=window("day", DAY, 3, classes={CONTACT: 3}, probes=4)
    )
    view = OpenedRecords(rules, skew=0)
    view.apply(START, contact(1))
    view.apply(START + 30 * MINUTE, contact(2))
    now = START + 31 * MINUTE
    burst = view.assess(now, contact(3), rules).exhausted
    assert burst is not None
    assert (burst.window, burst.counter, burst.ceiling, burst.used, burst.asked) == ("burst", "records", 2, 2, 1)
    assert str(burst) == "records of burst: 2 of 2 used, 1 more asked"
    assert START + 60 * MINUTE < burst.back_at <= START + 62 * MINUTE  # type: ignore[operator]
    # Two more pass the day as well, which opens only when its first record has left.
    both = view.assess(now, contact(3, 4), rules).exhausted
    assert both is not None
    assert both.window == "burst"
    assert START + DAY < both.back_at <= START + DAY + DAY // 30  # type: ignore[operator]
    # One opened already costs nothing more and is not in what is asked.
    again = view.assess(now, contact(1, 3), rules).exhausted
    assert again is not None
    assert (again.used, again.asked) == (2, 1)
    never = view.assess(now, contact(3, 4, 5), rules).exhausted
    assert never is not None
    assert never.back_at is None


def test_probes_come_back_when_enough_of_them_have_left() -> None:
    rules = replace(budget(), burst=window("burst", 60 * MINUTE, 5, probes=4))
    view = OpenedRecords(rules, skew=0)
    view.apply(START, Draw.probe("a", named=1))
    view.apply(START + 20 * MINUTE, Draw.probe("a"))
    now = START + 30 * MINUTE
    assert view.assess(now, Draw.probe("a"), rules).permitted
    for named, waits_for in ((1, START), (2, START), (3, START + 20 * MINUTE)):
        refused = view.assess(now, Draw.probe("a", named=named), rules).exhausted
        assert refused is not None
        assert (refused.counter, refused.used, refused.asked, refused.ceiling) == ("probes", 3, 1 + named, 4)
        assert refused.back_at is not None
        assert waits_for + 60 * MINUTE < refused.back_at <= waits_for + 62 * MINUTE
        assert not view.assess(refused.back_at - 1, Draw.probe("a", named=named), rules).permitted
        assert view.assess(refused.back_at, Draw.probe("a", named=named), rules).permitted
    too_many = view.assess(now, Draw.probe("a", named=4), rules).exhausted
    assert too_many is not None
    assert too_many.back_at is None


def test_only_a_renewal_gives_back_probes_of_the_lifetime_and_of_nothing_else() -> None:
    rules = Budget("b", *(replace(one, probes=3) for one in budget().windows))
    view = OpenedRecords(rules)
    view.apply(START, Draw.probe("a", named=2))
    assert [level.before for level in view.levels(START, "a", rules) if level.counter == "probes"] == [3, 3, 3]
    view.apply(START, Renewed())
    assert [level.before for level in view.levels(START, "a", rules) if level.counter == "probes"] == [3, 3, 0]


@pytest.mark.parametrize(
    ("asked", "kept", "dropped"),
    [
        ((1, 2), (1, 2), 0), ((1, 2, 5, 6), (1, 2, 5, 6), 0), ((9, 8, 7), (7, 8), 1),
        ((9, 1, 8, 2, 7), (1, 2, 7, 8), 1),
        ((3, 4, 5, 6), (3, 4), 2),
    ],
)  # fmt: skip
def test_a_cut_keeps_what_is_open_and_the_lowest_new_ones_up_to_the_ceiling(
    asked: tuple[int, ...], kept: tuple[int, ...], dropped: int
) -> None:
    rules = budget(burst=4)
    view = OpenedRecords(rules)
    view.apply(START, contact(1, 2))
    cut = view.assess(START, contact(*asked), rules, cut=True)
    assert (tuple(cut.draw.records), cut.dropped) == (kept, dropped)
    assert (cut.exhausted is None) == (dropped == 0)
    assert cut.new == len(set(kept) - {1, 2})
    assert [(level.before, level.after) for level in cut.levels] == [(2, 2 + cut.new)] * 3


def test_a_cut_drops_what_one_class_has_no_room_for_from_every_class() -> None:
    rules = replace(budget(), burst=window("burst", 10 * MINUTE, 9, classes={VALUE: 1}))
    draw = Draw("a", {CONTACT: BitMap([1, 2, 3]), VALUE: BitMap([2, 3])}, probes=2)
    cut = OpenedRecords(rules).assess(START, draw, rules, cut=True)
    assert {kind.value: list(records) for kind, records in cut.draw.sets.items()} == {"contact": [1, 2], "value": [2]}
    assert (cut.dropped, cut.draw.probes) == (1, 2)


def test_a_cut_leaves_nothing_of_a_class_that_is_over_its_lowered_ceiling() -> None:
    before = replace(budget(), burst=window("burst", 10 * MINUTE, 9, classes={VALUE: 5}))
    lowered = replace(budget(), burst=window("burst", 10 * MINUTE, 9, classes={VALUE: 2}))
    view = OpenedRecords(before)
    view.apply(START, Draw("a", {CONTACT: BitMap([1, 2, 3]), VALUE: BitMap([1, 2, 3])}))
    draw = Draw("a", {CONTACT: BitMap([1, 4]), VALUE: BitMap([1])})
    cut = view.assess(START, draw, lowered, cut=True)
    assert list(cut.draw.records) == [4]
    assert view.assess(START, Draw("a", {CONTACT: BitMap([1])}), lowered).permitted


def test_a_search_that_is_cut_to_no_record_is_refused_as_a_whole() -> None:
    rules = replace(budget(), burst=window("burst", 10 * MINUTE, 0))
    draw = Draw("a", {CONTACT: BitMap([1])}, probes=1)
    assert not OpenedRecords(rules).assess(START, draw, rules, cut=True).permitted
    assert OpenedRecords(rules).assess(START, Draw.probe("a"), rules).permitted


def test_a_draw_counts_one_probe_and_each_record_it_names_and_shows_only_counts() -> None:
    assert (Draw.probe("a").probes, Draw.probe("a", named=7).probes) == (1, 8)
    with pytest.raises(UsageError):
        Draw("a", {}, probes=-1)
    draw = Draw("a", {CONTACT: BitMap([77]), VALUE: BitMap([77, 88])})
    assert repr(draw) == "Draw(brand='a', records=2, probes=0)"
    shared = BitMap([1, 2])
    less = Draw("a", {CONTACT: shared, VALUE: shared}, probes=4).without(BitMap([2]))
    assert (less.sets[CONTACT], less.probes) == (BitMap([1]), 4)
    assert less.sets[CONTACT] is less.sets[VALUE]
    assert list(shared) == [1, 2]


@pytest.mark.parametrize(("before", "after", "room"), [(0, 0, 5), (0, 4, 1), (3, 5, 0), (7, 7, 0)])
def test_room_is_what_is_left_after_the_request_and_never_negative(before: int, after: int, room: int) -> None:
    assert Level(WindowName.DAY, "records", 5, before, after).room == room


def test_an_accepted_entry_moves_time_on_and_counts_however_late_it_was_dated() -> None:
    view = OpenedRecords(budget())
    view.apply(START, contact(1))
    view.apply(START + 5, Renewed())
    assert (view.seen, view.version) == (START + 5, 2)
    view.apply(START, contact(2))
    assert (view.seen, view.version) == (START + 5, 3)
    assert view.assess(START, contact(3), budget()).at == START + 5
    assert view.assess(START + 6, contact(3), budget()).at == START + 6


class Plain:
    """A sliding set by definition: every batch with its bucket; a bucket counts up to `held` buckets later."""

    def __init__(self, width: int, held: int) -> None:
        self.width, self.held = width, held
        self.batches: list[tuple[int, BitMap]] = []

    def add(self, at: int, records: BitMap) -> None:
        self.batches.append((at // self.width, BitMap(records)))

    def at(self, at: int) -> set[int]:
        live = [batch for bucket, batch in self.batches if bucket >= at // self.width - self.held]
        return set(BitMap().union(*live))

    def room_at(self, at: int, asked: BitMap, ceiling: int) -> int:
        """The first moment from `at` on at which the request fits, by trying each bucket."""
        if len(self.at(at) | set(asked)) <= ceiling:
            return at
        moment = (at // self.width + 1) * self.width
        while len(self.at(moment) | set(asked)) > ceiling:
            moment += self.width
        return moment


@pytest.mark.parametrize(
    ("length", "skew", "width", "held"), [(600, 0, 10, 60), (600, 7, 10, 61), (60, 0, 1, 60), (7, 3, 1, 10)]
)
def test_a_sliding_set_and_every_copy_of_it_hold_what_was_opened_within_the_span(
    length: int, skew: int, width: int, held: int
) -> None:
    """Long histories with many batches in one bucket, so that unions are formed late, against plain batches."""
    dice = random.Random(length + skew)
    for _ in range(10):
        pairs = [(SlidingSet(length, skew), Plain(width, held))]
        now = 10_000
        for _ in range(60):
            now += dice.choice([0, 0, 0, 0, width // 3, width, 9 * width, held * width, (held + 1) * width])
            fast, plain = dice.choice(pairs)
            records = BitMap(dice.sample(range(12), dice.choice([1, 2, 4])))
            fast.add(now, records)
            plain.add(now, records)
            if len(pairs) < 4 and dice.random() < 0.1:
                other = Plain(width, held)
                other.batches = list(plain.batches)
                pairs.append((fast.copy(), other))
            for fast, plain in pairs:
                for later in (
                    now,
                    now + width,
                    now + held * width // 2,
                    now + held * width,
                    now + (held + 1) * width,
                ):
                    assert set(fast.live_at(later)) == plain.at(later)
                asked = BitMap(dice.sample(range(12), 2))
                for ceiling in (2, 3, 6):
                    assert fast.room_at(now, asked, ceiling) == plain.room_at(now, asked, ceiling)
                assert fast.room_at(now, asked, 1) is None


def test_a_cleared_counter_begins_anew_in_its_bucket() -> None:
    records, probes = SlidingSet(600, 0), SlidingSum(600, 0)
    for at in (1_000, 1_001):
        records.add(at, BitMap([1, 2]))
        probes.add(at, 2)
    records.clear()
    probes.clear()
    records.add(1_002, BitMap([3, 4]))
    probes.add(1_002, 5)
    for later, live, total in ((1_002, [3, 4], 5), (1_609, [3, 4], 5), (1_610, [], 0)):
        assert (list(records.live_at(later)), probes.total_at(later)) == (live, total)


@pytest.mark.parametrize(
    ("amount", "ceiling", "room_at"),
    [(1, 10, 1_500), (3, 10, 1_500), (4, 10, 1_610), (6, 10, 1_610), (7, 10, 1_710), (10, 10, 1_810), (11, 10, None)],
)
def test_a_sum_has_room_again_when_just_enough_buckets_have_left(
    amount: int, ceiling: int, room_at: int | None
) -> None:
    """Buckets of ten: three of 1000, one of 1100, three of 1200. A bucket leaves 61 buckets after it began."""
    probes = SlidingSum(600, 0)
    for at, count in ((1_000, 1), (1_009, 2), (1_105, 1), (1_200, 3)):
        probes.add(at, count)
    assert probes.room_at(1_500, amount, ceiling) == room_at
    # What has left by then is not counted as still to leave.
    assert probes.room_at(1_650, 6, 10) == 1_650
