"""The counts of an import add up to its rows, wherever they are told, and however often it was killed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

import cloakroom.use_cases.records.importing as importing
from cloakroom.adapters.deliveries import Limits, open_delivery
from cloakroom.cli.main import main
from cloakroom.clock import FixedClock
from cloakroom.ledger.entry import decode_entry
from cloakroom.ledger.record_sets import entry_place
from cloakroom.use_cases.records.importing import import_file
from spine_world import NOON
from tarsenne_deliveries import BRAND, deliver, gone, ordinal_of, row

BATCH = 3
FATES = Counter(created=7, changed=2, unchanged=2, stale=2, deleted=2, unknown_deletion=1, rejected=3)
DELIVERED = [
    row(1, "2025-03-01", email="one@example.com"),
    row(2, "2025-03-01", email="two@example.com", country="nowhere at all"),
    row(3, "2025-03-01", email="three@example.com"),
    row(3, "2025-03-01", email="three@example.com"),  # the same again, in another batch
    row(4, "2025-03-01", email="four@example.com"),
    row(4, "2025-03-02", email="vier@example.com"),  # twice within a batch
    row(5, "2025-03-01", email="five@example.com"),
    gone(77, "2025-03-01"),  # nobody
    row(6, "2029-01-01", email="six@example.com"),  # a time to come
    row(4, "2025-02-01", email="quatre@example.com"),  # older than what is there
    gone(3, "2025-03-05"),
    row(1, "2025-03-02", email="uno@example.com"),
    row(8, "no day", email="eight@example.com"),
    row(7, "2025-03-01", email="seven@example.com"),
    row(9, "2025-03-01", email="nine@example.com"),
    gone(9, "2025-02-01"),  # older, too
    gone(7, "2025-03-02"),
    gone(7, "2025-03-03"),  # gone already
    row(10, "2025-03-01", email="ten@example.com"),
]
DELETED = {3, 7}


class StoppedError(Exception):
    """Stands for the death of the process."""


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    def open_small(path, mapping, group):
        return open_delivery(path, mapping, group, limits=Limits(batch_rows=BATCH))

    monkeypatch.setattr(importing, "open_delivery", open_small)


@pytest.fixture
def delivery(tmp_path):
    return deliver(tmp_path / "delivery.csv", *[numbered(item) for item in DELIVERED])


def numbered(item):
    """Keep the records of this delivery apart from those of the store."""
    return item | {"customer_id": f"T90{item['customer_id'][3:]}"}


def ordinals(application):
    return {number: ordinal_of(application, 90_000_000 + number) for number in (1, 3, 4, 5, 7, 9, 10)}


def told(application, path):
    """Return what the progress of a delivery says: rows, whether it is finished, and counts."""
    return application.connection.execute(
        "select rows_done, finished, counts from delivery where name = %s", (path.name,)
    ).fetchone()


def last_import(application):
    """Return the newest entry of an import, and its records."""
    body, data = application.connection.execute(
        "select body, sealed_set from ledger_entry where operation = 'import' order by id desc limit 1"
    ).fetchone()
    return decode_entry(body), application.sets.open(entry_place("system"), data) if data else set()


def assert_adds_up(application, result, path, before):
    rows = len(DELIVERED)
    assert +result.counts == FATES
    assert result.rows == rows == FATES.total()
    assert told(application, path) == (rows, True, dict(FATES))
    entry, _ = last_import(application)
    assert {key: value for key, value in entry.detail.items() if key != "file_sha256"} == {"rows": rows, **FATES}
    brand = application.catalogue.brand(BRAND)
    after = application.vault.counts()
    assert after[brand, 0] - before[brand, 0] == FATES["created"] - FATES["deleted"]
    assert after[brand, 1] - before.get((brand, 1), 0) == FATES["deleted"]


def test_every_row_has_one_fate_and_each_place_tells_the_same(store, delivery):
    application = store.open(clock=FixedClock(NOON), clock_tolerance=None)
    before = application.vault.counts()
    assert_adds_up(application, import_file(application, delivery, BRAND), delivery, before)
    _, records = last_import(application)
    assert set(records) == set(ordinals(application).values())
    application.close()


@pytest.mark.parametrize("batches", range(1, -(-len(DELIVERED) // BATCH) + 1))
def test_an_import_that_was_killed_after_some_batches_counts_no_row_twice_and_none_never(store, delivery, batches):
    application = store.open(clock=FixedClock(NOON), clock_tolerance=None)
    before = application.vault.counts()

    def stop(progress):
        if progress.rows >= min(batches * BATCH, len(DELIVERED)):
            raise StoppedError

    with pytest.raises(StoppedError):
        import_file(application, delivery, BRAND, progress=stop)
    rows, finished, counts = told(application, delivery)
    assert rows == sum(counts.values())
    assert not finished
    application.close()
    again = store.open(clock=FixedClock(NOON), clock_tolerance=None)
    assert_adds_up(again, import_file(again, delivery, BRAND), delivery, before)
    again.close()


@pytest.mark.parametrize("batches", [6, 9])
def test_what_is_read_ahead_of_what_is_written_is_not_counted_as_done(store, tmp_path, batches):
    """Of records that are all new, several batches are sealed before the first of them is written."""
    application = store.open(clock=FixedClock(NOON), clock_tolerance=None)
    rows = [row(91_000_000 + at, "2025-03-01", email=f"p{at}@example.com") for at in range(10 * BATCH)]
    rows[4] |= {"updated_at": "no day"}
    path = deliver(tmp_path / "new.csv", *rows)

    def stop(progress):
        if progress.rows >= batches * BATCH:
            raise StoppedError

    with pytest.raises(StoppedError):
        import_file(application, path, BRAND, progress=stop)
    done, _, counts = told(application, path)
    assert 0 < done == sum(counts.values()) < batches * BATCH
    result = import_file(application, path, BRAND)
    assert +result.counts == Counter(created=len(rows) - 1, rejected=1)
    assert told(application, path) == (len(rows), True, dict(+result.counts))
    application.close()


def test_another_delivery_between_an_import_that_was_killed_and_its_end_has_progress_of_its_own(
    store, delivery, tmp_path
):
    application = store.open(clock=FixedClock(NOON), clock_tolerance=None)
    before = application.vault.counts()

    def stop(progress):
        if progress.rows >= 4 * BATCH:
            raise StoppedError

    with pytest.raises(StoppedError):
        import_file(application, delivery, BRAND, progress=stop)
    interrupted = told(application, delivery)
    other = deliver(tmp_path / "other.csv", *[gone(92_000_000 + at, "2025-03-01") for at in range(2 * BATCH)])
    import_file(application, other, BRAND)
    assert told(application, delivery) == interrupted
    assert_adds_up(application, import_file(application, delivery, BRAND), delivery, before)
    assert told(application, other) == (2 * BATCH, True, {"unknown_deletion": 2 * BATCH})
    application.close()


def test_an_import_that_was_killed_at_its_end_is_ended_with_one_entry_and_the_same_counts(
    store, delivery, monkeypatch
):
    application = store.open(clock=FixedClock(NOON), clock_tolerance=None)
    before, entered = application.vault.counts(), last_import(application)

    def stop(*_):
        raise StoppedError

    with monkeypatch.context() as patched:
        patched.setattr(application.ledger, "append", stop)
        with pytest.raises(StoppedError):
            import_file(application, delivery, BRAND)
    assert told(application, delivery) == (len(DELIVERED), False, dict(FATES))
    assert last_import(application) == entered
    assert_adds_up(application, import_file(application, delivery, BRAND), delivery, before)
    application.close()


def test_the_same_delivery_again_is_told_as_unchanged_row_by_row_and_enters_nothing(store, delivery):
    application = store.open(clock=FixedClock(NOON), clock_tolerance=None)
    import_file(application, delivery, BRAND)
    states, (entry, _) = application.vault.counts(), last_import(application)
    result = import_file(application, delivery, BRAND)
    assert result.repeated
    assert +result.counts == Counter(unchanged=len(DELIVERED))
    assert result.rows == len(DELIVERED)
    assert application.vault.counts() == states
    assert last_import(application)[0] == entry
    application.close()


def test_the_commands_tell_the_same_counts(store, delivery, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("CLOAKROOM_HOME", str(store.settings.home))
    monkeypatch.setenv("CLOAKROOM_DATABASE_URL", store.settings.database_url)

    def run(*arguments):
        capfd.readouterr()
        assert main([*map(str, arguments), "--json"]) == 0
        return json.loads(capfd.readouterr().out)

    def records():
        return {item["state"]: item["count"] for item in run("status")["records"] if item["brand"] == BRAND}

    before, rejects = Counter(records()), tmp_path / "rejects.jsonl"
    (shown,) = run("import", "--brand", BRAND, "--rejects", rejects, delivery)
    assert {key: value for key, value in shown.items() if key in FATES} == FATES
    assert shown["rows"] == len(DELIVERED)
    after = Counter(records())
    assert after["live"] - before["live"] == FATES["created"] - FATES["deleted"]
    assert after["deleted"] - before["deleted"] == FATES["deleted"]
    lines = [json.loads(line)["line"] for line in Path(rejects).read_text().splitlines()]
    assert lines == [3, 10, 14], "each rejected row once"
