"""P2: whatever answers somebody has waited for the disk before; each use case that writes, one by one.

Every store of the suite refuses commits that would not wait (`durable_commits`). Here that refusal is shown to be
what the database itself does, and each use case that writes is run under it: a new one not in the table fails.
"""

from __future__ import annotations

import ast
import csv
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from people_world import RP_ID, SERVICE, with_people
from release_world import DOMAIN, IDENTITY
from service_world import OTHER_SHOP, SHOP, World, new_world
from software_authenticator import SoftwareAuthenticator, unb64

import cloakroom
from cloakroom.adapters.openid import subject_digest
from cloakroom.adapters.passkeys import Assertion, Registration
from cloakroom.adapters.root_key import create_root_key
from cloakroom.claims.statement import Statement
from cloakroom.crypto import SigningKey
from cloakroom.errors import StatementError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.records import erase as erase_flow
from cloakroom.flows.records import find as finding
from cloakroom.flows.records import reveal as revealing
from cloakroom.flows.records import write_record as write_flow
from cloakroom.flows.store import rotate as rotate_flow
from cloakroom.gate.policy import PrincipalKind
from cloakroom.gate.releases import ReleaseContent
from cloakroom.settings import Settings
from cloakroom.signing.binding import Ceremony, bind_key
from cloakroom.testing.group import copy_configuration
from cloakroom.use_cases.incident import affected, claims, persons
from cloakroom.use_cases.ledger import access_report, files
from cloakroom.use_cases.people import ceremonies, passkey_enrolment, principals, sessions, signing_in
from cloakroom.use_cases.records import erasing, exchanging, importing, writing
from cloakroom.use_cases.releases import background_runs, requests, running
from cloakroom.use_cases.store import configuration, rotation
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application, initialise, open_application
from durable_commits import MAY_VANISH, changes_watched, watch_commits, watched_tables
from spine_world import live_ordinals, open_records, search, tokens_of

ORIGIN = "https://localhost"
PROVIDER = """
[[providers]]
id = "corp"
label = "Cavrane account"
issuer = "https://id.example"
authorization_endpoint = "https://id.example/authorize"
token_endpoint = "https://id.example/token"
jwks_uri = "https://id.example/jwks"
client_id = "cloakroom"
redirect_uri = "https://localhost/sign-in"
algorithms = ["RS256"]
"""
SUBJECT = "subject-7"


@dataclass
class Stage:
    """What a use case is played on: a store of the whole cast, opened, and a folder for files."""

    world: World
    app: Application
    folder: Path

    def who(self, name: str) -> Caller:
        return principals.authenticate(self.app.records, self.world.credentials[name], at=self.app.now())

    def tokens(self, name: str, first: int, count: int = 1) -> list[str]:
        return tokens_of(self.app, self.who(name), live_ordinals(self.app)[first : first + count])


@pytest.fixture(scope="module")
def cast(store_template, tmp_path_factory) -> Iterator[World]:
    with new_world(store_template, tmp_path_factory.mktemp("durable")) as world:
        with closing(world.open("setup")) as application:
            texts = dict(application.configuration.texts)
            texts["policy.toml"] = with_people(texts["policy.toml"])
            texts["service.toml"] = SERVICE.format(origin=ORIGIN) + PROVIDER
            configuration.apply_configuration(application, texts)
        yield world


@pytest.fixture
def stage(cast: World, tmp_path: Path) -> Iterator[Stage]:
    with closing(cast.open("durable")) as application:
        yield Stage(cast, application, tmp_path)


def reveal(stage: Stage) -> None:
    assert open_records(stage.app, stage.who("associate"), stage.tokens("associate", 0)).admission.permitted


def refuse(stage: Stage) -> None:
    tokens = stage.tokens("associate", 0)
    assert not open_records(stage.app, stage.who("associate"), tokens, purpose="none").admission.permitted


def find(stage: Stage) -> None:
    assert search(stage.app, stage.who("associate"), ["tarsenne"], "nobody@example.com").admission.permitted


def write_one(stage: Stage, key: str, record_id: str, *, deleted: bool = False) -> str:
    fields = {} if deleted else {"given_name": "Ada", "email": f"{record_id}@example.com"}
    return writing.write_record(
        stage.app,
        stage.who(SHOP),
        writing.RecordWrite("tarsenne", record_id, fields, None, deleted),
        purpose="record_keeping",
        key=key,
        request=key.encode(),
    )


def write(stage: Stage) -> None:
    assert write_one(stage, "write-create", "T90000001")


def write_again(stage: Stage) -> None:
    write_one(stage, "write-before", "T90000002")
    assert write_one(stage, "write-change", "T90000002")


def delete(stage: Stage) -> None:
    write_one(stage, "delete-before", "T90000003")
    assert write_one(stage, "delete", "T90000003", deleted=True) == ""


def exchange(stage: Stage) -> None:
    assert exchanging.exchange(stage.app, stage.who(SHOP), stage.tokens(SHOP, 1), OTHER_SHOP, purpose="hand_over")


def erase(stage: Stage) -> None:
    tokens = stage.tokens("privacy", -3)
    erasing.erase(stage.app, tokens, stage.who("privacy"), purpose="access_request", reference="DSAR-1")


def report(stage: Stage) -> None:
    reveal(stage)
    tokens = stage.tokens("privacy", 0)
    access_report.report_access(stage.app, stage.who("privacy"), tokens, purpose="own_access", reference="DSAR-2")


def freeze_and_renew(stage: Stage) -> None:
    assert principals.freeze(
        stage.app.gatekeeper, stage.app.records, "second-associate", by="operator", reason="INC-1"
    )
    principals.renew(stage.app, "second-associate", stage.who("privacy"), thaw=True)
    principals.renew(stage.app, "second-associate", stage.who("privacy"))


def enrol(stage: Stage) -> None:
    roles = frozenset({"store_associate"})
    assert principals.enrol(stage.app, "newcomer", kind=PrincipalKind.PERSON, roles=roles)


def ask_for_passkey(stage: Stage, name: str) -> tuple[SoftwareAuthenticator, passkey_enrolment.StoredPasskey]:
    key = SigningKey.generate().verifying_key
    begun, _ = passkey_enrolment.begin_enrolment(stage.app, key, name, address=None)
    authenticator = SoftwareAuthenticator(RP_ID, ORIGIN, counter=1)
    challenge = bind_key(Ceremony.ENROL, begun.nonce, key)
    answer = authenticator.register(challenge, ceremonies.user_handle(stage.app.identity.id, name))
    asked = passkey_enrolment.finish_enrolment(stage.app, key, begun.id, Registration(**answer))
    for approver in ("security", "privacy"):
        asked = passkey_enrolment.approve_passkey(
            stage.app,
            stage.who(approver),
            asked.id,
            asked.fingerprint,
            purpose="access_administration",
        )
    assert asked.state == "active"
    return authenticator, asked


def enrol_passkey(stage: Stage) -> None:
    _, passkey = ask_for_passkey(stage, "associate")
    assert passkey_enrolment.revoke_passkey(stage.app, passkey.id, by="operator")


def sign_in(stage: Stage) -> None:
    authenticator, passkey = ask_for_passkey(stage, "associate")
    for _ in range(2):
        key = SigningKey.generate().verifying_key
        begun, _ = signing_in.begin_passkey_sign_in(stage.app, key, address=None)
        answer = authenticator.sign(bind_key(Ceremony.PASSKEY, begun.nonce, key))
        handle = unb64(answer.pop("user_handle"))
        session = signing_in.finish_passkey_sign_in(
            stage.app, key, begun.id, Assertion(**answer), handle=handle, address=None
        )
    assert session.signed_in_by == f"passkey:{passkey.id}"
    assert sessions.revoke_session(stage.app, session, by="operator")
    assert len(sessions.revoke_sessions_of(stage.app, "associate", by="operator")) == 1


class Vouching:
    """Stands for the client of a provider that vouches for somebody."""

    def subject(self, *_: object, **__: object) -> str:
        return SUBJECT


def sign_in_at_a_provider(stage: Stage) -> None:
    passkey_enrolment.link_subject(stage.app, "marketing", "corp", SUBJECT)
    assert stage.app.connection.execute("select digest from openid_subject").fetchone() == (
        subject_digest("https://id.example", SUBJECT),
    )
    key = SigningKey.generate().verifying_key
    begun, _, _ = signing_in.begin_openid_sign_in(stage.app, key, "corp", address=None)
    signing_in.finish_openid_sign_in(stage.app, key, begun.id, "code", issuer=None)
    assert signing_in.redeem_code(stage.app, Vouching())  # type: ignore[arg-type]
    assert signing_in.collect_openid_sign_in(stage.app.sign_ins, key, begun.id).session
    assert passkey_enrolment.unlink_subjects(stage.app, "marketing", "corp") == 1


def approved(stage: Stage) -> str:
    content = ReleaseContent(
        kind="campaign",
        brand="tarsenne",
        fields=("email", "given_name"),
        recipient="printer-7",
        recipient_key=str(IDENTITY.to_public()),
        maximum=5_000,
        reference="CAMPAIGN-1",
    )
    found = requests.request_release(stage.app, stage.who("marketing"), content)
    for name in ("privacy", "security"):
        digest = found.standing.content.digest
        found = requests.approve_release(stage.app, stage.who(name), found.id, digest)
    return found.id


def release(stage: Stage) -> None:
    done = running.run_release(
        stage.app, stage.who("marketing"), approved(stage), stage.folder / "campaign.age", canary_domain=DOMAIN
    )
    assert done.canaries


def release_in_the_background(stage: Stage) -> None:
    name = approved(stage)
    background_runs.ask_for_run(stage.app, stage.who("marketing"), name)
    assert background_runs.run_waiting(stage.app)
    assert background_runs.read_part(stage.app, stage.who("marketing"), name, 0)


def import_a_file(stage: Stage) -> None:
    columns = "customer_id,first_name,last_name,email,phone,mobile,street,city,state,postcode,country,birth_date"
    columns += ",language,kind,store,total_spend,created_at,updated_at,deleted"
    rows = [dict.fromkeys(columns.split(","), "") for _ in range(3)]
    for number, row in enumerate(rows):
        row |= {"customer_id": f"T8000000{number % 2}", "email": f"p{number}@example.com"}
        row |= {"updated_at": f"2025-03-0{number + 1}T00:00:00Z", "deleted": "false"}
    path = stage.folder / "delivery.csv"
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, columns.split(","))
        table.writeheader()
        table.writerows(rows)
    assert importing.import_file(stage.app, path, "tarsenne").counts["created"] == 2


def apply_a_configuration(stage: Stage) -> None:
    texts = dict(stage.app.configuration.texts)
    texts["policy.toml"] += "\n# as it was\n"
    assert configuration.apply_configuration(stage.app, texts)["changed"] == ["policy.toml"]


def rotate(stage: Stage) -> None:
    assert rotation.rotate_brand(stage.app, "tarsenne")
    assert rotation.rotate_index(stage.app, "tarsenne")
    assert rotation.rotate_sets(stage.app) == 2


def rotate_the_root(stage: Stage) -> None:
    create_root_key(stage.folder / "new.key")
    assert rotation.rotate_root(stage.app, f"file:{stage.folder / 'new.key'}")
    rotation.rotate_root(stage.app, stage.world.settings.root_key)


def count_the_affected(stage: Stage) -> None:
    reveal(stage)
    assert affected.affected_by(stage.app, lineage="associate").persons


def check_a_claim(stage: Stage) -> None:
    dump = stage.folder / "dump.txt"
    dump.write_text("somebody@example.com\n")
    assert claims.check(stage.app, [dump], Statement()).id


def sign_a_checkpoint(stage: Stage) -> None:
    stage.app.ledger.append({}, [stage.app.entries.prepare(lineage="system", operation=Operation.HEARTBEAT)])
    stage.app.sequencer.run()
    files.export_ledger(stage.app, stage.folder / "export")


USE_CASES: dict[Callable[[Stage], None], set[Callable[..., object]]] = {
    apply_a_configuration: {configuration.apply_configuration},
    check_a_claim: set(),
    count_the_affected: {affected.affected_by, persons.persons_of},
    delete: {write_flow.write_record},
    enrol: {principals.enrol},
    enrol_passkey: {
        passkey_enrolment.approve_passkey,
        passkey_enrolment.finish_enrolment,
        passkey_enrolment.revoke_passkey,
    },
    erase: {erase_flow.erase},
    exchange: {exchanging.exchange},
    find: {finding.find},
    freeze_and_renew: {principals.freeze, principals.renew},
    import_a_file: {importing.import_file},
    refuse: {revealing.admit_reveals},
    release: {requests.approve_release, requests.request_release, running.run_release},
    release_in_the_background: {background_runs.read_part, background_runs.run_waiting},
    report: {access_report.report_access},
    reveal: {revealing.admit_reveals, revealing.reveal},
    rotate: {rotate_flow.rotate_brand, rotate_flow.rotate_index, rotate_flow.rotate_sets},
    rotate_the_root: {rotate_flow.rotate_root},
    sign_a_checkpoint: set(),
    sign_in: {
        sessions.open_session,
        sessions.revoke_session,
        sessions.revoke_sessions_of,
        signing_in.finish_passkey_sign_in,
    },
    sign_in_at_a_provider: {
        passkey_enrolment.link_subject,
        passkey_enrolment.unlink_subjects,
        signing_in.redeem_code,
    },
    write: {write_flow.write_record},
    write_again: {write_flow.write_record},
}
"""Each use case that writes, by how it is played, with the functions that it goes through."""


@pytest.mark.parametrize("play", USE_CASES, ids=lambda play: play.__name__)
def test_it_answers_only_when_its_commits_have_reached_the_disk(stage: Stage, play, monkeypatch):
    monkeypatch.setattr(rotate_flow, "REFRESH_SECONDS", 0)
    before = changes_watched(stage.app.connection)
    play(stage)
    assert changes_watched(stage.app.connection) > before


def test_making_a_store_waits_for_the_disk(tmp_path: Path, empty_database: str, monkeypatch):
    copy_configuration(tmp_path / "configuration")
    settings = Settings(tmp_path / "home", empty_database, f"file:{tmp_path / 'home' / 'root.key'}", "test")

    def watched(settings: Settings) -> Application:
        with psycopg.connect(empty_database, autocommit=True) as connection:
            watch_commits(connection)
        return open_application(settings)

    monkeypatch.setattr("cloakroom.wiring.open_application", watched)
    with closing(initialise(settings, tmp_path / "configuration")) as application:
        assert changes_watched(application.connection) > 0


def test_a_use_case_that_writes_is_in_the_table():
    """Found in the text of the use cases and flows, so that a new one cannot be forgotten."""
    covered = {(item.__module__, item.__name__) for item in set().union(*USE_CASES.values())}
    assert writing_functions() - covered == set(), "play them above"
    assert covered - writing_functions() == set(), "they do not write any more"


_TRANSACTIONS = {"admit", "changing", "exclusive", "settled", "transaction"}
_OF_THE_LEDGER = {"append", "enter", "freeze", "renew", "thaw"}
_OF_FLOWS = {"approve_release", "request_release", "run_release"}
"""Methods of flows that open transactions: whoever calls one writes."""


def test_a_method_of_a_flow_that_opens_a_transaction_is_known_by_its_name():
    """Or a use case that calls it would not be found."""
    found = set()
    for path in sorted((Path(cloakroom.__file__).parent / "flows").rglob("*.py")):
        for item in ast.parse(path.read_text()).body:
            methods = [one for one in getattr(item, "body", ()) if isinstance(one, ast.FunctionDef)]
            if isinstance(item, ast.ClassDef) and "Protocol" not in map(ast.unparse, item.bases):
                found |= {one.name for one in methods if any(map(_opens_a_transaction, ast.walk(one)))}
    public = {name for name in found if not name.startswith("_")}
    assert public - _TRANSACTIONS == _OF_FLOWS | {"run"}, "of these only the sequencer's is called `run`"


def _opens_a_transaction(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr in _TRANSACTIONS


def writing_functions() -> set[tuple[str, str]]:
    """Return (module, name) of the public functions that append entries or open transactions themselves."""
    root = Path(cloakroom.__file__).parent
    found = set()
    for path in sorted([*root.glob("use_cases/**/*.py"), *root.glob("flows/**/*.py")]):
        module = ".".join(("cloakroom", *path.relative_to(root).with_suffix("").parts))
        functions = {
            item.name: item for item in ast.parse(path.read_text()).body if isinstance(item, ast.FunctionDef)
        }
        names = {name for name, item in functions.items() if any(map(_writes, ast.walk(item)))}
        while more := {name for name, item in functions.items() if _calls(item) & names} - names:
            names |= more
        found |= {(module, name) for name in names if not name.startswith("_")}
    return found


def _writes(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    owner = node.func.value
    name = getattr(owner, "attr", getattr(owner, "id", "")).strip("_")
    of_ledger = name in {"entries", "gatekeeper", "ledger"}
    return node.func.attr in _TRANSACTIONS | _OF_FLOWS or (of_ledger and node.func.attr in _OF_THE_LEDGER)


def _calls(function: ast.FunctionDef) -> set[str]:
    nodes = ast.walk(function)
    return {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}


def test_every_table_is_watched_but_those_that_may_vanish_with_a_reason(application: Application):
    tables = application.connection.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    )
    assert {row[0] for row in tables} - watched_tables(application.connection) == MAY_VANISH.keys()


def test_what_is_let_pass_has_reached_the_disk_and_what_is_refused_may_not_have(application: Application):
    """The check by the setting is compared with where the database says that its log is on disk."""
    connection = application.connection
    connection.execute("create table watched (number int)")
    connection.execute(
        "create constraint trigger waits_for_the_disk after insert on watched deferrable initially deferred"
        " for each row execute function durability.check_commit()"
    )
    connection.execute("create table unwatched (number int)")

    def lacks(table: str, setting: str) -> bool:
        """Commit, and answer whether the commit is not on the disk yet."""
        with connection.transaction():
            connection.execute(f"set local synchronous_commit = {setting}")
            connection.execute(f"insert into {table} values (1)")
            written = connection.execute("select pg_current_wal_insert_lsn()").fetchone()
        (reached,) = connection.execute("select %s < pg_current_wal_flush_lsn()", written).fetchone()
        return not reached

    assert not any(lacks("watched", "on") for _ in range(50))
    with pytest.raises(StatementError) as refused:
        lacks("watched", "off")
    assert "watched does not wait for the disk" in str(refused.value.__cause__)
    # The disk is written to every fifth of a second, so that a commit that does not wait is nearly always ahead.
    assert any(lacks("unwatched", "off") for _ in range(200))


def test_nothing_is_opened_where_the_commit_itself_fails(stage: Stage, monkeypatch):
    who, tokens = stage.who("associate"), stage.tokens("associate", 0)
    opened = []
    monkeypatch.setattr(revealing.RecordOpener, "show_many", lambda *_: opened.append(1))
    stage.app.connection.execute("set synchronous_commit = off")
    with pytest.raises(StatementError) as refused:
        open_records(stage.app, who, tokens)
    assert "does not wait for the disk" in str(refused.value.__cause__)
    assert opened == []
