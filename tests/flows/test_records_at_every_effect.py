"""Writes, erasures, rotations and reveals fail before and after every effect, over a store in memory.

Whatever failed, and however: nothing is done without its entry nor entered without being done, nothing is lost or
doubled, no budget is overrun, and whoever begins again over the same store comes to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import pytest
from memory_records_world import BRAND, RECORDS, ROOT, MemoryNode, block, caller, fill
from pyroaring import BitMap

from cloakroom.errors import BusyError, ConflictError, DeniedError, InputError, UncheckableError
from cloakroom.flows.admission.authorisation import Authoriser
from cloakroom.flows.admission.gatekeeper import Gatekeeper
from cloakroom.flows.opening import Openers
from cloakroom.flows.records.reveal import RevealRequest, reveal
from cloakroom.flows.store import rotate
from cloakroom.ledger.record_sets import entry_place
from cloakroom.testing.simulators.memory_store import Fault, FaultError, MemoryStore, faults_of
from cloakroom.vault.facets import ERASED, PERMANENT
from cloakroom.vault.key_ring import KeyPurpose, RootKey
from cloakroom.vault.tokens import RecordReference

NEW_ROOT = RootKey(bytes(31) + b"\1")
BURST = 4


@cache
def template() -> MemoryStore:
    store = MemoryStore()
    fill(store)
    return store


def filled() -> MemoryStore:
    return template().copied()


def effects_of(run: Callable[[MemoryNode], object]) -> list[str]:
    store = filled()
    run(MemoryNode(store))
    return store.effects


def after_each_fault(run: Callable[[MemoryNode], object]) -> Iterator[tuple[Fault, MemoryStore]]:
    """Yield each fault that a run can have, with the store that it left; the run was told of it every time."""

    def whole_run(store: MemoryStore) -> None:
        fill(store)
        run(MemoryNode(store))

    for fault in faults_of(whole_run):
        store = filled()
        node = MemoryNode(store)
        store.fail(fault)
        with pytest.raises(FaultError):
            run(node)
        store.fail(None)
        yield fault, store


def create(node: MemoryNode) -> str:
    return node.write(block("T99999999", "new@example.com"))


def change(node: MemoryNode) -> str:
    return node.write(block("T00000001", "changed@example.com", 5))


def delete(node: MemoryNode) -> str:
    return node.write(block("T00000001", "", 5, deleted=True))


def written(node: MemoryNode) -> list[int]:
    """Return what a write leaves: records live, rows of the index, superseded values, facets, entries, answers."""
    tables = [node.store.table(name) for name in ("blind_index", "version", "idempotency")]
    everybody = node.facets.load(node.brand)["record", "all"]
    return [len(node.emails()), *map(len, tables), len(everybody), len(node.told("write"))]


@pytest.mark.parametrize("write", [create, change, delete])
def test_a_write_is_there_whole_with_its_entry_and_its_answer_or_not_at_all(write):
    store = filled()
    before = written(MemoryNode(store))
    write(MemoryNode(store))
    after = written(MemoryNode(store))
    for fault, left in after_each_fault(write):
        assert written(MemoryNode(left)) in (before, after), fault


@pytest.mark.parametrize("write", [create, change, delete])
def test_a_write_that_failed_is_repeated_and_done_once_with_one_answer(write):
    store = filled()
    write(MemoryNode(store))
    once = written(MemoryNode(store))
    for fault, left in after_each_fault(write):
        token = write(MemoryNode(left))
        assert written(MemoryNode(left)) == once, fault
        assert write(MemoryNode(left)) == token, fault


def test_a_write_has_its_effects_in_one_transaction_of_which_the_entry_is_part():
    assert effects_of(create) == ["take ordinals", "write rows", "append", "keep answer", "commit"]


def test_another_request_under_the_same_key_changes_nothing():
    store = filled()
    create(MemoryNode(store))
    before = written(MemoryNode(store))
    with pytest.raises(ConflictError, match="another request"):
        MemoryNode(store).write(block("T99999998", "other@example.com"), request=b"another")
    assert written(MemoryNode(store)) == before


@pytest.mark.parametrize("lock", ["brand keys", "import"])
def test_a_write_is_told_to_come_again_while_keys_are_rotated_or_a_delivery_comes_in(lock):
    store = filled()
    node = MemoryNode(store)
    before = written(node)
    store.held.add((lock, node.brand))
    with pytest.raises(BusyError):
        create(node)
    assert written(node) == before


def test_a_frozen_caller_neither_writes_nor_erases():
    store = filled()
    node = MemoryNode(store)
    for name in ("anna", "paula"):
        node.gatekeeper().freeze(name, by="operator", reason="operator")
    before = written(node)
    with pytest.raises(DeniedError):
        create(node)
    with pytest.raises(DeniedError):
        node.erase(1)
    assert written(node) == before


def test_a_freeze_that_comes_after_the_policy_was_asked_still_stops_an_erasure():
    store = filled()
    node = MemoryNode(store)

    class Interrupted(Authoriser):
        def authorise(self, *arguments, **options):
            super().authorise(*arguments, **options)
            MemoryNode(store).gatekeeper().freeze("paula", by="operator", reason="operator")

    node.authoriser = Interrupted(entries=node.entries, ledger=node.ledger, policy=node.configuration.policy)
    with pytest.raises(DeniedError):
        node.erase(1)
    assert 1 in node.emails()


def test_the_record_that_was_erased_is_not_written_again_under_its_id():
    store = filled()
    MemoryNode(store).erase(1)
    token = MemoryNode(store).write(block("T00000001", "back@example.com", 5))
    (reference,) = MemoryNode(store).keys.codec("app").read_all([token])
    assert reference.ordinal == RECORDS


def erase_two(node: MemoryNode) -> None:
    node.erase(1, 3)


def traces(node: MemoryNode, *ordinals: int) -> list[bool]:
    """Return of each trace of records whether it is there, and of each sign of an erasure whether it is missing."""
    facets = node.facets.load(node.brand)
    rows = [node.store.table("record")[ordinal] for ordinal in ordinals]
    return [
        any(row.keys is not None for row in rows),
        any(envelope is not None for row in rows for envelope in row.record.envelopes),
        any(place[0] in ordinals for place in node.store.table("version")),
        any(place[3] in ordinals for place in node.store.table("blind_index")),
        any(members.intersect(BitMap(ordinals)) for (name, _), members in facets.items() if name not in PERMANENT),
        not BitMap(ordinals).issubset(facets.get((ERASED, "all"), BitMap())),
        not node.told("erase"),
    ]


def test_an_erasure_leaves_nothing_and_an_entry_or_everything_and_no_entry():
    for fault, left in after_each_fault(erase_two):
        assert len(set(traces(MemoryNode(left), 1, 3))) == 1, fault


def test_an_erasure_that_failed_is_repeated_and_entered_once():
    for fault, left in after_each_fault(erase_two):
        node = MemoryNode(left)
        if node.told("erase"):
            with pytest.raises(InputError, match="number 1, 2"):
                erase_two(node)
        else:
            erase_two(node)
        assert not any(traces(node, 1, 3)), fault
        (entry,) = node.told("erase")
        assert (entry.records, entry.permitted) == (2, True)
        assert set(node.emails()) == {0, 2, 4}, fault


def test_an_erasure_takes_nothing_of_anybody_else():
    store = filled()
    node = MemoryNode(store)
    erase_two(node)
    assert all(
        node.found(f"person{number}.{hour}@example.com") == {number} for number in (0, 2, 4) for hour in (0, 1)
    )
    assert traces(node, 0, 2, 4)[:5] == [True] * 5


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rotate in batches of two rows."""
    monkeypatch.setattr(rotate, "BATCH", 2)


def rotate_brand(node: MemoryNode) -> None:
    rotate.rotate_brand(node.rotation, BRAND)


def rotate_index(node: MemoryNode) -> None:
    rotate.rotate_index(node.rotation, BRAND)


ROTATIONS = {
    rotate_brand: (KeyPurpose.WRAP, "CONTACT"),
    rotate_index: (KeyPurpose.INDEX, ""),
}


def steps(node: MemoryNode) -> tuple[list[object], int]:
    """Return the generations whose beginning is entered, and how many ends are."""
    told = [entry.detail for entry in node.told("rotate")]
    return [item["generation"] for item in told if item["phase"] == "begin"], [item["phase"] for item in told].count(
        "end"
    )


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("run", ROTATIONS)
def test_a_rotation_that_failed_loses_nobody_and_the_same_again_finishes_it(run):
    purpose, detail = ROTATIONS[run]
    emails = MemoryNode(filled()).emails()
    for fault, left in after_each_fault(run):
        for _ in range(2):
            node = MemoryNode(left)
            assert node.emails() == emails, fault
            for ordinal in emails:
                assert node.found(f"person{ordinal}.0@example.com") == {ordinal}, fault
                assert node.found(f"person{ordinal}.1@example.com") == {ordinal}, fault
            generations = node.keys.ring.generations(purpose, node.brand, detail)
            # There is no key without the line that says so, and none was destroyed without one.
            assert steps(node) == (list(range(2, generations[-1] + 1)), generations[0] - 1), fault
            run(MemoryNode(left))
        assert len(MemoryNode(left).keys.ring.generations(purpose, node.brand, detail)) == 1, fault


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("run", ROTATIONS)
def test_no_row_lies_under_a_key_that_others_had_no_time_to_notice_nor_under_one_that_was_destroyed(run):
    effects = effects_of(run)
    moving = [at for at, name in enumerate(effects) if name in {"store keys", "put index rows"}]
    assert moving
    assert effects.index("drop key") > moving[-1]
    assert effects.index("append") < effects.index("commit") < effects.index("wait") < moving[0]


def rotate_root(node: MemoryNode) -> None:
    rotate.rotate_root(node.rotation, NEW_ROOT)


def test_the_ring_lies_under_one_root_key_whatever_failed():
    for _, left in after_each_fault(rotate_root):
        told = len(MemoryNode.told(under(left, (ROOT, NEW_ROOT)), "rotate"))
        with pytest.raises(UncheckableError):
            under(left, (ROOT,) if told else (NEW_ROOT,))


def under(store: MemoryStore, roots: tuple[RootKey, ...]) -> MemoryNode:
    """Open a node with the first root key that opens the ring."""
    for root in roots[:-1]:
        try:
            return MemoryNode(store, root)
        except UncheckableError:
            continue
    return MemoryNode(store, roots[-1])


def rotate_sets(node: MemoryNode) -> None:
    rotate.rotate_sets(node.rotation)


def test_there_is_no_key_of_sets_without_its_entry_and_no_entry_without_its_key():
    for fault, left in after_each_fault(rotate_sets):
        node = MemoryNode(left)
        newest = node.keys.ring.newest(KeyPurpose.SET)
        assert [entry.detail["generation"] for entry in node.told("rotate")] == list(range(2, newest + 1)), fault


class Revealing:
    """Somebody who reveals over a store, with a burst of four records; what was about to be opened is noted."""

    def __init__(self) -> None:
        self.opened: dict[MemoryStore, BitMap] = {}

    def gatekeeper(self, node: MemoryNode) -> Gatekeeper:
        policy = node.configuration.policy
        counter = policy.budgets["counter"]
        tight = replace(
            counter, burst=replace(counter.burst, records=BURST), mask_below_percent=0, token_below_percent=0
        )
        gatekeeper = node.gatekeeper()
        gatekeeper.adopt(
            replace(policy, budgets={**policy.budgets, "counter": tight}), node.configuration.field_classes, BitMap()
        )
        return gatekeeper

    def openers(self, node: MemoryNode) -> Openers:
        store = node.store
        seen = self.opened.setdefault(store, BitMap())

        class NotingOpeners(Openers):
            def open(self, brand, entered, fields):
                seen.update(record.ordinal for _, rows in entered for record, _ in rows)
                with store.effect("open"):
                    return super().open(brand, entered, fields)

        return NotingOpeners(node.keys.ring, node.catalogue)

    def reveal(self, node: MemoryNode, *ordinals: int) -> object:
        codec = node.keys.codec("app")
        tokens = codec.issue([RecordReference(node.brand, ordinal) for ordinal in ordinals])
        request = RevealRequest(caller("anna").principal, tokens, codec, frozenset({"email"}), "clienteling", "A-1")
        (answer,) = reveal(
            [request], gatekeeper=self.gatekeeper(node), catalogue=node.catalogue, openers=self.openers(node)
        )
        return answer

    def __call__(self, node: MemoryNode) -> None:
        assert self.reveal(node, 0, 1, 2).admission.permitted
        assert self.reveal(node, 2, 3).admission.permitted
        assert self.reveal(node, 4).admission.code == "budget"


def entered(node: MemoryNode) -> BitMap:
    """Return the records that permitted entries of reveals name."""
    found = BitMap()
    for entry in node.ledger.entries():
        if entry.prepared.operation == "reveal" and entry.prepared.permitted:
            found |= node.keys.sets.open(entry_place(entry.prepared.lineage), entry.prepared.sealed_set)
    return found


def test_nothing_is_opened_that_no_durable_entry_names_and_no_budget_is_overrun():
    revealing = Revealing()
    for fault, left in after_each_fault(revealing):
        node = MemoryNode(left)
        assert revealing.opened.get(left, BitMap()).issubset(entered(node)), fault
        revealing(MemoryNode(left))
        assert revealing.opened.get(left, BitMap()).issubset(entered(node)), fault
        assert len(entered(node)) == BURST, fault
        assert node.ledger.states(["anna"])["anna"].version == len(
            [entry for entry in node.ledger.entries() if entry.version is not None]
        ), fault


def test_a_reveal_is_entered_before_anything_is_opened():
    assert effects_of(Revealing()) == ["append", "open", "append", "open", "append"]
