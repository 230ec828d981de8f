"""What every implementation of the ports of releases must do, and a release over them; run against each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest
from pyroaring import BitMap
from release_world import DOMAIN, FIELDS, content

from cloakroom.errors import BusyError, DeniedError, InputError, TamperedError, UsageError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.ledger.entry_writing import EntryWriter
from cloakroom.flows.ledger.ports import Ledger
from cloakroom.flows.opening import open_rows
from cloakroom.flows.releases.ports import CanaryStore, ReleaseRecords, ReleaseStore, StoredRelease
from cloakroom.flows.releases.requests import ReleaseRequests
from cloakroom.flows.releases.run import FinishedRelease, ReleaseRuns
from cloakroom.gate.releases import Approval, ReleaseContent, ReleaseState
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vocabulary import Operation

BRAND = "tarsenne"


class EndedError(Exception):
    """Ends a transaction so that nothing of it stays."""


@dataclass
class ReleaseNode:
    """One node over a store: the ports and the flows over them."""

    store: ReleaseStore
    records: ReleaseRecords
    canaries: CanaryStore
    ledger: Ledger
    entries: EntryWriter
    catalogue: Catalogue
    requests: ReleaseRequests
    runs: ReleaseRuns

    @property
    def brand(self) -> int:
        return self.catalogue.brand(BRAND)

    def facet(self, name: str, value: str) -> BitMap:
        return self.records.facets(self.brand).get((name, value), BitMap())

    def add_canary(self, record_id: str, **fields: str) -> int:
        with self.store.transaction():
            (ordinal,) = self.canaries.add(BRAND, record_id, fields)
        return ordinal


@dataclass
class ReleaseWorld:
    """A store with people and records.

    Attributes:
        who: Who asks for releases and who approves them.
        open: Opens the store as a node of its own; takes what is put in the place of its `ReleaseStore`.
        delete: Lets the brand's system delete a record.
        rotating: Rotates the keys of a brand until its end.
    """

    who: Mapping[str, Caller]
    open: Callable[[Callable[[ReleaseStore], ReleaseStore]], ReleaseNode]
    delete: Callable[[int], None]
    rotating: Callable[[int], AbstractContextManager[None]]

    def node(self) -> ReleaseNode:
        return self.open(lambda store: store)

    def request(self, node: ReleaseNode, **changes: object) -> StoredRelease:
        return node.requests.request_release(self.who["marketing"], content(**changes))

    def approved(self, node: ReleaseNode, **changes: object) -> StoredRelease:
        found = self.request(node, **changes)
        for name in ("privacy", "security"):
            found = node.requests.approve_release(self.who[name], found.id, found.standing.content.digest)
        return found

    def run(self, node: ReleaseNode, name: str, **options: object) -> tuple[FinishedRelease, list[Mapping[str, str]]]:
        """Run a release; return what it says and the rows that left."""
        rows: list[Mapping[str, str]] = []

        def write(_: ReleaseContent, given: Iterator[Mapping[str, str]]) -> str:
            rows.extend(given)
            return f"{len(rows):064x}"

        done = node.runs.run_release(self.who["marketing"], name, write, canary_domain=DOMAIN, **options)
        return done, rows


class BeforeTransaction:
    """A `ReleaseStore` that lets something happen just before one of its transactions begins."""

    def __init__(self, store: ReleaseStore, number: int, happen: Callable[[], object]) -> None:
        self._store, self._number, self._happen = store, number, happen

    def transaction(self) -> AbstractContextManager[None]:
        self._number -= 1
        if self._number < 0 and self._happen is not None:
            happen, self._happen = self._happen, None
            happen()
        return self._store.transaction()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def refused(code: str, action: Callable[[], object]) -> None:
    with pytest.raises(DeniedError) as error:
        action()
    assert error.value.code == code


class ReleaseStoreBehaviour:
    """Subclasses give a world in a fixture of that name."""

    def test_a_request_is_kept_as_it_was_asked_and_another_node_reads_it(self, world: ReleaseWorld) -> None:
        node, asked = world.node(), content(facets={"country": "FR"}, maximum=7)
        node.store.add("release-asked", asked, "marketing", 5, 9)
        found = world.node().store.get("release-asked")
        standing = found.standing
        assert (found.id, found.requested_at, standing.expires_at) == ("release-asked", 5, 9)
        assert (standing.content, standing.content.digest) == (ReleaseContent.decode(asked.encode()), asked.digest)
        assert (standing.requested_by, standing.state, list(standing.approvals)) == ("marketing", "requested", [])
        assert (found.records, found.canaries, found.rows_done, found.file_sha256) == (None, 0, 0, None)

    def test_a_release_that_nobody_asked_for_is_not_found(self, world: ReleaseWorld) -> None:
        node = world.node()
        refused("not-found", lambda: node.store.get("release-none"))
        with node.store.transaction():
            refused("not-found", lambda: node.store.get("release-none", lock=True))

    def test_approvals_are_kept_and_only_the_last_one_changes_how_far_it_is(self, world: ReleaseWorld) -> None:
        store = world.node().store
        store.add("release-approvals", content(), "marketing", 5, 9)
        given = [Approval("privacy", "one", content().digest), Approval("security", "two", content().digest)]
        for at, approval in enumerate(given):
            store.approve("release-approvals", approval, 6 + at)
        standing = store.get("release-approvals").standing
        assert (list(standing.approvals), standing.state, standing.expires_at) == (given, "requested", 9)
        store.approved("release-approvals", 20)
        standing = store.get("release-approvals").standing
        assert (list(standing.approvals), standing.state, standing.expires_at) == (given, "approved", 20)

    def test_a_release_is_fixed_to_one_set_and_done_once(self, world: ReleaseWorld) -> None:
        store = world.node().store
        store.add("release-fixed", content(), "marketing", 5, 9)
        assert not store.done("release-fixed", 3, "00" * 32, 9), "its set is not fixed"
        store.begun("release-fixed", BitMap([1, 5, 70_000]), 1)
        store.progress("release-fixed", 2)
        found = store.get("release-fixed")
        assert (found.standing.state, found.records, found.canaries) == ("running", BitMap([1, 5, 70_000]), 1)
        assert (found.rows_done, found.file_sha256) == (2, None)
        assert store.done("release-fixed", 3, "ab" * 32, 9)
        assert not store.done("release-fixed", 3, "cd" * 32, 9)
        found = store.get("release-fixed")
        assert (found.standing.state, found.rows_done, found.file_sha256) == ("done", 3, "ab" * 32)

    def test_the_entry_of_a_set_is_that_of_its_own_release(self, world: ReleaseWorld) -> None:
        node = world.node()
        for number, name in enumerate(("release-one", "release-two", "release-three")):
            node.store.add(name, content(), "marketing", node.entries.now(), 9)
            if name != "release-three":
                append_set(node, name, BitMap([number]))
        # A later entry about the release does not count, and names no set.
        node.entries.append(lineage="marketing", operation=Operation.RELEASE, detail={"release": "release-one"})
        for number, name in enumerate(("release-one", "release-two")):
            found = node.entries.durable(*node.store.run_entry(node.store.get(name)))
            assert found.records == BitMap([number])
        with pytest.raises(TamperedError, match="release-three"):
            node.store.run_entry(node.store.get("release-three"))

    def test_what_a_transaction_wrote_and_entered_stands_or_falls_together(self, world: ReleaseWorld) -> None:
        node = world.node()

        def write(name: str) -> None:
            node.store.add(name, content(), "marketing", node.entries.now(), 9)
            append_set(node, name, BitMap([1]))
            canary = node.canaries.add(BRAND, f"T7700000{name[-1]}", {"given_name": "Ada"})
            node.canaries.mark(BRAND, name, canary)

        def ended_in_the_middle() -> None:
            with node.store.transaction():
                write("release-transaction-1")
                raise EndedError

        before = node.ledger.states(["marketing"])["marketing"].version
        with pytest.raises(EndedError):
            ended_in_the_middle()
        other = world.node()
        refused("not-found", lambda: other.store.get("release-transaction-1"))
        assert other.ledger.states(["marketing"])["marketing"].version == before
        assert not other.facet("canary", "release-transaction-1")
        with node.store.transaction():
            write("release-transaction-2")
            assert node.ledger.in_transaction
        assert other.store.get("release-transaction-2").standing.state is ReleaseState.REQUESTED
        assert other.ledger.states(["marketing"])["marketing"].version == before + 1
        assert len(other.facet("canary", "release-transaction-2")) == 1


class ReleaseRecordsBehaviour:
    """Subclasses give a world in a fixture of that name."""

    def test_a_canary_is_a_record_among_the_others_and_says_so_in_its_facet_alone(self, world: ReleaseWorld) -> None:
        node = world.node()
        before = node.facet("record", "all")
        ordinal = node.add_canary("T66000001", given_name="Ada", family_name="Moreau")
        assert ordinal not in before
        assert node.facet("record", "all") == before | BitMap([ordinal])
        node.canaries.mark(BRAND, "release-canary", BitMap([ordinal]))
        assert world.node().facet("canary", "release-canary") == BitMap([ordinal])

    def test_a_record_id_that_the_brand_has_makes_no_second_record(self, world: ReleaseWorld) -> None:
        node = world.node()
        node.add_canary("T66000002", given_name="Ada")
        before = node.facet("record", "all")
        with node.store.transaction():
            assert not node.canaries.add(BRAND, "T66000002", {"given_name": "Grace"})
        assert node.facet("record", "all") == before

    def test_a_record_that_the_brand_cannot_have_is_refused(self, world: ReleaseWorld) -> None:
        node = world.node()
        before = node.facet("record", "all")
        with node.store.transaction(), pytest.raises(InputError):
            node.canaries.add(BRAND, "T66000003", {"shoe_size": "44"})
        assert node.facet("record", "all") == before

    def test_what_was_written_opens_under_an_entry_that_names_it(self, world: ReleaseWorld) -> None:
        node = world.node()
        ordinal = node.add_canary("T66000004", given_name="Ada", family_name="Moreau")
        rows = node.records.sealed_rows([ordinal, 2**31 - 1])
        assert [row.record.ordinal for row in rows] == [ordinal], "unknown ones are left out"
        entry = node.entries.enter(
            lineage="marketing",
            operation=Operation.RELEASE,
            records=BitMap([ordinal]),
            fields=["given_name", "customer_number"],
            detail={},
        )
        (opened,) = open_rows(entry, rows, catalogue=node.catalogue, openers=node.records.openers)
        assert opened[1] == {"given_name": "Ada", "customer_number": "T66000004"}

    def test_what_a_brand_deleted_is_not_live(self, world: ReleaseWorld) -> None:
        node = world.node()
        kept, gone = (node.add_canary(f"T6600000{number}", given_name="Ada") for number in (5, 6))
        world.delete(gone)
        assert node.records.live(node.brand, [kept, gone, 2**31 - 1]) == BitMap([kept])
        assert not node.records.live(node.brand + 1, [kept]), "they are of another brand"

    def test_keys_that_are_being_rotated_are_not_settled(self, world: ReleaseWorld) -> None:
        node = world.node()
        with world.rotating(node.brand), node.store.transaction():
            assert not node.records.settle_keys(node.brand)
        with node.store.transaction():
            assert node.records.settle_keys(node.brand)


class ReleaseRunBehaviour:
    """Subclasses give a world in a fixture of that name."""

    def test_a_release_leaves_with_its_canaries_in_one_set_under_one_entry(self, world: ReleaseWorld) -> None:
        node = world.node()
        name = world.approved(node, facets={"country": "FR"}).id
        audience = node.facet("country", "FR")
        done, rows = world.run(node, name)
        found = node.store.get(name)
        canaries = node.facet("canary", name)
        assert found.standing.state is ReleaseState.DONE
        assert (done.records, done.canaries) == (len(rows), len(canaries)) == (len(found.records), 5)
        assert canaries <= found.records
        assert found.records - canaries <= audience
        assert {row["country"] for row in rows} == {"FR"}
        assert all(row.keys() <= set(FIELDS) for row in rows)
        assert sum(row.get("email", "").endswith(f"@{DOMAIN}") for row in rows) == 5
        entry = node.entries.durable(*node.store.run_entry(found))
        assert (entry.records, set(entry.forms)) == (found.records, set(FIELDS))
        refused("exhausted", lambda: world.run(node, name))

    def test_deleted_records_and_canaries_of_other_releases_are_in_none(self, world: ReleaseWorld) -> None:
        node = world.node()
        first = world.approved(node, facets={"country": "FR"}).id
        world.run(node, first)
        gone = node.facet("country", "FR").min()
        world.delete(gone)
        second = world.approved(node, facets={"country": "FR"}).id
        world.run(node, second)
        before, after = node.store.get(first).records, node.store.get(second).records
        assert before - after == node.facet("canary", first) | BitMap([gone])
        assert after - before == node.facet("canary", second)

    def test_a_set_that_is_not_the_one_of_its_entry_does_not_leave(self, world: ReleaseWorld) -> None:
        node = world.node()
        name = world.approved(node).id
        some = BitMap(list(node.facet("record", "all"))[:9])
        append_set(node, name, some)
        node.store.begun(name, some | BitMap([some.max() + 1]), 0)
        with pytest.raises(TamperedError, match=name):
            world.run(node, name)
        assert node.store.get(name).rows_done == 0

    def test_a_run_that_finds_the_set_fixed_by_another_takes_that_up(self, world: ReleaseWorld) -> None:
        """It was free when the run entered its templates, and fixed when it came back with what it opened."""
        other = world.node()
        name = world.approved(other).id
        rows: list[Mapping[str, str]] = []

        def fix_and_die() -> None:
            with pytest.raises(EndedError):
                other.runs.run_release(world.who["marketing"], name, ended, canary_domain=DOMAIN)

        def ended(_: ReleaseContent, __: object) -> str:
            raise EndedError

        late = world.open(lambda store: BeforeTransaction(store, 1, fix_and_die))
        done, rows = world.run(late, name)
        fixed = other.store.get(name)
        assert (done.records, done.canaries) == (len(rows), 5) == (len(fixed.records), 5)
        assert len(other.facet("canary", name)) == 5

    def test_of_two_runs_at_once_one_is_done_and_the_other_is_told(self, world: ReleaseWorld) -> None:
        first = world.node()
        name = world.approved(first).id
        late = world.open(lambda store: BeforeTransaction(store, 2, lambda: world.run(first, name)))
        with pytest.raises(Exception, match="another run of this release was done first"):
            world.run(late, name)
        assert first.store.get(name).standing.state is ReleaseState.DONE

    def test_nothing_begins_while_the_keys_of_the_brand_are_rotated(self, world: ReleaseWorld) -> None:
        node = world.node()
        name = world.approved(node).id
        with world.rotating(node.brand), pytest.raises(BusyError):
            world.run(node, name)
        assert node.store.get(name).standing.state is ReleaseState.APPROVED

    def test_an_audience_that_is_empty_or_too_large_leaves_nothing_behind(self, world: ReleaseWorld) -> None:
        node = world.node()
        nobody = world.approved(node, facets={"country": "ZZ"}).id
        with pytest.raises(UsageError, match="no record"):
            world.run(node, nobody)
        many = world.approved(node, maximum=3).id
        refused("too-many", lambda: world.run(node, many))
        for name in (nobody, many):
            assert node.store.get(name).standing.state is ReleaseState.APPROVED
            assert not node.facet("canary", name)


def append_set(node: ReleaseNode, name: str, records: BitMap) -> None:
    """Append the counted entry that a release is fixed by."""
    version = node.ledger.states(["marketing"])["marketing"].version
    entry = node.entries.prepare(
        lineage="marketing", operation=Operation.RELEASE, records=records, counted=True, detail={"release": name}
    )
    assert node.ledger.append({"marketing": version}, [entry])[0]["marketing"].status == "ok"
