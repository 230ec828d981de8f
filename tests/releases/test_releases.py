"""Bulk is approved by others, marked, entered once with its exact set, and read by the recipient's own tool."""

from __future__ import annotations

import csv
import io
import subprocess
from pathlib import Path

import polars as pl
import psycopg
import pyrage
import pytest
from pyroaring import BitMap
from release_world import DOMAIN, FIELDS, IDENTITY, approved, content, enrol_everybody, release_entries

from cloakroom.errors import CloakroomError, DeniedError, UsageError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.records.find import FindRequest, find
from cloakroom.flows.releases import run as release_run
from cloakroom.flows.releases.canaries import TEMPLATES_MAX
from cloakroom.flows.releases.run import FinishedRelease
from cloakroom.ledger.record_sets import entry_place
from cloakroom.use_cases.incident.affected import affected_by
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.releases import requests as release_requests
from cloakroom.use_cases.releases import running as releasing
from cloakroom.vault.opening import BrandOpener
from cloakroom.wiring import Application
from foreign_tools import tool


@pytest.fixture
def who(application: Application) -> dict[str, Caller]:
    return enrol_everybody(application)


def run(application: Application, who, name: str, target: Path) -> FinishedRelease:
    return releasing.run_release(application, who["marketing"], name, target, canary_domain=DOMAIN)


def opened_by_age(path: Path, folder: Path) -> bytes:
    """Decrypt with the reference implementation (filippo.io/age), not with the library that encrypted."""
    age = tool("age")
    key = folder / "recipient.key"
    key.write_text(str(IDENTITY) + "\n")
    return subprocess.run([age, "-d", "-i", str(key), str(path)], capture_output=True, check=True).stdout


def test_the_recipient_opens_the_file_with_the_age_tool_and_finds_every_record_and_the_canaries(
    application: Application, who, tmp_path: Path
):
    name = approved(application, who)
    done = run(application, who, name, tmp_path / "campaign.csv.age")
    text = opened_by_age(tmp_path / "campaign.csv.age", tmp_path).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sorted(rows[0]) == sorted(FIELDS)
    assert len(rows) == done.records
    canaries = [row["email"] for row in rows if row["email"].endswith(f"@{DOMAIN}")]
    assert len(canaries) == done.canaries == 5
    # Scattered among the others, not at the end where new records would stand.
    places = [at for at, row in enumerate(rows) if row["email"].endswith(f"@{DOMAIN}")]
    assert max(places) - min(places) > 10
    (entry, data) = release_entries(application, "run")[0]
    assert (entry.records, entry.detail["canaries"]) == (done.records, 5)
    assert entry.detail["approved_by"] == ["privacy", "security"]
    facets = application.facets.load(application.catalogue.brand("tarsenne"))
    assert facets["canary", name] == data & application.canaries()
    assert len(facets["canary", name]) == 5


def test_canaries_are_in_no_other_release(application: Application, who, tmp_path: Path):
    addresses = []
    for number in range(2):
        run(application, who, approved(application, who), tmp_path / f"{number}.age")
        data = pyrage.decrypt((tmp_path / f"{number}.age").read_bytes(), [IDENTITY]).decode()
        addresses.append(
            {row["email"] for row in csv.DictReader(io.StringIO(data)) if row["email"].endswith(f"@{DOMAIN}")}
        )
    assert len(addresses[0]) == len(addresses[1]) == 5
    assert not addresses[0] & addresses[1]


def test_whoever_looks_for_a_canary_is_frozen(application: Application, who, tmp_path: Path):
    run(application, who, approved(application, who), tmp_path / "x.age")
    application.refresh_configuration()
    data = pyrage.decrypt((tmp_path / "x.age").read_bytes(), [IDENTITY]).decode()
    address = next(row["email"] for row in csv.DictReader(io.StringIO(data)) if row["email"].endswith(f"@{DOMAIN}"))
    principal = who["associate"].principal
    request = FindRequest(
        principal, application.codec("app"), ["tarsenne"], "email", address, "clienteling", reference="APPT-1"
    )
    answer = find(
        [request],
        gatekeeper=application.gatekeeper,
        catalogue=application.catalogue,
        digests=application.digests,
        index_reader=application.vault,
    )[0]
    assert answer.admission.canary
    assert application.records.principal("associate").frozen_reason == "canary"


def test_a_release_can_be_written_as_parquet(application: Application, who, tmp_path: Path):
    done = run(application, who, approved(application, who, form="parquet"), tmp_path / "x.parquet.age")
    table = pl.read_parquet(io.BytesIO(opened_by_age(tmp_path / "x.parquet.age", tmp_path)))
    assert table.height == done.records
    assert table.columns == sorted(FIELDS)


def test_only_records_with_every_facet_are_in_it(application: Application, who, tmp_path: Path):
    facets = application.facets.load(application.catalogue.brand("tarsenne"))
    country = max((len(members), value) for (name, value), members in facets.items() if name == "country")[1]
    run(application, who, approved(application, who, facets={"country": country}), tmp_path / "x.age")
    data = pyrage.decrypt((tmp_path / "x.age").read_bytes(), [IDENTITY]).decode()
    rows = list(csv.DictReader(io.StringIO(data)))
    assert {row["country"] for row in rows} == {country}
    _, data = release_entries(application, "run")[0]
    assert data - application.canaries() <= facets["country", country]


def refused(code: str, action) -> None:
    with pytest.raises(DeniedError) as error:
        action()
    assert error.value.code == code


def test_nobody_approves_their_own_request_or_twice_or_without_the_role(application: Application, who):
    found = release_requests.request_release(application, who["marketing"], content())
    digest = found.standing.content.digest

    def approve(name: str, of: str = digest):
        return release_requests.approve_release(application, who[name], found.id, of)

    refused("own-lineage", lambda: approve("marketing"))
    refused("role", lambda: approve("associate"))
    refused("changed", lambda: approve("privacy", "0" * 64))
    assert approve("privacy").standing.state == "requested"
    refused("exhausted", lambda: approve("privacy"))
    principals.freeze(application.gatekeeper, application.records, "security", by="operator", reason="INC-1")
    refused("frozen", lambda: approve("security"))
    assert approve("second-privacy").standing.state == "approved"
    codes = [entry.reason for entry, _ in release_entries(application, "approve") if not entry.permitted]
    assert codes == ["own-lineage", "role", "changed", "exhausted", "frozen"]


def test_a_release_runs_only_when_approved_by_whoever_asked_once(application: Application, who, tmp_path: Path):
    found = release_requests.request_release(application, who["marketing"], content())
    refused("unapproved", lambda: run(application, who, found.id, tmp_path / "x.age"))
    release_requests.approve_release(application, who["privacy"], found.id, found.standing.content.digest)
    refused("unapproved", lambda: run(application, who, found.id, tmp_path / "x.age"))
    release_requests.approve_release(application, who["security"], found.id, found.standing.content.digest)
    refused(
        "role",
        lambda: releasing.run_release(
            application, who["privacy"], found.id, tmp_path / "x.age", canary_domain=DOMAIN
        ),
    )
    run(application, who, found.id, tmp_path / "x.age")
    refused("exhausted", lambda: run(application, who, found.id, tmp_path / "again.age"))
    assert not (tmp_path / "again.age").exists()


def test_an_expired_release_does_not_run(application: Application, who, tmp_path: Path):
    name = approved(application, who)
    application.connection.execute("update release set expires_at = %s", (application.now() - 1,))
    refused("expired-release", lambda: run(application, who, name, tmp_path / "x.age"))


def test_more_records_than_were_approved_do_not_leave(application: Application, who, tmp_path: Path):
    name = approved(application, who, maximum=10)
    refused("too-many", lambda: run(application, who, name, tmp_path / "x.age"))
    assert not application.canaries()
    with pytest.raises(DeniedError):
        release_requests.request_release(application, who["marketing"], content(maximum=10_000_000))


def test_a_request_outside_the_policy_is_refused(application: Application, who):
    refused(
        "field",
        lambda: release_requests.request_release(application, who["marketing"], content(fields=("spend_total",))),
    )
    refused("purpose", lambda: release_requests.request_release(application, who["associate"], content()))
    refused("purpose", lambda: release_requests.request_release(application, who["marketing"], content(kind="all")))
    with pytest.raises(UsageError):
        release_requests.request_release(application, who["marketing"], content(recipient_key="age1x"))


class InterruptionError(CloakroomError):
    pass


def test_an_interrupted_release_is_taken_up_with_the_same_set_under_the_same_entry(
    application: Application, who, tmp_path: Path, monkeypatch
):
    name = approved(application, who)
    monkeypatch.setattr(release_run, "ROWS_PER_READ", 50)
    target = tmp_path / "x.age"

    def fail(done: int, _total: int) -> None:
        if done > 100:
            raise InterruptionError

    with pytest.raises(InterruptionError):
        releasing.run_release(application, who["marketing"], name, target, canary_domain=DOMAIN, progress=fail)
    assert not target.exists()
    canaries = application.canaries()
    stored = application.releases.get(name)
    assert (stored.standing.state, stored.rows_done >= 100) == ("running", True)
    done = run(application, who, name, target)
    assert application.canaries() == canaries
    assert [data for _, data in release_entries(application, "run")] == [stored.records]
    rows = list(csv.DictReader(io.StringIO(pyrage.decrypt(target.read_bytes(), [IDENTITY]).decode())))
    assert len(rows) == done.records == len(stored.records)


def test_the_affected_of_a_release_are_its_exact_set(application: Application, who, tmp_path: Path):
    run(application, who, approved(application, who), tmp_path / "x.age")
    _, data = release_entries(application, "run")[0]
    found = affected_by(application, lineage="marketing", count_persons=False)
    assert data - found.report.records <= application.canaries()


def test_records_are_looked_at_for_canaries_only_under_an_entry_of_their_own(
    application: Application, who, tmp_path: Path, monkeypatch
):
    """Whatever is opened before the entry of the whole set is covered by one that was durable before."""
    opened, covered = BitMap(), []
    honest = BrandOpener.open_many

    def watched(self, rows, wanted):
        opened.update(record.ordinal for record, _ in rows)
        with psycopg.connect(application.url) as other:  # what is not committed does not show over there
            entered = [
                application.sets.open(entry_place(lineage), data)
                for lineage, data in other.execute(
                    "select lineage, sealed_set from ledger_entry"
                    " where operation = 'release' and sealed_set is not null"
                )
            ]
        covered.append(opened <= BitMap.union(BitMap(), *entered))
        return honest(self, rows, wanted)

    monkeypatch.setattr(BrandOpener, "open_many", watched)
    done = run(application, who, approved(application, who), tmp_path / "x.age")
    assert covered
    assert all(covered)
    (templates, data), (whole, _) = release_entries(application, "templates") + release_entries(application, "run")
    assert 0 < templates.records <= TEMPLATES_MAX
    assert templates.records < whole.records == done.records
    found = affected_by(application, lineage="marketing", count_persons=False)
    assert not data - found.report.records, "they are of the audience, and counted once"
