"""Published cases, written as the facts say them; what is expected is what the authority said."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from tests.duty.severity_world import exposed, incident

from cloakroom.adapters.legal_data import load_method
from cloakroom.duty.severity import Context, assess

METHOD = load_method()
DOCUMENT, AUTHORITY, PERSONS = (False, False), (True, False), (True, True)


@dataclass(frozen=True)
class Case:
    id: str
    persons: int
    data: str
    how: dict[str, object]
    expect: tuple[bool, bool]
    segment: str = "general"
    records: int = 0
    context: Context = field(default_factory=Context)
    se: int | None = None


def how(cause: str, taken: str, holder: str, **more: object) -> dict[str, object]:
    return {"cause": cause, "taken": taken, "holder": holder, **more}


EXT, INT, ERR = "external_malicious", "internal_malicious", "internal_accident"
GONE = ("availability",)

EDPB = [
    Case(
        "E01 ransomware, backup, encrypted, nothing left",
        36,
        "name email phone",
        how(EXT, "excluded", "criminal", nature=GONE, intelligible=False, restored_hours=6),
        DOCUMENT,
        se=75,
    ),
    Case(
        "E02 ransomware without a proper backup",
        36,
        "name email phone postal_address",
        how(EXT, "excluded", "criminal", nature=GONE, restored_hours=120, service_harm="minor"),
        AUTHORITY,
        se=175,
    ),
    Case(
        "E03 hospital, surgery postponed",
        5000,
        "name birth_date health",
        how(EXT, "excluded", "criminal", nature=GONE, restored_hours=48, service_harm="serious"),
        PERSONS,
        se=475,
    ),
    Case(
        "E04 ransomware with exfiltration, some cards",
        4000,
        "name email postal_address birth_date payment_card",
        how(
            EXT,
            "exfiltrated",
            "criminal",
            nature=(
                "availability",
                "confidentiality",
            ),
            restored_hours=200,
        ),
        PERSONS,
    ),
    Case(
        "E05 job applications taken from a website",
        213,
        "name email phone application",
        how(EXT, "exfiltrated", "criminal"),
        PERSONS,
    ),
    Case(
        "E06 hashed passwords and pseudonyms",
        1200,
        "customer_number password_hash",
        how(EXT, "exfiltrated", "criminal", intelligible=False),
        DOCUMENT,
        se=125,
    ),
    Case(
        "E06 the same, called intelligible",
        1200,
        "other password_hash",
        how(EXT, "exfiltrated", "criminal"),
        DOCUMENT,
        se=125,
    ),
    Case(
        "E07 credential stuffing at a bank",
        100000,
        "name gender birth_date birth_place tax_id customer_number",
        how(EXT, "accessed", "criminal"),
        PERSONS,
        se=400,
    ),
    Case(
        "E08 leaving employee copies contacts",
        500,
        "name email phone",
        how(INT, "exfiltrated", "known_few"),
        AUTHORITY,
        se=175,
    ),
    Case(
        "E09 spreadsheet shown to an insurance agent",
        24,
        "name email phone insurance",
        how(ERR, "accessed", "trusted", deletion_confirmed=True),
        DOCUMENT,
        se=225,
    ),
    Case(
        "E10 encrypted tablets of a day-care",
        30,
        "name birth_date education",
        how(EXT, "possible", "criminal", intelligible=False),
        DOCUMENT,
        segment="minor",
    ),
    Case(
        "E11 unencrypted laptop stolen",
        100001,
        "name gender postal_address birth_date",
        how(EXT, "exfiltrated", "criminal"),
        PERSONS,
        se=200,
    ),
    Case(
        "E11 the same, copy not proven",
        100001,
        "name gender postal_address birth_date",
        how(EXT, "possible", "unknown_many"),
        PERSONS,
    ),
    Case(
        "E12 paper logbook of a clinic stolen",
        60,
        "name birth_date health",
        how(
            EXT,
            "exfiltrated",
            "criminal",
            nature=(
                "availability",
                "confidentiality",
            ),
            restored_hours=9000,
        ),
        PERSONS,
    ),
    Case(
        "E13 two parcels swapped",
        2,
        "name postal_address purchase_history",
        how(ERR, "accessed", "known_few"),
        DOCUMENT,
        se=125,
    ),
    Case(
        "E14 jobseekers' file with national numbers",
        60001,
        "name email postal_address national_id",
        how(ERR, "accessed", "known_few"),
        PERSONS,
    ),
    Case(
        "E14 to an unknown number",
        60001,
        "name email postal_address national_id",
        how(ERR, "accessed", "unknown_many"),
        PERSONS,
        se=150,
    ),
    Case(
        "E15 list of a course with diets",
        15,
        "name email preferences",
        how(ERR, "accessed", "known_few"),
        DOCUMENT,
        se=125,
    ),
    Case(
        "E15 with the diets counted as health",
        15,
        "name email preferences health",
        how(ERR, "accessed", "known_few"),
        DOCUMENT,
        se=125,
    ),
    Case(
        "E16 insurance letter in the wrong envelope",
        1,
        "name postal_address birth_date vehicle insurance",
        how(ERR, "accessed", "known_few"),
        AUTHORITY,
        se=225,
    ),
    Case(
        "E16 the tariff left out",
        1,
        "name postal_address birth_date vehicle",
        how(ERR, "accessed", "known_few"),
        AUTHORITY,
        se=125,
    ),
    Case(
        "E17 caller posing as the customer",
        1,
        "name phone communication",
        how(EXT, "exfiltrated", "criminal"),
        PERSONS,
    ),
    Case(
        "E17 contact and customer number only",
        1,
        "name email customer_number",
        how(EXT, "accessed", "criminal"),
        PERSONS,
    ),
    Case(
        "E18 mailbox rule forwards wages",
        99,
        "name wage family",
        how(EXT, "exfiltrated", "criminal"),
        PERSONS,
        segment="employee",
    ),
]
ANNEX_B = [
    Case(
        "W1 encrypted backup stolen",
        5000,
        "name email postal_address",
        how(EXT, "exfiltrated", "criminal", intelligible=False),
        DOCUMENT,
    ),
    Case(
        "W2 customers' data taken from a service", 900, "name email", how(EXT, "exfiltrated", "criminal"), AUTHORITY
    ),
    Case(
        "W3 power cut of minutes",
        3000,
        "name phone customer_number",
        how(ERR, "excluded", "none", nature=GONE),
        DOCUMENT,
    ),
    Case(
        "W3 at a bank",
        3000,
        "name phone financial_statement",
        how("external_accident", "excluded", "none", nature=GONE, restored_hours=1),
        DOCUMENT,
    ),
    Case(
        "W4 ransomware, no backup",
        800,
        "name email postal_address",
        how(EXT, "excluded", "criminal", nature=GONE, restored_hours=2000),
        AUTHORITY,
    ),
    Case(
        "W5 a bank statement to someone else",
        1,
        "name postal_address financial_statement",
        how(ERR, "accessed", "known_few"),
        PERSONS,
    ),
    Case(
        "W6 names, passwords, purchases published",
        7000,
        "email password purchase_history",
        how(EXT, "exfiltrated", "unknown_many"),
        PERSONS,
    ),
    Case(
        "W6 with user names only",
        7000,
        "customer_number password purchase_history",
        how(EXT, "exfiltrated", "unknown_many"),
        PERSONS,
    ),
    Case(
        "W7 users could see others' accounts",
        2000,
        "name email phone postal_address",
        how(ERR, "accessed", "known_few"),
        AUTHORITY,
    ),
    Case(
        "W8 hospital records gone for 30 hours",
        9000,
        "name birth_date health",
        how(EXT, "excluded", "criminal", nature=GONE, restored_hours=30, service_harm="serious"),
        PERSONS,
    ),
    Case(
        "W8 no harm stated",
        9000,
        "name birth_date health",
        how(EXT, "excluded", "criminal", nature=GONE, restored_hours=30),
        PERSONS,
    ),
    Case(
        "W9 students' data to a long list", 400, "name email education", how(ERR, "accessed", "known_few"), AUTHORITY
    ),
    Case("W10 open copy list, few and harmless", 150, "email", how(ERR, "accessed", "known_few"), DOCUMENT, se=125),
    Case("W10 open copy list, many", 4000, "email", how(ERR, "accessed", "known_few"), AUTHORITY),
    Case("W10 with passwords in it", 90, "email password", how(ERR, "accessed", "known_few"), AUTHORITY),
]
DECISIONS = [
    Case(
        "bank: documents sent to another bank and returned, national numbers",
        8,
        "name national_id bank_account financial_statement",
        how(ERR, "accessed", "trusted", deletion_confirmed=True),
        PERSONS,
    ),
    Case(
        "insurance offer with national number to the wrong address",
        1,
        "name national_id postal_address insurance",
        how(ERR, "accessed", "known_few", deletion_confirmed=True),
        PERSONS,
    ),
    Case(
        "file of several hundred customers mailed to a stranger who says it is deleted",
        400,
        "name postal_address customer_number",
        how(ERR, "accessed", "known_few", deletion_confirmed=True),
        AUTHORITY,
    ),
    Case(
        "former employee still on a platform with national numbers and sick leaves",
        10_500,
        "name national_id postal_address health",
        how(ERR, "accessed", "known_few"),
        PERSONS,
        segment="employee",
    ),
    Case(
        "names of protected persons in an open copy list",
        245,
        "name email",
        how(ERR, "accessed", "known_few"),
        AUTHORITY,
        segment="protected_address",
    ),
    Case(
        "web shop showed orders to other customers",
        3000,
        "name postal_address phone purchase_history",
        how(ERR, "accessed", "known_few"),
        AUTHORITY,
    ),
    Case(
        "students' names and addresses put online",
        500,
        "name email",
        how(ERR, "accessed", "unknown_many"),
        AUTHORITY,
    ),
    Case(
        "SLIMPAY: left open for years, no proof of misuse",
        12_000_000,
        "name email phone postal_address bank_account",
        how(ERR, "possible", "unknown_many"),
        PERSONS,
        se=250,
    ),
    Case(
        "protected address seen by another customer",
        1,
        "name postal_address",
        how(ERR, "accessed", "known_few"),
        PERSONS,
        segment="protected_address",
    ),
    Case(
        "the same mistake with an ordinary customer",
        1,
        "name postal_address",
        how(ERR, "accessed", "known_few"),
        DOCUMENT,
    ),
    Case(
        "national number sent to a customer who promised to delete",
        1,
        "name national_id",
        how(ERR, "accessed", "known_few", deletion_confirmed=True),
        PERSONS,
    ),
    Case(
        "courier lost a file with national numbers",
        3,
        "name national_id postal_address bank_account",
        how("external_accident", "possible", "none"),
        PERSONS,
    ),
    Case("party list in open copy", 101, "email politics", how(ERR, "accessed", "known_few"), PERSONS),
    Case(
        "employee looked up bank customers",
        3573,
        "name bank_account financial_statement",
        how(INT, "accessed", "known_few"),
        PERSONS,
    ),
    Case(
        "luxury customers: the reference theft",
        120_000,
        "name email phone postal_address spend_total",
        how(EXT, "exfiltrated", "criminal"),
        PERSONS,
        se=300,
    ),
    Case(
        "luxury customers: the top spenders",
        900,
        "name email phone postal_address spend_total",
        how(EXT, "exfiltrated", "criminal"),
        PERSONS,
        segment="high_spender",
        se=400,
    ),
    Case(
        "luxury customers with purchases",
        3_600_000,
        "name email phone postal_address purchase_history",
        how(EXT, "exfiltrated", "criminal"),
        PERSONS,
        se=300,
    ),
    Case(
        "one employee's papers", 1, "name passport", how(INT, "exfiltrated", "known_few"), PERSONS, segment="employee"
    ),
]
PUBLISHED_EXAMPLES = [
    Case(
        "A03 hospital restored in 24 h",
        5000,
        "name health",
        how(EXT, "excluded", "criminal", nature=GONE, restored_hours=24),
        PERSONS,
        se=375,
    ),
    Case(
        "A04 wage mail to the wrong colleague",
        1,
        "name wage",
        how(ERR, "accessed", "known_few"),
        PERSONS,
        segment="employee",
        se=325,
    ),
    Case(
        "A05 lost encrypted laptop",
        200,
        "name email phone",
        how(ERR, "possible", "none", intelligible=False),
        DOCUMENT,
        se=25,
    ),
    Case("A06 open copy of 150 addresses", 150, "email", how(ERR, "accessed", "known_few"), DOCUMENT, se=125),
]


@pytest.mark.parametrize("case", [*EDPB, *ANNEX_B, *DECISIONS, *PUBLISHED_EXAMPLES], ids=lambda case: case.id)
def test_a_published_case_comes_out_as_the_authority_said(case: Case) -> None:
    exposure = exposed(
        "balmere", case.segment, case.persons, case.records or case.persons, frozenset(case.data.split())
    )
    circumstances = incident(**case.how)
    result = assess(METHOD, circumstances, [exposure], [case.context])
    segment = result.segments[0]
    steps = "\n".join(f"{s.element} {s.change}: {s.reason}" for s in segment.score.steps)
    hits = ", ".join(o.id for o in segment.overrides)
    assert (segment.outcome.authority, segment.outcome.persons) == case.expect, (
        f"{steps}\n{hits} SE {segment.score.se}"
    )
    assert segment.outcome.document
    if case.se is not None:
        assert segment.score.se == case.se, steps
