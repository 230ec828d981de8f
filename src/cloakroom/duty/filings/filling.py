"""A form filled from a draft: text for each field in the form's language and order, and what is not right yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel import Locale

from cloakroom.clock import parse_time
from cloakroom.duty.filings.model import Answer, Field, FilledField, FilledForm, Form, FormField, Template, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cloakroom.duty.filings.drafting import Draft
    from cloakroom.duty.filings.vocabulary import Vocabulary

__all__ = ["fill_form", "is_needed", "missing_canonical", "place_name", "render_answer", "render_time"]


@dataclass(frozen=True, slots=True)
class _Page:
    """A form on its way to being filled, with everything that rendering a field needs."""

    template: Template
    vocabulary: Vocabulary
    form: Form
    language: str
    answers: Mapping[str, Answer]


def fill_form(
    template: Template, vocabulary: Vocabulary, form: Form, draft: Draft, *, language: str | None = None
) -> FilledForm:
    """Fill `form` from `draft`, its words in `language` where that is not the form's own.

    A field that the form insists on lacks each canonical field behind it that the template calls for and nobody
    answered; one whose parts are all optional lacks something if no part is answered.
    """
    page = _Page(template, vocabulary, form, language or form.language, draft.answers)
    return FilledForm(form, draft.kind, page.language, tuple(_fill(page, field) for field in form.fields))


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
    answered = [path for path in field.paths if path in page.answers]
    for path in answered:
        answer = page.answers[path]
        text, remarks = _render(page, page.template.fields[path], answer)
        if path == "time.end" and "time.begin" in answered:
            parts[-1] = f"{parts[-1]} – {text}"
        else:
            parts.append(_labelled(page, path, text) if len(answered) > 1 else text)
        problems.extend(remark for remark in remarks if remark not in problems)
        if answer.origin not in origins:
            origins.append(answer.origin)
    text = _join(parts)
    problems.extend(_limits(field, text))
    asked = bool(text) or any(is_needed(page.template.fields[path], page.answers) for path in field.paths)
    return FilledField(field, text, tuple(origins), tuple(problems), _missing(page, field, text), asked)


def _missing(page: _Page, field: FormField, text: str) -> tuple[str, ...]:
    """Return the labels of what a mandatory field still lacks."""
    if not field.must:
        return ()
    asked = [
        page.template.fields[path] for path in field.paths if is_needed(page.template.fields[path], page.answers)
    ]
    lacking = tuple(part.label for part in asked if part.need != "optional" and part.path not in page.answers)
    return lacking or ((asked[0].label,) if asked and not text else ())


def _labelled(page: _Page, path: str, text: str) -> str:
    """Put a short label before an answer that says nothing by itself, such as a time or a yes."""
    label = f"label_{path.replace('.', '_')}"
    if label not in page.vocabulary.words:
        return text
    return f"{page.vocabulary.word(label, page.language)[0]}: {text}"


def _join(parts: list[str]) -> str:
    sentences = any("\n" in part or len(part) > 80 or part.endswith((".", "!", "?", "…", "。")) for part in parts)
    return ("\n" if sentences else "; ").join(parts)


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
    if field.path == "type.kind" and page.language == page.form.language:
        return page.form.kinds.get(str(answer.value), str(answer.value)), remarks
    text, translated = render_answer(page.vocabulary, field, answer, page.language, page.form.time_zone)
    if not translated:
        remarks.append(f"no word in {page.language}: shown in English")
    return text, remarks


def render_answer(
    vocabulary: Vocabulary, field: Field, answer: Answer, language: str, time_zone: str
) -> tuple[str, bool]:
    """Return an answer as text in a language, and whether all its words were translated."""
    value = answer.value
    if field.kind in {"counts", "place", "places", "time"}:
        return _render_known(vocabulary, value, language, time_zone), True
    if field.kind in {"choice", "flag"}:
        suffixed = f"{value}{field.word_suffix}"
        return vocabulary.word(suffixed if suffixed in vocabulary.words else str(value), language)
    if field.kind == "choices" and isinstance(value, list):
        words = [vocabulary.word(item, language) for item in value]
        return ", ".join(word for word, _ in words), all(translated for _, translated in words)
    if isinstance(value, list):
        return ("; " if all(len(item) < 60 for item in value) else "\n").join(value), True
    return str(value), True


def _render_known(vocabulary: Vocabulary, value: Value, language: str, time_zone: str) -> str:
    """Render what needs no translation of ours: times, places, counts by place or segment."""
    if isinstance(value, dict):
        ordered = sorted(value.items(), key=lambda pair: (-pair[1], pair[0]))
        return ", ".join(f"{_name(vocabulary, name, language)} {number}" for name, number in ordered)
    if isinstance(value, list):
        return ", ".join(place_name(code, language) for code in value)
    text = str(value)
    return place_name(text, language) if len(text) == 2 else render_time(text, time_zone)


def _name(vocabulary: Vocabulary, name: str, language: str) -> str:
    return place_name(name, language) if name.isupper() else vocabulary.word(name, language)[0]


def place_name(code: str, language: str) -> str:
    """Return the name of an ISO 3166-1 place in a language (CLDR) with its code; the code alone without a name."""
    if code == "ZZ":
        return "unknown residence (ZZ)"
    name = Locale(language).territories.get(code)
    return f"{name} ({code})" if name else code


def render_time(value: str, zone: str) -> str:
    """Return an RFC 3339 time in a zone, with its offset."""
    at = parse_time(value)
    local = at.astimezone(ZoneInfo(zone))
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M} (UTC{offset[:3]}:{offset[3:]})"
