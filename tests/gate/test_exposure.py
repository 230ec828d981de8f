"""The printed ceiling: what a stolen credential could open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from gate_worlds import DAY, HOUR, MINUTE, contact, person

from cloakroom.clock import from_microseconds, to_microseconds
from cloakroom.gate.budget import OpenedRecords, Renewed
from cloakroom.gate.exposure import Exposure, expose
from cloakroom.gate.policy import Forbid, Form, Policy
from cloakroom.gate.policy_text import parse_policy
from cloakroom.vocabulary import FieldClass

VALMONT = Path(__file__).parents[2] / "examples" / "valmont" / "policy.toml"
AT = to_microseconds(person().valid_from) + DAY
FIELDS = {
    "email": FieldClass.CONTACT,
    "given_name": FieldClass.CONTACT,
    "birth_date": FieldClass.IDENTITY,
    "spend_total": FieldClass.VALUE,
    "customer_number": FieldClass.IDENTITY,
}
BRANDS = {"auberon": 25_000, "balmere": 24_000, "mcquarrie": 22_000}


@pytest.fixture(scope="module")
def policy() -> Policy:
    return parse_policy(VALMONT.read_bytes(), "policy.toml")


def of(policy: Policy, role: str, view: OpenedRecords | None = None, **more: object) -> Exposure:
    who = person("x", role)
    return expose(policy, who, view, AT, fields=FIELDS, records_by_brand=BRANDS, **more)  # type: ignore[arg-type]


def test_an_associate_exposes_what_the_budget_says_and_no_more(policy: Policy) -> None:
    exposure = of(policy, "store_associate")
    assert [bound.records for bound in exposure.bounds] == [20, 120, 2000]
    assert [bound.in_full for bound in exposure.bounds] == [16, 96, 1600]
    assert [bound.probes for bound in exposure.bounds] == [60, 400, 10_000]
    assert exposure.ceiling == 2000
    day = exposure.bounds[1]
    assert day.classes == {FieldClass.CONTACT: 120, FieldClass.IDENTITY: 120, FieldClass.VALUE: 60}
    assert day.until == AT + DAY
    assert exposure.bounds[2].until is None
    assert exposure.fields["email"] is Form.REVEAL
    assert exposure.fields["spend_total"] is Form.BAND
    assert "street" not in exposure.fields
    assert str(exposure) == (
        "If it were stolen now: at most 20 records at once, 120 in a day and 2000 until it expires or somebody "
        "renews it."
    )


@pytest.mark.parametrize("role", ["security_responder", "auditor"])
def test_who_sees_no_customer_exposes_none(policy: Policy, role: str) -> None:
    exposure = of(policy, role)
    assert exposure.ceiling == 0
    assert not exposure.fields
    assert str(exposure) == "If it were stolen now: no record."


def test_a_frozen_an_expired_and_an_unknown_credential_expose_nothing(policy: Policy) -> None:
    assert of(policy, "store_associate", frozen=True).bounds == ()
    assert of(policy, "no_such_role").bounds == ()
    gone = replace(person("x", "store_associate"), valid_until=from_microseconds(AT))
    assert expose(policy, gone, None, AT, fields=FIELDS, records_by_brand=BRANDS).bounds == ()


def test_what_is_open_already_can_be_opened_again_but_leaves_less_that_is_new(policy: Policy) -> None:
    budget = policy.budgets["counter"]
    view = OpenedRecords(budget)
    view.apply(AT - DAY, contact(*range(1500)))
    lifetime = of(policy, "store_associate", view).bounds[2]
    assert (lifetime.records, lifetime.never_opened) == (2000, 500)
    view.apply(AT, Renewed())
    assert of(policy, "store_associate", view).bounds[2].never_opened == 2000


def test_a_credential_that_expires_soon_exposes_only_what_fits_until_then(policy: Policy) -> None:
    soon = replace(person("x", "store_associate"), valid_until=from_microseconds(AT) + timedelta(minutes=25))
    exposure = expose(policy, soon, None, AT, fields=FIELDS, records_by_brand=BRANDS)
    # Three bursts of ten minutes cover twenty-five.
    assert [bound.records for bound in exposure.bounds] == [20, 60, 60]
    assert exposure.bounds[1].until == AT + 25 * MINUTE


def test_a_small_brand_bounds_what_can_be_taken_of_it(policy: Policy) -> None:
    exposure = expose(
        policy,
        person("x", "store_associate", brands=("auberon",)),
        None,
        AT,
        fields=FIELDS,
        records_by_brand={"auberon": 7, "balmere": 1000},
    )
    assert exposure.ceiling == 7
    assert exposure.bounds[2].brands == {"auberon": 7}


def test_a_ceiling_per_brand_is_printed_per_brand(policy: Policy) -> None:
    shop = expose(
        policy,
        replace(person("x", "web_shop"), kind=next(iter(policy.roles["web_shop"].kinds))),
        None,
        AT,
        fields=FIELDS,
        records_by_brand=BRANDS,
    )
    assert shop.bounds[1].brands == {"auberon": 3000, "balmere": 3000, "mcquarrie": 3000}
    assert shop.bounds[1].records == 5000


def test_a_field_that_is_always_forbidden_is_out_of_reach(policy: Policy) -> None:
    never = Forbid(
        "never", "No spend for associates", frozenset({"store_associate"}), fields=frozenset({"spend_total"})
    )
    sometimes = replace(never, operations=frozenset({"find"}))
    assert "spend_total" not in of(replace(policy, forbids=(never,)), "store_associate").fields
    assert "spend_total" in of(replace(policy, forbids=(sometimes,)), "store_associate").fields
    assert of(replace(policy, forbids=(never,)), "store_associate").bounds[0].classes[FieldClass.VALUE] == 0


def test_bulk_that_others_must_approve_is_not_in_it(policy: Policy) -> None:
    exposure = of(policy, "marketing_operations")
    assert "email" not in exposure.fields
    assert exposure.fields["customer_number"] is Form.TOKEN
    assert exposure.bounds[0].classes[FieldClass.CONTACT] == 0


def test_no_window_is_bounded_by_less_than_a_shorter_one(policy: Policy) -> None:
    for role in policy.roles:
        records = [bound.records for bound in of(policy, role).bounds]
        assert records == sorted(records)
    assert HOUR < DAY
