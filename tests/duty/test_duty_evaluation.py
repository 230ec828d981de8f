from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from duty_worlds import HOUSE, MONDAY, STOLEN, facts, group, risks
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.adapters.legal_data import load_rules
from cloakroom.duty.duties import duty_to_json
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.facts import ControllerFacts, Hold
from cloakroom.duty.instruments import Period, RuleSet
from cloakroom.duty.parsing import parse_instrument
from cloakroom.duty.places import EEA
from cloakroom.vocabulary import DATA_ELEMENTS

RULES = load_rules()
# fmt: off
KEYS = [
    "id", "jurisdiction", "instrument", "provision", "controller", "bearer", "recipient", "recipient_kind",
    "status", "deadline", "clock", "after", "content_required", "content_forbidden", "channels", "languages",
    "residents", "reasons", "confidence", "source",
]
# fmt: on

HEAD = """
[instrument]
id = "us-zz"
name = "An invented law"
jurisdiction = "US-ZZ"
residents = ["US-ZZ"]
source = "https://example.org"
read = 2026-11-23
confidence = "V1"
"""
RULE = """
[[rule]]
id = "{id}"
provision = "{id}"
recipient_kind = "{kind}"
recipient = "someone"
"""


def rule(text="", rule_id="us-zz-a", kind="authority", clock='{ start = "aware", amount = 72, unit = "hour" }'):
    clock = f"clock = {clock}\n" if clock else ""
    return RULE.format(id=rule_id, kind=kind) + clock + text


def rules_of(*texts):
    return RuleSet((parse_instrument(HEAD + "".join(texts), "us/zz.toml"),))


def only(texts, *groups, level="high", **more):
    texts = (texts,) if isinstance(texts, str) else texts
    rules = rules_of(*texts)
    found = evaluate_duties(facts(*groups or [group("US-ZZ")], **more), rules, risks(level))
    return next(duty for duty in found if duty.rule is not None and duty.rule.id == "us-zz-a")


def by_id(found):
    return {duty.id: duty for duty in found}


def evaluated(*groups, level="high", controllers=(HOUSE,), **more):
    names = [controller.id for controller in controllers]
    return evaluate_duties(facts(*groups, controllers=controllers, **more), RULES, risks(level, *names))


def test_the_published_form_has_exactly_the_keys_of_the_specification():
    for duty in evaluated(group("FR"), group("US-TX"), group("VA")):
        plain = duty_to_json(duty)
        assert list(plain) == KEYS
        assert list(plain["clock"]) == ["event", "start", "amount", "unit"]
        assert plain["status"] in {"due", "not_due", "conditional", "ask_counsel"}
        assert plain["reasons"]
        assert plain["recipient_kind"] in {"authority", "individual", "other"}


def test_ids_are_unique_and_do_not_depend_on_numbers():
    first = [duty.id for duty in evaluated(group("FR"), group("DE"), group("US-TX"))]
    second = [duty.id for duty in evaluated(group("FR", 5), group("DE", 6), group("US-TX", 7))]
    assert first == second
    assert len(set(first)) == len(first)


def test_the_lead_authority_is_told_of_everybody_and_the_others_are_named():
    found = by_id(evaluated(group("FR", 100), group("IT", 20), group("NO", 3)))
    lead = found["eu-gdpr-33:FR:house"]
    assert (lead.status, lead.recipient, lead.residents) == ("due", "CNIL", 123)
    assert any("FR 100, IT 20, NO 3" in reason for reason in lead.reasons)
    for place in ("IT", "NO"):
        other = found[f"eu-gdpr-33:{place}:house"]
        assert other.status == "not_due"
        assert any("one-stop-shop" in reason and "CNIL" in reason for reason in other.reasons)
        assert found[f"eu-gdpr-34:{place}:house"].status == "due"


def test_the_lead_authority_is_told_even_if_nobody_lives_there():
    found = by_id(evaluated(group("IT", 20)))
    assert found["eu-gdpr-33:FR:house"].status == "due"
    assert found["eu-gdpr-33:IT:house"].status == "not_due"


def test_a_controller_established_in_the_eea_tells_its_authority_of_persons_outside_too():
    only_outside = by_id(evaluated(group("US-TX", 30)))["eu-gdpr-33:FR:house"]
    assert (only_outside.status, only_outside.residents) == ("due", 30)
    mixed = by_id(evaluated(group("US-TX", 30), group("IT", 4)))["eu-gdpr-33:FR:house"]
    assert mixed.residents == 4
    assert any("30 persons outside" in reason for reason in mixed.reasons)
    elsewhere = replace(HOUSE, country="US", eea_main_establishment="")
    assert "eu-gdpr-33:FR:house" not in by_id(evaluated(group("US-TX", 30), controllers=(elsewhere,)))


@pytest.mark.parametrize("country", ["GB", "CH", "US", "FR"])
def test_without_a_main_establishment_every_authority_concerned_is_told(country):
    house = ControllerFacts("house", "House", country, flags=frozenset({"art27_representative"}))
    found = by_id(evaluated(*(group(place, 1) for place in sorted(EEA)), controllers=(house,)))
    for place in EEA:
        duty = found[f"eu-gdpr-33:{place}:house"]
        assert (duty.status, duty.residents) == ("due", 1)
        assert duty.recipient


def test_a_main_establishment_outside_the_eea_is_none():
    house = replace(HOUSE, eea_main_establishment="GB")
    assert by_id(evaluated(group("IT"), controllers=(house,)))["eu-gdpr-33:IT:house"].status == "due"


def test_the_authority_of_the_land_is_chosen_by_the_seat():
    house = ControllerFacts("house", "House GmbH", "DE", "BY", eea_main_establishment="DE")
    assert by_id(evaluated(group("DE"), controllers=(house,)))["eu-gdpr-33:DE:house"].recipient == "BayLDA"
    house = replace(house, subdivision="")
    assert "Land" in by_id(evaluated(group("DE"), controllers=(house,)))["eu-gdpr-33:DE:house"].recipient


def test_the_united_kingdom_is_never_inside_the_one_stop_shop():
    found = by_id(evaluated(group("FR"), group("GB")))
    assert found["gb-ukgdpr-33:GB:house"].status == "due"
    assert found["gb-ukgdpr-33:GB:house"].recipient == "Information Commissioner"


def test_each_controller_has_its_own_duties_and_thresholds():
    other = ControllerFacts("other", "Other Srl", "IT", eea_main_establishment="IT")
    stolen = ("name", "national_id")
    found = by_id(
        evaluated(
            group("US-TX", 249, stolen),
            group("US-TX", 249, stolen, controller="other"),
            group("FR", controller="other"),
            controllers=(HOUSE, other),
        )
    )
    assert found["us-tx-ag:US-TX:house"].status == found["us-tx-ag:US-TX:other"].status == "not_due"
    assert found["eu-gdpr-33:IT:other"].recipient == "Garante per la protezione dei dati personali"
    assert found["eu-gdpr-33:FR:house"].residents == 249
    assert "eu-gdpr-34:FR:house" not in found


def test_the_agreed_party_of_joint_controllers_bears_the_duty():
    other = ControllerFacts(
        "other", "Other Srl", "IT", eea_main_establishment="IT", joint_with=("house",), bearer="house"
    )
    found = evaluated(group("FR", controller="other"), controllers=(HOUSE, other))
    assert {duty.bearer for duty in found} == {"house"}
    assert any("joint controllers" in reason for duty in found if duty.status == "due" for reason in duty.reasons)


def test_segments_are_judged_by_themselves():
    mixed = (
        *risks("none")[:0],
        *(r for r in risks("none") if r.segment != "minor"),
        *(r for r in risks() if r.segment == "minor"),
    )
    found = by_id(evaluate_duties(facts(group("FR", 1000), group("FR", 7, segment="minor")), RULES, mixed))
    assert found["eu-gdpr-34:FR:house"].residents == 7
    assert found["eu-gdpr-33:FR:house"].status == "due"


def test_without_an_assessment_duties_that_depend_on_risk_are_conditional():
    found = by_id(evaluate_duties(facts(group("FR"), group("TR")), RULES, ()))
    assert found["eu-gdpr-33:FR:house"].status == "conditional"
    assert found["eu-gdpr-33:FR:house"].deadline is not None
    assert found["tr-kvkk-board:TR:house"].status == "due"


def test_places_without_rules_ask_counsel_for_authority_and_individuals():
    found = evaluated(group("VA", 3), group("US", 4), group("US-ZZ", 5), group("ZZ", 6))
    assert all(duty.status == "ask_counsel" for duty in found if duty.rule is None)
    for place, number in (("VA", 3), ("US", 4), ("US-ZZ", 5), ("ZZ", 6)):
        kinds = [duty.recipient_kind for duty in found if duty.rule is None and duty.jurisdiction == place]
        assert kinds == ["authority", "individual"]
        assert {duty.residents for duty in found if duty.rule is None and duty.jurisdiction == place} == {number}


def test_thresholds_count_only_those_whom_the_rule_picks():
    text = rule('who = { data = "passport" }\nwhen = { persons_from = 10 }\n')
    few = only(text, group("US-ZZ", 9, ["passport"]), group("US-ZZ", 500))
    assert (few.status, few.residents) == ("not_due", 9)
    assert only(text, group("US-ZZ", 9, ["passport"]), group("US-ZZ", 1, ["passport", "name"])).status == "due"


def test_unknown_facts_make_a_duty_conditional_and_unclear_law_asks_counsel():
    assert only(rule('when = { open = "was it?" }\n')).status == "conditional"
    assert "open: was it?" in only(rule('when = { open = "was it?" }\n')).reasons
    assert only(rule('when = { unclear = "does it count?" }\n')).status == "ask_counsel"
    both = rule('when = { all = [{ open = "was it?" }, { unclear = "does it count?" }] }\n')
    assert only(both).status == "ask_counsel"
    assert only(rule("when = { persons_from = 1000 }\n"), group("US-ZZ", 999, possible=1000)).status == "conditional"


def test_who_may_be_unknown_too():
    text = rule(
        'who = { any = [{ data = "passport" }, { open = "does spend count?" }] }\nwhen = { persons_from = 10 }\n'
    )
    assert only(text, group("US-ZZ", 9)).status == "not_due"
    assert only(text, group("US-ZZ", 10)).status == "conditional"
    assert only(text, group("US-ZZ", 10, ["passport"])).status == "due"


def test_persons_who_may_count_do_not_make_the_duty_to_those_who_do_any_less_due():
    text = rule(
        'who = { any = [{ data = "passport" }, { open = "does spend count?" }] }\nwhen = { persons_from = 10 }\n'
    )
    mixed = only(text, group("US-ZZ", 10, ["passport"]), group("US-ZZ", 500))
    assert (mixed.status, mixed.residents) == ("due", 10)
    assert "open, for further persons: does spend count?" in mixed.reasons
    assert only(text, group("US-ZZ", 9, ["passport"]), group("US-ZZ", 500)).status == "conditional"


def test_an_exemption_wins_and_an_open_one_leaves_the_duty_conditional():
    text = rule('[[rule.exempt]]\ntext = "encrypted"\nwhen = { intelligible = false }\n')
    assert only(text).status == "due"
    free = only(text, intelligible=False)
    assert free.status == "not_due"
    assert free.reasons[0] == "exempt: encrypted"
    assert free.deadline is None
    asked = only(rule('[[rule.exempt]]\ntext = "waived"\nwhen = { open = "has it been?" }\n'))
    assert asked.status == "conditional"
    assert "open: waived: has it been?" in asked.reasons


def test_nobody_affected_is_not_due():
    assert only(rule(), group("US-ZZ", 0)).status == "not_due"
    assert only(rule(), group("US-ZZ", 0, possible=5)).status == "conditional"


def test_a_missing_event_falls_back_to_awareness_and_says_so():
    duty = only(rule(clock='{ start = "determined", amount = 30, unit = "calendar_day" }'), determined_at=None)
    assert duty.clock.start == MONDAY
    assert any("when it was determined" in reason for reason in duty.reasons)
    known = only(
        rule(clock='{ start = "determined", amount = 30, unit = "calendar_day" }'),
        determined_at=MONDAY + timedelta(days=3),
    )
    assert known.deadline.date().isoformat() == "2026-04-04"


def test_occurrence_is_the_end_of_the_theft_or_else_its_begin():
    clock = '{ start = "occurred", amount = 1, unit = "hour" }'
    end = datetime(2026, 2, 27, tzinfo=UTC)
    assert only(rule(clock=clock), occurred_to=end).clock.start == end
    assert only(rule(clock=clock), occurred_to=None, occurred_from=end).clock.start == end


def versions():
    early = rule("until = 2026-01-01\nwhen = { persons_from = 500 }\n")
    late = rule("from = 2026-01-01\nuntil = 2027-01-01\nwhen = { persons_from = 100 }\n")
    return early, late


@pytest.mark.parametrize(
    ("day", "persons", "status"),
    [
        ((2025, 12, 31), 499, "not_due"),
        ((2025, 12, 31), 500, "due"),
        ((2026, 1, 1), 99, "not_due"),
        ((2026, 1, 1), 100, "due"),
        ((2026, 12, 31), 100, "due"),
        ((2027, 1, 1), 10**6, "not_due"),
    ],
)
def test_the_version_in_force_on_the_day_of_the_event_counts(day, persons, status):
    duty = only(versions(), group("US-ZZ", persons), at=datetime(*day, 12, tzinfo=UTC))
    assert duty.status == status
    if day == (2027, 1, 1):
        assert any("in force only until 2027-01-01" in reason for reason in duty.reasons)


def test_the_day_of_the_event_is_the_controllers_calendar_day():
    new_year_in_paris = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
    assert only(versions(), group("US-ZZ", 100), at=new_year_in_paris).status == "due"
    london = (replace(HOUSE, timezone="Europe/London"),)
    assert only(versions(), group("US-ZZ", 100), at=new_year_in_paris, controllers=london).status == "not_due"


def test_pending_law_never_drives_a_duty_but_is_mentioned():
    pending = rule('pending = true\nreplaces = "us-zz-a"\nwhen = { persons_from = 1 }\n', rule_id="us-zz-a-next")
    rules = rules_of(rule("when = { persons_from = 500 }\n"), pending)
    found = evaluate_duties(facts(group("US-ZZ", 10)), rules, risks())
    assert [duty.status for duty in found if duty.recipient_kind == "authority"] == ["not_due"]
    assert any("pending change, not law" in reason for reason in found[0].reasons)


def test_pending_law_alone_covers_nothing():
    pending = rule("pending = true\n", rule_id="us-zz-a")
    found = evaluate_duties(facts(group("US-ZZ", 10)), rules_of(pending), risks())
    assert {duty.status for duty in found} == {"ask_counsel"}


@pytest.mark.parametrize(("effect", "word"), [("none", "nothing"), ("voluntary", "voluntary")])
def test_a_law_without_a_duty_is_a_reasoned_not_due(effect, word):
    duty = only(rule(f'effect = "{effect}"\nnotes = ["the statute knows nothing of it"]\n', clock=""))
    assert duty.status == "not_due"
    assert any(word in reason for reason in duty.reasons)


def chained():
    consumers = rule(
        rule_id="us-zz-b", kind="individual", clock='{ start = "aware", amount = 30, unit = "calendar_day" }'
    )
    return consumers, rule(
        'after = ["us-zz-b"]\n', clock='{ start = "duty:us-zz-b", amount = 15, unit = "calendar_day" }'
    )


def test_a_clock_that_starts_with_another_duty_is_projected_until_that_is_done():
    duty = only(chained())
    assert duty.after == ("us-zz-b:US-ZZ:house",)
    assert duty.deadline.date().isoformat() == "2026-04-16"
    assert any("projected" in reason for reason in duty.reasons)


def test_a_clock_that_starts_with_another_duty_counts_from_its_doing():
    done = {"us-zz-b:US-ZZ:house": datetime(2026, 3, 10, 12, tzinfo=UTC)}
    found = evaluate_duties(facts(group("US-ZZ")), rules_of(*chained()), risks(), done=done)
    duty = next(item for item in found if item.id == "us-zz-a:US-ZZ:house")
    assert duty.clock.start == done["us-zz-b:US-ZZ:house"]
    assert duty.deadline.date().isoformat() == "2026-03-25"


def test_a_chain_on_a_duty_without_a_number_waits_for_it():
    first = rule(rule_id="us-zz-b", kind="individual", clock='{ start = "aware", unit = "without_undue_delay" }')
    second = rule(clock='{ start = "duty:us-zz-b", amount = 15, unit = "calendar_day" }')
    duty = only((first, second))
    assert (duty.status, duty.deadline, duty.clock.start) == ("due", None, None)


def test_no_later_than_another_duty_has_the_same_deadline():
    first = rule(
        rule_id="us-zz-b", kind="individual", clock='{ start = "aware", amount = 45, unit = "calendar_day" }'
    )
    second = rule(clock='{ start = "duty:us-zz-b", amount = 0, unit = "calendar_day" }')
    found = by_id(evaluate_duties(facts(group("US-ZZ")), rules_of(first, second), risks()))
    assert found["us-zz-a:US-ZZ:house"].deadline == found["us-zz-b:US-ZZ:house"].deadline


def test_no_later_than_a_duty_in_hours_ends_at_its_hour():
    first = rule(rule_id="us-zz-b", kind="individual")
    second = rule(clock='{ start = "duty:us-zz-b", amount = 0, unit = "calendar_day" }')
    assert only((first, second)).deadline == MONDAY + timedelta(hours=72)


def test_an_excluded_place_is_out_of_reach_and_counsel_is_asked_there():
    text = rule('residents = ["CA"]\nexcept = ["CA-QC"]\n')
    found = evaluate_duties(facts(group("CA-ON", 1), group("CA-QC", 2)), rules_of(text), risks())
    assert [duty.residents for duty in found if duty.rule is not None] == [1]
    assert "uncovered-authority:CA-QC:house" in by_id(found)
    assert "uncovered-authority:CA-ON:house" not in by_id(found)


def test_order_edges_lead_only_to_duties_that_run():
    first = rule("when = { persons_from = 5000 }\n", rule_id="us-zz-b", kind="individual")
    assert only((first, rule('after = ["us-zz-b"]\n'))).after == ()


def test_an_order_edge_leads_to_another_place_where_the_rule_has_no_duty_in_the_same():
    first = rule('jurisdiction = "US"\n', rule_id="us-zz-b", kind="other")
    assert only((first, rule('after = ["us-zz-b"]\n'))).after == ("us-zz-b:US:house",)


def test_the_reasons_say_no_threshold_only_where_there_is_nothing_else_to_say():
    assert only(rule()).reasons == ("no threshold",)
    assert "no threshold" not in only(rule("when = { persons_from = 1 }\n")).reasons


def test_a_hold_suspends_only_what_the_law_lets_wait():
    hold = Hold("law_enforcement", "US-ZZ", datetime(2026, 4, 1, tzinfo=UTC))
    waiting = only(rule('delay = ["law_enforcement"]\n'), holds=(hold,))
    assert waiting.status == "conditional"
    assert any("on hold" in reason and "2026-04-01" in reason for reason in waiting.reasons)
    assert only(rule(), holds=(hold,)).status == "due"
    assert only(rule('delay = ["law_enforcement"]\n'), holds=(replace(hold, jurisdiction="US-YY"),)).status == "due"


@pytest.mark.parametrize(("mark", "warned"), [("V1", False), ("V2", False), ("V3", True), ("X", True)])
def test_doubtful_rules_warn_visibly(mark, warned):
    duty = only(rule(f'confidence = "{mark}"\n'))
    assert any(reason.startswith("warning:") for reason in duty.reasons) is warned
    assert duty.confidence == mark


def test_a_house_may_set_its_own_target_where_the_law_has_no_number():
    text = rule(clock='{ start = "aware", unit = "without_undue_delay", target = { amount = 72, unit = "hour" } }')
    world = facts(group("US-ZZ"))
    assert only(text).target == MONDAY + timedelta(hours=72)
    (duty, *_) = evaluate_duties(world, rules_of(text), risks(), target=Period(24, "hour"))
    assert (duty.deadline, duty.target) == (None, MONDAY + timedelta(hours=24))
    (hard, *_) = evaluate_duties(world, rules_of(rule()), risks(), target=Period(24, "hour"))
    assert (hard.deadline, hard.target) == (MONDAY + timedelta(hours=72), None)


def test_an_empty_scope_gives_nothing_to_do():
    assert evaluated() == ()


places = st.sampled_from(["FR", "DE", "PL", "GB", "CH", "TR", "US-TX", "KR", "VA", "ZZ", "US"])
groups = st.builds(
    group,
    places,
    st.integers(0, 3000),
    st.sets(st.sampled_from(sorted(DATA_ELEMENTS)), min_size=1, max_size=6),
    segment=st.sampled_from(["general", "minor"]),
)


@given(st.lists(groups, max_size=5), st.sampled_from(["none", "risk", "high"]))
def test_more_persons_never_take_a_duty_away(found, level):
    more = [replace(item, persons=item.persons + 500, persons_possible=item.persons_possible + 500) for item in found]
    after = by_id(evaluated(*more, level=level))
    for duty in evaluated(*found, level=level):
        if duty.status == "due":
            assert after[duty.id].status == "due"


@given(st.lists(groups, max_size=5))
def test_evaluation_gives_the_same_twice_and_does_not_depend_on_the_order_of_groups(found):
    forward = by_id(evaluated(*found))
    backward = by_id(evaluated(*reversed(found)))
    assert {key: duty.status for key, duty in forward.items()} == {key: duty.status for key, duty in backward.items()}
    assert {key: duty.residents for key, duty in forward.items()} == {
        key: duty.residents for key, duty in backward.items()
    }


def test_stolen_elements_of_the_reference_theft_are_known():
    assert set(STOLEN) <= DATA_ELEMENTS
