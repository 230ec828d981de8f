"""Tokens of one application turned into those of another.

Allowed only where the policy says so on both sides: the one who asks, and the application for which the tokens are,
hold a role with the same purpose, and that purpose allows `exchange`. It draws probes: tokens are worth something.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyroaring import BitMap

from cloakroom.adapters.postgres.store_records import StoreRecords
from cloakroom.errors import DeniedError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.admission.request import Admission, AdmissionRequest
from cloakroom.gate.decision import roles_of
from cloakroom.gate.policy import Policy
from cloakroom.vault.tokens import RecordReference
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application


def exchange(
    application: Application,
    who: Caller,
    tokens: Sequence[str],
    receiver: str,
    *,
    purpose: str,
    reference: str | None = None,
) -> list[str]:
    """Return the tokens under which `receiver` knows the same records; durable in the ledger before.

    Raises:
        DeniedError: It is refused; a token that is none and a record out of reach are refused alike.
    """
    found = application.codec(who.token_scope).read(tokens)
    names = {number: name for name, number in application.catalogue.brands.items()}
    by_brand: dict[str, BitMap] = {}
    for item in found:
        brand = "?" if item is None else names.get(item.brand, "?")
        records = by_brand.setdefault(brand, BitMap())
        if item is not None:
            records.add(item.ordinal)
    scope = _scope_of(application.records, application.configuration.policy, receiver, purpose, frozenset(by_brand))
    if scope is None:
        by_brand = {"?": BitMap()}  # refused like a brand that nothing grants, with its entry
    wanted = [
        AdmissionRequest(
            principal=who.principal,
            operation=Operation.EXCHANGE,
            purpose=purpose,
            brand=brand,
            fields=frozenset(),
            records=records,
            reference=reference,
            address=who.address,
            credential=who.credential,
            detail={"receiver": receiver} if scope is not None else {},
        )
        for brand, records in by_brand.items()
    ]
    admissions, _ = application.gatekeeper.admit(wanted)
    _check(admissions)
    if scope is None:
        raise DeniedError("brand", "nothing here for this caller")
    references = [item for item in found if isinstance(item, RecordReference)]
    return application.codec(scope).issue(references)


def _scope_of(
    records: StoreRecords, policy: Policy, receiver: str, purpose: str, brands: frozenset[str]
) -> str | None:
    """Return the token scope of the receiver, or None if the policy does not join it to this purpose and brands."""
    stored = records.find_principal(receiver)
    if stored is None:
        return None
    roles = [
        role
        for role in roles_of(policy, stored.principal)
        if purpose in role.purposes and stored.principal.kind in role.kinds
    ]
    joined = all(any(role.covers_brand(brand) for role in roles) for brand in brands)
    return stored.token_scope if roles and joined else None


def _check(admissions: Sequence[Admission]) -> None:
    for admission in admissions:
        if not admission.permitted:
            raise DeniedError(admission.code, admission.explanation)
