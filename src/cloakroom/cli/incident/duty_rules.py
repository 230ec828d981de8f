"""`cloakroom duties rules`: check, list and show the rule files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cloakroom.cli.incident.severity import read_text
from cloakroom.duty.cases import failed_cases
from cloakroom.duty.duties import NOT_LEGAL_ADVICE
from cloakroom.duty.mutations import unnoticed
from cloakroom.duty.rulebook import DEFINITIONS, RuleFile, load_rules, packaged_rules, read_rule_files
from cloakroom.duty.validation import case_problems
from cloakroom.duty.wording import in_words
from cloakroom.errors import Position, Problem, RuleError, UsageError

if TYPE_CHECKING:
    from cloakroom.duty.instruments import Rule, RuleSet

__all__ = ["AsJSON", "RulesPath", "new_table", "rule_set", "rules_app", "wide_console"]

rules_app = typer.Typer(help="The rule files: check, list, show.", no_args_is_help=True)

RulesPath = Annotated[
    Path | None, typer.Option("--rules", help="Folder of rule files to use instead of the packaged ones.")
]
AsJSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def wide_console() -> Console:
    """Return a console that is wide enough for a table where nobody said how wide it is, such as in a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=180)


def new_table(*columns: str) -> Table:
    """Return a table in which nothing is cut off: an id that cannot be copied is no id."""
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def rule_set(folder: Path | None, *, with_cases: bool = False) -> RuleSet:
    """Load the packaged rules, or those of a folder."""
    if folder is None:
        return packaged_rules(with_cases=with_cases)
    return load_rules(read_rule_files(folder), with_cases=with_cases)


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
        book, only = rule_set(path, with_cases=True), None
    elif path is not None and path.is_file():
        book, only = load_rules(_with_definitions(path)), None
    else:
        book = rule_set(rules, with_cases=True)
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
def listrule_set(rules: RulesPath = None, json_output: AsJSON = False) -> None:
    """List every rule with its validity, source and confidence mark."""
    book = rule_set(rules)
    if json_output:
        typer.echo(json.dumps([_rule_json(rule) for rule in book.rules], indent=2, ensure_ascii=False))
        return
    table = new_table("rule", "place", "recipient", "clock", "in force", "mark", "read")
    for rule in book.rules:
        clock = _clock_words(rule)
        table.add_row(
            *map(Text, (rule.id, rule.jurisdiction, rule.recipient or rule.addressee, clock, _validity(rule))),
            rule.confidence,
            str(rule.read),
        )
    wide_console().print(table)
    typer.echo(NOT_LEGAL_ADVICE)


@rules_app.command(name="show")
def show_rule(rule_id: Annotated[str, typer.Argument(metavar="RULE")], rules: RulesPath = None) -> None:
    """Show one rule in all its versions, as it stands in its file."""
    book = rule_set(rules)
    found = [rule for rule in book.rules if rule.id == rule_id]
    if not found:
        raise UsageError("there is no rule of that id; 'duties rules list' lists them")
    for rule in found:
        for key, value in _rule_json(rule).items():
            if value not in ("", None, []):
                typer.echo(f"{key}: {'; '.join(map(str, value)) if isinstance(value, list) else value}")
        typer.echo("")
    typer.echo(NOT_LEGAL_ADVICE)


def _with_definitions(path: Path) -> list[RuleFile]:
    """Read a single rule file, with the definitions of its folder."""
    shared = path.with_name(DEFINITIONS)
    return [RuleFile(str(item), read_text(item)) for item in (path, shared) if item == path or item.is_file()]


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
