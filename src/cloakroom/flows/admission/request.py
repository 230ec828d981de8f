"""Requests to admission, and its answers."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from pyroaring import BitMap

from cloakroom.flows.ledger.entry_writing import DurableEntry
from cloakroom.gate.budget import Assessment
from cloakroom.gate.decision import Decision, Principal, is_reference
from cloakroom.gate.policy import Form
from cloakroom.vocabulary import Operation

UNKNOWN_BRAND = "?"
"""Stands for the brand of a token that is none; nothing grants it."""


class AdmissionRequest(msgspec.Struct, frozen=True):
    """One request about the records of one brand.

    Attributes:
        principal: Who asks, authenticated.
        operation: What to do.
        purpose: Named purpose.
        brand: Name of the brand.
        fields: Names of the fields wanted.
        records: Ordinals concerned.
        reference: Case or appointment.
        address: Network address of the caller; None on the machine itself.
        credential: Id of the credential that was presented.
        detail: Further identifiers and numbers for the entry.
        reserved: Probes that must be left whatever is found; 0 where the number of records is the caller's own.
        cost: Probes to charge instead of one and one for each record; 0 for those.
    """

    principal: Principal
    operation: Operation
    purpose: str
    brand: str
    fields: frozenset[str]
    records: BitMap
    reference: str | None = None
    address: str | None = None
    credential: str = ""
    detail: Mapping[str, object] = msgspec.field(default_factory=dict)
    reserved: int = 0
    cost: int = 0


class Admission(msgspec.Struct, frozen=True):
    """The outcome of an `AdmissionRequest`.

    Attributes:
        permitted: Whether the records may be opened now; then its entry is durable.
        code: Stable reason code: ``granted``, ``frozen``, ``budget``, ``broken-history``, or a code of the gate.
        explanation: For people.
        forms: Form of each field, already lowered where a budget runs low.
        back_at: When a refused request would fit, in microseconds, or None.
        canary: Whether a canary was touched.
        entry: The durable entry of a permitted request, under which its records may be opened.
    """

    permitted: bool
    code: str
    explanation: str
    forms: Mapping[str, Form] = msgspec.field(default_factory=dict)
    back_at: int | None = None
    canary: bool = False
    entry: DurableEntry | None = None


def malformed(ask: AdmissionRequest) -> Admission | None:
    """Refuse what no policy is asked about: a token that is none, a reference that is none."""
    if ask.brand == UNKNOWN_BRAND:
        return Admission(permitted=False, code="brand", explanation="nothing here for this caller")
    if ask.reference is not None and not is_reference(ask.reference):
        return Admission(permitted=False, code="reference", explanation="that is no case or appointment number")
    return None


def denied(decision: Decision) -> Admission:
    """Return what is said where the gate denies."""
    return Admission(permitted=False, code=str(decision.reasons[0].code), explanation=decision.explanation)


def frozen(*, canary: bool = False) -> Admission:
    """Return what is said to a lineage that is frozen."""
    return Admission(permitted=False, code="frozen", explanation="this credential is frozen", canary=canary)


def broken_history() -> Admission:
    """Return what is said to a lineage whose earlier entries were changed in the store: nothing can be counted on."""
    return Admission(
        permitted=False,
        code="broken-history",
        explanation="what this principal opened before was changed in the store",
    )


def exhausted(assessment: Assessment) -> Admission:
    """Return what is said where a budget does not hold the request."""
    found = assessment.exhausted
    assert found is not None
    return Admission(permitted=False, code="budget", explanation=f"budget: {found}", back_at=found.back_at)
