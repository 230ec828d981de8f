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
from cloakroom.adapters.postgres.key_store import PostgresKeys
from cloakroom.adapters.postgres.ledger_store import PostgresLedger
from cloakroom.adapters.postgres.log_store import PostgresLog
from cloakroom.adapters.postgres.passkey_store import PasskeyStore
from cloakroom.adapters.postgres.release_run_store import ReleaseRunStore
from cloakroom.adapters.postgres.release_store import PostgresReleases
from cloakroom.adapters.postgres.server import start_server
from cloakroom.adapters.postgres.sign_in_store import SignInStore
from cloakroom.adapters.postgres.store_records import StoreIdentity, StoreRecords
from cloakroom.adapters.postgres.vault_store import PostgresVault
from cloakroom.adapters.root_key import create_root_key, load_root_key
from cloakroom.clock import Clock, SystemClock, to_microseconds
from cloakroom.crypto import SigningKey
from cloakroom.errors import ConflictError
from cloakroom.flows.admission.authorisation import Authoriser
from cloakroom.flows.admission.gatekeeper import Gatekeeper
from cloakroom.flows.ledger.entry_writing import EntryWriter, NodeIdentity
from cloakroom.flows.ledger.sequencing import Sequencer
from cloakroom.flows.opening import Openers
from cloakroom.flows.store.configuration import Configuration, read_configuration
from cloakroom.flows.store.initialise import keys_of_group, keys_of_new_brands, origin_of
from cloakroom.flows.store.keys import StoreKeys
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
        keys: The opened keys, and what is made of them.
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
    keys: StoreKeys
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

    @property
    def catalogue(self) -> Catalogue:
        """The numbers of brands, fields, indexes."""
        return self.keys.catalogue

    @property
    def ring(self) -> KeyRing:
        """The opened keys."""
        return self.keys.ring

    @property
    def root(self) -> RootKey:
        """The root key."""
        return self.keys.root

    @property
    def sets(self) -> RecordSetSealer:
        """Return what seals and opens the sets of records that lie beside entries."""
        return self.keys.sets

    @property
    def sealers(self) -> Mapping[int, BrandSealer]:
        """The sealer of each brand's records, by its number."""
        return self.keys.sealers

    @property
    def openers(self) -> Openers:
        """Return what opens records under durable entries."""
        return self.keys.openers

    @property
    def digests(self) -> Mapping[int, RowDigests]:
        """Return what computes the keyed digests of each brand, by its number."""
        return self.keys.digests

    @property
    def key_store(self) -> PostgresKeys:
        """The wrapped keys."""
        return PostgresKeys(self.connection)

    @cached_property
    def disclosures(self) -> PostgresDisclosures:
        """Return the reader of what entries disclosed, and of roll-ups."""
        return PostgresDisclosures(self.connection, self.sets)

    @cached_property
    def releases(self) -> PostgresReleases:
        """Return the store of releases."""
        return PostgresReleases(self.connection, self.sets)

    @cached_property
    def release_runs(self) -> ReleaseRunStore:
        """Return the store of releases that nodes run."""
        return ReleaseRunStore(self.connection)

    @cached_property
    def sign_ins(self) -> SignInStore:
        """Return the store of ceremonies, sessions and subjects of providers."""
        return SignInStore(self.connection)

    @cached_property
    def passkeys(self) -> PasskeyStore:
        """Return the store of passkeys."""
        return PasskeyStore(self.connection)

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
        return FacetStore(self.connection, lambda: self.ring)

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
        """Return the canaries of all brands."""
        found = BitMap()
        for number in self.catalogue.brands.values():
            for ordinals in self.facets.values_of(number, CANARY).values():
                found |= ordinals
        return found

    def codec(self, token_scope: str) -> TokenCodec:
        """Return what reads and makes the tokens of one scope."""
        return self.keys.codec(token_scope)

    def refresh_keys(self) -> None:
        """Read the key ring anew; other nodes may have added or destroyed generations.

        Raises:
            UncheckableError: The ring lies under a root key that is not where this one came from; nothing changed.
        """
        self.keys.refresh()

    def refresh_configuration(self) -> None:
        """Read the configuration in force and the canaries anew; what lineages have opened stays counted."""
        configuration = read_configuration(self.records.configuration())
        catalogue = self.records.catalogue(configuration.definitions)
        self.keys.refresh()
        self.keys.adopt(catalogue)
        self.configuration = configuration
        self.gatekeeper.adopt(self.configuration.policy, self.configuration.field_classes, self.canaries())

    def now(self) -> int:
        """Return the time in microseconds."""
        return to_microseconds(self.clock.now())

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


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
    records.set_origin(origin)
    catalogue = Catalogue({}, {}, {}, {}).extended(configuration.group.brands, configuration.definitions)
    records.store_catalogue(catalogue)
    for key in keys_of_group(root) + keys_of_new_brands(root, catalogue, ()):
        PostgresKeys(connection).add_key(key, at)
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
    configuration = read_configuration(records.configuration())
    keys = StoreKeys(
        store=PostgresKeys(connection),
        root=load_root_key(settings.root_key),
        load_root=lambda: load_root_key(settings.root_key),
        catalogue=records.catalogue(configuration.definitions),
    )
    return Application(
        settings=settings,
        url=url,
        connection=connection,
        clock=clock,
        identity=identity,
        configuration=configuration,
        keys=keys,
        node=NodeIdentity(settings.node, records.register_node(settings.node, to_microseconds(clock.now()))),
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
