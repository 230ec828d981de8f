"""Composition root: settings in, assembled application out. The only module that knows every other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pyroaring import BitMap

from cloakroom.adapters.configuration_folder import read_folder
from cloakroom.adapters.postgres.claim_register import PostgresClaimRegister
from cloakroom.adapters.postgres.connection import Connection, connect, create_schema, open_store
from cloakroom.adapters.postgres.disclosures import PostgresDisclosures
from cloakroom.adapters.postgres.facet_store import FacetStore
from cloakroom.adapters.postgres.ledger_store import PostgresLedger
from cloakroom.adapters.postgres.log_store import PostgresLog
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.adapters.postgres.release_store import PostgresReleases
from cloakroom.adapters.postgres.server import start_server
from cloakroom.adapters.postgres.store_records import StoreIdentity, StoreRecords
from cloakroom.adapters.postgres.vault_store import PostgresVault
from cloakroom.adapters.root_key import create_root_key, load_root_key
from cloakroom.clock import Clock, SystemClock, to_microseconds
from cloakroom.crypto import SigningKey
from cloakroom.errors import ConflictError, UncheckableError
from cloakroom.flows.admission import Gatekeeper
from cloakroom.flows.authorisation import Authoriser
from cloakroom.flows.configuration import Configuration, read_configuration
from cloakroom.flows.entry_writing import EntryWriter, NodeIdentity
from cloakroom.flows.initialise import keys_of_group, keys_of_new_brands, origin_of
from cloakroom.flows.opening import Openers
from cloakroom.flows.sequencing import Sequencer
from cloakroom.gate.gate_clock import STORE_TOLERANCE
from cloakroom.ledger.record_sets import RecordSetSealer
from cloakroom.settings import Settings
from cloakroom.tlog.note import Ed25519Signer
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.facets import CANARY
from cloakroom.vault.key_ring import GROUP, KeyPurpose, KeyRing, RootKey
from cloakroom.vault.rows import RowDigests
from cloakroom.vault.sealing import BrandSealer
from cloakroom.vault.tokens import TokenCodec
from cloakroom.vocabulary import Operation

_BRAND_KEYS_LOCK = 4172029
_IMPORT_LOCK = 4172041


@dataclass
class Application:
    """An opened store with everything assembled over it; used by one thread at a time.

    Attributes:
        settings: How it was reached.
        url: Address of the database.
        connection: The connection that everything here shares.
        clock: Tells the time.
        identity: What store this is.
        configuration: The group's configuration in force.
        catalogue: Numbers of brands, fields, indexes.
        ring: The opened keys.
        root: The root key.
        node: This process's name in entries.
        clock_tolerance: Microseconds by which an entry's time may differ from the store's clock; beyond it the store
            refuses the entry. None: it does not compare.
    """

    settings: Settings
    url: str
    connection: Connection
    clock: Clock
    identity: StoreIdentity
    configuration: Configuration
    catalogue: Catalogue
    ring: KeyRing
    root: RootKey
    node: NodeIdentity
    clock_tolerance: int | None

    @cached_property
    def records(self) -> StoreRecords:
        """Return the store of principals, credentials, keys, configuration."""
        return StoreRecords(self.connection)

    @cached_property
    def vault(self) -> PostgresVault:
        """Return the sealed records."""
        return PostgresVault(self.connection)

    @cached_property
    def ledger(self) -> PostgresLedger:
        """Return the entries and lineages."""
        return PostgresLedger(self.connection, self.sets, self.clock_tolerance)

    @cached_property
    def sets(self) -> RecordSetSealer:
        """Return what seals and opens the sets of records that lie beside entries."""
        return RecordSetSealer(
            _set_keys(self.ring),
            refreshed=lambda: _set_keys(KeyRing.open(self.root, self.records.keys())),
        )

    @cached_property
    def disclosures(self) -> PostgresDisclosures:
        """Return the reader of what entries disclosed, and of roll-ups."""
        return PostgresDisclosures(self.connection, self.sets)

    @cached_property
    def releases(self) -> PostgresReleases:
        """Return the store of releases."""
        return PostgresReleases(self.connection, self.sets)

    @cached_property
    def claims(self) -> PostgresClaimRegister:
        """Return the register of claims."""
        return PostgresClaimRegister(self.connection, self.sets)

    @cached_property
    def log(self) -> PostgresLog:
        """Return the store of tiles and checkpoints."""
        return PostgresLog(self.connection)

    @cached_property
    def facets(self) -> FacetStore:
        """Return the sealed facets, opened on demand."""
        return FacetStore(self.connection, self.ring)

    @cached_property
    def sealers(self) -> Mapping[int, BrandSealer]:
        """The sealer of each brand's records, by its number."""
        return {number: BrandSealer(self.ring, number) for number in self.catalogue.brands.values()}

    @cached_property
    def openers(self) -> Openers:
        """Return what opens records under durable entries."""
        return Openers(self.ring, self.catalogue)

    @cached_property
    def digests(self) -> Mapping[int, RowDigests]:
        """Return what computes the keyed digests of each brand, by its number."""
        return {number: RowDigests(self.ring, self.catalogue, number) for number in self.catalogue.brands.values()}

    @cached_property
    def signer(self) -> Ed25519Signer:
        """Return the log's key."""
        return Ed25519Signer(self.identity.origin, SigningKey(self.ring.get(KeyPurpose.SIGN, GROUP, "ledger")))

    @cached_property
    def sequencer(self) -> Sequencer:
        """Return what integrates entries into the log."""
        return Sequencer(store=self.log, signer=self.signer, clock=self.clock)

    @cached_property
    def gatekeeper(self) -> Gatekeeper:
        """Return what admits requests on this node."""
        return Gatekeeper(
            entries=self.entries,
            ledger=self.ledger,
            policy=self.configuration.policy,
            field_classes=self.configuration.field_classes,
            canaries=self.canaries(),
        )

    @cached_property
    def entries(self) -> EntryWriter:
        """Return what writes this node's entries."""
        return EntryWriter(
            node=self.node,
            ledger=self.ledger,
            clock=self.clock,
            sets=self.sets,
            policy_sha256=self.configuration.policy.sha256,
        )

    @property
    def authoriser(self) -> Authoriser:
        """Return what judges by the policy in force, and enters refusals."""
        return Authoriser(entries=self.entries, ledger=self.ledger, policy=self.configuration.policy)

    def canaries(self) -> BitMap:
        """Return the planted records of all brands."""
        found = BitMap()
        for number in self.catalogue.brands.values():
            for ordinals in self.facets.values_of(number, CANARY).values():
                found |= ordinals
        return found

    def codec(self, token_scope: str) -> TokenCodec:
        """Return what reads and makes the tokens of one scope."""
        return TokenCodec(self.ring.get(KeyPurpose.TOKEN, GROUP, token_scope))

    def refresh_keys(self) -> None:
        """Read the key ring anew; other nodes may have added or destroyed generations.

        Raises:
            UncheckableError: The ring lies under a root key that is not where this one came from; nothing changed.
        """
        stored = self.records.keys()
        try:
            self.ring = KeyRing.open(self.root, stored)
        except UncheckableError:
            # After a rotation the new root key may have been put where the old one lay.
            root = load_root_key(self.settings.root_key)
            self.ring, self.root = KeyRing.open(root, stored), root
        for name in ("sealers", "openers", "digests", "facets"):
            self.__dict__.pop(name, None)
        self.sets.adopt(_set_keys(self.ring))

    @contextmanager
    def changing_keys(self) -> Iterator[None]:
        """Open a transaction in which the key ring may be changed: alone, and knowing its latest state.

        Raises:
            UncheckableError: The ring lies under another root key by now.
        """
        with self.connection.transaction():
            self.records.lock_keys()
            self.refresh_keys()
            yield

    @contextmanager
    def settled_keys(self, brand: int, *, changing: bool = False) -> Iterator[None]:
        """Keep the keys of a brand's records as they are until the end: imports among each other, rotations alone.

        An import that goes on under keys that a rotation destroys meanwhile would seal records for nobody.
        """
        lock = "pg_advisory_lock" if changing else "pg_advisory_lock_shared"
        unlock = "pg_advisory_unlock" if changing else "pg_advisory_unlock_shared"
        self.connection.execute(f"select {lock}(%s, %s)".encode(), (_BRAND_KEYS_LOCK, brand))
        try:
            self.refresh_keys()
            yield
        finally:
            if not self.connection.closed:
                self.connection.execute(f"select {unlock}(%s, %s)".encode(), (_BRAND_KEYS_LOCK, brand))

    @contextmanager
    def sole_import(self, brand: int) -> Iterator[None]:
        """Be the only import of a brand until the end: two at once could make one record twice."""
        self.connection.execute("select pg_advisory_lock(%s, %s)", (_IMPORT_LOCK, brand))
        try:
            yield
        finally:
            if not self.connection.closed:
                self.connection.execute("select pg_advisory_unlock(%s, %s)", (_IMPORT_LOCK, brand))

    def may_write(self, brand: int) -> bool:
        """Within a transaction: keep imports of a brand away until its end; false while one runs."""
        row = self.connection.execute(
            "select pg_try_advisory_xact_lock_shared(%s, %s)", (_IMPORT_LOCK, brand)
        ).fetchone()
        return bool(row and row[0])

    def settle_keys(self, brand: int) -> bool:
        """Within a transaction: keep a brand's keys as they are until its end.

        Returns:
            False while they are being rotated, or lie under a root key that this node was not given yet.
        """
        row = self.connection.execute(
            "select pg_try_advisory_xact_lock_shared(%s, %s)", (_BRAND_KEYS_LOCK, brand)
        ).fetchone()
        if row is None or not row[0]:
            return False
        try:
            self.refresh_keys()
        except UncheckableError:
            return False
        return True

    def refresh_configuration(self) -> None:
        """Read the configuration in force and the planted records anew; what lineages have opened stays counted."""
        configuration = read_configuration(self.records.configuration())
        catalogue = self.records.catalogue(configuration.definitions)
        self.refresh_keys()
        self.configuration, self.catalogue = configuration, catalogue
        self.gatekeeper.adopt(self.configuration.policy, self.configuration.field_classes, self.canaries())

    def now(self) -> int:
        """Return the time in microseconds."""
        return to_microseconds(self.clock.now())

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def _set_keys(ring: KeyRing) -> dict[int, bytes]:
    return {number: ring.get(KeyPurpose.SET, GROUP, "", number) for number in ring.generations(KeyPurpose.SET)}


def initialise(settings: Settings, config: Path) -> Application:
    """Make a new store from the configuration folder `config`, and open it.

    Raises:
        ConflictError: There is a store or a root key already; nothing was changed.
        RuleError: The configuration has mistakes; nothing was made.
    """
    configuration = read_configuration(read_folder(config))
    file_key = settings.root_key == f"file:{settings.root_key_path}"
    if (settings.database_directory / "PG_VERSION").exists() and settings.database_url is None:
        raise ConflictError(f"there is a store at {settings.home} already; nothing was changed")
    if file_key and settings.root_key_path.exists():
        raise ConflictError(f"{settings.root_key_path} exists already; a root key is never overwritten")
    given = None if file_key else load_root_key(settings.root_key)
    settings.home.mkdir(mode=0o711, parents=True, exist_ok=True)
    url = settings.database_url or start_server(settings.database_directory, create=True)
    with connect(url) as connection:
        create_schema(connection)
        root = given or create_root_key(settings.root_key_path)
        with connection.transaction():
            _write_store(connection, configuration, root, to_microseconds(SystemClock().now()))
    application = open_application(settings)
    application.entries.append(
        lineage="system",
        operation=Operation.INITIALISE,
        detail={"store": str(application.identity.id), "brands": sorted(application.catalogue.brands)},
    )
    application.sequencer.run()
    return application


def _write_store(connection: Connection, configuration: Configuration, root: RootKey, at: int) -> None:
    records = StoreRecords(connection)
    identity = records.create(configuration.group.name, "", at)
    origin = origin_of(configuration.group.name, identity.id.hex)
    connection.execute("update store set origin = %s", (origin,))
    catalogue = Catalogue({}, {}, {}, {}).extended(configuration.group.brands, configuration.definitions)
    records.store_catalogue(catalogue)
    for key in keys_of_group(root) + keys_of_new_brands(root, catalogue, ()):
        records.add_key(key, at)
    for path, content in configuration.texts.items():
        records.add_configuration(path, content, at)


def open_application(
    settings: Settings,
    clock: Clock | None = None,
    url: str | None = None,
    *,
    clock_tolerance: int | None = STORE_TOLERANCE,
) -> Application:
    """Open an existing store.

    Args:
        settings: Where it lies.
        clock: Tells the time; the machine's unless told.
        url: Address of the database, where the caller has it already.
        clock_tolerance: Microseconds by which the time of an entry may differ from the store's clock. None, which
            takes the ceiling of a stolen credential away, is for "as if it were then" alone.

    Raises:
        StoreError: No store, or of another version.
        UncheckableError: The root key is missing or another.
    """
    clock = clock or SystemClock()
    url = url or settings.database_url or start_server(settings.database_directory, create=False)
    connection = open_store(url)
    records = StoreRecords(connection)
    identity = records.identity()
    root = load_root_key(settings.root_key)
    ring = KeyRing.open(root, records.keys())
    configuration = read_configuration(records.configuration())
    at = to_microseconds(clock.now())
    row = connection.execute(load_queries("ledger")["register_node"], {"id": settings.node, "at": at}).fetchone()
    return Application(
        settings=settings,
        url=url,
        connection=connection,
        clock=clock,
        identity=identity,
        configuration=configuration,
        catalogue=records.catalogue(configuration.definitions),
        ring=ring,
        root=root,
        node=NodeIdentity(settings.node, int(row[0]) if row else 0),
        clock_tolerance=clock_tolerance,
    )


@contextmanager
def application(settings: Settings) -> Iterator[Application]:
    """Open an existing store and close it afterwards."""
    opened = open_application(settings)
    try:
        yield opened
    finally:
        opened.close()
