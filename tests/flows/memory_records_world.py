"""Records over a store in memory: real flows, real keys, simulated ports."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cloakroom.adapters.configuration_folder import read_folder
from cloakroom.adapters.postgres.copy_rows import NewRowEncoder
from cloakroom.adapters.single_records import read_record
from cloakroom.clock import FixedClock, to_microseconds
from cloakroom.flows.admission.authorisation import Authoriser, Caller
from cloakroom.flows.admission.gatekeeper import Gatekeeper
from cloakroom.flows.ledger.entry_writing import EntryWriter, NodeIdentity
from cloakroom.flows.records.erase import ErasureRequest, erase
from cloakroom.flows.records.write_record import WriteRequest, import_rows, write_record
from cloakroom.flows.store.configuration import Configuration, read_configuration
from cloakroom.flows.store.initialise import keys_of_group, keys_of_new_brands
from cloakroom.flows.store.keys import StoreKeys
from cloakroom.flows.store.rotate import Rotation
from cloakroom.gate.decision import Principal
from cloakroom.gate.policy import PrincipalKind
from cloakroom.ledger.entry import Entry, decode_entry
from cloakroom.testing.group import copy_configuration
from cloakroom.testing.simulators.memory_keys import MemoryKeys, MemoryRotations
from cloakroom.testing.simulators.memory_ledger import MemoryLedger
from cloakroom.testing.simulators.memory_records import MemoryErasures, MemoryFacets, MemoryImports, MemoryWrites
from cloakroom.testing.simulators.memory_store import MemoryStore
from cloakroom.use_cases.records.importing import block_of
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.key_ring import GROUP, KeyName, KeyPurpose, RootKey, new_key
from cloakroom.vault.opening import BrandOpener
from cloakroom.vault.rows import RowBlock
from cloakroom.vault.tokens import RecordReference

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
BRAND = "tarsenne"
ROOT = RootKey(bytes(32))
ROLES = {"paula": "privacy_officer", "anna": "store_associate", "mia": "marketing_operations"}
RECORDS = 5


@cache
def group() -> tuple[Configuration, Catalogue]:
    """Return the synthetic group's configuration and numbers."""
    with tempfile.TemporaryDirectory() as folder:
        copy_configuration(Path(folder) / "configuration")
        configuration = read_configuration(read_folder(Path(folder) / "configuration"))
    return configuration, Catalogue({}, {}, {}, {}).extended(configuration.group.brands, configuration.definitions)


def caller(name: str) -> Caller:
    since, until = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
    principal = Principal(name, PrincipalKind.PERSON, frozenset({ROLES[name]}), frozenset({"*"}), None, since, until)
    return Caller(principal, f"{name}:1", "app")


def block(record_id: str, email: str, hour: int = 0, *, deleted: bool = False) -> RowBlock:
    """Return the one row of a record; those of later hours replace earlier ones."""
    batch = read_record(
        group()[0].mappings[BRAND],
        group()[0].group,
        record_id=record_id,
        fields={} if deleted else {"given_name": "Ada", "email": email, "country": "FR"},
        modified_at=f"2026-03-01T{hour:02}:00:00Z",
        deleted=deleted,
    )
    return block_of(batch, to_microseconds(NOW))


@dataclass
class MemoryNode:
    """A node that has just begun over a store; what the one before had in memory is lost."""

    store: MemoryStore
    root: RootKey = ROOT

    def __post_init__(self) -> None:
        self.configuration, self.catalogue = group()
        self.brand = self.catalogue.brand(BRAND)
        self.store.held.clear()
        self.clock = FixedClock(NOW)
        self.keys = StoreKeys(
            store=MemoryKeys(self.store), root=self.root, load_root=lambda: self.root, catalogue=self.catalogue
        )
        self.ledger = MemoryLedger(self.store, self.keys.sets)
        nodes = self.store.table("node")
        nodes["memory"] = nodes.get("memory", 0) + 1
        self.entries = EntryWriter(
            node=NodeIdentity("memory", nodes["memory"]),
            ledger=self.ledger,
            clock=self.clock,
            sets=self.keys.sets,
            policy_sha256="",
        )
        self.authoriser = Authoriser(entries=self.entries, ledger=self.ledger, policy=self.configuration.policy)
        self.facets = MemoryFacets(self.store, self.keys)
        self.imports = MemoryImports(self.store)
        self.rotation = Rotation(self.keys, MemoryRotations(self.store), self.entries, self.clock, self._wait)

    def _wait(self, _: float) -> None:
        """Stand for the time that other nodes are given; nothing of it is in the store."""
        with self.store.effect("wait"):
            pass

    def gatekeeper(self) -> Gatekeeper:
        return Gatekeeper(
            entries=self.entries,
            ledger=self.ledger,
            policy=self.configuration.policy,
            field_classes=self.configuration.field_classes,
            canaries=type(self.facets.load(self.brand)["record", "all"])(),
        )

    def write(self, row: RowBlock, key: str = "key-1", who: str = "anna", request: bytes = b"the request") -> str:
        return write_record(
            WriteRequest(caller(who), self.brand, row, "record_keeping", key, request),
            store=MemoryWrites(self.store),
            imports=self.imports,
            keys=self.keys,
            make_encoder=NewRowEncoder,
            entries=self.entries,
            authoriser=self.authoriser,
            clock=self.clock,
        )

    def erase(self, *ordinals: int) -> None:
        references = [RecordReference(self.brand, ordinal) for ordinal in ordinals]
        erase(
            ErasureRequest(caller("paula"), references, "access_request", "CASE-1"),
            store=MemoryErasures(self.store),
            facets=self.facets,
            keys=self.keys,
            entries=self.entries,
            authoriser=self.authoriser,
        )

    def told(self, operation: str) -> list[Entry]:
        """Return the entries of an operation, oldest first."""
        found = [decode_entry(entry.prepared.body) for entry in self.ledger.entries()]
        return [entry for entry in found if entry.operation == operation]

    def emails(self) -> dict[int, str]:
        """Open every record that has its keys, past the gate, and return its e-mail address by ordinal."""
        number = self.catalogue.fields["email"]
        opener = BrandOpener(self.keys.ring, self.brand)
        rows = self.store.table("record").values()
        return {
            row.record.ordinal: opener.open(row.record, row.keys, {EnvelopeClass.CONTACT: [number]})[number].decode()
            for row in rows
            if row.keys is not None and row.state == 0
        }

    def found(self, email: str) -> set[int]:
        """Return the records that the blind index has for an address, whatever the generation of its key."""
        digests = self.keys.digests[self.brand]
        wanted = {
            (self.brand, digests.index_id("email", generation), digests.stored("email", [email], generation))
            for generation in digests.generations
        }
        return {place[3] for place in self.store.table("blind_index") if place[:3] in wanted}


def fill(store: MemoryStore) -> None:
    """Put keys, lineages and records into an empty store."""
    _, catalogue = group()
    keys = MemoryKeys(store)
    tokens = new_key(ROOT, KeyName(KeyPurpose.TOKEN, GROUP, "app", 1))
    for key in [*keys_of_group(ROOT), *keys_of_new_brands(ROOT, catalogue, ()), tokens]:
        keys.add_key(key, 0)
    node = MemoryNode(store)
    for name in ROLES:
        node.ledger.add_lineage(name)
    for number in range(RECORDS):
        for hour in range(2):
            row = block(f"T{number:08}", f"person{number}.{hour}@example.com", hour)
            import_rows(
                row,
                node.brand,
                imports=node.imports,
                keys=node.keys,
                make_encoder=NewRowEncoder,
                clock=node.clock,
            )
    store.fail(None)
