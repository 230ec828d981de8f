"""`cloakroom register`: every incident, notified or not, with its reasons. Not legal advice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloakroom.adapters.named_files import write_file
from cloakroom.cli.incident.options import (
    DEFAULT_CASE,
    AnswersPath,
    AppraisalPath,
    At,
    CaseOption,
    DutiesPath,
    FactsPath,
)
from cloakroom.cli.output import moment, print_document, say
from cloakroom.duty.register import REGISTER_NOTE
from cloakroom.errors import UsageError
from cloakroom.use_cases.incident.filings import CaseFiles
from cloakroom.use_cases.incident.register import add_entries, export_register, read_register

__all__ = ["app", "register"]

app = typer.Typer(help="The register of breaches. Not legal advice.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add `register` to the application."""
    parent.add_typer(app, name="register")


@app.command()
def add(
    facts: FactsPath,
    *,
    incident: Annotated[str, typer.Option(help="Name of the incident, such as 2026-03.")],
    by: Annotated[str, typer.Option(help="Who makes the entry.")],
    answers: AnswersPath = None,
    appraisal: AppraisalPath = None,
    duties: DutiesPath = None,
    at: At = "",
    case: CaseOption = DEFAULT_CASE,
) -> None:
    """Enter an incident, or a new version of it, for each of its controllers."""
    files = CaseFiles(facts, answers, appraisal, duties)
    for added in add_entries(case, files, incident=incident, by=by, at=moment(at)):
        entry = added.entry
        say(f"{entry.incident} · {entry.name}: version {added.number}, keep until {entry.keep_until}")
    say(REGISTER_NOTE)


@app.command()
def export(
    *,
    to: Annotated[Path | None, typer.Option(help="File to write (.json, .csv or .pdf); else to the screen.")] = None,
    form: Annotated[str, typer.Option("--format", help="json, csv or pdf; else by the file's name, else json.")] = "",
    at: Annotated[str, typer.Option(help="Time printed on it (RFC 3339).")] = "",
    case: CaseOption = DEFAULT_CASE,
) -> None:
    """Export the register: the newest version of every entry."""
    kind = form or (to.suffix.lstrip(".").lower() if to is not None else "json")
    if kind == "pdf" and to is None:
        raise UsageError("a PDF needs --to FILE.pdf")
    entries = read_register(case)
    data = export_register(entries, kind, at=moment(at))
    if to is None:
        print_document(data.decode())
        return
    write_file(to, data)
    say(f"{to}: {len(entries)} entries. {REGISTER_NOTE}")
