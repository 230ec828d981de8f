"""Releases through the service: asked, approved by two others, run by a node, watched, downloaded, refused."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import threading
from contextlib import closing

import psycopg
import pyrage
import pytest
from people_world import admit_people
from service_world import World

from cloakroom.adapters.postgres.release_run_store import ReleaseRunStore
from cloakroom.client import RefusedError
from cloakroom.errors import UncheckableError
from cloakroom.gate.releases import ReleaseContent
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.releases import background_runs as release_runs
from cloakroom.use_cases.releases import requests as release_requests
from cloakroom.use_cases.releases.background_runs import run_waiting
from patience import PATIENCE

IDENTITY = pyrage.x25519.Identity.generate()
FIELDS = ["email", "family_name", "city"]
# A node that dies in the middle of writing: after the entry, with one part kept.
DYING_NODE = """
import os, signal
from cloakroom.use_cases.releases import background_runs as release_runs
from cloakroom.adapters.postgres.release_run_store import ReleaseRunStore
from cloakroom.settings import load_settings
from cloakroom.wiring import open_application

release_runs.PART_BYTES = 1_000
add = ReleaseRunStore.add_part

def add_and_die(self, run, number, data):
    add(self, run, number, data)
    os.kill(os.getpid(), signal.SIGKILL)

ReleaseRunStore.add_part = add_and_die
release_runs.run_waiting(open_application(load_settings(node="dying")))
"""


@pytest.fixture
def bulk(peopled: World) -> World:
    return peopled


def brand_of(world: World) -> str:
    application = world.open("look")
    try:
        return sorted(application.catalogue.brands)[0]
    finally:
        application.close()


def asked(world: World, **options):
    with world.client("marketing") as client:
        return client.request_release(
            "campaign",
            brand=brand_of(world),
            fields=FIELDS,
            recipient="printer-7",
            recipient_key=str(IDENTITY.to_public()),
            **options,
        )


def approved(world: World, **options):
    release = asked(world, **options)
    for name in ("privacy", "security"):
        with world.client(name) as client:
            release = client.approve_release(client.release(release.id))
    assert release.state == "approved"
    return release


def approved_beside(world: World) -> str:
    """Request and approve a release where no node runs; return its name."""
    brand = brand_of(world)
    with closing(world.open("runner")) as application:
        requester, *approvers = (
            principals.authenticate(application.records, world.credentials[name], at=application.now())
            for name in ("marketing", "privacy", "security")
        )
        content = ReleaseContent(
            kind="campaign",
            brand=brand,
            fields=tuple(FIELDS),
            recipient="printer-7",
            recipient_key=str(IDENTITY.to_public()),
            maximum=5_000,
        )
        found = release_requests.request_release(application, requester, content)
        for approver in approvers:
            found = release_requests.approve_release(application, approver, found.id, found.standing.content.digest)
        assert found.standing.state == "approved"
        return found.id


def reason_of(error: RefusedError) -> str:
    return error.reason or error.code


def test_a_release_goes_from_request_to_file_through_the_service(bulk: World, tmp_path):
    release = approved(bulk)
    with bulk.client("marketing") as client:
        assert client.run_release(release.id).state in {"waiting", "running", "done"}
        run = client.await_release(release.id, timeout_s=PATIENCE, every_s=0.1)
        assert (run.state, run.rows_done) == ("done", run.records)
        client.download_release(release.id, tmp_path / "campaign.age")
    rows = list(
        csv.DictReader(io.StringIO(pyrage.decrypt((tmp_path / "campaign.age").read_bytes(), [IDENTITY]).decode()))
    )
    assert len(rows) == run.records
    assert set(rows[0]) == set(FIELDS)
    entries = [item for item in bulk.entries() if item.detail.get("release") == release.id]
    phases = [item.detail["phase"] for item in entries]
    assert phases == ["request", "approve", "approve", "templates", "run", "done", *["receive"] * run.parts]
    assert entries[4].records == run.records
    assert entries[5].detail["file_sha256"] == run.file_sha256


def test_a_download_goes_on_where_it_ended_and_notices_what_was_changed(fresh: World, tmp_path, monkeypatch):
    admit_people(fresh, "https://localhost")
    release = approved_beside(fresh)
    with closing(fresh.open("runner")) as application:  # a node whose parts are so small that there are several
        monkeypatch.setattr(release_runs, "PART_BYTES", 1_000)
        credential = fresh.credential("marketing").id
        ReleaseRunStore(application.connection).ask(release, "marketing", credential, None, at=application.now())
        assert run_waiting(application)
    with fresh.client("marketing", fresh.start()) as client:
        run = client.release_run(release)
        assert (run.state, run.parts) == ("done", -(-run.size // 1_000))
        assert run.parts > 3
        fetch, asked_for = client._part, []

        def counted(name, number):
            asked_for.append(number)
            return fetch(name, number)

        monkeypatch.setattr(client, "_part", counted)
        target, partial = tmp_path / "x.age", tmp_path / "x.age.part"
        partial.write_bytes(fetch(release, 0) + fetch(release, 1) + b"torn")
        client.download_release(release, target)
        assert asked_for == [0, *range(2, run.parts)]
        assert pyrage.decrypt(target.read_bytes(), [IDENTITY])
        target.unlink()
        partial.write_bytes(b"\0" * 1_000)
        with pytest.raises(UncheckableError, match="not the one"):
            client.download_release(release, target)
        assert not target.exists()
        assert not partial.exists()


def test_what_is_unapproved_self_approved_exhausted_or_somebody_elses_is_refused(bulk: World):
    release = asked(bulk)
    with bulk.client("marketing") as client:
        with pytest.raises(RefusedError) as caught:
            client.run_release(release.id)
        assert reason_of(caught.value) == "unapproved"
        with pytest.raises(RefusedError) as caught:
            client.approve_release(release)
        assert reason_of(caught.value) == "own-lineage"
    with bulk.client("privacy") as client:
        client.approve_release(release)
        with pytest.raises(RefusedError) as caught:
            client.approve_release(release)
        assert reason_of(caught.value) == "exhausted"
        with pytest.raises(RefusedError) as caught:
            client.run_release(release.id)
        assert reason_of(caught.value) == "not-found"
    with bulk.client("security") as client:
        client.approve_release(release)
    with bulk.client("marketing") as client:
        with pytest.raises(RefusedError, match="not-found"):
            client.release_run(release.id)
        client.run_release(release.id)
        client.await_release(release.id, timeout_s=PATIENCE, every_s=0.1)
        with pytest.raises(RefusedError) as caught:
            client.run_release(release.id)
        assert reason_of(caught.value) == "exhausted"
        with pytest.raises(RefusedError, match="not-found"):
            client._part(release.id, 9_999)
    with bulk.client("privacy") as client, pytest.raises(RefusedError, match="not-found"):
        client._part(release.id, 0)


def test_more_records_than_were_approved_fail_with_their_reason_and_leave_no_file(bulk: World):
    release = approved(bulk, maximum=3)
    with bulk.client("marketing") as client:
        client.run_release(release.id)
        run = client.await_release(release.id, timeout_s=PATIENCE, every_s=0.1)
        assert (run.state, run.failure, run.parts) == ("failed", "too-many", 0)
        with pytest.raises(RefusedError, match="not-found"):
            client._part(release.id, 0)


def test_an_expired_release_does_not_run_and_its_file_is_gone(bulk: World):
    first, second = approved(bulk), approved(bulk)
    with bulk.client("marketing") as client:
        client.run_release(first.id)
        client.await_release(first.id, timeout_s=PATIENCE, every_s=0.1)
        with psycopg.connect(bulk.settings.database_url, autocommit=True) as connection:
            connection.execute("update release set expires_at = 1 where id = any (%s)", ([first.id, second.id],))
        for attempt in (lambda: client.run_release(second.id), lambda: client._part(first.id, 0)):
            with pytest.raises(RefusedError) as caught:
                attempt()
            assert reason_of(caught.value) == "expired-release"
    with closing(bulk.open("runner")) as application:
        assert application.release_runs.forget_parts(application.now()) > 0
        row = application.connection.execute("select count(*) from release_part where release = %s", (first.id,))
        assert row.fetchone() == (0,)


def test_a_frozen_requester_neither_runs_nor_receives(fresh: World):
    admit_people(fresh, "https://localhost")
    fresh.start()
    release = approved(fresh)
    with fresh.client("marketing") as client, fresh.client("security") as security:
        client.run_release(release.id)
        client.await_release(release.id, timeout_s=PATIENCE, every_s=0.1)
        security.freeze("marketing", purpose="containment", reason="stolen-laptop")
        for attempt in (lambda: client._part(release.id, 0), lambda: client.run_release(release.id)):
            with pytest.raises(RefusedError, match="frozen"):
                attempt()


def test_a_run_whose_node_was_killed_is_taken_up_by_another_with_the_same_set(fresh: World, tmp_path):
    """A process leases the run, writes a part, and dies; then a node does the same set under the same entry."""
    admit_people(fresh, "https://localhost")
    release = approved_beside(fresh)
    with closing(fresh.open("runner")) as application:
        store = ReleaseRunStore(application.connection)
        store.ask(release, "marketing", fresh.credential("marketing").id, None, at=application.now())
    child = subprocess.run(
        [sys.executable, "-c", DYING_NODE],
        env={
            **os.environ,
            "CLOAKROOM_HOME": str(fresh.settings.home),
            "CLOAKROOM_DATABASE_URL": fresh.settings.database_url or "",
            "CLOAKROOM_ROOT_KEY": fresh.settings.root_key,
        },
        timeout=PATIENCE,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL
    begun = [item for item in fresh.entries() if item.detail.get("phase") == "run"]
    assert len(begun) == 1
    with psycopg.connect(fresh.settings.database_url, autocommit=True) as connection:
        connection.execute("update release_run set lease_until = 1")
    node = fresh.start()
    with fresh.client("marketing", node) as client:
        run = client.await_release(release, timeout_s=PATIENCE, every_s=0.1)
        assert run.state == "done"
        client.download_release(release, tmp_path / "x.age")
    after = [item for item in fresh.entries() if item.detail.get("phase") == "run"]
    assert [item.set_sha256 for item in after] == [begun[0].set_sha256]
    rows = pyrage.decrypt((tmp_path / "x.age").read_bytes(), [IDENTITY]).decode().splitlines()
    assert len(rows) == 1 + begun[0].records


def test_of_two_nodes_with_one_run_the_one_that_lost_its_lease_changes_nothing(fresh: World, monkeypatch):
    admit_people(fresh, "https://localhost")
    release = approved_beside(fresh)
    monkeypatch.setattr(release_runs, "PART_BYTES", 1_000)
    held, go_on = threading.Event(), threading.Event()
    add = ReleaseRunStore.add_part

    def slow(self, run, number, data):
        if run.attempt == 1 and number == 0:
            held.set()
            assert go_on.wait(PATIENCE)
        return add(self, run, number, data)

    monkeypatch.setattr(ReleaseRunStore, "add_part", slow)
    with closing(fresh.open("runner")) as first, closing(fresh.open("runner")) as second:
        ReleaseRunStore(first.connection).ask(
            release, "marketing", fresh.credential("marketing").id, None, at=first.now()
        )
        loser = threading.Thread(target=run_waiting, args=(first,))
        loser.start()
        assert held.wait(PATIENCE)
        second.connection.execute("update release_run set lease_until = 1")
        assert run_waiting(second)
        done = ReleaseRunStore(second.connection).get(release)
        go_on.set()
        loser.join(PATIENCE)
        assert ReleaseRunStore(second.connection).get(release) == done
        assert (done.state, done.attempt) == ("done", 2)
        attempts = second.connection.execute("select distinct attempt from release_part").fetchall()
        assert attempts == [(2,)]
    assert sum(item.detail.get("phase") == "done" for item in fresh.entries()) == 1
