"""What the suites of releases share: people, a request, and the entries that a release leaves."""

from __future__ import annotations

from dataclasses import replace

import pyrage

from cloakroom.flows.admission.authorisation import Caller
from cloakroom.gate.policy import PrincipalKind
from cloakroom.gate.releases import ReleaseContent
from cloakroom.ledger.entry import decode_entry
from cloakroom.ledger.record_sets import entry_place
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.releases import requests as release_requests
from cloakroom.wiring import Application

ROLES = {
    "marketing": "marketing_operations",
    "privacy": "privacy_officer",
    "security": "security_responder",
    "second-privacy": "privacy_officer",
    "associate": "store_associate",
}
IDENTITY = pyrage.x25519.Identity.generate()
FIELDS = ("given_name", "family_name", "email", "street", "city", "postcode", "country")
DOMAIN = "coatcheck.example"


def enrol_everybody(application: Application) -> dict[str, Caller]:
    """Enrol whoever asks for releases, approves them, or may do neither."""
    principals.enrol(application, "app", kind=PrincipalKind.APPLICATION, roles=frozenset({"web_shop"}))
    found = {}
    for name, role in ROLES.items():
        path = principals.enrol(
            application, name, kind=PrincipalKind.PERSON, roles=frozenset({role}), works_through="app"
        )
        found[name] = principals.authenticate(application.records, path, at=application.now())
    return found


def content(**changes: object) -> ReleaseContent:
    asked = ReleaseContent(
        kind="campaign",
        brand="tarsenne",
        fields=FIELDS,
        recipient="printer-7",
        recipient_key=str(IDENTITY.to_public()),
        maximum=5_000,
        reference="CAMPAIGN-2026",
    )
    return replace(asked, **changes)


def approved(application: Application, who, **changes: object) -> str:
    found = release_requests.request_release(application, who["marketing"], content(**changes))
    for name in ("privacy", "security"):
        found = release_requests.approve_release(application, who[name], found.id, found.standing.content.digest)
    assert found.standing.state == "approved"
    return found.id


def release_entries(application: Application, phase: str):
    """Return the entries of a phase of releases, each with its opened set or None."""
    rows = application.connection.execute(
        "select body, sealed_set from ledger_entry where operation = 'release' order by id"
    ).fetchall()
    found = [(decode_entry(body), data) for body, data in rows]
    opened = application.sets.open
    return [
        (entry, opened(entry_place(entry.lineage), data) if data else None)
        for entry, data in found
        if entry.detail.get("phase") == phase
    ]
