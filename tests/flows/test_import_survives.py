"""An import that is killed and resumed ends where another ends; repeating changes nothing; memory is flat."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from cloakroom.clock import FixedClock
from cloakroom.settings import Settings
from cloakroom.testing.bench_customers import write_bench_customers
from cloakroom.testing.group import GroupPlan, copy_configuration, write_group
from cloakroom.use_cases.records.importing import import_file
from cloakroom.use_cases.store.rotation import rotate_brand
from cloakroom.wiring import initialise, open_application
from spine_world import NOON, opened_world
from stores import database

HERE = Path(__file__).resolve().parent


@pytest.fixture
def new_store(tmp_path, empty_database):
    """A store of the synthetic group without any delivery."""
    copy_configuration(tmp_path / "configuration")
    home = tmp_path / "home"
    settings = Settings(home, empty_database, f"file:{home / 'root.key'}", "test")
    initialise(settings, tmp_path / "configuration").close()
    return settings


@pytest.fixture
def group(tmp_path):
    return write_group(tmp_path / "deliveries", GroupPlan(records=400, seed=3)), tmp_path / "deliveries"


def holdings(application):
    """Return everything that two equal stores have in common: values, states, index rows, facets, counts."""
    facets = {}
    for name, number in application.catalogue.brands.items():
        for (facet, value), members in application.facets.load(number).items():
            if members:
                facets[name, facet, value] = len(members)
    query = application.connection.execute
    return {
        "values": opened_world(application),
        "states": dict(application.vault.counts()),
        "index": Counter(query("select brand, index_id, current from blind_index").fetchall()),
        "versions": query("select brand, count(*) from envelope_version group by brand order by brand").fetchall(),
        "facets": facets,
        "deliveries": query(
            "select brand, name, rows_done, finished, counts from delivery order by brand, name"
        ).fetchall(),
    }


def import_all(application, world, folder):
    for brand, files in world.files.items():
        for name in files:
            import_file(application, folder / name, brand)


@pytest.mark.slow
def test_an_import_killed_at_random_moments_and_resumed_equals_one_that_was_not(
    store_template, new_store, group, tmp_path, postgres_server
):
    world, folder = group
    files = [(brand, str(folder / name)) for brand, names in world.files.items() for name in names]
    plan = {
        "home": str(new_store.home),
        "url": new_store.database_url,
        "root_key": new_store.root_key,
        "files": files,
    }
    dice, kills = random.Random(7), 0
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    while True:
        command = [sys.executable, str(HERE / "importing_child.py"), json.dumps(plan)]
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        child.stdout.readline()
        killer = threading.Timer(dice.uniform(0.02, 0.35) if kills < 12 else 60, child.send_signal, (signal.SIGKILL,))
        killer.start()
        code = child.wait()
        killer.cancel()
        child.stdout.close()
        assert code in {0, -9}
        if code == 0:
            break
        kills += 1
    assert kills >= 4, "the machine was too fast for the dice"
    resumed = open_application(new_store)
    whole = _whole(tmp_path, postgres_server, world, folder)
    assert holdings(resumed) == whole
    resumed.close()


def _whole(tmp_path, server, world, folder):
    """Import the same files without interruption into another store."""
    home = tmp_path / "whole"
    with database(server) as url:
        application = initialise(Settings(home, url, f"file:{home / 'root.key'}", "test"), tmp_path / "configuration")
        import_all(application, world, folder)
        found = holdings(application)
        application.close()
    return found


def test_a_file_imported_again_changes_nothing(new_store, group):
    world, folder = group
    application = open_application(new_store)
    import_all(application, world, folder)
    before = holdings(application)
    import_all(application, world, folder)
    assert holdings(application) == before
    for brand, number in application.catalogue.brands.items():
        assert sum(count for (owner, _), count in before["states"].items() if owner == number) == world.records[brand]
    application.close()


def test_a_delta_applied_twice_under_another_name_and_order_changes_nothing(new_store, group, tmp_path):
    world, folder = group
    application = open_application(new_store)
    import_all(application, world, folder)
    before = holdings(application)
    delta = folder / world.files["tarsenne"][1]
    lines = delta.read_text("utf-8").splitlines()
    again = tmp_path / "again.csv"
    again.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n", encoding="utf-8")
    result = import_file(application, again, "tarsenne")
    assert set(+result.counts) <= {"unchanged", "stale", "unknown_deletion"}
    after = holdings(application)
    assert {name: after[name] for name in before if name != "deliveries"} == {
        name: before[name] for name in before if name != "deliveries"
    }
    application.close()


HEADER = "customer_id,first_name,last_name,email,phone,mobile,street,city,state,postcode,country,birth_date,language"
HEADER += ",kind,store,total_spend,created_at,updated_at,deleted"


def row(number, email, day, *, deleted="false"):
    values = [f"T{number:08d}", "Ada", "Riva", email, *[""] * 7, "", "", "", "", "", "2025-01-01T00:00:00Z"]
    return ",".join([*values, f"2025-02-{day:02d}T00:00:00Z", deleted])


def deliver(tmp_path, name, *rows):
    path = tmp_path / name
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def small(new_store):
    application = open_application(new_store, FixedClock(NOON), clock_tolerance=None)
    yield application
    application.close()


def emails(application):
    return {key[1]: values["email"] for key, values in opened_world(application).items()}


def test_rows_of_one_record_in_one_batch_are_taken_in_order_and_all_kept(small, tmp_path):
    path = deliver(
        tmp_path,
        "a.csv",
        row(1, "one@example.com", 1),
        row(2, "two@example.com", 1),
        row(1, "uno@example.com", 2),
        row(1, "ein@example.com", 3),
        row(2, "", 4, deleted="true"),
    )
    result = import_file(small, path, "tarsenne")
    assert +result.counts == Counter(created=2, changed=2, deleted=1)
    assert emails(small) == {"T00000001": "ein@example.com"}
    spans = small.connection.execute("select ordinal, valid_from, valid_to from envelope_version order by valid_from")
    assert len({tuple(span) for span in spans.fetchall()}) == 3


def test_a_row_older_than_what_is_stored_is_stale_and_a_deletion_may_be_undone_by_a_newer_row(small, tmp_path):
    import_file(small, deliver(tmp_path, "a.csv", row(1, "new@example.com", 5)), "tarsenne")
    assert +import_file(small, deliver(tmp_path, "b.csv", row(1, "old@example.com", 3)), "tarsenne").counts == {
        "stale": 1
    }
    import_file(small, deliver(tmp_path, "c.csv", row(1, "", 6, deleted="true")), "tarsenne")
    assert emails(small) == {}
    assert +import_file(small, deliver(tmp_path, "d.csv", row(1, "x@example.com", 4)), "tarsenne").counts == {
        "stale": 1
    }
    import_file(small, deliver(tmp_path, "e.csv", row(1, "back@example.com", 7)), "tarsenne")
    assert emails(small) == {"T00000001": "back@example.com"}


def test_the_deletion_of_somebody_unknown_is_counted_and_changes_nothing(small, tmp_path):
    result = import_file(small, deliver(tmp_path, "a.csv", row(9, "", 1, deleted="true")), "tarsenne")
    assert +result.counts == {"unknown_deletion": 1}
    assert small.vault.counts() == {}


def test_an_empty_delivery_is_finished_at_once(small, tmp_path):
    result = import_file(small, deliver(tmp_path, "a.csv"), "tarsenne")
    assert (result.rows, +result.counts) == (0, Counter())
    assert import_file(small, deliver(tmp_path, "b.csv"), "tarsenne").repeated


def test_two_imports_of_one_brand_at_once_lose_no_facet(new_store, tmp_path):
    plan = [
        (
            start,
            deliver(
                tmp_path, f"{start}.csv", *(row(start + at, f"p{start + at}@example.com", 1) for at in range(300))
            ),
        )
        for start in (1000, 5000, 9000)
    ]
    threads = []
    for start, path in plan:
        node = open_application(replace(new_store, node=f"n{start}"))
        threads.append((threading.Thread(target=import_file, args=(node, path, "tarsenne")), node))
    for thread, _ in threads:
        thread.start()
    for thread, node in threads:
        thread.join()
        node.close()
    application = open_application(new_store)
    assert sum(application.vault.counts().values()) == 900
    assert len(application.facets.values_of(application.catalogue.brand("tarsenne"), "record")["all"]) == 900
    application.close()


def test_an_import_and_a_rotation_of_the_same_brand_wait_for_each_other(new_store, tmp_path):
    """Without that, an import would go on sealing under keys that the rotation has destroyed."""
    paths = [
        deliver(tmp_path, f"{start}.csv", *(row(start + at, f"p{start + at}@example.com", 1) for at in range(200)))
        for start in range(1000, 6000, 1000)
    ]
    importer = open_application(replace(new_store, node="importer"))
    rotator = open_application(replace(new_store, node="rotator"))

    def work():
        for path in paths:
            import_file(importer, path, "tarsenne")

    thread = threading.Thread(target=work)
    thread.start()
    rotate_brand(rotator, "tarsenne")
    thread.join()
    fresh = open_application(new_store)
    assert len(emails(fresh)) == 1000
    for node in (importer, rotator, fresh):
        node.close()


@pytest.mark.slow
def test_memory_stays_flat_however_long_the_file(tmp_path, postgres_server):
    """The longer file fills no more than the same few batches that are on their way."""
    peaks = [_peak_memory(tmp_path / str(records), postgres_server, records) for records in (60_000, 150_000)]
    assert peaks[1] < peaks[0] * 1.25, peaks


def _peak_memory(folder, server, records):
    """Import a file in a process of its own and return its largest resident size in kilobytes."""
    folder.mkdir()
    path = folder / "customers.csv"
    write_bench_customers(path, records=records)
    copy_configuration(folder / "configuration", group="bench_group")
    with database(server) as url:
        program = [sys.executable, str(HERE / "measuring_child.py"), str(folder), url]
        done = subprocess.run(program, capture_output=True, text=True, check=True)
    return int(done.stdout)
