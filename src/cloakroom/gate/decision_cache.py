"""Cache the decisions of one policy, so that a question that was answered is not judged a thousand times a second.

`DecisionCache.decide` answers what `decision.decide` would; applications ask the same thing about one record after
the other. Only permits are cached, each with the principal as it was known then: a principal that is read anew is
another one. Whether it is valid at the moment is looked at each time.
"""

from __future__ import annotations

from dataclasses import dataclass

from cloakroom.clock import from_microseconds
from cloakroom.gate.decision import Decision, Principal, Request, decide, is_reference
from cloakroom.gate.policy import Policy
from cloakroom.vocabulary import Operation

DECISIONS_MAX = 4_096


@dataclass(frozen=True, slots=True)
class _CachedDecision:
    principal: Principal
    decision: Decision


class DecisionCache:
    """The permits that one policy gave lately."""

    def __init__(self, policy: Policy) -> None:
        """Take the rules; other rules take another cache."""
        self._policy = policy
        self._cached: dict[tuple[object, ...], _CachedDecision] = {}

    def decide(
        self,
        principal: Principal,
        *,
        operation: Operation,
        purpose: str,
        brand: str,
        fields: frozenset[str],
        records: int,
        at: int,
        address: str | None = None,
        reference: str | None = None,
    ) -> Decision:
        """Judge a request about records of one brand, as `decision.decide` does.

        Args:
            principal: Who asks; authenticated by the caller.
            operation: What to do.
            purpose: Name of the purpose.
            brand: Name of the brand.
            fields: Names of the fields to be given out.
            records: How many records are named.
            at: When, in microseconds since the epoch.
            address: Network address of the caller; None on the machine itself.
            reference: Case, order or appointment number, if any.
        """
        moment = from_microseconds(at)
        # A reference is judged by its form, and nothing else depends on what it says.
        form = None if reference is None else is_reference(reference)
        question = (principal.id, operation, purpose, brand, fields, records, address, form)
        cached = self._cached.get(question)
        if (
            cached is not None
            and cached.principal is principal
            and principal.valid_from <= moment < principal.valid_until
        ):
            return cached.decision
        request = Request(
            operation=operation,
            purpose=purpose,
            brands=frozenset({brand}),
            at=moment,
            fields=fields,
            records=records,
            address=address,
            reference=reference,
        )
        decision = decide(self._policy, principal, request)
        if decision.permitted:
            if len(self._cached) >= DECISIONS_MAX:
                self._cached.clear()
            self._cached[question] = _CachedDecision(principal, decision)
        return decision
