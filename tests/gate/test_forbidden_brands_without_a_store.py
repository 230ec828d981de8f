"""A request that names no brand concerns every brand, the forbidden one included."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cloakroom.gate.decision import Principal, ReasonCode, Request, decide
from cloakroom.gate.policy import EVERY_BRAND, Forbid, Networks, Policy, PrincipalKind, Purpose, Role
from cloakroom.vocabulary import Operation

NOW = datetime(2026, 6, 1, tzinfo=UTC)
EVERYWHERE = frozenset({EVERY_BRAND})
POLICY = replace(
    Policy.empty(),
    purposes={"containment": Purpose("containment", "Contain", frozenset({Operation.AFFECTED}))},
    roles={
        "responder": Role(
            name="responder",
            text="Responds",
            purposes=frozenset({"containment"}),
            brands=EVERYWHERE,
            networks=Networks(local=True),
            kinds=frozenset({PrincipalKind.PERSON}),
        )
    },
    forbids=(Forbid("closed", "Not this brand", brands=frozenset({"alba"})),),
)
RESPONDER = Principal(
    id="omar",
    kind=PrincipalKind.PERSON,
    roles=frozenset({"responder"}),
    brands=EVERYWHERE,
    networks=None,
    valid_from=datetime(2026, 1, 1, tzinfo=UTC),
    valid_until=datetime(2027, 1, 1, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("brands", "forbidden"), [((), True), (("alba",), True), (("alba", "boreas"), True), (("boreas",), False)]
)
def test_a_forbid_bound_to_a_brand_meets_whatever_concerns_it(brands, forbidden):
    decision = decide(POLICY, RESPONDER, Request(Operation.AFFECTED, "containment", frozenset(brands), NOW))
    assert decision.permitted is not forbidden
    assert (ReasonCode.FORBIDDEN in {reason.code for reason in decision.reasons}) is forbidden
