"""What every implementation of `flows.ports.Ledger` must do; run against each."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from pyroaring import BitMap

from cloakroom.clock import Clock, SystemClock
from cloakroom.errors import StoreError, TamperedError
from cloakroom.flows.ledger.entry_writing import EntryWriter, NodeIdentity
from cloakroom.flows.ledger.ports import Appended, History, Ledger, LineageState, PreparedEntry
from cloakroom.gate.folding import CountedItem
from cloakroom.ledger.record_sets import RecordSetSealer
from cloakroom.vocabulary import Operation

SETS = RecordSetSealer({1: bytes(32)})
TOLERANCE = 2_000_000
_NODES = itertools.count(1)


class EndedError(Exception):
    """Ends a transaction so that nothing of it stays."""


def writer_for(ledger: Ledger, clock: Clock | None = None) -> EntryWriter:
    """Return what writes the entries of a node of its own."""
    node = NodeIdentity(f"node-{next(_NODES)}", 1)
    return EntryWriter(node=node, ledger=ledger, clock=clock or SystemClock(), sets=SETS, policy_sha256="")


@dataclass
class LedgerWorld:
    """A store with lineages, as one or more nodes see it.

    Attributes:
        open: Makes the ledger of another node over the same store.
        add_lineage: Makes a lineage without entries.
        leaves: Returns the bodies of all entries of a lineage, oldest first.
        swap_sets: Exchanges the sets of two counted entries of a lineage, as somebody with the database may.
    """

    open: Callable[[], Ledger]
    add_lineage: Callable[[str], None]
    leaves: Callable[[str], list[bytes]]
    swap_sets: Callable[[str, int, int], None]
    lineage: str = ""
    ledger: Ledger = field(init=False)
    entries: EntryWriter = field(init=False)

    def __post_init__(self) -> None:
        self.lineage = f"lineage-{next(_NODES)}"
        self.add_lineage(self.lineage)
        self.ledger = self.open()
        self.entries = writer_for(self.ledger)

    def reveal(self, *ordinals: int, lineage: str | None = None) -> PreparedEntry:
        return self.entries.prepare(
            lineage=lineage or self.lineage,
            operation=Operation.REVEAL,
            records=BitMap(ordinals),
            shape={"email": "reveal"},
            counted=True,
            brand="auberon",
            detail={"drawn": ["contact"], "probes": 2},
        )

    def refusal(self, reason: str = "budget", count: int = 1, at: int | None = None) -> PreparedEntry:
        return self.entries.prepare(
            lineage=self.lineage, operation=Operation.REVEAL, permitted=False, reason=reason, count=count, at=at
        )

    def told(self, operation: Operation, *, counted: bool = False) -> PreparedEntry:
        return self.entries.prepare(lineage=self.lineage, operation=operation, counted=counted)

    def append(self, version: int, *entries: PreparedEntry) -> Appended:
        """Append entries of the lineage and return what became of them."""
        return self.ledger.append({self.lineage: version}, entries)[0][self.lineage]

    def state(self) -> LineageState:
        return self.ledger.states([self.lineage])[self.lineage]


class LedgerBehaviour:
    """Subclasses give a world in a fixture of that name."""

    def test_a_new_lineage_has_no_version_and_is_not_frozen(self, world: LedgerWorld) -> None:
        assert world.state() == LineageState(0, 0, 0, None)
        assert world.ledger.states(["nobody"]) == {}

    def test_counted_entries_are_numbered_and_another_node_reads_them_as_they_were(self, world: LedgerWorld) -> None:
        first, second = world.reveal(1, 2), world.reveal(3)
        assert world.append(0, first, second).status == "ok"
        assert world.state().version == 2
        one, two = world.open().counted_since(world.lineage, 0)
        assert (one.version, one.at, one.operation, one.brand) == (1, first.at, "reveal", "auberon")
        assert (list(one.drawn), one.probes, one.records) == (["contact"], 2, BitMap([1, 2]))
        assert (two.version, two.records) == (2, BitMap([3]))

    def test_of_two_nodes_that_saw_the_same_version_the_second_appends_nothing(self, world: LedgerWorld) -> None:
        assert world.append(0, world.reveal(1)).status == "ok"
        late = world.open().append({world.lineage: 0}, [world.reveal(2)])[0][world.lineage]
        assert (late.status, late.version) == ("stale", 1)
        assert world.state().version == 1
        assert len(world.leaves(world.lineage)) == 1

    def test_a_version_that_was_never_reached_is_stale(self, world: LedgerWorld) -> None:
        assert world.append(1, world.reveal(1)).status == "stale"
        assert world.leaves(world.lineage) == []

    def test_a_stale_lineage_keeps_nobody_elses_entries_out(self, world: LedgerWorld) -> None:
        other = f"{world.lineage}-other"
        world.add_lineage(other)
        mine, theirs = world.reveal(1), world.reveal(2, lineage=other)
        outcome, _ = world.ledger.append({world.lineage: 7, other: 0}, [mine, theirs])
        assert {name: item.status for name, item in outcome.items()} == {world.lineage: "stale", other: "ok"}
        assert (world.leaves(world.lineage), world.leaves(other)) == ([], [theirs.body])

    def test_a_lineage_that_does_not_exist_is_unknown(self, world: LedgerWorld) -> None:
        outcome, _ = world.ledger.append({"nobody": 0}, [world.reveal(1, lineage="nobody")])
        assert outcome["nobody"].status == "unknown"
        assert world.leaves("nobody") == []

    def test_what_is_not_counted_needs_no_version_and_changes_none(self, world: LedgerWorld) -> None:
        world.ledger.append({}, [world.refusal()])
        assert len(world.leaves(world.lineage)) == 1
        assert world.state().version == 0
        assert world.ledger.counted_since(world.lineage, 0) == []

    def test_entries_are_read_from_a_version_on_and_as_many_as_asked_for(self, world: LedgerWorld) -> None:
        world.append(0, *(world.reveal(number) for number in range(5)))
        assert [item.version for item in world.ledger.counted_since(world.lineage, 1, 3)] == [2, 3, 4]

    def test_a_frozen_lineage_appends_nothing_that_counts_and_still_refusals(self, world: LedgerWorld) -> None:
        freeze = world.told(Operation.FREEZE)
        assert world.ledger.freeze(world.lineage, freeze.at, "canary", freeze)
        assert world.state().frozen == "canary"
        assert world.append(0, world.reveal(1)).status == "frozen"
        world.ledger.append({}, [refusal := world.refusal("frozen")])
        assert world.leaves(world.lineage) == [freeze.body, refusal.body]

    def test_a_lineage_is_frozen_once_and_by_the_first_reason(self, world: LedgerWorld) -> None:
        for reason, done in (("canary", True), ("operator", False)):
            entry = world.told(Operation.FREEZE)
            assert world.ledger.freeze(world.lineage, entry.at, reason, entry) is done
        assert world.state().frozen == "canary"
        assert len(world.leaves(world.lineage)) == 1
        entry = world.told(Operation.FREEZE)
        assert not world.ledger.freeze("nobody", entry.at, "canary", entry)

    def test_a_freeze_ends_once_with_an_entry(self, world: LedgerWorld) -> None:
        freeze, thaw = world.told(Operation.FREEZE), world.told(Operation.THAW)
        assert not world.ledger.thaw(world.lineage, thaw)
        world.ledger.freeze(world.lineage, freeze.at, "operator", freeze)
        assert world.ledger.thaw(world.lineage, thaw)
        assert world.state().frozen is None
        assert world.leaves(world.lineage) == [freeze.body, thaw.body]
        assert world.append(0, world.reveal(1)).status == "ok"

    def test_a_renewal_counts_and_begins_the_lifetime_anew(self, world: LedgerWorld) -> None:
        world.append(0, world.reveal(1))
        world.ledger.renew(world.lineage, 1, world.told(Operation.RENEW, counted=True))
        assert world.state() == LineageState(2, 1, 2, None)
        assert world.append(2, world.reveal(2)).epoch == 1

    def test_a_renewal_that_came_too_late_changes_nothing(self, world: LedgerWorld) -> None:
        world.append(0, world.reveal(1))
        with pytest.raises(StoreError, match="stale"):
            world.ledger.renew(world.lineage, 0, world.told(Operation.RENEW, counted=True))
        assert world.state() == LineageState(1, 0, 0, None)
        assert len(world.leaves(world.lineage)) == 1

    def test_within_a_transaction_entries_stand_and_fall_with_it(self, world: LedgerWorld) -> None:
        def ended_after_an_entry() -> None:
            with world.ledger.locked([world.lineage]):
                world.append(0, world.reveal(1))
                assert world.ledger.in_transaction
                raise EndedError

        with pytest.raises(EndedError):
            ended_after_an_entry()
        assert not world.ledger.in_transaction
        assert (world.state().version, world.leaves(world.lineage)) == (0, [])
        with world.ledger.locked([world.lineage]):
            world.append(0, world.reveal(1))
        assert world.state().version == 1

    def test_nothing_opens_before_the_transaction_of_its_entry_has_ended(self, world: LedgerWorld) -> None:
        entry = world.reveal(1)
        with world.ledger.locked([world.lineage]):
            world.append(0, entry)
            with pytest.raises(StoreError, match="not durable"):
                world.entries.durable(entry.body, entry.sealed_set)
        assert world.entries.durable(entry.body, entry.sealed_set).records == BitMap([1])

    def test_a_set_that_its_entry_does_not_name_is_noticed(self, world: LedgerWorld) -> None:
        world.append(0, world.reveal(1), world.reveal(2))
        world.swap_sets(world.lineage, 1, 2)
        with pytest.raises(TamperedError, match="counted entry 1"):
            world.ledger.counted_since(world.lineage, 0)

    def test_an_entry_of_another_time_than_the_stores_is_not_appended(self, world: LedgerWorld) -> None:
        now = world.entries.now()
        for off in (-2 * TOLERANCE, 2 * TOLERANCE):
            with pytest.raises(StoreError, match="clock"):
                world.ledger.append({}, [world.refusal(at=now + off)])
        assert world.leaves(world.lineage) == []

    def test_a_freeze_does_not_fail_for_a_wrong_clock(self, world: LedgerWorld) -> None:
        late = world.entries.prepare(
            lineage=world.lineage, operation=Operation.FREEZE, at=world.entries.now() + 10 * TOLERANCE
        )
        assert world.ledger.freeze(world.lineage, late.at, "canary", late)

    def test_refusals_are_counted_by_reason_and_time_with_what_each_stands_for(self, world: LedgerWorld) -> None:
        first = world.refusal(count=3)
        world.ledger.append({}, [first, world.refusal(), world.refusal("purpose")])
        end = world.entries.now()
        assert world.ledger.refused_within(world.lineage, first.at, end, "budget", 25) == 4
        assert world.ledger.refused_within(world.lineage, first.at, end, "budget", 1) == 1
        assert world.ledger.refused_within(world.lineage, end + 1, end + 2, "budget", 25) == 0
        assert world.ledger.refused_within("nobody", first.at, end, "budget", 25) == 0

    @pytest.mark.parametrize("operation", [Operation.RENEW, Operation.THAW])
    def test_the_count_of_refusals_begins_anew_after(self, world: LedgerWorld, operation: Operation) -> None:
        start = world.entries.now()
        world.ledger.append({}, [world.refusal(), world.told(operation)])
        assert world.ledger.refused_within(world.lineage, start, world.entries.now(), "budget", 25) == 0
        world.ledger.append({}, [world.refusal()])
        assert world.ledger.refused_within(world.lineage, start, world.entries.now(), "budget", 25) == 1

    def test_a_history_is_kept_in_the_place_of_the_one_it_continues(self, world: LedgerWorld) -> None:
        world.append(0, world.reveal(1), world.reveal(2))
        history = History(2, (CountedItem(7, "auberon", ("contact",), 4, BitMap([1, 2])),))
        assert world.ledger.history(world.lineage) == History(0, ())
        assert world.lineage in world.ledger.unfolded(2)
        assert world.ledger.keep_history(world.lineage, 0, history)
        assert world.open().history(world.lineage) == history
        assert world.lineage not in world.ledger.unfolded(2)

    def test_a_history_is_not_kept_after_another_or_within_a_transaction(self, world: LedgerWorld) -> None:
        world.append(0, world.reveal(1))
        history = History(1, (CountedItem(7, "auberon", ("contact",), 2, BitMap([1])),))
        with world.ledger.locked([world.lineage]):
            assert not world.ledger.keep_history(world.lineage, 0, history)
        assert world.ledger.keep_history(world.lineage, 0, history)
        assert not world.ledger.keep_history(world.lineage, 0, History(1, ()))
        assert world.ledger.history(world.lineage) == history
