"""Sequencing fails before and after every effect, over a store in memory: each entry gets one place, in order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cloakroom.clock import FixedClock
from cloakroom.crypto import SigningKey
from cloakroom.flows.ledger.entry_writing import EntryWriter, NodeIdentity
from cloakroom.flows.ledger.sequencing import Sequencer
from cloakroom.ledger.record_sets import RecordSetSealer
from cloakroom.testing.simulators.memory_ledger import MemoryLedger
from cloakroom.testing.simulators.memory_log import MemoryLog
from cloakroom.testing.simulators.memory_store import FaultError, MemoryStore, faults_of
from cloakroom.tlog.note import Ed25519Signer
from cloakroom.tlog.tiles import ENTRIES, Tile, decode_bundle
from cloakroom.vocabulary import Operation

SIGNER = Ed25519Signer("example.com/log", SigningKey(bytes(32)))
CLOCK = FixedClock(datetime(2026, 5, 4, 9, tzinfo=UTC))
SETS = RecordSetSealer({1: bytes(32)})
ROUNDS = (3, 255, 4)
"""Entries of each round: within a bundle, up to beyond its end, and after it."""


def sequence(store: MemoryStore, *, rounds: tuple[int, ...] = ROUNDS) -> None:
    ledger = MemoryLedger(store, SETS)
    writer = EntryWriter(node=NodeIdentity("memory", 1), ledger=ledger, clock=CLOCK, sets=SETS, policy_sha256="")
    sequencer = Sequencer(store=MemoryLog(store), signer=SIGNER, clock=CLOCK)
    for entries in rounds:
        prepared = [writer.prepare(lineage="system", operation=Operation.HEARTBEAT) for _ in range(entries)]
        ledger.append({}, prepared)
        sequencer.run()


def logged(store: MemoryStore) -> list[bytes]:
    """Return the leaves that the newest checkpoint covers, from the bundles."""
    log = MemoryLog(store)
    checkpoint = log.latest_checkpoint()
    size = checkpoint.size if checkpoint else 0
    tiles = [Tile(ENTRIES, at // 256, min(256, size - at)) for at in range(0, size, 256)]
    return [leaf for bundle in log.read_tiles(tiles) for leaf in decode_bundle(bundle)][:size]


def test_each_entry_is_in_the_log_once_and_in_order_whatever_failed():
    for fault in faults_of(sequence):
        store = MemoryStore(fault)
        with pytest.raises(FaultError):
            sequence(store)
        store.fail(None)
        bodies = [item.prepared.body for item in store.table("entry").values()]
        covered = logged(store)
        assert covered == bodies[: len(covered)], fault
        assert store.table("place") == {number: number - 1 for number in range(1, len(covered) + 1)}, fault
        sequence(store, rounds=(2,))
        bodies = [item.prepared.body for item in store.table("entry").values()]
        assert logged(store) == bodies, fault


def test_of_two_sequencers_by_turns_each_goes_on_from_what_the_other_stored():
    store = MemoryStore()
    ledger = MemoryLedger(store, SETS)
    writer = EntryWriter(node=NodeIdentity("memory", 1), ledger=ledger, clock=CLOCK, sets=SETS, policy_sha256="")
    sequencers = [Sequencer(store=MemoryLog(store), signer=SIGNER, clock=CLOCK) for _ in range(2)]
    for turn in range(5):
        ledger.append({}, [writer.prepare(lineage="system", operation=Operation.HEARTBEAT)])
        assert sequencers[turn % 2].run() == 1
    assert logged(store) == [item.prepared.body for item in store.table("entry").values()]
