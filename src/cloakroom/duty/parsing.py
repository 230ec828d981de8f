"""Rule files into values: one TOML file is one instrument. The format is `docs/reference/rule-files.md`.

Parsing knows the shape of a file and nothing of law: it reports every unknown key, operator, word and missing piece
with its line. What rules must be to each other is `validation`; what they mean is `evaluation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from cloakroom.duty import fact_values
from cloakroom.duty.case_parsing import parse_cases
from cloakroom.duty.expressions import ALWAYS, Expression
from cloakroom.duty.instruments import (
    ADDRESSEES,
    CONFIDENCES,
    EFFECTS,
    EVENTS,
    RECIPIENT_KINDS,
    UNITS,
    Authority,
    Clock,
    Exemption,
    Instrument,
    Period,
    Rule,
)
from cloakroom.toml import DocumentLimits, Table, parse_document
from cloakroom.vocabulary import DATA_ELEMENTS

__all__ = ["parse_definitions", "parse_expression", "parse_instrument"]

Definitions = dict[str, Expression]

_WORDS: Final[dict[str, frozenset[str] | None]] = {
    "based": None,
    "cause": fact_values.CAUSES,
    "data": DATA_ELEMENTS,
    "data_all": DATA_ELEMENTS,
    "flag": fact_values.FLAGS,
    "holder": fact_values.HOLDERS,
    "nature": fact_values.NATURES,
    "place": None,
    "segment": fact_values.SEGMENTS,
    "service_harm": fact_values.SERVICE_HARMS,
    "taken": fact_values.TAKEN,
}
_NUMBERS: Final = frozenset({"persons_from", "persons_over", "restored_hours_over"})
_FLAGS: Final = frozenset({"always", "deletion_confirmed", "intelligible"})
_SENTENCES: Final = frozenset({"harm", "open", "unclear"})
_RISKS: Final = frozenset({"risk", "high"})


@dataclass(frozen=True, slots=True)
class _Common:
    """Attributes that an instrument states once for all its rules."""

    id: str
    jurisdiction: str
    residents: tuple[str, ...]
    excluded: tuple[str, ...]
    languages: tuple[str, ...]
    source: str
    read: date | None
    confidence: str
    fine: str
    record: str


def parse_definitions(text: str, source: str) -> Definitions:
    """Read a file of shared named expressions.

    Raises:
        RuleError: With every mistake.
    """
    root = parse_document(text, source, semicolons=True)
    found: Definitions = {}
    _define(root, found)
    root.close()
    root.check()
    return found


def parse_instrument(
    text: str,
    source: str,
    *,
    definitions: Definitions | None = None,
    limits: DocumentLimits | None = None,
    with_cases: bool = True,
) -> Instrument:
    """Read one rule file.

    Args:
        text: Its content.
        source: Its name for messages.
        definitions: Named expressions that `use` may refer to, besides the file's own.
        limits: Bounds on size.
        with_cases: Read the cases, too.

    Raises:
        RuleError: With every mistake.
    """
    without = frozenset[str]() if with_cases else frozenset({"case"})
    root = parse_document(text, source, limits=limits, without=without, semicolons=True)
    head = root.table("instrument")
    if head is None:
        root.report("instrument", "is missing")
        root.check()
    assert head is not None
    common = _common(head)
    name = head.text("name")
    head.close()
    known = dict(definitions or {})
    _define(root, known)
    rules = tuple(_rule(table, common, known) for table in root.tables("rule"))
    authorities = tuple(_authority(table, common) for table in root.tables("authority"))
    cases = parse_cases(root, rules) if with_cases else ()
    root.close()
    root.check()
    return Instrument(common.id, name, rules, cases, authorities, source)


def _common(head: Table) -> _Common:
    return _Common(
        id=head.text("id"),
        jurisdiction=head.text("jurisdiction", default=""),
        residents=head.texts("residents"),
        excluded=head.texts("except"),
        languages=head.texts("languages"),
        source=head.text("source", default=""),
        read=head.day("read"),
        confidence=head.text("confidence", default="", choices=frozenset(CONFIDENCES) | {""}),
        fine=head.text("fine", default=""),
        record=head.text("record", default=""),
    )


def _define(root: Table, known: Definitions) -> None:
    table = root.table("define")
    if table is None:
        return
    for name in table.values:
        if name in known:
            table.report(name, "is defined already")
            continue
        parsed = parse_expression(table, name, known)
        if parsed is not None:
            known[name] = parsed


def _rule(table: Table, common: _Common, known: Definitions) -> Rule:
    effect = table.text("effect", default="duty", choices=EFFECTS)
    clock_table = table.table("clock")
    clock = _clock(clock_table) if clock_table is not None else None
    pending = table.flag("pending", default=False)
    if effect == "duty" and clock is None:
        table.report("clock", "is missing: a duty has one, if only 'without_undue_delay'")
    read = table.day("read") or common.read
    rule = Rule(
        id=table.text("id"),
        instrument=common.id,
        provision=table.text("provision"),
        jurisdiction=table.text("jurisdiction", default=common.jurisdiction),
        residents=frozenset(table.texts("residents") or common.residents),
        excluded=frozenset(table.texts("except") or common.excluded),
        recipient=table.text("recipient", default=""),
        recipient_kind=table.text("recipient_kind", choices=RECIPIENT_KINDS),
        addressee=table.text("addressee", default="named", choices=ADDRESSEES),
        effect=effect,
        valid_from=table.day("from"),
        valid_until=table.day("until"),
        pending=pending,
        replaces=table.text("replaces", default=""),
        who=parse_expression(table, "who", known) or ALWAYS,
        when=parse_expression(table, "when", known) or ALWAYS,
        exemptions=tuple(_exemption(item, known) for item in table.tables("exempt")),
        clock=clock,
        after=table.texts("after"),
        delay=table.texts("delay"),
        extension=table.text("extension", default=""),
        content_required=table.texts("content_required"),
        content_forbidden=table.texts("content_forbidden"),
        channels=table.texts("channels"),
        substitute=table.text("substitute", default=""),
        languages=table.texts("languages") or common.languages,
        record=table.text("record", default=common.record),
        fine=table.text("fine", default=common.fine),
        notes=table.texts("notes"),
        source=table.text("source", default=common.source),
        read=read or date.min,
        confidence=table.text("confidence", default=common.confidence, choices=frozenset(CONFIDENCES)),
        file=table.source,
        line=table.line(),
    )
    _check_rule(table, rule, has_read=read is not None)
    table.close()
    return rule


def _check_rule(table: Table, rule: Rule, *, has_read: bool) -> None:
    if not rule.source:
        table.report("source", "is missing: every rule names where it was read")
    if not has_read:
        table.report("read", "is missing: every rule says when its source was read")
    if not rule.confidence:
        table.report("confidence", "is missing: one of " + ", ".join(sorted(CONFIDENCES)))
    if not rule.jurisdiction:
        table.report("jurisdiction", "is missing")
    if not rule.residents:
        table.report("residents", "is missing")
    if rule.addressee == "named" and not rule.recipient:
        table.report("recipient", "is missing")
    if rule.effect != "duty" and not rule.notes:
        table.report("notes", "is missing: say why nothing is due")
    if rule.replaces and not rule.pending:
        table.report("replaces", "is for pending rules; a version of a rule in force has that rule's id")
    if rule.pending and (rule.valid_from or rule.valid_until):
        table.report("pending", "a pending rule has no dates: it is not law")


def _clock(table: Table) -> Clock:
    start = table.text("start")
    if start and start not in EVENTS and not start.startswith("duty:"):
        table.report("start", "must be one of " + ", ".join(sorted(EVENTS)) + ", or duty:<rule id>")
    target = table.table("target")
    clock = Clock(
        start=start,
        period=_period(table),
        target=_period(target) if target is not None else None,
        wording=table.text("wording", default=""),
        holidays=table.text("holidays", default=""),
    )
    if target is not None:
        target.close()
    table.close()
    return clock


def _period(table: Table) -> Period:
    unit = table.text("unit", choices=UNITS)
    if unit == "without_undue_delay":
        if table.has("amount"):
            table.report("amount", "does not go with without_undue_delay; use target for a soft aim")
        return Period(None, unit)
    return Period(table.number("amount"), unit)


def _exemption(table: Table, known: Definitions) -> Exemption:
    exemption = Exemption(table.text("text"), parse_expression(table, "when", known) or ALWAYS)
    if not table.has("when"):
        table.report("when", "is missing")
    table.close()
    return exemption


def _authority(table: Table, common: _Common) -> Authority:
    read = table.day("read") or common.read
    authority = Authority(
        place=table.text("place"),
        name=table.text("name"),
        channel=table.text("channel", default=""),
        address=table.text("address", default=""),
        languages=table.texts("languages"),
        notes=table.texts("notes"),
        individual_notes=table.texts("individual_notes"),
        source=table.text("source", default=common.source),
        read=read or date.min,
        confidence=table.text("confidence", default=common.confidence, choices=frozenset(CONFIDENCES)),
    )
    if read is None or not authority.source:
        table.report("source", "source and read are needed, here or in [instrument]")
    table.close()
    return authority


def parse_expression(table: Table, key: str, known: Definitions) -> Expression | None:
    """Take the expression at `key`, reporting mistakes on its line; None where there is none or it is wrong."""
    table.taken.add(key)
    if key not in table.values:
        return None
    return _expression(table, key, table.values[key], known)


def _expression(  # noqa: PLR0911 -- one return per form of an expression
    table: Table, key: str, value: Any, known: Definitions
) -> Expression | None:
    if not isinstance(value, dict) or len(value) != 1:
        table.report(key, "must be a table with exactly one operator, such as { data = 'passport' }")
        return None
    op, operand = next(iter(value.items()))
    if op in {"all", "any"}:
        if not isinstance(operand, list) or not operand:
            table.report(key, f"'{op}' needs a list of expressions")
            return None
        parts = [_expression(table, key, part, known) for part in operand]
        return Expression(op, operands=tuple(part for part in parts if part is not None))
    if op == "not":
        inner = _expression(table, key, operand, known)
        return None if inner is None else Expression("not", operands=(inner,))
    if op == "use":
        if not isinstance(operand, str) or operand not in known:
            table.report(key, "'use' names no definition that stands before it")
            return None
        return known[operand]
    return _atom(table, key, op, operand)


def _atom(table: Table, key: str, op: str, operand: Any) -> Expression | None:
    values = tuple(operand) if isinstance(operand, list) else (operand,)
    problem = _atom_problem(op, operand, values)
    if problem:
        table.report(key, problem)
        return None
    return Expression(op, values=values)


def _atom_problem(op: str, operand: Any, values: tuple[Any, ...]) -> str:
    """Say what is wrong with the operand of an operator; empty if nothing is."""
    if op in _WORDS:
        return _words_problem(op, values)
    demands = {
        **dict.fromkeys(_NUMBERS, (type(operand) is int and operand >= 0, "needs a whole number")),
        **dict.fromkeys(_FLAGS, (type(operand) is bool, "needs true or false")),
        **dict.fromkeys(_SENTENCES, (isinstance(operand, str) and operand != "", "needs a text")),
        "risk": (isinstance(operand, str) and operand in _RISKS, "is 'risk' or 'high'"),
    }
    fits, demand = demands.get(op, (False, "is not an operator"))
    return "" if fits else f"'{op}' {demand}"


def _words_problem(op: str, values: tuple[Any, ...]) -> str:
    allowed = _WORDS[op]
    if not values or not all(isinstance(value, str) for value in values):
        return f"'{op}' needs a text or a list of texts"
    if len(set(values)) < len(values):
        return f"'{op}' names a value twice"
    if allowed is not None and not set(values) <= allowed:
        return f"'{op}' names a value that is not known"
    return ""
