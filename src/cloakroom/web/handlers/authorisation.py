"""Refuses what the policy does not allow, with an entry."""

from __future__ import annotations

from cloakroom.errors import (
    DeniedError,
)
from cloakroom.gate.decision import Request, decide
from cloakroom.vocabulary import Operation
from cloakroom.web.handlers.caller import Caller
from cloakroom.wiring import Application


def authorise(
    application: Application,
    caller: Caller,
    operation: Operation,
    purpose: str,
    *,
    brands: frozenset[str] = frozenset(),
    reference: str | None = None,
) -> None:
    """Refuse what the policy does not allow, or what a frozen credential asks, with an entry.

    Raises:
        DeniedError: It is refused.
    """
    request = Request(
        operation=operation,
        purpose=purpose,
        brands=brands,
        at=application.clock.now(),
        address=caller.address,
        reference=reference,
    )
    decision = decide(application.configuration.policy, caller.principal, request)
    code = "" if decision.permitted else str(decision.reasons[0].code)
    if caller.presented.stored.frozen_at is not None:
        code = "frozen"
    if not code:
        return
    entry = application.entries.prepare(
        lineage=caller.principal.id,
        operation=Operation.REQUEST,
        permitted=False,
        reason=code,
        # What the policy does not know may be anybody's name: it is not written down.
        purpose=purpose if purpose in application.configuration.policy.purposes else "?",
        detail={"operation": str(operation), "credential": caller.credential},
    )
    application.ledger.append({}, [entry])
    raise DeniedError(code, decision.explanation)
