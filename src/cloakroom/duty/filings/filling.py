"""A form filled from a draft: text for each field in the form's language and order, and what is not right yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cloakroom.clock import parse_time
from cloakroom.duty.filings.model import Answer, Field, FilledField, FilledForm, Form, FormField, Template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cloakroom.duty.filings.drafting import Draft
    from cloakroom.duty.filings.vocabulary import Vocabulary

__all__ = ["fill_form", "is_needed", "missing_canonical", "render_answer"]


@dataclass(frozen=True, slots=True)
class _Page:
    """What rendering a field needs."""

    template: Template
    vocabulary: Vocabulary
    form: Form
    answers: Mapping[str, Answer]


def fill_form(template: Template, vocabulary: Vocabulary, form: Form, draft: Draft) -> FilledForm:
    """Fill `form` from `draft`.

    A field that the form insists on is missing if one of its canonical fields is needed, by the template or because
    nothing restricts it, and none of its answers is there.
    """
    page = _Page(template, vocabulary, form, draft.answers)
    return FilledForm(form, draft.kind, tuple(_fill(page, field) for field in form.fields))


def is_needed(field: Field, answers: Mapping[str, Answer]) -> bool:
    """Answer whether a canonical field is called for by the answers given so far."""
    if field.only_if is None:
        return True
    path, values = field.only_if
    answer = answers.get(path)
    if answer is None:
        return False
    given = answer.value if isinstance(answer.value, list) else [str(answer.value)]
    return bool(values.intersection(given))


def missing_canonical(template: Template, answers: Mapping[str, Answer]) -> tuple[Field, ...]:
    """Return the canonical fields that are needed and have no answer."""
    return tuple(
        field
        for path, field in template.fields.items()
        if field.need != "optional" and path not in answers and is_needed(field, answers)
    )


def _fill(page: _Page, field: FormField) -> FilledField:
    parts: list[str] = []
    origins: list[str] = []
    problems: list[str] = []
    for path in field.paths:
        answer = page.answers.get(path)
        if answer is None:
            continue
        text, remarks = _render(page, page.template.fields[path], answer)
        parts.append(text)
        problems.extend(remark for remark in remarks if remark not in problems)
        if answer.origin not in origins:
            origins.append(answer.origin)
    text = _join(parts)
    needed = any(is_needed(page.template.fields[path], page.answers) for path in field.paths)
    missing = field.must and needed and not text
    problems.extend(_limits(field, text))
    return FilledField(field, text, tuple(origins), tuple(problems), missing)


def _join(parts: list[str]) -> str:
    long = any("\n" in part or len(part) > 80 for part in parts)
    return ("\n" if long else "; ").join(parts)


def _limits(field: FormField, text: str) -> list[str]:
    problems = []
    if field.characters_max and len(text) > field.characters_max:
        problems.append(f"{len(text)} characters, the form takes {field.characters_max}")
    if field.words_max and len(text.split()) > field.words_max:
        problems.append(f"{len(text.split())} words, the form takes {field.words_max}")
    return problems


def _render(page: _Page, field: Field, answer: Answer) -> tuple[str, list[str]]:
    remarks = []
    if answer.language and answer.language != page.form.language:
        remarks.append(f"written in {answer.language}, the form wants {page.form.language}")
    text, translated = render_answer(page.vocabulary, field, answer, page.form.language, page.form.time_zone)
    if not translated:
        remarks.append(f"no word in {page.form.language}: shown in English")
    return text, remarks


def render_answer(
    vocabulary: Vocabulary, field: Field, answer: Answer, language: str, time_zone: str
) -> tuple[str, bool]:
    """Return an answer as text in a language, and whether all its words were translated."""
    value = answer.value
    if field.kind == "time" and isinstance(value, str):
        return _time(value, time_zone), True
    if isinstance(value, dict):
        pairs = [(vocabulary.word(name, language), number) for name, number in value.items()]
        return ", ".join(f"{word} {number}" for (word, _), number in pairs), True
    if field.kind in {"choice", "flag"}:
        suffixed = f"{value}{field.word_suffix}"
        return vocabulary.word(suffixed if suffixed in vocabulary.words else str(value), language)
    if field.kind == "choices" and isinstance(value, list):
        words = [vocabulary.word(item, language) for item in value]
        return ", ".join(word for word, _ in words), all(translated for _, translated in words)
    if isinstance(value, list):
        return ("; " if all(len(item) < 60 for item in value) else "\n").join(value), True
    return str(value), True


def _time(value: str, zone: str) -> str:
    at = parse_time(value)
    local = at.astimezone(ZoneInfo(zone))
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M} (UTC{offset[:3]}:{offset[3:]})"
