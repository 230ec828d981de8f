"""Values of filings: the canonical fields, answers to them, forms, and what a filled form looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "FILING_KINDS",
    "Answer",
    "Category",
    "Field",
    "FilingLimits",
    "FilledField",
    "FilledForm",
    "Form",
    "FormField",
    "Impact",
    "Template",
    "Value",
]

Value = str | int | bool | list[str] | dict[str, int]

FILING_KINDS: Final = ("initial", "complete", "supplementary", "withdraw")


@dataclass(frozen=True, slots=True)
class FilingLimits:
    """Bounds on what filings read and keep.

    Attributes:
        text_max: Characters of one answer.
        answers_max: Answers in one file.
        proof_bytes_max: Size of a proof of submission.
        versions_max: Drafts of one filing.
    """

    text_max: int = 20_000
    answers_max: int = 500
    proof_bytes_max: int = 50_000_000
    versions_max: int = 9_999


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the canonical filing.

    Attributes:
        path: Its name, such as ``time.aware``.
        block: Block of the template.
        label: What it asks, in English.
        kind: text, list, choice, choices, flag, number, time, place, places or counts.
        origin: ``computed`` is never typed by hand, ``person`` is.
        need: always, conditional or optional.
        choices: Allowed values, where there are.
        only_if: Path and values that make a conditional field needed.
        may_be_public: Authorities may publish it.
        prose: Free text, which should be in the form's language.
        word_suffix: Tells apart values that mean different things in different fields.
    """

    path: str
    block: str
    label: str
    kind: str
    origin: str
    need: str
    choices: tuple[str, ...] = ()
    only_if: tuple[str, frozenset[str]] | None = None
    may_be_public: bool = False
    prose: bool = False
    word_suffix: str = ""


@dataclass(frozen=True, slots=True)
class Category:
    """A category of data in the template's sense."""

    id: str
    title: str
    elements: frozenset[str]


@dataclass(frozen=True, slots=True)
class Impact:
    """A possible impact on persons, suggested by data elements and segments."""

    id: str
    data_any: frozenset[str]
    segment_any: frozenset[str]


@dataclass(frozen=True, slots=True)
class Template:
    """The canonical filing."""

    id: str
    version: str
    source: str
    confidence: str
    blocks: Mapping[str, str]
    fields: Mapping[str, Field]
    categories: tuple[Category, ...]
    impacts: tuple[Impact, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a canonical field.

    Attributes:
        value: Text, number, flag, list or counts; times are RFC 3339.
        origin: Where it comes from: facts, severity, duties, records, or the person who wrote it.
        language: Of a text written by a person; empty where it does not matter.
    """

    value: Value
    origin: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of an authority's form.

    Attributes:
        number: Place in the form, such as ``B3``.
        section: Section title in the form's language.
        label: Label in the form's language.
        english: The same in English.
        paths: Canonical fields that answer it.
        must: Whether the form insists.
        may_be_public: Whether the answer may be published.
        characters_max: Longest answer, 0 for no limit known.
        words_max: Most words, 0 for no limit known.
    """

    number: str
    section: str
    label: str
    english: str
    paths: tuple[str, ...]
    must: bool
    may_be_public: bool
    characters_max: int = 0
    words_max: int = 0


@dataclass(frozen=True, slots=True)
class Form:
    """An authority's form as data.

    Attributes:
        jurisdictions: Places of the authority, ISO 3166; ``DE-*`` stands for every subdivision.
        instruments: Words one of which the instrument's id must hold; empty for any.
        kinds: The form's own names for the kinds of filing.
        time_zone: Zone in which times are shown.
    """

    id: str
    title: str
    english_title: str
    authority: str
    jurisdictions: tuple[str, ...]
    instruments: tuple[str, ...]
    language: str
    time_zone: str
    channel: str
    kinds: Mapping[str, str]
    note: str
    source: str
    read: str
    confidence: str
    published: bool
    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True)
class FilledField:
    """A field of a form with its answer as text; `problems` are in words, `missing` names what it still lacks.

    `asked` is False where the answers so far make the field pointless, such as reasons for a delay that there is not.
    """

    field: FormField
    text: str
    origins: tuple[str, ...]
    problems: tuple[str, ...]
    missing: tuple[str, ...]
    asked: bool


@dataclass(frozen=True, slots=True)
class FilledForm:
    """A form with its answers; `language` is that of the words, the form's own or English."""

    form: Form
    kind: str
    language: str
    fields: tuple[FilledField, ...]

    @property
    def missing(self) -> tuple[FilledField, ...]:
        """Fields that the form insists on and that lack something."""
        return tuple(field for field in self.fields if field.missing)
