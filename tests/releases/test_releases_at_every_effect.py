"""Releases fail before and after every effect, over a store in memory; `test_releases_survive` kills real processes.

Whatever failed, and however: nothing was opened that no durable entry names, canaries belong to a set that is
entered, there is one entry of a run with one set, and whoever begins again over the same store ends as one release.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from typing import TypeVar

import pytest
from memory_releases_world import SETS, fill, open_node, people
from pyroaring import BitMap
from release_behaviour import ReleaseNode
from release_world import DOMAIN, content

from cloakroom.errors import DeniedError
from cloakroom.flows.opening import Openers
from cloakroom.flows.releases import run as release_run
from cloakroom.flows.releases.ports import ReleaseStore
from cloakroom.gate.releases import ReleaseContent
from cloakroom.ledger.entry import Entry, decode_entry
from cloakroom.ledger.record_sets import entry_place
from cloakroom.testing.simulators.memory_releases import MemoryReleases
from cloakroom.testing.simulators.memory_store import Fault, FaultError, MemoryStore, Moment, faults_of

MARKETING = people()["marketing"]
ORDER = [
    *("append", "commit"),
    *("open", *["add record"] * 5, "mark canaries", "append", "begun", "commit"),
    *["open", "progress"] * 3,
    "name the file",
    *("done", "append", "commit"),
]
"""The effects of a run, as the contract of `flows.releases.run` has them."""

T = TypeVar("T")


class Stage:
    """A store, the node that works over it by now, and what was seen of it."""

    def __init__(self, store: MemoryStore, replaced: Callable[[ReleaseStore], ReleaseStore] = lambda store: store):
        self.store = store
        self.opened = BitMap()
        """Records that were about to be opened, whether the node lived to see them or not."""
        self._replaced = replaced
        fill(store)
        self.node = self.begin()

    def begin(self) -> ReleaseNode:
        """Begin with another node over the same store; what the one before had in memory is lost."""
        self.store.fail(None)
        self.node = open_node(self.store, self._replaced, self._noting_openers)
        return self.node

    def _noting_openers(self, *arguments: object) -> Openers:
        stage = self

        class NotingOpeners(Openers):
            def open(self, brand: int, entered: list, fields: tuple[str, ...]) -> list:
                stage.opened.update(record.ordinal for _, rows in entered for record, _ in rows)
                with stage.store.effect("open"):
                    return super().open(brand, entered, fields)

        return NotingOpeners(*arguments)

    def write(self, asked: ReleaseContent, rows: Iterator[Mapping[str, str]]) -> str:
        """Write a file as the real ones are: under its name it is whole."""
        taken = tuple(tuple(sorted(row.items())) for row in rows)
        with self.store.effect("name the file"):
            self.store.table("file")[asked.reference] = taken
        return hashlib.sha256(repr(taken).encode()).hexdigest()

    def run(self, name: str) -> None:
        self.node.runs.run_release(MARKETING, name, self.write, canary_domain=DOMAIN)

    def ask(self) -> str:
        """Ask for a release and have it approved, as far as that has not happened."""
        names = list(self.store.table("release"))
        if not names:
            names = [self.node.requests.request_release(MARKETING, content()).id]
        for person in ("privacy", "security"):
            standing = self.node.store.get(names[0]).standing
            if person not in {item.principal for item in standing.approvals}:
                self.node.requests.approve_release(people()[person], names[0], standing.content.digest)
        return names[0]

    def entries(self, phase: str) -> list[tuple[Entry, BitMap]]:
        """Return the durable entries of a phase that permit something, with their sets."""
        prepared = [item.prepared for item in self.store.table("entry").values()]
        told = [(decode_entry(item.body), item.sealed_set) for item in prepared]
        return [
            (entry, SETS.open(entry_place(entry.lineage), sealed) if sealed else BitMap())
            for entry, sealed in told
            if entry.permitted and entry.detail.get("phase") == phase
        ]

    def canaries(self) -> BitMap:
        """Return every record that was not there at first."""
        return BitMap(self.store.table("record")) - self.first

    first: BitMap = BitMap()


def staged(store: MemoryStore, replaced: Callable[[ReleaseStore], ReleaseStore] = lambda store: store) -> Stage:
    """Return a stage whose release is approved."""
    stage = Stage(store, replaced)
    stage.first = BitMap(store.table("record"))
    stage.ask()
    stage.begin()
    return stage


def check_nothing_is_loose(stage: Stage, name: str) -> None:
    """After a failure: what was opened is entered; canaries and files are of a set that is entered."""
    named = [records for phase in ("templates", "run") for _, records in stage.entries(phase)]
    assert not stage.opened - BitMap.union(BitMap(), *named), "opened, and no durable entry names it"
    sets = [records for _, records in stage.entries("run")]
    marked = stage.node.facet("canary", name)
    assert stage.canaries() == marked, "a canary that nobody would know"
    assert bool(marked) == bool(sets), "canaries without a set, or a set without canaries"
    assert all(marked <= records for records in sets)
    assert bool(stage.store.table("file")) <= bool(sets), "a file without its entry"
    assert [stage.store.table("release")[name].records] == (sets or [None]), "fixed, and not as it is entered"


def only(items: Iterable[T]) -> T:
    found = list(items)
    assert len(found) == 1
    return found[0]


def check_one_release(stage: Stage, name: str) -> None:
    """In the end: one entry, one set, its canaries in it, and the file holds just that."""
    check_nothing_is_loose(stage, name)
    entry, records = only(stage.entries("run"))
    done, _ = only(stage.entries("done"))
    stored = stage.node.store.get(name)
    assert (stored.standing.state, stored.records, stored.canaries) == ("done", records, 5)
    assert len(stage.canaries()) == 5
    assert entry.records == len(records) == stored.rows_done == done.detail["rows"]
    assert stage.node.ledger.states(["marketing"])["marketing"].version == 1, "counted once"
    rows = only(stage.store.table("file").values())
    assert len(rows) == len(records)
    assert sum(dict(row)["email"].endswith(f"@{DOMAIN}") for row in rows) == 5
    assert stored.file_sha256 == done.detail["file_sha256"] == hashlib.sha256(repr(rows).encode()).hexdigest()


def fail_and_run_again(stage: Stage, fault: Fault) -> None:
    """Let a run fail, look at what it left, run again, and look at what there is then."""
    name = only(stage.store.table("release"))
    stage.store.fail(fault)
    with pytest.raises(FaultError):
        stage.run(name)
    stage.begin()
    check_nothing_is_loose(stage, name)
    fixed = [records for _, records in stage.entries("run")]
    if stage.node.store.get(name).standing.state == "done":
        with pytest.raises(DeniedError):
            stage.run(name)
    else:
        stage.run(name)
    check_one_release(stage, name)
    assert fixed in ([], [records for _, records in stage.entries("run")]), "another set than before"


@pytest.fixture(autouse=True)
def _several_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_run, "ROWS_PER_READ", 10)


def effects_of_a_run(replaced: Callable[[ReleaseStore], ReleaseStore] = lambda store: store) -> list[Fault]:
    def run(store: MemoryStore) -> None:
        stage = staged(store, replaced)
        stage.run(next(iter(store.table("release"))))
        check_one_release(stage, next(iter(store.table("release"))))

    return faults_of(run)


def test_a_run_has_its_effects_in_the_order_of_the_contract() -> None:
    stage = staged(MemoryStore())
    stage.run(only(stage.store.table("release")))
    assert stage.store.effects == ORDER


def test_wherever_a_run_fails_nothing_is_loose_and_it_ends_as_one_release() -> None:
    faults = effects_of_a_run()
    assert len(faults) == 2 * len(ORDER)
    for fault in faults:
        fail_and_run_again(staged(MemoryStore()), fault)


def test_a_run_that_fails_twice_ends_as_one_release() -> None:
    """The second failure hits what takes up again."""
    faults = effects_of_a_run()
    for first in faults[::5]:
        for second in faults[1::7]:
            stage = staged(MemoryStore())
            (name,) = stage.store.table("release")
            for fault in (first, second):
                stage.store.fail(fault)
                try:
                    stage.run(name)
                except (FaultError, DeniedError):
                    stage.begin()
                check_nothing_is_loose(stage, name)
            if stage.node.store.get(name).standing.state != "done":
                stage.run(name)
            check_one_release(stage, name)


def test_wherever_asking_and_approving_fail_each_has_its_one_entry() -> None:
    def ask(store: MemoryStore) -> None:
        stage = Stage(store)
        store.fail(None)
        stage.ask()

    faults = faults_of(ask)
    assert len(faults) == 2 * (3 + 3 + 4), "a request, an approval, and the last approval, each with its commit"
    for fault in faults:
        stage = Stage(MemoryStore())
        stage.store.fail(fault)
        with pytest.raises(FaultError):
            stage.ask()
        stage.begin()
        check_asked_and_approved(stage)
        name = stage.ask()
        check_asked_and_approved(stage)
        assert stage.node.store.get(name).standing.state == "approved"
        assert len(stage.entries("approve")) == 2


def check_asked_and_approved(stage: Stage) -> None:
    releases = stage.store.table("release")
    assert [entry.detail["release"] for entry, _ in stage.entries("request")] == list(releases)
    approvals = [item.principal for found in releases.values() for item in found.standing.approvals]
    assert [entry.lineage for entry, _ in stage.entries("approve")] == approvals
    for found in releases.values():
        assert (found.standing.state == "approved") == (len(approvals) == 2)


class TornReleases(MemoryReleases):
    """Breaks the promise on purpose: what is written in a transaction does not stand and fall together."""

    def transaction(self) -> nullcontext[None]:
        return nullcontext()


def test_a_store_whose_transactions_are_none_is_noticed() -> None:
    def torn(store: ReleaseStore) -> ReleaseStore:
        return TornReleases(store._store)

    broken = 0
    for fault in effects_of_a_run(torn):
        try:
            fail_and_run_again(staged(MemoryStore(), torn), fault)
        except AssertionError:
            broken += 1
    assert broken > 10


def test_a_refused_run_leaves_an_entry_and_nothing_else() -> None:
    def run(store: MemoryStore) -> None:
        stage = Stage(store)
        name = stage.node.requests.request_release(MARKETING, content()).id
        store.fail(None)
        with pytest.raises(DeniedError, match="approvals"):
            stage.run(name)

    assert faults_of(run) == [Fault(0, moment) for moment in Moment]
