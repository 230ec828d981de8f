"""What an OpenID provider says is believed at the edge of each bound, and not one second or character beyond it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from cloakroom.adapters import openid
from cloakroom.adapters.openid import (
    OpenIDClient,
    ProviderUnreachableError,
    authorization_address,
    check_claims,
    subject_digest,
)
from cloakroom.errors import DeniedError
from cloakroom.flows.store.service_file import Provider

NOW = 1_800_000_000
NONCE = bytes(range(32))
NONCE_TEXT = base64.urlsafe_b64encode(NONCE).rstrip(b"=").decode()
PROVIDER = Provider(
    id="corp", label="Corp", issuer="https://id.example.com", client_id="cloakroom", client_secret_variable="",
    authorization_endpoint="https://id.example.com/authorize", token_endpoint="https://id.example.com/token",
    jwks_uri="https://id.example.com/keys", redirect_uri="https://vault.example.com/sign-in",
    algorithms=("ES256",), acr=(), amr=(), max_age_s=None,
)  # fmt: skip
CLAIMS = {
    "iss": "https://id.example.com", "aud": "cloakroom", "sub": "subject-7", "nonce": NONCE_TEXT, "iat": NOW,
    "exp": NOW + 300,
}  # fmt: skip


def refusal(claims: Mapping[str, object], provider: Provider = PROVIDER, now: float = NOW) -> str | None:
    """Return the code under which claims are refused, or None where they are believed."""
    try:
        check_claims(provider, claims, nonce=NONCE, now=now)
    except DeniedError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("exp", "code"),
    [(NOW - 61, "expired"), (NOW - 60, "expired"), (NOW - 59, None), (NOW, None), (True, "expired"),
     ("9e9", "expired"), (2.0**53, "expired"), (2.0**53 - 1, None), (-(2.0**60), "expired"), (None, "expired"),
     (float(NOW + 1), None)],
)  # fmt: skip
def test_a_token_ends_a_minute_after_its_end_and_no_later(exp, code):
    assert refusal({**CLAIMS, "exp": exp}) == code


@pytest.mark.parametrize(
    ("iat", "code"),
    [(NOW + 61, "expired"), (NOW + 60, None), (NOW - 600, None), (NOW - 601, "expired"), (False, "expired"),
     ("now", "expired"), (None, "expired"), (0, "expired")],
)  # fmt: skip
def test_a_token_was_issued_within_ten_minutes_and_a_minute_ahead_at_most(iat, code):
    assert refusal({**CLAIMS, "iat": iat}) == code


@pytest.mark.parametrize(
    ("audience", "party", "code"),
    [
        ("cloakroom", None, None), (["cloakroom"], None, None), (["cloakroom"], "cloakroom", None),
        (["cloakroom", "other"], "cloakroom", None), (["cloakroom", "other"], None, "audience"),
        (["cloakroom", "cloakroom"], None, "audience"), (["other"], "cloakroom", "audience"), ([], None, "audience"),
        ("cloakroom", "other", "audience"), ("cloakroom2", None, "audience"), ("cloak", None, "audience"),
        (None, None, "audience"), ({"cloakroom": 1}, None, "audience"), ([["cloakroom"]], None, "audience"),
    ],
)  # fmt: skip
def test_a_token_is_for_us_and_for_others_only_where_it_says_who_asked(audience, party, code):
    claims = {**CLAIMS, "aud": audience} | ({} if party is None else {"azp": party})
    assert refusal(claims) == code


@pytest.mark.parametrize(
    "issuer", ["https://id.example.com/", "https://ID.example.com", "http://id.example.com", "", None]
)
def test_an_issuer_is_compared_to_the_letter(issuer):
    assert refusal({**CLAIMS, "iss": issuer}) == "issuer"


@pytest.mark.parametrize(
    "nonce", ["", NONCE_TEXT + "=", NONCE_TEXT[:-1], NONCE_TEXT.swapcase(), None, 7, [NONCE_TEXT]]
)
def test_a_nonce_of_another_sign_in_is_refused(nonce):
    assert refusal({**CLAIMS, "nonce": nonce}) == "nonce"


@pytest.mark.parametrize(
    ("subject", "code"),
    [
        ("s", None),
        ("s" * 255, None),
        ("s" * 256, "token"),
        ("", "token"),
        (7, "token"),
        (None, "token"),
        (["s"], "token"),
    ],
)
def test_a_subject_is_a_text_of_1_to_255_characters(subject, code):
    assert refusal({**CLAIMS, "sub": subject}) == code


@pytest.mark.parametrize(
    ("acr", "code"),
    [("high", None), ("higher", None), ("low", "acr"), (None, "acr"), ("high higher", "acr"), ("", "acr")],
)
def test_the_way_of_authentication_is_one_of_those_asked_for(acr, code):
    provider = replace(PROVIDER, acr=("high", "higher"))
    assert refusal({**CLAIMS, "acr": acr}, provider) == code
    assert refusal({**CLAIMS, "acr": acr}) is None


@pytest.mark.parametrize(
    ("amr", "code"),
    [(["hwk", "pin"], None), (["pin", "x", "hwk"], None), (["hwk"], "amr"), ([], "amr"), (None, "amr"),
     ("hwk pin", "amr"), ({"hwk": 1, "pin": 1}, "amr")],
)  # fmt: skip
def test_every_method_that_is_asked_for_was_used(amr, code):
    assert refusal({**CLAIMS, "amr": amr}, replace(PROVIDER, amr=("hwk", "pin"))) == code


@pytest.mark.parametrize(
    ("age", "code"),
    [
        (0, None),
        (1800, None),
        (1860, None),
        (1861, "auth-time"),
        (-60, None),
        (-61, "auth-time"),
        (None, "auth-time"),
    ],
)
def test_the_person_authenticated_within_the_time_that_is_asked_for(age, code):
    provider = replace(PROVIDER, max_age_s=1800)
    claims = {**CLAIMS, "auth_time": None if age is None else NOW - age}
    assert refusal(claims, provider) == code
    assert refusal(claims) is None


def test_the_browser_is_sent_with_exactly_what_the_protocol_asks_for():
    verifier = "v" * 43
    address = authorization_address(PROVIDER, state="c-1", nonce=NONCE, verifier=verifier)
    assert address.startswith("https://id.example.com/authorize?")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    expected = {
        "response_type": ["code"], "client_id": ["cloakroom"], "redirect_uri": ["https://vault.example.com/sign-in"],
        "scope": ["openid"], "state": ["c-1"], "nonce": [NONCE_TEXT], "code_challenge": [challenge],
        "code_challenge_method": ["S256"],
    }  # fmt: skip
    assert parse_qs(urlsplit(address).query) == expected
    strict = replace(PROVIDER, acr=("a", "b"), max_age_s=0)
    more = parse_qs(urlsplit(authorization_address(strict, state="c-1", nonce=NONCE, verifier=verifier)).query)
    assert more == {**expected, "acr_values": ["a b"], "max_age": ["0"]}
    assert "verifier" not in address
    assert verifier not in address


def test_a_subject_is_known_by_a_sum_over_issuer_and_subject_that_no_other_pair_shares():
    expected = hashlib.sha256(b"cloakroom/openid-subject/v1\x00https://a\x00s").digest()
    assert subject_digest("https://a", "s") == expected
    pairs = [("a", "b"), ("ab", ""), ("", "ab"), ("b", "a")]
    assert len({subject_digest(*pair) for pair in pairs}) == len(pairs)


KEY = ECKey.generate_key("P-256", {"kid": "k1"})
OTHER = ECKey.generate_key("P-256", {"kid": "k2"})


def token(claims: object = CLAIMS, *, key: object = KEY, kid: str = "k1", algorithm: str = "ES256") -> str:
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return jws.serialize_compact({"alg": algorithm, "kid": kid}, payload, key, algorithms=[algorithm])


class Answers:
    """A provider that answers as it is told; what it was asked is kept."""

    def __init__(self, *, keys: object = None, answer: object = None) -> None:
        self.keys = {"keys": [KEY.as_dict(private=False)]} if keys is None else keys
        self.answer = {"id_token": token()} if answer is None else answer
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        told = self.keys if request.url.path == "/keys" else self.answer
        if isinstance(told, httpx.Response):
            return told
        if isinstance(told, Exception):
            raise told
        return httpx.Response(200, content=told if isinstance(told, bytes) else json.dumps(told).encode())

    @property
    def keys_asked(self) -> int:
        return sum(request.url.path == "/keys" for request in self.asked)

    def client(self) -> OpenIDClient:
        return OpenIDClient(httpx.Client(transport=httpx.MockTransport(self)), now=lambda: NOW)


def subject(answers: Answers, provider: Provider = PROVIDER, client: OpenIDClient | None = None) -> str:
    return (client or answers.client()).subject(provider, code="the-code", verifier="the-verifier", nonce=NONCE)


def code_of(call: Callable[[], object]) -> tuple[str, bool]:
    """Return the code of a refusal and whether trying again may help."""
    with pytest.raises(DeniedError) as caught:
        call()
    return caught.value.code, isinstance(caught.value, ProviderUnreachableError)


@pytest.mark.parametrize("secret", [None, "our-secret"])
def test_a_code_is_redeemed_with_what_the_protocol_asks_for(monkeypatch, secret):
    answers, provider = Answers(), PROVIDER
    if secret is not None:
        monkeypatch.setenv("SECRET_OF_A_TEST", secret)
        provider = replace(PROVIDER, client_secret_variable="SECRET_OF_A_TEST")
    assert subject(answers, provider) == "subject-7"
    first, second = answers.asked
    assert (first.method, str(first.url)) == ("POST", "https://id.example.com/token")
    form = parse_qs(first.content.decode())
    assert form == {
        "grant_type": ["authorization_code"], "code": ["the-code"], "client_id": ["cloakroom"],
        "redirect_uri": ["https://vault.example.com/sign-in"], "code_verifier": ["the-verifier"],
    } | ({} if secret is None else {"client_secret": [secret]})  # fmt: skip
    assert (second.method, str(second.url)) == ("GET", "https://id.example.com/keys")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(400), ("code", False)), (httpx.Response(401), ("code", False)),
        (httpx.Response(499), ("code", False)), (httpx.Response(500), ("provider", True)),
        (httpx.Response(503), ("provider", True)), (httpx.Response(201), ("code", False)),
        (httpx.Response(302, headers={"location": "https://evil.example.com/"}), ("code", False)),
        (httpx.ConnectError("x"), ("provider", True)), (httpx.ReadTimeout("x"), ("provider", True)),
        (b"", ("provider", True)), (b"<html>", ("provider", True)), (b"[]", ("provider", True)),
        ({}, ("token", False)),
        ({"id_token": None}, ("token", False)), ({"id_token": 7}, ("token", False)),
        ({"id_token": ""}, ("token", False)),
        ({"id_token": "a.b"}, ("token", False)), ({"id_token": "é.b.c"}, ("token", False)),
        ({"id_token": token([])}, ("token", False)), ({"id_token": token(b"x")}, ("token", False)),
        ({"id_token": token(key=OTHER)}, ("token", False)),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_token_of_the_provider_is_refused_and_nothing_else_is_asked(answer, expected):
    answers = Answers(answer=answer)
    assert code_of(lambda: subject(answers)) == expected
    assert {request.url.host for request in answers.asked} == {"id.example.com"}


@pytest.mark.parametrize(("beyond", "fits"), [(-1, True), (0, True), (1, False)])
def test_an_answer_is_read_up_to_its_bound(beyond, fits):
    document = json.dumps({"id_token": token(), "more": ""}).encode()
    padding = b"x" * (openid.ANSWER_BYTES + beyond - len(document))
    answers = Answers(answer=document[:-2] + padding + document[-2:])
    assert len(answers.answer) == openid.ANSWER_BYTES + beyond
    if fits:
        assert subject(answers) == "subject-7"
    else:
        assert code_of(lambda: subject(answers)) == ("provider", True)


RSA_SMALL, RSA_LARGE = RSAKey.generate_key(1024), RSAKey.generate_key(2048, {"kid": "k1"})


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # The keys are weak on purpose.
@pytest.mark.parametrize(
    "published",
    [
        {"keys": []}, {}, {"keys": None}, {"keys": "x"}, {"keys": [None, 7, "x", {}]}, {"keys": [{"kty": "EC"}]},
        {"keys": [KEY.as_dict(private=True)]}, {"keys": [{**KEY.as_dict(private=False), "use": "enc"}]},
        {"keys": [OctKey.generate_key(256).as_dict(private=True)]}, {"keys": [RSA_SMALL.as_dict(private=False)]},
        {"keys": [{**KEY.as_dict(private=False), "kty": "XX"}]}, {"keys": [{**KEY.as_dict(private=False), "x": "!"}]},
        httpx.Response(500), httpx.Response(404), httpx.ConnectError("x"), b"x",
    ],
)  # fmt: skip
def test_a_set_without_any_key_that_can_verify_is_no_set(published):
    assert code_of(lambda: subject(Answers(keys=published))) == ("provider", True)


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (KEY, "ES256"),
        (RSA_LARGE, "RS256"),
        (RSA_LARGE, "PS256"),
        (OKPKey.generate_key("Ed25519", {"kid": "k1"}), "EdDSA"),
    ],
)
def test_a_key_is_found_among_others_that_cannot_verify(key, algorithm):
    others = [RSA_SMALL.as_dict(private=False), {"kty": "oct", "k": "AAAA"}, 7, OTHER.as_dict(private=False)]
    answers = Answers(
        keys={"keys": [*others, {**key.as_dict(private=False), "use": "sig"}]},
        answer={"id_token": token(key=key, algorithm=algorithm)},
    )
    assert subject(answers, replace(PROVIDER, algorithms=(algorithm,))) == "subject-7"
    another = "ES384" if algorithm != "ES384" else "ES256"
    assert code_of(lambda: subject(answers, replace(PROVIDER, algorithms=(another,)))) == ("token", False)


class Seconds:
    """A clock that only goes forward, where it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def test_keys_are_remembered_for_five_minutes_and_no_longer(monkeypatch):
    clock = Seconds()
    monkeypatch.setattr(openid, "time", clock)
    answers = Answers()
    client = answers.client()
    for passed, asked in ((0, 1), (299, 1), (1, 2), (299.5, 2), (0.5, 3)):
        clock.now += passed
        subject(answers, client=client)
        assert answers.keys_asked == asked


def test_a_key_that_is_not_known_is_looked_for_again_after_ten_seconds_and_not_before(monkeypatch):
    clock = Seconds()
    monkeypatch.setattr(openid, "time", clock)
    answers = Answers()
    client = answers.client()
    subject(answers, client=client)
    answers.answer = {"id_token": token(key=OTHER, kid="k2")}
    answers.keys = {"keys": [OTHER.as_dict(private=False)]}
    for passed, asked in ((0, 1), (9, 1)):
        clock.now += passed
        assert code_of(lambda: subject(answers, client=client)) == ("token", False)
        assert answers.keys_asked == asked
    clock.now += 1
    assert subject(answers, client=client) == "subject-7"
    assert answers.keys_asked == 2
    # A signature that is wrong under a known key is no reason to ask.
    clock.now += 100
    answers.answer = {"id_token": token(key=KEY, kid="k2")}
    assert code_of(lambda: subject(answers, client=client)) == ("token", False)
    assert answers.keys_asked == 2


def test_each_provider_has_its_own_keys():
    answers = Answers()
    client = answers.client()
    subject(answers, client=client)
    subject(answers, replace(PROVIDER, id="second"), client)
    assert answers.keys_asked == 2
