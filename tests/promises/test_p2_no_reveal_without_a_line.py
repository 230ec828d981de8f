"""P2: the entry of an opening is durable before its plaintext leaves the process, wherever the process dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from pyroaring import BitMap

from cloakroom.adapters.postgres.connection import connect
from cloakroom.clock import SystemClock
from cloakroom.errors import StatementError, StoreError, UnavailableError
from cloakroom.ledger.record_sets import entry_place
from cloakroom.use_cases.incident.affected import affected_by
from cloakroom.use_cases.people.principals import freeze
from cloakroom.vault.opening import BrandOpener
from spine_world import live_ordinals, open_records, rows_of, staff, tokens_of

HERE = Path(__file__).resolve().parent
MOMENTS = [
    *(("before append", number) for number in range(3)),
    *(("before begin", number) for number in range(4)),
    *(("before a statement", number) for number in range(0, 12, 2)),
    *(("after a statement", number) for number in range(0, 12, 2)),
    *(("before commit", number) for number in range(4)),
    *(("after commit", number) for number in range(4)),
    *(("after append", number) for number in range(4)),
    *(("after opening", number) for number in (0, 1, 4, 6)),
    *(("while answering", number) for number in (0, 1, 40, 200, 500)),
]


@pytest.fixture
def prepared(store, tmp_path):
    """What a crashing node needs, and the store to look into afterwards."""
    application = store.open()
    who = staff(application)
    brand = sorted(application.catalogue.brands)[0]
    tokens = tokens_of(application, who, live_ordinals(application, brand)[:9])
    path = store.deliveries[brand][0]
    row = next(row for row in rows_of(application.configuration, brand, path) if "email" in row.normal)
    plan = {
        "home": str(store.settings.home),
        "url": store.settings.database_url,
        "root_key": store.settings.root_key,
        "credential": str(store.settings.credentials / "anna.key"),
        "screen": str(tmp_path / "screen"),
        "batches": [tokens[:1], tokens[1:3], tokens[3:6]],
        "brands": [brand],
        "address": row.normal["email"],
    }
    yield application, who, plan
    application.close()


def run_nodes(plans, tmp_path):
    """Run crashing nodes one after the other; return how each ended and what its screen shows."""
    file = tmp_path / "plans.json"
    file.write_text(json.dumps(plans), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": f"{HERE.parent}:{HERE}"}
    done = subprocess.run(
        [sys.executable, str(HERE / "crashing_node.py"), str(file)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    codes = json.loads(done.stdout)
    assert set(codes) <= {0, -9}, done.stderr
    screens = [Path(plan["screen"]) for plan in plans]
    return [
        (code, screen.read_text("utf-8") if screen.exists() else "")
        for code, screen in zip(codes, screens, strict=True)
    ]


def entered(application):
    """Return the records of durable permitted entries, by operation."""
    found = {}
    for operation, data in application.connection.execute(
        "select operation, sealed_set from ledger_entry"
        " where permitted and lineage = 'anna' and sealed_set is not null"
    ):
        found[operation] = found.get(operation, BitMap()) | application.sets.open(entry_place("anna"), data)
    return found


def unentered(application, who, text):
    """Return the tokens on a screen, whole or half written, that no durable entry covers."""
    covered = entered(application)
    codec = application.codec(who.token_scope)
    missing = []
    for line in text.splitlines():
        start = line.find("tok_")
        if start < 0 or len(line) < start + 26:
            assert len(line) < 40, "a line begins with its token"
            continue
        token = line[start : start + 26]
        reference = codec.read([token])[0]
        assert reference is not None
        # A line cut before its second word shows only that the record exists, as a search does.
        by_search = '"values"' not in line
        if reference.ordinal not in covered.get("reveal", BitMap()) | covered.get(
            "find" if by_search else "", BitMap()
        ):
            missing.append(token)
    return missing


@pytest.mark.slow
def test_wherever_a_node_dies_all_that_it_showed_is_entered(prepared, tmp_path):
    application, who, plan = prepared
    plans = [
        plan | {"kind": kind, "number": number, "screen": str(tmp_path / f"{kind}-{number}")}
        for kind, number in MOMENTS
    ]
    ended = run_nodes(plans, tmp_path)
    for (_, text), moment in zip(ended, MOMENTS, strict=True):
        assert unentered(application, who, text) == [], moment
    died = sum(code == -9 for code, _ in ended)
    shown = sum(len(text) for _, text in ended)
    assert died >= len(MOMENTS) - 6
    assert shown > 2_000


def test_a_node_that_answers_before_its_entry_is_durable_is_noticed(prepared, tmp_path):
    application, who, plan = prepared
    [(_, text)] = run_nodes([plan | {"kind": "while answering", "number": 200, "eager": True}], tmp_path)
    assert unentered(application, who, text)


def test_a_node_that_dies_nowhere_shows_everything(prepared, tmp_path):
    application, who, plan = prepared
    [(code, text)] = run_nodes([plan | {"kind": "never", "number": 0}], tmp_path)
    assert code == 0
    assert len([line for line in text.splitlines() if '"values"' in line]) == 6
    assert unentered(application, who, text) == []


def test_a_node_whose_database_session_is_ended_shows_nothing_that_is_not_entered(prepared, store):
    application, who, plan = prepared
    address = store.settings.database_url
    ended = answered = 0
    for attempt in range(12):
        node = store.open(node=f"node-{attempt}")
        shown = [item.token for item in open_records(node, who, plan["batches"][1]).revealed]
        killer = threading.Timer(0.003 * attempt, _end_session, (address, node.connection.info.backend_pid))
        killer.start()
        try:
            until = time.monotonic() + 5
            while time.monotonic() < until:
                answer = open_records(node, who, plan["batches"][1])
                shown += [item.token for item in answer.revealed if item.values]
                answered += 1
        except UnavailableError:
            ended += 1
        killer.join()
        node.connection.close()
        references = application.codec("anna").read_all(shown)
        covered = entered(application).get("reveal", BitMap())
        assert {item.ordinal for item in references} <= set(covered)
    assert ended == 12
    assert answered


def _end_session(address, backend):
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(%s)", (backend,))


def test_an_entry_whose_commit_fails_leaves_nothing_to_open(store):
    """A deferred failure at COMMIT: every statement succeeded, the transaction did not."""
    application = store.open()
    who = staff(application)
    tokens = tokens_of(application, who, live_ordinals(application)[:3])
    application.connection.execute("create table guard (id int primary key deferrable initially deferred)")
    application.connection.execute("insert into guard values (1)")
    application.connection.execute(
        "create function stumble() returns trigger language plpgsql as"
        " $$begin insert into guard values (1); return new; end$$"
    )
    application.connection.execute(
        "create trigger stumble after insert on ledger_entry for each row execute function stumble()"
    )
    with pytest.raises(StatementError, match="UniqueViolation"):
        open_records(application, who, tokens)
    application.connection.execute("drop trigger stumble on ledger_entry")
    assert not entered(application)
    # And the node goes on: nothing of the failed attempt is counted.
    assert open_records(application, who, tokens).admission.permitted
    assert len(entered(application)["reveal"]) == 3
    application.close()


def test_commits_are_durable_whatever_the_database_is_set_to(store):
    name = psycopg.conninfo.conninfo_to_dict(store.settings.database_url)["dbname"]
    with psycopg.connect(store.settings.database_url, autocommit=True) as connection:
        connection.execute(f'alter database "{name}" set synchronous_commit = off')
    with connect(store.settings.database_url) as connection:
        assert connection.execute("show synchronous_commit").fetchone() == ("on",)
    application = store.open()
    application.ledger.append({}, [])
    assert application.connection.execute("show synchronous_commit").fetchone() == ("on",)
    application.close()


class Ahead(SystemClock):
    """A machine's clock that is off."""

    def __init__(self, seconds):
        self._seconds = seconds

    def now(self):
        return super().now() + timedelta(seconds=self._seconds)


@pytest.mark.parametrize("seconds", [-3, 3, 86_400])
def test_a_node_whose_clock_is_wrong_opens_nothing_but_still_freezes(store, seconds):
    application = store.open()
    who = staff(application)
    tokens = tokens_of(application, who, live_ordinals(application)[:3])
    node = store.open(node="wrong", clock=Ahead(seconds))
    with pytest.raises(StoreError, match="clock differs from the database's by more than two seconds"):
        open_records(node, who, tokens)
    assert not entered(application)
    assert freeze(node.gatekeeper, node.records, "anna", by="operator", reason="stolen")
    assert open_records(application, who, tokens).admission.code == "frozen"
    node.close()
    application.close()


def test_counting_persons_opens_nobody_whom_its_entry_does_not_name(application, monkeypatch):
    """Records that share an address with the set are opened for their names: they stand in the entry, too."""
    who = staff(application)
    opened = BitMap()
    genuine = BrandOpener.open_many  # Opening one record goes through it, too.

    def noting(self, rows, wanted):
        opened.update(record.ordinal for record, _ in rows)
        return genuine(self, rows, wanted)

    for at in (0, 20):
        ordinals = live_ordinals(application)[at : at + 20]
        assert open_records(application, who, tokens_of(application, who, ordinals)).admission.permitted
    monkeypatch.setattr(BrandOpener, "open_many", noting)
    found = affected_by(application, lineage="anna", by="responder")
    assert found.persons is not None
    assert opened - found.report.records, "somebody else's name was opened, or this test shows nothing"
    rows = application.connection.execute(
        "select body, sealed_set from ledger_entry where operation = 'resolve' and lineage = 'responder'"
    ).fetchall()
    named = BitMap.union(*[application.sets.open(entry_place("responder"), data) for _, data in rows])
    assert opened - named == BitMap()
