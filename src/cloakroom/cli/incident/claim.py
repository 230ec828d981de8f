"""``claim check``, ``claim list``, ``claim show``: what do the sellers really have?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cloakroom.adapters.claim_report.pdf import render_pdf
from cloakroom.claims.report import report_document
from cloakroom.claims.statement import Statement, parse_statement
from cloakroom.cli.incident.claim_text import print_claim, print_claims
from cloakroom.cli.output import HomeOption, JsonOption, option_time, print_json, say, stderr
from cloakroom.clock import to_microseconds
from cloakroom.errors import InputError, LimitError, UsageError
from cloakroom.settings import load_settings
from cloakroom.use_cases.incident.claims import check
from cloakroom.use_cases.incident.facts_file import facts_of_claim
from cloakroom.wiring import application

_STATEMENT_BYTES_MAX = 1 << 20
claim_app = typer.Typer(help="Check what thieves say they have.", no_args_is_help=True)

PdfOption = Annotated[Path | None, typer.Option("--pdf", help="Also write a report of two pages here.")]


@claim_app.command("check")
def check_command(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders of the alleged dump, packed or not.")],
    claim: Annotated[
        Path | None,
        typer.Option("--claim", help="What the sellers say, as JSON (otherwise claim.json in the folder given)."),
    ] = None,
    pdf: PdfOption = None,
    by: Annotated[str, typer.Option("--by", help="Who asks, for the ledger.")] = "operator",
    facts: Annotated[
        Path | None, typer.Option(help="Write the facts file for `cloakroom duties evaluate` (needs --aware-at).")
    ] = None,
    aware_at: Annotated[
        str | None, typer.Option(help="When the controller became aware, such as 2026-03-02T09:00:00Z.")
    ] = None,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Check an alleged dump: is it ours, how much, of whom, from when, through whom. Never writes its rows down."""
    aware = _aware(facts, aware_at)
    said = claim or _claim_beside(paths)
    statement = _statement(said, required=claim is not None)
    skip = frozenset([said.resolve()]) if said is not None else frozenset()
    with application(load_settings(home)) as opened, _progress(quiet=json_output) as progress:
        report = check(opened, paths, statement, skip=skip, by=by, progress=progress)
        if facts is not None:
            facts.write_text(facts_of_claim(opened, report, aware_at=aware, by=by), encoding="utf-8")
    document = report_document(report)
    if pdf is not None:
        pdf.write_bytes(render_pdf(document))
    if json_output:
        print_json(document)
    else:
        print_claim(document)
        if pdf is not None:
            say(f"Report for counsel: {pdf}")


@claim_app.command("list")
def list_command(home: HomeOption = None, json_output: JsonOption = False) -> None:
    """List the claims checked so far."""
    with application(load_settings(home)) as opened:
        reports = opened.claims.reports()
    if json_output:
        print_json(reports)
    else:
        print_claims(reports)


@claim_app.command("show")
def show_command(
    claim: Annotated[str, typer.Argument(help="Id of the claim.")],
    pdf: PdfOption = None,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show the report of one claim again."""
    with application(load_settings(home)) as opened:
        document: dict[str, Any] = opened.claims.report(claim)
    if pdf is not None:
        pdf.write_bytes(render_pdf(document))
    if json_output:
        print_json(document)
    else:
        print_claim(document)


def _aware(facts: Path | None, text: str | None) -> int:
    if facts is None:
        return 0
    if text is None:
        raise UsageError("--facts needs --aware-at: the moment from which most clocks run")
    return to_microseconds(option_time(text, "--aware-at"))


def _claim_beside(paths: list[Path]) -> Path | None:
    found = [path / "claim.json" for path in paths if path.is_dir() and (path / "claim.json").is_file()]
    return found[0] if len(found) == 1 else None


def _statement(path: Path | None, *, required: bool) -> Statement:
    if path is None:
        return Statement()
    if not path.is_file():
        raise InputError.at(str(path), "no such file")
    if path.stat().st_size > _STATEMENT_BYTES_MAX:
        raise LimitError(f"{path} is larger than {_STATEMENT_BYTES_MAX} bytes")
    try:
        return parse_statement(path.read_bytes(), str(path))
    except InputError:
        if required:
            raise
        return Statement()


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[int, str], None] | None]:
    if quiet or not stderr.is_terminal:
        yield None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[size]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=stderr, transient=True) as shown:
        task = shown.add_task("reading", size="")
        yield lambda done, path: shown.update(task, description=path[-60:], size=f"{done / 1e6:,.0f} MB")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(claim_app, name="claim")
