"""All rule files of a directory into one checked `RuleSet`.

The directory tree is `duty/rules/`: one folder per region, one TOML file per instrument. A file ``definitions.toml``
holds named expressions for the files of its own folder. Nothing else is read, nothing is fetched, nothing is run.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

from cloakroom.duty.instruments import Instrument, RuleSet
from cloakroom.duty.parsing import parse_definitions, parse_instrument
from cloakroom.duty.validation import rule_problems
from cloakroom.errors import InputError, Problem, RuleError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from cloakroom.duty.expressions import Expression

__all__ = ["DEFINITIONS", "RuleFile", "load_rules", "packaged_rules", "read_rule_files"]

DEFINITIONS: Final = "definitions.toml"
_DEPTH_MAX: Final = 4


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
        """Whether it holds only named expressions."""
        return self.path.rpartition("/")[2] == DEFINITIONS


def packaged_rules(*, with_cases: bool = True) -> RuleSet:
    """Load the rules that ship with the package.

    Args:
        with_cases: Read the cases, too; evaluation has no use for them, and they are most of the text.

    Raises:
        RuleError: They are broken.
    """
    return load_rules(read_rule_files(resources.files("cloakroom.duty") / "rules"), with_cases=with_cases)


def read_rule_files(root: Traversable) -> list[RuleFile]:
    """Read every TOML file below `root`, in a stable order."""
    return sorted(_walk(root, "", 0), key=lambda file: file.path)


def _walk(folder: Traversable, prefix: str, depth: int) -> list[RuleFile]:
    found: list[RuleFile] = []
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir() and depth < _DEPTH_MAX:
            found.extend(_walk(entry, f"{path}/", depth + 1))
        elif entry.name.endswith(".toml"):
            found.append(RuleFile(path, entry.read_text(encoding="utf-8")))
    return found


def load_rules(files: list[RuleFile], *, with_cases: bool = True) -> RuleSet:
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
