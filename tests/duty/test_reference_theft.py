"""The reference theft (name, e-mail, phone, postal address, total spend) run through the tables, country by country.

Each row of the table is asked through the whole product: facts, severity, rules. Then each row just below and just
above its thresholds, and on the day before and after each law changed.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from duty_worlds import MONDAY, STOLEN, facts, group

from cloakroom.adapters.legal_data import load_method, load_rules
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.facts import ControllerFacts
from cloakroom.duty.places import EEA
from cloakroom.duty.severity import assess_facts
from cloakroom.duty.severity.appraisal import risk_assessments

RULES = load_rules()
METHOD = load_method()
STATES = sorted({place for rule in RULES.rules for place in rule.residents if place.startswith("US-")})
PLAIN = {"due"}
OPEN = {"due", "conditional"}
NOT = {"not_due"}
ASK = {"due", "conditional", "ask_counsel"}


def found(place, persons=600, data=STOLEN, *, at=MONDAY, controller=None, **incident):
    house = controller or ControllerFacts("house", "House SAS", "FR", eea_main_establishment="FR")
    world = facts(group(place, persons, data), controllers=(house,), at=at, **incident)
    duties = evaluate_duties(world, RULES, risk_assessments(assess_facts(METHOD, world)))
    # A house in France tells its own authority of persons anywhere (GDPR 3(1)); a row is about the place's own law.
    return [duty for duty in duties if place[:2] in EEA or not duty.id.startswith("eu-gdpr")]


def statuses(duties, kind, place=None):
    return {
        duty.status
        for duty in duties
        if duty.recipient_kind == kind and (place is None or duty.jurisdiction == place) and duty.rule is not None
    }


def days_left(duties, kind):
    """Return the earliest deadline of a kind among what is due."""
    return min(duty.deadline for duty in duties if duty.recipient_kind == kind and duty.deadline is not None)


# place, what may be said of the authority and of the individuals, hours of the authority's clock (None: no number)
TABLE = [
    ("FR", PLAIN, PLAIN, 72),
    ("GB", PLAIN, PLAIN, 72),
    ("CH", PLAIN, OPEN, None),
    ("TR", PLAIN, PLAIN, 72),
    ("CA-ON", ASK, ASK, None),
    ("CA-QC", ASK, ASK, None),
    ("BR", PLAIN, PLAIN, None),
    ("MX", NOT, ASK, None),
    ("JP", PLAIN, PLAIN, None),
    ("KR", PLAIN, PLAIN, 72),
    ("CN", OPEN, OPEN, None),
    ("HK", NOT, NOT, None),
    ("TW", ASK | NOT, PLAIN, None),
    ("SG", PLAIN, {"ask_counsel", "conditional", "not_due"}, None),
    ("TH", PLAIN, PLAIN, 72),
    ("IN", PLAIN, NOT, 6),
    ("AU", ASK, ASK, None),
    ("NZ", ASK, ASK, None),
    ("AE", ASK, ASK, None),
    ("SA", PLAIN, PLAIN, 72),
    ("QA", ASK, ASK, 72),
    ("IL", ASK | NOT, ASK | NOT, None),
    ("ZA", PLAIN, PLAIN, None),
]


@pytest.mark.parametrize(("place", "authority", "individuals", "hours"), TABLE, ids=[row[0] for row in TABLE])
def test_each_row_of_the_table(place, authority, individuals, hours):
    duties = found(place)
    assert statuses(duties, "authority") & authority, [(d.id, d.status, d.reasons) for d in duties]
    assert not (authority == NOT and statuses(duties, "authority") - NOT)
    assert statuses(duties, "individual") & individuals, [(d.id, d.status, d.reasons) for d in duties]
    assert not (individuals == NOT and statuses(duties, "individual") - NOT)
    if hours is not None:
        assert days_left(duties, "authority") == MONDAY + timedelta(hours=hours)


def test_malaysia_wants_the_authority_above_a_thousand_or_at_significant_harm():
    harmless = {
        "cause": "internal_accident",
        "holder": "trusted",
        "deletion_confirmed": True,
        "data": ("name", "email"),
    }
    assert "due" not in statuses(found("MY", 1000, **harmless), "authority")
    assert "due" in statuses(found("MY", 1001, **harmless), "authority")
    assert days_left(found("MY", 1001), "authority") == MONDAY + timedelta(hours=72)


@pytest.mark.parametrize("place", sorted(EEA - {"FR"}))
def test_every_eea_country_has_its_persons_told_and_the_lead_authority_too(place):
    duties = found(place)
    assert statuses(duties, "authority", "FR") == {"due"}
    assert statuses(duties, "individual", place) == {"due"}
    lead = next(duty for duty in duties if duty.jurisdiction == "FR" and duty.recipient_kind == "authority")
    assert lead.deadline == MONDAY + timedelta(hours=72)


@pytest.mark.parametrize("state", STATES)
def test_no_state_of_the_united_states_is_triggered_by_the_reference_set(state):
    duties = found(state, 2_000_000)
    assert statuses(duties, "authority", state) == NOT
    assert statuses(duties, "individual", state) == NOT


def test_the_tables_have_every_state_district_and_territory():
    states = """
    AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC
    ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY PR GU VI
    """.split()  # noqa: SIM905 -- a table of codes reads better as words
    assert {f"US-{state}" for state in states} <= set(STATES)


@pytest.mark.parametrize("state", ["US-WA", "US-ND"])
def test_a_full_date_of_birth_turns_on_washington_and_north_dakota(state):
    assert statuses(found(state, data=(*STOLEN, "birth_date")), "individual", state) == {"due"}


@pytest.mark.parametrize("state", sorted(set(STATES) - {"US-WA", "US-ND"}))
def test_a_full_date_of_birth_turns_on_no_other_state(state):
    assert statuses(found(state, data=(*STOLEN, "birth_date")), "individual", state) <= NOT


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("element", ["national_id", "driver_licence", "payment_card_with_code"])
def test_the_base_definition_turns_on_every_state(state, element):
    status = statuses(found(state, data=(*STOLEN, element)), "individual", state)
    assert status & OPEN or state == "US-GA", status


@pytest.mark.parametrize(
    ("state", "over", "day"),
    [
        ("US-CA", 500, None),
        ("US-IL", 500, None),
        ("US-WA", 500, 30),
        ("US-TX", 249, 30),
        ("US-FL", 499, 30),
        ("US-CO", 499, 30),
        ("US-AL", 1000, 45),
        ("US-AR", 1000, None),
        ("US-AZ", 1000, 45),
        ("US-DC", 49, None),
        ("US-DE", 500, None),
        ("US-HI", 1000, None),
        ("US-IA", 500, None),
        ("US-MO", 1000, None),
        ("US-ND", 250, None),
        ("US-NM", 1000, 45),
        ("US-OK", 499, None),
        ("US-OR", 250, None),
        ("US-PA", 500, None),
        ("US-RI", 500, None),
        ("US-SC", 1000, None),
        ("US-SD", 250, None),
        ("US-UT", 499, None),
    ],
)
def test_thresholds_of_state_authorities_turn_exactly_at_their_number(state, over, day):
    data = ("name", "national_id")
    below, above = (statuses(found(state, number, data), "authority", state) for number in (over, over + 1))
    assert not below & OPEN, below
    assert above & OPEN, above
    if day is not None:
        assert days_left(found(state, over + 1, data), "authority").date() <= date(2026, 3, 2) + timedelta(days=day)


@pytest.mark.parametrize(
    "state", ["US-NY", "US-MA", "US-VA", "US-NJ", "US-CT", "US-IN", "US-LA", "US-MD", "US-MT", "US-NC"]
)
def test_some_authorities_are_told_of_a_single_resident(state):
    assert "due" in statuses(found(state, 1, ("name", "national_id")), "authority", state)


@pytest.mark.parametrize(
    ("state", "days"),
    [
        *((state, 30) for state in ("CA", "CO", "FL", "NY", "WA")),
        *((state, 45) for state in ("AL", "AZ", "IN", "MD", "NM", "OH", "OR", "RI", "TN", "VT", "WI")),
        *((state, 60) for state in ("CT", "DE", "LA", "SD", "TX")),
    ],
)
def test_consumer_deadlines_in_number_form(state, days):
    duties = found(f"US-{state}", data=("name", "national_id"))
    assert days_left(duties, "individual").date() == date(2026, 3, 2) + timedelta(days=days)


def test_order_edges_put_the_police_of_new_jersey_and_the_attorney_general_of_maryland_first():
    for state in ("US-NJ", "US-MD"):
        duties = found(state, data=("name", "national_id"))
        persons = next(duty for duty in duties if duty.recipient_kind == "individual" and duty.rule is not None)
        authorities = {duty.id for duty in duties if duty.recipient_kind == "authority" and duty.status == "due"}
        assert authorities & set(persons.after)


def test_the_attorney_general_of_california_follows_the_consumers_by_fifteen_days():
    duties = found("US-CA", 501, ("name", "national_id"))
    general = next(duty for duty in duties if duty.recipient_kind == "authority" and duty.status == "due")
    persons = next(duty for duty in duties if duty.recipient_kind == "individual" and duty.status == "due")
    assert general.deadline.date() == persons.deadline.date() + timedelta(days=15)


def test_california_before_2026_had_no_number():
    data = ("name", "national_id")
    old = found("US-CA", data=data, at=datetime(2025, 12, 31, 9, tzinfo=UTC))
    new = found("US-CA", data=data, at=datetime(2026, 1, 1, 9, tzinfo=UTC))
    assert [d.deadline for d in old if d.recipient_kind == "individual" and d.status == "due"] == [None]
    assert days_left(new, "individual").date() == date(2026, 1, 31)


def test_oklahoma_has_an_authority_from_2026_on():
    data = ("name", "national_id")
    for day, expected in (((2025, 12, 31), False), ((2026, 1, 1), True)):
        duties = found("US-OK", 500, data, at=datetime(*day, 9, tzinfo=UTC))
        assert bool(statuses(duties, "authority", "US-OK") & OPEN) is expected


def test_new_york_changed_twice_around_2025():
    data = ("name", "national_id")
    old = found("US-NY", data=data, at=datetime(2024, 12, 20, 12, tzinfo=UTC))
    new = found("US-NY", data=data, at=datetime(2024, 12, 21, 12, tzinfo=UTC))
    assert all(d.deadline is None for d in old if d.recipient_kind == "individual")
    assert days_left(new, "individual").date() == date(2025, 1, 20)
    health = ("name", "health")
    before = found("US-NY", data=health, at=datetime(2025, 3, 20, 12, tzinfo=UTC))
    after = found("US-NY", data=health, at=datetime(2025, 3, 21, 12, tzinfo=UTC))
    assert statuses(before, "individual", "US-NY") == NOT
    assert statuses(after, "individual", "US-NY") == {"due"}


def test_malaysia_began_in_june_2025():
    for day, expected in (((2025, 5, 31), False), ((2025, 6, 1), True)):
        at = datetime(*day, 9, tzinfo=UTC)
        assert ("due" in statuses(found("MY", 1001, at=at), "authority")) is expected


def test_china_reports_within_four_hours_from_november_2025_above_a_million():
    at = datetime(2025, 11, 1, 9, tzinfo=UTC)
    assert days_left(found("CN", 1_000_000, at=at), "authority") == at + timedelta(hours=4)
    few = [duty.deadline for duty in found("CN", 999_999, at=at) if duty.status == "due"]
    assert at + timedelta(hours=4) not in few
    earlier = at - timedelta(days=1)
    assert earlier + timedelta(hours=4) not in [d.deadline for d in found("CN", 1_000_000, at=earlier)]


def test_korean_accidents_turn_at_a_thousand_and_attacks_at_one():
    accident = {"cause": "internal_accident"}
    assert "due" not in statuses(found("KR", 999, **accident), "authority")
    assert "due" in statuses(found("KR", 1000, **accident), "authority")
    assert "due" in statuses(found("KR", 1), "authority")


def test_japanese_accidents_turn_above_a_thousand_and_theft_at_one():
    accident = {"cause": "internal_accident", "holder": "trusted"}
    assert "due" not in statuses(found("JP", 1000, **accident), "authority")
    assert "due" in statuses(found("JP", 1001, **accident), "authority")
    assert "due" in statuses(found("JP", 1), "authority")


def test_japan_wants_a_report_within_five_days_and_a_final_one_within_sixty():
    ends = sorted(
        d.deadline.date() for d in found("JP") if d.recipient_kind == "authority" and d.deadline is not None
    )
    assert ends[0] == date(2026, 3, 7)
    assert ends[-1] == date(2026, 5, 1)


def test_singapore_turns_at_five_hundred():
    assert "due" not in statuses(found("SG", 499), "authority")
    assert "due" in statuses(found("SG", 500), "authority")
    assert days_left(found("SG", 500), "authority").date() == date(2026, 3, 5)


def test_indian_individuals_and_board_begin_in_may_2027():
    for day, expected in (((2027, 5, 13), False), ((2027, 5, 14), True)):
        duties = found("IN", 1, at=datetime(*day, 9, tzinfo=UTC))
        assert ("due" in statuses(duties, "individual")) is expected


def test_brazil_counts_three_business_days_over_easter():
    duties = found("BR", 100_000, at=datetime(2026, 4, 1, 12, tzinfo=UTC))
    assert days_left(duties, "authority").date() == date(2026, 4, 7)
    assert days_left(duties, "individual").date() == date(2026, 4, 7)


def test_a_house_in_difc_or_adgm_has_the_free_zones_law():
    for flag, place in (("difc", "AE-DU"), ("adgm", "AE-AZ")):
        house = ControllerFacts("house", "House Ltd", "AE", flags=frozenset({flag}))
        duties = found(place, controller=house)
        assert statuses(duties, "authority") & OPEN, [(d.id, d.status) for d in duties]


def test_the_platform_of_the_united_kingdom_changed_for_providers_in_august_2025():
    house = ControllerFacts("house", "House Ltd", "GB", flags=frozenset({"telecom_provider_gb"}))
    for day, hours in (((2025, 8, 19), 24), ((2025, 8, 20), 72)):
        at = datetime(*day, 9, tzinfo=UTC)
        duty = next(
            d for d in found("GB", controller=house, at=at) if d.rule is not None and d.rule.id == "gb-pecr-5a"
        )
        assert duty.deadline == at + timedelta(hours=hours)


SWITCHES = sorted(
    {(rule.id, day) for rule in RULES.rules for day in (rule.valid_from, rule.valid_until) if day is not None}
)


@pytest.mark.parametrize(("rule_id", "day"), SWITCHES, ids=[f"{name} {day}" for name, day in SWITCHES])
def test_on_the_day_a_law_changes_another_version_counts_than_the_day_before(rule_id, day):
    family = [rule for rule in RULES.rules if rule.id == rule_id]
    place = next(iter(sorted(family[0].residents)))
    place = "FR" if place in {"EEA", "*"} else place

    def version(on):
        noon = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
        house = ControllerFacts("house", "House SAS", "FR", eea_main_establishment="FR")
        world = facts(group(place, 600), controllers=(house,), at=noon)
        duty = next(d for d in evaluate_duties(world, RULES, ()) if d.rule is not None and d.rule.id == rule_id)
        return duty, duty.rule.in_force(on)

    (before, old_counts), (after, new_counts) = version(day - timedelta(days=1)), version(day)
    assert (before.rule, old_counts) != (after.rule, new_counts)
    for duty, counts in ((before, old_counts), (after, new_counts)):
        if not counts:
            assert duty.status == "not_due"
            assert any(reason.startswith("in force only") for reason in duty.reasons)
    if new_counts:
        assert after.rule.valid_from == day
