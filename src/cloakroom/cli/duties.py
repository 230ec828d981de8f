"""`cloakroom duties`: whom to tell, by when, with what, and why or why not. Not legal advice."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cloakroom.cli.severity import read_text, severity
from cloakroom.clock import SystemClock, format_time, parse_time
from cloakroom.duty.board import board, parse_progress
from cloakroom.duty.cases import failed_cases
from cloakroom.duty.comparing import compare_duties
from cloakroom.duty.duties import NOT_LEGAL_ADVICE, duty_to_json
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.explaining import explain_duty
from cloakroom.duty.facts import parse_facts
from cloakroom.duty.instruments import CONFIDENCES, Period
from cloakroom.duty.mutations import unnoticed
from cloakroom.duty.rulebook import DEFINITIONS, RuleFile, load_rules, packaged_rules, read_rule_files
from cloakroom.duty.severity import assess_facts, load_method
from cloakroom.duty.severity.appraisal import Appraisal, check_decisions, parse_appraisal, risk_assessments
from cloakroom.duty.validation import case_problems
from cloakroom.duty.what_if import with_changes
from cloakroom.duty.wording import in_words
from cloakroom.errors import Position, Problem, RuleError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cloakroom.duty.board import BoardRow, Done
    from cloakroom.duty.comparing import Change
    from cloakroom.duty.duties import Duty
    from cloakroom.duty.facts import Facts, RiskAssessment
    from cloakroom.duty.instruments import Rule, RuleSet

__all__ = ["app", "register"]

app = typer.Typer(help="Whom to tell, by when, with what. Not legal advice.", no_args_is_help=True)
rules_app = typer.Typer(help="The rule files: check, list, show.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")
app.command()(severity)


FactsPath = Annotated[Path, typer.Argument(help="The facts file (docs/reference/facts.md).")]
AppraisalPath = Annotated[
    Path | None, typer.Option("--appraisal", help="What people judged and decided on severity.")
]
RulesPath = Annotated[
    Path | None, typer.Option("--rules", help="Folder of rule files to use instead of the packaged ones.")
]
ProgressPath = Annotated[Path | None, typer.Option("--progress", help="What was done (docs/reference/duties.md).")]
At = Annotated[str | None, typer.Option("--at", help="As if it were this time, such as 2026-03-02T09:00:00Z.")]
TargetHours = Annotated[int | None, typer.Option(min=1, help="Your own aim where the law gives no number.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]


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
    book = _rules(rules)
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
    found, read, _ = _evaluated(facts, appraisal, _rules(rules), done, target_hours)
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
    found, read, risks = _evaluated(facts, appraisal, _rules(rules), ())
    duty = next((item for item in found if item.id == duty_id), None)
    if duty is None:
        raise UsageError("no duty of that id arises from these facts; 'duties evaluate' lists them")
    for line in explain_duty(duty, read, risks):
        typer.echo(line)


@rules_app.command(name="check")
def check_rules(
    only: Annotated[
        str | None, typer.Argument(help="One packaged file, such as us/tx.toml, or your own file or folder.")
    ] = None,
    rules: RulesPath = None,
    thorough: Annotated[bool, typer.Option(help="Also demand that small wrong changes make a case fail.")] = False,
) -> None:
    """Parse all rule files, check them against each other and run every case."""
    path = None if only is None or rules is not None else Path(only)
    if path is not None and path.is_dir():
        book, only = _rules(path, with_cases=True), None
    elif path is not None and path.is_file():
        book, only = load_rules(_with_definitions(path)), None
    else:
        book = _rules(rules, with_cases=True)
    problems: list[Problem] = []
    chosen = [item for item in book.instruments if only is None or item.file == only]
    if not chosen:
        raise UsageError("there is no rule file of that name; names are relative, such as us/tx.toml")
    for instrument in chosen:
        others = tuple(item for item in book.authorities.values() if item not in instrument.authorities)
        problems += [*case_problems(instrument), *failed_cases(instrument, others)]
        if thorough:
            for mutant in unnoticed(instrument, others):
                where = Position(instrument.file, mutant.rule.line, mutant.rule.id)
                problems.append(Problem(where, f"no case notices this change: {mutant.change}"))
    if problems:
        raise RuleError(problems)
    count = sum(len(item.rules) for item in chosen)
    cases = sum(len(item.cases) for item in chosen)
    typer.echo(f"{len(chosen)} instruments, {count} rules, {cases} cases: all hold.")


@rules_app.command(name="list")
def list_rules(rules: RulesPath = None, json_output: AsJSON = False) -> None:
    """List every rule with its validity, source and confidence mark."""
    book = _rules(rules)
    if json_output:
        typer.echo(json.dumps([_rule_json(rule) for rule in book.rules], indent=2, ensure_ascii=False))
        return
    table = _table("rule", "place", "recipient", "clock", "in force", "mark", "read")
    for rule in book.rules:
        clock = _clock_words(rule)
        table.add_row(
            *map(Text, (rule.id, rule.jurisdiction, rule.recipient or rule.addressee, clock, _validity(rule))),
            rule.confidence,
            str(rule.read),
        )
    _console().print(table)
    typer.echo(NOT_LEGAL_ADVICE)


@rules_app.command(name="show")
def show_rule(rule_id: Annotated[str, typer.Argument(metavar="RULE")], rules: RulesPath = None) -> None:
    """Show one rule in all its versions, as it stands in its file."""
    book = _rules(rules)
    found = [rule for rule in book.rules if rule.id == rule_id]
    if not found:
        raise UsageError("there is no rule of that id; 'duties rules list' lists them")
    for rule in found:
        for key, value in _rule_json(rule).items():
            if value not in ("", None, []):
                typer.echo(f"{key}: {'; '.join(map(str, value)) if isinstance(value, list) else value}")
        typer.echo("")
    typer.echo(NOT_LEGAL_ADVICE)


def _console() -> Console:
    """Return a console that is wide enough for a table where nobody said how wide it is, such as in a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=180)


def _table(*columns: str) -> Table:
    """Return a table in which nothing is cut off: an id that cannot be copied is no id."""
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _with_definitions(path: Path) -> list[RuleFile]:
    """Read a single rule file, with the definitions of its folder."""
    shared = path.with_name(DEFINITIONS)
    return [RuleFile(str(item), read_text(item)) for item in (path, shared) if item == path or item.is_file()]


def _now(at: str | None) -> datetime:
    if at is None:
        return SystemClock().now()
    try:
        return parse_time(at)
    except ValueError:
        raise UsageError("--at needs a time with an offset, such as 2026-03-02T09:00:00Z") from None


def _rules(folder: Path | None, *, with_cases: bool = False) -> RuleSet:
    if folder is None:
        return packaged_rules(with_cases=with_cases)
    return load_rules(read_rule_files(folder), with_cases=with_cases)


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
    table = _table("duty", "status", "recipient", "deadline", "left", "persons", "mark")
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
    console = _console()
    console.print(table)
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
    table = _table("state", "left", "by (controller's time)", "by (UTC)", "duty", "recipient", "remarks", "mark")
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
    console = _console()
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


def _clock_words(rule: Rule) -> str:
    if rule.clock is None:
        return rule.effect
    amount = rule.clock.period.amount
    unit = rule.clock.period.unit.replace("_", " ")
    return f"{rule.clock.start}: {unit}" if amount is None else f"{rule.clock.start} + {amount} {unit}"


def _validity(rule: Rule) -> str:
    if rule.pending:
        return "pending, not law"
    return f"{rule.valid_from or '…'} to {rule.valid_until or '…'}"


def _rule_json(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "instrument": rule.instrument,
        "provision": rule.provision,
        "jurisdiction": rule.jurisdiction,
        "residents": sorted(rule.residents),
        "recipient_kind": rule.recipient_kind,
        "recipient": rule.recipient,
        "addressee": rule.addressee,
        "effect": rule.effect,
        "pending": rule.pending,
        "from": str(rule.valid_from) if rule.valid_from is not None else None,
        "until": str(rule.valid_until) if rule.valid_until is not None else None,
        "who": in_words(rule.who),
        "when": in_words(rule.when),
        "exempt": [f"{item.text}: {in_words(item.when)}" for item in rule.exemptions],
        "clock": _clock_words(rule),
        "delay": list(rule.delay),
        "extension": rule.extension,
        "after": list(rule.after),
        "content_required": list(rule.content_required),
        "content_forbidden": list(rule.content_forbidden),
        "channels": list(rule.channels),
        "substitute": rule.substitute,
        "languages": list(rule.languages),
        "record": rule.record,
        "fine": rule.fine,
        "notes": list(rule.notes),
        "source": rule.source,
        "read": str(rule.read),
        "confidence": rule.confidence,
        "file": rule.file,
        "line": rule.line,
    }


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="duties")
