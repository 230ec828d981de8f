"""The commands about sessions, passkeys and access reports, as people type them, beside a running service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from people_world import ORIGIN, RP_ID, Person, ask_for_passkey
from service_world import World
from software_authenticator import SoftwareAuthenticator

from cloakroom.cli.main import main
from cloakroom.client import RefusedError
from cloakroom.tlog.note import Ed25519Verifier
from cloakroom.tlog.proof_file import ProofFile


@pytest.fixture
def world(peopled: World) -> World:
    return peopled


@pytest.fixture
def run(world: World, monkeypatch, capsys):
    monkeypatch.setenv("CLOAKROOM_HOME", str(world.settings.home))
    monkeypatch.setenv("CLOAKROOM_DATABASE_URL", world.settings.database_url or "")
    monkeypatch.setenv("CLOAKROOM_ROOT_KEY", world.settings.root_key)

    def typed(*words: str, code: int = 0):
        assert main([*words, "--json"]) == code
        captured = capsys.readouterr()
        return json.loads(captured.out) if code == 0 else captured.err

    return typed


def test_a_passkey_is_approved_at_the_machine_by_two_and_its_session_is_seen_and_ended(world: World, run):
    authenticator = SoftwareAuthenticator(RP_ID, ORIGIN)
    asked = ask_for_passkey(world.nodes[0].address, "associate", authenticator)
    waiting = [item for item in run("passkey", "list") if item["id"] == asked["id"]]
    assert [(item["state"], item["fingerprint"]) for item in waiting] == [("requested", asked["fingerprint"])]
    words = ["passkey", "approve", asked["id"], "--fingerprint", asked["fingerprint"]]
    words += ["--purpose", "access_administration"]
    keys = world.credentials
    assert run(*words, "--as", str(keys["security"]))["state"] == "requested"
    assert "same person" in run(*words, "--as", str(keys["security"]), code=1)
    assert "no role" in run(*words, "--as", str(keys["marketing"]), code=1)
    assert run(*words, "--as", str(keys["privacy"]))["state"] == "active"
    person = Person("associate", authenticator)
    with person.sign_in(world.nodes[0].address) as one, person.sign_in(world.nodes[0].address) as other:
        listed = {item["session"] for item in run("session", "list", "associate")}
        assert {one.session()["id"], other.session()["id"]} <= listed
        assert run("session", "revoke", one._credential.id) == {"ended": [one._credential.id]}
        with pytest.raises(RefusedError, match="expired"):
            one.session()
        assert other._credential.id in run("session", "revoke", "--of", "associate")["ended"]
        with pytest.raises(RefusedError, match="expired"):
            other.session()
    assert run("passkey", "revoke", asked["id"]) == {"id": asked["id"], "was_revoked": False}
    assert run("passkey", "revoke", asked["id"])["was_revoked"]
    assert "name a session" in run("session", "revoke", code=2)
    assert "no such session" in run("session", "revoke", "associate:s-000000000000", code=1)


def test_an_access_report_is_written_with_proofs_that_verify(world: World, run, tmp_path: Path):
    token = world.tokens(1)
    with world.client("associate") as client:
        list(client.reveal(token, purpose="clienteling", fields=["email"], reference="APPT-7"))
    words = ["access-report", *token, "--purpose", "own_access", "--as", str(world.credentials["privacy"])]
    assert "needs the number" in run(*words, code=1)
    found = run(*words, "--reference", "DSAR-1", "--proofs", str(tmp_path / "answer"))
    assert [(item["principal"], item["fields"]) for item in found["openings"]] == [("associate", {"email": "reveal"})]
    log = Ed25519Verifier.parse((tmp_path / "answer" / "log.key").read_text().strip())
    proof = tmp_path / "answer" / f"{found['openings'][0]['entry']}.tlog-proof"
    leaf, _ = ProofFile.parse(proof.read_bytes()).verify(log)
    assert b'"principal":"associate"' in leaf


def test_a_subject_is_linked_only_where_the_provider_is_configured(run):
    assert "no such provider" in run("passkey", "link", "associate", "--provider", "corp", "--subject", "x", code=2)
