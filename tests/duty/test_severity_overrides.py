"""Each rule beside the number, on both sides of its bounds; and that every rule has a case that only it decides."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from tests.duty.severity_world import exposed, incident

from cloakroom.adapters.legal_data import load_method
from cloakroom.duty.facts import IncidentFacts
from cloakroom.duty.severity import Context, assess

METHOD = load_method()
THEFT = incident(cause="external_malicious", taken="exfiltrated", holder="criminal")
STRAY = incident(cause="internal_accident", taken="accessed", holder="known_few")
OPEN = incident(cause="internal_accident", taken="possible", holder="unknown_many")
OUTAGE = incident(
    nature=("availability",),
    cause="external_malicious",
    taken="excluded",
    holder="criminal",
    restored_hours=10,
)
DOCUMENT, AUTHORITY, PERSONS = (False, False), (True, False), (True, True)


@dataclass(frozen=True)
class Bound:
    rule: str
    data: str
    inside: tuple[IncidentFacts, int]
    outside: tuple[IncidentFacts, int]
    expect: tuple[bool, bool]
    otherwise: tuple[bool, bool]
    segment: str = "general"
    trade: str = ""


KIT = "name birth_date postal_address"
INSIDER = replace(STRAY, cause="internal_malicious")
TRUSTED = replace(STRAY, holder="trusted", deletion_confirmed=True)
HARMFUL = replace(OUTAGE, restored_hours=30, service_harm="safety")

BOUNDS = [
    Bound("O1", "name national_id", (TRUSTED, 1), (replace(TRUSTED, taken="excluded"), 1), PERSONS, DOCUMENT),
    Bound("O1", "email tax_id", (STRAY, 1), (replace(STRAY, taken="excluded"), 1), PERSONS, DOCUMENT),
    Bound("O2", KIT, (STRAY, 1001), (STRAY, 1000), PERSONS, AUTHORITY),
    Bound("O2", "name birth_date birth_place", (OPEN, 1001), (OPEN, 1000), PERSONS, DOCUMENT),
    Bound("O2a", KIT, (STRAY, 1), (replace(STRAY, taken="possible"), 1), AUTHORITY, DOCUMENT),
    Bound(
        "O3",
        "name email phone",
        (INSIDER, 50),
        (replace(TRUSTED, cause="internal_malicious"), 50),
        AUTHORITY,
        DOCUMENT,
    ),
    Bound("O3", "name email phone", (INSIDER, 50), (STRAY, 50), AUTHORITY, DOCUMENT),
    Bound(
        "O4",
        "name email",
        (replace(OUTAGE, restored_hours=73), 5),
        (replace(OUTAGE, restored_hours=72), 5),
        AUTHORITY,
        DOCUMENT,
    ),
    Bound(
        "O4",
        "name email",
        (replace(OUTAGE, service_harm="serious"), 5),
        (replace(OUTAGE, service_harm="minor"), 5),
        AUTHORITY,
        DOCUMENT,
    ),
    Bound("O4a", "name email", (HARMFUL, 5), (replace(HARMFUL, service_harm="serious"), 5), PERSONS, AUTHORITY),
    Bound(
        "O5",
        "name email insurance",
        (TRUSTED, 24),
        (replace(TRUSTED, deletion_confirmed=False), 24),
        DOCUMENT,
        AUTHORITY,
    ),
    Bound(
        "O5", "name email insurance", (TRUSTED, 24), (replace(TRUSTED, holder="known_few"), 24), DOCUMENT, AUTHORITY
    ),
    Bound("O6", "name email", (THEFT, 10_000), (THEFT, 9_999), PERSONS, AUTHORITY),
    Bound("O6a", "email bank_account", (OPEN, 1001), (OPEN, 1000), PERSONS, AUTHORITY),
    Bound(
        "O7",
        "vehicle",
        (replace(STRAY, taken="possible"), 1),
        (replace(STRAY, taken="excluded"), 1),
        PERSONS,
        DOCUMENT,
        segment="protected_address",
    ),
    Bound("O8", "name health", (replace(THEFT, intelligible=False), 9), (THEFT, 9), DOCUMENT, PERSONS),
    Bound("O9", "customer_number password_hash", (THEFT, 9), (THEFT, 9), DOCUMENT, DOCUMENT, trade="bank"),
    Bound("O10", "customer_number password", (OPEN, 5), (replace(OPEN, holder="none"), 5), PERSONS, DOCUMENT),
    Bound("O10a", "email password_hash", (STRAY, 5), (replace(STRAY, taken="possible"), 5), AUTHORITY, DOCUMENT),
    Bound(
        "O11",
        "name financial_statement",
        (replace(OUTAGE, restored_hours=23), 5),
        (replace(OUTAGE, restored_hours=24), 5),
        DOCUMENT,
        PERSONS,
    ),
    Bound("O12", "name email", (THEFT, 3), (THEFT, 4), PERSONS, AUTHORITY),
    Bound("O13", "name email education", (STRAY, 101), (STRAY, 100), AUTHORITY, DOCUMENT),
    Bound("O13a", "email", (STRAY, 1001), (STRAY, 1000), AUTHORITY, DOCUMENT),
]


def outcome(bound: Bound, side: tuple[IncidentFacts, int], without: str = "") -> tuple[bool, bool]:
    circumstances, persons = side
    method = replace(METHOD, overrides=tuple(rule for rule in METHOD.overrides if rule.id != without))
    exposure = exposed("balmere", bound.segment, persons, persons, frozenset(bound.data.split()))
    context = Context(trade=bound.trade, author="A", reason="test")
    found = assess(method, circumstances, [exposure], [context]).outcome
    return found.authority, found.persons


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: f"{bound.rule}-{bound.data.replace(' ', '-')}")
def test_a_rule_holds_inside_its_bounds_and_not_outside(bound: Bound) -> None:
    assert outcome(bound, bound.inside) == bound.expect
    assert outcome(bound, bound.outside) == bound.otherwise


def test_every_rule_has_a_case_that_it_alone_decides() -> None:
    deciding = {b.rule for b in BOUNDS if outcome(b, b.inside) != outcome(b, b.inside, without=b.rule)}
    assert {rule.id for rule in METHOD.overrides} - deciding == set()


def test_a_ceiling_is_not_lifted_by_lowering_and_a_floor_wins_over_both() -> None:
    back = replace(TRUSTED, nature=("availability",), taken="excluded", restored_hours=1)
    card = exposed("balmere", "general", 5, 5, frozenset({"name", "payment_card_with_code"}))
    assert not assess(METHOD, back, [card]).outcome.authority
    locked = replace(OUTAGE, intelligible=False, restored_hours=100)
    assert assess(METHOD, locked, [card]).outcome.authority
