"""Each condition of a forbid, each obligation and each half of two persons, in a policy small enough to enumerate."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from gate_worlds import budget, person

from cloakroom.errors import UsageError
from cloakroom.gate.decision import Decision, Principal, Request, budget_of, decide, decide_renewal, roles_of
from cloakroom.gate.policy import (
    EVERY_BRAND,
    Forbid,
    Form,
    Networks,
    Policy,
    PrincipalKind,
    Purpose,
    Renewal,
    Role,
)
from cloakroom.vocabulary import POLICY_OPERATIONS, Operation

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OFFICE, GUESTS = "10.1.0.9", "10.2.0.9"
EVERYTHING = Purpose(
    name="everything",
    text="Everything",
    operations=POLICY_OPERATIONS,
    fields={"email": Form.REVEAL, "number": Form.TOKEN},
    max_records=5,
)
COUNTER = budget()


def role(name: str, **changes: object) -> Role:
    usual = Role(
        name=name,
        text=name,
        purposes=frozenset({"everything", "other"}),
        brands=frozenset({EVERY_BRAND}),
        networks=Networks((ip_network("10.0.0.0/8"),), local=True),
        kinds=frozenset({PrincipalKind.PERSON}),
        budget="counter",
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def policy_of(*roles: Role, forbids: tuple[Forbid, ...] = (), renewals: tuple[Renewal, ...] = ()) -> Policy:
    return replace(
        Policy.empty(),
        purposes={"everything": EVERYTHING, "other": replace(EVERYTHING, name="other")},
        roles={one.name: one for one in roles or (role("seller"), role("buyer"))},
        budgets={"counter": COUNTER, "desk": replace(COUNTER, name="desk")},
        forbids=forbids,
        renewals=renewals,
    )


def ask(operation: Operation = Operation.REVEAL, **changes: object) -> Request:
    usual = Request(operation, "everything", frozenset({"alba"}), NOW, frozenset({"email"}), address=OFFICE)
    return replace(usual, **changes)  # type: ignore[arg-type]


def codes(decision: Decision) -> list[str]:
    return [reason.code.value for reason in decision.reasons]


SELLER = person("anna", "seller")

CONDITIONS: dict[str, tuple[object, dict[str, object], dict[str, object]]] = {
    # A condition, a request that meets it, one that does not.
    "roles": (frozenset({"seller"}), {}, {"who": person("anna", "buyer")}),
    "purposes": (frozenset({"everything"}), {}, {"purpose": "other"}),
    "operations": (frozenset({Operation.REVEAL}), {}, {"operation": Operation.FIND}),
    "brands": (frozenset({"alba"}), {}, {"brands": frozenset({"boreas"})}),
    "fields": (frozenset({"email"}), {}, {"fields": frozenset({"number"})}),
    "networks": (Networks((ip_network("10.2.0.0/16"),)), {"address": GUESTS}, {"address": OFFICE}),
}


def permitted_under(forbid: Forbid, changes: dict[str, object]) -> bool:
    who = changes.pop("who", SELLER)
    assert isinstance(who, Principal)
    decision = decide(policy_of(forbids=(forbid,)), who, ask(**changes))  # type: ignore[arg-type]
    assert codes(decision) == (["granted"] if decision.permitted else ["forbidden"])
    return decision.permitted


@pytest.mark.parametrize("size", [1, 2, 6])
def test_a_forbid_takes_hold_where_all_its_conditions_do_and_only_there(size: int) -> None:
    for names in itertools.combinations(CONDITIONS, size):
        forbid = Forbid("never", "Never", **{name: CONDITIONS[name][0] for name in names})  # type: ignore[arg-type]
        met = {key: value for name in names for key, value in CONDITIONS[name][1].items()}
        assert not permitted_under(forbid, dict(met)), names
        for name in names:
            assert permitted_under(forbid, {**met, **CONDITIONS[name][2]}), (names, name)


def test_one_forbidden_brand_or_field_or_role_among_several_forbids_the_whole_request() -> None:
    both = person("anna", "seller", "buyer")
    for forbid, who, request in (
        (Forbid("f", "F", brands=frozenset({"alba", "cassio"})), SELLER, ask(brands=frozenset({"alba", "boreas"}))),
        (Forbid("f", "F", fields=frozenset({"email"})), SELLER, ask(fields=frozenset({"email", "number"}))),
        (Forbid("f", "F", roles=frozenset({"buyer"})), both, ask()),
    ):
        assert codes(decide(policy_of(forbids=(forbid,)), who, request)) == ["forbidden"]


def test_a_refused_request_is_told_every_forbid_as_well_in_the_order_of_the_file() -> None:
    forbids = (Forbid("z", "Zeal"), Forbid("m", "Mist", brands=frozenset({"boreas"})), Forbid("a", "Ash"))
    decision = decide(policy_of(forbids=forbids), SELLER, ask(records=6))
    assert codes(decision) == ["too-many", "forbidden", "forbidden"]
    assert decision.explanation == "6 records in one request; everything allows 5; z: Zeal; a: Ash"
    assert str(decision.reasons[1]) == "forbidden: z: Zeal"
    assert (decision.budget, dict(decision.forms), decision.obligations) == (COUNTER, {}, frozenset())


DRAWS = {
    # What each operation draws when it gives out a value, only a token, or nothing: docs/reference/policy.md.
    Operation.REVEAL: ({"draw-records"}, {"draw-probes"}, None),
    Operation.LIST: ({"draw-records"}, {"draw-probes"}, None),
    Operation.FIND: ({"draw-probes", "draw-records"}, {"draw-probes"}, {"draw-probes"}),
    Operation.RELEASE: ({"approve-release"}, {"approve-release"}, None),
    Operation.PROBE: (None, None, {"draw-probes"}),
    Operation.EXCHANGE: (None, None, {"draw-probes"}),
}


@pytest.mark.parametrize("operation", sorted(POLICY_OPERATIONS))
def test_an_operation_lays_exactly_the_obligations_of_the_reference_or_gives_out_nothing(
    operation: Operation,
) -> None:
    expected = DRAWS.get(operation, (None, None, set()))
    for fields, obligations in zip((frozenset({"email"}), frozenset({"number"}), frozenset()), expected, strict=True):
        for reference in (None, "CASE-1"):
            decision = decide(policy_of(), SELLER, ask(operation, fields=fields, reference=reference))
            if obligations is None:
                assert codes(decision) == ["request"]
                assert not decision.obligations
            else:
                more = {"record-reference"} if reference else set()
                assert decision.obligations == obligations | more
                assert set(decision.forms) == fields


def test_one_value_among_tokens_draws_records() -> None:
    for operation in (Operation.REVEAL, Operation.LIST):
        decision = decide(policy_of(), SELLER, ask(operation, fields=frozenset({"email", "number"})))
        assert decision.obligations == {"draw-records"}
        assert dict(decision.forms) == {"email": Form.REVEAL, "number": Form.TOKEN}


@pytest.mark.parametrize("operation", sorted(POLICY_OPERATIONS))
def test_what_opens_or_searches_names_a_brand_and_no_more_records_than_the_purpose_allows(
    operation: Operation,
) -> None:
    fields = frozenset({"email"}) if operation in {"reveal", "list", "release"} else frozenset()
    counted = operation in DRAWS
    for records, allowed in ((-1, False), (0, True), (1, True), (5, True), (6, False)):
        decision = decide(policy_of(), SELLER, ask(operation, fields=fields, records=records))
        assert codes(decision) == (["granted"] if allowed or not counted else ["too-many"]), records
    without = decide(policy_of(), SELLER, ask(operation, fields=fields, brands=frozenset()))
    assert codes(without) == (["request"] if counted else ["granted"])


@pytest.mark.parametrize(
    ("brands_of_role", "brands_of_principal", "allowed"),
    [
        ({"*"}, {"*"}, "all"), ({"*"}, {"alba"}, {"alba"}), ({"alba"}, {"*"}, {"alba"}),
        ({"alba", "boreas"}, {"boreas", "cassio"}, {"boreas"}), ({"alba"}, {"boreas"}, set()),
        ({"alba"}, set(), set()),
    ],
)  # fmt: skip
def test_a_brand_is_in_reach_of_role_and_principal_both_and_the_whole_group_takes_a_star_in_each(
    brands_of_role: set[str], brands_of_principal: set[str], allowed: set[str] | str
) -> None:
    policy = policy_of(role("seller", brands=frozenset(brands_of_role)))
    who = person("anna", "seller", brands=tuple(brands_of_principal))
    for count in range(4):
        for brands in itertools.combinations(("alba", "boreas", "cassio"), count):
            ledger = ask(Operation.LEDGER, fields=frozenset(), brands=frozenset(brands))
            permitted = decide(policy, who, ledger).permitted
            assert permitted == (allowed == "all" or (bool(brands) and set(brands) <= set(allowed))), brands


def test_several_roles_share_out_brands_and_networks_but_not_across_purposes() -> None:
    """A brand of a role without the purpose, or one that may not be used from here, does not count."""
    here, away = Networks((ip_network("10.1.0.0/16"),)), Networks((ip_network("10.2.0.0/16"),))
    policy = policy_of(
        role("seller", brands=frozenset({"alba"}), networks=here),
        role("buyer", brands=frozenset({"boreas"}), networks=here, purposes=frozenset({"other"})),
        role("guest", brands=frozenset({"cassio"}), networks=away),
        role("robot", brands=frozenset({"dora"}), networks=here, kinds=frozenset({PrincipalKind.APPLICATION})),
    )
    who = person("anna", "seller", "buyer", "guest", "robot", "unknown")
    assert [one.name for one in roles_of(policy, who)] == ["buyer", "guest", "robot", "seller"]
    for brand, address, expected in (
        ("alba", OFFICE, ["granted"]), ("boreas", OFFICE, ["brand"]), ("cassio", OFFICE, ["brand"]),
        ("cassio", GUESTS, ["granted"]), ("alba", GUESTS, ["brand"]), ("dora", OFFICE, ["brand"]),
        ("alba", "10.3.0.1", ["network"]), ("alba", None, ["network"]),
    ):  # fmt: skip
        assert codes(decide(policy, who, ask(brands=frozenset({brand}), address=address))) == expected, brand


def test_a_refused_brand_is_named_only_if_some_role_names_it() -> None:
    policy = policy_of(role("seller", brands=frozenset({"alba"})))
    who = person("anna", "seller", brands=("boreas",))
    assert decide(policy, who, ask()).explanation == "no grant for brand alba"
    both = decide(policy, who, ask(brands=frozenset({"alba", "rossi"})))
    assert both.explanation == "no grant for brand alba; no grant for one of the brands, or for all of them"


@pytest.mark.parametrize(
    ("needed", "reference", "code"),
    [
        (True, None, "reference"), (True, "", "reference"), (True, "A-1", "granted"), (True, "A-", "reference"),
        (False, None, "granted"), (False, "", "reference"), (False, "A-1", "granted"),
        (False, "no number", "reference"),
    ],
)  # fmt: skip
def test_a_reference_is_checked_wherever_one_is_given_and_wanted_where_the_purpose_says(
    needed: bool, reference: str | None, code: str
) -> None:
    policy = policy_of()
    policy = replace(policy, purposes={"everything": replace(EVERYTHING, reference=needed)})
    decision = decide(policy, SELLER, ask(reference=reference))
    assert codes(decision) == [code]
    assert "no number" not in decision.explanation


RULES = (
    Renewal("first", frozenset({"officer"}), frozenset({"desk"})),
    Renewal("second", frozenset({"officer", "chief"}), frozenset({"counter"})),
)
OFFICER_ROLES = (
    role("seller"),
    role("officer", budget=None, networks=Networks((ip_network("10.1.0.0/16"),))),
    role("clerk", budget=None),
    role("desk_clerk", budget="desk"),
)


def renewed(who: Principal, whom: Principal = SELLER, **changes: object) -> list[str]:
    usual: dict[str, object] = {"credential": "key-9", "renewed_credentials": frozenset({"key-1"}), "at": NOW}
    policy = policy_of(*OFFICER_ROLES, renewals=RULES)
    return codes(decide_renewal(policy, renewer=who, renewed=whom, **{**usual, "address": OFFICE, **changes}))  # type: ignore[arg-type]


def test_a_renewal_takes_one_rule_that_names_a_role_of_the_renewer_and_the_budget_of_the_renewed() -> None:
    omar = person("omar", "officer")
    assert renewed(omar) == ["granted"]
    assert renewed(omar, person("dora", "desk_clerk")) == ["granted"]
    assert renewed(omar, person("carl", "clerk")) == ["renewal"]
    assert renewed(omar, person("both", "seller", "desk_clerk")) == ["budget-unclear", "renewal"]
    assert renewed(person("carl", "clerk")) == ["renewal"]
    assert renewed(person("nobody")) == ["network", "renewal"]


def test_a_renewer_is_a_person_of_the_roles_kind_in_its_network_and_valid() -> None:
    omar = person("omar", "officer")
    assert renewed(replace(omar, kind=PrincipalKind.APPLICATION)) == ["renewal"]
    assert renewed(omar, address=GUESTS) == ["network", "renewal"]
    # Another role reaches from there, but no rule names it.
    assert renewed(person("omar", "officer", "clerk"), address=GUESTS) == ["renewal"]
    assert renewed(replace(omar, networks=Networks((ip_network("10.2.0.0/16"),)))) == ["network", "renewal"]
    last = omar.valid_until - timedelta(microseconds=1)
    assert renewed(omar, at=last) == ["granted"]
    assert renewed(omar, at=omar.valid_until) == ["expired"]
    assert renewed(omar, at=omar.valid_from) == ["granted"]
    assert renewed(omar, at=omar.valid_from - timedelta(microseconds=1)) == ["not-yet-valid"]
    with pytest.raises(UsageError, match="aware"):
        renewed(omar, at=datetime(2026, 3, 1))


def test_two_persons_are_two_lineages_and_two_credentials() -> None:
    seller_and_officer = person("anna", "seller", "officer")
    assert renewed(seller_and_officer, seller_and_officer) == ["own-lineage"]
    assert renewed(person("omar", "officer"), credential="key-1") == ["own-lineage"]
    assert renewed(seller_and_officer, person("anna", "seller")) == ["own-lineage"]


def test_a_lineage_has_the_one_budget_that_its_known_roles_name() -> None:
    policy = policy_of(*OFFICER_ROLES)
    assert budget_of(policy, person("x", "seller", "clerk", "unknown")) is policy.budgets["counter"]
    assert budget_of(policy, person("x", "clerk")) is None
    assert budget_of(policy, person("x")) is None
    with pytest.raises(UsageError, match=r"\(counter, desk\); a lineage has one"):
        budget_of(policy, person("x", "seller", "desk_clerk"))


def test_release_alone_needs_no_budget_and_everything_that_draws_does() -> None:
    policy = policy_of(role("seller", budget=None))
    assert decide(policy, SELLER, ask(Operation.RELEASE)).permitted
    assert decide(policy, SELLER, ask(Operation.WRITE, fields=frozenset())).permitted
    for operation, fields in ((Operation.REVEAL, {"email"}), (Operation.LIST, {"number"}), (Operation.PROBE, set())):
        assert codes(decide(policy, SELLER, ask(operation, fields=frozenset(fields)))) == ["budget-unclear"]


def test_every_refusal_of_standing_is_told_before_grants_are_looked_at() -> None:
    late = replace(SELLER, valid_from=NOW + timedelta(days=2), valid_until=NOW - timedelta(days=2))
    found = decide(policy_of(), replace(late, roles=frozenset()), ask())
    assert codes(found) == ["not-yet-valid", "expired"]
