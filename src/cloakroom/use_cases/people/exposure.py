"""The exposure of a credential: the most that it could open if it were stolen now."""

from __future__ import annotations

from cloakroom.flows.ledger.lineage_snapshots import LineageSnapshots
from cloakroom.gate.decision import budget_of
from cloakroom.gate.exposure import Exposure, expose
from cloakroom.wiring import Application


def exposure_of(application: Application, name: str) -> Exposure:
    """Return the ceiling of a principal as of now.

    Raises:
        DeniedError: There is no such principal.
    """
    stored = application.records.principal(name)
    policy = application.configuration.policy
    classes = application.configuration.field_classes
    budget = budget_of(policy, stored.principal)
    snapshots = LineageSnapshots(application.ledger)
    snapshots.load([name])
    counts: dict[str, int] = dict.fromkeys(application.catalogue.brands, 0)
    for (brand, state), count in application.vault.counts().items():
        if state == 0:
            counts[application.catalogue.brand_name(brand)] += count
    return expose(
        policy,
        stored.principal,
        snapshots.snapshot(name, budget) if budget is not None else None,
        application.now(),
        fields=classes,
        records_by_brand=counts,
        frozen=stored.frozen_at is not None,
    )
