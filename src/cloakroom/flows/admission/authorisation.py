"""Authorisation: whether a caller may do what opens no record by itself, and how a refusal is entered.

Commands and endpoints ask the same way. The order is always: judge by the policy, look whether the caller is frozen,
and where one of them says no, append the entry of the refusal before anything is said. What is permitted has its
entry from whoever does it, in the transaction of its effects.

Openings, searches and exchanges are not authorised here but admitted (`admission`), since they draw on a budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from cloakroom.clock import from_microseconds
from cloakroom.errors import DeniedError
from cloakroom.flows.admission.request import UNKNOWN_BRAND
from cloakroom.flows.ledger.entry_writing import EntryWriter
from cloakroom.flows.ledger.ports import Ledger
from cloakroom.gate.decision import Decision, Principal, ReasonCode, Request, decide
from cloakroom.gate.policy import Policy
from cloakroom.vocabulary import Operation

FROZEN: Final = "frozen"
UNKNOWN_PURPOSE: Final = "?"
"""Stands in the ledger for a purpose that the policy does not know: it may be anybody's name."""

_ENTERED: Final = {
    Operation.ACCESS_REPORT: Operation.REPORT,
    Operation.ERASE: Operation.ERASE,
    Operation.RELEASE: Operation.RELEASE,
}
"""The entry's word for a refused operation; every other one is a request, whose detail names the operation."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal that proved who it is, the credential that it presented, and its network address.

    Attributes:
        principal: The principal; its id is the name of its lineage.
        credential: Id of the credential.
        token_scope: The application whose tokens it reads and is given.
        address: Network address; None on the machine itself.
    """

    principal: Principal
    credential: str
    token_scope: str
    address: str | None = None

    @property
    def lineage(self) -> str:
        """Name of the lineage."""
        return self.principal.id


class Authoriser:
    """Judges requests by the policy in force and enters refusals."""

    def __init__(self, *, entries: EntryWriter, ledger: Ledger, policy: Policy) -> None:
        """Take the node's entry writer, its ledger, and the policy in force."""
        self._entries = entries
        self._ledger = ledger
        self._policy = policy

    def authorise(
        self,
        caller: Caller,
        operation: Operation,
        purpose: str,
        *,
        brands: frozenset[str] = frozenset(),
        reference: str | None = None,
        records: int = 1,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Return silently if the caller may; otherwise append the entry of the refusal and raise.

        Args:
            caller: Who asks.
            operation: What for.
            purpose: Named purpose.
            brands: Names of the brands concerned; none means the whole group.
            reference: Case number.
            records: How many records are named.
            detail: Identifiers and numbers for the entry of a refusal.

        Raises:
            DeniedError: The policy does not allow it, or the caller is frozen.
        """
        entered = _ENTERED.get(operation, Operation.REQUEST)
        named = {"operation": str(operation)} if entered is Operation.REQUEST else {}
        with self.entering_refusals(caller, entered, purpose=purpose, detail={**named, **(detail or {})}):
            self.check_not_frozen(caller.lineage)
            self.check(caller, operation, purpose, brands=brands, reference=reference, records=records)

    def check(
        self,
        caller: Caller,
        operation: Operation,
        purpose: str,
        *,
        brands: frozenset[str] = frozenset(),
        fields: frozenset[str] = frozenset(),
        reference: str | None = None,
        records: int = 1,
    ) -> Decision:
        """Return the permit of the policy; whoever calls this enters a refusal by `entering_refusals`.

        Raises:
            DeniedError: The policy does not allow it.
        """
        request = Request(
            operation=operation,
            purpose=purpose,
            brands=brands,
            at=from_microseconds(self._entries.now()),
            fields=fields,
            records=records,
            address=caller.address,
            reference=reference,
        )
        decision = decide(self._policy, caller.principal, request)
        if not decision.permitted:
            raise DeniedError(str(decision.reasons[0].code), decision.explanation)
        if UNKNOWN_BRAND in brands:
            # A role for every brand reaches the one that stands for no brand, too; nothing stands behind it.
            raise DeniedError(str(ReasonCode.BRAND), "nothing here for this caller")
        return decision

    def check_not_frozen(self, lineage: str) -> None:
        """Return silently unless a lineage is frozen or gone.

        Raises:
            DeniedError: It is.
        """
        state = self._ledger.states([lineage]).get(lineage)
        if state is None or state.frozen is not None:
            raise DeniedError(FROZEN, "this credential is frozen")

    def hold_unfrozen(self, lineage: str) -> None:
        """Within a transaction: hold a lineage, so that a freeze comes before or after it, and refuse a frozen one.

        Raises:
            DeniedError: It is frozen.
        """
        self._ledger.hold([lineage])
        self.check_not_frozen(lineage)

    @contextmanager
    def entering_refusals(
        self,
        caller: Caller,
        operation: Operation,
        *,
        purpose: str = "",
        lineage: str | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> Iterator[None]:
        """Append an entry for whatever is denied within, and let the denial pass on.

        Must lie around any transaction: the entry of a refusal outlives what was rolled back.

        Args:
            caller: Who asks.
            operation: The entry's word for what is asked.
            purpose: Named purpose, as the caller says it.
            lineage: Whose entry it is; the caller's unless told.
            detail: Identifiers and numbers for the entry.
        """
        try:
            yield
        except DeniedError as error:
            self.enter_refusal(caller, operation, error.code, purpose=purpose, lineage=lineage, detail=detail)
            raise

    def enter_refusal(
        self,
        caller: Caller,
        operation: Operation,
        code: str,
        *,
        purpose: str = "",
        lineage: str | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Append the entry of a refusal; the arguments are those of `entering_refusals`, and the reason's code."""
        self._entries.append(
            lineage=lineage or caller.lineage,
            principal=caller.lineage,
            operation=operation,
            permitted=False,
            reason=code,
            purpose=purpose if not purpose or purpose in self._policy.purposes else UNKNOWN_PURPOSE,
            detail={**(detail or {}), "credential": caller.credential},
        )
