"""The error tree: few classes, named by whose fault it is.

Messages hold identifiers, positions, field names and counts, never field values: an error may end in a log,
on a screen or in a ticket. Only `cloakroom.cli` and `cloakroom.web` turn errors into exit codes and statuses.

    CloakroomError
    ├── DeniedError            the gate said no: policy, budget, freeze, expired credential
    ├── UnverifiedError        a signature, proof or claim could not be accepted
    │   ├── TamperedError      it was checked and it is wrong
    │   └── UncheckableError   it could not be checked (fails closed like its parent)
    ├── OpenError              a sealed value does not open; says no more than that (mute on purpose)
    ├── UnrecordedError        something was to be opened that no durable entry names: a defect of the program
    ├── StoreError             the database is absent, newer, older, or broken
    │   ├── ConflictError      somebody else changed it first; safe to try again
    │   │   └── BusyError      keys are being rotated or a delivery imported; to be tried again later
    │   ├── UnavailableError   it does not answer, or stopped answering; safe to try again
    │   ├── UnstorableError    it does not take a value, such as a text with a zero byte
    │   └── StatementError     it refused a statement: a defect, of this program or of the store
    ├── InputError             bad input from outside; has a source, a line and a field
    │   ├── PaymentDataError   it holds payment data, which is not kept here
    │   └── RuleError          a mistake in a file of rules or configuration
    ├── LimitError             something from outside is larger than its stated limit
    └── UsageError             the caller asked for something that makes no sense
"""

from __future__ import annotations

from dataclasses import dataclass


class CloakroomError(Exception):
    """Any error that Cloakroom raises on purpose."""


class DeniedError(CloakroomError):
    """The gate refused.

    Attributes:
        code: Stable reason code, such as ``policy``, ``budget``, ``frozen`` or ``expired``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UnverifiedError(CloakroomError):
    """Something that must be verified was not accepted."""


class TamperedError(UnverifiedError):
    """It was checked, and it is wrong."""


class UncheckableError(UnverifiedError):
    """It could not be checked; treated like a failure by everyone who catches the parent."""


class OpenError(CloakroomError):
    """A sealed value did not open. Carries no detail that could serve an attacker."""


class UnrecordedError(CloakroomError):
    """Something was to be opened that no durable entry names. A defect of the program; nothing was opened."""


class StoreError(CloakroomError):
    """The store is missing, of another version, or does not answer."""


class ConflictError(StoreError):
    """Somebody else changed the same thing first; nothing was written."""


class BusyError(ConflictError):
    """The records of a brand are in use: keys are rotated, or a delivery is imported. Nothing was written."""


class UnavailableError(StoreError):
    """The database does not answer, or stopped answering; nothing half-done remains."""


class UnstorableError(StoreError):
    """The database does not take a value, such as a text with a zero byte; nothing was written."""


class StatementError(StoreError):
    """The database refused a statement: a defect of this program or of the store, not of what was asked."""


@dataclass(frozen=True)
class Position:
    """The place of a mistake in an input.

    Attributes:
        source: File name or another identifier of the input; never a value from it.
        line: Line number from 1, or None where lines make no sense.
        field: Field, column or key, or None.
    """

    source: str
    line: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        """Render as ``source:line: field``, leaving out what is unknown."""
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return place if self.field is None else f"{place}: {self.field}"


@dataclass(frozen=True)
class Problem:
    """One mistake found in an input, with its position."""

    position: Position
    reason: str

    def __str__(self) -> str:
        """Render as ``position: reason``."""
        return f"{self.position}: {self.reason}"


class InputError(CloakroomError):
    """Bad input from outside. Collects every problem found, not only the first."""

    def __init__(self, problems: list[Problem] | Problem) -> None:
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def at(cls, source: str, reason: str, *, line: int | None = None, field: str | None = None) -> InputError:
        """Make the error for a single problem."""
        return cls(Problem(Position(source, line, field), reason))


class PaymentDataError(InputError):
    """A value holds payment data, which does not belong in a customer system."""


class RuleError(InputError):
    """A mistake in a file of rules or configuration that somebody wrote by hand."""


class LimitError(CloakroomError):
    """Something from outside exceeds its stated limit."""


class UsageError(CloakroomError):
    """The caller asked for something that makes no sense; nothing was done."""
