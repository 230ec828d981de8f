"""Drafts: what is computed, what people write, what is missing, in which form."""

from __future__ import annotations

import json
import textwrap
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.duty.filing_world import ANSWERS, FACTS, NOW, case, duty, library

from cloakroom.duty.duties import duty_to_json, parse_duties
from cloakroom.duty.filings.answers import parse_answers
from cloakroom.duty.filings.filling import missing_canonical, place_name
from cloakroom.duty.filings.forms import form_for, parse_form
from cloakroom.duty.filings.model import FilledForm
from cloakroom.duty.filings.preparation import ToldAuthority, prepare_filing, refill
from cloakroom.duty.filings.records import answers_from_json
from cloakroom.duty.filings.rendering import page_values, render_sheet
from cloakroom.duty.filings.template import parse_template
from cloakroom.duty.severity.appraisal import Decision
from cloakroom.duty.severity.model import Outcome
from cloakroom.errors import InputError, RuleError, UsageError

LIBRARY = library()
CASE = case()

ASKED_FOR = {
    "FR": "fr-cnil",
    "IT": "it-garante",
    "GB": "gb-ico",
    "ES": "es-aepd",
    "DE": "de-niedersachsen",
    "DE-BY": "de-niedersachsen",
    "CH": "ch-fdpic",
    "TR": "tr-kvkk",
    "KR": "kr-pipc",
    "JP": "jp-ppc",
    "BR": "br-anpd",
    "AU": "au-oaic",
    "US-CA": "us-ca",
    "US-NY": "us-ny",
    "US-TX": "us-tx",
    "US-MA": "us-ma",
    "US-WA": "us-wa",
    "US-CO": "us-co",
    "US-FL": "us-fl",
    "US-IL": "us-il",
    "US-NJ": "us-nj",
    "NL": "eea-edpb",
    "MY": "any-plain",
    "US-VT": "us-plain",
    "US-PR": "us-plain",
}
AUTHORITIES = {
    "CH": "FDPIC",
    "TR": "KVKK",
    "KR": "PIPC",
    "JP": "PPC",
    "BR": "ANPD",
    "AU": "OAIC",
    "US-FL": "Department of Legal Affairs",
    "US-NJ": "Division of State Police",
}


def text_of(filled: FilledForm, path: str) -> str:
    return next(entry.text for entry in filled.fields if path in entry.field.paths)


@pytest.mark.parametrize(("place", "form"), ASKED_FOR.items())
def test_every_authority_asked_for_has_its_form_and_every_other_a_general_one(place: str, form: str) -> None:
    recipient = AUTHORITIES.get(place, "Attorney General" if place.startswith("US") else "the authority (GDPR)")
    one = replace(CASE.duties[0], id=f"x:{place}:balmere", jurisdiction=place, recipient=recipient, instrument="GDPR")
    assert form_for(LIBRARY.forms, one).id == form


def test_another_authority_of_the_same_place_does_not_get_the_data_protection_form() -> None:
    police = replace(CASE.duties[0], id="fr-police:FR:b", jurisdiction="FR", recipient="Police", instrument="Code")
    assert form_for(LIBRARY.forms, police).id == "eea-edpb"


def test_every_form_has_a_name_for_each_kind_and_a_source() -> None:
    for form in LIBRARY.forms:
        assert set(form.kinds) == {"initial", "complete", "supplementary", "withdraw"}
        assert form.source
        assert form.read
        assert form.confidence
        assert form.channel


def test_every_fixed_value_has_a_word_in_every_language_of_a_form() -> None:
    languages = {form.language for form in LIBRARY.forms}
    words = LIBRARY.vocabulary.words
    for field in LIBRARY.template.fields.values():
        for choice in field.choices:
            key = choice + field.word_suffix if choice + field.word_suffix in words else choice
            assert languages <= set(words[key]), (field.path, choice)


def test_the_numbers_of_a_draft_are_those_of_the_facts() -> None:
    answers = answers_from_json(prepare_filing(LIBRARY, CASE, duty(CASE, "eu-gdpr-33:FR"), at=NOW)["answers"])
    assert answers["persons.number"].value == 122_400
    assert answers["persons.local"].value == 120_000
    assert answers["persons.total"].value == 127_100
    assert answers["data.records"].value == 152_500
    assert answers["cross.counts"].value == {"FR": 120_000, "GB": 3_100, "IT": 2_400, "US": 900, "KR": 700}
    assert answers["persons.by_segment"].value == {"general": 120_000, "high_spender": 2_400}
    assert answers["risk.level"].value == "high_risk"
    assert "2 × 1 + 1 = 3" in str(answers["risk.method"].value)


@pytest.mark.parametrize(("start", "persons"), [("gb-", 3_100), ("kr-pipa-authority", 700), ("us-tx-ag", 900)])
def test_each_authority_is_told_the_number_of_its_own_residents(start: str, persons: int) -> None:
    prepared = prepare_filing(LIBRARY, CASE, duty(CASE, start), at=NOW)
    answers = answers_from_json(prepared["answers"])
    assert answers["persons.number"].value == persons
    assert answers["persons.local"].value == persons
    assert text_of(refill(LIBRARY, prepared), "persons.local") == str(persons)


def test_no_computed_answer_comes_from_a_person_and_none_can_be_typed() -> None:
    answers = answers_from_json(prepare_filing(LIBRARY, CASE, CASE.duties[0], at=NOW)["answers"])
    for path, answer in answers.items():
        written = answer.origin.startswith("written by")
        assert written == (LIBRARY.template.fields[path].origin == "person"), path
    for path, field in LIBRARY.template.fields.items():
        if field.origin == "computed":
            with pytest.raises(InputError, match="cannot be typed"):
                parse_answers(f'language = "en"\nby = "A"\n[answers]\n"{path}" = 7\n', "a.toml", LIBRARY.template)


def test_every_number_of_the_incident_is_computed() -> None:
    typed = {
        path for path, field in LIBRARY.template.fields.items() if field.kind == "number" and field.origin == "person"
    }
    assert typed == {"told.number"}


def test_mandatory_answers_that_nobody_gave_are_listed() -> None:
    short = ANSWERS.replace('"nature.description" = "Somebody', '"time.told_by_other" = "Somebody').split(
        "[answers.fr]"
    )[0]
    known = case(answers=short)
    prepared = prepare_filing(LIBRARY, known, duty(known, "eu-gdpr-33:FR"), at=NOW)
    assert [entry.missing for entry in refill(LIBRARY, prepared).missing] == [("What happened",)]
    assert prepared["missing"] == [["D.3", ["What happened"]]]
    assert "nature.description" in prepared["missing_canonical"]
    assert answers_from_json(prepared["answers"])["type.completeness"].value == "incomplete"


def test_a_filing_without_gaps_is_called_complete() -> None:
    prepared = prepare_filing(LIBRARY, CASE, duty(CASE, "eu-gdpr-33:FR"), at=NOW)
    assert refill(LIBRARY, prepared).missing == ()
    assert answers_from_json(prepared["answers"])["type.completeness"].value == "complete"


def test_one_part_missing_in_a_field_of_several_parts_is_named() -> None:
    known = case(answers=ANSWERS.replace('"reporter.phone" = "+33 1 99 00 12 34"\n', ""))
    prepared = prepare_filing(LIBRARY, known, duty(known, "eu-gdpr-33:FR"), at=NOW)
    assert [entry.missing for entry in refill(LIBRARY, prepared).missing] == [("Telephone of that person",)]


def test_reasons_for_the_delay_are_asked_exactly_after_the_deadline() -> None:
    one = duty(CASE, "eu-gdpr-33:FR")
    assert one.deadline is not None
    on_time = prepare_filing(LIBRARY, CASE, one, at=one.deadline)
    late = prepare_filing(LIBRARY, CASE, one, at=one.deadline.replace(second=1))
    assert "time.late_reason" not in on_time["missing_canonical"]
    assert "time.late_reason" in late["missing_canonical"]


def test_text_in_another_language_than_the_forms_is_pointed_out() -> None:
    filled = refill(LIBRARY, prepare_filing(LIBRARY, CASE, duty(CASE, "eu-gdpr-33:FR"), at=NOW))
    by_path = {entry.field.paths[0]: entry for entry in filled.fields}
    assert by_path["nature.description"].text == "Un tiers a exporté des fiches clients."
    assert by_path["nature.description"].problems == ()
    assert by_path["measures.done"].problems == ("written in en, the form wants fr",)
    assert by_path["controller.identifier"].problems == ()


def test_words_of_a_form_are_in_its_language() -> None:
    filled = refill(LIBRARY, prepare_filing(LIBRARY, CASE, duty(CASE, "kr-pipa-authority"), at=NOW))
    assert text_of(filled, "data.elements") == "이메일 주소, 이름"
    french = refill(LIBRARY, prepare_filing(LIBRARY, CASE, duty(CASE, "eu-gdpr-33:FR"), at=NOW))
    assert text_of(french, "nature.holder") == "copiées et exfiltrées; des criminels"
    assert place_name("KR", "fr") == "Corée du Sud (KR)"


def test_times_are_shown_in_the_zone_of_the_authority() -> None:
    filled = refill(LIBRARY, prepare_filing(LIBRARY, CASE, duty(CASE, "kr-pipa-authority"), at=NOW))
    assert text_of(filled, "time.aware") == "2026-03-02 18:00 (UTC+09:00)"


def test_fields_that_may_become_public_are_marked_in_forms_of_authorities_that_publish() -> None:
    texas = refill(LIBRARY, prepare_filing(LIBRARY, CASE, duty(CASE, "us-tx-ag"), at=NOW))
    assert texas.form.published
    assert any(entry.field.may_be_public for entry in texas.fields)
    oaic = next(form for form in LIBRARY.forms if form.id == "au-oaic")
    public = {field.section for field in oaic.fields if field.may_be_public}
    assert public == {"Part one: statement (public)"}


def test_the_decision_of_a_named_person_goes_before_the_recommendation() -> None:
    decision = Decision("balmere", "*", Outcome(authority=True), "D. Person", datetime(2026, 3, 3, tzinfo=UTC), "why")
    known = case(decisions=(decision,))
    answers = answers_from_json(prepare_filing(LIBRARY, known, duty(known, "eu-gdpr-33:FR"), at=NOW)["answers"])
    assert answers["risk.level"].value == "risk"
    assert answers["told.required"].value == "no"
    assert str(answers["risk.decision"].value).startswith("D. Person decided")


def test_other_due_authorities_are_named() -> None:
    answers = answers_from_json(prepare_filing(LIBRARY, CASE, duty(CASE, "eu-gdpr-33:FR"), at=NOW)["answers"])
    others = answers["other.authorities"].value
    assert isinstance(others, list)
    assert any("(GB)" in other for other in others)
    assert not any("CNIL" in other for other in others)


def test_authorities_that_were_sent_something_are_named_and_the_addressee_is_not() -> None:
    told = (
        ToldAuthority("eu-gdpr-33:FR:balmere", "balmere", "CNIL (FR-1)"),
        ToldAuthority("gb-x:GB:balmere", "balmere", "ICO (GB-1)"),
    )
    known = replace(CASE, told=told)
    answers = answers_from_json(prepare_filing(LIBRARY, known, duty(CASE, "eu-gdpr-33:FR"), at=NOW)["answers"])
    assert answers["other.authorities_told"].value == ["ICO (GB-1)"]


NORVANE = """
[[controller]]
id = "norvane"
name = "Norvane K.K."
country = "JP"
[[affected]]
controller = "norvane"; country = "JP"; persons = 5000
data = ["name", "email"]
[[affected]]
controller = "norvane"; country = "FR"; persons = 50
data = ["name", "health"]
segment = "minor"
"""
OF_NORVANE = ToldAuthority("jp-appi-report:JP:norvane", "norvane", "PPC (JP-1)")


def test_a_filing_says_nothing_of_what_another_controller_lost_or_files() -> None:
    alone = prepare_filing(LIBRARY, CASE, duty(CASE, "eu-gdpr-33:FR"), at=NOW)["answers"]
    both = case(facts=FACTS + NORVANE, told=(OF_NORVANE,))
    assert any(one.controller == "norvane" and one.status == "due" for one in both.duties)
    answers = prepare_filing(LIBRARY, both, duty(both, "eu-gdpr-33:FR"), at=NOW)["answers"]
    assert {path for path in answers.keys() | alone.keys() if answers.get(path) != alone.get(path)} == set()


def test_a_filing_names_the_authorities_of_a_joint_controller() -> None:
    both = case(
        facts=FACTS.replace('brands = ["balmere"]', 'joint_with = ["norvane"]') + NORVANE,
        told=(OF_NORVANE,),
    )
    answers = prepare_filing(LIBRARY, both, duty(both, "eu-gdpr-33:FR"), at=NOW)["answers"]
    assert any("(JP)" in other for other in answers["other.authorities"]["value"])
    assert answers["other.authorities_told"]["value"] == ["PPC (JP-1)"]


def test_the_copy_sheet_has_every_field_in_the_forms_order_and_says_what_it_is() -> None:
    prepared = prepare_filing(LIBRARY, CASE, duty(CASE, "eu-gdpr-33:FR"), at=NOW)
    values = page_values(refill(LIBRARY, prepared), {**prepared, "filing": "f", "version": 1})
    sheet = render_sheet(values)
    positions = [sheet.index(f"[{entry.field.number}]") for entry in refill(LIBRARY, prepared).fields]
    assert positions == sorted(positions)
    assert "Not legal advice" in sheet
    assert "Confidence of the duty:" in sheet
    assert "Confidence of the form: V2" in sheet


def test_limits_on_length_are_checked() -> None:
    form = next(form for form in LIBRARY.forms if form.id == "fr-cnil")
    narrow = tuple(
        replace(field, words_max=3, characters_max=10) if "nature.description" in field.paths else field
        for field in form.fields
    )
    forms = (replace(form, fields=narrow), *(other for other in LIBRARY.forms if other.id != "fr-cnil"))
    library = replace(LIBRARY, forms=forms)
    filled = refill(library, prepare_filing(library, CASE, duty(CASE, "eu-gdpr-33:FR"), at=NOW))
    problems = next(e.problems for e in filled.fields if "nature.description" in e.field.paths)
    assert problems == ("38 characters, the form takes 10", "7 words, the form takes 3")


@pytest.mark.parametrize("kind", ["supplementary", "withdraw", "nonsense"])
def test_a_kind_that_does_not_fit_is_refused(kind: str) -> None:
    with pytest.raises(UsageError):
        prepare_filing(LIBRARY, CASE, CASE.duties[0], at=NOW, kind=kind)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"nature.descriptio" = "x"', "is not a field"),
        ('"persons.number" = 5', "cannot be typed"),
        ('"reporter.role" = "boss"', "must be one of"),
        ('"nature.description" = ""', "is empty"),
        ('"told.at" = 2026-03-06T08:00:00', "needs an offset"),
        ('[answers.french]\n"other.police" = "x"', "neither an answer nor a language"),
    ],
)
def test_mistakes_in_the_answers_are_refused_with_their_line_and_without_their_value(line: str, message: str) -> None:
    text = f'language = "en"\nby = "A"\n[answers]\n{line}\n'
    with pytest.raises(InputError, match=message) as caught:
        parse_answers(text, "answers.toml", LIBRARY.template)
    problem = caught.value.problems[0]
    assert problem.position.line == 4
    assert "boss" not in str(caught.value)


def test_all_mistakes_in_the_answers_are_reported_together() -> None:
    with pytest.raises(InputError) as caught:
        parse_answers('language = "en"\nby = "A"\n[answers]\n"a" = 1\n"b" = 2\n', "a.toml", LIBRARY.template)
    assert len(caught.value.problems) == 2


@given(st.text(min_size=1, max_size=300).filter(lambda t: t.strip()))
@settings(max_examples=60)
def test_any_text_that_people_write_survives_into_the_sheet(text: str) -> None:
    answer = parse_answers('language = "en"\nby = "A"\n[answers]\n"other.police" = "x"\n', "a.toml", LIBRARY.template)
    entry = replace(answer.everywhere["other.police", "en"], value=text)
    known = replace(CASE, written=replace(answer, everywhere={("other.police", "en"): entry}))
    filled = refill(LIBRARY, prepare_filing(LIBRARY, known, duty(known, "gb-"), at=NOW))
    assert text in text_of(filled, "other.police")


def test_a_form_with_mistakes_is_refused_with_every_line() -> None:
    text = (
        '[form]\nid = "x"\n[[field]]\nnumber = "1"\nsection = "s"\nlabel = "l"\nenglish = "e"\npaths = ["no.such"]\n'
    )
    with pytest.raises(RuleError) as caught:
        parse_form(text, "x.toml", LIBRARY.template)
    message = str(caught.value)
    assert "x.toml:8: field[1].paths" in message
    assert "source: is missing" in message
    assert "confidence" in message


def test_a_template_with_mistakes_is_refused() -> None:
    with pytest.raises(RuleError, match="every data element exactly once"):
        parse_template('[template]\nid = "a"\nversion = "b"\nsource = "c"\nconfidence = "V2"\n', "t.toml")


@pytest.mark.parametrize("text", ["{", "5", '[{"id": "x"}]', '[{"id": "x", "deadline": "soon"}]', "[7]"])
def test_duties_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_duties(text, "duties.json")


def test_duties_can_be_read_back_from_what_evaluate_prints() -> None:
    text = json.dumps([duty_to_json(one) for one in CASE.duties])
    read = parse_duties(text, "duties.json")
    assert read == tuple(replace(one, target=None, rule=None) for one in CASE.duties)
    assert [duty_to_json(one)["clock"] for one in read] == [duty_to_json(one)["clock"] for one in CASE.duties]
    assert len(CASE.duties) > 5
    assert {one.status for one in CASE.duties} >= {"due", "not_due"}


def test_facts_without_anybody_affected_still_draft() -> None:
    known = case(facts=FACTS.split("[[affected]]")[0])
    one = replace(CASE.duties[0], residents=0)
    prepared = prepare_filing(LIBRARY, known, one, at=NOW)
    assert answers_from_json(prepared["answers"])["persons.number"].value == 0
    assert missing_canonical(LIBRARY.template, {}) != ()


def test_the_reference_lists_every_field_and_every_form() -> None:
    text = (Path(__file__).parents[2] / "docs/reference/filings.md").read_text("utf-8")
    assert all(f"`{path}`" in text for path in LIBRARY.template.fields)
    assert all(f"`{form.id}`" in text for form in LIBRARY.forms)


def test_sentences_stand_on_lines_of_their_own_and_short_answers_on_one() -> None:
    filled = refill(LIBRARY, prepare_filing(LIBRARY, CASE, duty(CASE, "gb-"), at=NOW))
    assert text_of(filled, "measures.done") == "Account frozen.\nCustomers warned."
    assert text_of(filled, "nature.incident_type") == "done on purpose: yes; stolen credentials"


def test_the_example_in_the_how_to_can_be_used() -> None:
    text = (Path(__file__).parents[2] / "docs/how-to/draft-filings.md").read_text("utf-8")
    example = textwrap.dedent(text.split("```toml\n")[1].split("```")[0])
    written = parse_answers(example, "answers.toml", LIBRARY.template)
    french = written.best("nature.description", "balmere", "fr")
    assert french is not None
    assert french.language == "fr"


def test_what_the_rule_demands_beyond_the_form_stands_on_the_sheet() -> None:
    one = replace(
        duty(CASE, "gb-"),
        after=("us-nj-state-police",),
        content_required=("nature of the breach",),
        content_forbidden=("number of residents",),
        languages=("cy",),
    )
    prepared = prepare_filing(LIBRARY, CASE, one, at=NOW)
    sheet = render_sheet(page_values(refill(LIBRARY, prepared), {**prepared, "filing": "f", "version": 1}))
    assert "Only after: us-nj-state-police" in sheet
    assert "The law asks for: nature of the breach" in sheet
    assert "It must not contain: number of residents" in sheet
    assert "The authority works in cy; this form is in en" in sheet


GERMANY = """
[[affected]]
controller = "balmere"; country = "DE"; subdivision = "BY"; persons = 30; persons_possible = 40
data = ["name", "passport"]
segment = "minor"
[[affected]]
controller = "balmere"; country = "DE"; persons = 7
data = ["phone"]
"""


def test_residents_of_a_part_of_a_country_are_residents_of_the_country() -> None:
    known = case(facts=FACTS + GERMANY)
    german = replace(duty(known, "eu-gdpr-33:DE"), status="due")
    answers = prepare_filing(LIBRARY, known, german, at=NOW)["answers"]
    assert answers["persons.local"]["value"] == 37
    assert answers["persons.number"]["value"] == german.residents == 37
    assert (answers["persons.number_kind"]["value"], answers["persons.number_most"]["value"]) == ("approximate", 47)
    assert answers["persons.by_segment"]["value"] == {"general": 7, "minor": 30}
    assert answers["data.elements"]["value"] == ["name", "passport", "phone"]


def test_a_filing_in_a_part_of_a_country_is_about_its_own_residents() -> None:
    others = (
        '[[affected]]\ncontroller = "balmere"; country = "US"; subdivision = "NY"; persons = 5\ndata = ["health"]\n'
    )
    known = case(facts=FACTS + others)
    answers = prepare_filing(LIBRARY, known, duty(known, "us-tx-ag"), at=NOW)["answers"]
    assert answers["data.elements"]["value"] == ["email", "name", "passport"]


def test_a_filing_quotes_the_decisions_about_its_own_controller() -> None:
    decisions = tuple(
        Decision(name, "*", Outcome(authority=True), f"D. of {name}", datetime(2026, 3, 3, tzinfo=UTC), "why")
        for name in ("balmere", "norvane")
    )
    known = case(facts=FACTS + NORVANE, decisions=decisions)
    answers = prepare_filing(LIBRARY, known, duty(known, "eu-gdpr-33:FR"), at=NOW)["answers"]
    assert "D. of balmere" in answers["risk.decision"]["value"]
    assert "D. of norvane" not in answers["risk.decision"]["value"]


def test_the_number_of_a_filing_is_the_one_that_the_duty_counted() -> None:
    """Texas counts who lost a passport number, too; the facts may hold more residents than that."""
    others = (
        '[[affected]]\ncontroller = "balmere"; country = "US"; subdivision = "TX"; persons = 5\ndata = ["name"]\n'
    )
    known = case(facts=FACTS + others)
    texas = duty(known, "us-tx-ag")
    answers = prepare_filing(LIBRARY, known, texas, at=NOW)["answers"]
    assert answers["persons.number"]["value"] == texas.residents == 900
    assert answers["persons.total"]["value"] == 127_105
