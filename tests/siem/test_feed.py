"""The whole ledger is fed in order, each entry at least once, over crashes, other feeds and restored stores."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from ocsf_schema import problems_of
from receivers import HEAD, StreamReceiver, listen

from cloakroom.adapters.siem import open_sink
from cloakroom.errors import ConflictError, InputError, TamperedError, UsageError
from cloakroom.use_cases.ledger import feed as feeding
from cloakroom.use_cases.ledger.feed import Cursor, Fed, cursor_path, feed
from cloakroom.use_cases.people import principals
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application
from spine_world import live_ordinals, open_records, search, staff, tokens_of


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def cursor(tmp_path: Path) -> Cursor:
    return Cursor(tmp_path / "feeds" / "cursor.json")


def run(application: Application, target: Path, cursor: Cursor, **options) -> Fed:
    sink = open_sink(f"file:{target}", fsync=False)
    try:
        return feed(application, sink, cursor, **options)
    finally:
        sink.close()


def events_in(target: Path) -> list[dict]:
    return [json.loads(line) for line in target.read_text().splitlines()]


def sequences(target: Path) -> list[int]:
    return [event["metadata"]["sequence"] for event in events_in(target)]


def add_entries(application: Application, count: int) -> int:
    """Add entries and return the size of the log."""
    entries = application.entries
    for start in range(0, count, 500):
        number = min(500, count - start)
        application.ledger.append(
            {}, [entries.prepare(lineage="system", operation=Operation.HEARTBEAT) for _ in range(number)]
        )
    application.sequencer.run()
    checkpoint = application.log.latest_checkpoint()
    assert checkpoint
    return checkpoint.size


def delete_entry(application: Application, leaf_index: int) -> None:
    application.connection.execute(
        "delete from ledger_entry e using ledger_run r where e.id = r.first_entry + %(leaf)s - r.first_leaf"
        " and %(leaf)s >= r.first_leaf and %(leaf)s < r.first_leaf + r.entries",
        {"leaf": leaf_index},
    )


def assert_complete(events: list[dict], size: int) -> None:
    """No gap; a repetition is the same event, and comes only after what it repeats."""
    by_uid: dict[str, dict] = {}
    for event in events:
        assert by_uid.setdefault(event["metadata"]["uid"], event) == event
    assert [event["metadata"]["sequence"] for event in by_uid.values()] == list(range(size))
    places = [event["metadata"]["sequence"] for event in events]
    assert all(later <= earlier + 1 for earlier, later in pairwise(places))


def test_what_staff_do_arrives_as_events_without_anything_of_the_customers(application, target, cursor):
    who = staff(application)
    tokens = tokens_of(application, who, live_ordinals(application, "tarsenne")[:3])
    shown = open_records(application, who, tokens)
    search(application, who, frozenset({"tarsenne"}), "nobody@nowhere.example")
    open_records(application, who, tokens, purpose="no-such-purpose")
    principals.freeze(application.gatekeeper, application.records, "anna", by="operator", reason="INC-1")
    open_records(application, who, tokens)
    done = run(application, target, cursor)
    events = events_in(target)
    assert done == Fed(len(events), len(events))
    assert_complete(events, len(events))
    for event in events:
        assert problems_of(event) == []
    last = [(e["metadata"]["event_code"], e["class_uid"], e["severity_id"], e["status_code"]) for e in events[-6:]]
    assert last == [
        ("principal", 3001, 2, "granted"),
        ("reveal", 6005, 1, "granted"),
        ("find", 6005, 1, "granted"),
        ("reveal", 6005, 2, "purpose"),
        ("freeze", 2004, 4, "INC-1"),
        ("reveal", 6005, 4, "frozen"),
    ]
    text = target.read_text()
    values = [value for record in shown.revealed for value in record.values.values()]
    assert len(values) > 6
    assert "nowhere" not in text
    assert not [value for value in values if len(value) > 4 and value in text]


def test_a_run_goes_on_where_the_last_one_ended(application, target, cursor):
    size = add_entries(application, 10)
    assert run(application, target, cursor).next == size
    assert run(application, target, cursor) == Fed(0, size)
    application.ledger.append({}, [application.entries.prepare(lineage="system", operation=Operation.HEARTBEAT)])
    assert run(application, target, cursor) == Fed(1, size + 1)
    assert sequences(target) == list(range(size + 1))


def test_from_chooses_another_beginning(application, target, cursor):
    size = add_entries(application, 10)
    assert run(application, target, cursor, start=size - 2) == Fed(2, size)
    assert run(application, target, cursor, start=0) == Fed(size, size)
    assert run(application, target, cursor, start=size) == Fed(0, size)
    with pytest.raises(UsageError):
        run(application, target, cursor, start=size + 1)


def test_a_crash_between_sending_and_remembering_repeats_a_batch_and_skips_none(
    application, target, cursor, monkeypatch
):
    monkeypatch.setattr(feeding, "BATCH", 7)
    size = add_entries(application, 40)
    real, crashes = Cursor.write, iter([False, True, False, True, True, False, True] + [False] * 100)

    def write(self, mark):
        if next(crashes):
            raise KeyboardInterrupt
        real(self, mark)

    monkeypatch.setattr(Cursor, "write", write)
    for _ in range(20):
        try:
            done = run(application, target, cursor)
            break
        except KeyboardInterrupt:
            continue
    assert done.next == size
    events = events_in(target)
    assert len(events) > size
    assert_complete(events, size)


def test_killed_anywhere_and_started_again_no_entry_is_missing(store, application, target):
    size = add_entries(application, 12_000)
    command = [sys.executable, "-m", "cloakroom", "feed", "--to", f"file:{target}", "--no-fsync", "--json"]
    environment = {**os.environ, "CLOAKROOM_HOME": str(store.settings.home),
                   "CLOAKROOM_DATABASE_URL": store.settings.database_url}  # fmt: skip
    killed = 0
    for share in (0.02, 0.2, 0.5):
        child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        wanted = size * share * 900
        while child.poll() is None and (not target.exists() or target.stat().st_size < wanted):
            time.sleep(0.0005)
        child.send_signal(signal.SIGKILL)
        killed += child.wait() == -signal.SIGKILL
    assert killed >= 2
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(finished.stdout)["next"] == size
    assert_complete(events_in(target), size)


def test_a_tcp_receiver_that_hangs_up_in_the_middle_gets_everything(application, cursor, monkeypatch):
    monkeypatch.setattr(feeding, "BATCH", 20)  # so small that the receiving machine takes several unread
    size = add_entries(application, 2_500)
    listener = listen()
    receiver = StreamReceiver(listener, hang_up_after=730)
    sink = open_sink(f"syslog://127.0.0.1:{listener.getsockname()[1]}")
    heard, rounds = [], iter(range(100))

    def wait(seconds: float) -> bool:
        if seconds:
            time.sleep(0.01)
        return seconds == 0 or next(rounds) < 3

    done = feed(application, sink, cursor, wait=wait, told=lambda error, _: heard.append(error))
    sink.close()
    assert done.next == size
    assert heard
    events = [json.loads(HEAD.fullmatch(text)["body"]) for text in receiver.finish()]
    assert_complete(events, size)
    assert len(events) > size


def test_without_follow_an_unreachable_receiver_is_an_error_and_nothing_is_skipped(application, target, cursor):
    size = add_entries(application, 5)
    with listen() as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        feed(application, open_sink(f"syslog://127.0.0.1:{port}"), cursor)
    assert run(application, target, cursor) == Fed(size, size)


def test_following_waits_longer_each_time_and_ends_when_told(application, cursor):
    add_entries(application, 3)
    with listen() as listener:
        port = listener.getsockname()[1]
    pauses: list[float] = []
    done = feed(
        application,
        open_sink(f"syslog://127.0.0.1:{port}"),
        cursor,
        wait=lambda seconds: seconds == 0 or len(pauses) < 9,
        told=lambda _, pause: pauses.append(pause),
    )
    assert done.sent == 0
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_two_feeds_never_share_a_cursor(application, target, cursor):
    with cursor.held(), pytest.raises(ConflictError):
        run(application, target, cursor)


def test_a_log_that_lacks_or_changed_what_was_sent_is_not_fed_on(application, target, cursor):
    size = add_entries(application, 5)
    run(application, target, cursor)
    before = target.read_bytes()
    delete_entry(application, size - 1)
    with pytest.raises(TamperedError):
        run(application, target, cursor)
    assert target.read_bytes() == before


def test_an_entry_that_is_missing_in_the_middle_stops_the_feed(application, target, cursor):
    size = add_entries(application, 5)
    delete_entry(application, size - 3)
    with pytest.raises(TamperedError, match=f"entry {size - 3} "):
        run(application, target, cursor)


def test_entries_that_are_missing_up_to_the_end_are_not_taken_for_the_end(application, target, cursor):
    size = add_entries(application, 5)
    for leaf_index in range(size):
        delete_entry(application, leaf_index)
    with pytest.raises(TamperedError, match="entry 0 "):
        run(application, target, cursor)


def test_a_cursor_of_another_receiver_or_no_cursor_at_all_is_refused(application, target, cursor, tmp_path):
    run(application, target, cursor)
    with pytest.raises(UsageError):
        run(application, tmp_path / "other.jsonl", cursor)
    path = tmp_path / "feeds" / "cursor.json"
    for content in (b"", b"12", b"{}", b'{"log":"a","to":"b","next":"c","leaf_hash":""}', b"\xff"):
        path.write_bytes(content)
        with pytest.raises(InputError):
            run(application, target, cursor)


def test_each_receiver_has_its_own_cursor(tmp_path):
    addresses = ["stdout", "file:/a/b", "file:/a-b", "syslog+tcp://h:1", "syslog+udp://h:1"]
    assert len({cursor_path(tmp_path, address) for address in addresses}) == len(addresses)


def test_the_command_prints_events_on_standard_output_and_the_summary_beside_them(store, application):
    size = add_entries(application, 3)
    environment = {**os.environ, "CLOAKROOM_HOME": str(store.settings.home),
                   "CLOAKROOM_DATABASE_URL": store.settings.database_url}  # fmt: skip
    command = [sys.executable, "-m", "cloakroom", "feed", "--to", "stdout", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert [json.loads(line)["metadata"]["sequence"] for line in done.stdout.splitlines()] == list(range(size))
    assert json.loads(done.stderr) == {"to": "stdout", "sent": size, "next": size}


def test_following_ends_cleanly_when_told_to_stop(store, application, target):
    size = add_entries(application, 3)
    environment = {**os.environ, "CLOAKROOM_HOME": str(store.settings.home),
                   "CLOAKROOM_DATABASE_URL": store.settings.database_url}  # fmt: skip
    command = [sys.executable, "-m", "cloakroom", "feed", "--to", f"file:{target}", "--follow"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as child:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and (not target.exists() or len(target.read_bytes().splitlines()) < size):
            time.sleep(0.05)
        application.ledger.append({}, [application.entries.prepare(lineage="x", operation=Operation.HEARTBEAT)])
        while time.monotonic() < deadline and len(target.read_bytes().splitlines()) <= size:
            time.sleep(0.05)
        child.terminate()
        out, _ = child.communicate(timeout=20)
    assert child.returncode == 0
    assert f"the next entry is {size + 1}" in out
    assert sequences(target) == list(range(size + 1))


@pytest.mark.parametrize("batch", [1, 255, 256, 257])
def test_a_feed_that_ends_on_either_side_of_a_bundles_border_goes_on_with_the_next_entry(
    application, target, cursor, monkeypatch, batch
):
    monkeypatch.setattr(feeding, "BATCH", batch)
    before = add_entries(application, 1)
    run(application, target, cursor)
    for size in (255, 256, 257, 513):
        assert add_entries(application, size - before) == size
        assert run(application, target, cursor) == Fed(size - before, size)
        before = size
    assert sequences(target) == list(range(513))
