"""The number: ladder, arithmetic, levels of identification, bands, and what the engine promises about them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.duty.severity_world import exposed, incident

from cloakroom.adapters.legal_data import load_method
from cloakroom.duty.fact_values import CAUSES, HOLDERS, NATURES, SEGMENTS, SERVICE_HARMS, TAKEN
from cloakroom.duty.facts import AffectedGroup, IncidentFacts
from cloakroom.duty.severity import Context, assess
from cloakroom.duty.severity.conditions import Situation
from cloakroom.duty.severity.model import Score
from cloakroom.duty.severity.report import render_json, render_number
from cloakroom.duty.severity.scoring import score
from cloakroom.vocabulary import DATA_ELEMENTS

METHOD = load_method()

# The ladder of ENISA's document: what, which elements, segment, judged context, expected data processing context.
LADDER = [
    ("D01 supermarket customer list", "name email phone postal_address", "general", {"trade": "retail"}, {1}),
    ("D02 luxury goods seller's list", "name postal_address", "general", {"trade": "luxury"}, {2}),
    ("D02 luxury list with spend", "name postal_address spend_total", "general", {}, {2}),
    ("D03 adult bookshop's deliveries", "name postal_address", "general", {"trade": "adult"}, {3}),
    ("D03 online pharmacy's list", "name email", "general", {"trade": "pharmacy"}, {3}),
    ("D04 undercover officers", "name", "employee", {"trade": "security_service"}, {4}),
    ("D05 calls to a help desk", "phone communication", "general", {"insight": "none"}, {1}),
    ("D06 calls of a week", "phone communication", "general", {"period_days": 7}, {2}),
    ("D07 calls of a year", "phone communication", "general", {"period_days": 365}, {3}),
    ("D08 calls to psychological support", "phone communication", "general", {"trade": "psychological_support"}, {4}),
    ("D09 supermarket purchases of a month", "name purchase_history", "general", {"period_days": 30}, {2}),
    ("D10 places of a year", "location", "general", {"period_days": 365}, {3}),
    ("D11 purchases in a pharmacy", "name purchase_history", "general", {"trade": "pharmacy"}, {4}),
    ("D12 letter: customer of a bank", "name bank_account", "general", {"trade": "bank", "insight": "none"}, {1}),
    ("D13 transactions of a day", "financial_statement", "general", {"period_days": 1}, {2}),
    ("D14 balances of a month", "name financial_statement", "general", {"period_days": 30}, {3}),
    ("D15 statements of a year", "name financial_statement", "general", {"period_days": 365}, {4}),
    ("D16 cards long expired", "name payment_card", "general", {"outdated": True}, {1}),
    ("D17 partial card data", "name payment_card", "general", {"insight": "some"}, {2, 3}),
    ("D17 card number without its code", "name payment_card", "general", {}, {2, 3}),
    ("D18 full card data", "name payment_card_with_code", "general", {}, {4}),
    ("D19 had general blood tests", "name health", "general", {"insight": "none"}, {1}),
    ("D20 blood test in an emergency room", "name health", "general", {"insight": "general"}, {2}),
    ("D21 test for a named disease", "name health", "general", {"insight": "some"}, {3}),
    ("D22 results", "name health", "general", {"insight": "full"}, {4}),
    ("D22 health without judgement", "name health", "general", {}, {4}),
    ("D23 closed political forum", "customer_number politics communication", "general", {}, {4}),
    ("D23 dating site", "photo sex_life", "general", {"trade": "dating"}, {4}),
    ("music shop's passwords", "email password", "general", {}, {1}),
    ("online bank's passwords", "customer_number password", "general", {"trade": "bank"}, {4}),
    ("E07 identity data behind a bank's log-in", "name tax_id password", "general", {"trade": "bank"}, {4}),
]


@pytest.mark.parametrize(("name", "data", "segment", "context", "expected"), LADDER, ids=[row[0] for row in LADDER])
def test_the_ladder_examples_have_their_context_score(
    name: str, data: str, segment: str, context: dict[str, object], expected: set[int]
) -> None:
    judged = Context(**context, author="A. Person", reason="ladder")  # type: ignore[arg-type]
    exposure = exposed("balmere", segment, 500, 1000, frozenset(data.split()))
    result = assess(METHOD, incident(), [exposure], [judged])
    assert result.segments[0].score.dpc // 100 in expected, result.segments[0].score.steps


# id, dpc, ei, four circumstances, SE, band; all in hundredths
VECTORS = [
    ("A01", 100, 100, (0, 0, 0, 0), 100, "low"),
    ("A02", 400, 100, (50, 0, 0, 50), 500, "very_high"),
    ("A03", 400, 75, (0, 0, 25, 50), 375, "high"),
    ("A04", 300, 100, (25, 0, 0, 0), 325, "high"),
    ("A05", 100, 25, (0, 0, 0, 0), 25, "low"),
    ("A06", 100, 100, (25, 0, 0, 0), 125, "low"),
    ("A07", 200, 100, (50, 0, 0, 50), 300, "high"),
    ("A08", 300, 100, (50, 0, 0, 50), 400, "very_high"),
    ("A09", 100, 100, (50, 0, 0, 50), 200, "medium"),
    ("A10", 400, 100, (50, 50, 50, 50), 600, "very_high"),
    ("A11", 400, 100, (25, 0, 0, 50), 475, "very_high"),
]


@pytest.mark.parametrize(("name", "dpc", "ei", "parts", "se", "band"), VECTORS, ids=[row[0] for row in VECTORS])
def test_the_arithmetic_vectors_hold(
    name: str, dpc: int, ei: int, parts: tuple[int, ...], se: int, band: str
) -> None:
    assert Score(frozenset(), 1, dpc, ei, sum(parts), ()).se == se
    assert METHOD.band(se).id == band


@pytest.mark.parametrize(
    ("se", "band"), [(199, "low"), (200, "medium"), (299, "medium"), (300, "high"), (399, "high"), (400, "very_high")]
)
def test_bands_change_exactly_at_their_bounds(se: int, band: str) -> None:
    assert METHOD.band(se).id == band


@pytest.mark.parametrize(
    ("data", "level"),
    [
        ("customer_number", 25),
        ("preferences language", 25),
        ("national_id", 25),
        ("vehicle", 50),
        ("bank_account", 50),
        ("phone", 75),
        ("postal_address", 75),
        ("name", 75),
        ("national_id birth_date", 75),
        ("email", 100),
        ("phone postal_address", 100),
        ("name birth_date", 100),
        ("name national_id", 100),
        ("passport", 100),
    ],
)
def test_ease_of_identification_follows_the_identifiers(data: str, level: int) -> None:
    situation = Situation(incident(), frozenset(data.split()), "general", 10, 10, 10)
    assert score(METHOD, situation).ei == level


@pytest.mark.parametrize(
    ("how", "parts"),
    [
        ({"taken": "possible", "holder": "none", "cause": "internal_accident"}, (0, 0, 0, 0)),
        ({"taken": "excluded", "holder": "none", "cause": "internal_accident"}, (0, 0, 0, 0)),
        ({"taken": "accessed", "holder": "known_few", "cause": "internal_accident"}, (25, 0, 0, 0)),
        ({"taken": "accessed", "holder": "trusted", "cause": "internal_accident"}, (25, 0, 0, 0)),
        ({"taken": "possible", "holder": "unknown_many", "cause": "internal_accident"}, (50, 0, 0, 0)),
        ({"taken": "exfiltrated", "holder": "criminal", "cause": "external_malicious"}, (50, 0, 0, 50)),
        ({"taken": "exfiltrated", "holder": "known_few", "cause": "internal_malicious"}, (25, 0, 0, 50)),
    ],
)
def test_each_element_of_the_circumstances_has_its_value(how: dict[str, str], parts: tuple[int, ...]) -> None:
    exposure = exposed("balmere", "general", 10, 10, frozenset({"name"}))
    result = assess(METHOD, incident(**how), [exposure])
    values = {step.element: step.change for step in result.segments[0].score.steps}
    assert tuple(values[e] for e in ("confidentiality", "integrity", "availability", "malice")) == parts


@pytest.mark.parametrize(("hours", "value"), [(0, 0), (23, 0), (24, 25), (72, 25), (719, 25), (720, 50)])
def test_availability_counts_by_the_time_until_restored(hours: int, value: int) -> None:
    how = incident(nature=("availability",), cause="external_accident", taken="excluded", restored_hours=hours)
    result = assess(METHOD, how, [exposed("balmere", "general", 10, 10, frozenset({"name"}))])
    values = {step.element: step.change for step in result.segments[0].score.steps}
    assert values["availability"] == value


@pytest.mark.parametrize(("hours", "authority"), [(72, False), (73, True)])
def test_an_outage_beyond_72_hours_goes_to_the_authority(hours: int, authority: bool) -> None:
    how = incident(nature=("availability",), cause="external_accident", taken="excluded", restored_hours=hours)
    result = assess(METHOD, how, [exposed("balmere", "general", 10, 10, frozenset({"name", "email"}))])
    assert result.outcome.authority is authority


@pytest.mark.parametrize(("persons", "told"), [(1000, False), (1001, True)])
def test_an_identity_kit_of_more_than_1000_persons_goes_to_the_persons(persons: int, told: bool) -> None:
    how = incident(taken="accessed", holder="known_few", cause="internal_accident")
    kit = frozenset({"name", "birth_date", "postal_address"})
    assert assess(METHOD, how, [exposed("balmere", "general", persons, persons, kit)]).outcome.persons is told


def test_persons_are_counted_over_countries_segments_and_richer_data_sets() -> None:
    how = incident(taken="accessed", holder="known_few", cause="internal_accident")
    kit = frozenset({"name", "birth_date", "postal_address"})
    rows = [
        exposed("balmere", "general", 500, 500, kit),
        exposed("balmere", "general", 400, 400, kit | {"email"}),
        exposed("balmere", "high_spender", 101, 101, kit),
    ]
    outcomes = {s.segment: s.outcome.persons for s in assess(METHOD, how, rows).segments}
    assert outcomes == {"general": True, "high_spender": True}
    assert not assess(METHOD, how, rows[:2]).outcome.persons


def test_another_controllers_persons_do_not_count_towards_a_threshold() -> None:
    how = incident(taken="accessed", holder="known_few", cause="internal_accident")
    kit = frozenset({"name", "birth_date", "postal_address"})
    rows = [exposed("balmere", "general", 900, 900, kit), exposed("aurelio", "general", 900, 900, kit)]
    assert not assess(METHOD, how, rows).outcome.persons


def test_each_segment_is_judged_by_itself_and_the_whole_is_their_union() -> None:
    how = incident(taken="accessed", holder="known_few", cause="internal_accident")
    rows = [
        exposed("balmere", "general", 40, 40, frozenset({"name", "postal_address"})),
        exposed("balmere", "protected_address", 1, 1, frozenset({"name", "postal_address"})),
    ]
    result = assess(METHOD, how, rows)
    outcomes = {s.segment: (s.outcome.authority, s.outcome.persons) for s in result.segments}
    assert outcomes == {"general": (False, False), "protected_address": (True, True)}
    assert result.outcome.persons


def test_the_most_specific_judgement_of_context_applies() -> None:
    rows = [exposed("balmere", "general", 5, 5, frozenset({"name", "email"}))]
    everywhere = Context(trade="adult", author="A", reason="r")
    here = Context(controller="balmere", trade="retail", author="B", reason="r")
    for contexts in ([everywhere, here], [here, everywhere]):
        assert assess(METHOD, incident(), rows, contexts).segments[0].score.dpc == 100


def test_every_step_has_a_reason_and_a_source() -> None:
    rows = [exposed("balmere", "general", 5, 5, DATA_ELEMENTS)]
    segment = assess(METHOD, incident(taken="exfiltrated", holder="criminal"), rows).segments[0]
    assert all(step.reason and step.source for step in segment.score.steps)
    assert all(hit.reason and hit.source and hit.confidence and hit.because for hit in segment.overrides)


def test_numbers_have_no_float_noise() -> None:
    for dpc, ei, cb in product((100, 200, 300, 400), (25, 50, 75, 100), range(0, 225, 25)):
        number = render_number(Score(frozenset(), 1, dpc, ei, cb, ()).se)
        assert len(str(number)) <= 4
        assert number * 4 == int(number * 4)


def test_nobody_affected_is_recorded_and_said() -> None:
    result = assess(METHOD, incident(), [exposed("balmere", "general", 0, 0, frozenset({"name"}))])
    assert result.segments == ()
    assert result.outcome.document
    assert result.notes


INCIDENTS = st.builds(
    incident,
    nature=st.frozensets(st.sampled_from(sorted(NATURES))).map(tuple),
    cause=st.sampled_from(sorted(CAUSES)),
    taken=st.sampled_from(sorted(TAKEN)),
    holder=st.sampled_from(sorted(HOLDERS)),
    intelligible=st.booleans(),
    restored_hours=st.integers(0, 5000),
    service_harm=st.sampled_from(sorted(SERVICE_HARMS)),
    deletion_confirmed=st.booleans(),
)
GROUPS = st.lists(
    st.builds(
        exposed,
        st.sampled_from(["balmere", "aurelio"]),
        st.sampled_from(sorted(SEGMENTS)),
        st.integers(0, 20_000),
        st.integers(0, 40_000),
        st.frozensets(st.sampled_from(sorted(DATA_ELEMENTS)), min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=5,
)


@given(INCIDENTS, GROUPS)
def test_any_incident_gives_a_number_in_range_and_a_consistent_outcome(
    how: IncidentFacts, groups: list[AffectedGroup]
) -> None:
    result = assess(METHOD, how, groups)
    for segment in result.segments:
        number = segment.score
        assert 100 <= number.dpc <= 400
        assert number.ei in {25, 50, 75, 100}
        assert 0 <= number.cb <= 200
        assert number.se * 100 == number.dpc * number.ei + number.cb * 100
        assert segment.outcome.document
        assert segment.outcome.authority or not segment.outcome.persons
        assert 0 <= segment.likelihood.value <= 4
        assert 1 <= segment.impact.value <= 4
    plain = render_json(result)
    assert plain["outcome"]["authority"] == any(s["outcome"]["authority"] for s in plain["segments"])


@given(INCIDENTS, GROUPS, st.randoms())
def test_the_order_of_rows_does_not_matter(how: IncidentFacts, groups: list[AffectedGroup], random: object) -> None:
    shuffled = list(groups)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert render_json(assess(METHOD, how, groups)) == render_json(assess(METHOD, how, shuffled))


@given(GROUPS)
def test_more_persons_never_bring_fewer_duties_for_a_criminal_copy(groups: list[AffectedGroup]) -> None:
    how = incident(taken="exfiltrated", holder="unknown_many", cause="internal_accident")
    before = assess(METHOD, how, groups).outcome
    more = [exposed(e.controller, e.segment, e.persons * 10, e.records * 10, e.data) for e in groups]
    after = assess(METHOD, how, more).outcome
    assert after.authority >= before.authority
    assert after.persons >= before.persons


def possible(proven: int, most: int, data: frozenset[str]) -> AffectedGroup:
    return replace(exposed("balmere", "general", proven, proven, data), persons_possible=most)


@pytest.mark.parametrize(("most", "told"), [(1000, False), (1001, True)])
def test_persons_who_cannot_be_excluded_count_towards_a_threshold(most: int, told: bool) -> None:
    how = incident(taken="accessed", holder="known_few", cause="internal_accident")
    kit = frozenset({"name", "birth_date", "postal_address"})
    (segment,) = assess(METHOD, how, [possible(10, most, kit)]).segments
    assert segment.outcome.persons is told
    assert segment.persons == segment.score.persons == most


@pytest.mark.parametrize(("most", "many"), [(100, False), (101, True)])
def test_more_than_100_persons_are_flagged_over_all_controllers(most: int, many: bool) -> None:
    name = frozenset({"name"})
    rows = [possible(0, most - 1, name), exposed("aurelio", "general", 1, 1, name)]
    segments = assess(METHOD, incident(), rows).segments
    assert [segment.flags["more_than_100_persons"] for segment in segments] == [many, many]


def test_a_group_counts_as_soon_as_somebody_is_possible_or_a_record_is_known() -> None:
    name = frozenset({"name"})
    empty = possible(0, 0, name)
    assert assess(METHOD, incident(), [empty]).segments == ()
    assert assess(METHOD, incident(), [replace(empty, persons_possible=1)]).segments
    assert assess(METHOD, incident(), [replace(empty, records=1)]).segments


def test_a_judgement_about_a_controller_goes_before_one_about_a_segment_and_the_later_of_two_counts() -> None:
    rows = [exposed("balmere", "general", 5, 5, frozenset({"name", "email"}))]
    of_segment = Context(segment="general", author="A", reason="segment")
    of_controller = Context(controller="balmere", author="B", reason="controller")
    later = Context(controller="balmere", author="C", reason="later")
    for contexts, author in (
        ([of_segment, of_controller], "B"),
        ([of_controller, of_segment], "B"),
        ([of_controller, later], "C"),
        ([later, of_controller], "B"),
    ):
        (segment,) = assess(METHOD, incident(), rows, contexts).segments
        assert segment.notes[-1].startswith(f"Context judged by {author}")
