"""The answer to each error that a handler may raise: by its type and code, never by its words."""

from __future__ import annotations

from collections.abc import Mapping

from cloakroom.errors import (
    BusyError,
    CloakroomError,
    ConflictError,
    DeniedError,
    InputError,
    LimitError,
    OpenError,
    PaymentDataError,
    UncheckableError,
    UnstorableError,
    UsageError,
)
from cloakroom.web.api.problems import Answer, denial, problem

_MAX_PROBLEMS = 20
_BUSY_SECONDS = 5

_CODES: Mapping[type[CloakroomError], str] = {
    PaymentDataError: "payment-data",
    InputError: "malformed",
    UnstorableError: "malformed",
    BusyError: "busy",
    ConflictError: "conflict",
    OpenError: "broken-record",
    LimitError: "too-large",
    UncheckableError: "not-found",
    UsageError: "malformed",
}
"""Codes of problems by the type of the error; where several match, the first."""


def failure(error: CloakroomError) -> Answer:
    """Return the answer for an error."""
    if isinstance(error, DeniedError):
        return problem("not-found") if error.code in {"unknown", "not-found"} else denial(error.code)
    code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), "internal")
    return problem(code, _detail(error), retry_after_s=_BUSY_SECONDS if code == "busy" else None)


def _detail(error: CloakroomError) -> str:
    """Return what may be told beyond the code: nothing that an error says elsewhere than about the request itself."""
    match error:
        case InputError():
            return "; ".join(f"{item.position.field}: {item.reason}" for item in error.problems[:_MAX_PROBLEMS])
        case UnstorableError():
            return "a text holds what cannot be stored"
        case _:
            return ""
