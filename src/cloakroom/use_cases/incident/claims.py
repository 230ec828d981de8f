"""Checks claims against an opened store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from cloakroom.adapters.evidence.files import DumpFiles
from cloakroom.adapters.evidence.threads import WorkerThreads
from cloakroom.claims.limits import Limits
from cloakroom.claims.report import ClaimReport
from cloakroom.claims.statement import Statement
from cloakroom.crypto import random_bytes
from cloakroom.flows.check_claim import CheckRequest, Vault, check_claim
from cloakroom.use_cases.incident.claim_store import (
    StoreCountries,
    StoreDisclosures,
    StoreHistory,
    StorePersons,
    claim_digest,
    store_index,
)
from cloakroom.wiring import Application


def check(
    application: Application,
    paths: Sequence[Path],
    statement: Statement,
    *,
    skip: frozenset[Path] = frozenset(),
    by: str = "operator",
    limits: Limits | None = None,
    progress: Callable[[int, str], None] | None = None,
) -> ClaimReport:
    """Check an alleged dump against the store, and keep the claim in the register.

    Args:
        application: The opened store.
        paths: Files and folders of the dump.
        statement: What the sellers say.
        skip: Files to leave out.
        by: Who asks.
        limits: What the dump may cost.
        progress: Called with bytes read and the file at hand.

    Raises:
        UsageError: A path does not exist.
    """
    limits = limits or Limits()
    dump = DumpFiles(paths, limits, skip=skip)
    claim = str(UUID(bytes=random_bytes(16), version=4))
    with store_index(application) as index:
        vault = Vault(
            index=index,
            history=StoreHistory(application, by, claim),
            disclosures=StoreDisclosures(application),
            persons=StorePersons(application, by, claim),
            countries=StoreCountries(application),
            register=application.claims,
            digest=lambda forms: claim_digest(application, forms),
        )
        request = CheckRequest(
            id=claim,
            evidence=dump.evidence(),
            statement=statement,
            by=by,
            at=application.now(),
            seed=int.from_bytes(random_bytes(4), "big"),
        )
        report = check_claim(request, dump, vault, workers=WorkerThreads(), limits=limits, progress=progress)
    application.sequencer.run()
    return report
