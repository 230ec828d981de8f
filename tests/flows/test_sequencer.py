"""Any node may be the sequencer; one is at a time, and a dead one leaves nothing half-done."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from contextlib import contextmanager

import psycopg
import pytest

from cloakroom.adapters.postgres import log_store
from cloakroom.errors import CloakroomError, StoreError, UnavailableError
from cloakroom.flows.ledger.sequencing import Sequencer
from cloakroom.ledger.entry import decode_entry
from cloakroom.use_cases.ledger.files import export_ledger, verify_ledger
from patience import PATIENCE
from spine_world import live_ordinals, open_records, staff, tokens_of


def leaves(application):
    return application.connection.execute(
        "select leaf_index, body from log_entries(0, null) order by leaf_index"
    ).fetchall()


def write_entries(application, count, reference="A-1"):
    who = staff(application, f"anna-{application.node.name}")
    tokens = tokens_of(application, who, live_ordinals(application)[:2])
    for _ in range(count):
        assert open_records(application, who, tokens, reference=reference).admission.permitted


@contextmanager
def another_node_at_it(node, seconds):
    """Have `node` be the sequencer for so long, in a thread of its own."""
    held = threading.Event()

    def hold():
        with node.log.exclusive(wait=False) as mine:
            assert mine
            held.set()
            time.sleep(seconds)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(PATIENCE)
    yield
    thread.join()


def test_whoever_needs_everything_in_the_log_waits_for_the_node_that_is_at_it(store):
    node, other = store.open(node="node"), store.open(node="other")
    write_entries(node, 3)
    with another_node_at_it(other, 0.5):
        assert node.sequencer.run(wait=False) == 0
        assert node.sequencer.run() >= 3
    assert node.log.waiting_count() == 0


def test_a_node_that_does_not_come_to_an_end_is_not_waited_for_for_ever(store, monkeypatch):
    monkeypatch.setattr(log_store, "_PATIENCE_SECONDS", 1)
    node, other = store.open(node="node"), store.open(node="other")
    write_entries(node, 1)
    with another_node_at_it(other, 3), pytest.raises(StoreError, match="more than 1 seconds"):
        node.sequencer.run()
    assert node.sequencer.run() >= 1


def test_two_sequencers_at_once_integrate_each_entry_once(store, tmp_path):
    nodes = [store.open(node=f"node-{number}") for number in range(3)]
    stop = threading.Event()
    failures = []

    def sequence(node):
        try:
            while not stop.is_set():
                node.sequencer.run()
        except CloakroomError as error:
            failures.append(error)

    threads = [threading.Thread(target=sequence, args=(node,)) for node in nodes[1:]]
    for thread in threads:
        thread.start()
    write_entries(nodes[0], 60)
    stop.set()
    for thread in threads:
        thread.join()
    nodes[0].sequencer.run()
    assert failures == []
    found = leaves(nodes[0])
    assert [index for index, _ in found] == list(range(len(found)))
    assert nodes[0].log.waiting_count() == 0
    export = export_ledger(nodes[0], tmp_path / "ledger")
    assert verify_ledger(tmp_path / "ledger", export.key).entries == len(found)
    for node in nodes:
        node.close()


class DeathError(Exception):
    """Stands for the death of the process: nothing after it runs."""


def dying_at(log, step):
    """Return the log's class, dying before one of its writes."""

    class DyingLog(type(log)):
        def write(self, *arguments):
            if step == "before tiles":
                raise DeathError
            super().write(*arguments)
            if step == "before places":
                raise DeathError

        def integrated(self, *arguments):
            super().integrated(*arguments)
            if step == "before commit":
                with psycopg.connect(self._connection.info.dsn, autocommit=True) as other:
                    other.execute("select pg_terminate_backend(%s)", (self._connection.info.backend_pid,))

    return DyingLog(log._connection)


@pytest.mark.parametrize("step", ["before tiles", "before places", "before commit"])
def test_a_sequencer_that_dies_leaves_nothing_half_done(store, tmp_path, step):
    application = store.open()
    application.sequencer.run()
    before = application.log.latest_checkpoint()
    write_entries(application, 5)
    waiting = application.log.waiting_count()
    doomed = store.open(node="doomed")
    sequencer = Sequencer(store=dying_at(doomed.log, step), signer=doomed.signer, clock=doomed.clock)
    with pytest.raises((DeathError, UnavailableError)):
        sequencer.run()
    doomed.connection.close()
    assert application.log.latest_checkpoint() == before
    assert application.log.waiting_count() == waiting
    application.sequencer.run()
    export = export_ledger(application, tmp_path / "ledger")
    assert verify_ledger(tmp_path / "ledger", export.key).entries == export.size == before.size + waiting
    application.close()


def test_a_sequencer_whose_run_failed_goes_on_from_what_is_stored(store, tmp_path):
    """What it remembers of the tree may be of a run that never committed."""
    application = store.open()
    application.sequencer.run()
    write_entries(application, 3)
    sequencer = Sequencer(
        store=dying_at(application.log, "before places"), signer=application.signer, clock=application.clock
    )
    with pytest.raises(DeathError):
        sequencer.run()
    sequencer._store = application.log
    sequencer.run()
    export = export_ledger(application, tmp_path / "ledger")
    assert verify_ledger(tmp_path / "ledger", export.key).entries == export.size
    application.close()


def gaps(application):
    """Return the missing sequence numbers of each node and start."""
    seen = defaultdict(set)
    for _, body in leaves(application):
        entry = decode_entry(bytes(body))
        seen[entry.node, entry.node_epoch].add(entry.sequence)
    return {place: set(range(1, max(found) + 1)) - found for place, found in seen.items()}


def test_a_lost_entry_shows_as_a_gap_in_its_nodes_sequence(application):
    write_entries(application, 6)
    node = application.node
    row = application.connection.execute("select max(id) - 2 from ledger_entry").fetchone()
    application.connection.execute("delete from ledger_entry where id = %s", row)
    application.sequencer.run()
    assert len(gaps(application)[node.name, node.epoch]) == 1


def test_an_untouched_nodes_sequence_has_no_gap_and_a_start_has_its_own(store):
    application = store.open()
    write_entries(application, 6)
    again = store.open()
    assert again.node.epoch == application.node.epoch + 1
    who = staff(again, "ben")
    open_records(again, who, tokens_of(again, who, live_ordinals(again)[:1]))
    open_records(again, who, ["tok_" + "A" * 22])
    again.sequencer.run()
    assert not any(gaps(again)[place] for place in gaps(again) if place[0] == "test")
    assert {("test", application.node.epoch), ("test", again.node.epoch)} <= set(gaps(again))
    application.close()
    again.close()
