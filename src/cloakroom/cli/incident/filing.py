"""`cloakroom filing`: draft, show, export and record filings to authorities. Nothing here is legal advice.

Everything is kept in the folder of the case (`--case`, by default `.cloakroom/case`), readable without this program.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloakroom.cli.incident.options import (
    DEFAULT_CASE,
    AnswersPath,
    AppraisalPath,
    At,
    CaseOption,
    DutiesPath,
    FactsPath,
)
from cloakroom.cli.output import JsonOption, moment, print_columns, print_json, say
from cloakroom.duty.filings.filling import render_time
from cloakroom.duty.filings.rendering import NOT_ADVICE
from cloakroom.use_cases.incident.filings import (
    CaseFiles,
    copy_sheet,
    draft_filings,
    export_filings,
    filing_document,
    find_filing,
    list_filings,
    record_submission,
)

if TYPE_CHECKING:
    from cloakroom.duty.filings.records import FilingRecord
    from cloakroom.use_cases.incident.filings import ExportedFiling

__all__ = ["app", "register"]

app = typer.Typer(help="Filings to authorities: drafts, copy sheets, proofs. Not legal advice.", no_args_is_help=True)

Version = Annotated[int, typer.Option(help="Version; else the newest.")]


def register(parent: typer.Typer) -> None:
    """Add `filing` to the application."""
    parent.add_typer(app, name="filing")


@app.command()
def draft(
    facts: FactsPath,
    *,
    answers: AnswersPath = None,
    appraisal: AppraisalPath = None,
    duties: DutiesPath = None,
    only: Annotated[list[str] | None, typer.Option("--for", help="Ids of duties or filings; else all due.")] = None,
    kind: Annotated[str, typer.Option(help="initial, complete, supplementary or withdraw; else what fits.")] = "",
    conditional: Annotated[bool, typer.Option("--conditional", help="Draft for conditional duties, too.")] = False,
    at: At = "",
    case: CaseOption = DEFAULT_CASE,
    json_output: JsonOption = False,
) -> None:
    """Draft a filing for every due authority, and keep it as the next version."""
    files = CaseFiles(facts, answers, appraisal, duties)
    drafted = draft_filings(case, files, at=moment(at), only=only or [], kind=kind, conditional=conditional)
    _print_rows(
        [_row(filing.version, "drafted" if filing.is_new else "unchanged") for filing in drafted], as_json=json_output
    )


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Id of the filing; without it, all are listed.")] = "",
    version: Version = 0,
    case: CaseOption = DEFAULT_CASE,
    json_output: JsonOption = False,
) -> None:
    """Show a filing as its copy sheet, or list all filings of the case."""
    if not name:
        _print_rows([_row(record.latest, _state(record)) for record in list_filings(case)], as_json=json_output)
        return
    record, body = find_filing(case, name, version)
    if json_output:
        print_json(filing_document(record, body))
        return
    say(copy_sheet(body).removesuffix("\n"))
    for submission in record.submissions:
        say(
            f"\nSent: version {submission.version}, reference {submission.reference}, {submission.at}, "
            f"by {submission.by}; proof {submission.proof} (SHA-256 {submission.proof_hash})"
        )


@app.command()
def export(
    to: Annotated[Path, typer.Option(help="Folder to write into.")],
    name: Annotated[str, typer.Argument(help="Id of the filing; without it, all.")] = "",
    version: Version = 0,
    case: CaseOption = DEFAULT_CASE,
) -> None:
    """Write a filing as PDF, as JSON, and as a copy sheet in the form's order."""
    for exported in export_filings(case, to, name=name, version=version):
        say(f"{exported.stem}.pdf, .txt, .json{_remark(exported)}")


def _remark(exported: ExportedFiling) -> str:
    remark = f" (PDF in English: no font for {exported.language} on this machine)" if exported.in_english else ""
    return remark + ("" if exported.faithful else " (some characters have no font here: use the copy sheet)")


@app.command()
def submitted(
    name: Annotated[str, typer.Argument(help="Id of the filing.")],
    *,
    reference: Annotated[str, typer.Option(help="Reference number that the authority gave.")],
    proof: Annotated[Path, typer.Option(help="Proof: receipt, confirmation, screenshot. It is copied and hashed.")],
    by: Annotated[str, typer.Option(help="Who sent it.")],
    at: Annotated[str, typer.Option(help="When (RFC 3339); else now.")] = "",
    case: CaseOption = DEFAULT_CASE,
) -> None:
    """Record that the newest version was sent, with the reference number and the proof."""
    recorded = record_submission(case, name, reference=reference, proof=proof, by=by, at=moment(at))
    submission = recorded.submission
    say(f"Version {submission.version} of {recorded.filing} sent, reference {submission.reference}.")
    if recorded.missed:
        say(f"This was after the deadline of {recorded.missed}: the filing must give the reasons for the delay.")
    say(f"Proof kept as {submission.proof}, SHA-256 {submission.proof_hash}.")


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


def _print_rows(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"filings": rows, "advice": NOT_ADVICE})
        return
    if rows:
        headings = ("Filing", "Authority", "Kind", "Version", "Deadline", "Missing", "Mark", "State")
        print_columns([_cells(row) for row in rows], headings=headings)
    else:
        say("No filing is due.")
    say((NOT_ADVICE, "dim"))


def _cells(row: dict[str, Any]) -> list[str]:
    deadline = render_time(row["deadline"], "UTC")[:16] + " UTC" if row["deadline"] else "no fixed number"
    return [
        row["id"],
        row["authority"],
        row["kind"],
        str(row["version"]),
        deadline,
        str(len(row["missing"])),
        row["confidence"],
        row["state"],
    ]
