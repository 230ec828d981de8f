"""Read, check and find the rules from which duties are evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cloakroom.adapters.legal_data import load_rules, read_rule_files
from cloakroom.adapters.named_files import read_text_file
from cloakroom.duty.case_checking import failed_cases
from cloakroom.duty.mutations import unnoticed
from cloakroom.duty.rulebook import DEFINITIONS, RuleFile, parse_rules
from cloakroom.duty.validation import case_problems
from cloakroom.errors import Position, Problem, RuleError, UsageError
from cloakroom.toml import DocumentLimits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloakroom.duty.instruments import Instrument, Rule, RuleSet

__all__ = ["CheckedRules", "check_rules", "find_rule", "rules_of"]


@dataclass(frozen=True, slots=True)
class CheckedRules:
    """Counts of what was checked and holds."""

    instruments: int
    rules: int
    cases: int


def rules_of(folder: Path | None, *, with_cases: bool = False) -> RuleSet:
    """Return the packaged rules, or those of a folder.

    Raises:
        RuleError: With every mistake of every file.
    """
    if folder is None:
        return load_rules(with_cases=with_cases)
    return parse_rules(read_rule_files(folder), with_cases=with_cases)


def check_rules(only: str | None = None, *, folder: Path | None = None, thorough: bool = False) -> CheckedRules:
    """Check rule files against each other and run every case beside them.

    Args:
        only: One file of the set, or, without `folder`, a file or folder of one's own.
        folder: Folder of rule files instead of the packaged ones.
        thorough: Also demand that small wrong changes make a case fail.

    Raises:
        RuleError: With every mistake.
        UsageError: There is no file of that name.
    """
    path = None if only is None or folder is not None else Path(only)
    if path is not None and path.is_dir():
        rules, only = rules_of(path, with_cases=True), None
    elif path is not None and path.is_file():
        rules, only = parse_rules(_with_definitions(path)), None
    else:
        rules = rules_of(folder, with_cases=True)
    chosen = [item for item in rules.instruments if only is None or item.file == only]
    if not chosen:
        raise UsageError("there is no rule file of that name; names are relative, such as us/tx.toml")
    problems = [problem for item in chosen for problem in _problems(item, rules, thorough=thorough)]
    if problems:
        raise RuleError(problems)
    return CheckedRules(len(chosen), sum(len(item.rules) for item in chosen), sum(len(item.cases) for item in chosen))


def _problems(instrument: Instrument, rules: RuleSet, *, thorough: bool) -> Iterator[Problem]:
    others = tuple(item for item in rules.authorities.values() if item not in instrument.authorities)
    yield from case_problems(instrument)
    yield from failed_cases(instrument, others)
    if thorough:
        for mutant in unnoticed(instrument, others):
            where = Position(instrument.file, mutant.rule.line, mutant.rule.id)
            yield Problem(where, f"no case notices this change: {mutant.change}")


def _with_definitions(path: Path) -> list[RuleFile]:
    """Read a single rule file, with the definitions of its folder."""
    shared = path.with_name(DEFINITIONS)
    limit = DocumentLimits().bytes_max
    return [
        RuleFile(str(item), read_text_file(item, bytes_max=limit))
        for item in (path, shared)
        if item == path or item.is_file()
    ]


def find_rule(rule_id: str, *, folder: Path | None = None) -> tuple[Rule, ...]:
    """Return a rule in all its versions.

    Raises:
        UsageError: There is no rule of that id.
    """
    found = tuple(rule for rule in rules_of(folder).rules if rule.id == rule_id)
    if not found:
        raise UsageError("there is no rule of that id; 'duties rules list' lists them")
    return found
