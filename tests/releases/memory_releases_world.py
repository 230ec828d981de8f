"""Releases over a store in memory: real flows, real keys, simulated ports."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec
from release_behaviour import BRAND, ReleaseNode, ReleaseWorld
from release_world import ROLES

from cloakroom.adapters.configuration_folder import read_folder
from cloakroom.clock import FixedClock
from cloakroom.flows.admission.authorisation import Authoriser, Caller
from cloakroom.flows.ledger.entry_writing import EntryWriter, NodeIdentity
from cloakroom.flows.opening import Openers
from cloakroom.flows.releases.audience import Audience
from cloakroom.flows.releases.canaries import Canaries
from cloakroom.flows.releases.ports import ReleaseStore
from cloakroom.flows.releases.requests import ReleaseRequests
from cloakroom.flows.releases.run import ReleaseRuns
from cloakroom.flows.store.configuration import Configuration, read_configuration
from cloakroom.flows.store.initialise import keys_of_group, keys_of_new_brands
from cloakroom.gate.decision import Principal
from cloakroom.gate.policy import Policy, PrincipalKind
from cloakroom.ledger.record_sets import RecordSetSealer
from cloakroom.testing.group import copy_configuration
from cloakroom.testing.simulators.memory_audience import MemoryAudience
from cloakroom.testing.simulators.memory_ledger import MemoryLedger
from cloakroom.testing.simulators.memory_releases import MemoryReleases
from cloakroom.testing.simulators.memory_store import MemoryStore
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.key_ring import KeyRing, RootKey

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
SETS = RecordSetSealer({1: bytes(32)})
RECORDS = 24


@cache
def group() -> tuple[Configuration, Catalogue, KeyRing]:
    """Return the synthetic group: its configuration, its numbers and keys."""
    with tempfile.TemporaryDirectory() as folder:
        copy_configuration(Path(folder) / "configuration")
        configuration = read_configuration(read_folder(Path(folder) / "configuration"))
    catalogue = Catalogue({}, {}, {}, {}).extended(configuration.group.brands, configuration.definitions)
    root = RootKey(bytes(32))
    ring = KeyRing.open(root, keys_of_group(root) + keys_of_new_brands(root, catalogue, ()))
    return configuration, catalogue, ring


def people() -> dict[str, Caller]:
    since, until = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
    found = {}
    for name, role in ROLES.items():
        principal = Principal(name, PrincipalKind.PERSON, frozenset({role}), frozenset({"*"}), None, since, until)
        found[name] = Caller(principal, f"{name}-key", "app")
    return found


def fill(store: MemoryStore) -> None:
    """Put lineages and records into an empty store."""
    _, catalogue, ring = group()
    ledger = MemoryLedger(store, SETS)
    for name in ROLES:
        ledger.add_lineage(name)
    audience = MemoryAudience(store, ring, catalogue)
    for number in range(RECORDS):
        fields = {
            "given_name": f"Given{number}",
            "family_name": f"Family{number}",
            "email": f"person{number}@example.com",
            "street": f"{number} Rue du Bois",
            "country": ("FR", "DE")[number % 2],
        }
        audience.add(BRAND, f"T{number:08}", fields)


def open_node(
    store: MemoryStore,
    replaced: Callable[[ReleaseStore], ReleaseStore] = lambda store: store,
    openers: Callable[..., Openers] = Openers,
    policy: Policy | None = None,
) -> ReleaseNode:
    """Return a node that has just begun over a store, with randomness of its own that is always the same.

    Args:
        store: The store.
        replaced: Gives what is put in the place of its `ReleaseStore`.
        openers: Makes what opens records.
        policy: The policy in force; the group's unless told.
    """
    configuration, catalogue, ring = group()
    policy = policy or configuration.policy
    clock, ledger = FixedClock(NOW), MemoryLedger(store, SETS)
    nodes = store.table("node")
    nodes["memory"] = epoch = nodes.get("memory", 0) + 1
    chance = random.Random(epoch)
    entries = EntryWriter(
        node=NodeIdentity("memory", epoch),
        ledger=ledger,
        clock=clock,
        sets=SETS,
        policy_sha256=policy.sha256,
    )
    releases = replaced(MemoryReleases(store))
    records = MemoryAudience(store, ring, catalogue, openers)
    audience = Audience(records=records, catalogue=catalogue, bands=policy.bands)
    canaries = Canaries(
        audience=audience,
        store=records,
        catalogue=catalogue,
        mappings=configuration.mappings,
        random_bytes=chance.randbytes,
    )
    requests = ReleaseRequests(
        store=releases,
        entries=entries,
        authoriser=Authoriser(entries=entries, ledger=ledger, policy=policy),
        policy=policy,
        clock=clock,
        credentials_of=lambda name: frozenset({f"{name}-key"}),
        random_bytes=chance.randbytes,
    )
    runs = ReleaseRuns(
        requests=requests,
        store=releases,
        audience=audience,
        canaries=canaries,
        ledger=ledger,
        entries=entries,
        clock=clock,
        forget=lambda _: None,
    )
    return ReleaseNode(releases, records, records, ledger, entries, catalogue, requests, runs)


def memory_world(store: MemoryStore) -> ReleaseWorld:
    """Return a world over an empty store."""
    fill(store)
    rotated: set[int] = set()

    def open_over(replaced: Callable[[ReleaseStore], ReleaseStore]) -> ReleaseNode:
        node = open_node(store, replaced)
        node.records.rotated = rotated
        return node

    def delete(ordinal: int) -> None:
        rows = store.table("record")
        rows[ordinal] = msgspec.structs.replace(rows[ordinal], state=1)

    @contextmanager
    def rotating(brand: int) -> Iterator[None]:
        rotated.add(brand)
        yield
        rotated.discard(brand)

    return ReleaseWorld(people(), open_over, delete, rotating)
