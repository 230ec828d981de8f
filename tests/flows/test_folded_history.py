"""A snapshot that starts from a folded history counts what a snapshot that reads every entry counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pyroaring import BitMap

from cloakroom.clock import FixedClock
from cloakroom.errors import TamperedError
from cloakroom.flows.admission.request import AdmissionRequest
from cloakroom.flows.ledger import lineage_snapshots
from cloakroom.flows.ledger.lineage_snapshots import LineageSnapshots, fold_histories
from cloakroom.flows.ledger.ports import History
from cloakroom.gate.decision import budget_of
from cloakroom.gate.policy import PrincipalKind
from cloakroom.use_cases.people import principals
from cloakroom.vocabulary import Operation


def _anna(application):
    path = principals.enrol(application, "anna", kind=PrincipalKind.PERSON, roles=frozenset({"store_associate"}))
    return principals.authenticate(application.records, path, at=application.now()).principal


def _ask(principal, brand, records):
    return AdmissionRequest(
        principal=principal,
        operation=Operation.REVEAL,
        purpose="clienteling",
        brand=brand,
        fields=frozenset({"email"}),
        records=BitMap(records),
        reference="A-1",
    )


@pytest.mark.parametrize("renewed", [False, True])
def test_a_folded_history_gives_the_same_counts_as_every_entry(store, renewed, monkeypatch):
    clock = FixedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    application = store.open(clock=clock, clock_tolerance=None)
    anna = _anna(application)
    officer = principals.enrol(application, "olga", kind=PrincipalKind.PERSON, roles=frozenset({"privacy_officer"}))
    brand = sorted(application.catalogue.brands)[0]
    for day in range(5):
        for number in range(4):
            ask = _ask(anna, brand, [day * 4 + number, 0])
            admissions, _ = application.gatekeeper.admit([ask])
            assert admissions[0].permitted
            clock.advance(timedelta(minutes=30))
        if renewed and day == 1:
            principals.renew(
                application, "anna", principals.authenticate(application.records, officer, at=application.now())
            )
        clock.advance(timedelta(hours=26))
    budget = budget_of(application.configuration.policy, anna)

    def levels():
        snapshots = LineageSnapshots(application.ledger)
        snapshots.load(["anna"])
        snapshot = snapshots.snapshot("anna", budget)
        return snapshot.version, snapshot.levels(application.now(), brand, budget)

    monkeypatch.setattr(lineage_snapshots, "FOLD_AFTER", 10_000)
    plain = levels()
    assert application.ledger.history("anna").version == 0
    monkeypatch.setattr(lineage_snapshots, "FOLD_AFTER", 5)
    fold_histories(application.ledger)
    history = application.ledger.history("anna")
    assert history.version == plain[0]
    assert history.items
    assert levels() == plain
    application.close()


def test_a_node_that_reads_much_folds_it_for_the_next(store, monkeypatch):
    monkeypatch.setattr(lineage_snapshots, "FOLD_AFTER", 3)
    clock = FixedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    application = store.open(clock=clock, clock_tolerance=None)
    anna, brand = _anna(application), sorted(application.catalogue.brands)[0]
    for number in range(6):
        application.gatekeeper.admit([_ask(anna, brand, [number])])
        clock.advance(timedelta(hours=30))
    snapshots = LineageSnapshots(application.ledger)
    snapshots.load(["anna"])
    snapshots.snapshot("anna", budget_of(application.configuration.policy, anna))
    assert application.ledger.history("anna").version == 6
    application.close()


@pytest.fixture
def folded(store, monkeypatch):
    """A store in which eight openings of anna's are folded and two are not."""
    monkeypatch.setattr(lineage_snapshots, "FOLD_AFTER", 5)
    clock = FixedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    application = store.open(clock=clock, clock_tolerance=None)
    anna, brand = _anna(application), sorted(application.catalogue.brands)[0]
    for number in range(10):
        if number == 8:
            fold_histories(application.ledger)
        application.gatekeeper.admit([_ask(anna, brand, [number])])
        clock.advance(timedelta(minutes=3))
    yield application
    application.close()


@pytest.mark.parametrize(
    "change",
    [
        "delete from lineage_history where number = 3",
        "delete from lineage_history where number = (select max(number) from lineage_history)",
        "delete from lineage_history",
        "update lineage_history set probes = probes - 1 where number = 2",
        "update lineage_history set last_at = last_at - 86400000000 where number = 2",
        "update lineage_history set renewed = true where number = 0",
        "update lineage_history set brand = 'other' where number = 1",
        "update lineage_history set drawn = '{}' where number = 1",
        (
            "update lineage_history h set sealed_set = o.sealed_set from lineage_history o"
            " where h.number = 1 and o.number = 2"
        ),
        "update lineage set folded_version = 10 where id = 'anna'",
        "update lineage_history set version = 10; update lineage set folded_version = 10 where id = 'anna'",
    ],
)
def test_a_history_that_somebody_changed_is_noticed(folded, change):
    assert folded.ledger.history("anna").version == 8
    for statement in change.split(";"):
        folded.connection.execute(statement)
    with pytest.raises(TamperedError):
        folded.ledger.history("anna")


def test_an_older_history_put_back_makes_a_node_read_more_and_forget_nothing(folded):
    budget = budget_of(folded.configuration.policy, folded.records.principal("anna").principal)

    def opened():
        snapshots = LineageSnapshots(folded.ledger)
        snapshots.load(["anna"])
        brand = sorted(folded.catalogue.brands)[0]
        return snapshots.snapshot("anna", budget).levels(folded.now(), brand, budget)

    before = opened()
    folded.connection.execute("create table kept as select * from lineage_history")
    assert folded.ledger.keep_history("anna", 8, History(10, folded.ledger.history("anna").items))
    folded.connection.execute("delete from lineage_history")
    folded.connection.execute("insert into lineage_history select * from kept")
    folded.connection.execute("update lineage set folded_version = 8 where id = 'anna'")
    assert opened() == before
    folded.connection.execute("update lineage set folded_version = 0 where id = 'anna'")
    assert opened() == before


def test_of_two_nodes_that_fold_at_once_one_prevails_and_nothing_is_counted_twice(folded, store):
    other = store.open(node="other", clock=folded.clock, clock_tolerance=None)
    mine, theirs = folded.ledger.history("anna"), other.ledger.history("anna")
    assert other.ledger.keep_history("anna", theirs.version, History(10, theirs.items))
    assert not folded.ledger.keep_history("anna", mine.version, History(10, mine.items[:2]))
    assert not folded.ledger.keep_history("anna", mine.version, History(9, mine.items))
    assert folded.ledger.history("anna") == History(10, theirs.items)
    assert folded.connection.execute("select distinct version from lineage_history").fetchall() == [(10,)]
    other.close()


def test_a_history_is_not_kept_within_a_transaction_that_may_hold_what_others_wait_for(folded):
    history = folded.ledger.history("anna")
    with folded.ledger.locked(["anna"]):
        assert not folded.ledger.keep_history("anna", history.version, History(10, history.items))
    assert folded.ledger.history("anna") == history
    assert folded.ledger.keep_history("anna", history.version, History(10, history.items))
