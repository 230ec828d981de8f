"""A served store in which people sign in: policy, passkeys, sessions; what the tests of people share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from service_world import World, new_world
from software_authenticator import SoftwareAuthenticator, unb64

from cloakroom.client import Client, SignIn
from cloakroom.use_cases.store.configuration import apply_configuration

RP_ID = "localhost"
ORIGIN = "https://localhost"
SERVICE = """format = 1
[sessions]
hours = 8
idle_minutes = 30
[passkeys]
rp_id = "localhost"
origins = ["{origin}"]
[releases]
canary_domain = "post.valmont.example"
"""
ADMINISTRATION = """[purposes.access_administration]
text = "Let people sign in"
operations = ["enrol"]

[purposes.own_access]
text = "Tell a person who opened what we hold"
operations = ["access-report"]
reference = true

[purposes.breach_assessment]"""


def with_people(policy: str) -> str:
    """The policy of the tests, with purposes for enrolling and for access reports."""
    policy = policy.replace("[purposes.breach_assessment]", ADMINISTRATION, 1)
    policy = policy.replace('"breach_assessment"]', '"breach_assessment", "access_administration", "own_access"]', 1)
    return policy.replace('purposes = ["containment"]', 'purposes = ["containment", "access_administration"]', 1)


def admit_people(world: World, origin: str, more: str = "") -> None:
    """Put the configuration into force under which people sign in."""
    application = world.open("setup")
    try:
        texts = dict(application.configuration.texts)
        if "own_access" not in texts["policy.toml"]:
            texts["policy.toml"] = with_people(texts["policy.toml"])
        texts["service.toml"] = SERVICE.format(origin=origin) + more
        apply_configuration(application, texts)
    finally:
        application.close()


@dataclass
class Person:
    """Somebody with a passkey."""

    name: str
    authenticator: SoftwareAuthenticator
    passkey: str = ""

    def sign_in(self, address: str) -> Client:
        """Sign in and return a client of the session."""
        signing = SignIn(address)
        challenge = signing.begin_passkey()
        credential = signing.finish_passkey(challenge, self.authenticator.sign(challenge.challenge))
        signing.close()
        return Client(address, credential)


def ask_for_passkey(address: str, name: str, authenticator: SoftwareAuthenticator, **options) -> dict:
    """Ask for a passkey and return it as the service shows it."""
    signing = SignIn(address, **options)
    challenge = signing.begin_enrolment(name)
    answer = authenticator.register(challenge.challenge, unb64(challenge.document["user_handle"]))
    return dict(signing.finish_enrolment(challenge, answer))


def approve(world: World, passkey: dict, *names: str) -> dict:
    """Let people with keys approve a passkey."""
    shown = passkey
    for name in names:
        with world.client(name) as client:
            shown = client.approve_passkey(passkey["id"], passkey["fingerprint"], purpose="access_administration")
    return dict(shown)


def enrol_person(world: World, name: str, origin: str, **options) -> Person:
    """Enrol a passkey for a person, with two others' approval."""
    authenticator = SoftwareAuthenticator(RP_ID, origin, **options)
    passkey = ask_for_passkey(world.nodes[0].address, name, authenticator)
    approve(world, passkey, "security", "privacy")
    return Person(name, authenticator, passkey["id"])


@pytest.fixture(scope="module")
def peopled(store_template, tmp_path_factory) -> Iterator[World]:
    """A served store under whose configuration people sign in and nodes run releases; shared by a module's tests."""
    with new_world(store_template, tmp_path_factory.mktemp("peopled")) as world:
        admit_people(world, ORIGIN)
        world.start()
        yield world
