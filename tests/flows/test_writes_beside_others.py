"""A record that is written keeps away from imports, rotations, freezes and other writers of the same record."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from cloakroom.adapters.postgres.import_store import PostgresImports
from cloakroom.adapters.postgres.write_store import PostgresWrites
from cloakroom.errors import BusyError, ConflictError, DeniedError
from cloakroom.flows.admission.authorisation import Authoriser
from cloakroom.flows.records.import_ports import BatchWrite
from cloakroom.flows.store import rotate as rotate_flow
from cloakroom.gate.policy import PrincipalKind
from cloakroom.ledger.entry import decode_entry
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.records.erasing import erase
from cloakroom.use_cases.records.importing import import_file
from cloakroom.use_cases.records.writing import RecordWrite, write_record
from cloakroom.use_cases.store import rotation
from cloakroom.vault.row_changes import DELETED, Replacement
from cloakroom.vault.rows import RECORD_ID_INDEX
from cloakroom.vault.sealed_record import SealedRecord
from spine_world import opened_world, search, staff, tokens_of
from tarsenne_deliveries import BRAND, deliver, ordinal_of, row

NUMBER = 90_000_007


@pytest.fixture
def nodes(store):
    with closing(store.open(node="one")) as one, closing(store.open(node="two")) as two:
        yield one, two


@pytest.fixture
def shops(nodes):
    """Two applications that write, each with a lineage of its own."""
    one, two = nodes
    found = []
    for name in ("shop", "other-shop"):
        path = principals.enrol(one, name, kind=PrincipalKind.APPLICATION, roles=frozenset({"web_shop"}))
        found.append(principals.authenticate(one.records, path, at=one.now()))
    two.refresh_keys()
    return found


def write(node, shop, email="ada@example.com", *, key="key-00001", number=NUMBER):
    return write_record(
        node,
        shop,
        RecordWrite(BRAND, f"T{number:08d}", {"given_name": "Ada", "email": email}),
        purpose="order_confirmation",
        key=key,
        request=email.encode(),
    )


def written(node):
    """Return (lineage, fate) of each write that was entered."""
    rows = node.connection.execute("select body from ledger_entry where operation = 'write' order by id").fetchall()
    entries = [decode_entry(body) for (body,) in rows]
    return [(entry.lineage, entry.detail["fate"]) for entry in entries]


def records(node):
    return sum(node.vault.counts().values())


def refused(node, shop, error):
    before = records(node)
    with pytest.raises(error):
        write(node, shop)
    assert records(node) == before
    assert written(node) == []
    assert ordinal_of(node, NUMBER) is None


def test_nothing_is_written_while_the_keys_of_the_brand_are_rotated(nodes, shops):
    one, two = nodes
    with one.keys.settled(one.catalogue.brand(BRAND), changing=True):
        refused(two, shops[0], BusyError)
    assert write(two, shops[0])


def test_nothing_is_written_while_a_delivery_of_the_brand_is_imported(nodes, shops):
    one, two = nodes
    with PostgresWrites(one.connection).sole_import(one.catalogue.brand(BRAND)):
        refused(two, shops[0], BusyError)
    with PostgresWrites(one.connection).sole_import(one.catalogue.brand("ombrelune")):
        assert write(two, shops[0])


def test_an_import_waits_for_a_write_and_then_knows_its_record(nodes, shops, tmp_path):
    one, two = nodes
    path = deliver(tmp_path / "a.csv", row(NUMBER, "2025-01-01", email="old@example.com"))
    results = []
    thread = threading.Thread(target=lambda: results.append(import_file(one, path, BRAND)))
    with two.connection.transaction():
        write(two, shops[0])
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join()
    assert +results[0].counts == {"stale": 1}


def test_a_second_import_of_a_brand_waits_for_the_first_and_makes_no_record_twice(nodes, tmp_path):
    one, two = nodes
    path = deliver(tmp_path / "a.csv", row(NUMBER, "2025-01-01", email="ada@example.com"))
    thread = threading.Thread(target=import_file, args=(two, path, BRAND))
    with PostgresWrites(one.connection).sole_import(one.catalogue.brand(BRAND)):
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        assert ordinal_of(one, NUMBER) is None
    thread.join()
    assert ordinal_of(one, NUMBER) is not None


def test_two_who_create_one_record_at_the_same_time_make_one(nodes, shops):
    one, two = nodes
    before = records(one)
    thread = threading.Thread(target=write, args=(two, shops[1], "later@example.com"))
    with one.connection.transaction():
        write(one, shops[0], "first@example.com")
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join()
    assert records(one) == before + 1
    assert written(one) == [("shop", "created"), ("other-shop", "changed")]
    assert opened_world(one)[BRAND, f"T{NUMBER:08d}"]["email"] == "later@example.com"


def test_whoever_was_frozen_after_the_caller_was_authorised_writes_nothing(nodes, shops):
    one, two = nodes
    principals.freeze(one.gatekeeper, one.records, "shop", by="operator", reason="INC-1")
    refused(two, shops[0], DeniedError)


def test_a_key_belongs_to_one_caller_and_one_request(nodes, shops):
    one, two = nodes
    token = write(one, shops[0])
    assert write(two, shops[0]) == token
    assert written(one) == [("shop", "created")], "the same request is done once"
    with pytest.raises(ConflictError):
        write(two, shops[0], "another@example.com")
    other = write(two, shops[1], "theirs@example.com")
    assert other != token
    assert written(one) == [("shop", "created"), ("other-shop", "changed")]


@pytest.mark.parametrize("rotate", [rotation.rotate_brand, rotation.rotate_index], ids=["brand", "index"])
def test_a_node_that_was_not_told_of_a_rotation_writes_under_the_new_keys(nodes, shops, monkeypatch, rotate):
    monkeypatch.setattr(rotate_flow, "REFRESH_SECONDS", 0)
    one, two = nodes
    rotate(one, BRAND)
    assert write(two, shops[0])
    one.refresh_keys()
    assert opened_world(one)[BRAND, f"T{NUMBER:08d}"]["email"] == "ada@example.com"
    anna = staff(one)
    assert len(search(one, anna, [BRAND], "ada@example.com").tokens[BRAND]) == 1


def test_an_erasure_waits_for_a_write_of_its_record_and_takes_what_that_wrote(nodes, shops):
    """Otherwise the index would go on holding a value that the erasure had not seen."""
    one, two = nodes
    write(one, shops[0], "first@example.com")
    ordinal, officer = ordinal_of(one, NUMBER), staff(two, "paula", "privacy_officer")
    tokens, asked = tokens_of(two, officer, [ordinal]), {"purpose": "access_request", "reference": "DSAR-1"}
    thread = threading.Thread(target=erase, args=(two, tokens, officer), kwargs=asked)
    with one.connection.transaction():
        write(one, shops[0], "second@example.com", key="key-00002")
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join()
    (row,) = one.vault.sealed_rows([ordinal])
    assert (row.state, row.keys, row.record.envelopes) == (2, None, (None, None, None))
    for table in ("blind_index", "envelope_version", "person_key"):
        assert one.connection.execute(f"select 1 from {table} where ordinal = %s", (ordinal,)).fetchall() == []


@pytest.mark.parametrize("off", [-1, 1])
def test_values_that_do_not_follow_the_stored_version_are_not_written(nodes, shops, off):
    """Whoever changed the record meanwhile, and however he came past the locks."""
    one, _ = nodes
    write(one, shops[0])
    brand = one.catalogue.brand(BRAND)
    digests, store = one.digests[brand], PostgresImports(one.connection)
    known = store.known(brand, digests, digests.link(RECORD_ID_INDEX, [f"T{NUMBER:08d}"]))[0]
    version = known.version + 1 + off
    late = Replacement(
        ordinal=known.ordinal,
        supersedes=known.version,
        version=version,
        valid_from=known.valid_from + 1,
        state=DELETED,
        content=None,
        record=SealedRecord(known.ordinal, version, (None, None, None)),
        retired=(),
        added=(),
    )
    with pytest.raises(ConflictError):
        store.write(brand, b"", digests, BatchWrite(None, [late], None, None, {}))
    assert opened_world(one)[BRAND, f"T{NUMBER:08d}"]["email"] == "ada@example.com"
    assert (
        one.connection.execute("select 1 from envelope_version where ordinal = %s", (known.ordinal,)).fetchall() == []
    )


def test_whoever_is_frozen_after_he_was_authorised_erases_nothing(nodes, shops, monkeypatch):
    one, two = nodes
    write(one, shops[0])
    ordinal, officer = ordinal_of(one, NUMBER), staff(two, "paula", "privacy_officer")
    tokens, genuine = tokens_of(two, officer, [ordinal]), Authoriser.authorise

    def frozen_afterwards(self, *arguments, **named):
        genuine(self, *arguments, **named)
        principals.freeze(one.gatekeeper, one.records, "paula", by="operator", reason="INC-1")

    monkeypatch.setattr(Authoriser, "authorise", frozen_afterwards)
    with pytest.raises(DeniedError):
        erase(two, tokens, officer, purpose="access_request", reference="DSAR-1")
    assert ordinal_of(one, NUMBER) == ordinal
