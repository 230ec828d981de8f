"""A running service over a small store: the real command, the real database, signed requests over TCP."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest
from pyroaring import BitMap

from cloakroom.adapters.credentials import PrivateCredential, read_credential
from cloakroom.client import Client
from cloakroom.flows.admission.request import AdmissionRequest
from cloakroom.gate.policy import PrincipalKind
from cloakroom.ledger.entry import Entry, decode_entry
from cloakroom.ledger.record_sets import RecordSetSealer
from cloakroom.settings import Settings
from cloakroom.signing import Message, content_digest, sign_request
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.store.configuration import apply_configuration
from cloakroom.vault.tokens import RecordReference
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application, open_application
from free_ports import free_port
from patience import PATIENCE, wait_until
from stores import StoreCopy, copied_store

SHOP = "shop-app"
OTHER_SHOP = "other-app"
PEOPLE = {
    "associate": "store_associate",
    "second-associate": "store_associate",
    "privacy": "privacy_officer",
    "second-privacy": "privacy_officer",
    "security": "security_responder",
    "marketing": "marketing_operations",
}


@dataclass
class Node:
    """One running node."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@dataclass
class World:
    """A store with enrolled principals, and the nodes that serve it."""

    settings: Settings
    credentials: dict[str, Path]
    nodes: list[Node] = field(default_factory=list)

    def open(self, node: str = "test") -> Application:
        return open_application(replace(self.settings, node=node))

    def enrol(self, name: str, role: str) -> None:
        """Enrol somebody more, whom no other test of the module has to do with, under the name of a credential."""
        with closing(self.open("enrolling")) as application:
            path = principals.enrol(
                application, name, kind=PrincipalKind.PERSON, roles=frozenset({role}), works_through=SHOP
            )
        assert path is not None
        self.credentials[name] = path

    def environment(self) -> dict[str, str]:
        """Return the variables with which a command finds the store."""
        return {
            **os.environ,
            "CLOAKROOM_DATABASE_URL": self.settings.database_url or "",
            "CLOAKROOM_ROOT_KEY": self.settings.root_key,
        }

    def start(self, *options: str, port: int | None = None) -> Node:
        port = port or free_port()
        log = self.settings.home / f"node-{port}.log"
        command = [sys.executable, "-m", "cloakroom", "serve", "--port", str(port), "--home", str(self.settings.home)]
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*command, "--node", f"n{port}", *options], stdout=file, stderr=file, env=self.environment()
            )
        node = Node(process, port, log)
        self.nodes.append(node)
        wait_until(lambda: _is_ready(node), log.read_text)
        return node

    def client(self, name: str, node: Node | None = None, **options: object) -> Client:
        return Client((node or self.nodes[0]).address, self.credentials[name], **options)  # type: ignore[arg-type]

    def credential(self, name: str) -> PrivateCredential:
        return read_credential(self.credentials[name])

    def tokens(self, count: int, *, scope: str = SHOP, brand: str | None = None, skip: int = 0) -> list[str]:
        """Tokens of live records in one scope."""
        with_application = self.open("tokens")
        try:
            codec = with_application.codec(scope)
            rows = with_application.vault.sealed_rows(range(with_application.vault.ordinals_end()))
            wanted = None if brand is None else with_application.catalogue.brand(brand)
            live = sorted(
                (row.record.ordinal, row.brand)
                for row in rows
                if row.state == 0 and (wanted is None or row.brand == wanted)
            )
            return codec.issue([RecordReference(number, ordinal) for ordinal, number in live[skip : skip + count]])
        finally:
            with_application.close()

    def sets(self) -> RecordSetSealer:
        """What opens the sets of records beside entries."""
        with closing(self.open("sets")) as application:
            return application.sets

    def entries(self) -> list[Entry]:
        with psycopg.connect(self.settings.database_url or "") as connection:
            rows = connection.execute("select body from ledger_entry order by id").fetchall()
        return [decode_entry(row[0]) for row in rows]


def _is_ready(node: Node) -> bool:
    if node.process.poll() is not None:
        raise RuntimeError(node.log.read_text())
    try:
        return httpx.get(f"{node.address}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def new_world(template: StoreCopy, folder: Path) -> Iterator[World]:
    """Keep a store with enrolled principals, served by nobody yet; its nodes end with the block."""
    with copied_store(template, folder / "store") as copy:
        world = World(copy.settings, enrol_everybody(copy.settings))
        try:
            yield world
        finally:
            for node in world.nodes:
                if node.process.poll() is None:
                    node.kill()


def with_writing_and_exchange(policy: str) -> str:
    """The demonstration's policy, with an application that writes records and hands tokens over."""
    policy = policy.replace(
        "[purposes.breach_assessment]",
        """[purposes.record_keeping]
text = "Keep the records of a brand as its system has them"
operations = ["write"]

[purposes.hand_over]
text = "Give the parcel service tokens of its own"
operations = ["exchange"]

[purposes.breach_assessment]""",
    )
    policy = policy.replace(
        'purposes = ["order_confirmation"]', 'purposes = ["order_confirmation", "record_keeping", "hand_over"]'
    )
    for window, records in (("burst", 300), ("day", 5000), ("lifetime", 100000)):
        head = f"[budgets.shop.{window}]"
        start = policy.index(head)
        policy = policy[:start] + policy[start:].replace(
            f"records = {records}", f"records = {records}\nprobes = {records}", 1
        )
    return policy


def enrol_everybody(settings: Settings) -> dict[str, Path]:
    application = open_application(settings)
    texts = dict(application.configuration.texts)
    texts["policy.toml"] = with_writing_and_exchange(texts["policy.toml"])
    apply_configuration(application, texts)
    application.close()
    application = open_application(settings)
    credentials: dict[str, Path] = {}
    for name in (SHOP, OTHER_SHOP):
        path = principals.enrol(application, name, kind=PrincipalKind.APPLICATION, roles=frozenset({"web_shop"}))
        assert path is not None
        credentials[name] = path
    for name, role in PEOPLE.items():
        path = principals.enrol(
            application, name, kind=PrincipalKind.PERSON, roles=frozenset({role}), works_through=SHOP
        )
        assert path is not None
        credentials[name] = path
    application.close()
    return credentials


@pytest.fixture(scope="module")
def served(store_template, tmp_path_factory) -> Iterator[World]:
    """A store that one node serves; shared by the tests of a module."""
    with new_world(store_template, tmp_path_factory.mktemp("served")) as world:
        world.start()
        yield world


@pytest.fixture
def fresh(store_template, tmp_path) -> Iterator[World]:
    """A store of one's own, served by nobody yet."""
    with new_world(store_template, tmp_path) as world:
        yield world


def open_and_change(world: World, name: str, *, purpose: str, reference: str) -> None:
    """Open a record as `name`, beside any node, and change the set beside its entry as a thief in the store may."""
    application = world.open()
    ask = AdmissionRequest(
        principal=principals.authenticate(
            application.records, world.credentials[name], at=application.now()
        ).principal,
        operation=Operation.REVEAL,
        purpose=purpose,
        brand="tarsenne",
        fields=frozenset({"email"}),
        records=BitMap([1]),
        reference=reference,
    )
    assert application.gatekeeper.admit([ask])[0][0].permitted
    changed = "update ledger_entry set sealed_set = set_byte(sealed_set, 60, 255 - get_byte(sealed_set, 60))"
    assert application.connection.execute(
        f"{changed} where lineage = %s and sealed_set is not null", (name,)
    ).rowcount
    application.close()


@dataclass
class Signed:
    """A signed request that a test may bend before it is sent."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]

    def send(self, node: Node, **changes: object) -> httpx.Response:
        body = changes.get("body", self.body)
        headers = {**self.headers, **changes.get("headers", {})}  # type: ignore[dict-item]
        return httpx.request(
            str(changes.get("method", self.method)),
            f"{node.address}{changes.get('path', self.path)}",
            content=body,  # type: ignore[arg-type]
            headers={name: value for name, value in headers.items() if value is not None},
            timeout=PATIENCE,
        )


def signed(
    world: World, name: str, method: str, path: str, order: Mapping[str, object] | bytes | None = None,
    *, created: int | None = None, authority: str | None = None, lifetime_s: int = 30,
) -> Signed:  # fmt: skip
    """Return a request signed by `name` for the first node."""
    body = b"" if order is None else order if isinstance(order, bytes) else msgspec.json.encode(order)
    host = authority or f"127.0.0.1:{world.nodes[0].port}"
    digest = content_digest(body) if body else None
    bare, _, query = path.partition("?")
    credential = world.credential(name)
    headers = sign_request(
        Message(method, host, bare, f"?{query}", digest),
        key_id=credential.id,
        key=credential.key,
        created=int(time.time()) if created is None else created,
        lifetime_s=lifetime_s,
    )
    if digest is not None:
        headers["content-digest"] = digest
    return Signed(method, path, body, headers)
