"""What every implementation of `ImportStore`, `ErasureStore`, `WriteStore` and `Facets` must do; run against each.

The flows that order these ports, `write_record` and `erase`, run over each as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from memory_records_world import BRAND, block
from pyroaring import BitMap

from cloakroom.adapters.postgres.copy_rows import NewRowEncoder
from cloakroom.clock import Clock
from cloakroom.errors import ConflictError, DeniedError, InputError
from cloakroom.flows.admission.authorisation import Authoriser, Caller
from cloakroom.flows.ledger.entry_writing import EntryWriter
from cloakroom.flows.opening import index_links
from cloakroom.flows.records.erase import ErasureRequest, erase
from cloakroom.flows.records.import_ports import ImportStore
from cloakroom.flows.records.ports import ErasureStore, Facets, WriteStore
from cloakroom.flows.records.write_record import WriteRequest, import_rows, write_record
from cloakroom.flows.store.keys import StoreKeys
from cloakroom.ledger.entry import Entry
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.facets import ERASED, RECORD
from cloakroom.vault.opening import BrandOpener
from cloakroom.vault.row_changes import ERASED as ERASED_STATE
from cloakroom.vault.row_changes import KnownRecord
from cloakroom.vault.rows import RECORD_ID_INDEX, RowBlock
from cloakroom.vault.tokens import RecordReference

LIVE = 0


class EndedError(Exception):
    """Ends a transaction so that nothing of it stays."""


@dataclass
class RecordNode:
    """The ports of one node over a store that has the brand's keys, with whom the flows are asked by."""

    imports: ImportStore
    erasures: ErasureStore
    writes: WriteStore
    facets: Facets
    keys: StoreKeys
    entries: EntryWriter
    authoriser: Authoriser
    clock: Clock
    officer: Caller
    associate: Caller
    stranger: Caller
    told: Callable[[str], list[Entry]]
    freeze: Callable[[str], object]

    @property
    def brand(self) -> int:
        return self.keys.catalogue.brand(BRAND)

    def add(self, row: RowBlock) -> BitMap:
        """Take a row in as an import does; return the record's ordinal."""
        return import_rows(
            row, self.brand, imports=self.imports, keys=self.keys, make_encoder=NewRowEncoder, clock=self.clock
        ).records

    def write(self, row: RowBlock, key: str, request: bytes = b"the request", who: Caller | None = None) -> str:
        return write_record(
            WriteRequest(who or self.associate, self.brand, row, "record_keeping", key, request),
            store=self.writes,
            imports=self.imports,
            keys=self.keys,
            make_encoder=NewRowEncoder,
            entries=self.entries,
            authoriser=self.authoriser,
            clock=self.clock,
        )

    def erase(self, ordinals: Sequence[int], who: Caller | None = None) -> None:
        references = [RecordReference(self.brand, ordinal) for ordinal in ordinals]
        erase(
            ErasureRequest(who or self.officer, references, "access_request", "CASE-1"),
            store=self.erasures,
            facets=self.facets,
            keys=self.keys,
            entries=self.entries,
            authoriser=self.authoriser,
        )

    def known(self, record_id: str) -> KnownRecord | None:
        """Return what an import finds under a record id."""
        digests = self.keys.digests[self.brand]
        return self.imports.known(self.brand, digests, digests.link(RECORD_ID_INDEX, [record_id])).get(0)

    def email(self, ordinal: int) -> str | None:
        """Open a record past the gate; None for one that nothing can be opened of."""
        (row,) = self.erasures.sealed_rows([ordinal])
        if row.keys is None or row.record.envelopes[0] is None:
            return None
        number = self.keys.catalogue.fields["email"]
        opener = BrandOpener(self.keys.ring, self.brand)
        return opener.open(row.record, row.keys, {EnvelopeClass.CONTACT: [number]})[number].decode()

    def everybody(self) -> BitMap:
        return self.facets.load(self.brand)[RECORD, "all"]


def one(records: BitMap) -> int:
    (ordinal,) = records
    return int(ordinal)


class RecordBehaviour:
    """Subclasses give what opens a node over one store in a fixture of that name."""

    def test_a_new_row_is_a_live_record_known_by_its_id_and_in_the_facets(self, open_node) -> None:
        node = open_node()
        ordinal = one(node.add(block("N0000001", "ada@example.org")))
        known = open_node().known("N0000001")
        assert (known.ordinal, known.state) == (ordinal, LIVE)
        assert node.known("N0000002") is None
        assert node.email(ordinal) == "ada@example.org"
        assert ordinal in node.everybody()
        assert node.imports.has_records(node.brand)

    def test_a_later_row_takes_the_place_of_the_record_and_what_it_held_is_kept_until_then(self, open_node) -> None:
        node = open_node()
        first = one(node.add(block("N0000001", "ada@example.org", 1)))
        before = node.erasures.sealed_rows([first])[0]
        assert one(node.add(block("N0000001", "new@example.org", 3))) == first
        assert open_node().email(first) == "new@example.org"
        ((version, until),) = node.erasures.sealed_versions([first])
        assert version.record == before.record
        assert until == node.erasures.sealed_rows([first])[0].valid_from > version.valid_from
        assert node.known("N0000001").version == before.record.version + 1

    def test_an_earlier_row_changes_nothing(self, open_node) -> None:
        node = open_node()
        ordinal = one(node.add(block("N0000001", "ada@example.org", 3)))
        assert not node.add(block("N0000001", "old@example.org", 1))
        assert node.email(ordinal) == "ada@example.org"
        assert list(node.erasures.sealed_versions([ordinal])) == []

    def test_a_deletion_takes_the_record_out_of_the_living_and_keeps_its_id(self, open_node) -> None:
        node = open_node()
        ordinal = one(node.add(block("N0000001", "ada@example.org", 1)))
        node.add(block("N0000001", "", 2, deleted=True))
        assert open_node().known("N0000001").state not in (LIVE, ERASED_STATE)
        assert node.email(ordinal) is None or node.erasures.sealed_rows([ordinal])[0].state != LIVE
        assert ordinal in node.everybody()

    def test_ordinals_are_nobody_elses(self, open_node) -> None:
        first, other = open_node().imports, open_node().imports
        given = [*first.take_ordinals(3), *other.take_ordinals(2), *first.take_ordinals(1)]
        assert len(set(given)) == len(given) == 6

    def test_rows_written_in_a_transaction_that_fails_were_never_there(self, open_node) -> None:
        node = open_node()

        def fail() -> None:
            with node.imports.atomic():
                node.add(block("N0000001", "ada@example.org"))
                raise EndedError

        before = node.everybody()
        with pytest.raises(EndedError):
            fail()
        assert open_node().known("N0000001") is None
        assert node.everybody() == before

    def test_what_is_erased_has_no_keys_no_values_no_versions_and_the_others_have(self, open_node) -> None:
        node = open_node()
        gone = one(node.add(block("N0000001", "ada@example.org", 1)))
        node.add(block("N0000001", "new@example.org", 2))
        stays = one(node.add(block("N0000002", "eve@example.org", 1)))
        node.add(block("N0000002", "eva@example.org", 2))
        with node.erasures.transaction():
            node.erasures.hold_records(node.brand, [gone])
            node.erasures.erase_values(node.brand, [gone])
        (row,) = open_node().erasures.sealed_rows([gone])
        assert (row.keys, row.state, set(row.record.envelopes)) == (None, ERASED_STATE, {None})
        assert list(node.erasures.sealed_versions([gone])) == []
        assert node.email(stays) == "eva@example.org"
        assert len(list(node.erasures.sealed_versions([stays]))) == 1

    def test_rows_of_the_index_are_erased_by_what_they_hold(self, open_node) -> None:
        node = open_node()
        gone = one(node.add(block("N0000001", "ada@example.org")))
        node.add(block("N0000002", "eve@example.org"))
        digests = node.keys.digests[node.brand]
        row = node.erasures.sealed_rows([gone])[0]
        links = index_links([row], node.keys.openers, node.brand)
        with node.erasures.transaction():
            node.erasures.erase_index_rows(node.brand, digests, links)
        assert open_node().known("N0000001") is None
        assert open_node().known("N0000002") is not None

    def test_an_erasure_that_fails_in_the_middle_left_everything(self, open_node) -> None:
        node = open_node()
        ordinal = one(node.add(block("N0000001", "ada@example.org")))

        def fail() -> None:
            with node.erasures.transaction():
                node.erasures.erase_values(node.brand, [ordinal])
                raise EndedError

        with pytest.raises(EndedError):
            fail()
        assert open_node().email(ordinal) == "ada@example.org"

    def test_unknown_ordinals_are_left_out(self, open_node) -> None:
        node = open_node()
        ordinal = one(node.add(block("N0000001", "ada@example.org")))
        rows = node.erasures.sealed_rows([ordinal, 2**31 - 1])
        assert [row.record.ordinal for row in rows] == [ordinal]
        assert list(node.erasures.sealed_versions([2**31 - 1])) == []

    def test_folding_facets_changes_nothing_that_is_read(self, open_node) -> None:
        node = open_node()
        ordinal = one(node.add(block("N0000001", "ada@example.org")))
        before = node.facets.load(node.brand)
        assert ordinal in before["country", "FR"]
        node.facets.fold_changes(node.brand)
        assert open_node().facets.load(node.brand) == before
        node.facets.fold_changes(node.brand)
        assert open_node().facets.load(node.brand) == before

    def test_an_empty_facet_is_none(self, open_node) -> None:
        node = open_node()
        node.facets.store(node.brand, {("country", "AQ"): BitMap([10**6]), ("country", "BV"): BitMap([10**6])})
        node.facets.store(node.brand, {("country", "AQ"): BitMap()})
        found = open_node().facets.load(node.brand)
        assert ("country", "AQ") not in found
        assert found["country", "BV"] == BitMap([10**6])

    def test_a_change_that_was_on_its_way_when_its_record_was_erased_brings_no_facet_back(self, open_node) -> None:
        node = open_node()
        ordinal = one(node.add(block("N0000001", "ada@example.org")))
        node.facets.store(node.brand, {(ERASED, "all"): BitMap([ordinal])})
        for _ in range(2):
            found = open_node().facets.load(node.brand)
            assert ordinal not in found.get(("country", "FR"), BitMap())
            assert ordinal in found[ERASED, "all"]
            node.facets.fold_changes(node.brand)

    def test_a_write_gives_a_token_makes_one_entry_and_is_answered_alike_again(self, open_node) -> None:
        node = open_node()
        before = len(node.told("write"))
        token = node.write(block("N0000001", "ada@example.org"), "key-1")
        assert token
        assert open_node().write(block("N0000001", "ada@example.org"), "key-1") == token
        (entry,) = node.told("write")[before:]
        assert (entry.lineage, entry.brand, entry.records) == (node.associate.lineage, BRAND, 1)
        assert node.email(node.known("N0000001").ordinal) == "ada@example.org"

    def test_a_changed_record_keeps_its_token_and_a_deleted_one_has_none(self, open_node) -> None:
        node = open_node()
        token = node.write(block("N0000001", "ada@example.org", 1), "key-1")
        assert node.write(block("N0000001", "new@example.org", 2), "key-2", b"another") == token
        assert node.write(block("N0000001", "", 3, deleted=True), "key-3", b"a third") == ""

    def test_another_request_under_a_key_that_was_used_changes_nothing(self, open_node) -> None:
        node = open_node()
        node.write(block("N0000001", "ada@example.org"), "key-1")
        with pytest.raises(ConflictError):
            open_node().write(block("N0000002", "eve@example.org"), "key-1", b"another")
        assert node.known("N0000002") is None

    def test_who_was_frozen_meanwhile_writes_nothing(self, open_node) -> None:
        node = open_node()
        open_node().freeze(node.associate.lineage)
        with pytest.raises(DeniedError) as refused:
            node.write(block("N0000001", "ada@example.org"), "key-1")
        assert refused.value.code == "frozen"
        assert open_node().known("N0000001") is None

    def test_an_erasure_leaves_nothing_to_open_to_find_or_to_count_and_says_so_in_one_entry(self, open_node) -> None:
        node = open_node()
        gone = one(node.add(block("N0000001", "ada@example.org", 1)))
        node.add(block("N0000001", "new@example.org", 2))
        stays = one(node.add(block("N0000002", "eve@example.org")))
        before = len(node.told("erase"))
        node.erase([gone])
        other = open_node()
        assert other.email(gone) is None
        assert other.known("N0000001") is None
        assert (gone in other.everybody(), stays in other.everybody()) == (True, True)
        facets = other.facets.load(node.brand)
        assert (gone in facets["country", "FR"], stays in facets["country", "FR"]) == (False, True)
        assert gone in facets[ERASED, "all"]
        (entry,) = other.told("erase")[before:]
        assert (entry.permitted, entry.records, entry.reference) == (True, 1, "CASE-1")
        assert other.email(stays) == "eve@example.org"

    def test_a_record_is_erased_once_and_its_id_may_come_again_as_somebody_new(self, open_node) -> None:
        node = open_node()
        gone = one(node.add(block("N0000001", "ada@example.org")))
        node.erase([gone])
        with pytest.raises(InputError):
            open_node().erase([gone])
        again = one(node.add(block("N0000001", "ada@example.org", 4)))
        assert again != gone
        assert node.email(again) == "ada@example.org"

    def test_one_unknown_record_among_others_erases_none(self, open_node) -> None:
        node = open_node()
        ordinal = one(node.add(block("N0000001", "ada@example.org")))
        with pytest.raises(InputError):
            node.erase([ordinal, 2**31 - 1])
        assert open_node().email(ordinal) == "ada@example.org"

    def test_who_may_not_erase_is_refused_with_an_entry_and_nothing_is_gone(self, open_node) -> None:
        node = open_node()
        ordinal = one(node.add(block("N0000001", "ada@example.org")))
        before = len(node.told("erase"))
        with pytest.raises(DeniedError):
            node.erase([ordinal], who=node.stranger)
        (entry,) = node.told("erase")[before:]
        assert not entry.permitted
        assert open_node().email(ordinal) == "ada@example.org"
