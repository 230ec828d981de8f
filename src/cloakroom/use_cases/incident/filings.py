"""Draft, show, export and record filings to authorities, in the folder of a case. Not legal advice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloakroom.adapters.case_folder import CaseFolder
from cloakroom.adapters.legal_data import load_form_library, load_rules
from cloakroom.adapters.named_files import read_file, write_file
from cloakroom.adapters.pdf import Typesetter
from cloakroom.clock import parse_time
from cloakroom.duty.duties import Duty, parse_duties
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.filings.amendments import changes_between
from cloakroom.duty.filings.answers import WrittenAnswers, parse_answers
from cloakroom.duty.filings.model import FilingLimits
from cloakroom.duty.filings.preparation import (
    Case,
    FormLibrary,
    ToldAuthority,
    due_authorities,
    prepare_filing,
    refill,
)
from cloakroom.duty.filings.records import FilingRecord, Submission, answers_from_json, filing_id, submission_to_json
from cloakroom.duty.filings.rendering import page_values, render_sheet
from cloakroom.errors import UsageError
from cloakroom.use_cases.incident.filing_records import FilingRecords
from cloakroom.use_cases.incident.severity import assess_incident, read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

__all__ = [
    "CaseFiles",
    "DraftedFiling",
    "ExportedFiling",
    "RecordedSubmission",
    "copy_sheet",
    "draft_filings",
    "export_filings",
    "filing_document",
    "find_filing",
    "list_filings",
    "load_case",
    "record_submission",
]


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """Files about an incident.

    Attributes:
        facts: The facts file.
        answers: What people wrote.
        appraisal: What people judged and decided about severity.
        duties: Duties as they were evaluated before; else they are evaluated.
    """

    facts: Path
    answers: Path | None = None
    appraisal: Path | None = None
    duties: Path | None = None


@dataclass(frozen=True, slots=True)
class DraftedFiling:
    """The newest version of a filing, and whether it was made just now."""

    version: dict[str, Any]
    is_new: bool


@dataclass(frozen=True, slots=True)
class ExportedFiling:
    """A filing that was written as PDF, copy sheet and JSON.

    Attributes:
        stem: Path of the three files without their endings.
        language: Language of the form.
        in_english: The PDF is in English, since no font of this machine has the form's script.
        faithful: The PDF shows every character.
    """

    stem: Path
    language: str
    in_english: bool
    faithful: bool


@dataclass(frozen=True, slots=True)
class RecordedSubmission:
    """The sending of a version; `missed` is the deadline that the first submission came after, empty if none."""

    filing: str
    submission: Submission
    missed: str


def load_case(files: CaseFiles, library: FormLibrary, records: Iterable[FilingRecord]) -> Case:
    """Read everything that is known about an incident, and evaluate what follows from it.

    Args:
        files: What people wrote.
        library: The canonical filing that answers are read against.
        records: The filings so far: what was sent starts clocks, and is told to other authorities.

    Raises:
        InputError: With every mistake of a file.
    """
    incident = assess_incident(files.facts, files.appraisal)
    written = WrittenAnswers("", {}, {})
    if files.answers is not None:
        written = parse_answers(read_document(files.answers), str(files.answers), library.template)
    sent = [record for record in records if record.submissions]
    if files.duties is not None:
        duties = parse_duties(read_document(files.duties), str(files.duties))
    else:
        done = {record.latest["duty"]["id"]: parse_time(record.submissions[0].at) for record in sent}
        duties = evaluate_duties(incident.facts, load_rules(with_cases=False), incident.risks, done=done)
    return Case(
        facts=incident.facts,
        facts_hash=incident.facts_hash,
        assessment=incident.assessment,
        decisions=incident.decisions,
        duties=duties,
        written=written,
        told=tuple(_told(record) for record in sent),
    )


def _told(record: FilingRecord) -> ToldAuthority:
    duty = record.latest["duty"]
    return ToldAuthority(duty["id"], duty["controller"], f"{duty['recipient']} ({record.reference})")


def draft_filings(
    folder: Path,
    files: CaseFiles,
    *,
    at: datetime,
    only: Sequence[str] = (),
    kind: str = "",
    conditional: bool = False,
) -> tuple[DraftedFiling, ...]:
    """Draft a filing for every due authority, and keep what differs as the next version.

    Args:
        folder: Folder of the case.
        files: What people wrote.
        at: Now.
        only: Ids of duties or filings; all that are due where there are none.
        kind: One of `FILING_KINDS`; empty for what fits.
        conditional: Draft for conditional duties, too.

    Raises:
        InputError: With every mistake of a file.
        UsageError: `only` names something else than a duty towards an authority, or the kind does not fit.
        TamperedError: An earlier version was altered.
    """
    records, library = FilingRecords(CaseFolder(folder)), load_form_library()
    case = load_case(files, library, records.all())
    drafted = []
    for duty in _choose(case.duties, only, conditional=conditional):
        name = filing_id(duty.id)
        record = records.find(name)
        body = prepare_filing(library, case, duty, at=at, kind=kind, record=record)
        if record is not None and _is_same(library, record, body):
            drafted.append(DraftedFiling(record.latest, is_new=False))
        else:
            drafted.append(DraftedFiling(records.add_version(name, body), is_new=True))
    return tuple(drafted)


def _choose(duties: Sequence[Duty], only: Sequence[str], *, conditional: bool) -> list[Duty]:
    statuses = {"due", "conditional"} if conditional or only else {"due"}
    candidates = [duty for duty in due_authorities(duties) if duty.status in statuses]
    if not only:
        return candidates
    wanted = {filing_id(name) for name in only}
    chosen = [duty for duty in candidates if filing_id(duty.id) in wanted]
    if len(chosen) < len(wanted):
        raise UsageError("--for names something that is not a due or conditional duty towards an authority")
    return chosen


def _is_same(library: FormLibrary, record: FilingRecord, body: dict[str, Any]) -> bool:
    latest = record.latest
    if latest["kind"] != body["kind"] or record.is_sent(latest["version"]):
        return False
    before, after = answers_from_json(latest["answers"]), answers_from_json(body["answers"])
    return not changes_between(library.template, before, after) and latest["missing"] == body["missing"]


def list_filings(folder: Path) -> tuple[FilingRecord, ...]:
    """Return all filings of a case.

    Raises:
        TamperedError: A version is missing or altered.
    """
    return FilingRecords(CaseFolder(folder)).all()


def find_filing(folder: Path, name: str, version: int = 0) -> tuple[FilingRecord, dict[str, Any]]:
    """Return a filing and one of its versions.

    Args:
        folder: Folder of the case.
        name: Id of the filing or of its duty.
        version: Number of the version; 0 for the newest.

    Raises:
        UsageError: There is no such filing or version.
        TamperedError: A version is missing or altered.
    """
    record = FilingRecords(CaseFolder(folder)).load(filing_id(name))
    return record, _version(record, version)


def _version(record: FilingRecord, number: int) -> dict[str, Any]:
    if number and not 1 <= number <= len(record.versions):
        raise UsageError(f"{record.id} has versions 1 to {len(record.versions)}")
    return record.versions[number - 1] if number else record.latest


def copy_sheet(version: dict[str, Any]) -> str:
    """Return a version as its copy sheet: answers in the order of the authority's form.

    Raises:
        UsageError: The form does not ship any more.
    """
    return render_sheet(page_values(refill(load_form_library(), version), version))


def filing_document(record: FilingRecord, version: dict[str, Any]) -> dict[str, Any]:
    """Return a version with all submissions of its filing, as plain values."""
    return {**version, "submissions": [submission_to_json(submission) for submission in record.submissions]}


def export_filings(folder: Path, to: Path, *, name: str = "", version: int = 0) -> Iterator[ExportedFiling]:
    """Write filings as PDF, as JSON, and as copy sheets; yield each when it is written.

    Args:
        folder: Folder of the case.
        to: Folder to write into; made where it is missing.
        name: Id of the filing or of its duty; empty for all filings.
        version: Number of the version; 0 for the newest.

    Raises:
        InputError: A file cannot be written.
        UsageError: There is no such filing or version, or its form does not ship any more.
        TamperedError: A version is missing or altered.
    """
    records = FilingRecords(CaseFolder(folder))
    library, typesetter = load_form_library(), Typesetter()
    to.mkdir(parents=True, exist_ok=True)
    for each in [filing_id(name)] if name else records.ids():
        record = records.load(each)
        yield _export(record, _version(record, version), to, library, typesetter)


def _export(
    record: FilingRecord, version: dict[str, Any], to: Path, library: FormLibrary, typesetter: Typesetter
) -> ExportedFiling:
    filled = refill(library, version)
    in_english = not typesetter.can_set(filled.language)
    printable = refill(library, version, language="en") if in_english else filled
    made_at = parse_time(version["made_at"])
    typeset = typesetter.render("filing", page_values(printable, version), at=made_at)
    plain = json.dumps(filing_document(record, version), indent=2, ensure_ascii=False)
    stem = to / f"{record.id}.v{version['version']}"
    write_file(stem.with_name(f"{stem.name}.pdf"), typeset.pdf)
    write_file(stem.with_name(f"{stem.name}.txt"), render_sheet(page_values(filled, version)).encode())
    write_file(stem.with_name(f"{stem.name}.json"), plain.encode() + b"\n")
    return ExportedFiling(stem, filled.language, in_english, typeset.faithful)


def record_submission(
    folder: Path, name: str, *, reference: str, proof: Path, by: str, at: datetime
) -> RecordedSubmission:
    """Record that the newest version of a filing was sent, and keep the proof.

    Args:
        folder: Folder of the case.
        name: Id of the filing or of its duty.
        reference: Number that the authority gave.
        proof: Receipt, confirmation or screenshot.
        by: Who sent it.
        at: When.

    Raises:
        InputError: The proof cannot be read, or is too large.
        UsageError: There is no such filing, it was sent already, or something is missing.
    """
    data = read_file(proof, bytes_max=FilingLimits().proof_bytes_max)
    records = FilingRecords(CaseFolder(folder))
    submission = records.add_submission(
        filing_id(name), reference=reference, at=at, by=by, proof_name=proof.name, proof=data
    )
    record = records.load(filing_id(name))
    deadline = record.latest["duty"]["deadline"]
    is_late = deadline and len(record.submissions) == 1 and parse_time(submission.at) > parse_time(deadline)
    return RecordedSubmission(record.id, submission, deadline if is_late else "")
