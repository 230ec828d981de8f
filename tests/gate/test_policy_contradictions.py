"""A policy whose lines are well formed but make no sense together is refused, at the key that is wrong."""

from __future__ import annotations

import pytest
from policy_files import TEXT, line_of, mistakes_with, policy_with


@pytest.mark.parametrize(
    ("old", "new", "at", "mistake"),
    [
        # Purposes.
        (
            'purposes = ["counting"]', 'purposes = ["clienteling"]', "[purposes.counting]",
            "purposes.counting: no role has this purpose",
        ),
        (
            'fields = {customer_number = "token"}', "", "[purposes.counting]",
            "purposes.counting.fields: an operation gives out fields, but there are none",
        ),
        # Roles.
        (
            'purposes = ["mailing"]', 'purposes = ["mailing", "owning"]', 'purposes = ["mailing"]',
            "roles.officer.purposes: names a purpose that does not exist",
        ),
        (
            'networks = ["10.30.0.0/16"]', 'networks = ["0.0.0.0/0", "10.30.0.0/16"]', 'networks = ["10.30.0.0/16"]',
            "roles.analyst.networks: one range lies inside another",
        ),
        (
            'networks = ["10.30.0.0/16"]', 'networks = ["2001:db8::/32", "2001:db8:1::/48"]',
            'networks = ["10.30.0.0/16"]', "roles.analyst.networks: one range lies inside another",
        ),
        # Budgets.
        (
            'budget = "desk"', 'budget = "counter"', "[budgets.desk]", "budgets.desk: no role draws on this budget",
        ),
        (
            "per_brand = 15,", "per_brand = 21,", "per_brand = 15,",
            "budgets.counter.burst.per_brand: is above records, so it can never be reached",
        ),
        (
            "value = 60", "value = 121", "value = 60",
            "budgets.counter.day.value: is above records, so it can never be reached",
        ),
        (
            "probes = 60}", "probes = 401}", "probes = 60}",
            "budgets.counter.burst.probes: is above that of day, so it can never be reached",
        ),
        (
            "probes = 400", "probes = 9001", "probes = 400",
            "budgets.counter.day.probes: is above that of lifetime, so it can never be reached",
        ),
        (
            "per_brand = 90", "per_brand = 14", "per_brand = 15,",
            "budgets.counter.burst.per_brand: is above that of day, so it can never be reached",
        ),
        (
            "per_brand = 1500", "per_brand = 89", "per_brand = 90",
            "budgets.counter.day.per_brand: is above that of lifetime, so it can never be reached",
        ),
        (
            "value = 60", "value = 9", "value = 10",
            "budgets.counter.burst.value: is above that of day, so it can never be reached",
        ),
        (
            "value = 900", "value = 59", "value = 60",
            "budgets.counter.day.value: is above that of lifetime, so it can never be reached",
        ),
        (
            "lifetime = {records = 1000", "lifetime = {records = 999", 'day = {length = "7d"',
            "budgets.desk.day.records: is above that of lifetime, so it can never be reached",
        ),
        (
            "token_below_percent = 5", "token_below_percent = 21", "token_below_percent = 5",
            "budgets.counter.token_below_percent: is above mask_below_percent, so nothing would ever be masked",
        ),
        # Renewals and releases.
        (
            'by = ["officer"]', 'by = ["officer", "owner"]', 'by = ["officer"]',
            "renewals.staff.by: names a role that does not exist",
        ),
        (
            'purpose = "mailing"', 'purpose = "parties"', 'purpose = "mailing"',
            "releases.campaign.purpose: names a purpose that does not exist",
        ),
        (
            'approvers = ["officer"]', 'approvers = ["officer", "owner"]', 'approvers = ["officer"]',
            "releases.campaign.approvers: names a role that does not exist",
        ),
        # Forbids.
        (
            'fields = ["spend_total"]', 'purposes = ["parties"]', 'fields = ["spend_total"]',
            "forbid.guests.purposes: names a purpose that does not exist",
        ),
        (
            'fields = ["spend_total"]', 'fields = ["shoe_size"]', 'fields = ["spend_total"]',
            "forbid.guests.fields: names a field that no brand has",
        ),
    ],
)  # fmt: skip
def test_a_contradiction_is_told_at_its_key(old: str, new: str, at: str, mistake: str) -> None:
    assert f"{line_of(at)}: {mistake}" in mistakes_with(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("per_brand = 15,", "per_brand = 20,"),
        ("value = 60", "value = 120"),
        ("probes = 60}", "probes = 400}"),
        ("per_brand = 90", "per_brand = 15"),
        ("value = 900", "value = 60"),
        ("token_below_percent = 5", "token_below_percent = 20"),
        ('networks = ["10.30.0.0/16"]', 'networks = ["10.30.0.0/16", "10.31.0.0/16", "::/0", "local"]'),
    ],
)
def test_what_just_reaches_its_bound_is_no_contradiction(old: str, new: str) -> None:
    assert mistakes_with(old, new) == []


def test_a_ceiling_that_only_one_window_has_bounds_nothing_else() -> None:
    assert mistakes_with(", per_brand = 90", "") == []
    assert mistakes_with(", value = 60", "") == []


def test_a_purpose_that_releases_needs_an_entry_of_releases() -> None:
    head, _, _ = TEXT.partition("[releases.campaign]")
    found = mistakes_with(TEXT.removeprefix(head), "")
    line = line_of('operations = ["release"]')
    assert found == [f"{line}: purposes.mailing.operations: allows release, but no entry of releases bounds it"]


@pytest.mark.parametrize(
    ("operations", "fields", "needs"),
    [
        # What draws, as the table of operations in docs/reference/policy.md says.
        ('"reveal"', 'email = "reveal"', "budget"), ('"find"', "", "probes"), ('"probe"', "", "probes"),
        ('"exchange"', "", "probes"), ('"list"', 'email = "mask"', "budget"), ('"list"', 'email = "token"', "probes"),
        ('"reveal"', 'email = "token"', "probes"), ('"list"', 'email = "token", birth_date = "reveal"', "budget"),
        ('"affected"', "", ""), ('"exposure"', "", ""), ('"freeze"', "", ""), ('"erase"', "", ""),
        ('"ledger"', "", ""), ('"enrol"', "", ""), ('"access-report"', "", ""), ('"write"', "", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("budget", ["", "bare", "probing"])
def test_a_role_has_exactly_the_budget_that_its_operations_draw_on(
    operations: str, fields: str, needs: str, budget: str
) -> None:
    """Whatever draws needs a budget, one with probes where it searches; what does not draw must not have one."""
    probes = {"": "", "bare": "", "probing": ", probes = 1"}[budget]
    windows = "\n".join(
        f"{name} = {{{length}records = 1{probes}}}"
        for name, length in (("burst", 'length = "1m", '), ("day", 'length = "1d", '), ("lifetime", ""))
    )
    more = [
        f'[purposes.new]\ntext = "New"\noperations = [{operations}]\nfields = {{{fields}}}',
        '[roles.new]\ntext = "New"\npurposes = ["new"]\nbrands = ["*"]\nnetworks = ["local"]',
        f'budget = "new"\n[budgets.new]\n{windows}' if budget else "",
    ]
    found = [mistake.partition("roles.new.budget: ")[2] for mistake in mistakes_with("", "\n".join(more))]
    expected = {
        ("", "budget"): "new opens or searches, which needs a budget",
        ("", "probes"): "new opens or searches, which needs a budget",
        ("bare", "probes"): "new searches, but a window of the budget has no probes",
        ("bare", ""): "no purpose of the role opens or searches anything",
        ("probing", ""): "no purpose of the role opens or searches anything",
    }.get((budget, needs))
    assert found == ([] if expected is None else [expected])


@pytest.mark.parametrize("probes", ["probes = 60}", "probes = 400}", "probes = 9000}"])
def test_one_window_without_probes_is_enough_to_leave_no_search(probes: str) -> None:
    line = line_of('budget = "counter"')
    without = "clienteling searches, but a window of the budget has no probes"
    assert f"{line}: roles.associate.budget: {without}" in mistakes_with(f", {probes}", "}")


@pytest.mark.parametrize(
    ("conditions", "does_something"),
    [
        ('brands = ["alba"]', True),
        ('brands = ["boreas"]', True),  # The analyst has every brand.
        ('brands = ["boreas"]\nroles = ["associate"]', False),
        ('brands = ["boreas", "alba"]\nroles = ["associate"]', True),
        ('roles = ["associate"]\noperations = ["find"]', True),
        ('roles = ["associate"]\noperations = ["list"]', False),
        ('roles = ["associate", "analyst"]\noperations = ["list"]', True),
        ('purposes = ["counting"]\noperations = ["list"]', True),
        ('purposes = ["counting"]\noperations = ["reveal"]', False),
        ('roles = ["officer"]\npurposes = ["counting"]', False),
        ('roles = ["analyst"]\nfields = ["email"]', False),
        ('roles = ["analyst"]\nfields = ["email", "customer_number"]', True),
        ('fields = ["birth_date"]', False),
        ('operations = ["erase"]', False),
    ],
)
def test_a_rule_that_forbids_only_what_nothing_permits_is_a_mistake(conditions: str, does_something: bool) -> None:
    found = mistakes_with("", f'[forbid.never]\ntext = "Never"\n{conditions}')
    assert [mistake.partition(": ")[2] for mistake in found] == (
        [] if does_something else ["forbid.never: forbids only what nothing permits"]
    )


def test_a_role_that_sells_and_asks_for_releases_needs_the_budget_that_selling_draws_on() -> None:
    both = 'purposes = ["clienteling", "mailing"]'
    assert policy_with('purposes = ["clienteling"]', both).roles["associate"].purposes == {"clienteling", "mailing"}
    found = mistakes_with('purposes = ["mailing"]', both)
    line = line_of("[roles.officer]")
    assert f"{line}: roles.officer.budget: clienteling opens or searches, which needs a budget" in found
