"""What left by our own hand is traced to it, through a real store: releases, and whatever a lineage opened."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pyrage
import pytest

from cloakroom.claims.statement import Statement
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.records.reveal import RevealRequest, reveal
from cloakroom.gate.policy import PrincipalKind
from cloakroom.gate.releases import ReleaseContent
from cloakroom.use_cases.incident import claims as claiming
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.releases import requests as release_requests
from cloakroom.use_cases.releases import running as releasing
from cloakroom.vault.tokens import RecordReference
from cloakroom.wiring import Application

IDENTITY = pyrage.x25519.Identity.generate()
FIELDS = ("given_name", "family_name", "email", "street", "city", "postcode", "country")
BRAND = "tarsenne"


@pytest.fixture
def who(application: Application) -> dict[str, Caller]:
    principals.enrol(application, "app", kind=PrincipalKind.APPLICATION, roles=frozenset({"web_shop"}))
    roles = {"marketing": "marketing_operations", "privacy": "privacy_officer", "security": "security_responder",
             "thief": "store_associate", "colleague": "store_associate"}  # fmt: skip
    found = {}
    for name, role in roles.items():
        path = principals.enrol(
            application, name, kind=PrincipalKind.PERSON, roles=frozenset({role}), works_through="app"
        )
        found[name] = principals.authenticate(application.records, path, at=application.now())
    return found


def released(application: Application, who, folder: Path, **facets: str) -> tuple[str, list[dict[str, str]]]:
    content = ReleaseContent(kind="campaign", brand=BRAND, fields=FIELDS, recipient="printer", facets=facets,
                             recipient_key=str(IDENTITY.to_public()), maximum=5000, reference="C-1")  # fmt: skip
    found = release_requests.request_release(application, who["marketing"], content)
    for name in ("privacy", "security"):
        release_requests.approve_release(application, who[name], found.id, found.standing.content.digest)
    target = folder / f"{found.id}.age"
    releasing.run_release(application, who["marketing"], found.id, target, canary_domain="coatcheck.example")
    text = pyrage.decrypt(target.read_bytes(), [IDENTITY]).decode()
    return found.id, list(csv.DictReader(io.StringIO(text)))


def leak(rows: list[dict[str, str]], path: Path, *, keep: float) -> Path:
    """Re-sort, drop half of the columns, remove rows, change the letter case and the dialect."""
    random_ = random.Random(1)
    kept = random_.sample(rows, max(int(len(rows) * keep), 12))
    lines = ["Courriel;Nom;Prénom;Ville"]
    lines += [
        f"{row['email'].upper()};{row['family_name'].upper()};{row['given_name']};{row['city']}" for row in kept
    ]
    path.write_bytes("\r\n".join(lines).encode("utf-16"))
    return path


@pytest.mark.parametrize("with_marks", [True, False])
def test_a_release_is_named_after_every_disguise(application: Application, who, tmp_path: Path, with_marks) -> None:
    everything, _ = released(application, who, tmp_path)
    name, rows = released(application, who, tmp_path, country="IT")
    application.refresh_configuration()
    if not with_marks:
        rows = [row for row in rows if not row["email"].endswith("coatcheck.example")]
    dump = leak(rows, tmp_path / "leak.txt", keep=0.2 if not with_marks else 1.0)
    report = claiming.check(application, [dump], Statement())
    assert report.attribution[0].id == name
    assert report.attribution[0].kind == "release"
    assert (report.attribution[0].marks > 0) is with_marks
    assert name != everything
    people = sum(len(match.proven) for match in report.matched.brands.values())
    assert people <= len([row for row in rows if not row["email"].endswith("coatcheck.example")])


def test_what_a_thief_opened_is_traced_to_his_lineage(application: Application, who, tmp_path: Path) -> None:
    brand = application.catalogue.brand(BRAND)
    codec = application.codec("app")
    records = sorted(application.facets.values_of(brand, "record").popitem()[1])
    stolen: list[dict[str, str]] = []
    for name, chosen in (("colleague", records[100:118]), ("thief", records[40:58])):
        tokens = codec.issue([RecordReference(brand, ordinal) for ordinal in chosen])
        fields = frozenset({"given_name", "family_name", "email", "city"})
        request = RevealRequest(who[name].principal, tokens, codec, fields, "clienteling", reference="APPT-1")
        (answer,) = reveal([request], gatekeeper=application.gatekeeper, catalogue=application.catalogue,
                           openers=application.openers)  # fmt: skip
        assert answer.admission.permitted, answer.admission
        if name == "thief":
            stolen = [dict(one.values) for one in answer.revealed]
    rows = [{key: row.get(key) or "" for key in ("email", "family_name", "given_name", "city")} for row in stolen]
    report = claiming.check(application, [leak(rows, tmp_path / "leak.txt", keep=1.0)], Statement())
    assert (report.attribution[0].kind, report.attribution[0].id) == ("disclosure", "thief")


@pytest.mark.parametrize("only_marks", [True, False])
def test_a_bare_list_of_the_addresses_of_a_release_is_traced_by_its_canaries(
    application: Application, who, tmp_path: Path, only_marks
) -> None:
    name, rows = released(application, who, tmp_path, country="IT")
    application.refresh_configuration()
    marks = [row["email"] for row in rows if row["email"].endswith("coatcheck.example")]
    addresses = marks if only_marks else [row["email"] for row in rows]
    dump = tmp_path / "list.txt"
    dump.write_text("\n".join(addresses) + "\n")
    report = claiming.check(application, [dump], Statement())
    assert report.verdict.word == "addresses only"
    assert [(one.kind, one.id, one.marks) for one in report.attribution] == [("release", name, len(marks))]
    assert report.persons.lower == 0


def test_the_coverage_of_a_release_counts_twins_alike(application: Application, who, tmp_path: Path) -> None:
    _, rows = released(application, who, tmp_path)
    application.refresh_configuration()
    report = claiming.check(application, [leak(rows, tmp_path / "leak.txt", keep=1.0)], Statement())
    best = report.attribution[0]
    # Rows that agree with several records alike count for the release that had any of them.
    assert best.contained == 1.0
    assert best.covered * len(rows) >= report.matched.rows_own
