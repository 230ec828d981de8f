"""Whom a breach is notified to in the EEA: the lead authority for all, or each authority for its own residents.

GDPR Articles 55, 56 and 33(1); EDPB Guidelines 9/2022 (version 2.0), paragraphs 66 to 73: a representative under
Article 27 brings no one-stop shop.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from duty_worlds import HOUSE, facts, group, risks

from cloakroom.adapters.legal_data import load_rules
from cloakroom.duty.duties import Duty
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.facts import AffectedGroup, ControllerFacts
from cloakroom.duty.rulebook import RuleFile, parse_rules

RULES = load_rules(with_cases=False)
ABROAD = ControllerFacts("house", "House Inc.", "US", flags=frozenset({"art27_representative"}))
ARTICLE_33 = "eu-gdpr-33"
NO_LEAD = "no main establishment in the EEA, hence no lead authority"
PERSONS = {"FR": 100, "IT": 20, "NO": 3, "CH": 7, "JP": 5}


def authorities_told(controller: ControllerFacts, *groups: AffectedGroup, level: str = "high") -> dict[str, Duty]:
    found = evaluate_duties(facts(*groups, controllers=(controller,)), RULES, risks(level))
    return {duty.jurisdiction: duty for duty in found if duty.id.startswith(f"{ARTICLE_33}:")}


@pytest.mark.parametrize("places", [one for size in range(1, 6) for one in combinations(PERSONS, size)], ids="-".join)
def test_without_a_lead_authority_each_authority_is_told_of_its_own_residents_alone(places: tuple[str, ...]) -> None:
    told = authorities_told(ABROAD, *(group(place, PERSONS[place]) for place in places))
    concerned = [place for place in places if place in {"FR", "IT", "NO"}]
    assert {place: duty.residents for place, duty in told.items()} == {place: PERSONS[place] for place in concerned}
    for duty in told.values():
        assert duty.status == "due"
        assert sum(NO_LEAD in reason for reason in duty.reasons) == 1
        assert not any("lead authority for the EEA" in reason for reason in duty.reasons)


@pytest.mark.parametrize("places", [one for size in range(1, 6) for one in combinations(PERSONS, size)], ids="-".join)
def test_the_lead_authority_is_told_and_the_others_are_named_in_its_filing(places: tuple[str, ...]) -> None:
    told = authorities_told(HOUSE, *(group(place, PERSONS[place]) for place in places))
    concerned = [place for place in places if place in {"FR", "IT", "NO"}]
    assert set(told) == {"FR", *concerned}
    inside = sum(PERSONS[place] for place in concerned)
    outside = sum(PERSONS[place] for place in places) - inside
    lead = told.pop("FR")
    assert lead.status == "due"
    assert lead.residents == (inside or outside)  # established in France, it notifies whoever is affected
    shares = ", ".join(f"{place} {PERSONS[place]}" for place in concerned) or "none"
    assert f"lead authority for the EEA; persons by country: {shares}" in lead.reasons
    assert any(f"covers {outside} persons outside" in reason for reason in lead.reasons) is (outside > 0)
    for place, duty in told.items():
        assert (duty.status, duty.residents, duty.deadline) == ("not_due", PERSONS[place], None)
        assert any(lead.id in reason and place in reason for reason in duty.reasons)


def test_groups_of_one_country_are_one_filing_and_its_segments_are_added_up() -> None:
    groups = (group("FR", 100), group("FR", 40, segment="minor"), group("FR-RE", 2), group("IT", 20))
    told = authorities_told(ABROAD, *groups)
    assert {place: duty.residents for place, duty in told.items()} == {"FR": 142, "IT": 20}


def test_each_country_without_a_lead_is_judged_by_the_risk_to_its_own_residents() -> None:
    """The clerks in Italy run no risk, the customers in France do: one authority is told, the other is not."""
    assessed = [risk for risk in risks("high") if risk.segment == "general"]
    assessed += [risk for risk in risks("none") if risk.segment == "employee"]
    world = facts(group("FR", 100), group("IT", 20, segment="employee"), controllers=(ABROAD,))
    found = {duty.id: duty.status for duty in evaluate_duties(world, RULES, assessed)}
    assert found[f"{ARTICLE_33}:FR:house"] == "due"
    assert found[f"{ARTICLE_33}:IT:house"] == "not_due"


def test_each_authority_is_addressed_in_its_own_name_and_language() -> None:
    told = authorities_told(ABROAD, group("FR"), group("IT"))
    assert told["FR"].recipient != told["IT"].recipient
    assert "fr" in told["FR"].languages
    assert "it" in told["IT"].languages


@pytest.mark.parametrize("main", ["", "GB", "CH", "US"])
def test_a_main_establishment_outside_the_area_brings_no_lead_authority(main: str) -> None:
    told = authorities_told(replace(ABROAD, eea_main_establishment=main), group("FR"), group("IT"))
    assert {duty.status for duty in told.values()} == {"due"}
    assert set(told) == {"FR", "IT"}
    assert authorities_told(replace(ABROAD, eea_main_establishment=main), group("JP")) == {}


@pytest.mark.parametrize("main", ["NO", "IS", "LI"])
def test_a_main_establishment_in_an_efta_country_of_the_area_brings_one(main: str) -> None:
    told = authorities_told(replace(HOUSE, country=main, eea_main_establishment=main), group("FR"))
    assert told[main].status == "due"
    assert told["FR"].status == "not_due"


def test_who_has_no_residents_in_the_area_and_no_establishment_there_tells_none_of_its_authorities() -> None:
    assert authorities_told(ABROAD, group("JP")) == {}
    assert set(authorities_told(HOUSE, group("JP"))) == {"FR"}


def test_no_affected_person_at_all_makes_no_filing_even_at_a_lead_authority() -> None:
    assert authorities_told(HOUSE) == {}


LAW = """
[instrument]
id = "us-zz"
name = "An invented law"
jurisdiction = "US-ZZ"
residents = ["US-ZZ"]
source = "https://example.org"
read = 2026-11-23
confidence = "V1"
[[rule]]
id = "us-zz-first"
provision = "s. 1"
recipient_kind = "authority"
recipient = "someone"
clock = { start = "aware", amount = 72, unit = "hour" }
"""


def kinds_uncovered(*groups: AffectedGroup) -> dict[str, set[str]]:
    rules = parse_rules([RuleFile("us/zz.toml", LAW)])
    found: dict[str, set[str]] = {}
    for duty in evaluate_duties(facts(*groups), rules, ()):
        if duty.instrument == "uncovered":
            found.setdefault(duty.jurisdiction, set()).add(duty.recipient_kind)
            assert (duty.status, duty.confidence, duty.deadline) == ("ask_counsel", "X", None)
    return found


def test_where_no_rule_reaches_counsel_is_asked_once_for_each_kind_of_recipient_that_is_missing() -> None:
    assert kinds_uncovered(group("US-ZZ")) == {"US-ZZ": {"individual"}}
    assert kinds_uncovered(group("US-YY")) == {"US-YY": {"authority", "individual"}}
    both = kinds_uncovered(group("US-ZZ"), group("US"), group("ZZ"))
    assert both == {
        "US-ZZ": {"individual"},
        "US": {"authority", "individual"},
        "ZZ": {"authority", "individual"},
    }


def test_the_question_for_counsel_counts_everybody_of_the_place_and_says_when_the_place_is_unknown() -> None:
    rules = parse_rules([RuleFile("us/zz.toml", LAW)])
    world = facts(group("KE", 3), group("KE", 4, segment="minor"), group("ZZ", 5))
    asked = {
        (duty.jurisdiction, duty.recipient_kind): (duty.residents, duty.reasons)
        for duty in evaluate_duties(world, rules, ())
    }
    covered = ("no rule table covers KE: ask counsel there which duties exist and by when",)
    unknown = ("the residence of these persons is unknown: decide under which law they are told",)
    assert asked == {
        ("KE", "authority"): (7, covered),
        ("KE", "individual"): (7, covered),
        ("ZZ", "authority"): (5, unknown),
        ("ZZ", "individual"): (5, unknown),
    }
