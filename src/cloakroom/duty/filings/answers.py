"""Answers that people write, in a TOML file: contact details, what happened, what was done.

Keys are the canonical paths, in quotes; `[answers]` holds those in the language that `language` names, `[answers.fr]`
those in French, and so on; `[controller.<id>]` holds answers of one controller only. Computed fields are refused:
numbers, times of the incident, data and risk come from facts and severity, never from typing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloakroom.clock import format_time
from cloakroom.duty.filings.model import Answer, Field, FilingLimits, Template, Value
from cloakroom.errors import InputError
from cloakroom.toml import DocumentLimits, Table, parse_document

if TYPE_CHECKING:
    from collections.abc import Mapping

# A single line break only wraps the text in the file; an empty line is a paragraph.
_LINE_BREAK = re.compile(r"(?<!\n)[ \t]*\n(?!\n)[ \t]*")

__all__ = ["WrittenAnswers", "parse_answers"]


@dataclass(frozen=True, slots=True)
class WrittenAnswers:
    """Answers as people wrote them.

    Attributes:
        by: Who.
        everywhere: Path and language to answer.
        of_controller: The same for one controller.
    """

    by: str
    everywhere: Mapping[tuple[str, str], Answer]
    of_controller: Mapping[str, Mapping[tuple[str, str], Answer]]

    def best(self, path: str, controller: str, language: str) -> Answer | None:
        """Return the answer for a controller, in `language` if there is one, else in any."""
        for answers in (self.of_controller.get(controller, {}), self.everywhere):
            exact = answers.get((path, language))
            if exact is not None:
                return exact
            others = [answer for (name, _), answer in answers.items() if name == path]
            if others:
                return others[0]
        return None


def parse_answers(
    text: str, source: str, template: Template, *, limits: FilingLimits | None = None
) -> WrittenAnswers:
    """Read an answers file.

    Raises:
        InputError: With every mistake and its line; a value is never repeated.
    """
    limits = limits or FilingLimits()
    root = parse_document(
        text, source, limits=DocumentLimits(text_max=limits.text_max), error=InputError, semicolons=True
    )
    language = root.text("language")
    by = root.text("by")
    answers = root.table("answers")
    everywhere = _answers(answers, template, language, by) if answers is not None else {}
    of_controller: dict[str, Mapping[tuple[str, str], Answer]] = {}
    controllers = root.table("controller")
    if controllers is not None:
        for name in controllers.values:
            table = controllers.table(name)
            if table is not None:
                of_controller[name] = _answers(table, template, language, by)
    if len(everywhere) > limits.answers_max:
        root.report("answers", f"has more than {limits.answers_max} answers")
    root.close()
    root.check()
    return WrittenAnswers(by, everywhere, of_controller)


def _answers(table: Table, template: Template, language: str, by: str) -> dict[tuple[str, str], Answer]:
    found: dict[tuple[str, str], Answer] = {}
    for key, value in table.values.items():
        if isinstance(value, dict):
            if len(key) != 2 or not key.islower():
                table.report(key, "is neither an answer nor a language such as fr; write paths in quotes")
                table.taken.add(key)
                continue
            inner = table.table(key)
            if inner is not None:
                found.update(_answers(inner, template, key, by))
            continue
        answer = _answer(table, key, template.fields.get(key), language, by)
        if answer is not None:
            found[key, language] = answer
    return found


def _answer(table: Table, key: str, field: Field | None, language: str, by: str) -> Answer | None:
    table.taken.add(key)
    if field is None:
        table.report(key, "is not a field of the canonical filing (docs/reference/filings.md lists them)")
        return None
    if field.origin == "computed":
        table.report(key, "is computed from the facts and cannot be typed")
        return None
    value = _value(table, key, field)
    if value is None or value == "":
        table.report(key, "is empty; leave the key out instead")
        return None
    return Answer(value, f"written by {by}", language if field.prose else "")


def _value(table: Table, key: str, field: Field) -> Value | None:
    if field.kind == "flag":
        return "yes" if table.flag(key, default=False) else "no"
    if field.kind == "number":
        return table.number(key)
    if field.kind == "time":
        at = table.time(key)
        return None if at is None else format_time(at)
    if field.kind == "list":
        return list(table.texts(key))
    if field.kind == "choice":
        return table.text(key, choices=frozenset(field.choices))
    return _LINE_BREAK.sub(" ", table.text(key).strip())
