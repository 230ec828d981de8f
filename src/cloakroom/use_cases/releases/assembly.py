"""The flows of releases, put together over an opened store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pyroaring import BitMap

from cloakroom.adapters.postgres.import_store import PostgresImports
from cloakroom.adapters.single_records import read_record
from cloakroom.clock import format_time
from cloakroom.flows.ledger.ports import StoredRow
from cloakroom.flows.opening import Openers
from cloakroom.flows.releases.audience import Audience
from cloakroom.flows.releases.canaries import Canaries
from cloakroom.flows.releases.requests import ReleaseRequests
from cloakroom.flows.releases.run import ReleaseRuns
from cloakroom.use_cases.records.importing import block_of
from cloakroom.use_cases.records.writing import import_block
from cloakroom.vault.facets import CANARY, FacetChange, FacetSealer
from cloakroom.vault.key_ring import KeyPurpose
from cloakroom.vault.rows import RECORD_ID_INDEX
from cloakroom.wiring import Application


class OpenedRecords:
    """Implements `flows.release_ports.ReleaseRecords`: under whatever keys the opened store holds by then."""

    def __init__(self, application: Application) -> None:
        """Take the opened store."""
        self._application = application

    @property
    def openers(self) -> Openers:
        """See `ReleaseRecords.openers`."""
        return self._application.keys.openers

    def settle_keys(self, brand: int) -> bool:
        """See `ReleaseRecords.settle_keys`."""
        return self._application.keys.settle(brand)

    def facets(self, brand: int) -> Mapping[tuple[str, str], BitMap]:
        """See `ReleaseRecords.facets`."""
        return self._application.facets.load(brand)

    def live(self, brand: int, ordinals: Iterable[int]) -> BitMap:
        """See `ReleaseRecords.live`."""
        return self._application.vault.live(brand, ordinals)

    def sealed_rows(self, ordinals: Iterable[int]) -> Sequence[StoredRow]:
        """See `ReleaseRecords.sealed_rows`."""
        return self._application.vault.sealed_rows(ordinals)


class ImportedCanaries:
    """Implements `flows.release_ports.CanaryStore`: through the same reading, sealing and writing as an import."""

    def __init__(self, application: Application) -> None:
        """Take the opened store."""
        self._application = application

    def add(self, brand: str, record_id: str, fields: Mapping[str, str]) -> BitMap:
        """See `CanaryStore.add`."""
        application = self._application
        number = application.catalogue.brand(brand)
        batch = read_record(
            application.configuration.mappings[brand],
            application.configuration.group,
            record_id=record_id,
            fields=fields,
            modified_at=format_time(application.clock.now()),
        )
        digests = application.digests[number]
        stored = digests.stored(RECORD_ID_INDEX, batch.record_ids).hex()
        index = application.catalogue.index_id(RECORD_ID_INDEX, digests.generations[0])
        if application.vault.look_up_pairs([number], [index], [stored], only_current=False):
            return BitMap()
        imports = PostgresImports(application.connection)
        block = block_of(batch, application.now())
        return import_block(imports, application.keys, application.clock, number, block).records

    def mark(self, brand: str, release: str, canaries: BitMap) -> None:
        """See `CanaryStore.mark`."""
        application = self._application
        number = application.catalogue.brand(brand)
        sealer = FacetSealer(application.ring.get(KeyPurpose.FACET, number), number)
        change = sealer.seal_change(FacetChange(BitMap(), {(CANARY, release): canaries}))
        PostgresImports(application.connection).add_facet_change(number, change)


def release_requests(application: Application) -> ReleaseRequests:
    """Return what takes requests and approvals over an opened store."""
    return ReleaseRequests(
        store=application.releases,
        entries=application.entries,
        authoriser=application.authoriser,
        policy=application.configuration.policy,
        clock=application.clock,
        credentials_of=lambda name: frozenset(item.id for item in application.records.credentials_of(name)),
    )


def release_runs(application: Application) -> ReleaseRuns:
    """Return what runs releases over an opened store."""
    catalogue, configuration = application.catalogue, application.configuration
    audience = Audience(records=OpenedRecords(application), catalogue=catalogue, bands=configuration.policy.bands)
    canaries = Canaries(
        audience=audience,
        store=ImportedCanaries(application),
        catalogue=catalogue,
        mappings=configuration.mappings,
    )
    return ReleaseRuns(
        requests=release_requests(application),
        store=application.releases,
        audience=audience,
        canaries=canaries,
        ledger=application.ledger,
        entries=application.entries,
        clock=application.clock,
        forget=application.gatekeeper.forget,
    )
