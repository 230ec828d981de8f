"""Rule files into one checked `RuleSet`.

One folder per region, one TOML file per instrument, as in `duty/rules/`. A file ``definitions.toml`` holds named
expressions for the files of its own folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cloakroom.duty.instruments import Instrument, RuleSet
from cloakroom.duty.parsing import parse_definitions, parse_instrument
from cloakroom.duty.validation import rule_problems
from cloakroom.errors import InputError, Problem, RuleError

if TYPE_CHECKING:
    from cloakroom.duty.expressions import Expression

__all__ = ["DEFINITIONS", "RuleFile", "parse_rules"]

DEFINITIONS: Final = "definitions.toml"


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule file's path within the tree, and its text."""

    path: str
    text: str

    @property
    def folder(self) -> str:
        """The folder it stands in."""
        return self.path.rpartition("/")[0]

    @property
    def is_definitions(self) -> bool:
        """True for a file that holds only named expressions."""
        return self.path.rpartition("/")[2] == DEFINITIONS


def parse_rules(files: list[RuleFile], *, with_cases: bool = True) -> RuleSet:
    """Parse all files and check them against each other; all mistakes are reported together.

    Args:
        files: Any order.
        with_cases: Read the cases, too.

    Raises:
        RuleError: With every mistake of every file.
    """
    problems: list[Problem] = []
    shared: dict[str, dict[str, Expression]] = {}
    instruments: list[Instrument] = []
    for file in sorted(files, key=lambda item: not item.is_definitions):
        try:
            if file.is_definitions:
                shared[file.folder] = parse_definitions(file.text, file.path)
            else:
                known = shared.get(file.folder, {})
                instruments.append(parse_instrument(file.text, file.path, definitions=known, with_cases=with_cases))
        except InputError as error:
            problems.extend(error.problems)
    rules = RuleSet(tuple(instruments))
    problems.extend(rule_problems(rules))
    if problems:
        raise RuleError(problems)
    return rules
