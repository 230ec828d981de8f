"""`cloakroom duties`: whom to tell, by when, with what, and why or why not. Not legal advice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloakroom.cli.incident.duty_rules import rules_app
from cloakroom.cli.incident.options import WIDTH, AppraisalPath, At, FactsPath, ProgressPath, RulesPath, TargetHours
from cloakroom.cli.incident.severity import severity
from cloakroom.cli.output import JsonOption, moment, print_json, print_table, say
from cloakroom.clock import format_time
from cloakroom.duty.duties import NOT_LEGAL_ADVICE, duty_to_json
from cloakroom.duty.instruments import CONFIDENCES
from cloakroom.use_cases.incident.duties import DutyFiles, duty_board, duty_changes, explain, find_duties

if TYPE_CHECKING:
    from datetime import datetime

    from cloakroom.duty.board import BoardRow
    from cloakroom.duty.comparing import DutyChange
    from cloakroom.duty.duties import Duty

__all__ = ["app", "register"]

app = typer.Typer(help="Whom to tell, by when, with what. Not legal advice.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")
app.command()(severity)

_DEFAULT_FACTS = Path("facts.toml")
_COLOURS = {"due": "bold red", "conditional": "yellow", "ask_counsel": "magenta", "not_due": "dim"}


@app.command()
def evaluate(
    facts: FactsPath,
    at: At = "",
    before: Annotated[Path | None, typer.Option(help="Earlier facts: print only what changed since.")] = None,
    appraisal: AppraisalPath = None,
    progress: ProgressPath = None,
    rules: RulesPath = None,
    target_hours: TargetHours = None,
    json_output: JsonOption = False,
) -> None:
    """Evaluate the facts: every duty, every reasoned "not due", and where to ask counsel."""
    now = moment(at)
    files = DutyFiles(facts, appraisal, progress, rules, target_hours)
    if before is not None:
        _show_changes(duty_changes(files, before), as_json=json_output)
        return
    found = find_duties(files)
    if json_output:
        print_json([duty_to_json(duty) for duty in found])
    else:
        _show_duties(found, now)


@app.command(name="board")
def board_command(
    facts: FactsPath = _DEFAULT_FACTS,
    at: At = "",
    appraisal: AppraisalPath = None,
    progress: ProgressPath = None,
    rules: RulesPath = None,
    target_hours: TargetHours = None,
    json_output: JsonOption = False,
) -> None:
    """Show the running clocks, the most urgent first: time left, what blocks, what is done and with which proof."""
    now = moment(at)
    rows = duty_board(DutyFiles(facts, appraisal, progress, rules, target_hours), now)
    if json_output:
        print_json({"at": format_time(now), "rows": [_row_json(row) for row in rows]})
    else:
        _show_rows(rows, now)


@app.command(name="explain")
def explain_command(
    duty_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a duty, from evaluate.")],
    facts: FactsPath = _DEFAULT_FACTS,
    appraisal: AppraisalPath = None,
    rules: RulesPath = None,
) -> None:
    """Explain one duty: facts, thresholds, clock, law, and what would change it."""
    for line in explain(DutyFiles(facts, appraisal, rules=rules), duty_id):
        say(line)


def _show_duties(found: tuple[Duty, ...], now: datetime) -> None:
    rows = [
        (
            duty.id,
            (duty.status.replace("_", " "), _COLOURS[duty.status]),
            duty.recipient,
            _deadline_words(duty),
            _left_words(duty.deadline - now) if duty.deadline is not None else "",
            f"{duty.residents:,}",
            duty.confidence,
        )
        for duty in found
    ]
    columns = ("duty", "status", "recipient", "deadline", "left", "persons", "mark")
    print_table("", columns, rows, width=WIDTH)
    waiting = [duty for duty in found if duty.status in {"conditional", "ask_counsel"}]
    if waiting:
        say("Waiting for an answer:")
    for duty in waiting:
        say(f"  {duty.id}: {'; '.join(duty.waits_for)}")
    counts = {status: sum(1 for duty in found if duty.status == status) for status in _COLOURS}
    say(", ".join(f"{number} {status.replace('_', ' ')}" for status, number in counts.items()))
    _show_legend({duty.confidence for duty in found})


def _show_legend(marks: set[str]) -> None:
    for mark in sorted(marks & {"V3", "X"}):
        say((f"warning: {mark} means {CONFIDENCES[mark]}: confirm before relying on it.", "yellow"))
    say(NOT_LEGAL_ADVICE)


def _show_rows(rows: tuple[BoardRow, ...], now: datetime) -> None:
    columns = ("state", "left", "by (controller's time)", "by (UTC)", "duty", "recipient", "remarks", "mark")
    cells = []
    for row in rows:
        at = row.duty.deadline or row.duty.target
        cells.append(
            (
                row.state,
                _left_words(row.left) if row.left is not None else "",
                row.local.strftime("%a %d %b %H:%M %Z") if row.local is not None else "",
                format_time(at) if at is not None else "",
                row.duty.id,
                row.duty.recipient,
                "; ".join(_row_remarks(row)),
                row.duty.confidence,
            )
        )
    print_table("", columns, cells, width=WIDTH)
    following = next((row for row in rows if row.left is not None and row.left >= timedelta(0)), None)
    if following is not None and following.left is not None:
        say(f"next due: {following.duty.id} in {_left_words(following.left)} (now {format_time(now)})")
    _show_legend({row.duty.confidence for row in rows})


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


def _show_changes(changes: tuple[DutyChange, ...], *, as_json: bool) -> None:
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
        print_json(plain)
        return
    for change in changes:
        old = change.before.status if change.before is not None else "-"
        new = change.after.status if change.after is not None else "-"
        fields = f" ({', '.join(change.fields)})" if change.fields else ""
        say(f"{change.kind} {change.id}: {old} -> {new}{fields}")
    say(f"{len(changes)} duties changed.")
    say(NOT_LEGAL_ADVICE)


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
