"""A running node learns of what is made elsewhere, by another node or on the command line: rules, canaries, keys."""

from __future__ import annotations

import time
from threading import Event
from types import SimpleNamespace

import msgspec
import pytest
from core_world import RunningCore
from people_world import SERVICE
from release_world import DOMAIN, approved, enrol_everybody

from cloakroom.crypto import SigningKey
from cloakroom.flows.store import rotate
from cloakroom.gate.policy import PrincipalKind
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.releases.running import run_release
from cloakroom.use_cases.store.configuration import apply_configuration
from cloakroom.use_cases.store.rotation import rotate_brand, rotate_index
from cloakroom.vault.facets import CANARY
from cloakroom.vault.key_ring import KeyPurpose
from cloakroom.vault.tokens import RecordReference
from cloakroom.web.api.problems import Answer
from cloakroom.web.api.requests.records import Find, Found, Reveal, Revealed
from cloakroom.web.api.requests.sign_in import ShowSignIn
from cloakroom.web.api.unenrolled import key_id_of
from cloakroom.web.core.core import REFRESH_SECONDS
from cloakroom.web.node.jobs import _Job

SOLD = {"purpose": "clienteling", "reference": "APPT-7", "fields": ["email"]}
FORBID = """
[forbid.closed_for_now]
text = "Nobody looks into what a brand was asked to keep closed"
purposes = ["clienteling"]
"""


@pytest.fixture
def world(store):
    """A core that runs, what is done elsewhere, and the people of both."""
    elsewhere = store.open("elsewhere")
    who = enrol_everybody(elsewhere)
    core = RunningCore(lambda: store.open("core"))
    yield SimpleNamespace(store=store, core=core, elsewhere=elsewhere, who=who, associate=who["associate"].credential)
    core.close()
    elsewhere.close()


def tokens(application, ordinals, scope="app"):
    rows = sorted(application.vault.sealed_rows(ordinals), key=lambda row: row.record.ordinal)
    return application.codec(scope).issue([RecordReference(row.brand, row.record.ordinal) for row in rows])


def live(application, brand="tarsenne", count=3):
    number = application.catalogue.brand(brand)
    rows = application.vault.sealed_rows(range(application.vault.ordinals_end()))
    return sorted(row.record.ordinal for row in rows if row.brand == number and row.state == 0)[:count]


def change(application, **texts):
    apply_configuration(application, {**application.configuration.texts, **texts})
    application.refresh_configuration()


def test_a_canary_that_a_release_made_elsewhere_freezes_whoever_touches_it_here(world, tmp_path):
    run_release(
        world.elsewhere,
        world.who["marketing"],
        approved(world.elsewhere, world.who),
        tmp_path / "x.age",
        canary_domain=DOMAIN,
    )
    world.elsewhere.refresh_configuration()
    number = world.elsewhere.catalogue.brand("tarsenne")
    [canaries] = [members for name, members in world.elsewhere.facets.values_of(number, CANARY).items() if name]
    [canary, *_] = tokens(world.elsewhere, sorted(canaries)[:1])
    world.core.look()
    assert world.core.code(world.associate, Reveal(tokens=[canary], **SOLD)) == "frozen"
    assert world.elsewhere.records.principal("associate").frozen_reason == "canary"


def test_a_rule_made_elsewhere_refuses_here_and_one_taken_back_permits_again(world):
    token = tokens(world.elsewhere, live(world.elsewhere))
    before = world.elsewhere.configuration.texts["policy.toml"]
    assert world.core.code(world.associate, Reveal(tokens=token, **SOLD)) == ""
    change(world.elsewhere, **{"policy.toml": before + FORBID})
    world.core.look()
    assert world.core.reason(world.associate, Reveal(tokens=token, **SOLD)) == "forbidden"
    change(world.elsewhere, **{"policy.toml": before})
    world.core.look()
    assert world.core.code(world.associate, Reveal(tokens=token, **SOLD)) == ""


def test_a_way_to_sign_in_that_is_configured_elsewhere_is_offered_here(world):
    stranger = key_id_of(SigningKey.generate().verifying_key)

    def offered() -> Answer:
        return world.core.ask(stranger, ShowSignIn())

    assert b"localhost" not in offered().body
    change(world.elsewhere, **{"service.toml": SERVICE.format(origin="https://localhost")})
    world.core.look()
    assert b"localhost" in offered().body


def test_the_keys_of_an_application_that_is_enrolled_elsewhere_read_its_tokens_here(world):
    principals.enrol(world.elsewhere, "till", kind=PrincipalKind.APPLICATION, roles=frozenset({"web_shop"}))
    path = principals.enrol(
        world.elsewhere,
        "new-associate",
        kind=PrincipalKind.PERSON,
        roles=frozenset({"store_associate"}),
        works_through="till",
    )
    caller = principals.authenticate(world.elsewhere.records, path, at=world.elsewhere.now())
    token = tokens(world.elsewhere, live(world.elsewhere), scope="till")
    assert world.core.code(caller.credential, Reveal(tokens=token, **SOLD)) == ""


def test_keys_that_are_rotated_elsewhere_open_here(world):
    token = tokens(world.elsewhere, live(world.elsewhere))
    assert world.core.code(world.associate, Reveal(tokens=token, **SOLD)) == ""
    rotate_brand(world.elsewhere, "tarsenne")
    world.core.look()
    answer = world.core.ask(world.associate, Reveal(tokens=token, **SOLD))
    assert (answer.status, answer.code) == (200, "")


def test_what_lies_under_an_index_key_that_is_made_elsewhere_is_found_here(world, monkeypatch):
    monkeypatch.setattr(rotate, "REFRESH_SECONDS", 0)
    [token] = tokens(world.elsewhere, live(world.elsewhere, count=1))
    revealed = msgspec.json.decode(
        world.core.ask(world.associate, Reveal(tokens=[token], **SOLD)).body, type=Revealed
    )
    search = Find(
        purpose=SOLD["purpose"],
        reference=SOLD["reference"],
        by="email",
        value=revealed.records[0].fields["email"],
        brands=["tarsenne"],
    )
    rotate_index(world.elsewhere, "tarsenne")
    world.core.look()
    found = msgspec.json.decode(world.core.ask(world.associate, search).body, type=Found)
    assert token in found.tokens["tarsenne"]


def test_a_key_that_is_destroyed_elsewhere_is_kept_in_no_memory_here(world, monkeypatch):
    monkeypatch.setattr(rotate, "REFRESH_SECONDS", 0)
    brand = world.elsewhere.catalogue.brand("tarsenne")
    world.core.look()
    assert world.core.application.ring.generations(KeyPurpose.WRAP, brand, "CONTACT") == [1]
    rotate_brand(world.elsewhere, "tarsenne")
    world.core.look()
    assert world.core.application.ring.generations(KeyPurpose.WRAP, brand, "CONTACT") == [2]


def test_between_batches_a_core_looks_by_itself_more_than_once_a_second(world):
    token = tokens(world.elsewhere, live(world.elsewhere))
    assert world.core.code(world.associate, Reveal(tokens=token, **SOLD)) == ""
    change(
        world.elsewhere,
        **{"policy.toml": world.elsewhere.configuration.texts["policy.toml"] + FORBID},
    )
    assert REFRESH_SECONDS < 1
    time.sleep(REFRESH_SECONDS)
    world.core.core.idle()
    assert world.core.reason(world.associate, Reveal(tokens=token, **SOLD)) == "forbidden"


def test_what_changed_while_the_core_had_no_store_open_is_known_with_the_next_batch(world):
    token = tokens(world.elsewhere, live(world.elsewhere))
    assert world.core.code(world.associate, Reveal(tokens=token, **SOLD)) == ""
    with world.elsewhere.connection.transaction():
        world.elsewhere.connection.execute(
            "select pg_terminate_backend(%s)", (world.core.application.connection.info.backend_pid,)
        )
    assert world.core.code(world.associate, Reveal(tokens=token, **SOLD)) == "unavailable"
    change(
        world.elsewhere,
        **{"policy.toml": world.elsewhere.configuration.texts["policy.toml"] + FORBID},
    )
    assert world.core.reason(world.associate, Reveal(tokens=token, **SOLD)) == "forbidden"


def test_jobs_work_under_the_configuration_that_is_in_force_when_they_are_done(world):
    """A job waits for hours; what was configured meanwhile, elsewhere, holds for it."""
    seen, changed = [], Event()

    def work(application) -> bool:
        seen.append(application.configuration.service.passkeys)
        if seen[-1] is not None:
            changed.set()
        return False

    job = _Job("sample", "sample", world.store.open, work)
    job.start()
    try:
        deadline = time.monotonic() + 60
        while not seen and time.monotonic() < deadline:
            time.sleep(0.01)
        assert seen[0] is None
        change(world.elsewhere, **{"service.toml": SERVICE.format(origin="https://localhost")})
        world.elsewhere.connection.execute("notify sample")
        assert changed.wait(60)
    finally:
        job.stop()
        job.join()
