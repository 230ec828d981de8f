"""What the flows rely on in PostgreSQL: compare and swap, freezes, named queries, migrations, facets."""

from __future__ import annotations

import threading
from importlib import resources

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from cloakroom.adapters.postgres.connection import apply_migrations, connect, create_schema, migrations, open_store
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.errors import ConflictError, StoreError
from cloakroom.vault.facets import CANARY, FacetChange, FacetSealer
from cloakroom.vault.key_ring import KeyPurpose
from cloakroom.vocabulary import Operation
from spine_world import live_ordinals, open_records, staff, tokens_of


def counted(application, lineage):
    return application.entries.prepare(lineage=lineage, operation=Operation.FIND, counted=True, purpose="clienteling")


@pytest.fixture
def enrolled(application):
    staff(application)
    staff(application, "ben")
    return application


def test_an_append_at_another_version_keeps_its_entries_out_and_the_others_in(enrolled):
    entries = [counted(enrolled, "anna"), counted(enrolled, "ben"), counted(enrolled, "anna")]
    outcome, _ = enrolled.ledger.append({"anna": 0, "ben": 4}, entries)
    assert {name: item.status for name, item in outcome.items()} == {"anna": "ok", "ben": "stale"}
    states = enrolled.ledger.states(["anna", "ben"])
    assert (states["anna"].version, states["ben"].version) == (2, 0)
    assert [entry.version for entry in enrolled.ledger.counted_since("anna", 0)] == [1, 2]
    assert enrolled.ledger.counted_since("anna", 1)[0].version == 2


def test_a_frozen_or_unknown_lineage_gets_nothing_in(enrolled):
    freeze = enrolled.entries.prepare(lineage="anna", operation=Operation.FREEZE)
    assert enrolled.ledger.freeze("anna", freeze.at, "drill", freeze)
    assert not enrolled.ledger.freeze("anna", freeze.at, "drill", freeze)
    outcome, _ = enrolled.ledger.append(
        {"anna": 0, "nobody": 0}, [counted(enrolled, "anna"), counted(enrolled, "nobody")]
    )
    assert {name: item.status for name, item in outcome.items()} == {"anna": "frozen", "nobody": "unknown"}
    assert enrolled.ledger.counted_since("anna", 0) == []
    with pytest.raises(StoreError, match="was not renewed: frozen"):
        enrolled.ledger.renew("anna", 0, counted(enrolled, "anna"))


def test_of_many_appends_at_one_version_exactly_one_gets_in(enrolled, store):
    nodes = [store.open(node=f"node-{number}") for number in range(4)]
    entries = [counted(node, "anna") for node in nodes]
    found = []
    barrier = threading.Barrier(len(nodes))

    def append(node, entry):
        barrier.wait()
        found.append(node.ledger.append({"anna": 0}, [entry])[0]["anna"].status)

    threads = [threading.Thread(target=append, args=pair) for pair in zip(nodes, entries, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["ok", "stale", "stale", "stale"]
    assert enrolled.ledger.states(["anna"])["anna"].version == 1
    for node in nodes:
        node.close()


def test_two_nodes_that_lock_many_lineages_do_not_deadlock(enrolled, store):
    nodes = [store.open(node=f"node-{number}") for number in range(2)]
    failures = []

    def work(node, names):
        try:
            for _ in range(40):
                versions = {name: state.version for name, state in node.ledger.states(names).items()}
                node.ledger.append({name: versions[name] for name in names}, [counted(node, name) for name in names])
                with node.ledger.locked(names):
                    pass
        except StoreError as error:
            failures.append(error)

    threads = [
        threading.Thread(target=work, args=(nodes[0], ["anna", "ben"])),
        threading.Thread(target=work, args=(nodes[1], ["ben", "anna"])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for node in nodes:
        node.close()


def test_rows_that_are_fetched_come_with_the_append(enrolled):
    ordinals = live_ordinals(enrolled)[:3]
    _, rows = enrolled.ledger.append({"anna": 0}, [counted(enrolled, "anna")], ordinals)
    assert sorted(row.record.ordinal for row in rows) == ordinals
    assert enrolled.ledger.append({}, [], [])[1] == []


def test_every_query_file_holds_single_named_statements():
    folder = resources.files("cloakroom.adapters.postgres").joinpath("sql")
    for item in folder.iterdir():
        for name, query in load_queries(item.name.removesuffix(".sql")).items():
            assert query, name
            assert ";" not in query, (item.name, name)


def test_migrations_are_applied_once_and_numbered_without_gaps(empty_database):
    numbers = [number for number, _ in migrations()]
    assert numbers == list(range(101, 101 + len(numbers)))
    with connect(empty_database) as connection:
        with pytest.raises(StoreError, match="holds no store"):
            open_store(empty_database)
        create_schema(connection)
        assert apply_migrations(connection) == []
        with pytest.raises(ConflictError, match="nothing was changed"):
            create_schema(connection)


def test_two_programs_that_make_the_schema_at_once_make_it_once(empty_database):
    outcomes = []

    def make():
        with connect(empty_database) as connection:
            try:
                create_schema(connection)
                outcomes.append("made")
            except ConflictError:
                outcomes.append("refused")

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "refused", "refused"]


places = st.sampled_from([("country", "IT"), ("country", "FR"), ("record", "all"), ("erased", "all")])
changes = st.builds(
    lambda removed, added: FacetChange(BitMap(removed), {place: BitMap(item) for place, item in added.items()}),
    st.sets(st.integers(0, 20), max_size=5),
    st.dictionaries(places, st.sets(st.integers(0, 20), min_size=1, max_size=5), max_size=3),
)


@given(st.lists(st.one_of(changes, st.just("fold")), max_size=6))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_folding_changes_nothing_that_is_read(application, story):
    brand, connection = 1, application.connection
    sealer = FacetSealer(application.ring.get(KeyPurpose.FACET, brand), brand)
    connection.execute("delete from facet where brand = 1")
    connection.execute("delete from facet_change where brand = 1")
    for step in story:
        if step == "fold":
            before = application.facets.load(brand)
            application.facets.fold_changes(brand)
            assert application.facets.load(brand) == {place: item for place, item in before.items() if item}
            assert connection.execute("select count(*) from facet_change where brand = 1").fetchone() == (0,)
        else:
            connection.execute("insert into facet_change (brand, sealed) values (1, %s)", (sealer.seal_change(step),))
    erased = application.facets.load(brand).get(("erased", "all"), BitMap())
    for (name, _), members in application.facets.load(brand).items():
        assert name in {"erased", "record"} or not members & erased or not story


def test_a_touched_canary_freezes_the_lineage_on_every_node(store):
    first = store.open()
    who = staff(first)
    ordinals = live_ordinals(first, "tarsenne")[:5]
    number = first.catalogue.brand("tarsenne")
    first.facets.store(number, {(CANARY, "planted"): BitMap(ordinals[:1])})
    nodes = [store.open(node=f"node-{at}") for at in range(2)]
    tokens = tokens_of(first, who, ordinals)
    assert open_records(nodes[0], who, tokens[1:]).admission.permitted
    answer = open_records(nodes[1], who, tokens[:1])
    assert (answer.admission.code, answer.admission.canary, list(answer.revealed)) == ("frozen", True, [])
    assert open_records(nodes[0], who, tokens[1:]).admission.code == "frozen"
    for node in (first, *nodes):
        node.close()
