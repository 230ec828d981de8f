"""The ledger in memory does what the real one does."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from ledger_behaviour import SETS, TOLERANCE, LedgerBehaviour, LedgerWorld

from cloakroom.clock import SystemClock
from cloakroom.testing.simulators.memory_ledger import MemoryLedger
from cloakroom.testing.simulators.memory_store import MemoryStore


class TestMemoryLedger(LedgerBehaviour):
    @pytest.fixture
    def world(self) -> LedgerWorld:
        store = MemoryStore()

        def open_ledger() -> MemoryLedger:
            return MemoryLedger(store, SETS, SystemClock(), TOLERANCE)

        def swap_sets(lineage: str, one: int, other: int) -> None:
            table = store.table("entry")
            places = {entry.version: place for place, entry in table.items() if entry.prepared.lineage == lineage}
            sets = {version: table[places[version]].prepared.sealed_set for version in (one, other)}
            for version, sealed in ((one, sets[other]), (other, sets[one])):
                entry = table[places[version]]
                changed = msgspec.structs.replace(entry.prepared, sealed_set=sealed)
                table[places[version]] = replace(entry, prepared=changed)

        return LedgerWorld(
            open=open_ledger,
            add_lineage=open_ledger().add_lineage,
            leaves=lambda lineage: [
                entry.prepared.body for entry in open_ledger().entries() if entry.prepared.lineage == lineage
            ],
            swap_sets=swap_sets,
        )
