"""`cloakroom register`: every incident, notified or not, with its reasons. Not legal advice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cloakroom.adapters.pdf import Typesetter
from cloakroom.adapters.shelf import FolderShelf
from cloakroom.cli.incident.filing import CaseFolder, load_case, moment, read_stationery
from cloakroom.clock import format_time
from cloakroom.duty.filings.records import FilingRecords, filing_id
from cloakroom.duty.register import (
    REGISTER_NOTE,
    Entry,
    entry_for,
    entry_from_json,
    entry_to_json,
    load_retention,
    render_csv,
    render_json,
    render_page,
)
from cloakroom.duty.register.entries import latest
from cloakroom.errors import InputError, TamperedError, UsageError

__all__ = ["app", "register"]

app = typer.Typer(help="The register of breaches. Not legal advice.", no_args_is_help=True)
DEFAULT_CASE = Path(".cloakroom/case")
FORMATS = ("json", "csv", "pdf")


def register(parent: typer.Typer) -> None:
    """Add `register` to the application."""
    parent.add_typer(app, name="register")


@app.command()
def add(
    facts: Annotated[Path, typer.Argument(help="The facts file (docs/reference/facts.md).")],
    *,
    incident: Annotated[str, typer.Option(help="Name of the incident, such as 2026-03.")],
    by: Annotated[str, typer.Option(help="Who makes the entry.")],
    answers: Annotated[Path | None, typer.Option(help="What people wrote.")] = None,
    appraisal: Annotated[Path | None, typer.Option(help="What people judged and decided about severity.")] = None,
    duties: Annotated[
        Path | None, typer.Option(help="Output of `duties evaluate --json`; else evaluated now.")
    ] = None,
    at: Annotated[str, typer.Option(help="As if it were this time (RFC 3339).")] = "",
    case: CaseFolder = DEFAULT_CASE,
) -> None:
    """Enter an incident, or a new version of it, for each of its controllers."""
    if not by.strip() or not incident.strip():
        raise UsageError("an entry needs --incident and --by")
    shelf = FolderShelf(case)
    records = FilingRecords(shelf)
    known = load_case(facts, read_stationery(), records, answers=answers, appraisal=appraisal, duties=duties)
    filed = [records.load(name) for name in records.ids()]
    for controller in known.facts.controllers:
        entry = entry_for(
            known, controller.id, incident=incident, at=moment(at), by=by, laws=load_retention(), records=filed
        )
        folder = f"register/{filing_id(incident)}/{controller.id}"
        number = len(shelf.names(f"{folder}/")) + 1
        data = json.dumps(entry_to_json(entry), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        shelf.put(f"{folder}/{number:04}.json", data.encode())
        typer.echo(f"{incident} · {controller.name}: version {number}, keep until {entry.keep_until}")
    typer.echo(REGISTER_NOTE)


@app.command()
def export(
    *,
    to: Annotated[Path | None, typer.Option(help="File to write (.json, .csv or .pdf); else to the screen.")] = None,
    form: Annotated[str, typer.Option("--format", help="json, csv or pdf; else by the file's name, else json.")] = "",
    at: Annotated[str, typer.Option(help="Time printed on it (RFC 3339).")] = "",
    case: CaseFolder = DEFAULT_CASE,
) -> None:
    """Export the register: the newest version of every entry."""
    kind = form or (to.suffix.lstrip(".").lower() if to is not None else "json")
    if kind not in FORMATS:
        raise UsageError("the register exports as json, csv or pdf")
    if kind == "pdf" and to is None:
        raise UsageError("a PDF needs --to FILE.pdf")
    entries = _entries(FolderShelf(case))
    if kind == "pdf":
        now = moment(at)
        data = Typesetter().render("register", render_page(entries, made_at=format_time(now)), at=now).pdf
    else:
        data = (render_json(entries) if kind == "json" else render_csv(entries)).encode()
    if to is None:
        typer.echo(data.decode(), nl=False)
        return
    try:
        to.write_bytes(data)
    except OSError as error:
        raise InputError.at(str(to), f"cannot be written: {error.strerror}") from error
    typer.echo(f"{to}: {len(entries)} entries. {REGISTER_NOTE}")


def _entries(shelf: FolderShelf) -> list[Entry]:
    found = []
    for path in shelf.names("register/"):
        try:
            found.append(entry_from_json(json.loads(shelf.get(path))))
        except (ValueError, TypeError) as error:
            raise TamperedError(f"{path} is not as it was written") from error
    return latest(found)
