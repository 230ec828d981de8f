"""`cloakroom duties`: whom to tell, by when, with what, and why or why not. Not legal advice."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from cloakroom.cli.incident.duty_rules import AsJSON, RulesPath, new_table, rule_set, rules_app, wide_console
from cloakroom.cli.incident.severity import read_text, severity
from cloakroom.clock import SystemClock, format_time, parse_time
from cloakroom.duty.board import board, parse_progress
from cloakroom.duty.comparing import compare_duties
from cloakroom.duty.duties import NOT_LEGAL_ADVICE, duty_to_json
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.explaining import explain_duty
from cloakroom.duty.facts import parse_facts
from cloakroom.duty.instruments import CONFIDENCES, Period
from cloakroom.duty.severity import assess_facts, load_method
from cloakroom.duty.severity.appraisal import Appraisal, check_decisions, parse_appraisal, risk_assessments
from cloakroom.duty.what_if import with_changes
from cloakroom.errors import RuleError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cloakroom.duty.board import BoardRow, Done
    from cloakroom.duty.comparing import Change
    from cloakroom.duty.duties import Duty
    from cloakroom.duty.facts import Facts, RiskAssessment
    from cloakroom.duty.instruments import RuleSet

__all__ = ["app", "register"]

app = typer.Typer(help="Whom to tell, by when, with what. Not legal advice.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")
app.command()(severity)


FactsPath = Annotated[Path, typer.Argument(help="The facts file (docs/reference/facts.md).")]
AppraisalPath = Annotated[
    Path | None, typer.Option("--appraisal", help="What people judged and decided on severity.")
]
ProgressPath = Annotated[Path | None, typer.Option("--progress", help="What was done (docs/reference/duties.md).")]
At = Annotated[str | None, typer.Option("--at", help="As if it were this time, such as 2026-03-02T09:00:00Z.")]
TargetHours = Annotated[int | None, typer.Option(min=1, help="Your own aim where the law gives no number.")]


@app.command()
def evaluate(
    facts: FactsPath,
    at: At = None,
    before: Annotated[Path | None, typer.Option(help="Earlier facts: print only what changed since.")] = None,
    appraisal: AppraisalPath = None,
    progress: ProgressPath = None,
    rules: RulesPath = None,
    target_hours: TargetHours = None,
    json_output: AsJSON = False,
) -> None:
    """Evaluate the facts: every duty, every reasoned "not due", and where to ask counsel."""
    now = _now(at)
    book = rule_set(rules)
    done = _progress(progress)
    plain, read, risks = _evaluated(facts, appraisal, book, done, target_hours)
    found = with_changes(plain, read, risks)
    if before is not None:
        earlier, _, _ = _evaluated(before, appraisal, book, done, target_hours)
        _show_changes(tuple(compare_duties(earlier, found)), as_json=json_output)
    elif json_output:
        typer.echo(json.dumps([duty_to_json(duty) for duty in found], indent=2, ensure_ascii=False))
    else:
        _show_duties(found, now)


@app.command(name="board")
def show_board(
    facts: FactsPath = Path("facts.toml"),
    at: At = None,
    appraisal: AppraisalPath = None,
    progress: ProgressPath = None,
    rules: RulesPath = None,
    target_hours: TargetHours = None,
    json_output: AsJSON = False,
) -> None:
    """Show the running clocks, the most urgent first: time left, what blocks, what is done and with which proof."""
    now = _now(at)
    done = _progress(progress)
    found, read, _ = _evaluated(facts, appraisal, rule_set(rules), done, target_hours)
    _check_progress(done, found, progress)
    rows = board(found, read, done, now)
    if json_output:
        typer.echo(
            json.dumps(
                {"at": format_time(now), "rows": [_row_json(row) for row in rows]}, indent=2, ensure_ascii=False
            )
        )
    else:
        _show_rows(rows, now)


@app.command()
def explain(
    duty_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a duty, from evaluate.")],
    facts: FactsPath = Path("facts.toml"),
    appraisal: AppraisalPath = None,
    rules: RulesPath = None,
) -> None:
    """Explain one duty: facts, thresholds, clock, law, and what would change it."""
    found, read, risks = _evaluated(facts, appraisal, rule_set(rules), ())
    duty = next((item for item in found if item.id == duty_id), None)
    if duty is None:
        raise UsageError("no duty of that id arises from these facts; 'duties evaluate' lists them")
    for line in explain_duty(duty, read, risks):
        typer.echo(line)


def _now(at: str | None) -> datetime:
    if at is None:
        return SystemClock().now()
    try:
        return parse_time(at)
    except ValueError:
        raise UsageError("--at needs a time with an offset, such as 2026-03-02T09:00:00Z") from None


def _progress(path: Path | None) -> tuple[Done, ...]:
    return () if path is None else parse_progress(read_text(path), str(path))


def _evaluated(
    path: Path, appraisal: Path | None, book: RuleSet, done: Iterable[Done], target_hours: int | None = None
) -> tuple[tuple[Duty, ...], Facts, tuple[RiskAssessment, ...]]:
    read = parse_facts(read_text(path), str(path))
    method = load_method()
    judged = Appraisal()
    if appraisal is not None:
        judged = parse_appraisal(read_text(appraisal), str(appraisal), method)
    assessment = assess_facts(method, read, judged.contexts)
    check_decisions(assessment, judged.decisions, str(appraisal or path))
    risks = risk_assessments(assessment, judged.decisions)
    target = None if target_hours is None else Period(target_hours, "hour")
    times = {item.duty: item.at for item in done}
    return evaluate_duties(read, book, risks, done=times, target=target), read, risks


def _check_progress(done: Iterable[Done], found: Iterable[Duty], path: Path | None) -> None:
    known = {duty.id for duty in found}
    unknown = [item for item in done if item.duty not in known]
    if unknown:
        raise RuleError.at(str(path), f"{len(unknown)} entries name a duty that the facts do not give rise to")


_COLOURS = {"due": "bold red", "conditional": "yellow", "ask_counsel": "magenta", "not_due": "dim"}


def _show_duties(found: tuple[Duty, ...], now: datetime) -> None:
    table = new_table("duty", "status", "recipient", "deadline", "left", "persons", "mark")
    for duty in found:
        left = _left_words(duty.deadline - now) if duty.deadline is not None else ""
        table.add_row(
            Text(duty.id),
            Text(duty.status.replace("_", " "), style=_COLOURS[duty.status]),
            Text(duty.recipient),
            _deadline_words(duty),
            left,
            f"{duty.residents:,}",
            duty.confidence,
        )
    console = wide_console()
    console.print(table)
    waiting = [duty for duty in found if duty.status in {"conditional", "ask_counsel"}]
    if waiting:
        console.print("Waiting for an answer:")
    for duty in waiting:
        asked = [reason for reason in duty.reasons if reason.startswith(("open:", "on hold"))] or duty.reasons[:1]
        console.print(Text(f"  {duty.id}: {'; '.join(asked)}"))
    counts = {status: sum(1 for duty in found if duty.status == status) for status in _COLOURS}
    console.print(", ".join(f"{number} {status.replace('_', ' ')}" for status, number in counts.items()))
    _legend(console, {duty.confidence for duty in found})


def _legend(console: Console, marks: set[str]) -> None:
    for mark in sorted(marks & {"V3", "X"}):
        console.print(
            Text(f"warning: {mark} means {CONFIDENCES[mark]}: confirm before relying on it.", style="yellow")
        )
    console.print(NOT_LEGAL_ADVICE)


def _show_rows(rows: tuple[BoardRow, ...], now: datetime) -> None:
    table = new_table("state", "left", "by (controller's time)", "by (UTC)", "duty", "recipient", "remarks", "mark")
    for row in rows:
        duty = row.duty
        at = duty.deadline or duty.target
        table.add_row(
            row.state,
            _left_words(row.left) if row.left is not None else "",
            row.local.strftime("%a %d %b %H:%M %Z") if row.local is not None else "",
            format_time(at) if at is not None else "",
            Text(duty.id),
            Text(duty.recipient),
            Text("; ".join(_row_remarks(row))),
            duty.confidence,
        )
    console = wide_console()
    console.print(table)
    following = next((row for row in rows if row.left is not None and row.left >= timedelta(0)), None)
    if following is not None and following.left is not None:
        console.print(
            Text(f"next due: {following.duty.id} in {_left_words(following.left)} (now {format_time(now)})")
        )
    _legend(console, {row.duty.confidence for row in rows})


def _row_remarks(row: BoardRow) -> list[str]:
    remarks = list(row.remarks)
    if row.blocked_by:
        remarks.insert(0, "after " + ", ".join(row.blocked_by))
    if row.done is not None:
        remarks.append(f"done {format_time(row.done.at)}, proof {row.done.proof}")
        remarks += [f"late because: {row.done.late_reason}"] if row.done.late_reason else []
    return remarks


def _row_json(row: BoardRow) -> dict[str, object]:
    done = row.done
    return {
        "duty": duty_to_json(row.duty),
        "state": row.state,
        "left_seconds": None if row.left is None else int(row.left.total_seconds()),
        "target": format_time(row.duty.target) if row.duty.target is not None else None,
        "local": row.local.isoformat() if row.local is not None else None,
        "blocked_by": list(row.blocked_by),
        "done": None
        if done is None
        else {
            "at": format_time(done.at),
            "proof": done.proof,
            "reference": done.reference,
            "late_reason": done.late_reason,
        },
        "reminders": [format_time(at) for at in row.reminders],
        "remarks": list(row.remarks),
    }


def _show_changes(changes: tuple[Change, ...], *, as_json: bool) -> None:
    if as_json:
        plain = [
            {
                "id": change.id,
                "kind": change.kind,
                "fields": list(change.fields),
                "before": duty_to_json(change.before) if change.before is not None else None,
                "after": duty_to_json(change.after) if change.after is not None else None,
            }
            for change in changes
        ]
        typer.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        return
    for change in changes:
        old = change.before.status if change.before is not None else "-"
        new = change.after.status if change.after is not None else "-"
        typer.echo(
            f"{change.kind} {change.id}: {old} -> {new}" + (f" ({', '.join(change.fields)})" if change.fields else "")
        )
    typer.echo(f"{len(changes)} duties changed.")
    typer.echo(NOT_LEGAL_ADVICE)


def _left_words(left: timedelta) -> str:
    sign = "-" if left < timedelta(0) else ""
    hours, rest = divmod(int(abs(left).total_seconds()), 3600)
    days, hours = divmod(hours, 24)
    return f"{sign}{days} d {hours} h" if days else f"{sign}{hours} h {rest // 60} min"


def _deadline_words(duty: Duty) -> str:
    if duty.deadline is not None:
        return duty.deadline.strftime("%a %d %b %Y %H:%M %Z")
    if duty.target is not None:
        return f"target {duty.target.strftime('%a %d %b %Y')}"
    return ""


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="duties")
