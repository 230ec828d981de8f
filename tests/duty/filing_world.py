"""A small incident for tests of filings and register: one French controller, customers in five places."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from cloakroom.adapters.legal_data import load_form_library, load_method, load_rules
from cloakroom.crypto import sha256
from cloakroom.duty.duties import Duty
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.facts import parse_facts
from cloakroom.duty.filings.answers import parse_answers
from cloakroom.duty.filings.preparation import Case, ToldAuthority
from cloakroom.duty.severity import assess_facts
from cloakroom.duty.severity.appraisal import risk_assessments

if TYPE_CHECKING:
    from cloakroom.duty.severity.appraisal import Decision

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)

FACTS = """
[incident]
occurred_from = 2026-02-20T00:00:00Z
occurred_to = 2026-02-27T00:00:00Z
discovered_at = 2026-03-02T07:00:00Z
aware_at = 2026-03-02T09:00:00Z
determined_at = 2026-03-03T09:00:00Z
nature = ["confidentiality"]
cause = "external_malicious"
taken = "exfiltrated"
holder = "criminal"

[[controller]]
id = "balmere"
name = "Balmère SAS"
country = "FR"
eea_main_establishment = "FR"
brands = ["balmere"]

[[affected]]
controller = "balmere"; country = "FR"; persons = 120000; records = 150000
data = ["name", "email", "phone", "postal_address", "spend_total"]

[[affected]]
controller = "balmere"; country = "IT"; persons = 2400; records = 2500
data = ["name", "email", "spend_total"]
segment = "high_spender"

[[affected]]
controller = "balmere"; country = "GB"; persons = 3100; records = 3200
data = ["name", "email", "phone"]

[[affected]]
controller = "balmere"; country = "KR"; persons = 700; records = 700
data = ["name", "email"]

[[affected]]
controller = "balmere"; country = "US"; subdivision = "TX"; persons = 900; records = 950
data = ["name", "email", "passport"]
"""

ANSWERS = """
language = "en"
by = "Claire Exemple"
[answers]
"reporter.name" = "Claire Exemple"
"reporter.role" = "dpo"
"reporter.email" = "dpo@balmere.example"
"reporter.phone" = "+33 1 99 00 12 34"
"dpo.exists" = true
"dpo.name" = "Claire Exemple"
"dpo.email" = "dpo@balmere.example"
"contact.name" = "Privacy office"
"contact.email" = "privacy@balmere.example"
"controller.identifier" = "RCS Paris 999 000 111"
"controller.address" = "1 rue des Exemples, 75000 Paris"
"controller.sector" = "private"
"controller.size" = "large"
"time.how_discovered" = "controller"
"nature.incident_type" = "stolen_credentials"
"nature.description" = "Somebody used an employee's credentials to export customer records."
"nature.systems" = "Customer database"
"before.measures" = ["access levels", "daily budgets"]
"consequences.confidentiality" = "Names and spend are in criminal hands."
"consequences.text" = "Targeted calls in the name of the brand are likely."
"measures.done" = "Account frozen."
"measures.mitigation" = "Customers warned."
"measures.preventive" = "Two approvers for every export."
"told.state" = "planned"
"told.at" = 2026-03-06T08:00:00Z
"told.all" = true
"told.means" = "e-mail and letter"
"told.text" = "We write to you because data about you was taken."
"other.police" = "Complaint filed on 3 March 2026"
[answers.fr]
"nature.description" = "Un tiers a exporté des fiches clients."
"""


_rules = cache(load_rules)
_method = cache(load_method)
library = cache(load_form_library)


def case(
    facts: str = FACTS,
    answers: str = ANSWERS,
    decisions: tuple[Decision, ...] = (),
    told: tuple[ToldAuthority, ...] = (),
) -> Case:
    parsed = parse_facts(facts, "facts.toml")
    assessment = assess_facts(_method(), parsed)
    found = evaluate_duties(parsed, _rules(), risk_assessments(assessment, decisions))
    return Case(
        facts=parsed,
        facts_hash=sha256(facts.encode()).hex(),
        assessment=assessment,
        decisions=decisions,
        duties=found,
        written=parse_answers(answers, "answers.toml", library().template),
        told=told,
    )


def duty(known: Case, start: str) -> Duty:
    return next(item for item in known.duties if item.id.startswith(start))
