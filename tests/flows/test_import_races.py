"""The moments between two statements of an import, a fold and a rotation, hit on purpose."""

from __future__ import annotations

import threading

import pytest
from pyroaring import BitMap

from cloakroom.adapters.postgres.facet_store import FacetStore
from cloakroom.adapters.postgres.import_store import PostgresImports
from cloakroom.flows.records.import_delivery import _SeenHashes
from cloakroom.use_cases.records import importing
from cloakroom.use_cases.records.importing import import_file
from cloakroom.use_cases.store.rotation import rotate_brand
from cloakroom.vault.facets import FacetChange, FacetSealer
from cloakroom.vault.key_ring import KeyPurpose
from patience import wait_until


class DeathError(Exception):
    """Stands for the death of the process."""


def test_a_batch_with_two_rows_of_one_record_is_in_the_store_whole_or_not_at_all(
    application, store, tmp_path, monkeypatch
):
    lines = store.deliveries["tarsenne"][0].read_text("utf-8").splitlines()
    header = lines[0].split(",")
    cells = next(line for line in lines[1:] if line.count(",") == len(header) - 1 and '"' not in line).split(",")
    rows = []
    for number, email in enumerate(("one@example.com", "two@example.com", "three@example.com")):
        cells[0], cells[header.index("email")] = "T99999998", email
        cells[header.index("updated_at")] = f"2026-01-0{number + 1}T00:00:00Z"
        rows.append(",".join(cells))
    path = tmp_path / "twice.csv"
    path.write_text("\n".join([lines[0], *rows]) + "\n", encoding="utf-8")
    before = application.vault.counts()

    class Dying(PostgresImports):
        writes = 0

        def write(self, *arguments):
            super().write(*arguments)
            Dying.writes += 1
            if Dying.writes == 2:
                raise DeathError

    with monkeypatch.context() as patched:
        patched.setattr(importing, "PostgresImports", Dying)
        with pytest.raises(DeathError):
            import_file(application, path, "tarsenne")
    assert application.vault.counts() == before
    result = import_file(application, path, "tarsenne")
    assert {name: count for name, count in result.counts.items() if count} == {"created": 1, "changed": 2}


def test_a_change_that_comes_while_facets_are_folded_is_not_lost(application, store):
    other = store.open(node="other")
    sealer = FacetSealer(application.ring.get(KeyPurpose.FACET, 1), 1)

    def insert(connection, ordinal):
        change = sealer.seal_change(FacetChange(BitMap(), {("country", "IS"): BitMap([ordinal])}))
        connection.execute("insert into facet_change (brand, sealed) values (1, %s)", (change,))

    class Interrupted(FacetStore):
        def store(self, brand, facets):
            insert(other.connection, 4_000_001)
            super().store(brand, facets)

    insert(application.connection, 4_000_000)
    Interrupted(application.connection, lambda: application.ring).fold_changes(1)
    assert application.facets.values_of(1, "country")["IS"] == BitMap([4_000_000, 4_000_001])
    application.facets.fold_changes(1)
    assert application.facets.values_of(1, "country")["IS"] == BitMap([4_000_000, 4_000_001])
    other.close()


def test_a_change_that_another_node_folds_meanwhile_is_not_lost(application, store):
    other = store.open(node="other")
    sealer = FacetSealer(application.ring.get(KeyPurpose.FACET, 1), 1)
    thread = threading.Thread(target=other.facets.fold_changes, args=(1,))

    def insert(ordinal):
        change = sealer.seal_change(FacetChange(BitMap(), {("country", "IS"): BitMap([ordinal])}))
        with other.connection.transaction():
            other.connection.execute("insert into facet_change (brand, sealed) values (1, %s)", (change,))

    class Interrupted(FacetStore):
        def store(self, brand, facets):
            insert(4_000_001)
            thread.start()
            thread.join(0.5)
            super().store(brand, facets)

    insert(4_000_000)
    Interrupted(application.connection, lambda: application.ring).fold_changes(1)
    thread.join()
    assert application.facets.values_of(1, "country")["IS"] == BitMap([4_000_000, 4_000_001])
    other.close()


def test_a_rotation_waits_for_an_import_of_its_brand(application, store):
    rotator = store.open(node="rotator")
    thread = threading.Thread(target=rotate_brand, args=(rotator, "tarsenne"))
    brand = application.catalogue.brand("tarsenne")
    with application.keys.settled(brand):
        thread.start()
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted and pid = %s"
        process = (rotator.connection.info.backend_pid,)
        wait_until(lambda: application.connection.execute(waiting, process).fetchone() == (1,))
        assert thread.is_alive()
        assert application.ring.generations(KeyPurpose.WRAP, brand, "CONTACT") == [1]
    thread.join()
    application.refresh_keys()
    assert application.ring.generations(KeyPurpose.WRAP, brand, "CONTACT") == [2]
    rotator.close()


def test_record_ids_that_were_seen_are_always_found_again_and_others_hardly_ever():
    seen = _SeenHashes()
    blocks = [[f"C{number:07d}" for number in range(at, at + 5_000)] for at in range(0, 300_000, 5_000)]
    in_vain = sum(len(seen.note(block)) for block in blocks)
    assert in_vain <= 2
    assert seen.note(["new", *blocks[7][:3], "newer", blocks[0][0]]) == [1, 2, 3, 5]
    assert seen.note([]) == []
