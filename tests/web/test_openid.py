"""People sign in at an OpenID provider: what it may say, and every lie that is not believed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from openid_provider import Provider
from people_world import ORIGIN, admit_people
from service_world import World, new_world

from cloakroom.adapters import openid
from cloakroom.client import Client, RefusedError, SignIn
from cloakroom.errors import ConflictError, RuleError, UsageError
from cloakroom.flows.store.service_file import parse_service
from cloakroom.use_cases.people.passkey_enrolment import link_subject, unlink_subjects
from patience import wait_until

REDIRECT = "https://localhost/sign-in"
STRENGTH = 'acr = ["phishing-resistant"]\namr = ["hwk"]\nmax_age_minutes = 30\n'


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    running = Provider()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def joined(store_template, tmp_path_factory, provider: Provider) -> Iterator[World]:
    """A served store that takes the provider's word for one subject."""
    with new_world(store_template, tmp_path_factory.mktemp("joined")) as world:
        admit_people(world, ORIGIN, provider.configuration(REDIRECT, STRENGTH))
        application = world.open("setup")
        link_subject(application, "associate", "corp", "subject-7")
        application.close()
        world.start()
        yield world


@pytest.fixture
def honest(provider: Provider) -> Iterator[Provider]:
    """The provider, honest again after whatever a test made it say."""
    yield provider
    provider.subject, provider.claims, provider.without, provider.signs_as = "subject-7", {}, (), "RS256"
    provider.is_down, provider.published = False, [provider.key]


def begin(world: World, provider: Provider):
    signing = SignIn(world.nodes[0].address)
    begun = signing.begin_openid("corp")
    return signing, begun, provider.visit(begun.document["location"])


def entered(world: World, reason: str) -> int:
    return sum(
        item.count
        for item in world.entries()
        if item.operation == "sign-in" and not item.permitted and item.reason == reason
    )


def check_refused(world: World, provider: Provider, reason: str) -> None:
    before = entered(world, reason)
    signing, begun, back = begin(world, provider)
    with pytest.raises(RefusedError) as caught:
        signing.finish_openid(begun, back["code"], issuer=back["iss"])
    assert (caught.value.code, caught.value.reason) == ("sign-in", "")
    wait_until(lambda: entered(world, reason) == before + 1)


def test_a_subject_that_is_linked_signs_in_and_works(joined: World, honest: Provider):
    signing, begun, back = begin(joined, honest)
    credential = signing.finish_openid(begun, back["code"], issuer=back["iss"])
    with Client(joined.nodes[0].address, credential) as client:
        assert client.session()["principal"] == "associate"
        order = {"purpose": "clienteling", "fields": ["email"], "reference": "APPT-7"}
        assert any(record.fields.get("email") for record in client.reveal(joined.tokens(20), **order))
    last = [item for item in joined.entries() if item.operation == "sign-in" and item.permitted][-1]
    assert last.detail == {"credential": credential.id, "by": "oidc:corp"}


def test_the_browser_is_sent_with_pkce_a_bound_nonce_and_the_strength_that_is_asked_for(
    joined: World, honest: Provider
):
    signing = SignIn(joined.nodes[0].address)
    first, second = signing.begin_openid("corp"), signing.begin_openid("corp")
    queries = [parse_qs(urlsplit(item.document["location"]).query) for item in (first, second)]
    for query, begun in zip(queries, (first, second), strict=True):
        assert query["state"] == [begun.ceremony]
        assert query["redirect_uri"] == [REDIRECT]
        assert query["acr_values"] == ["phishing-resistant"]
        assert query["max_age"] == ["1800"]
        assert len(query["code_challenge"][0]) == len(query["nonce"][0]) == 43
    for name in ("state", "nonce", "code_challenge"):
        assert queries[0][name] != queries[1][name]


@pytest.mark.parametrize(
    ("reason", "claims", "without"),
    [
        ("issuer", {"iss": "https://evil.example"}, ()),
        ("audience", {"aud": "another-client"}, ()),
        ("audience", {"aud": ["cloakroom", "another-client"]}, ()),
        ("audience", {"azp": "another-client"}, ()),
        ("nonce", {"nonce": "A" * 43}, ()),
        ("nonce", {}, ("nonce",)),
        ("expired", {"exp": int(time.time()) - 86_400}, ()),
        ("expired", {"exp": "tomorrow"}, ()),
        ("expired", {}, ("exp",)),
        ("expired", {"iat": int(time.time()) + 86_400}, ()),
        ("expired", {"iat": int(time.time()) - 86_400}, ()),
        ("acr", {"acr": "password"}, ()),
        ("acr", {}, ("acr",)),
        ("amr", {"amr": ["pwd", "sms"]}, ()),
        ("amr", {"amr": "hwk"}, ()),
        ("amr", {}, ("amr",)),
        ("auth-time", {"auth_time": int(time.time()) - 86_400}, ()),
        ("auth-time", {}, ("auth_time",)),
        ("token", {"sub": ""}, ()),
        ("token", {}, ("sub",)),
    ],
)
def test_a_token_that_says_something_else_is_not_believed(joined, honest, reason, claims, without):
    honest.claims, honest.without = claims, without
    check_refused(joined, honest, reason)


@pytest.mark.parametrize("how", ["none", "HS256", "stranger", "PS256"])
def test_a_token_that_is_signed_otherwise_is_not_believed(joined: World, honest: Provider, how: str):
    honest.signs_as = how
    check_refused(joined, honest, "token")


def test_a_subject_that_nobody_linked_is_nobody(joined: World, honest: Provider):
    honest.subject = "subject-8"
    check_refused(joined, honest, "subject")


def test_a_code_serves_once_even_if_the_provider_would_take_it_again(joined: World, honest: Provider):
    signing, begun, back = begin(joined, honest)
    signing.finish_openid(begun, back["code"])
    with pytest.raises(RefusedError, match="replayed"):
        signing.finish_openid(begun, back["code"])
    # Put into another sign-in, it is of another nonce and another verifier.
    stolen_signing, stolen_begun, stolen_back = begin(joined, honest)
    _, _, hers = begin(joined, honest)
    before = entered(joined, "code")
    with pytest.raises(RefusedError, match="sign-in"):
        stolen_signing.finish_openid(stolen_begun, hers["code"])
    wait_until(lambda: entered(joined, "code") == before + 1)
    assert stolen_back["state"] == stolen_begun.ceremony


def test_a_code_that_was_caught_is_worth_nothing_without_the_key_that_began(joined: World, honest: Provider):
    _, begun, back = begin(joined, honest)
    thief = SignIn(joined.nodes[0].address)
    before = entered(joined, "ceremony")
    with pytest.raises(RefusedError, match="sign-in"):
        thief.finish_openid(begun, back["code"])
    with pytest.raises(RefusedError, match="sign-in"):
        thief._client.post("/v1/sign-in/openid/collect", {"ceremony": begun.ceremony})
    wait_until(lambda: entered(joined, "ceremony") == before + 2)


def test_an_answer_of_another_provider_is_refused(joined: World, honest: Provider):
    signing, begun, back = begin(joined, honest)
    before = entered(joined, "issuer")
    with pytest.raises(RefusedError, match="sign-in"):
        signing.finish_openid(begun, back["code"], issuer="https://evil.example")
    wait_until(lambda: entered(joined, "issuer") == before + 1)


def test_a_provider_that_is_down_signs_nobody_in_and_holds_nobody_up(joined: World, honest: Provider):
    honest.is_down = True
    check_refused(joined, honest, "provider")
    with joined.client("associate") as client:
        assert client.exposure().ceiling > 0


def test_keys_that_the_provider_changed_are_fetched_again(joined: World, honest: Provider, monkeypatch):
    monkeypatch.setattr(openid, "KEYS_AGAIN_SECONDS", 0.0)
    new = RSAKey.generate_key(2048, {"kid": "k2", "use": "sig"})
    client = openid.OpenIDClient()
    provider = parse_service(f"format = 1\n{honest.configuration(REDIRECT)}", "service.toml").providers["corp"]
    token = _token(honest, honest.key, "k1")
    assert client._verified(provider, token)["sub"] == "s"
    honest.published = [new]
    assert client._verified(provider, _token(honest, new, "k2"))["sub"] == "s"
    with pytest.raises(Exception, match="not its own"):
        client._verified(provider, token)
    client.close()


def _token(provider: Provider, key: RSAKey, kid: str) -> str:
    return jwt.encode({"alg": "RS256", "kid": kid}, {"sub": "s"}, key)


def test_linking_is_to_people_once_and_ends_sessions_when_it_is_undone(fresh: World, honest: Provider):
    admit_people(fresh, ORIGIN, honest.configuration(REDIRECT))
    application = fresh.open("setup")
    link_subject(application, "associate", "corp", "subject-7")
    with pytest.raises(ConflictError):
        link_subject(application, "privacy", "corp", "subject-7")
    with pytest.raises(UsageError):
        link_subject(application, "shop-app", "corp", "subject-9")
    with pytest.raises(UsageError):
        link_subject(application, "privacy", "elsewhere", "subject-9")
    node = fresh.start()
    signing, begun, back = begin(fresh, honest)
    with Client(node.address, signing.finish_openid(begun, back["code"])) as client:
        assert client.session()["signed_in_by"] == "oidc:corp"
        assert unlink_subjects(application, "associate", "corp") == 1
        with pytest.raises(RefusedError, match="expired"):
            client.session()
    application.close()
    assert "subject-7" not in str([item.detail for item in fresh.entries()])


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ('issuer = "http://login.example.com"', "must begin with https"),
        ('redirect_uri = "https://vault.example.com/sign-in?x=1"', "without query"),
        ('algorithms = ["none"]', "must name some of"),
        ('algorithms = ["HS256"]', "must name some of"),
        ('id = "Corp!"', "lower-case"),
        ("max_age_minutes = 0", "from 1 to"),
        ('colour = "red"', "unknown key"),
    ],
)
def test_mistakes_of_the_file_are_named_with_their_line(honest: Provider, mistake: str, words: str):
    key = mistake.split(" = ", maxsplit=1)[0]
    lines = [
        line for line in honest.configuration(REDIRECT).splitlines() if not line.startswith(f"{key} = ") and line
    ]
    text = "\n".join(["format = 1", *lines, mistake])
    with pytest.raises(RuleError, match=words) as caught:
        parse_service(text, "service.toml")
    assert str(caught.value.problems[0].position).startswith(f"service.toml:{len(lines) + 2}")
