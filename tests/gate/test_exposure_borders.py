"""What a stolen credential could open, computed by hand for one small policy, one change at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from gate_worlds import DAY, HOUR, MINUTE, person, window
from pyroaring import BitMap

from cloakroom.clock import from_microseconds, to_microseconds
from cloakroom.errors import UsageError
from cloakroom.gate.budget import Draw, OpenedRecords
from cloakroom.gate.exposure import Exposure, expose
from cloakroom.gate.policy import Budget, Forbid, Form, Networks, Policy, PrincipalKind, Purpose, Role
from cloakroom.vocabulary import FieldClass, Operation

AT = to_microseconds(datetime(2026, 3, 1, tzinfo=UTC))
FIELDS = {
    "email": FieldClass.CONTACT,
    "birth_date": FieldClass.IDENTITY,
    "number": FieldClass.IDENTITY,
    "spend_total": FieldClass.VALUE,
}
RECORDS = {"alba": 1000, "boreas": 1000, "cassio": 1000}
BUDGET = Budget(
    "counter",
    window("burst", 10 * MINUTE, 20, probes=7),
    window("day", DAY, 120, probes=50),
    window("lifetime", None, 500, probes=90),
    mask_below_percent=25,
)
SELLING = Purpose("selling", "S", frozenset({Operation.REVEAL}), {"email": Form.REVEAL, "spend_total": Form.MASK})
COUNTING = Purpose("counting", "C", frozenset({Operation.LIST}), {"email": Form.MASK, "number": Form.TOKEN})
MAILING = Purpose("mailing", "M", frozenset({Operation.RELEASE}), {"birth_date": Form.REVEAL})
GUARDING = Purpose("guarding", "G", frozenset({Operation.FREEZE, Operation.AFFECTED}))
SELLER = Role(
    name="seller",
    text="S",
    purposes=frozenset({"selling", "counting"}),
    brands=frozenset({"alba", "boreas"}),
    networks=Networks(),
    kinds=frozenset({PrincipalKind.PERSON}),
    budget="counter",
)
POLICY = replace(
    Policy.empty(),
    purposes={one.name: one for one in (SELLING, COUNTING, MAILING, GUARDING)},
    roles={"seller": SELLER},
    budgets={"counter": BUDGET},
)
WHO = replace(person("anna", "seller"), valid_until=from_microseconds(AT) + timedelta(days=300))


def exposed(
    policy: Policy = POLICY, who: object = WHO, view: OpenedRecords | None = None, **more: object
) -> Exposure:
    return expose(policy, who, view, AT, **{"fields": FIELDS, "records_by_brand": RECORDS, **more})  # type: ignore[arg-type]


def with_role(**changes: object) -> Policy:
    return replace(POLICY, roles={"seller": replace(SELLER, **changes)})


def with_budget(**changes: object) -> Policy:
    return replace(POLICY, budgets={"counter": replace(BUDGET, **changes)})


def records(exposure: Exposure) -> list[int]:
    return [bound.records for bound in exposure.bounds]


def test_the_plain_world_exposes_what_its_budget_says() -> None:
    exposure = exposed()
    assert records(exposure) == [20, 120, 500]
    assert [bound.in_full for bound in exposure.bounds] == [15, 90, 375]
    assert [bound.never_opened for bound in exposure.bounds] == [20, 120, 500]
    assert [bound.probes for bound in exposure.bounds] == [7, 50, 90]
    assert [bound.until for bound in exposure.bounds] == [AT + 10 * MINUTE, AT + DAY, None]
    assert [dict(bound.brands) for bound in exposure.bounds] == [{"alba": n, "boreas": n} for n in (20, 120, 500)]
    assert (exposure.principal, exposure.at, exposure.ceiling) == ("anna", AT, 500)


def test_a_field_is_exposed_in_the_strongest_form_of_any_purpose_whichever_comes_first() -> None:
    assert dict(exposed().fields) == {"email": Form.REVEAL, "number": Form.TOKEN, "spend_total": Form.MASK}
    # Purposes are looked at by name: the stronger one comes last here and first there.
    weaker = replace(SELLING, fields={"email": Form.TOKEN, "spend_total": Form.BAND})
    stronger = replace(COUNTING, fields={"email": Form.BAND, "spend_total": Form.MASK})
    for purposes in ((weaker, stronger), (replace(weaker, name="a"), replace(stronger, name="b"))):
        role = replace(SELLER, purposes=frozenset(one.name for one in purposes))
        policy = replace(POLICY, purposes={one.name: one for one in purposes}, roles={"seller": role})
        assert dict(exposed(policy).fields) == {"email": Form.BAND, "spend_total": Form.BAND}


def test_only_what_opens_or_searches_without_others_approval_exposes_fields_and_brands() -> None:
    for purposes, fields in (
        ({"selling"}, {"email", "spend_total"}), ({"counting"}, {"email", "number"}), ({"mailing"}, set()),
        ({"guarding"}, set()), ({"mailing", "counting", "unknown"}, {"email", "number"}),
    ):  # fmt: skip
        exposure = exposed(with_role(purposes=frozenset(purposes)))
        assert set(exposure.fields) == fields, purposes
        assert bool(exposure.bounds) == bool(fields), purposes


def test_a_role_for_another_kind_of_principal_exposes_nothing() -> None:
    assert exposed(with_role(kinds=frozenset({PrincipalKind.APPLICATION}))).bounds == ()
    assert exposed(who=replace(WHO, kind=PrincipalKind.SYSTEM)).bounds == ()


def test_networks_do_not_count_as_a_defence() -> None:
    confined = replace(WHO, networks=Networks((ip_network("10.9.0.0/16"),)))
    assert records(exposed(who=confined)) == records(exposed(with_role(networks=Networks()))) == [20, 120, 500]


def test_classes_that_leave_as_tokens_or_that_no_field_has_are_not_exposed() -> None:
    for bound in exposed().bounds:
        expected = {FieldClass.CONTACT: bound.records, FieldClass.IDENTITY: 0, FieldClass.VALUE: bound.records}
        assert dict(bound.classes) == expected
    tokens = exposed(with_role(purposes=frozenset({"counting"})), fields={"number": FieldClass.IDENTITY})
    # Nothing but tokens leaves, so no record is opened; searching can go on.
    assert records(tokens) == [0, 0, 0]
    assert [bound.probes for bound in tokens.bounds] == [7, 50, 90]
    assert [bound.in_full for bound in tokens.bounds] == [0, 0, 0]
    assert tokens.ceiling == 0


def test_a_ceiling_of_a_class_bounds_that_class_and_no_other() -> None:
    day = window("day", DAY, 120, classes={FieldClass.VALUE: 30})
    burst, long, lifetime = exposed(with_budget(day=day)).bounds
    assert [bound.classes[FieldClass.VALUE] for bound in (burst, long, lifetime)] == [20, 30, 500]
    assert [bound.classes[FieldClass.CONTACT] for bound in (burst, long, lifetime)] == [20, 120, 500]


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (1, [20, 20, 20]), (10 * MINUTE, [20, 20, 20]), (10 * MINUTE + 1, [20, 40, 40]), (20 * MINUTE, [20, 40, 40]),
        (HOUR, [20, 120, 120]), (DAY, [20, 120, 120]), (DAY + 1, [20, 120, 240]), (4 * DAY, [20, 120, 480]),
        (4 * DAY + 1, [20, 120, 500]),
    ],
)  # fmt: skip
def test_a_window_lets_its_ceiling_through_once_for_each_window_that_covers_what_is_left(
    left: int, expected: list[int]
) -> None:
    exposure = exposed(who=replace(WHO, valid_until=from_microseconds(AT + left)))
    assert records(exposure) == expected
    assert [bound.until for bound in exposure.bounds] == [AT + min(10 * MINUTE, left), AT + min(DAY, left), None]


def test_a_credential_at_its_end_exposes_nothing() -> None:
    assert exposed(who=replace(WHO, valid_until=from_microseconds(AT))).bounds == ()
    assert exposed(frozen=True).bounds == ()
    assert str(exposed(frozen=True)) == "If it were stolen now: no record."


@pytest.mark.parametrize(
    ("of_role", "of_principal", "reached"),
    [
        ({"*"}, {"*"}, {"alba", "boreas", "cassio"}), ({"alba", "boreas"}, {"*"}, {"alba", "boreas"}),
        ({"*"}, {"alba"}, {"alba"}), ({"alba", "boreas"}, {"boreas", "cassio"}, {"boreas"}),
        ({"alba"}, {"boreas"}, set()),
        ({"unknown"}, {"*"}, set()),
    ],
)  # fmt: skip
def test_a_brand_is_exposed_where_role_and_principal_both_reach_it(
    of_role: set[str], of_principal: set[str], reached: set[str]
) -> None:
    who = replace(WHO, brands=frozenset(of_principal))
    exposure = exposed(with_role(brands=frozenset(of_role)), who)
    assert set().union(*(bound.brands for bound in exposure.bounds)) == reached


def test_small_brands_bound_what_there_is_to_take_and_large_ones_by_their_ceiling() -> None:
    few = exposed(records_by_brand={"alba": 3, "boreas": 4, "cassio": 1000})
    assert records(few) == [7, 7, 7]
    assert dict(few.bounds[2].brands) == {"alba": 3, "boreas": 4}
    assert [bound.in_full for bound in few.bounds] == [7, 7, 7]
    per_brand = with_budget(day=window("day", DAY, 120, per_brand=15))
    burst, day, lifetime = exposed(per_brand, records_by_brand={"alba": 1000, "boreas": 8}).bounds
    # A burst lies within a day, whose ceiling per brand bounds it too.
    assert (dict(burst.brands), burst.records) == ({"alba": 15, "boreas": 8}, 20)
    assert (dict(day.brands), day.records) == ({"alba": 15, "boreas": 8}, 23)
    assert (dict(lifetime.brands), lifetime.records) == ({"alba": 500, "boreas": 8}, 500)


def test_what_was_opened_since_the_last_renewal_leaves_less_that_is_new_and_never_less_than_none() -> None:
    for opened, left in ((0, 500), (1, 499), (499, 1), (500, 0), (600, 0)):
        view = OpenedRecords(BUDGET)
        view.apply(AT - 2 * DAY, Draw("alba", {FieldClass.CONTACT: BitMap(range(opened))}))
        exposure = exposed(view=view)
        assert [bound.never_opened for bound in exposure.bounds] == [min(20, left), min(120, left), left], opened
        assert records(exposure) == [20, 120, 500]


NEVER = Forbid("never", "Never", fields=frozenset({"email"}))


@pytest.mark.parametrize(
    ("changes", "is_out"),
    [
        ({}, True), ({"fields": frozenset({"email", "birth_date"})}, True), ({"fields": frozenset()}, False),
        ({"fields": frozenset({"birth_date"})}, False), ({"roles": frozenset({"seller", "x"})}, True),
        ({"roles": frozenset({"x"})}, False), ({"purposes": frozenset({"selling", "counting"})}, True),
        ({"brands": frozenset({"alba"})}, False), ({"operations": frozenset({Operation.REVEAL})}, False),
        ({"networks": Networks(local=True)}, False),
    ],
)  # fmt: skip
def test_a_field_is_out_of_reach_only_under_a_forbid_that_no_brand_operation_or_network_escapes(
    changes: dict[str, object], is_out: bool
) -> None:
    exposure = exposed(replace(POLICY, forbids=(replace(NEVER, **changes),)))  # type: ignore[arg-type]
    assert ("email" not in exposure.fields) == is_out
    assert exposure.bounds[0].classes[FieldClass.CONTACT] == (0 if is_out else 20)


def test_a_field_that_one_purpose_may_not_give_out_stays_exposed_by_the_other_in_its_form() -> None:
    forbid = replace(NEVER, purposes=frozenset({"selling"}))
    assert exposed(replace(POLICY, forbids=(forbid,))).fields["email"] is Form.MASK


def test_roles_on_two_budgets_have_no_printed_ceiling_and_a_role_without_one_exposes_nothing() -> None:
    other = replace(SELLER, name="clerk", budget="desk")
    policy = replace(POLICY, roles={"seller": SELLER, "clerk": other}, budgets={"counter": BUDGET, "desk": BUDGET})
    with pytest.raises(UsageError):
        exposed(policy, replace(WHO, roles=frozenset({"seller", "clerk"})))
    assert exposed(with_role(budget=None)).bounds == ()
