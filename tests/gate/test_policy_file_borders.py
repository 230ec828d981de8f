"""Every bound of the policy file holds to the last value on both sides; what is left out means what is told."""

from __future__ import annotations

import pytest
from policy_files import FIELDS, TEXT, changed, line_of, mistakes_with, policy_with

from cloakroom.errors import RuleError
from cloakroom.gate.policy import Form, PrincipalKind
from cloakroom.gate.policy_text import Limits, parse_policy
from cloakroom.vocabulary import FieldClass, Operation

SECOND = 1_000_000
BURST = 'burst = {length = "10m"'
NO_LENGTH = "must be a number with s, m, h or d, such as 10m"
OUTSIDE = "must be between one minute and 366 days"


def test_the_file_of_these_tests_is_a_policy() -> None:
    assert mistakes_with("", "") == []


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("60s", 60), ("61s", 61), ("1m", 60), ("90m", 5_400), ("1h", 3_600), ("23h", 82_800), ("1d", 86_400),
        ("366d", 31_622_400), ("8784h", 31_622_400), ("999999s", 999_999),
    ],
)  # fmt: skip
def test_a_length_of_time_is_its_number_times_its_unit(written: str, seconds: int) -> None:
    policy = policy_with('expires = "3d"', f'expires = "{written}"')
    assert policy.releases["campaign"].expires == seconds * SECOND


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("59s", OUTSIDE), ("1s", OUTSIDE), ("367d", OUTSIDE), ("8785h", OUTSIDE), ("527041m", OUTSIDE),
        ("0d", NO_LENGTH), ("01d", NO_LENGTH), ("1000000s", NO_LENGTH), ("3", NO_LENGTH), ("d", NO_LENGTH),
        ("3D", NO_LENGTH), ("3w", NO_LENGTH), ("1d12h", NO_LENGTH), ("1.5d", NO_LENGTH), (" 3d", NO_LENGTH),
        ("3d ", NO_LENGTH), ("-3d", NO_LENGTH), ("٣d", NO_LENGTH), ("", "must not be empty"),
    ],
)  # fmt: skip
def test_any_other_length_of_time_is_one_mistake(written: str, reason: str) -> None:
    place = f"{line_of('expires')}: releases.campaign.expires"
    assert mistakes_with('expires = "3d"', f'expires = "{written}"') == [f"{place}: {reason}"]


def test_the_short_window_is_shorter_than_the_long_one_by_a_second_at_least() -> None:
    day = policy_with(BURST, 'burst = {length = "86399s"').budgets["counter"]
    assert (day.burst.length, day.day.length) == (86_399 * SECOND, 86_400 * SECOND)
    for length in ("86400s", "1441m", "2d"):
        assert mistakes_with(BURST, f'burst = {{length = "{length}"') == [
            f"{line_of(BURST)}: budgets.counter.burst.length: must be shorter than the length of day"
        ]


@pytest.mark.parametrize(
    ("name", "is_name"),
    [
        ("a", True), ("a_1", True), ("z" * 63, True), ("z" * 64, False), ("_a", False), ("1a", False),
        ("Aa", False), ("a-b", False), ('"ä"', False), ('"a b"', False), ('""', False),
    ],
)  # fmt: skip
def test_a_name_is_at_most_63_lower_case_letters_digits_and_underscores(name: str, is_name: bool) -> None:
    found = mistakes_with("", f'[forbid.{name}]\ntext = "Never"\noperations = ["find"]')
    assert [reason.rpartition(": ")[2] for reason in found] == (
        [] if is_name else ["a name is lower-case letters, digits and underscores, beginning with a letter"]
    )


RECORDS = "must be a whole number from 1 to 4294967296"


@pytest.mark.parametrize(
    ("old", "key", "place", "allowed", "refused", "reason"),
    [
        ('operations = ["list"]', "max_records", "purposes.counting", (1, 2**32), (0, 2**32 + 1), RECORDS),
        ("max_records = 1000", "max_records", "releases.campaign", (1, 2**32), (0, -1, 2**32 + 1), RECORDS),
        (
            'expires = "3d"', "approvals", "releases.campaign", (2, 3, 10), (0, 1, 11),
            "must be a whole number from 2 to 10",
        ),
        (
            "mask_below_percent = 20", "mask_below_percent", "budgets.counter", (5, 90), (-1, 91),
            "must be a whole number from 0 to 90",
        ),
        (
            "token_below_percent = 5", "token_below_percent", "budgets.counter", (0, 5, 20), (-1, 91, 100),
            "must be a whole number from 0 to 90",
        ),
    ],
)  # fmt: skip
def test_a_number_is_bounded_on_both_sides(
    old: str, key: str, place: str, allowed: tuple[int, ...], refused: tuple[int, ...], reason: str
) -> None:
    def written(number: int) -> str:
        return f"{key} = {number}" if old.startswith(key) else f"{old}\n{key} = {number}"

    line = line_of(old) + (not old.startswith(key))

    for number in allowed:
        assert mistakes_with(old, written(number)) == [], number
    for number in refused:
        # A number below zero may be told with what follows from the harmless one that stands in for it.
        assert f"{line}: {place}.{key}: {reason}" in mistakes_with(old, written(number)), number


def test_what_is_left_out_means_what_the_reference_says() -> None:
    policy = policy_with()
    purpose, role = policy.purposes["clienteling"], policy.roles["associate"]
    assert (purpose.max_records, purpose.reference) == (100, False)
    assert role.kinds == {PrincipalKind.PERSON}
    assert policy.roles["officer"].budget is None
    assert policy.releases["campaign"].approvals == 2
    desk = policy.budgets["desk"]
    assert (desk.mask_below_percent, desk.token_below_percent) == (0, 0)
    assert (desk.burst.per_brand, dict(desk.burst.classes)) == (None, {})
    [guests] = policy.forbids
    assert (guests.roles, guests.purposes, guests.operations, guests.brands) == (set(), set(), set(), set())


def test_every_key_that_is_written_arrives_in_the_model() -> None:
    policy = policy_with(
        'operations = ["find", "reveal"]', 'operations = ["find"]\nreference = true\nmax_records = 7'
    )
    purpose = policy.purposes["clienteling"]
    assert (purpose.operations, purpose.reference, purpose.max_records) == ({Operation.FIND}, True, 7)
    assert dict(purpose.fields) == {"email": Form.REVEAL, "spend_total": Form.BAND}
    counter = policy.budgets["counter"]
    assert [window.length for window in counter.windows] == [600 * SECOND, 86_400 * SECOND, None]
    assert [window.records for window in counter.windows] == [20, 120, 2000]
    assert [window.classes for window in counter.windows] == [{FieldClass.VALUE: n} for n in (10, 60, 900)]
    assert [window.per_brand for window in counter.windows] == [15, 90, 1500]
    assert [window.probes for window in counter.windows] == [60, 400, 9000]
    assert (counter.mask_below_percent, counter.token_below_percent) == (20, 5)
    assert policy.bands == {"spend_total": (500, 2000)}
    [renewal] = policy.renewals
    assert (renewal.name, renewal.by, renewal.budgets) == ("staff", {"officer"}, {"counter"})
    campaign = policy.releases["campaign"]
    assert (campaign.purpose, campaign.approvers, campaign.max_records) == ("mailing", {"officer"}, 1000)
    role = policy_with('brands = ["alba"]', 'brands = ["alba", "boreas"]\nkinds = ["application", "system"]')
    assert role.roles["associate"].kinds == {PrincipalKind.APPLICATION, PrincipalKind.SYSTEM}
    assert role.roles["associate"].brands == {"alba", "boreas"}


TWENTY = ", ".join(str(step) for step in range(1, 21))
RISING = "must be a list of 1 to 20 rising whole numbers"
FROM_ONE = "must hold whole numbers from 1 to 4294967296"


@pytest.mark.parametrize("steps", ["[1]", f"[{TWENTY}]", "[1, 4294967296]"])
def test_steps_of_a_band_may_be_one_to_twenty_from_one_to_the_largest_number(steps: str) -> None:
    assert policy_with("[500, 2000]", steps).bands["spend_total"] == tuple(
        int(step) for step in steps.strip("[]").split(", ")
    )


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ("[]", RISING), (f"[{TWENTY}, 21]", RISING), ("[5, 5]", RISING), ("[5, 4]", RISING), ("[1, 2.5]", RISING),
        ("[true]", RISING), ('["5"]', RISING), ("5", RISING), ("[0]", FROM_ONE), ("[-5, 5]", FROM_ONE),
        ("[4294967297]", FROM_ONE),
    ],
)  # fmt: skip
def test_other_steps_of_a_band_are_told_at_their_field(steps: str, reason: str) -> None:
    assert f"2: bands.spend_total: {reason}" in mistakes_with("[500, 2000]", steps)


def test_a_file_may_be_as_large_as_its_limit_to_the_last_byte() -> None:
    data = TEXT.encode()
    assert parse_policy(data, "policy.toml", fields=FIELDS, limits=Limits(bytes_max=len(data))).roles
    with pytest.raises(RuleError, match="larger than"):
        parse_policy(data, "policy.toml", fields=FIELDS, limits=Limits(bytes_max=len(data) - 1))
    assert (Limits().bytes_max, Limits().items_max, Limits().text_max) == (1024 * 1024, 1000, 500)


def test_a_text_may_have_500_characters_and_a_list_1000_entries_and_no_more() -> None:
    assert mistakes_with('text = "Sells"', f'text = "{"é" * 500}"') == []
    assert mistakes_with('text = "Sells"', f'text = "{"é" * 501}"') == [
        f"{line_of('Sells')}: roles.associate.text: is longer than 500 characters"
    ]
    brands = [f'"brand{number}"' for number in range(1001)]
    assert mistakes_with('["alba"]', f"[{', '.join(brands[:1000])}]") == []
    found = mistakes_with('["alba"]', f"[{', '.join(brands)}]")
    assert f"{line_of('alba')}: roles.associate.brands: has more than 1000 entries" in found


def test_field_names_are_checked_only_where_it_is_known_which_fields_exist() -> None:
    text = changed('email = "reveal", spend_total', 'e_mail = "reveal", spend_total')
    assert "e_mail" in parse_policy(text.encode(), "policy.toml").purposes["clienteling"].fields
    with pytest.raises(RuleError, match="no brand has this field"):
        parse_policy(text.encode(), "policy.toml", fields=FIELDS)


def test_a_date_or_a_fraction_anywhere_is_a_mistake_and_never_a_policy_without_a_hash() -> None:
    for value in ("2026-03-02", "1.5"):
        found = mistakes_with('text = "Sells"', f"text = {value}")
        assert any(reason.endswith("roles.associate.text: must be a text in quotes") for reason in found)
        assert any(reason.endswith("holds a value that cannot be written as canonical JSON") for reason in found)
