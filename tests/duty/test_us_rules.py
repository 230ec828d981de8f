"""The rules of the United States against the reference table: states, thresholds, dates, order edges.

The tables here are typed from the reference page of duties, independently of the rule files.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from duty_worlds import MONDAY, STOLEN, facts, group, risks

from cloakroom.adapters.legal_data import load_rules
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.facts import ControllerFacts

RULES = load_rules()


def codes(text):
    return text.split()


STATES = codes(
    "AK AL AR AZ CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK "
    "OR PA RI SC SD TN TX UT VA VT WA WI WV WY"
)
TERRITORIES = ["PR", "GU", "VI"]
PLACES = [f"US-{code}" for code in (*STATES, *TERRITORIES)]

# Where the law, as far as it was read, knows no notice to an authority.
NO_AUTHORITY = {f"US-{code}" for code in codes("GA ID KS KY MI NV OH TN WI WV MN MS WY GU VI")}

IDENTITY = ["name", "national_id"]
BROKER = ControllerFacts("house", "House Inc", "US", "GA", flags=frozenset({"information_broker_us"}))


def results(*groups, level="high", controller=None, at=MONDAY, done=None, **incident):
    who = {"controllers": (controller,)} if controller is not None else {}
    duties = evaluate_duties(facts(*groups, at=at, **who, **incident), RULES, risks(level), done=done)
    return {duty.rule.id: duty for duty in duties if duty.rule is not None}


def of_place(found, place):
    return [duty for duty in found.values() if duty.jurisdiction == place]


def test_the_reference_has_fifty_states_the_district_and_three_territories():
    assert len(STATES) == 51
    assert len(set(PLACES)) == 54


@pytest.mark.parametrize("place", PLACES)
def test_the_reference_theft_gives_nothing_to_do_in_a_state_and_says_why(place):
    found = of_place(results(group(place, 1_000_000, STOLEN)), place)
    assert {duty.recipient_kind for duty in found} >= {"authority", "individual"}
    assert {duty.status for duty in found} == {"not_due"}
    assert all(duty.reasons for duty in found)


@pytest.mark.parametrize("place", PLACES)
def test_a_name_with_a_social_security_number_is_told_to_residents_everywhere(place):
    controller = BROKER if place == "US-GA" else None
    found = of_place(results(group(place, 1, IDENTITY), controller=controller), place)
    individuals = [duty for duty in found if duty.recipient_kind == "individual"]
    assert [duty.status for duty in individuals] == ["due"]
    assert all(duty.deadline is not None or duty.target is not None for duty in individuals)


def test_in_georgia_only_information_brokers_owe_anything():
    assert results(group("US-GA", 50_000, IDENTITY))["us-ga-individuals"].status == "not_due"
    assert results(group("US-GA", 50_000, IDENTITY), controller=BROKER)["us-ga-cra"].status == "due"


@pytest.mark.parametrize("place", PLACES)
def test_no_state_is_silent_about_its_authority(place):
    rules = [rule for rule in RULES.rules if rule.jurisdiction == place and rule.recipient_kind == "authority"]
    effects = {rule.effect for rule in rules}
    assert effects == ({"none"} if place in NO_AUTHORITY else {"duty"})
    assert all(rule.notes for rule in rules if rule.effect == "none")


@pytest.mark.parametrize("place", ["US", "US-AS", "US-MP"])
def test_residents_of_an_unknown_state_or_an_uncovered_territory_are_a_question_for_counsel(place):
    duties = evaluate_duties(facts(group(place, 10, IDENTITY)), RULES, risks())
    asked = {duty.recipient_kind for duty in duties if duty.rule is None and duty.jurisdiction == place}
    assert asked == {"authority", "individual"}
    assert all(duty.status == "ask_counsel" for duty in duties if duty.rule is None)


# Recipient's rule, and the least number of residents that makes it due.
THRESHOLDS = [
    ("us-ca-ag", 501),
    ("us-tx-ag", 250),
    ("us-fl-legal-affairs", 500),
    ("us-il-ag", 501),
    ("us-wa-ag", 501),
    ("us-co-ag", 500),
    ("us-ny-cra", 5_001),
    ("us-tx-cra", 10_001),
    ("us-fl-cra", 1_001),
    ("us-co-cra", 1_001),
    ("us-va-cra", 1_001),
    ("us-nj-cra", 1_001),
    ("us-al-ag", 1_001),
    ("us-ar-ag", 1_001),
    ("us-az-ag", 1_001),
    ("us-dc-ag", 50),
    ("us-de-ag", 501),
    ("us-hi-ocp", 1_001),
    ("us-ia-ag", 501),
    ("us-mo-ag", 1_001),
    ("us-nd-ag", 251),
    ("us-nm-ag", 1_001),
    ("us-ok-ag", 500),
    ("us-or-ag", 251),
    ("us-pa-ag", 501),
    ("us-ri-ag", 501),
    ("us-sc-consumer-affairs", 1_001),
    ("us-sd-ag", 251),
    ("us-ut-ag", 500),
    ("us-ut-cyber-center", 500),
    *((f"us-{code}-ag", 1) for code in codes("ct in la me md mt nc ne nh vt va ma")),
    ("us-ma-ocabr", 1),
    ("us-ny-authorities", 1),
    ("us-nj-state-police", 1),
    ("us-pr-daco", 1),
    ("us-sd-cra", 1),
]


@pytest.mark.parametrize(("rule", "least"), THRESHOLDS)
def test_a_threshold_counts_the_residents_of_its_own_state(rule, least):
    place = f"US-{rule[3:5].upper()}"
    elsewhere = group("US-CA" if place != "US-CA" else "US-TX", 100_000, IDENTITY)
    assert results(group(place, least, IDENTITY), elsewhere)[rule].status == "due"
    if least > 1:
        assert results(group(place, least - 1, IDENTITY), elsewhere)[rule].status == "not_due"


@pytest.mark.parametrize(("rule", "least"), [item for item in THRESHOLDS if item[1] > 1])
def test_persons_whose_data_are_no_personal_information_do_not_fill_a_threshold(rule, least):
    place = f"US-{rule[3:5].upper()}"
    found = results(group(place, least - 1, IDENTITY), group(place, 100_000, STOLEN))
    assert found[rule].status == "not_due"
    assert found[rule].residents == least - 1


# Noted as a bare number: whether the number itself is enough was not read.
AGENCIES = [
    *((code, 1_000) for code in codes("ak al az dc hi in ks ky mi nv oh tn wi wv me md mo nc nh nm or sc ut vt")),
    *((code, 500) for code in codes("mn pa ri")),
    ("ga", 10_000),
]


@pytest.mark.parametrize(("code", "number"), AGENCIES)
def test_credit_agencies_are_told_above_the_number_and_counsel_is_asked_at_it(code, number):
    rule = f"us-{code}-cra"
    controller = BROKER if code == "ga" else None
    statuses = [
        results(group(f"US-{code.upper()}", persons, IDENTITY), controller=controller)[rule].status
        for persons in (number - 1, number, number + 1)
    ]
    assert statuses == ["not_due", "ask_counsel", "due"]


# Event, days, states; the events lie a day apart below.
CLOCKS = [
    ("discovered", 30, "ca ny wa"),
    ("determined", 30, "co fl me"),
    ("discovered", 45, "al in md nm oh or ri tn vt wi"),
    ("determined", 45, "az"),
    ("discovered", 60, "ct la sd"),
    ("determined", 60, "de tx"),
]


@pytest.mark.parametrize(
    ("event", "days", "code"), [(event, days, code) for event, days, where in CLOCKS for code in codes(where)]
)
def test_residents_are_told_within_the_days_of_their_state(event, days, code):
    times = {"discovered_at": MONDAY, "aware_at": MONDAY + timedelta(1), "determined_at": MONDAY + timedelta(2)}
    duty = results(group(f"US-{code.upper()}", 1, IDENTITY), **times)[f"us-{code}-individuals"]
    assert duty.deadline is not None
    assert duty.deadline.date() == times[f"{event}_at"].date() + timedelta(days)
    assert duty.deadline.time().isoformat() == "23:59:59"


def test_every_other_state_has_no_number_and_so_a_target_but_no_deadline():
    numbered = {code for _, _, where in CLOCKS for code in codes(where)}
    others = [code.lower() for code in (*STATES, *TERRITORIES) if code.lower() not in {*numbered, "ga"}]
    assert len(others) == 54 - 22 - 1
    for code in others:
        duty = results(group(f"US-{code.upper()}", 1, IDENTITY))[f"us-{code}-individuals"]
        assert duty.deadline is None, code
        assert duty.target is not None, code


@pytest.mark.parametrize(
    ("rule", "start", "days"),
    [
        ("us-tx-ag", "determined", 30),
        ("us-fl-legal-affairs", "determined", 30),
        ("us-co-ag", "determined", 30),
        ("us-wa-ag", "discovered", 30),
        ("us-al-ag", "discovered", 45),
        ("us-ar-ag", "discovered", 45),
        ("us-az-ag", "determined", 45),
        ("us-nm-ag", "discovered", 45),
        ("us-pr-daco", "discovered", 10),
    ],
)
def test_an_authority_with_days_of_its_own(rule, start, days):
    times = {"discovered_at": MONDAY, "aware_at": MONDAY + timedelta(1), "determined_at": MONDAY + timedelta(2)}
    duty = results(group(f"US-{rule[3:5].upper()}", 5_000, IDENTITY), **times)[rule]
    assert duty.deadline is not None
    assert duty.deadline.date() == times[f"{start}_at"].date() + timedelta(days)


def test_minnesota_gives_48_hours_for_the_credit_agencies():
    duty = results(group("US-MN", 501, IDENTITY))["us-mn-cra"]
    assert duty.deadline == MONDAY + timedelta(hours=48)


def test_vermont_has_14_business_days_and_aims_at_14_days():
    duty = results(group("US-VT", 1, IDENTITY))["us-vt-ag"]
    assert duty.deadline is not None
    assert duty.deadline.date() == date(2026, 3, 20)
    assert duty.target is not None
    assert duty.target.date() == date(2026, 3, 16)
    assert duty.confidence == "X"


@pytest.mark.parametrize(
    ("rule", "before", "day"),
    [
        ("us-ca-ag", "us-ca-individuals", date(2026, 3, 25)),
        ("us-la-ag", "us-la-individuals", date(2026, 3, 20)),
        ("us-ok-ag", "us-ok-individuals", date(2026, 5, 9)),
        ("us-ia-ag", "us-ia-individuals", date(2026, 3, 17)),
    ],
)
def test_some_authorities_are_told_so_many_days_after_the_residents(rule, before, day):
    place = f"US-{rule[3:5].upper()}"
    done = {f"{before}:{place}:house": datetime(2026, 3, 10, 12, tzinfo=UTC)}
    duty = results(group(place, 2_000, IDENTITY), done=done)[rule]
    assert duty.after == (f"{before}:{place}:house",)
    assert duty.deadline is not None
    assert duty.deadline.date() == day


@pytest.mark.parametrize(
    ("rule", "before"),
    [
        ("us-nj-individuals", "us-nj-state-police"),
        ("us-md-individuals", "us-md-ag"),
        ("us-vt-individuals", "us-vt-ag"),
        ("us-il-individuals", "us-il-ag"),
        ("us-ct-individuals", "us-ct-ag"),
        ("us-ne-individuals", "us-ne-ag"),
    ],
)
def test_some_authorities_come_before_the_residents(rule, before):
    place = f"US-{rule[3:5].upper()}"
    assert results(group(place, 2_000, IDENTITY))[rule].after == (f"{before}:{place}:house",)


def test_an_order_edge_vanishes_with_the_duty_it_leads_to():
    assert results(group("US-IL", 500, IDENTITY))["us-il-individuals"].after == ()


@pytest.mark.parametrize(("rule", "days"), [("us-ct-ag", 60), ("us-md-ag", 45)])
def test_an_authority_that_is_not_told_later_than_residents_shares_their_last_day(rule, days):
    duty = results(group(f"US-{rule[3:5].upper()}", 1, IDENTITY))[rule]
    assert duty.deadline is not None
    assert duty.deadline.date() == MONDAY.date() + timedelta(days)


# Element by element beyond the base: where it was read that the element counts with the name.
READ = {
    "birth_date": "wa nd",
    "passport": "ca fl tx wa co va az",
    "tax_id": "ca az ct",
    "health": "ca ny tx fl il wa co",
    "insurance": "ca ny fl il wa co",
    "biometric": "ca ny il wa co",
    "genetic": "ca",
    "bank_account": "ma",
    "payment_card": "ma",
}
# States whose whole definition was read: what is not listed does not count.
WHOLE = codes("ca ny tx fl il ma wa co va nj")


@pytest.mark.parametrize(("element", "where"), READ.items())
def test_an_element_counts_where_it_was_read_and_is_otherwise_no_duty_but_maybe_a_question(element, where):
    for code in (code.lower() for code in (*STATES, *TERRITORIES) if code != "GA"):
        status = results(group(f"US-{code.upper()}", 1, ["name", element]))[f"us-{code}-individuals"].status
        if code in codes(where):
            assert status == "due", code
        elif element in {"birth_date", "bank_account", "payment_card"} or code in WHOLE:
            assert status in {"not_due", "conditional"}, code
        else:
            assert status == "ask_counsel", code


def test_an_e_mail_with_its_password_counts_where_it_was_read():
    for code in (code.lower() for code in (*STATES, *TERRITORIES) if code != "GA"):
        found = results(group(f"US-{code.upper()}", 1, ["email", "password"]))
        expected = "ask_counsel"
        if code in {"al", "ca", "ny", "fl", "il", "wa", "co"}:
            expected = "due"
        elif code in WHOLE:
            expected = "not_due"
        assert found[f"us-{code}-individuals"].status == expected, code


def test_in_new_jersey_a_password_counts_only_with_the_name():
    assert results(group("US-NJ", 1, ["name", "email", "password"]))["us-nj-individuals"].status == "due"
    assert results(group("US-NJ", 1, ["email", "password"]))["us-nj-individuals"].status == "not_due"


def test_texas_counts_health_data_and_colorado_a_card_with_its_code_without_a_name():
    assert results(group("US-TX", 1, ["health"]))["us-tx-individuals"].status == "due"
    assert results(group("US-CO", 1, ["payment_card_with_code"]))["us-co-individuals"].status == "due"
    assert results(group("US-CA", 1, ["payment_card_with_code"]))["us-ca-individuals"].status == "not_due"


@pytest.mark.parametrize("place", [place for place in PLACES if place != "US-GA"])
def test_data_encrypted_with_a_safe_key_are_told_to_nobody_in_any_state(place):
    found = of_place(results(group(place, 1_000_000, IDENTITY), intelligible=False), place)
    assert {duty.status for duty in found} == {"not_due"}


def test_where_a_harm_test_was_read_no_harm_ends_the_duty_and_elsewhere_it_does_not():
    for code in (code.lower() for code in (*STATES, *TERRITORIES) if code != "GA"):
        found = results(group(f"US-{code.upper()}", 1, IDENTITY), level="none")
        expected = "not_due" if code in {"fl", "co", "az", "md", "ct", "va"} else "due"
        assert found[f"us-{code}-individuals"].status == expected, code


def test_seeing_is_enough_in_access_states_and_a_question_in_acquisition_states():
    statuses = {
        code: results(group(f"US-{code.upper()}", 1, IDENTITY), taken="accessed")[f"us-{code}-individuals"].status
        for code in codes("ny nj fl ct ca tx wa co ma il va oh")
    }
    assert {statuses[code] for code in codes("ny nj fl ct")} == {"due"}
    assert {statuses[code] for code in codes("ca tx wa co ma il va")} == {"conditional"}
    assert statuses["oh"] == "ask_counsel"


# Day of a change, rule, data that show it; status and days of the deadline on the day before and on the day.
CHANGES = [
    (date(2026, 1, 1), "us-ca-individuals", IDENTITY, ("due", None), ("due", 30)),
    (date(2026, 1, 1), "us-ca-ag", IDENTITY, ("due", None), ("due", 45)),
    (date(2026, 1, 1), "us-ok-ag", IDENTITY, ("not_due", None), ("due", None)),
    (date(2024, 12, 21), "us-ny-individuals", IDENTITY, ("due", None), ("due", 30)),
    (date(2024, 12, 21), "us-ny-authorities", IDENTITY, ("due", None), ("due", None)),
    (date(2025, 3, 21), "us-ny-individuals", ["name", "health"], ("not_due", None), ("due", 30)),
    (date(2025, 3, 21), "us-ny-authorities", ["name", "insurance"], ("not_due", None), ("due", None)),
    (date(2025, 3, 21), "us-ny-cra", ["name", "health"], ("not_due", None), ("due", None)),
    (date(2024, 9, 26), "us-pa-ag", IDENTITY, ("not_due", None), ("due", None)),
]


@pytest.mark.parametrize(("day", "rule", "data", "before", "on"), CHANGES)
def test_a_law_is_the_old_one_on_the_day_before_its_change_and_the_new_one_on_the_day(day, rule, data, before, on):
    for moved, (status, days) in ((-1, before), (0, on)):
        at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC) + timedelta(moved)
        duty = results(group(f"US-{rule[3:5].upper()}", 6_000, data), at=at)[rule]
        assert duty.status == status
        if days is None:
            assert duty.deadline is None
        else:
            assert duty.deadline is not None
            assert duty.deadline.date() == at.date() + timedelta(days)


def test_delay_to_find_the_scope_was_lawful_in_new_york_only_before_the_change():
    versions = [rule for rule in RULES.rules if rule.id == "us-ny-individuals"]
    grounds = [rule.delay for rule in sorted(versions, key=lambda rule: rule.valid_from or date.min)]
    assert grounds == [("law_enforcement", "scope_and_integrity"), ("law_enforcement",), ("law_enforcement",)]


def test_massachusetts_and_illinois_forbid_what_the_notice_must_not_say():
    ma = results(group("US-MA", 1, IDENTITY))["us-ma-individuals"]
    il = results(group("US-IL", 1, IDENTITY))["us-il-individuals"]
    assert set(ma.content_forbidden) == {"nature of the breach", "number of residents affected"}
    assert set(il.content_forbidden) == {"number of residents affected"}


def test_california_fixes_the_title_and_five_headings():
    required = results(group("US-CA", 1, IDENTITY))["us-ca-individuals"].content_required
    assert sum(item.startswith("title ") for item in required) == 1
    assert sum(item.startswith("heading ") for item in required) == 5


def test_e_mail_is_a_lawful_notice_in_florida_but_in_new_york_only_with_consent():
    assert "email" in results(group("US-FL", 1, IDENTITY))["us-fl-individuals"].channels
    channels = results(group("US-NY", 1, IDENTITY))["us-ny-individuals"].channels
    assert "email" not in channels
    assert "email_with_consent" in channels


def test_a_leak_inside_that_harms_nobody_may_stay_untold_in_new_york_but_goes_on_record():
    leak = {"cause": "internal_accident", "holder": "trusted"}
    found = results(group("US-NY", 501, IDENTITY), level="none", **leak)
    assert found["us-ny-individuals"].status == "conditional"
    assert found["us-ny-ag-no-notice"].status == "conditional"
    assert found["us-ny-ag-no-notice"].deadline.date() == date(2026, 3, 12)
    few = results(group("US-NY", 500, IDENTITY), level="none", **leak)
    assert few["us-ny-ag-no-notice"].status == "not_due"
    theft = results(group("US-NY", 501, IDENTITY), level="none")
    assert theft["us-ny-individuals"].status == "due"


def test_a_florida_finding_of_no_harm_is_sent_to_the_department():
    found = results(group("US-FL", 1, IDENTITY), level="none")
    assert found["us-fl-individuals"].status == "not_due"
    assert found["us-fl-legal-affairs-no-notice"].status == "due"
    assert found["us-fl-legal-affairs-no-notice"].confidence == "V3"
    assert results(group("US-FL", 1, IDENTITY))["us-fl-legal-affairs-no-notice"].status == "not_due"


def flagged(*flags):
    return ControllerFacts("house", "House Inc", "US", "NY", flags=frozenset(flags))


def test_federal_duties_follow_the_flags_of_the_controller():
    contact = group("US-TX", 499, STOLEN), group("US-CA", 1, STOLEN)
    assert results(*contact)["us-sec-8k"].status == "not_due"
    assert results(*contact)["us-ftc-safeguards"].status == "not_due"
    found = results(*contact, controller=flagged("listed_us", "consumer_finance_us"))
    assert found["us-sec-8k"].status == "conditional"
    assert found["us-sec-8k"].confidence == "V3"
    assert found["us-ftc-safeguards"].status == "due"
    assert results(contact[0], controller=flagged("consumer_finance_us"))["us-ftc-safeguards"].status == "not_due"


def test_a_listed_issuer_is_asked_about_materiality_wherever_the_persons_live():
    assert results(group("JP", 10, STOLEN), controller=flagged("listed_us"))["us-sec-8k"].status == "conditional"


def test_the_department_of_financial_services_hears_only_of_those_it_regulates():
    assert results(group("US-NY", 1, IDENTITY))["us-ny-dfs"].status == "not_due"
    assert results(group("US-NY", 1, IDENTITY), controller=flagged("dfs_regulated_us"))["us-ny-dfs"].status == "due"


MARKS = {
    "us-ny-individuals": "V2",
    "us-tx-individuals": "V2",
    "us-tx-cra": "V3",
    "us-ma-individuals": "V1",
    "us-wa-individuals": "V1",
    "us-wa-cra": "X",
    "us-nj-state-police": "V1",
    "us-va-individuals": "V2",
    "us-md-ag": "V1",
    "us-de-individuals": "V1",
    "us-de-ag": "V3",
    "us-al-ag": "V2",
    "us-ar-ag": "V3",
    "us-nd-ag": "V2",
    "us-nh-individuals": "X",
    "us-oh-individuals": "V2",
    "us-ks-individuals": "V3",
    "us-ok-ag": "V2",
}


@pytest.mark.parametrize(("rule", "mark"), MARKS.items())
def test_a_rule_carries_the_mark_of_its_weakest_fact(rule, mark):
    found = [item for item in RULES.rules if item.id == rule and not item.valid_until]
    assert [item.confidence for item in found] == [mark]
