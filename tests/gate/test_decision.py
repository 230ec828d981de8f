"""Default deny, forbid beats permit, every reason said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from gate_worlds import person
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.errors import UsageError
from cloakroom.gate.decision import (
    Decision,
    Obligation,
    Outcome,
    Principal,
    ReasonCode,
    Request,
    budget_of,
    decide,
    decide_renewal,
    is_reference,
)
from cloakroom.gate.policy import Form, Networks, Policy, PrincipalKind
from cloakroom.gate.policy_text import parse_policy
from cloakroom.vocabulary import Operation

VALMONT = Path(__file__).parents[2] / "examples" / "valmont" / "policy.toml"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return parse_policy(VALMONT.read_bytes(), "policy.toml")


def appointment(**changes: object) -> Request:
    request = Request(
        operation=Operation.REVEAL,
        purpose="clienteling",
        brands=frozenset({"auberon"}),
        at=NOW,
        fields=frozenset({"email", "spend_total"}),
        records=3,
        address="10.20.4.7",
        reference="APT-2026-118",
    )
    return replace(request, **changes)  # type: ignore[arg-type]


def codes(decision: Decision) -> list[str]:
    return [reason.code.value for reason in decision.reasons]


ASSOCIATE = person("chiara", "store_associate", brands=("auberon",))


def test_an_associate_reveals_contacts_of_her_brand_under_an_appointment(policy: Policy) -> None:
    decision = decide(policy, ASSOCIATE, appointment())
    assert decision.outcome is Outcome.PERMIT
    assert dict(decision.forms) == {"email": Form.REVEAL, "spend_total": Form.BAND}
    assert decision.obligations == {Obligation.DRAW_RECORDS, Obligation.RECORD_REFERENCE}
    assert decision.budget is not None
    assert decision.budget.lifetime.records == 2000
    assert decision.policy_sha256 == policy.sha256


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": "access_request"}, "purpose"),
        ({"purpose": "no such purpose"}, "purpose"),
        ({"operation": Operation.LIST}, "operation"),
        ({"brands": frozenset({"balmere"})}, "brand"),
        ({"brands": frozenset({"auberon", "balmere"})}, "brand"),
        ({"brands": frozenset()}, "brand"),
        ({"fields": frozenset({"email", "street"})}, "field"),
        ({"fields": frozenset()}, "request"),
        ({"records": 21}, "too-many"),
        ({"records": -1}, "too-many"),
        ({"address": "10.30.4.7"}, "network"),
        ({"address": "not an address"}, "network"),
        ({"reference": None}, "reference"),
        ({"reference": "Jane Doe"}, "reference"),
        ({"at": datetime(2024, 12, 31, tzinfo=UTC)}, "not-yet-valid"),
        ({"at": datetime(2027, 1, 1, tzinfo=UTC)}, "expired"),
    ],
)
def test_whatever_is_not_granted_is_denied_with_its_reason(
    policy: Policy, changes: dict[str, object], code: str
) -> None:
    decision = decide(policy, ASSOCIATE, appointment(**changes))
    assert not decision.permitted
    assert codes(decision) == [code]
    assert not decision.forms
    assert not decision.obligations


def test_the_last_moment_of_validity_permits_and_the_next_does_not(policy: Policy) -> None:
    last = ASSOCIATE.valid_until - timedelta(microseconds=1)
    assert decide(policy, ASSOCIATE, appointment(at=last)).permitted
    assert not decide(policy, ASSOCIATE, appointment(at=ASSOCIATE.valid_until)).permitted
    assert decide(policy, ASSOCIATE, appointment(at=ASSOCIATE.valid_from)).permitted


def test_as_many_records_as_the_purpose_allows_and_not_one_more(policy: Policy) -> None:
    assert decide(policy, ASSOCIATE, appointment(records=20)).permitted


def test_forbid_beats_permit(policy: Policy) -> None:
    guest = appointment(address="10.20.200.9")
    assert codes(decide(policy, ASSOCIATE, guest)) == ["forbidden"]
    assert decide(policy, ASSOCIATE, replace(guest, fields=frozenset({"email"}))).permitted


def test_an_empty_policy_permits_nothing() -> None:
    assert codes(decide(Policy.empty(), ASSOCIATE, appointment())) == ["role"]
    assert parse_policy(b"", "policy.toml") == Policy.empty()


def test_a_role_for_people_is_not_for_applications(policy: Policy) -> None:
    robot = replace(ASSOCIATE, kind=PrincipalKind.APPLICATION)
    assert codes(decide(policy, robot, appointment())) == ["kind"]


def test_a_principal_confined_to_a_network_is_refused_elsewhere(policy: Policy) -> None:
    confined = replace(ASSOCIATE, networks=Networks((), local=True))
    assert codes(decide(policy, confined, appointment())) == ["network"]
    assert decide(policy, confined, appointment(address=None)).permitted


def test_an_ipv4_address_written_as_ipv6_is_the_same_address(policy: Policy) -> None:
    assert decide(policy, ASSOCIATE, appointment(address="::ffff:10.20.4.7")).permitted


def test_roles_on_different_budgets_open_nothing(policy: Policy) -> None:
    both = person("chiara", "store_associate", "customer_service")
    decision = decide(policy, both, appointment())
    assert codes(decision) == ["budget-unclear"]
    with pytest.raises(UsageError, match="counter, desk"):
        budget_of(policy, both)


def test_a_role_without_a_budget_opens_nothing_even_if_the_file_check_was_skipped(policy: Policy) -> None:
    role = replace(policy.roles["store_associate"], budget=None)
    broken = replace(policy, roles={"store_associate": role})
    assert codes(decide(broken, ASSOCIATE, appointment())) == ["budget-unclear"]


def test_the_whole_group_needs_a_role_and_a_principal_for_every_brand(policy: Policy) -> None:
    responder = person("omar", "security_responder")
    ask = Request(Operation.AFFECTED, "containment", frozenset(), NOW)
    assert decide(policy, responder, ask).permitted
    confined = replace(responder, brands=frozenset({"auberon"}))
    assert codes(decide(policy, confined, ask)) == ["brand"]
    assert decide(policy, confined, replace(ask, brands=frozenset({"auberon"}))).permitted


@pytest.mark.parametrize("role", ["security_responder", "auditor"])
def test_responders_and_auditors_open_no_field_whatever_they_ask(policy: Policy, role: str) -> None:
    principal = person("omar", role)
    every_field = {name for purpose in policy.purposes.values() for name in purpose.fields}
    for purpose in policy.purposes:
        for operation in Operation:
            for field in every_field:
                request = Request(
                    operation, purpose, frozenset({"auberon"}), NOW, frozenset({field}), reference="CASE-1"
                )
                assert not decide(policy, principal, request).permitted


def test_finding_draws_probes_and_revealing_draws_records(policy: Policy) -> None:
    find = appointment(operation=Operation.FIND, fields=frozenset())
    assert decide(policy, ASSOCIATE, find).obligations == {Obligation.DRAW_PROBES, Obligation.RECORD_REFERENCE}
    both = appointment(operation=Operation.FIND)
    assert {Obligation.DRAW_PROBES, Obligation.DRAW_RECORDS} < decide(policy, ASSOCIATE, both).obligations


def test_listing_tokens_draws_probes_and_listing_bands_draws_records(policy: Policy) -> None:
    marketer = person("ines", "marketing_operations")
    tokens = Request(
        Operation.LIST, "segmentation", frozenset({"auberon"}), NOW, frozenset({"customer_number"}), records=1000
    )
    assert decide(policy, marketer, tokens).obligations == {Obligation.DRAW_PROBES}
    bands = replace(tokens, fields=frozenset({"spend_total"}))
    assert decide(policy, marketer, bands).obligations == {Obligation.DRAW_RECORDS}


def test_bulk_leaves_only_through_a_release_that_others_approve(policy: Policy) -> None:
    marketer = person("ines", "marketing_operations")
    release = Request(Operation.RELEASE, "mailing", frozenset({"auberon"}), NOW, frozenset({"email"}), records=50_000)
    assert decide(policy, marketer, release).obligations == {Obligation.APPROVE_RELEASE}
    assert not decide(policy, marketer, replace(release, operation=Operation.REVEAL)).permitted


def test_names_that_the_caller_made_up_are_not_repeated(policy: Policy) -> None:
    secret = "jane.doe@example.org"
    for changes in ({"fields": frozenset({secret})}, {"brands": frozenset({secret})}, {"purpose": secret}):
        assert secret not in decide(policy, person("x", "store_associate"), appointment(**changes)).explanation


def test_a_naive_time_is_a_usage_error(policy: Policy) -> None:
    with pytest.raises(UsageError, match="aware"):
        decide(policy, ASSOCIATE, appointment(at=datetime(2026, 1, 1)))


@pytest.mark.parametrize("text", ["APT-1", "2026/00017", "a.b_9"])
def test_numbers_of_cases_are_references(text: str) -> None:
    assert is_reference(text)


@pytest.mark.parametrize("text", ["", "12", "Jane Doe", "Rossi", "a@b1", "-123", "x" * 64 + "1", "APT-1\n", "АПТ-1"])
def test_what_could_name_a_person_is_no_reference(text: str) -> None:
    assert not is_reference(text)


def renewal(policy: Policy, renewer: Principal, renewed: Principal, credential: str = "key-9") -> list[str]:
    decision = decide_renewal(
        policy,
        renewer=renewer,
        credential=credential,
        renewed=renewed,
        renewed_credentials=frozenset({"key-1", "key-2"}),
        at=NOW,
        address="10.70.0.4",
    )
    return codes(decision)


def test_a_budget_is_renewed_by_somebody_else_whom_a_rule_names(policy: Policy) -> None:
    assert renewal(policy, person("omar", "security_responder"), ASSOCIATE) == ["granted"]


def test_nobody_renews_themselves_or_with_the_renewed_credential(policy: Policy) -> None:
    omar = person("omar", "security_responder")
    assert renewal(policy, omar, ASSOCIATE, credential="key-2") == ["own-lineage"]
    assert "own-lineage" in renewal(policy, ASSOCIATE, ASSOCIATE)


def test_a_colleague_a_leaver_and_a_distant_network_renew_nothing(policy: Policy) -> None:
    assert "renewal" in renewal(policy, person("paolo", "store_associate"), ASSOCIATE)
    gone = replace(person("omar", "security_responder"), valid_until=NOW)
    assert renewal(policy, gone, ASSOCIATE) == ["expired"]
    far = replace(person("omar", "security_responder"), networks=Networks((), local=True))
    assert renewal(policy, far, ASSOCIATE) == ["network", "renewal"]


def test_what_has_no_budget_cannot_be_renewed(policy: Policy) -> None:
    omar = person("omar", "security_responder")
    assert renewal(policy, omar, person("zoe", "auditor")) == ["renewal"]


RULES = parse_policy(VALMONT.read_bytes(), "policy.toml")
WORDS = st.sampled_from(["clienteling", "audit", "mailing", "containment", "", "nonsense"])


@settings(deadline=None)
@given(
    operation=st.sampled_from(list(Operation)),
    purpose=WORDS,
    brands=st.frozensets(st.sampled_from(["auberon", "balmere", "*", ""])),
    fields=st.frozensets(st.sampled_from(["email", "spend_total", "street", ""])),
    records=st.integers(-5, 200_000),
    address=st.none() | st.sampled_from(["10.20.0.1", "::1", "8.8.8.8", "x"]),
    roles=st.frozensets(st.sampled_from(["store_associate", "auditor", "marketing_operations", "nobody"])),
    kind=st.sampled_from(list(PrincipalKind)),
)
def test_a_permit_always_stands_on_a_role_a_purpose_and_a_form(
    operation: Operation,
    purpose: str,
    brands: frozenset[str],
    fields: frozenset[str],
    records: int,
    address: str | None,
    roles: frozenset[str],
    kind: PrincipalKind,
) -> None:
    policy = RULES
    principal = replace(person("x", *roles), kind=kind)
    request = Request(operation, purpose, brands, NOW, fields, records, address, "CASE-1")
    decision = decide(policy, principal, request)
    assert decision.reasons
    if decision.permitted:
        chosen = policy.purposes[purpose]
        assert operation in chosen.operations
        assert decision.forms.keys() == fields <= chosen.fields.keys()
        assert all(decision.forms[name] is chosen.fields[name] for name in fields)
        assert [reason.code for reason in decision.reasons] == [ReasonCode.GRANTED]
        granting = [policy.roles[name] for name in roles & policy.roles.keys()]
        assert any(purpose in role.purposes and kind in role.kinds for role in granting)
