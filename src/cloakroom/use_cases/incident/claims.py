"""Checks claims against an opened store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from pyroaring import BitMap

from cloakroom.adapters.claims.address_digests import address_digests
from cloakroom.adapters.claims.customer_index import IndexedVault, customer_index
from cloakroom.adapters.claims.own_disclosures import OwnDisclosures
from cloakroom.adapters.claims.store_facets import StoreFacets, telephone_regions
from cloakroom.adapters.evidence.files import DumpFiles
from cloakroom.adapters.evidence.threads import WorkerThreads
from cloakroom.claims.limits import Limits
from cloakroom.claims.report import ClaimReport
from cloakroom.claims.statement import Statement
from cloakroom.crypto import random_bytes
from cloakroom.flows.incident.check_claim import CheckRequest, Vault, check_claim
from cloakroom.use_cases.incident.claim_openings import ClaimHistory, ClaimPersons
from cloakroom.vault.key_ring import GROUP, KeyPurpose
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
    facets = StoreFacets(application.catalogue, application.facets)
    with customer_index(indexed_vault(application), application.ring.get(KeyPurpose.LINK)) as index:
        vault = Vault(
            index=index,
            history=ClaimHistory(application, by, claim),
            disclosures=OwnDisclosures(
                application.sequencer,
                application.disclosures,
                application.releases,
                application.claims,
                facets.canaries(),
            ),
            persons=ClaimPersons(application, by, claim),
            countries=facets,
            register=application.claims,
            digest=address_digests(application.ring.get(KeyPurpose.CLAIM, GROUP)),
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


def indexed_vault(application: Application) -> IndexedVault:
    """Return what an opened store has to be looked into: indexes, records of brands, countries of numbers."""
    facets = StoreFacets(application.catalogue, application.facets)
    brands = facets.brand_records()
    customers = facets.by_country(BitMap.union(BitMap(), *brands.values()))
    regions = telephone_regions(application.configuration, customers)
    return IndexedVault(application.vault, application.catalogue, application.digests, brands, regions)
