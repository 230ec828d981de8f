"""Clocks, masks, folds and approvals at the value before, at and after each of their bounds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from gate_worlds import START, person
from pyroaring import BitMap

from cloakroom.clock import to_microseconds
from cloakroom.errors import DeniedError
from cloakroom.gate.draw import Renewed
from cloakroom.gate.folding import CountedItem, Folding, events_of
from cloakroom.gate.forms import HIDDEN, MaskKind, band, mask
from cloakroom.gate.gate_clock import ClockStep, GateClock
from cloakroom.gate.policy import Networks, Policy, PrincipalKind, Release, Role
from cloakroom.gate.releases import Approval, ReleaseContent, ReleaseState, Standing, check_approval, check_run
from cloakroom.gate.validity import has_lapsed
from cloakroom.vocabulary import FieldClass

SECOND = 1_000_000
DAY = 86_400 * SECOND


@pytest.mark.parametrize(
    ("off", "is_step"), [(1_000_000, False), (1_000_001, True), (-1_000_000, False), (-1_000_001, True)]
)
def test_a_clock_may_be_off_by_the_tolerance_to_the_last_microsecond(off: int, is_step: bool) -> None:
    clock = GateClock()
    clock.observe(START, 50.0)
    at, step = clock.observe(START + 10 + off, 50.00001)
    assert (step == ClockStep(off, at)) == is_step
    assert at == max(START, START + 10 + max(min(off, SECOND), -SECOND))


@pytest.mark.parametrize("hours", [1, 24, 240])
def test_slack_grows_by_twenty_parts_in_a_million_of_what_has_passed(hours: int) -> None:
    passed = hours * 3_600 * SECOND
    slack = 1_000_000 + passed // 50_000
    for off, is_step in ((slack, False), (slack + 1, True), (-slack, False), (-slack - 1, True)):
        clock = GateClock()
        clock.observe(START, 0.0)
        at, step = clock.observe(START + passed + off, hours * 3_600.0)
        assert (step is not None) == is_step
        assert at == START + passed + max(min(off, slack), -slack)


def test_a_step_that_only_wavers_is_not_told_again_and_one_that_goes_on_is() -> None:
    clock = GateClock()
    clock.observe(START, 0.0)
    told = [clock.observe(START + off * SECOND, 0.0)[1] for off in (10, 11, 9, 12, 12, 11, 0, 0)]
    assert [step and step.by // SECOND for step in told] == [10, None, None, 12, None, None, 0, None]
    assert told[0] is not None
    assert told[0].at == START + SECOND


def test_a_monotonic_clock_that_goes_back_takes_no_time_away() -> None:
    clock = GateClock()
    clock.observe(START, 100.0)
    assert clock.observe(START + SECOND // 2, 40.0) == (START + SECOND // 2, None)
    assert clock.observe(START, 0.0) == (START + SECOND // 2, None)


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (MaskKind.EMAIL, "abc@abc.it", "a•••@a•••.it"),
        (MaskKind.EMAIL, "ab@ab.it", "•••@•••.it"),
        (MaskKind.EMAIL, "abc@shop.x", "a•••@s•••.•••"),
        (MaskKind.EMAIL, "abc@shop.COM", "a•••@s•••.com"),
        (MaskKind.EMAIL, "abc@shop.info", "a•••@s•••.•••"),
        (MaskKind.EMAIL, "abc@mail.shop.fr", "a•••@m•••.fr"),
        (MaskKind.EMAIL, "a@b@shop.it", "a•••@s•••.it"),
        (MaskKind.EMAIL, "-ab@-ab.it", "•••@•••.it"),
        (MaskKind.EMAIL, "İpek@shop.it", "i•••@s•••.it"),
        (MaskKind.EMAIL, "abc@", HIDDEN),
        (MaskKind.PHONE, "1234567", "••• 67"),
        (MaskKind.PHONE, "123456", HIDDEN),
        (MaskKind.PHONE, "+1 (234) 5-6-7", "••• 67"),
        (MaskKind.NAME, "Al", "A."),
        (MaskKind.NAME, "A", HIDDEN),
        (MaskKind.NAME, "O'Neil 3rd", "O. R."),
        (MaskKind.NAME, "'Anna Roe'", "A. R."),
        (MaskKind.NAME, "ßen Roe", "S. R."),
        (MaskKind.NAME, "Anna 5", "A."),
        (MaskKind.DATE, "1979-11-1", HIDDEN),
        (MaskKind.DATE, " 1979-11-12 ", "1979"),
        (MaskKind.DATE, "1979-11-12T00", HIDDEN),
        (MaskKind.DATE, "١٩٧٩-11-12", HIDDEN),
        (MaskKind.COUNTRY, "it", HIDDEN),
        (MaskKind.COUNTRY, "ITA", HIDDEN),
        (MaskKind.COUNTRY, " IT ", "IT"),
        (MaskKind.OTHER, " \t", ""),
        (MaskKind.NAME, "Anna " + "b" * 9_995, "A. B."),
        (MaskKind.NAME, "Anna " + "b" * 9_996, HIDDEN),
    ],
)
def test_a_mask_shows_what_its_table_says_one_character_on_either_side(
    kind: MaskKind, value: str, shown: str
) -> None:
    assert mask(kind, value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("9", "below 10"),
        ("10", "from 10 to below 20"),
        ("19.999", "from 10 to below 20"),
        ("20", "from 20 to below 40"),
        ("40", "from 40"),
        (" 10 ", "from 10 to below 20"),
        ("0" * 62 + "10", "from 10 to below 20"),
        ("0" * 63 + "10", HIDDEN),
        ("-Infinity", HIDDEN),
        ("sNaN", HIDDEN),
        ("ten", HIDDEN),
    ],
)
def test_an_amount_lies_in_the_band_whose_lower_step_it_reaches(value: str, shown: str) -> None:
    assert band(value, (10, 20, 40)) == shown


def item(
    at: int, record: int, brand: str = "a", drawn: tuple[str, ...] = ("contact",), probes: int = 1
) -> CountedItem:
    return CountedItem(at, brand, drawn, probes, BitMap([record]))


@pytest.mark.parametrize(
    ("age", "width"),
    [(0, 1), (60, 1), (119, 1), (120, 2), (180, 2), (240, 4), (3_600, 32), (86_400, 1_024)],
)
def test_entries_are_united_over_a_span_of_seconds_that_follows_from_their_age_in_minutes(
    age: int, width: int
) -> None:
    """As many seconds as minutes, down to a power of two: the first and the last second of one span, and the next."""
    base = START - START % (2_048 * SECOND)
    folding = Folding()
    for offset, record in ((0, 1), (width * SECOND - 1, 2), (width * SECOND, 3)):
        folding.add(base + offset, item(base + offset, record))
    end = base + (age + width) * SECOND
    folding.add(end, CountedItem(end, "z", (), 1, BitMap()))
    assert [sorted(one.records) for one in folding.items() if one.brand == "a"] == [[1, 2], [3]]


def test_only_entries_of_one_brand_and_the_same_classes_are_united() -> None:
    folding = Folding()
    for one in (
        item(START, 1),
        item(START, 2, "b"),
        item(START, 3, drawn=("value",)),
        item(START, 4, drawn=()),
        item(START, 5),
    ):
        folding.add(START, one)
    found = {(one.brand, one.drawn): (sorted(one.records), one.probes) for one in folding.items()}
    assert found == {
        ("a", ("contact",)): ([1, 5], 2),
        ("b", ("contact",)): ([2], 1),
        ("a", ("value",)): ([3], 1),
        ("a", ()): ([4], 1),
    }


def test_a_folded_item_draws_its_records_in_each_class_as_one_set() -> None:
    draw = item(START, 7, drawn=("contact", "value"), probes=3).draw()
    assert set(draw.sets) == {FieldClass.CONTACT, FieldClass.VALUE}
    assert draw.sets[FieldClass.CONTACT] is draw.sets[FieldClass.VALUE]
    assert (draw.brand, sorted(draw.records), draw.probes) == ("a", [7], 3)


def test_a_renewal_of_nothing_keeps_its_time_and_probes_without_records_are_kept() -> None:
    folding = Folding()
    folding.add(START, Renewed())
    folding.add(START - DAY, CountedItem(START - DAY, "a", (), 2, BitMap()))
    events = list(events_of(folding.items()))
    assert (events[0][0], type(events[0][1])) == (START, Renewed)
    [(at, draw)] = events[1:]
    assert (at, draw.probes) == (START, 2)  # type: ignore[union-attr]
    again = Folding(folding.items())
    again.add(START - DAY, item(START - DAY, 1))
    assert {one.at for one in again.items()} == {START}


KIND = Release("campaign", "A campaign", "mailing", frozenset({"officer"}), 3, 100, 3_600 * SECOND)
HERE, AWAY = Networks((ip_network("10.1.0.0/16"),)), Networks((ip_network("10.2.0.0/16"),))
OFFICER = Role("officer", "O", frozenset(), frozenset({"*"}), HERE, frozenset({PrincipalKind.PERSON}))
POLICY = replace(
    Policy.empty(),
    releases={"campaign": KIND},
    roles={"officer": OFFICER, "clerk": replace(OFFICER, name="clerk", networks=AWAY)},
)
CONTENT = ReleaseContent("campaign", "alba", ("email",), "printer", "age1" + "q" * 58, 10)
NOW = to_microseconds(datetime(2026, 3, 1, tzinfo=UTC))


def approved_by(*names: str, state: ReleaseState = ReleaseState.REQUESTED, expires_at: int = NOW + 1) -> Standing:
    approvals = [Approval(name, f"key-{name}", CONTENT.digest) for name in names]
    return Standing(CONTENT, "mia", state, expires_at, approvals)


def last_approval(standing: Standing, *roles: str, address: str = "10.1.0.1", policy: Policy = POLICY) -> bool:
    return check_approval(
        policy,
        standing,
        person("petra", *roles),
        credential="key-petra",
        requester_credentials=frozenset({"key-mia"}),
        digest=CONTENT.digest,
        now=NOW,
        address=address,
    )


def test_a_release_takes_as_many_different_approvers_as_its_kind_says() -> None:
    for names, is_last in (
        ((), False),
        (("omar",), False),
        (("omar", "ines"), True),
        (("omar", "ines", "ugo"), True),
    ):
        assert last_approval(approved_by(*names), "officer") is is_last
    running = {"state": ReleaseState.APPROVED}
    for names, runs in (
        (("omar", "ines"), False),
        (("omar", "ines", "petra"), True),
        (("omar", "ines", "mia"), False),
    ):
        standing = approved_by(*names, **running)  # type: ignore[arg-type]
        if runs:
            check_run(POLICY, standing, person("mia"), NOW)
        else:
            with pytest.raises(DeniedError, match="of 3 approvals"):
                check_run(POLICY, standing, person("mia"), NOW)


def test_an_approver_stands_in_the_network_of_the_role_that_approves() -> None:
    assert last_approval(approved_by(), "officer", "clerk") is False
    for roles, address in ((("officer", "clerk"), "10.2.0.1"), (("clerk",), "10.1.0.1"), (("officer",), "10.2.0.1")):
        with pytest.raises(DeniedError) as refused:
            last_approval(approved_by(), *roles, address=address)
        assert refused.value.code == "role"


def test_a_kind_that_the_policy_no_longer_knows_is_neither_approved_nor_run() -> None:
    for act in (
        lambda: last_approval(approved_by(), "officer", policy=Policy.empty()),
        lambda: check_run(
            Policy.empty(), approved_by("a", "b", "c", state=ReleaseState.APPROVED), person("mia"), NOW
        ),
    ):
        with pytest.raises(DeniedError) as refused:
            act()
        assert refused.value.code == "purpose"


def test_what_is_approved_does_not_depend_on_the_order_of_its_fields() -> None:
    one, other = (replace(CONTENT, fields=fields) for fields in (("email", "phone"), ("phone", "email")))
    assert one.digest == other.digest
    assert ReleaseContent.decode(other.encode()).fields == ("email", "phone")


@pytest.mark.parametrize(
    ("created", "used", "now", "lapsed"),
    [
        (0, None, 90 * DAY, False),
        (0, None, 90 * DAY + 1, True),
        (5 * DAY, 0, 95 * DAY, False),
        (0, 5 * DAY, 95 * DAY, False),
        (0, 5 * DAY, 95 * DAY + 1, True),
        (5 * DAY, 3 * DAY, 95 * DAY + 1, True),
    ],
)
def test_time_without_use_runs_from_the_later_of_enrolment_and_last_use(
    created: int, used: int | None, now: int, lapsed: bool
) -> None:
    found = has_lapsed(created_at=created, expires_at=None, revoked_at=None, last_used_at=used, idle=None, now=now)
    assert found is lapsed
