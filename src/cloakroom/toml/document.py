"""The state that the tables of one document share: its name, its lines, its limits, and the mistakes found so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cloakroom.errors import InputError, Position, Problem, RuleError
from cloakroom.toml.statements import Path, line_of


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Bounds on a file from outside.

    Attributes:
        bytes_max: Size of the file, in bytes.
        items_max: Entries of one list or table.
        text_max: Characters of one text.
        depth_max: How deep tables and lists may be nested.
        problems_max: Mistakes that are told at most.
    """

    bytes_max: int = 8_000_000
    items_max: int = 100_000
    text_max: int = 2_000
    depth_max: int = 64
    problems_max: int = 200


@dataclass(slots=True)
class Document:
    """One file that is being read.

    Attributes:
        source: Its name, for messages.
        lines: Line of each key, by path.
        limits: Bounds on what it may hold.
        error: What `check` raises.
        problems: The mistakes found so far.
    """

    source: str
    lines: Mapping[Path, int]
    limits: DocumentLimits = field(default_factory=DocumentLimits)
    error: type[InputError] = RuleError
    problems: list[Problem] = field(default_factory=list)

    def line_of(self, path: Path) -> int:
        """Return the line of `path`, or of the nearest enclosing thing whose line is known."""
        return line_of(self.lines, path)

    def report(self, path: Path, reason: str) -> None:
        """Note a mistake at `path`."""
        self.problems.append(Problem(Position(self.source, self.line_of(path), _written(path) or None), reason))

    def check(self) -> None:
        """Raise `error` with every mistake noted, in the order of their lines, if there is any."""
        if self.problems:
            ordered = sorted(self.problems, key=lambda problem: problem.position.line or 0)
            raise self.error(ordered[: self.limits.problems_max])


def _written(path: Path) -> str:
    """Return a path as people count: elements from 1."""
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
