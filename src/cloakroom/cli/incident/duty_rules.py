"""`cloakroom duties rules`: check, list and show the rule files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cloakroom.cli.incident.options import WIDTH, RulesPath
from cloakroom.cli.output import JsonOption, print_json, print_table, say
from cloakroom.duty.duties import NOT_LEGAL_ADVICE
from cloakroom.duty.expression_rendering import render_expression
from cloakroom.use_cases.incident.duty_rules import check_rules, find_rule, rules_of

if TYPE_CHECKING:
    from cloakroom.duty.instruments import Rule

__all__ = ["rules_app"]

rules_app = typer.Typer(help="The rule files: check, list, show.", no_args_is_help=True)


@rules_app.command(name="check")
def check_command(
    only: Annotated[
        str | None, typer.Argument(help="One packaged file, such as us/tx.toml, or your own file or folder.")
    ] = None,
    rules: RulesPath = None,
    thorough: Annotated[bool, typer.Option(help="Also demand that small wrong changes make a case fail.")] = False,
) -> None:
    """Parse all rule files, check them against each other and run every case."""
    checked = check_rules(only, folder=rules, thorough=thorough)
    say(f"{checked.instruments} instruments, {checked.rules} rules, {checked.cases} cases: all hold.")


@rules_app.command(name="list")
def list_command(rules: RulesPath = None, json_output: JsonOption = False) -> None:
    """List every rule with its validity, source and confidence mark."""
    found = rules_of(rules).rules
    if json_output:
        print_json([_rule_json(rule) for rule in found])
        return
    columns = ("rule", "place", "recipient", "clock", "in force", "mark", "read")
    rows = [
        (
            rule.id,
            rule.jurisdiction,
            rule.recipient or rule.addressee,
            _clock_words(rule),
            _validity(rule),
            rule.confidence,
            rule.read,
        )
        for rule in found
    ]
    print_table("", columns, rows, width=WIDTH)
    say(NOT_LEGAL_ADVICE)


@rules_app.command(name="show")
def show_command(rule_id: Annotated[str, typer.Argument(metavar="RULE")], rules: RulesPath = None) -> None:
    """Show one rule in all its versions, as it stands in its file."""
    for rule in find_rule(rule_id, folder=rules):
        for key, value in _rule_json(rule).items():
            if value not in ("", None, []):
                say(f"{key}: {'; '.join(map(str, value)) if isinstance(value, list) else value}")
        say()
    say(NOT_LEGAL_ADVICE)


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
        "who": render_expression(rule.who),
        "when": render_expression(rule.when),
        "exempt": [f"{item.text}: {render_expression(item.when)}" for item in rule.exemptions],
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
