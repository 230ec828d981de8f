"""Releases are killed at every step: nothing was opened without its entry, and running again ends as one release.

The process that dies is the crashing node of P2; it notes which records it opens before it does.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest
from pyroaring import BitMap
from release_world import DOMAIN, IDENTITY, approved, enrol_everybody, release_entries

from cloakroom.errors import DeniedError
from cloakroom.use_cases.releases import running as releasing

TESTS = Path(__file__).resolve().parents[1]
MOMENTS = [
    *(("before append", number) for number in range(3)),
    *(("after append", number) for number in range(3)),
    *(("before begin", number) for number in range(12)),
    *(("before commit", number) for number in range(12)),
    *(("after commit", number) for number in range(12)),
    *(("before a statement", number) for number in range(0, 120, 6)),
    *(("after a statement", number) for number in range(3, 120, 6)),
    *(("after opening", number) for number in (0, 50, 199, 200, 300, 450)),
    *(("while writing", number) for number in range(3)),
]


@pytest.fixture
def prepared(store):
    """The store, its people, and what a process needs that runs a release of theirs and dies."""
    application = store.open()
    who = enrol_everybody(application)
    plan = {
        "home": str(store.settings.home),
        "url": store.settings.database_url,
        "root_key": store.settings.root_key,
        "credential": str(store.settings.credentials / "marketing.key"),
        "screen": str(store.settings.home / "screen"),
    }
    yield application, who, plan
    application.close()


def run_and_die(plans, folder):
    """Run releases in processes that die at their moment; return how each ended."""
    file = folder / "plans.json"
    file.write_text(json.dumps(plans), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(TESTS / "promises" / "crashing_node.py"), str(file)],
        env=os.environ | {"PYTHONPATH": f"{TESTS}:{TESTS / 'promises'}"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    codes = json.loads(done.stdout)
    assert set(codes) <= {0, -9}, done.stderr
    return codes


def planned(application, who, plan, folder, kind, number):
    """Approve a release of its own, and plan its death."""
    name = approved(application, who)
    return plan | {
        "release": name,
        "kind": kind,
        "number": number,
        "journal": str(folder / f"{name}.journal"),
        "target": str(folder / f"{name}.age"),
    }


def opened_by(plan):
    """Return what a process noted to open."""
    journal = Path(plan["journal"])
    return BitMap(int(word) for word in journal.read_text().split()) if journal.exists() else BitMap()


def entered(application, name):
    """Return the sets of a release's durable entries, by phase."""
    found = {}
    for phase in ("templates", "run"):
        sets = [
            data
            for entry, data in release_entries(application, phase)
            if entry.permitted and entry.detail["release"] == name
        ]
        found[phase] = sets
    return found


def uncovered(application, plan):
    """Return which records were opened without a durable entry."""
    sets = entered(application, plan["release"])
    return opened_by(plan) - BitMap.union(BitMap(), *sets["templates"], *sets["run"])


def canaries_of(application, name):
    facets = application.facets.load(application.catalogue.brand("tarsenne"))
    return facets.get(("canary", name), BitMap())


def check_whole(application, plan):
    """A release that is done: one entry, one set, its canaries in it, and the file holds just that."""
    sets = entered(application, plan["release"])
    assert len(sets["run"]) == 1
    stored = application.releases.get(plan["release"])
    assert stored.standing.state == "done"
    assert stored.records == sets["run"][0]
    canaries = canaries_of(application, plan["release"])
    assert len(canaries) == stored.canaries == 5
    assert canaries <= stored.records
    data = Path(plan["target"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == stored.file_sha256
    rows = list(csv.DictReader(io.StringIO(pyrage.decrypt(data, [IDENTITY]).decode())))
    assert len(rows) == len(stored.records)
    assert sum(row["email"].endswith(f"@{DOMAIN}") for row in rows) == 5
    assert not Path(f"{plan['target']}.part").exists()


# Half a minute: each of some ninety moments is a death of a real process and a release run to its end after it.
@pytest.mark.slow
def test_wherever_a_release_dies_nothing_was_opened_without_its_entry_and_it_ends_as_one(prepared, tmp_path):
    application, who, plan = prepared
    died = begun = 0
    plans = [planned(application, who, plan, tmp_path, kind, number) for kind, number in MOMENTS]
    for code, one in zip(run_and_die(plans, tmp_path), plans, strict=True):
        moment = (one["kind"], one["number"])
        assert not uncovered(application, one), moment
        before = entered(application, one["release"])["run"]
        state = application.releases.get(one["release"]).standing.state
        died += code == -9
        begun += bool(opened_by(one))
        # Every canary belongs to a set that is entered; a death before that leaves none.
        assert bool(canaries_of(application, one["release"])) == bool(before), moment
        assert Path(one["target"]).exists() <= bool(before), moment
        if state == "done":
            with pytest.raises(DeniedError):
                releasing.run_release(
                    application, who["marketing"], one["release"], tmp_path / "again", canary_domain=DOMAIN
                )
        else:
            target = Path(one["target"])
            releasing.run_release(application, who["marketing"], one["release"], target, canary_domain=DOMAIN)
            assert before in ([], entered(application, one["release"])["run"]), moment
        check_whole(application, one)
    assert died >= len(MOMENTS) - 25
    assert begun >= len(MOMENTS) // 2


def test_a_release_that_dies_nowhere_is_whole(prepared, tmp_path):
    application, who, plan = prepared
    one = planned(application, who, plan, tmp_path, "never", 0)
    assert run_and_die([one], tmp_path) == [0]
    assert not uncovered(application, one)
    assert opened_by(one) == entered(application, one["release"])["run"][0]
    check_whole(application, one)


def test_a_release_that_opens_before_its_entry_is_durable_is_noticed(prepared, tmp_path):
    application, who, plan = prepared
    one = planned(application, who, plan, tmp_path, "after opening", 0) | {"eager": True}
    assert run_and_die([one], tmp_path) == [-9]
    assert uncovered(application, one)
