"""From records that were really imported and opened to duties: who counts where, for whom, and from how many on."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from cloakroom.adapters.legal_data import load_form_library
from cloakroom.clock import FixedClock, to_microseconds
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.filings.preparation import prepare_filing
from cloakroom.duty.rulebook import RuleFile, parse_rules
from cloakroom.use_cases.incident.affected import affected_by
from cloakroom.use_cases.incident.facts_file import facts_of
from cloakroom.use_cases.incident.filings import CaseFiles, load_case
from cloakroom.use_cases.records.importing import import_file
from spine_world import NOON, live_ordinals, open_records, staff, tokens_of
from tarsenne_deliveries import deliver, row

LIBRARY = load_form_library()
AWARE = NOON + timedelta(days=8)
ADA = {"first_name": "Ada", "last_name": "Riva", "email": "ada.riva@example.com", "kind": "customer"}
BEA = {"first_name": "Bea", "last_name": "Lund", "email": "bea.lund@example.com", "kind": "customer"}
THRESHOLD = """
[instrument]
id = "it-invented"
name = "An invented law with a threshold"
jurisdiction = "IT"
residents = ["IT"]
source = "https://example.org"
read = 2026-11-23
confidence = "V1"
[[rule]]
id = "it-invented-authority"
provision = "s. 1"
recipient_kind = "authority"
recipient = "Authority"
when = { OPERATOR = NUMBER }
clock = { start = "aware", amount = 72, unit = "hour" }
"""


@dataclass
class Thief:
    """A thief with the credential of an associate, and what the store says of that afterwards."""

    application: object
    folder: object

    def opens_new_records_of(self, *deliveries):
        """Import deliveries and open every record that they made."""
        before = set(live_ordinals(self.application))
        for brand, path in deliveries:
            import_file(self.application, path, brand)
        anna = staff(self.application)
        tokens = tokens_of(self.application, anna, sorted(set(live_ordinals(self.application)) - before))
        for at in range(0, len(tokens), 10):
            assert open_records(self.application, anna, tokens[at : at + 10]).admission.permitted

    def opens(self, *customers, other=()):
        """Open customers of Tarsenne, and others of Ombrelune, who are another controller's."""
        rows = [row(90_000_001 + at, "2025-03-01", **columns) for at, columns in enumerate(customers)]
        deliveries = [("tarsenne", deliver(self.folder / "tarsenne.csv", *rows))]
        if other:
            deliveries.append(("ombrelune", _ombrelune(self.folder / "ombrelune.csv", other)))
        self.opens_new_records_of(*deliveries)

    def case(self):
        """Return what the commands would: facts written to a file, read back, assessed and evaluated."""
        path = self.folder / "facts.toml"
        found = affected_by(self.application, lineage="anna")
        path.write_text(
            facts_of(
                self.application.catalogue, self.application.configuration, found, aware_at=to_microseconds(AWARE)
            ),
            encoding="utf-8",
        )
        return load_case(CaseFiles(path), LIBRARY, ())


def _ombrelune(path, customers):
    names = {"Prénom": "first_name", "Nom de famille": "last_name", "Adresse e-mail": "email", "Pays": "country"}
    columns = (
        *("N° client", "Prénom", "Nom de famille", "Adresse e-mail", "Téléphone", "Rue", "Ville", "Région", "CP"),
        *("Pays", "Né(e) le", "Langue", "Catégorie", "Boutique", "CA cumulé", "Créé le", "Modifié le", "Effacé"),
    )
    with path.open("w", encoding="cp1252", newline="") as file:
        table = csv.DictWriter(file, columns, delimiter=";")
        table.writeheader()
        for at, customer in enumerate(customers):
            own = {"N° client": f"OMB-9{at:06d}", "Modifié le": "01/03/2025 00:00:00", "Effacé": "non"}
            known = {french: customer[name] for french, name in names.items()}
            table.writerow(dict.fromkeys(columns, "") | own | known | {"Catégorie": "client"})
    return path


@pytest.fixture
def thief(store, tmp_path):
    opened = store.open(clock=FixedClock(NOON), clock_tolerance=None)
    yield Thief(opened, tmp_path)
    opened.close()


def groups_of(case):
    return {
        (group.controller, group.place, group.segment): (group.persons, group.persons_possible)
        for group in case.facts.affected
    }


def duties_of(case):
    return {duty.id: duty for duty in case.duties}


def test_a_person_with_records_in_two_countries_is_told_under_the_law_of_each(thief):
    thief.opens({**ADA, "country": "IT"}, {**ADA, "country": "JP"}, {**BEA, "country": "JP"})
    case = thief.case()
    assert groups_of(case) == {
        ("tarsenne-spa", "IT", "general"): (1, 1),
        ("tarsenne-spa", "JP", "general"): (2, 2),
    }
    duties = duties_of(case)
    assert duties["eu-gdpr-33:IT:tarsenne-spa"].residents == 1
    japanese = [duty for duty in case.duties if duty.jurisdiction == "JP"]
    assert {duty.recipient_kind for duty in japanese} == {"authority", "individual"}
    assert {duty.residents for duty in japanese} == {2}


def test_one_person_with_two_records_in_a_country_counts_once(thief):
    thief.opens({**ADA, "country": "IT"}, {**ADA, "country": "IT"}, {**BEA, "country": "IT"})
    case = thief.case()
    assert groups_of(case) == {("tarsenne-spa", "IT", "general"): (2, 2)}
    (group,) = case.facts.affected
    assert group.records == 3


@pytest.mark.parametrize(
    ("opened_on", "birth_date", "segment"),
    [
        ("2026-03-02", "2008-03-01", "general"),
        ("2026-03-02", "2008-03-02", "general"),
        ("2026-03-02", "2008-03-03", "minor"),
        ("2026-02-28", "2008-02-29", "minor"),
        ("2026-03-01", "2008-02-29", "general"),
    ],
    ids=["the day after", "on the birthday", "the day before", "born on 29 February", "the day after 29 February"],
)
def test_who_comes_of_age_is_a_minor_until_the_birthday_in_the_year_of_the_theft(
    store, tmp_path, opened_on, birth_date, segment
):
    """The day is that of the last opening, not that on which anybody became aware or asks."""
    opened = store.open(clock=FixedClock(datetime.fromisoformat(f"{opened_on}T23:59:59Z")), clock_tolerance=None)
    thief = Thief(opened, tmp_path)
    thief.opens({**ADA, "country": "IT", "birth_date": birth_date}, {**BEA, "country": "IT"})
    case = thief.case()
    opened.close()
    expected = {("tarsenne-spa", "IT", "general"): (2, 2)}
    if segment == "minor":
        expected = {("tarsenne-spa", "IT", "general"): (1, 1), ("tarsenne-spa", "IT", "minor"): (1, 1)}
    assert groups_of(case) == expected
    assert {item.segment for item in case.assessment.segments} == {key[2] for key in expected}


@pytest.mark.parametrize(
    ("operator", "number", "status"),
    [
        ("persons_from", 2, "due"),
        ("persons_from", 3, "conditional"),
        ("persons_from", 4, "not_due"),
        ("persons_over", 1, "due"),
        ("persons_over", 2, "conditional"),
        ("persons_over", 3, "not_due"),
    ],
)
def test_a_threshold_between_the_persons_counted_and_those_not_excluded_leaves_the_duty_open(
    thief, operator, number, status
):
    """Ada's second record has the same name and birth date and no address: one person, or two."""
    ada = {**ADA, "birth_date": "1980-05-17"}
    thief.opens(*[{**customer, "country": "IT"} for customer in (ada, {**ada, "email": ""}, BEA)])
    case = thief.case()
    assert groups_of(case) == {("tarsenne-spa", "IT", "general"): (2, 3)}
    text = THRESHOLD.replace("OPERATOR", operator).replace("NUMBER", str(number))
    rules = parse_rules([RuleFile("it/invented.toml", text)])
    (duty,) = [duty for duty in evaluate_duties(case.facts, rules, ()) if duty.rule is not None]
    assert duty.status == status


def test_records_of_another_controller_count_for_that_one_alone(thief):
    cho = {"first_name": "Cho", "last_name": "Han", "email": "cho.han@example.com", "country": "KR"}
    thief.opens({**ADA, "country": "IT"}, {**BEA, "country": "DE"}, other=[{**ADA, "country": "FR"}, cho])
    case = thief.case()
    assert groups_of(case) == {
        ("tarsenne-spa", "IT", "general"): (1, 1),
        ("tarsenne-spa", "DE", "general"): (1, 1),
        ("ombrelune-sas", "FR", "general"): (1, 1),
        ("ombrelune-sas", "KR", "general"): (1, 1),
    }
    duties = duties_of(case)
    italian = duties["eu-gdpr-33:IT:tarsenne-spa"]
    assert italian.residents == 2
    assert not [duty for duty in case.duties if duty.controller == "tarsenne-spa" and duty.jurisdiction == "KR"]
    answers = prepare_filing(LIBRARY, case, italian, at=AWARE)["answers"]
    assert answers["controller.name"]["value"] == "Tarsenne S.p.A."
    assert answers["cross.counts"]["value"] == {"DE": 1, "IT": 1}
    assert answers["persons.total"]["value"] == answers["persons.number"]["value"] == 2
    french = duties["eu-gdpr-33:FR:ombrelune-sas"]
    answers = prepare_filing(LIBRARY, case, french, at=AWARE)["answers"]
    assert answers["cross.counts"]["value"] == {"FR": 1, "KR": 1}
