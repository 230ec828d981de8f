"""One filing without effects: draft it, compare it with what was sent, fill the form, say what is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cloakroom.clock import format_time, parse_time
from cloakroom.duty.duties import duty_to_json
from cloakroom.duty.filings.amendments import changes_between, render_change
from cloakroom.duty.filings.drafting import Draft, Earlier, deciding_with, draft_filing
from cloakroom.duty.filings.filling import fill_form, missing_canonical
from cloakroom.duty.filings.forms import form_for
from cloakroom.duty.filings.model import FILING_KINDS, Answer, FilledForm, Form, Template
from cloakroom.duty.filings.records import FilingRecord, answers_from_json, answers_to_json
from cloakroom.duty.filings.rendering import NOT_ADVICE
from cloakroom.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cloakroom.duty.duties import Duty
    from cloakroom.duty.facts import Facts
    from cloakroom.duty.filings.answers import WrittenAnswers
    from cloakroom.duty.filings.vocabulary import Vocabulary
    from cloakroom.duty.severity.appraisal import Decision
    from cloakroom.duty.severity.model import Assessment

__all__ = ["Case", "FormLibrary", "ToldAuthority", "due_authorities", "prepare_filing", "refill"]


@dataclass(frozen=True, slots=True)
class FormLibrary:
    """The canonical filing, the forms of authorities and the words for them."""

    template: Template
    forms: tuple[Form, ...]
    vocabulary: Vocabulary


@dataclass(frozen=True, slots=True)
class ToldAuthority:
    """An authority that was sent something: the duty and its controller, and the authority with its reference."""

    duty: str
    controller: str
    words: str


@dataclass(frozen=True, slots=True)
class Case:
    """An incident as far as it is known, with all that follows from it.

    Attributes:
        facts: The facts.
        facts_hash: SHA-256 of the facts file, hex.
        assessment: Severity.
        decisions: What named persons decided about it.
        duties: All evaluated duties.
        written: What people wrote.
        told: The authorities that were sent something, for the list of others.
    """

    facts: Facts
    facts_hash: str
    assessment: Assessment
    decisions: tuple[Decision, ...]
    duties: tuple[Duty, ...]
    written: WrittenAnswers
    told: tuple[ToldAuthority, ...] = ()


def prepare_filing(
    library: FormLibrary,
    case: Case,
    duty: Duty,
    *,
    at: datetime,
    kind: str = "",
    record: FilingRecord | None = None,
) -> dict[str, Any]:
    """Return the body of the next version of the filing for a duty; `refill` gives its form.

    Args:
        library: Template, forms, words.
        case: What is known.
        duty: The duty to file for.
        at: Now.
        kind: One of `FILING_KINDS`; empty for initial, or supplementary once something was sent.
        record: The filing so far, if there is one.

    Raises:
        UsageError: The kind does not fit what was sent so far.
    """
    sent = None if record is None else record.sent
    kind = _kind(kind, has_sent=sent is not None)
    form = form_for(library.forms, duty)
    controllers = deciding_with(case.facts, duty.controller)
    told = tuple(item.words for item in case.told if item.controller in controllers and item.duty != duty.id)
    earlier = Earlier(told=told)
    if record is not None and record.submissions:
        first = parse_time(record.submissions[0].at)
        earlier = Earlier(reference=record.reference, first_sent=first, told=told)
    draft = _draft(library, case, duty, kind=kind, form=form, at=at, earlier=earlier)
    changes: tuple[str, ...] = ()
    if sent is not None:
        differing = changes_between(library.template, answers_from_json(sent["answers"]), draft.answers)
        changes = tuple(render_change(change) for change in differing)
        earlier = replace(earlier, changes=changes)
        draft = _draft(library, case, duty, kind=kind, form=form, at=at, earlier=earlier)
    draft = _with_completeness(library, form, draft)
    filled = fill_form(library.template, library.vocabulary, form, draft)
    return {
        "form": form.id,
        "kind": kind,
        "made_at": format_time(at),
        "facts_hash": case.facts_hash,
        "method": case.assessment.method,
        "duty": _duty_values(duty),
        "controller_name": case.facts.controller(duty.controller).name,
        "answers": answers_to_json(draft.answers),
        "changes": list(changes),
        "missing": [[entry.field.number, list(entry.missing)] for entry in filled.missing],
        "missing_canonical": [field.path for field in missing_canonical(library.template, draft.answers)],
        "advice": NOT_ADVICE,
    }


def refill(library: FormLibrary, version: dict[str, Any], *, language: str | None = None) -> FilledForm:
    """Fill the form of a kept version again, as it was drafted.

    Raises:
        UsageError: The form does not ship any more.
    """
    form = next((form for form in library.forms if form.id == version["form"]), None)
    if form is None:
        raise UsageError(f"the form {version['form']} of this filing is not known here")
    draft = Draft(version["kind"], answers_from_json(version["answers"]))
    return fill_form(library.template, library.vocabulary, form, draft, language=language)


def _kind(kind: str, *, has_sent: bool) -> str:
    kind = kind or ("supplementary" if has_sent else "initial")
    if kind not in FILING_KINDS:
        raise UsageError("a filing is one of " + ", ".join(FILING_KINDS))
    if kind in {"supplementary", "withdraw"} and not has_sent:
        raise UsageError(f"a {kind} filing follows one that was sent; record that with `cloakroom filing submitted`")
    if kind == "initial" and has_sent:
        raise UsageError("the initial filing was sent already; what follows is complete, supplementary or withdraw")
    return kind


def _draft(
    library: FormLibrary,
    case: Case,
    duty: Duty,
    *,
    kind: str,
    form: Form,
    at: datetime,
    earlier: Earlier,
) -> Draft:
    return draft_filing(
        library.template,
        case.facts,
        case.assessment,
        case.duties,
        duty,
        kind=kind,
        language=form.language,
        at=at,
        written=case.written,
        decisions=case.decisions,
        earlier=earlier,
    )


def _with_completeness(library: FormLibrary, form: Form, draft: Draft) -> Draft:
    """Say "complete" only where the form lacks nothing; the answer itself is one of the form's fields."""
    trial = {**draft.answers, "type.completeness": Answer("complete", "records")}
    filled = fill_form(library.template, library.vocabulary, form, replace(draft, answers=trial))
    word = "incomplete" if filled.missing else "complete"
    return replace(draft, answers={**draft.answers, "type.completeness": Answer(word, "records")})


def _duty_values(duty: Duty) -> dict[str, Any]:
    """Return what a draft says of its duty: the published form without the clock, the deadline in UTC."""
    values = {**duty_to_json(duty), "deadline": format_time(duty.deadline) if duty.deadline is not None else None}
    del values["clock"]
    return values


def due_authorities(duties: Sequence[Duty]) -> tuple[Duty, ...]:
    """Return the duties towards authorities that are due, or may be."""
    return tuple(
        duty for duty in duties if duty.recipient_kind == "authority" and duty.status in {"conditional", "due"}
    )
