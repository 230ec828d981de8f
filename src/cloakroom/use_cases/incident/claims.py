"""Checks claims against an opened store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from cloakroom.claims.limits import Limits
from cloakroom.claims.report import ClaimReport, Evidence
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

_PIECE = 1 << 22


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
    """
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
            paths=paths,
            evidence=_evidence(paths, skip),
            statement=statement,
            skip=skip,
            by=by,
            at=application.now(),
            seed=int.from_bytes(random_bytes(4), "big"),
        )
        report = check_claim(request, vault, limits or Limits(), progress)
    application.sequencer.run()
    return report


def _evidence(paths: Sequence[Path], skip: frozenset[Path]) -> list[Evidence]:
    """Hash every file as it was given."""
    found = []
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and not file.is_symlink() and file.resolve() not in skip:
                digest = hashlib.sha256()
                with file.open("rb") as stream:
                    while piece := stream.read(_PIECE):
                        digest.update(piece)
                found.append(Evidence(str(file.relative_to(path.parent)), file.stat().st_size, digest.hexdigest()))
    return found
