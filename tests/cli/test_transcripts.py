"""Each command as a person types it: help, success, refusal, exit code, and `--json` that parses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cloakroom.cli.main import main
from cloakroom.use_cases.people import principals
from spine_world import live_ordinals, rows_of, tokens_of

COMMANDS = [
    *(("init",), ("import",), ("status",), ("migrate",), ("policy", "check"), ("policy", "apply")),
    *(("principal", "add"), ("principal", "list"), ("principal", "freeze"), ("principal", "renew"), ("exposure",)),
    *(
        ("find",),
        ("reveal",),
        ("affected",),
        ("erase",),
        ("rotate", "root"),
        ("rotate", "brand"),
        ("rotate", "index"),
    ),
    *(("ledger", "verify"), ("ledger", "export"), ("ledger", "proof"), ("ledger", "check-proof"), ("demo",)),
    *(("version",), ("policy",), ("principal",), ("rotate",), ("ledger",)),
]


@pytest.fixture
def cloakroom(store, capfd, monkeypatch):
    """Run a command against the copy of the store; gives (exit code, output, error output)."""
    monkeypatch.setenv("CLOAKROOM_HOME", str(store.settings.home))
    monkeypatch.setenv("CLOAKROOM_DATABASE_URL", store.settings.database_url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return run


@pytest.fixture
def document(cloakroom):
    """Run a command with --json and return what it printed, parsed."""

    def run(*arguments):
        code, out, err = cloakroom(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    return run


@pytest.fixture
def anna(document):
    """An associate, enrolled on the command line; gives her credential file."""
    return document("principal", "add", "anna", "--role", "store_associate")["credential_file"]


@pytest.fixture
def paula(document):
    return document("principal", "add", "paula", "--role", "privacy_officer")["credential_file"]


@pytest.fixture
def customer(store):
    """The e-mail address of a customer of the brand tarsenne."""
    application = store.open()
    path = store.deliveries["tarsenne"][0]
    email = next(
        row.normal["email"] for row in rows_of(application.configuration, "tarsenne", path) if "email" in row.normal
    )
    application.close()
    return email


def token_of(store, credential, count=1):
    application = store.open()
    who = principals.authenticate(application.records, credential, at=application.now())
    tokens = tokens_of(application, who, live_ordinals(application, "tarsenne")[:count])
    application.close()
    return tokens


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_explains_itself(cloakroom, command):
    code, out, err = cloakroom(*command, "--help")
    assert (code, err) == (0, "")
    assert "Usage:" in out
    words = re.sub(r"[\W_]+", " ", out)
    assert len(words) > 60, "help says what the command does"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["import"],
        ["find", "x"],
        ["reveal", "tok_x"],
        ["principal", "add", "x"],
        ["ledger", "verify", "x"],
        ["status", "--wrong"],
        ["principal", "freeze", "x"],
    ],
    ids=" ".join,
)
def test_bad_usage_ends_with_2_and_says_so(cloakroom, arguments):
    code, _, err = cloakroom(*arguments)
    assert code == 2
    assert "Usage" in err


def test_status_shows_records_by_brand(cloakroom, document):
    found = document("status")
    assert {item["brand"] for item in found["records"]} == {"hollinwray", "ombrelune", "tarsenne"}
    code, out, _ = cloakroom("status")
    assert code == 0
    assert "Ledger:" in out


def test_version_and_migrate(cloakroom, document):
    assert cloakroom("version")[1].startswith("cloakroom ")
    assert document("migrate") == {"applied": []}
    assert "Nothing to do." in cloakroom("migrate")[1]


def test_a_repeated_import_says_that_nothing_changed(cloakroom, document, store):
    path = store.deliveries["tarsenne"][0]
    [found] = document("import", path, "--brand", "tarsenne")
    assert found["repeated"] is True
    assert "imported before; nothing changed" in cloakroom("import", path, "--brand", "tarsenne")[1]


def test_an_import_that_is_refused_ends_with_2(cloakroom, store):
    code, _, err = cloakroom("import", store.deliveries["tarsenne"][0], "--brand", "nobody")
    assert (code, "no such brand; known: hollinwray, ombrelune, tarsenne" in err) == (2, True)


def test_find_and_reveal(cloakroom, document, anna, customer):
    asking = ("--as", anna, "--purpose", "clienteling", "--reference", "APPT-1")
    found = document("find", customer, *asking, "--brand", "tarsenne")["tokens"]["tarsenne"]
    shown = document("reveal", *found, *asking, "--field", "email", "--field", "given_name")
    assert shown["forms"]["email"] == "reveal"
    assert customer in {item["fields"]["email"].strip().lower() for item in shown["records"]}
    code, out, _ = cloakroom("find", customer, *asking)
    assert code == 0
    assert "tok_" in out
    code, out, _ = cloakroom("find", "nobody@example.com", *asking)
    assert (code, out.strip()) == (0, "Nobody found.")


def test_a_refusal_ends_with_1_and_shows_nothing(cloakroom, store, anna):
    [token] = token_of(store, anna)
    asking = ("--as", anna, "--reference", "APPT-1", "--field", "email")
    for purpose in ("access_request", "no_such_purpose"):
        code, out, err = cloakroom("reveal", token, *asking, "--purpose", purpose)
        assert (code, out) == (1, "")
        assert "refused:" in err
    code, out, err = cloakroom("reveal", "tok_" + "A" * 22, *asking, "--purpose", "clienteling")
    assert (code, out) == (1, "")


def test_a_search_for_nonsense_ends_with_2_and_does_not_repeat_it(cloakroom, anna):
    code, out, err = cloakroom(
        "find", "not-an-address", "--as", anna, "--purpose", "clienteling", "--reference", "A-1"
    )
    assert (code, out) == (2, "")
    assert "not a value of the index email" in err
    assert "not-an-address" not in err


def test_a_credential_open_to_others_is_refused(cloakroom, anna, customer):
    Path(anna).chmod(0o644)
    code, _, err = cloakroom("find", customer, "--as", anna, "--purpose", "clienteling")
    assert code == 1
    assert "chmod 600" in err.replace("\n", " ")


def test_principals_are_enrolled_listed_frozen_and_renewed_by_somebody_else(cloakroom, document, store, anna, paula):
    assert {item["id"] for item in document("principal", "list")} == {"anna", "paula"}
    assert "anna" in cloakroom("principal", "list")[1]
    assert document("principal", "freeze", "anna", "--reason", "INC-1")["was_frozen"] is False
    assert "frozen already" in cloakroom("principal", "freeze", "anna", "--reason", "INC-1")[1]
    [token] = token_of(store, anna)
    code, _, err = cloakroom(
        "reveal", token, "--as", anna, "--purpose", "clienteling", "--reference", "A-1", "--field", "email"
    )
    assert (code, "this credential is frozen" in err) == (1, True)
    code, _, err = cloakroom("principal", "renew", "anna", "--as", paula)
    assert (code, "renew with thaw" in err.replace("\n", " ")) == (1, True)
    code, _, err = cloakroom("principal", "renew", "anna", "--as", anna, "--thaw")
    assert code == 1
    assert document("principal", "renew", "anna", "--as", paula, "--thaw")["renewed_by"] == "paula"
    code, _, err = cloakroom("principal", "add", "anna", "--role", "store_associate")
    assert (code, "exists already" in err.replace("\n", "")) == (2, True)
    assert cloakroom("principal", "freeze", "nobody", "--reason", "x")[0] == 1


def test_exposure_states_the_ceiling(cloakroom, document, anna):
    found = document("exposure", "anna")
    assert "40 records at once" in cloakroom("exposure", "anna")[1]
    assert found
    assert document("exposure")
    assert cloakroom("exposure", "nobody")[0] == 1


def test_affected_counts_what_was_opened(cloakroom, document, store, anna):
    code, out, _ = cloakroom("affected", "anna")
    assert (code, "Nobody" in out) == (0, True)
    tokens = token_of(store, anna, 3)
    asking = ("--as", anna, "--purpose", "clienteling", "--reference", "A-1", "--field", "email")
    document("reveal", *tokens, *asking)
    found = document("affected", "anna")
    assert found["records"] == 3
    assert found["by_brand"] == {"tarsenne": 3}
    assert found["persons"]["lower"] <= 3
    assert document("affected", "anna", "--to", "2020-01-01T00:00:00Z")["records"] == 0
    assert "3 records" in cloakroom("affected", "anna")[1]
    assert cloakroom("affected", "nobody")[0] == 1
    assert cloakroom("affected", "--from", "yesterday")[0] == 2


def test_erasing_gives_a_receipt_that_is_checked_with_the_key_alone(cloakroom, document, store, paula, tmp_path):
    tokens = token_of(store, paula, 2)
    receipt = tmp_path / "receipt"
    asking = ("--as", paula, "--purpose", "access_request", "--reference", "CASE-1")
    code, _, _ = cloakroom("erase", tokens[0], "--as", paula, "--purpose", "clienteling", "--yes")
    assert code == 1
    assert document("erase", *tokens, *asking, "--receipt", receipt, "--yes")["erased"] == 2
    key = document("ledger", "export", tmp_path / "ledger")["key"]
    found = document("ledger", "check-proof", receipt, "--key", key)
    assert json.loads(found["entry"])["operation"] == "erase"
    code, _, err = cloakroom("erase", tokens[0], *asking, "--yes")
    assert (code, "no record to erase behind number 1" in err) == (2, True)


def test_the_ledger_is_exported_verified_and_proven(cloakroom, document, tmp_path):
    folder = tmp_path / "ledger"
    exported = document("ledger", "export", folder)
    verified = document("ledger", "verify", folder, "--key", exported["key"])
    assert (verified["verified"], verified["entries"]) == (True, exported["size"])
    assert "Verified" in cloakroom("ledger", "verify", folder, "--key", exported["key"])[1]
    document("ledger", "proof", 0, "--out", tmp_path / "proof")
    assert document("ledger", "check-proof", tmp_path / "proof", "--key", exported["key"])["verified"] is True
    assert cloakroom("ledger", "proof", 10**6, "--out", tmp_path / "none")[0] == 1
    bundle = next((folder / "tile" / "entries").rglob("*.p/*"))
    data = bytearray(bundle.read_bytes())
    data[40] ^= 1
    bundle.write_bytes(data)
    code, _, err = cloakroom("ledger", "verify", folder, "--key", exported["key"])
    assert code == 1
    assert "tile/entries" in err


def test_keys_rotate(cloakroom, document, tmp_path, monkeypatch):
    assert document("rotate", "brand", "tarsenne")["records"] > 0
    assert document("rotate", "index", "tarsenne")["rows"] > 0
    new = f"file:{tmp_path / 'new.key'}"
    assert document("rotate", "root", new, "--create")["root_key"] == new
    code, _, err = cloakroom("status")
    assert (code, "wrong root key" in err.replace("\n", " ")) == (1, True)
    monkeypatch.setenv("CLOAKROOM_ROOT_KEY", new)
    assert document("status")["keys"] > 0
    assert cloakroom("rotate", "brand", "nobody")[0] == 2


def test_configurations_are_checked_and_applied(cloakroom, document, store, tmp_path):
    folder = store.template / "configuration"
    assert document("policy", "check", folder)["brands"] == ["hollinwray", "ombrelune", "tarsenne"]
    assert document("policy", "apply", folder)["changed"] == []
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in folder.rglob("*.toml"):
        target = broken / path.relative_to(folder)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    (broken / "policy.toml").write_text("format = 1\nnonsense = 2\n")
    code, out, _ = cloakroom("policy", "check", broken, "--json")
    assert code == 2
    assert any("policy.toml:2" in problem for problem in json.loads(out)["problems"])
    assert cloakroom("policy", "apply", broken)[0] == 2


def test_init_refuses_an_existing_store(cloakroom, store):
    code, _, err = cloakroom("init", "--config", store.template / "configuration")
    assert code == 2
    assert "never overwritten" in err.replace("\n", " ")


def test_init_makes_a_store_and_says_where_the_key_lies(capfd, store, empty_database, tmp_path, monkeypatch):
    monkeypatch.setenv("CLOAKROOM_HOME", str(tmp_path / "new"))
    monkeypatch.setenv("CLOAKROOM_DATABASE_URL", empty_database)
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["init", "--config", str(store.template / "configuration")]) == 0
    out, _ = capfd.readouterr()
    assert "Without it nothing opens" in out
    assert (tmp_path / "new" / "root.key").stat().st_mode & 0o777 == 0o600
    assert main(["status", "--json"]) == 0
    assert json.loads(capfd.readouterr()[0])["records"] == []
