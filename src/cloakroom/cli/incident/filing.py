"""`cloakroom filing`: draft, show, export and record filings to authorities. Nothing here is legal advice.

Everything is kept in the folder of the case (`--case`, by default `.cloakroom/case`), readable without this program.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cloakroom.adapters.pdf import Typesetter
from cloakroom.adapters.shelf import FolderShelf
from cloakroom.cli.incident.severity import read_text
from cloakroom.clock import SystemClock, parse_time
from cloakroom.crypto import sha256
from cloakroom.duty.duties import duty_to_json
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.facts import parse_facts
from cloakroom.duty.filings.amendments import changes_between
from cloakroom.duty.filings.answers import WrittenAnswers, parse_answers
from cloakroom.duty.filings.duties import due_filings, parse_duties
from cloakroom.duty.filings.filling import render_time
from cloakroom.duty.filings.forms import load_forms
from cloakroom.duty.filings.model import DueFiling, FilingLimits
from cloakroom.duty.filings.preparation import Case, Stationery, due_authorities, prepare_filing, refill
from cloakroom.duty.filings.records import FilingRecord, FilingRecords, answers_from_json, filing_id
from cloakroom.duty.filings.rendering import NOT_ADVICE, page_values, render_sheet
from cloakroom.duty.filings.template import load_template
from cloakroom.duty.filings.vocabulary import load_vocabulary
from cloakroom.duty.rulebook import packaged_rules
from cloakroom.duty.severity import assess_facts, load_method
from cloakroom.duty.severity.appraisal import Appraisal, check_decisions, parse_appraisal, risk_assessments
from cloakroom.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CaseFolder", "app", "load_case", "moment", "read_stationery", "register"]

app = typer.Typer(help="Filings to authorities: drafts, copy sheets, proofs. Not legal advice.", no_args_is_help=True)

CaseFolder = Annotated[Path, typer.Option("--case", envvar="CLOAKROOM_CASE", help="Folder of the case.")]
DEFAULT_CASE = Path(".cloakroom/case")


def register(parent: typer.Typer) -> None:
    """Add `filing` to the application."""
    parent.add_typer(app, name="filing")


@app.command()
def draft(
    facts: Annotated[Path, typer.Argument(help="The facts file (docs/reference/facts.md).")],
    *,
    answers: Annotated[Path | None, typer.Option(help="What people wrote (docs/reference/filings.md).")] = None,
    appraisal: Annotated[Path | None, typer.Option(help="What people judged and decided about severity.")] = None,
    duties: Annotated[
        Path | None, typer.Option(help="Output of `duties evaluate --json`; else evaluated now.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option("--for", help="Ids of duties or filings; else all due.")] = None,
    kind: Annotated[str, typer.Option(help="initial, complete, supplementary or withdraw; else what fits.")] = "",
    conditional: Annotated[bool, typer.Option("--conditional", help="Draft for conditional duties, too.")] = False,
    at: Annotated[str, typer.Option(help="As if it were this time (RFC 3339).")] = "",
    case: CaseFolder = DEFAULT_CASE,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Draft a filing for every due authority, and keep it as the next version."""
    records = FilingRecords(FolderShelf(case))
    stationery = read_stationery()
    known = load_case(facts, stationery, records, answers=answers, appraisal=appraisal, duties=duties)
    chosen = _choose(known.duties, only or [], conditional=conditional)
    now = moment(at)
    rows = []
    for duty in chosen:
        name = filing_id(duty.id)
        record = records.load(name) if records.has(name) else None
        prepared = prepare_filing(stationery, known, duty, at=now, kind=kind, record=record)
        if record is not None and _is_same(stationery, record, prepared.body):
            rows.append(_row(record.latest, "unchanged"))
        else:
            rows.append(_row(records.add_version(name, prepared.body), "drafted"))
    if json_output:
        typer.echo(json.dumps({"filings": rows, "advice": NOT_ADVICE}, indent=2, ensure_ascii=False))
    else:
        _print_rows(rows)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Id of the filing; without it, all are listed.")] = "",
    version: Annotated[int, typer.Option(help="Version; else the newest.")] = 0,
    case: CaseFolder = DEFAULT_CASE,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a filing as its copy sheet, or list all filings of the case."""
    records = FilingRecords(FolderShelf(case))
    if not name:
        rows = [_row(record.latest, _state(record)) for record in map(records.load, records.ids())]
        if json_output:
            typer.echo(json.dumps({"filings": rows, "advice": NOT_ADVICE}, indent=2, ensure_ascii=False))
        else:
            _print_rows(rows)
        return
    record = records.load(filing_id(name))
    body = _version(record, version)
    if json_output:
        typer.echo(json.dumps(_with_submissions(record, body), indent=2, ensure_ascii=False))
        return
    stationery = read_stationery()
    typer.echo(render_sheet(page_values(refill(stationery, body), body)), nl=False)
    for submission in record.submissions:
        typer.echo(
            f"\nSent: version {submission.version}, reference {submission.reference}, {submission.at}, ", nl=False
        )
        typer.echo(f"by {submission.by}; proof {submission.proof} (SHA-256 {submission.proof_hash})")


@app.command()
def export(
    to: Annotated[Path, typer.Option(help="Folder to write into.")],
    name: Annotated[str, typer.Argument(help="Id of the filing; without it, all.")] = "",
    version: Annotated[int, typer.Option(help="Version; else the newest.")] = 0,
    case: CaseFolder = DEFAULT_CASE,
) -> None:
    """Write a filing as PDF, as JSON, and as a copy sheet in the form's order."""
    records = FilingRecords(FolderShelf(case))
    stationery, typesetter = read_stationery(), Typesetter()
    to.mkdir(parents=True, exist_ok=True)
    for each in [filing_id(name)] if name else records.ids():
        record = records.load(each)
        body = _version(record, version)
        filled = refill(stationery, body)
        stem = f"{each}.v{body['version']}"
        printable = filled if typesetter.can_set(filled.language) else refill(stationery, body, language="en")
        typeset = typesetter.render("filing", page_values(printable, body), at=parse_time(body["made_at"]))
        _write(to / f"{stem}.pdf", typeset.pdf)
        _write(to / f"{stem}.txt", render_sheet(page_values(filled, body)).encode())
        plain = json.dumps(_with_submissions(record, body), indent=2, ensure_ascii=False)
        _write(to / f"{stem}.json", plain.encode() + b"\n")
        remark = "" if printable is filled else f" (PDF in English: no font for {filled.language} on this machine)"
        remark += "" if typeset.faithful else " (some characters have no font here: use the copy sheet)"
        typer.echo(f"{to / stem}.pdf, .txt, .json{remark}")


@app.command()
def submitted(
    name: Annotated[str, typer.Argument(help="Id of the filing.")],
    *,
    reference: Annotated[str, typer.Option(help="Reference number that the authority gave.")],
    proof: Annotated[Path, typer.Option(help="Proof: receipt, confirmation, screenshot. It is copied and hashed.")],
    by: Annotated[str, typer.Option(help="Who sent it.")],
    at: Annotated[str, typer.Option(help="When (RFC 3339); else now.")] = "",
    case: CaseFolder = DEFAULT_CASE,
) -> None:
    """Record that the newest version was sent, with the reference number and the proof."""
    limit = FilingLimits().proof_bytes_max
    try:
        with proof.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise InputError.at(str(proof), f"cannot be read: {error.strerror}") from error
    records = FilingRecords(FolderShelf(case))
    submission = records.add_submission(
        filing_id(name), reference=reference, at=moment(at), by=by, proof_name=proof.name, proof=data
    )
    typer.echo(f"Version {submission.version} of {filing_id(name)} sent, reference {submission.reference}.")
    record = records.load(filing_id(name))
    deadline = record.latest["duty"]["deadline"]
    if deadline and len(record.submissions) == 1 and parse_time(submission.at) > parse_time(deadline):
        typer.echo(f"This was after the deadline of {deadline}: the filing must give the reasons for the delay.")
    typer.echo(f"Proof kept as {submission.proof}, SHA-256 {submission.proof_hash}.")


def moment(text: str) -> datetime:
    """Return the time that an option names, or the time now.

    Raises:
        UsageError: It is not a time with an offset.
    """
    if not text:
        return SystemClock().now()
    try:
        return parse_time(text)
    except ValueError:
        raise UsageError("a time looks like 2026-03-02T09:00:00Z") from None


def load_case(
    facts: Path,
    stationery: Stationery,
    records: FilingRecords,
    *,
    answers: Path | None = None,
    appraisal: Path | None = None,
    duties: Path | None = None,
) -> Case:
    """Read everything that is known about an incident, and evaluate what follows from it."""
    text = read_text(facts)
    parsed = parse_facts(text, str(facts))
    method = load_method()
    judged = Appraisal()
    if appraisal is not None:
        judged = parse_appraisal(read_text(appraisal), str(appraisal), method)
    assessment = assess_facts(method, parsed, judged.contexts)
    check_decisions(assessment, judged.decisions, str(appraisal or facts))
    written = WrittenAnswers("", {}, {})
    if answers is not None:
        written = parse_answers(read_text(answers), str(answers), stationery.template)
    kept = [records.load(name) for name in records.ids()]
    if duties is not None:
        due = parse_duties(read_text(duties), str(duties))
    else:
        done = {r.latest["duty"]["id"]: parse_time(r.submissions[0].at) for r in kept if r.submissions}
        risks = risk_assessments(assessment, judged.decisions)
        found = evaluate_duties(parsed, packaged_rules(), risks, done=done)
        due = due_filings([duty_to_json(duty) for duty in found])
    sent = [(r.latest["duty"], r.reference) for r in kept if r.submissions]
    told = tuple((duty["id"], f"{duty['recipient']} ({reference})") for duty, reference in sent)
    return Case(parsed, sha256(text.encode()).hex(), assessment, judged.decisions, due, written, told)


def read_stationery() -> Stationery:
    """Return template, forms and words that ship with the product."""
    template = load_template()
    return Stationery(template, load_forms(template), load_vocabulary())


def _choose(duties: Sequence[DueFiling], only: list[str], *, conditional: bool) -> list[DueFiling]:
    open_to = {"due", "conditional"} if conditional or only else {"due"}
    candidates = [duty for duty in due_authorities(duties) if duty.status in open_to]
    if not only:
        return candidates
    wanted = {filing_id(name) for name in only}
    chosen = [duty for duty in candidates if filing_id(duty.id) in wanted]
    if len(chosen) < len(wanted):
        raise UsageError("--for names something that is not a due or conditional duty towards an authority")
    return chosen


def _is_same(stationery: Stationery, record: FilingRecord, body: dict[str, Any]) -> bool:
    latest = record.latest
    if latest["kind"] != body["kind"] or any(s.version == latest["version"] for s in record.submissions):
        return False
    before, after = answers_from_json(latest["answers"]), answers_from_json(body["answers"])
    return not changes_between(stationery.template, before, after) and latest["missing"] == body["missing"]


def _version(record: FilingRecord, number: int) -> dict[str, Any]:
    if number and not 1 <= number <= len(record.versions):
        raise UsageError(f"{record.id} has versions 1 to {len(record.versions)}")
    return record.versions[number - 1] if number else record.latest


def _with_submissions(record: FilingRecord, body: dict[str, Any]) -> dict[str, Any]:
    sent = [{slot: getattr(s, slot) for slot in s.__slots__} for s in record.submissions]
    return {**body, "submissions": sent}


def _state(record: FilingRecord) -> str:
    if not record.submissions:
        return "draft"
    last = record.submissions[-1]
    if last.version == len(record.versions):
        return f"sent, {last.reference}"
    return f"version {last.version} sent, {last.reference}; newer draft"


def _row(version: dict[str, Any], state: str) -> dict[str, Any]:
    duty = version["duty"]
    return {
        "id": version["filing"],
        "authority": duty["recipient"],
        "jurisdiction": duty["jurisdiction"],
        "controller": duty["controller"],
        "kind": version["kind"],
        "version": version["version"],
        "form": version["form"],
        "deadline": duty["deadline"],
        "confidence": duty["confidence"],
        "missing": [f"{number}: {', '.join(parts)}" for number, parts in version["missing"]],
        "changes": version["changes"],
        "state": state,
    }


def _print_rows(rows: list[dict[str, Any]]) -> None:
    console = Console()
    table = Table(box=None, padding=(0, 1))
    for heading in ("Filing", "Authority", "Kind", "Version", "Deadline", "Missing", "Mark", "State"):
        table.add_column(heading, overflow="fold", min_width=len(heading))
    for row in rows:
        deadline = render_time(row["deadline"], "UTC")[:16] + " UTC" if row["deadline"] else "no fixed number"
        cells = [row["id"], row["authority"], row["kind"], str(row["version"]), deadline, str(len(row["missing"]))]
        table.add_row(*(Text(str(cell)) for cell in [*cells, row["confidence"], row["state"]]))
    console.print(table if rows else Text("No filing is due."))
    console.print(Text(NOT_ADVICE, style="dim"))


def _write(place: Path, data: bytes) -> None:
    try:
        place.write_bytes(data)
    except OSError as error:
        raise InputError.at(str(place), f"cannot be written: {error.strerror}") from error
