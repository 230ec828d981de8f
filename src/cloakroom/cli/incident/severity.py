"""`cloakroom duties severity`: the severity of a breach, with every reason. Not legal advice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cloakroom.adapters.shelf import FolderShelf
from cloakroom.clock import SystemClock
from cloakroom.duty.facts import parse_facts
from cloakroom.duty.severity import assess_facts, load_method
from cloakroom.duty.severity.appraisal import Appraisal, check_decisions, decision_for, parse_appraisal
from cloakroom.duty.severity.history import add_version, check_history, parse_version, render_version
from cloakroom.duty.severity.report import NOT_ADVICE, outcome_words, render_json, render_number
from cloakroom.errors import InputError, UsageError
from cloakroom.toml import DocumentLimits

if TYPE_CHECKING:
    from typing import Any

    from cloakroom.duty.severity import Assessment, SegmentAssessment

__all__ = ["keep_version", "read_text", "severity"]


def severity(
    facts: Annotated[Path, typer.Argument(help="The facts file (docs/reference/facts.md).")],
    appraisal: Annotated[
        Path | None, typer.Option(help="What people judged and decided (docs/reference/severity.md).")
    ] = None,
    case: Annotated[Path | None, typer.Option(help="Folder of the case; keeps every version there.")] = None,
    by: Annotated[str, typer.Option(help="Who makes this version; needed with --case.")] = "",
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compute the severity of a breach for each controller and segment, and what it calls for."""
    text = read_text(facts)
    method = load_method()
    judged = Appraisal()
    if appraisal is not None:
        judged = parse_appraisal(read_text(appraisal), str(appraisal), method)
    assessment = assess_facts(method, parse_facts(text, str(facts)), judged.contexts)
    check_decisions(assessment, judged.decisions, str(appraisal or facts))
    plain = render_json(assessment, judged.decisions)
    if case is not None:
        plain["version"] = keep_version(case, plain, text.encode(), by)
    if json_output:
        typer.echo(json.dumps(plain, indent=2, ensure_ascii=False))
    else:
        _print(Console(), assessment, judged, plain.get("version"))


def read_text(path: Path) -> str:
    """Read a file that people write, within the usual limit.

    Raises:
        InputError: It cannot be read, is too large or is not UTF-8.
    """
    limit = DocumentLimits().bytes_max
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise InputError.at(str(path), f"cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise InputError.at(str(path), f"is larger than {limit} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError.at(str(path), "is not UTF-8 text", line=line) from None


def keep_version(folder: Path, plain: dict[str, Any], facts: bytes, by: str) -> dict[str, Any]:
    """Add a version to the folder if something changed; return its number and what changed.

    Raises:
        UsageError: Nobody is named.
        TamperedError: An earlier version was altered.
    """
    if not by.strip():
        raise UsageError("--case needs --by: the name of the person who makes this version")
    shelf = FolderShelf(folder)
    history = [parse_version(shelf.get(name)) for name in shelf.names("severity/")]
    check_history(history)
    version = add_version(history, assessment=dict(plain), facts=facts, at=SystemClock().now(), by=by)
    if version is None:
        return {"number": history[-1].number, "changes": []}
    shelf.put(f"severity/{version.number:05}.json", render_version(version))
    return {"number": version.number, "changes": list(version.changes)}


def _print(console: Console, assessment: Assessment, judged: Appraisal, version: dict[str, Any] | None) -> None:
    for segment in assessment.segments:
        _print_segment(console, segment)
        decision = decision_for(judged.decisions, segment.controller, segment.segment)
        if decision is not None:
            console.print(Text(f"  decided by {decision.by}: {outcome_words(decision.outcome)}", style="bold"))
            if decision.reasons:
                console.print(Text(f"    because {decision.reasons}"))
        console.print()
    console.print(Text(f"In all: {outcome_words(assessment.outcome)}", style="bold"))
    for note in assessment.notes:
        console.print(Text(note))
    if version is not None:
        console.print(Text(f"Version {version['number']}: " + ("; ".join(version["changes"]) or "nothing changed")))
    console.print(Text(f"{NOT_ADVICE} Method {assessment.method}.", style="dim"))


def _print_segment(console: Console, segment: SegmentAssessment) -> None:
    score = segment.score
    formula = f"{render_number(score.dpc)} × {render_number(score.ei)} + {render_number(score.cb)}"
    head = f"{segment.controller} · {segment.segment} · {segment.persons:,} persons"
    console.print(Text(f"{head}: SE {formula} = {render_number(score.se)}, {segment.band}", style="bold"))
    table = Table(box=None, padding=(0, 1), show_header=False)
    for step in score.steps:
        value = str(render_number(step.change))
        table.add_row(Text(f"  {step.element}"), Text(value), Text(step.reason), Text("; ".join(step.because)))
    for hit in segment.overrides:
        table.add_row(Text(f"  {hit.id}"), Text("rule"), Text(hit.reason), Text(f"{hit.source} [{hit.confidence}]"))
    console.print(table)
    console.print(Text(f"  {segment.risk}"))
    console.print(Text(f"  recommended: {outcome_words(segment.outcome)}"))
    for note in segment.notes:
        console.print(Text(f"  {note}"))
