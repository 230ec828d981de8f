"""Typesetting: the pages say what they must, and no answer is read as markup."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.duty.filing_world import ANSWERS, NOW, case, duty, library

from cloakroom.adapters.legal_data import load_retention
from cloakroom.adapters.pdf import Typesetter
from cloakroom.duty.filings.preparation import prepare_filing, refill
from cloakroom.duty.filings.rendering import page_values
from cloakroom.duty.register import entry_for, render_page
from cloakroom.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = library()
TYPESETTER = Typesetter()


def values(start: str = "eu-gdpr-33:FR", answers: str = ANSWERS, language: str | None = None) -> dict[str, Any]:
    known = case(answers=answers)
    body = {**prepare_filing(LIBRARY, known, duty(known, start), at=NOW), "filing": "f", "version": 1}
    return page_values(refill(LIBRARY, body, language=language), body)


def text_of(pdf: bytes, folder: Path) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    place = folder / "page.pdf"
    place.write_bytes(pdf)
    done = subprocess.run(["pdftotext", "-layout", str(place), "-"], capture_output=True, check=True)
    return done.stdout.decode()


def test_a_filing_is_set_with_its_deadline_marks_and_warning(tmp_path: Path) -> None:
    typeset = TYPESETTER.render("filing", values(), at=NOW)
    text = text_of(typeset.pdf, tmp_path)
    assert typeset.faithful
    assert "2026-03-05 10:00 (UTC+01:00)" in text
    assert "Not legal advice" in text
    assert "Confidence" in text
    assert "122400" in text
    assert "Un tiers a exporté des fiches clients." in text


def test_missing_answers_stand_on_the_first_page(tmp_path: Path) -> None:
    pdf = TYPESETTER.render("filing", values(answers=ANSWERS.split('"measures.done"')[0]), at=NOW).pdf
    first = text_of(pdf, tmp_path).split("\f")[0]
    assert "mandatory answers are missing" in first


@pytest.mark.parametrize(
    "hostile",
    ["#panic()", '#read(\\"/etc/passwd\\")', "= Title", "$x^2$", "*bold* _it_ `raw`", "<label> @ref", "a;b\\\\c"],
)
def test_an_answer_is_never_read_as_markup(hostile: str, tmp_path: Path) -> None:
    answers = ANSWERS.replace("Complaint filed on 3 March 2026", hostile)
    typeset = TYPESETTER.render("filing", values("gb-", answers), at=NOW)
    shown = hostile.replace('\\"', '"').replace("\\\\", "\\")
    assert shown in text_of(typeset.pdf, tmp_path).replace("”", '"').replace("“", '"')


def test_the_same_values_give_the_same_bytes() -> None:
    assert TYPESETTER.render("filing", values(), at=NOW).pdf == TYPESETTER.render("filing", values(), at=NOW).pdf


def test_a_character_without_a_font_is_said_not_hidden() -> None:
    answers = ANSWERS.replace("Complaint filed on 3 March 2026", "\U00012345")
    assert not TYPESETTER.render("filing", values("gb-", answers), at=NOW).faithful


def test_a_form_in_a_script_without_font_can_be_set_in_english(tmp_path: Path) -> None:
    typeset = TYPESETTER.render("filing", values("kr-pipa-authority", language="en"), at=NOW)
    assert typeset.faithful
    assert "Report of a leak of personal information" in text_of(typeset.pdf, tmp_path)


def test_latin_scripts_can_always_be_set() -> None:
    assert all(TYPESETTER.can_set(language) for language in ("de", "en", "es", "fr", "it", "pt", "tr"))


def test_every_form_can_be_set() -> None:
    known = case()
    one = prepare_filing(LIBRARY, known, duty(known, "eu-gdpr-33:FR"), at=NOW)
    for form in LIBRARY.forms:
        body = {**one, "form": form.id, "filing": "f", "version": 1}
        language = None if TYPESETTER.can_set(form.language) else "en"
        assert TYPESETTER.render("filing", page_values(refill(LIBRARY, body, language=language), body), at=NOW).pdf


def test_the_register_is_set(tmp_path: Path) -> None:
    entry = entry_for(case(), "balmere", incident="2026-03", at=NOW, by="A", laws=load_retention())
    pdf = TYPESETTER.render("register", render_page([entry], made_at="2026-03-04T10:00:00Z"), at=NOW).pdf
    text = text_of(pdf, tmp_path)
    assert "2026-03 · Balmère SAS" in text
    assert "none notified" in text
    assert "not legal advice" in text


def test_an_empty_register_is_set() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert TYPESETTER.render("register", render_page([], made_at="2026-01-01T00:00:00Z"), at=at).pdf


def test_an_unknown_template_is_refused() -> None:
    with pytest.raises(UsageError):
        TYPESETTER.render("../filing", {}, at=NOW)
