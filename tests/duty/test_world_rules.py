"""The rules outside Europe and the United States: the reference theft, thresholds, changes of law, clocks.

The cases beside the rules try every word of them; here the whole set is asked, as a house would ask it.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product

import pytest
from duty_worlds import MONDAY, STOLEN, facts, group, risks

from cloakroom.adapters.legal_data import load_rules
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.fact_values import CAUSES, NATURES
from cloakroom.duty.facts import ControllerFacts

RULES = load_rules()
WORLD = [instrument for instrument in RULES.instruments if instrument.file.startswith("world/")]
WORLD_RULES = [rule for instrument in WORLD for rule in instrument.rules]
HOUSE = ControllerFacts("house", "House SAS", "FR", eea_main_establishment="FR")
PLACES = [
    "CA-ON", "CA-QC", "CA-AB", "BR", "MX", "JP", "KR", "CN", "HK", "TW", "SG", "MY", "TH", "IN", "AU", "NZ", "AE",
    "SA", "QA", "IL", "ZA",
]  # fmt: skip


def house(*flags, country="FR"):
    return ControllerFacts("house", "House", country, eea_main_establishment="FR", flags=frozenset(flags))


def found(place, persons=600, data=STOLEN, *, level="high", at=MONDAY, controller=HOUSE, **incident):
    world = facts(group(place, persons, data), controllers=(controller,), at=at, **incident)
    return evaluate_duties(world, RULES, risks(level) if level else ())


def local(duties, place, kind):
    """Return what is said under the law of a place to one kind of recipient."""
    return {
        duty.rule.id: duty
        for duty in duties
        if duty.rule is not None and duty.jurisdiction == place and duty.recipient_kind == kind
    }


def said(place, kind, *, law=None, **more):
    return {rule_id: duty.status for rule_id, duty in local(found(place, **more), law or place, kind).items()}


def one(rule_id, place, **more):
    (duty,) = (duty for duty in found(place, **more) if duty.rule is not None and duty.rule.id == rule_id)
    return duty


# What the reference theft gives above 500 persons, at a high risk: the law, then authorities, then persons.
TABLE = {
    "CA-ON": ("CA", {"ca-pipeda-opc": "due"}, {"ca-pipeda-individuals": "due"}),
    "CA-QC": ("CA-QC", {"ca-qc-private-cai": "due"}, {"ca-qc-private-individuals": "due"}),
    "CA-AB": ("CA-AB", {"ca-ab-pipa-oipc": "due"}, {"ca-ab-pipa-individuals": "conditional"}),
    "BR": (
        "BR",
        {
            "br-lgpd-anpd": "due",
            "br-lgpd-anpd-supplement": "conditional",
            "br-lgpd-anpd-small": "not_due",
            "br-lgpd-anpd-supplement-small": "not_due",
        },
        {"br-lgpd-individuals": "due", "br-lgpd-individuals-small": "not_due"},
    ),
    "MX": ("MX", {"mx-lfpdppp-authority": "not_due"}, {"mx-lfpdppp-individuals": "due"}),
    "JP": (
        "JP",
        {"jp-appi-preliminary": "due", "jp-appi-final": "not_due", "jp-appi-final-wrongful": "due"},
        {"jp-appi-individuals": "due"},
    ),
    "KR": ("KR", {"kr-pipa-authority": "due"}, {"kr-pipa-individuals": "due"}),
    "CN": (
        "CN",
        {
            "cn-pipl-authority": "due",
            "cn-measures-cac": "conditional",
            "cn-measures-closing": "conditional",
            "cn-measures-cii": "not_due",
            "cn-measures-state": "not_due",
        },
        {"cn-pipl-individuals": "due"},
    ),
    "HK": ("HK", {"hk-pdpo-commissioner": "not_due"}, {"hk-pdpo-individuals": "not_due"}),
    "TW": ("TW", {"tw-pdpa-sector": "conditional"}, {"tw-pdpa-individuals": "due"}),
    "SG": (
        "SG",
        {"sg-pdpa-pdpc": "due"},
        {"sg-pdpa-individuals": "not_due", "sg-pdpa-individuals-open": "ask_counsel"},
    ),
    "MY": ("MY", {"my-pdpa-commissioner": "conditional"}, {"my-pdpa-individuals": "conditional"}),
    "TH": ("TH", {"th-pdpa-pdpc": "due"}, {"th-pdpa-individuals": "due"}),
    "IN": (
        "IN",
        {"in-cert-report": "due", "in-dpdp-board": "not_due", "in-dpdp-board-detailed": "not_due"},
        {"in-dpdp-individuals": "not_due"},
    ),
    "AU": ("AU", {"au-privacy-act-oaic": "due"}, {"au-privacy-act-individuals": "due"}),
    "NZ": ("NZ", {"nz-privacy-act-commissioner": "due"}, {"nz-privacy-act-individuals": "due"}),
    "AE": ("AE", {"ae-pdpl-office": "due"}, {"ae-pdpl-individuals": "due"}),
    "SA": ("SA", {"sa-pdpl-sdaia": "due"}, {"sa-pdpl-individuals": "due"}),
    "QA": ("QA", {"qa-pdppl-office": "due"}, {"qa-pdppl-individuals": "due"}),
    "IL": ("IL", {"il-security-registrar": "conditional"}, {"il-security-individuals": "conditional"}),
    "ZA": ("ZA", {"za-popia-regulator": "due"}, {"za-popia-individuals": "due"}),
}


@pytest.mark.parametrize("place", TABLE)
def test_the_reference_theft_gives_the_row_of_the_table(place):
    law, authorities, individuals = TABLE[place]
    assert said(place, "authority", law=law) == authorities
    assert said(place, "individual", law=law) == individuals


def test_the_table_names_every_place_of_these_rules():
    assert set(TABLE) == set(PLACES)
    laws = {rule.jurisdiction for rule in WORLD_RULES}
    assert laws == {law for law, _, _ in TABLE.values()} | {"AE-DU", "AE-AZ"}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("level", ["none", "risk", "high", None])
def test_no_place_is_passed_over_at_any_risk(place, level):
    duties = [duty for duty in found(place, 1, level=level) if duty.rule is None or duty.rule in WORLD_RULES]
    assert all(duty.rule is not None for duty in duties)
    assert {"authority", "individual"} <= {duty.recipient_kind for duty in duties}
    assert all(duty.reasons for duty in duties)


# National harm tests: what follows from no risk, a risk, a high risk, and no assessment at all.
HARM = [
    ("ca-pipeda-opc", "CA-ON"),
    ("ca-pipeda-individuals", "CA-ON"),
    ("ca-qc-private-cai", "CA-QC"),
    ("ca-qc-private-individuals", "CA-QC"),
    ("ca-ab-pipa-oipc", "CA-AB"),
    ("br-lgpd-anpd", "BR"),
    ("br-lgpd-individuals", "BR"),
    ("mx-lfpdppp-individuals", "MX"),
    ("au-privacy-act-oaic", "AU"),
    ("au-privacy-act-individuals", "AU"),
    ("nz-privacy-act-commissioner", "NZ"),
    ("nz-privacy-act-individuals", "NZ"),
    ("qa-pdppl-office", "QA"),
    ("qa-pdppl-individuals", "QA"),
]


@pytest.mark.parametrize(("rule_id", "place"), HARM)
def test_a_harm_test_follows_the_assessment_and_asks_in_between(rule_id, place):
    answers = [one(rule_id, place, level=level).status for level in ("none", "risk", "high", None)]
    assert answers == ["not_due", "conditional", "due", "conditional"]
    assert any("a written judgement is needed" in reason for reason in one(rule_id, place, level="risk").reasons)


ACCIDENT = {"cause": "internal_accident", "holder": "unknown_many"}
THRESHOLDS = [
    ("br-lgpd-anpd", "BR", 501, "conditional", {}),
    ("br-lgpd-individuals", "BR", 501, "conditional", {}),
    ("jp-appi-preliminary", "JP", 1001, "not_due", ACCIDENT),
    ("jp-appi-final", "JP", 1001, "not_due", ACCIDENT),
    ("jp-appi-individuals", "JP", 1001, "not_due", ACCIDENT),
    ("kr-pipa-authority", "KR", 1000, "not_due", ACCIDENT),
    ("cn-measures-cac", "CN", 1_000_000, "conditional", {}),
    ("cn-measures-closing", "CN", 1_000_000, "conditional", {}),
    ("sg-pdpa-pdpc", "SG", 500, "ask_counsel", {}),
    ("my-pdpa-commissioner", "MY", 1001, "conditional", {}),
]


@pytest.mark.parametrize(("rule_id", "place", "number", "below", "incident"), THRESHOLDS)
def test_thresholds_turn_exactly_at_their_number(rule_id, place, number, below, incident):
    assert one(rule_id, place, persons=number, **incident).status == "due"
    assert one(rule_id, place, persons=number - 1, **incident).status == below


@pytest.mark.parametrize("number", [1, 600, 5_000_000])
@pytest.mark.parametrize(
    ("rule_id", "place"),
    [
        ("jp-appi-preliminary", "JP"),
        ("kr-pipa-authority", "KR"),
        ("kr-pipa-individuals", "KR"),
        ("cn-pipl-authority", "CN"),
        ("in-cert-report", "IN"),
        ("tw-pdpa-individuals", "TW"),
        ("ae-pdpl-office", "AE"),
        ("za-popia-regulator", "ZA"),
        ("za-popia-individuals", "ZA"),
    ],
)
def test_some_laws_ask_for_no_number_and_no_risk(rule_id, place, number):
    assert one(rule_id, place, persons=number, level="none").status == "due"


def test_thresholds_count_residents_of_the_place_and_not_the_total():
    world = facts(group("MY", 600, ("name",)), group("SG", 499, ("name",)), group("FR", 5_000_000, ("name",)))
    duties = evaluate_duties(world, RULES, risks("none"))
    status = {duty.rule.id: duty.status for duty in duties if duty.rule is not None}
    assert status["my-pdpa-commissioner"] == "not_due"
    assert status["sg-pdpa-pdpc"] == "not_due"


# rule, place, flags, amount and unit, and the deadline from Monday 2 March 2026, 09:00 UTC, seen from Paris.
CLOCKS = [
    ("br-lgpd-anpd", "BR", (), (3, "business_day"), date(2026, 3, 5)),
    ("br-lgpd-individuals", "BR", (), (3, "business_day"), date(2026, 3, 5)),
    ("br-lgpd-anpd-small", "BR", ("small_agent_br",), (6, "business_day"), date(2026, 3, 10)),
    ("jp-appi-preliminary", "JP", (), (5, "calendar_day"), date(2026, 3, 7)),
    ("jp-appi-final-wrongful", "JP", (), (60, "calendar_day"), date(2026, 5, 1)),
    ("kr-pipa-authority", "KR", (), (72, "hour"), MONDAY + timedelta(hours=72)),
    ("kr-pipa-individuals", "KR", (), (72, "hour"), MONDAY + timedelta(hours=72)),
    ("kr-network-intrusion", "KR", ("online_service_kr",), (24, "hour"), MONDAY + timedelta(hours=24)),
    ("cn-measures-cac", "CN", (), (4, "hour"), MONDAY + timedelta(hours=4)),
    ("cn-measures-cii", "CN", ("critical_infrastructure_cn",), (1, "hour"), MONDAY + timedelta(hours=1)),
    ("cn-measures-state", "CN", ("state_body_cn",), (2, "hour"), MONDAY + timedelta(hours=2)),
    ("tw-pdpa-sector", "TW", (), (72, "hour"), MONDAY + timedelta(hours=72)),
    ("sg-pdpa-pdpc", "SG", (), (3, "calendar_day"), date(2026, 3, 5)),
    ("my-pdpa-commissioner", "MY", (), (72, "hour"), MONDAY + timedelta(hours=72)),
    ("my-pdpa-individuals", "MY", (), (7, "calendar_day"), date(2026, 3, 12)),
    ("th-pdpa-pdpc", "TH", (), (72, "hour"), MONDAY + timedelta(hours=72)),
    ("in-cert-report", "IN", (), (6, "hour"), MONDAY + timedelta(hours=6)),
    ("au-privacy-act-assessment", "AU", (), (30, "calendar_day"), date(2026, 4, 1)),
    ("ae-adgm-commissioner", "AE", ("adgm",), (72, "hour"), MONDAY + timedelta(hours=72)),
    ("sa-pdpl-sdaia", "SA", (), (72, "hour"), MONDAY + timedelta(hours=72)),
    ("qa-pdppl-office", "QA", (), (72, "hour"), MONDAY + timedelta(hours=72)),
    ("qa-pdppl-individuals", "QA", (), (72, "hour"), MONDAY + timedelta(hours=72)),
]


@pytest.mark.parametrize(("rule_id", "place", "flags", "clock", "ends"), CLOCKS)
def test_clocks_have_their_number_unit_and_end(rule_id, place, flags, clock, ends):
    duty = one(rule_id, place, persons=1_000_000, controller=house(*flags))
    assert (duty.clock.amount, duty.clock.unit) == clock
    assert duty.deadline is not None
    assert (duty.deadline if isinstance(ends, datetime) else duty.deadline.date()) == ends


def test_every_other_duty_of_the_world_has_an_aim_and_no_invented_deadline():
    numbered = {rule_id for rule_id, *_ in CLOCKS} | {
        "jp-appi-final", "br-lgpd-individuals-small", "br-lgpd-anpd-supplement", "br-lgpd-anpd-supplement-small",
        "in-dpdp-board-detailed", "tw-pdpa-amended-authority", "tw-pdpa-amended-individuals",
        "ae-adgm-commissioner-abroad",
    }  # fmt: skip
    for rule in WORLD_RULES:
        if rule.clock is not None and rule.id not in numbered:
            assert rule.clock.period.amount is None, rule.id
            assert rule.clock.target is not None, rule.id
            assert rule.clock.wording or rule.pending, rule.id


def test_brazil_counts_business_days_past_weekends_and_its_own_holidays():
    easter = one("br-lgpd-anpd", "BR", at=datetime(2026, 4, 1, 12, tzinfo=UTC))
    assert easter.deadline.date() == date(2026, 4, 7)
    independence = one("br-lgpd-anpd", "BR", at=datetime(2026, 9, 4, 12, tzinfo=UTC))
    assert independence.deadline.date() == date(2026, 9, 10)
    night = datetime(2026, 3, 3, 1, tzinfo=UTC)
    assert one("br-lgpd-anpd", "BR", at=night, controller=house(country="BR")).deadline.date() == date(2026, 3, 5)
    assert one("br-lgpd-anpd", "BR", at=night).deadline.date() == date(2026, 3, 6)


def test_what_is_open_for_some_in_singapore_does_not_hide_what_is_due_to_others():
    world = facts(group("SG", 4, ("name", "financial_statement")), group("SG", 9, ("name", "spend_total")))
    duties = {d.rule.id: d for d in evaluate_duties(world, RULES, risks("none")) if d.rule is not None}
    certain, asked = duties["sg-pdpa-individuals"], duties["sg-pdpa-individuals-open"]
    assert (certain.status, certain.residents) == ("due", 4)
    assert (asked.status, asked.residents) == ("ask_counsel", 9)


def test_hours_run_through_weekends_and_the_change_of_clocks():
    friday = datetime(2026, 3, 27, 23, 30, tzinfo=UTC)
    assert one("kr-pipa-authority", "KR", at=friday).deadline == friday + timedelta(hours=72)
    assert one("in-cert-report", "IN", at=friday).deadline == friday + timedelta(hours=6)


def test_singapore_counts_from_the_assessment_and_says_so_where_awareness_stands_in():
    later = MONDAY + timedelta(days=10)
    assert one("sg-pdpa-pdpc", "SG", assessed_at=later).deadline.date() == date(2026, 3, 15)
    without = one("sg-pdpa-pdpc", "SG", assessed_at=None)
    assert without.deadline.date() == date(2026, 3, 5)
    assert any("counted from awareness" in reason for reason in without.reasons)


# rule, place, day on which a version begins, status on the day before, status on the day, what else the facts say
CHANGES = [
    ("ca-qc-private-cai", "CA-QC", date(2022, 9, 22), "not_due", "due", {}),
    ("ca-qc-private-individuals", "CA-QC", date(2022, 9, 22), "not_due", "due", {}),
    ("br-lgpd-anpd", "BR", date(2024, 4, 26), "due", "conditional", {"persons": 500}),
    ("cn-measures-cac", "CN", date(2025, 11, 1), "not_due", "due", {"persons": 1_000_000}),
    ("my-pdpa-commissioner", "MY", date(2025, 6, 1), "not_due", "due", {"persons": 1001}),
    ("my-pdpa-individuals", "MY", date(2025, 6, 1), "not_due", "due", {"data": ("name", "health")}),
    ("kr-pipa-individuals", "KR", date(2026, 9, 10), "not_due", "ask_counsel", {"taken": "possible"}),
    ("kr-pipa-authority", "KR", date(2026, 9, 10), "not_due", "due", {"taken": "excluded", "nature": ("integrity",)}),
    ("in-dpdp-individuals", "IN", date(2027, 5, 14), "not_due", "due", {"persons": 1, "level": "none"}),
    ("in-dpdp-board", "IN", date(2027, 5, 14), "not_due", "due", {"persons": 1, "level": "none"}),
    ("in-dpdp-board-detailed", "IN", date(2027, 5, 14), "not_due", "due", {"persons": 1, "level": "none"}),
]


@pytest.mark.parametrize(("rule_id", "place", "day", "before", "after", "more"), CHANGES)
def test_law_changes_on_its_day(rule_id, place, day, before, after, more):
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    assert one(rule_id, place, at=noon - timedelta(days=1), **more).status == before
    assert one(rule_id, place, at=noon, **more).status == after


def test_a_change_that_keeps_the_duty_changes_its_terms():
    def around(rule_id, place, day, **more):
        noon = datetime(*day, 12, tzinfo=UTC)
        return one(rule_id, place, at=noon - timedelta(days=1), **more), one(rule_id, place, at=noon, **more)

    old, new = around("za-popia-regulator", "ZA", (2025, 4, 1))
    assert (old.channels, new.channels) == (("email",), ("portal",))
    old, new = around("br-lgpd-anpd", "BR", (2024, 4, 26))
    assert (old.deadline, new.deadline.date()) == (None, date(2024, 5, 2))
    old, new = around("mx-lfpdppp-individuals", "MX", (2025, 3, 21))
    assert (old.provision, new.provision) == ("Art. 20 of the law of 2010", "Art. 19")
    old, new = around("ca-qc-private-cai", "CA-QC", (2022, 12, 29))
    assert not old.content_required
    assert new.content_required
    old, new = around("kr-pipa-individuals", "KR", (2026, 9, 10))
    assert len(new.content_required) == len(old.content_required) + 1
    old, new = around("il-security-registrar", "IL", (2025, 8, 14))
    assert old.rule.fine != new.rule.fine


@pytest.mark.parametrize(
    ("rule_id", "place"),
    [
        ("jp-appi-preliminary", "JP"),
        ("tw-pdpa-sector", "TW"),
        ("tw-pdpa-individuals", "TW"),
        ("au-privacy-act-oaic", "AU"),
    ],
)
def test_pending_law_is_mentioned_and_drives_nothing(rule_id, place):
    duties = found(place, 5_000_000)
    assert not any(duty.rule is not None and duty.rule.pending for duty in duties)
    assert any(reason.startswith("pending change, not law") for reason in one(rule_id, place).reasons)


def test_reports_in_stages_follow_one_another():
    duties = {duty.rule.id: duty for place in ("JP", "SG", "MY", "BR") for duty in found(place) if duty.rule}
    assert duties["jp-appi-final-wrongful"].after == ("jp-appi-preliminary:JP:house",)
    assert duties["sg-pdpa-pdpc"].after == ("sg-pdpa-assessment:SG:house",)
    assert duties["my-pdpa-individuals"].after == ("my-pdpa-commissioner:MY:house",)
    assert duties["br-lgpd-anpd-supplement"].after == ("br-lgpd-anpd:BR:house",)
    assert "cn-measures-cac:CN:house" in one("cn-measures-closing", "CN").after
    later = one("in-dpdp-board-detailed", "IN", at=datetime(2027, 6, 1, tzinfo=UTC))
    assert later.after == ("in-dpdp-board:IN:house",)


def test_a_clock_after_another_duty_counts_from_its_doing():
    told = MONDAY + timedelta(hours=10)
    world = facts(group("MY", 2000), group("BR", 2000))
    done = {"my-pdpa-commissioner:MY:house": told, "br-lgpd-anpd:BR:house": told}
    duties = {d.rule.id: d for d in evaluate_duties(world, RULES, risks("high"), done=done) if d.rule is not None}
    assert duties["my-pdpa-individuals"].deadline.date() == date(2026, 3, 9)
    assert duties["br-lgpd-anpd-supplement"].deadline.date() == date(2026, 3, 30)


@pytest.mark.parametrize(("flag", "zone"), [("difc", "AE-DU"), ("adgm", "AE-AZ")])
def test_a_house_in_a_free_zone_has_the_zones_law_and_not_the_federal_one(flag, zone):
    duties = found("AE", controller=house(flag, country="AE"))
    assert set(said("AE", "authority", controller=house(flag, country="AE")).values()) == {"not_due"}
    for kind in ("authority", "individual"):
        assert {duty.status for duty in local(duties, zone, kind).values()} == {"due"}
    other = "AE-AZ" if zone == "AE-DU" else "AE-DU"
    assert {duty.status for duty in local(duties, other, "authority").values()} == {"not_due"}


@pytest.mark.parametrize(("flag", "zone"), [("difc", "AE-DU"), ("adgm", "AE-AZ")])
def test_a_free_zone_house_reports_persons_abroad_and_their_country_stays_visible(flag, zone):
    duties = found("PH", 7, controller=house(flag, country="AE"))
    assert {duty.status for duty in local(duties, zone, "other").values()} == {"due"}
    asked = [duty for duty in duties if duty.rule is None]
    assert [(duty.jurisdiction, duty.status) for duty in asked] == [("PH", "ask_counsel")] * 2


def test_a_resident_of_dubai_raises_the_question_of_the_free_zone():
    duties = found("AE-DU")
    assert {duty.status for duty in local(duties, "AE", "authority").values()} == {"due"}
    assert {duty.status for duty in local(duties, "AE-DU", "authority").values()} == {"conditional"}
    assert {duty.status for duty in local(duties, "AE-AZ", "authority").values()} == {"not_due"}


def test_provinces_with_their_own_act_are_not_counted_federally_but_asked_about():
    world = facts(group("CA-ON", 3), group("CA-BC", 4), group("CA-QC", 10), group("CA-AB", 20), group("CA", 5))
    duties = {d.rule.id: d for d in evaluate_duties(world, RULES, risks("high")) if d.rule is not None}
    assert (duties["ca-pipeda-opc"].status, duties["ca-pipeda-opc"].residents) == ("due", 12)
    assert (duties["ca-pipeda-opc-beside"].status, duties["ca-pipeda-opc-beside"].residents) == ("conditional", 30)
    assert duties["ca-qc-private-cai"].residents == 10
    assert duties["ca-ab-pipa-oipc"].residents == 20


def test_the_security_level_decides_in_israel():
    for flags, status in (
        (("database_level_high_il",), "due"),
        (("database_level_medium_il",), "conditional"),
        ((), "conditional"),
    ):
        assert one("il-security-registrar", "IL", level="none", controller=house(*flags)).status == status


def test_a_small_australian_business_is_exempt_and_a_small_brazilian_agent_has_more_time():
    assert one("au-privacy-act-oaic", "AU", controller=house("small_business_au")).status == "not_due"
    assert one("br-lgpd-anpd", "BR", controller=house("small_agent_br")).status == "not_due"
    assert one("br-lgpd-anpd-small", "BR", controller=house("small_agent_br")).status == "due"


@pytest.mark.parametrize("place", PLACES)
def test_an_accident_that_hit_nothing_makes_nothing_due_anywhere(place):
    duties = found(place, 5_000_000, level="none", taken="excluded", cause="internal_accident", holder="none")
    assert {duty.status for duty in duties if duty.rule in WORLD_RULES} == {"not_due"}


@pytest.mark.parametrize("place", PLACES)
def test_in_every_small_world_a_surer_taking_never_lessens_a_duty(place):
    order = {"not_due": 0, "ask_counsel": 1, "conditional": 1, "due": 2}
    for cause, nature, level in product(sorted(CAUSES), sorted(NATURES), ("none", "risk", "high", None)):
        weights = []
        for taken in ("excluded", "possible", "exfiltrated"):
            duties = found(place, 2000, level=level, cause=cause, nature=(nature,), taken=taken)
            weights.append({duty.id: order[duty.status] for duty in duties if duty.rule in WORLD_RULES})
        for less, more in pairwise(weights):
            assert all(more[duty_id] >= weight for duty_id, weight in less.items())


def test_a_clock_on_background_knowledge_warns_beside_it():
    for rule_id, place, flags in (
        ("my-pdpa-individuals", "MY", ()),
        ("ae-adgm-commissioner", "AE", ("adgm",)),
        ("ca-ab-pipa-oipc", "CA-AB", ()),
    ):
        duty = one(rule_id, place, persons=2000, controller=house(*flags))
        assert duty.confidence == "V3"
        assert any(reason.startswith("warning:") for reason in duty.reasons)


def test_every_rule_of_the_world_says_what_to_write_and_in_which_language():
    for rule in WORLD_RULES:
        assert rule.languages, rule.id
        if rule.effect == "duty" and rule.recipient_kind == "individual" and not rule.pending:
            first_of_two = rule.id in {"br-lgpd-individuals", "ca-qc-private-individuals"} and rule.valid_until
            by_order = rule.id in {"ca-ab-pipa-individuals", "il-security-individuals"}
            assert rule.content_required or first_of_two or by_order, rule.id


def test_a_maximum_fine_is_stated_or_said_to_be_unread():
    assert [rule.id for rule in WORLD_RULES if not rule.fine and rule.effect == "duty" and not rule.pending] == []
