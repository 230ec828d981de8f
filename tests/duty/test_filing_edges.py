"""The edges of filings and their records: rare facts, mistakes in data files, limits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.duty.filing_world import FACTS, NOW, case, duty, library

from cloakroom.adapters.case_folder import CaseFolder
from cloakroom.adapters.legal_data import load_retention
from cloakroom.duty.duties import parse_duties
from cloakroom.duty.filings.amendments import AnswerChange, render_change
from cloakroom.duty.filings.answers import parse_answers
from cloakroom.duty.filings.filling import place_name, render_answer
from cloakroom.duty.filings.forms import parse_form
from cloakroom.duty.filings.model import Answer, FilingLimits
from cloakroom.duty.filings.preparation import prepare_filing, refill
from cloakroom.duty.filings.records import answers_from_json
from cloakroom.duty.filings.template import parse_template
from cloakroom.duty.filings.vocabulary import parse_vocabulary
from cloakroom.duty.register import entry_for
from cloakroom.duty.register.retention import parse_retention
from cloakroom.errors import InputError, LimitError, RuleError, TamperedError, UsageError
from cloakroom.use_cases.incident.filing_records import FilingRecords

if TYPE_CHECKING:
    from pathlib import Path

    from cloakroom.duty.filings.model import Value

LIBRARY = library()


def answers(facts: str) -> dict[str, Answer]:
    known = case(facts=facts)
    body = prepare_filing(LIBRARY, known, duty(known, "eu-gdpr-33:FR"), at=NOW)
    return answers_from_json(body["answers"])


@pytest.mark.parametrize(
    ("begin", "end", "kind"),
    [
        ("", "", "unknown"),
        ("occurred_from = 2026-02-20T00:00:00Z", "", "ongoing"),
        ("occurred_from = 2026-02-20T00:00:00Z", "occurred_to = 2026-02-20T23:00:00Z", "day"),
        ("occurred_from = 2026-02-20T00:00:00Z", "occurred_to = 2026-02-21T00:00:00Z", "range"),
    ],
)
def test_the_kind_of_period_follows_from_the_times(begin: str, end: str, kind: str) -> None:
    facts = FACTS.replace("occurred_from = 2026-02-20T00:00:00Z", begin)
    facts = facts.replace("occurred_to = 2026-02-27T00:00:00Z", end)
    found = answers(facts)
    assert found["time.kind"].value == kind
    assert ("time.begin" in found) == bool(begin)
    if kind == "ongoing":
        assert found["us.time_frame"].value == "from 2026-02-20"


def test_an_outage_is_told_with_its_hours_and_its_effect() -> None:
    facts = FACTS.replace(
        'nature = ["confidentiality"]',
        'nature = ["availability", "confidentiality"]\nrestored_hours = 30\nservice_harm = "minor"',
    )
    found = answers(facts)
    assert found["nature.restored_hours"].value == 30
    assert "service_denied" in found["consequences.impacts"].value  # type: ignore[operator]


def test_numbers_that_are_not_settled_are_called_approximate() -> None:
    found = answers(FACTS.replace("persons = 2400;", "persons = 2400; persons_possible = 9000;"))
    assert found["persons.number_kind"].value == "approximate"
    assert found["persons.number_most"].value == 129_000


def test_answers_of_one_controller_go_before_those_of_all() -> None:
    text = (
        'language = "en"\nby = "A"\n[answers]\n"contact.name" = "All"\n[controller.balmere]\n"contact.name" = "Own"\n'
    )
    written = parse_answers(text, "a.toml", LIBRARY.template)
    assert [answer.value for name in ("balmere", "x") if (answer := written.best("contact.name", name, "en"))] == [
        "Own",
        "All",
    ]


def test_answers_are_limited() -> None:
    text = 'language = "en"\nby = "A"\n[answers]\n"contact.name" = "A"\n"contact.email" = "B"\n'
    with pytest.raises(InputError, match="more than 1 answers"):
        parse_answers(text, "a.toml", LIBRARY.template, limits=FilingLimits(answers_max=1))
    with pytest.raises(InputError, match="longer than"):
        parse_answers(
            text.replace('"A"\n"c', '"AAAA"\n"c'), "a.toml", LIBRARY.template, limits=FilingLimits(text_max=3)
        )


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (None, ["a", "b"], "X: new: a, b"),
        (["a"], None, "X: withdrawn, was a"),
        (None, {"FR": 5}, "X: new: FR 5"),
        ({"FR": 5}, {"FR": 5, "IT": 1}, "X: IT was 0, is 1"),
        ([], ["a"], "X: was nothing, is a"),
    ],
)
def test_changes_of_lists_and_counts_are_said(before: Value | None, after: Value | None, words: str) -> None:
    assert render_change(AnswerChange("p", "X", before, after)) == words


def test_a_word_without_translation_is_shown_in_english_and_said() -> None:
    field = LIBRARY.template.fields["nature.cause"]
    assert render_answer(LIBRARY.vocabulary, field, Answer("new_value", "facts"), "fr", "UTC") == (
        "new value",
        False,
    )
    assert place_name("ZZ", "fr").startswith("unknown residence")
    assert place_name("QQ", "fr") == "QQ"


def test_a_word_without_translation_is_pointed_out_in_the_form() -> None:
    words = {
        name: ({"en": word["en"]} if name == "exact" else word) for name, word in LIBRARY.vocabulary.words.items()
    }
    poor = replace(LIBRARY, vocabulary=replace(LIBRARY.vocabulary, words=words))
    known = case()
    filled = refill(poor, prepare_filing(poor, known, duty(known, "eu-gdpr-33:FR"), at=NOW))
    problems = next(e.problems for e in filled.fields if "persons.number_kind" in e.field.paths)
    assert problems == ("no word in fr: shown in English",)


def test_versions_of_a_filing_are_limited(tmp_path: Path) -> None:
    records = FilingRecords(CaseFolder(tmp_path), FilingLimits(versions_max=1))
    records.add_version("a", {})
    with pytest.raises(LimitError):
        records.add_version("a", {})


@pytest.mark.parametrize("content", [b"{", b"[]\n", b'{"version":1}\n'])
def test_a_draft_that_this_program_did_not_write_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = CaseFolder(tmp_path)
    folder.put("filings/a/0001.draft.json", content)
    with pytest.raises(TamperedError):
        FilingRecords(folder).load("a")


def test_a_filing_whose_form_does_not_ship_any_more_is_named() -> None:
    known = case()
    body = prepare_filing(LIBRARY, known, known.duties[0], at=NOW)
    with pytest.raises(UsageError, match="gone"):
        refill(LIBRARY, {**body, "form": "gone"})


FORM = """[form]
id = "x"
title = "t"
english_title = "t"
authority = "a"
jurisdictions = ["XX"]
language = "en"
time_zone = "UTC"
channel = "c"
source = "s"
read = 2026-11-23
confidence = "V3"
[form.kinds]
initial = "i"
[[field]]
number = "1"
section = "s"
label = "l"
english = "e"
paths = ["contact.name"]
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"\[form\] is missing"),
        (FORM.replace("read = 2026-11-23\n", ""), "read: is missing"),
        (FORM + FORM[FORM.index("[[field]]") :], "same number"),
        (FORM[: FORM.index("[[field]]")], "field: is missing"),
        (FORM.replace('[form.kinds]\ninitial = "i"\n', ""), "kinds: is missing"),
        (FORM.replace("must", "x") + "mist = true\n", "unknown key"),
    ],
)
def test_a_form_with_one_mistake_is_refused(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        parse_form(text, "x.toml", LIBRARY.template)
    assert parse_form(FORM, "x.toml", LIBRARY.template).id == "x"


FIELD = '[[field]]\npath = "a"\nblock = "1"\nlabel = "l"\nkind = "text"\norigin = "person"\nneed = "always"\n'
HEAD = '[template]\nid = "a"\nversion = "b"\nsource = "c"\nconfidence = "V2"\n[[block]]\nid = "1"\ntitle = "t"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"\[template\] is missing"),
        (HEAD + FIELD + FIELD, "is there twice"),
        (HEAD + FIELD.replace('"always"', '"conditional"'), "belongs to conditional fields"),
        (
            HEAD + FIELD.replace('"always"', '"conditional"') + 'only_if = { path = "b", any = ["x"] }\n',
            "names no field",
        ),
        (HEAD + FIELD + 'choices = ["x"]\n', "kind choice or choices"),
    ],
)
def test_a_template_with_one_mistake_is_refused(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        parse_template(text, "t.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[yes]\nfr = "oui"\n', "no English word"),
        ('[yes]\nen = "yes"\nfrench = "oui"\n', "must be a language"),
        ("yes = 5\n", "must be a table"),
    ],
)
def test_a_vocabulary_with_a_mistake_is_refused(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        parse_vocabulary(text, "v.toml")


def test_two_laws_of_one_name_are_refused() -> None:
    law = '[[law]]\nid = "a"\ntitle = "t"\njurisdictions = ["*"]\nmonths = 1\nfrom = "aware"\nsource = "s"\n'
    law += 'read = 2026-11-23\nconfidence = "own"\n'
    assert len(parse_retention(law, "r.toml")) == 1
    with pytest.raises(RuleError, match="same id"):
        parse_retention(law + law, "r.toml")


def test_an_object_with_a_list_of_duties_is_read_too() -> None:
    assert parse_duties('{"duties": []}', "d.json") == ()


def test_each_controller_has_an_entry_of_its_own_persons() -> None:
    second = (
        '[[controller]]\nid = "aurelio"\nname = "Aurelio S.p.A."\ncountry = "IT"\neea_main_establishment = "IT"\n'
    )
    rows = '[[affected]]\ncontroller = "aurelio"; country = "IT"; persons = 5; records = 5\ndata = ["email"]\n'
    known = case(facts=FACTS + second + rows)
    entry = entry_for(known, "aurelio", incident="i", at=NOW, by="A", laws=load_retention())
    assert entry.facts["persons"] == 5
    assert {decision["duty"].rsplit(":")[-1] for decision in entry.decisions} == {"aurelio"}
    assert [segment["segment"] for segment in entry.effects["segments"]] == ["general"]


def test_an_incident_without_determination_is_kept_by_the_day_of_awareness() -> None:
    known = case(facts=FACTS.replace("determined_at = 2026-03-03T09:00:00Z\n", ""))
    entry = entry_for(known, "balmere", incident="i", at=NOW, by="A", laws=load_retention())
    assert entry.keep_until == "2031-03-02"
