"""The answer to each error that a handler may raise."""

from __future__ import annotations

from cloakroom.errors import (
    BusyError,
    CloakroomError,
    ConflictError,
    DeniedError,
    InputError,
    LimitError,
    OpenError,
    UncheckableError,
    UsageError,
)
from cloakroom.web.api.problems import Answer, denial, problem


def failure(error: CloakroomError) -> Answer:
    """Return the answer for an error."""
    if isinstance(error, DeniedError):
        return problem("not-found") if error.code in {"unknown", "not-found"} else denial(error.code)
    if isinstance(error, InputError):
        reasons = [item.reason for item in error.problems]
        code = "payment-data" if any(_PAYMENT in reason for reason in reasons) else "malformed"
        return problem(code, "; ".join(f"{item.position.field}: {item.reason}" for item in error.problems[:20]))
    code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), "internal")
    return problem(code, retry_after_s=5 if code == "busy" else None)


_PAYMENT = "which does not belong in a customer system"


_CODES: dict[type[CloakroomError], str] = {
    BusyError: "busy",
    ConflictError: "conflict",
    OpenError: "broken-record",
    LimitError: "too-large",
    UncheckableError: "not-found",
    UsageError: "malformed",
}
