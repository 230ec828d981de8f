"""From an affected set to duties, with no number typed by hand."""

from __future__ import annotations

from cloakroom.adapters.legal_data import load_rules
from cloakroom.claims.statement import Statement
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.facts import parse_facts
from cloakroom.flows.records.reveal import RevealRequest, reveal
from cloakroom.gate.policy import PrincipalKind
from cloakroom.use_cases.incident.affected import affected_by
from cloakroom.use_cases.incident.claims import check
from cloakroom.use_cases.incident.facts_file import facts_of, facts_of_claim
from cloakroom.use_cases.people import principals
from cloakroom.vault.tokens import RecordReference


def _open_some(application, number):
    path = principals.enrol(application, "anna", kind=PrincipalKind.PERSON, roles=frozenset({"store_associate"}))
    who = principals.authenticate(application.records, path, at=application.now())
    codec = application.codec("anna")
    rows = [row for row in application.vault.sealed_rows(range(number)) if row.state == 0]
    brands = {row.brand for row in rows}
    for brand in brands:
        tokens = codec.issue([RecordReference(brand, row.record.ordinal) for row in rows if row.brand == brand])
        for at in range(0, len(tokens), 10):
            request = RevealRequest(
                who.principal, tokens[at : at + 10], codec, frozenset({"email", "phone"}), "clienteling", "A-1"
            )
            reveal(
                [request],
                gatekeeper=application.gatekeeper,
                catalogue=application.catalogue,
                openers=application.openers,
            )
    return affected_by(application, lineage="anna")


def test_the_facts_name_every_affected_record_once(application):
    found = _open_some(application, 30)
    facts = parse_facts(
        facts_of(application.catalogue, application.configuration, found, aware_at=application.now()), "facts.toml"
    )
    assert sum(group.records for group in facts.affected) == len(found.report.records)
    assert all(group.data <= {"email", "phone", "other"} for group in facts.affected)


def test_residence_in_the_facts_is_the_country_of_the_delivery(application, store):
    found = _open_some(application, 30)
    facts = parse_facts(
        facts_of(application.catalogue, application.configuration, found, aware_at=application.now()), "facts.toml"
    )
    by_country = {}
    for group in facts.affected:
        by_country[group.country] = by_country.get(group.country, 0) + group.records
    expected = {
        ("ZZ" if name == "unknown" else name): count for name, count in found.report.splits["country"].items()
    }
    assert by_country == expected


def test_every_residence_in_the_facts_has_a_duty_or_a_reason(application):
    found = _open_some(application, 30)
    facts = parse_facts(
        facts_of(application.catalogue, application.configuration, found, aware_at=application.now()), "facts.toml"
    )
    duties = evaluate_duties(facts, load_rules(with_cases=False), ())
    places = {group.country for group in facts.affected}
    spoken_of = {duty.jurisdiction.partition("-")[0] for duty in duties}
    assert places <= spoken_of


def test_a_checked_dump_gives_facts_that_name_each_proven_record_once(application, store):
    report = check(application, [store.deliveries["tarsenne"][0]], Statement())
    text = facts_of_claim(application, report, aware_at=application.now())
    facts = parse_facts(text, "facts.toml")
    proven = sum(len(match.proven) for match in report.matched.brands.values())
    assert proven > 100
    assert sum(group.records for group in facts.affected) == proven
    assert {"email", "name", "postal_address"} <= set().union(*(group.data for group in facts.affected))
