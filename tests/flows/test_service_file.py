"""`service.toml` is read with its bounds to the last minute, or refused with every mistake at its line."""

from __future__ import annotations

import pytest

from cloakroom.errors import RuleError
from cloakroom.flows.store.service_file import PasskeyRules, Provider, ServiceRules, Sessions, parse_service

MINUTE = 60 * 1_000_000
PROVIDER = {
    "id": '"corp"',
    "issuer": '"https://login.example.com"',
    "authorization_endpoint": '"https://login.example.com/authorize"',
    "token_endpoint": '"https://login.example.com/token"',
    "jwks_uri": '"https://login.example.com/keys"',
    "client_id": '"cloakroom"',
    "redirect_uri": '"https://vault.example.com/sign-in/corp"',
    "algorithms": '["ES256"]',
}
URLS = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "redirect_uri")


def read(text: str) -> ServiceRules:
    return parse_service(f"format = 1\n{text}", "service.toml")


def mistakes(text: str) -> list[str]:
    with pytest.raises(RuleError) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


def provider(**changes: str) -> str:
    return "[[providers]]\n" + "".join(f"{key} = {value}\n" for key, value in (PROVIDER | changes).items() if value)


def passkeys(rp_id: str, *origins: str) -> str:
    return f"[passkeys]\nrp_id = '{rp_id}'\norigins = {list(origins)}\n"


def test_a_file_that_states_nothing_has_nobody_sign_in() -> None:
    assert read("") == ServiceRules()
    assert ServiceRules().sessions == Sessions(length=480 * MINUTE, idle=30 * MINUTE, bind_address=False)
    assert (ServiceRules().passkeys, ServiceRules().providers, ServiceRules().canary_domain) == (None, {}, "")


@pytest.mark.parametrize("text", ["", "format = 2", 'format = "1"', "format = 1.5"])
def test_a_file_of_another_format_is_refused(text: str) -> None:
    with pytest.raises(RuleError, match="must be 1, the only format"):
        parse_service(text, "service.toml")


@pytest.mark.parametrize(
    ("key", "least", "most", "attribute", "unit"),
    [("hours", 1, 24, "length", 60 * MINUTE), ("idle_minutes", 1, 240, "idle", MINUTE)],
)
def test_sessions_are_bounded_on_both_sides(key: str, least: int, most: int, attribute: str, unit: int) -> None:
    for value in (least, most):
        assert getattr(read(f"[sessions]\n{key} = {value}").sessions, attribute) == value * unit
    for value in (least - 1, most + 1):
        assert mistakes(f"[sessions]\n{key} = {value}") == [
            f"service.toml:3: sessions.{key}: must be a whole number from {least} to {most}"
        ]


def test_a_session_is_bound_to_its_address_where_the_file_says_so() -> None:
    assert read("[sessions]\nbind_address = true").sessions.bind_address
    assert not read("[sessions]\nbind_address = false").sessions.bind_address


@pytest.mark.parametrize(
    ("rp_id", "origin"),
    [
        ("example.com", "https://example.com"), ("example.com", "https://vault.example.com"),
        ("example.com", "https://vault.example.com:8443"), ("localhost", "http://localhost:8080"),
        ("localhost", "https://localhost"),
    ],
)  # fmt: skip
def test_passkeys_belong_to_a_domain_and_sign_at_origins_within_it(rp_id: str, origin: str) -> None:
    assert read(passkeys(rp_id, origin)).passkeys == PasskeyRules(rp_id, (origin,))


@pytest.mark.parametrize(
    "origin",
    [
        "http://vault.example.com", "https://vault.example.com/", "https://vault.example.com/sign-in",
        "https://vault.example.com?x", "https://vault.example.com#x", "https://a@vault.example.com",
        "vault.example.com", "https://badexample.com", "https://example.com.bad.example",
        "https://example.org", "https://", "https://[",
        "HTTPS://vault.example.com", "http://localhost", "ftp://vault.example.com",
    ],
)  # fmt: skip
def test_an_origin_elsewhere_or_spelt_otherwise_is_refused(origin: str) -> None:
    assert mistakes(passkeys("example.com", origin)) == [
        "service.toml:4: passkeys.origins: must be https://NAME[:PORT] within rp_id; http for localhost alone"
    ]


@pytest.mark.parametrize("rp_id", ["Example.com", "example..com", ".example.com", "https://example.com", "a" * 64])
def test_a_passkey_domain_is_one_in_lower_case(rp_id: str) -> None:
    assert "service.toml:3: passkeys.rp_id: must be a domain in lower case" in mistakes(passkeys(rp_id, "https://x"))


def test_passkeys_without_an_origin_are_refused() -> None:
    assert "must name the origin of the sign-in page" in mistakes(passkeys("example.com"))[0]


def test_a_provider_is_read_with_all_that_it_states() -> None:
    text = provider(
        label='"Staff"', client_secret_variable='"CORP_SECRET"', acr='["phr"]', amr='["hwk", "pin"]',
        max_age_minutes="15", algorithms='["ES256", "PS256"]',
    )  # fmt: skip
    assert read(text).providers == {
        "corp": Provider(
            id="corp",
            label="Staff",
            issuer="https://login.example.com",
            authorization_endpoint="https://login.example.com/authorize",
            token_endpoint="https://login.example.com/token",
            jwks_uri="https://login.example.com/keys",
            client_id="cloakroom",
            client_secret_variable="CORP_SECRET",
            redirect_uri="https://vault.example.com/sign-in/corp",
            algorithms=("ES256", "PS256"),
            acr=("phr",),
            amr=("hwk", "pin"),
            max_age_s=900,
        )
    }


def test_what_a_provider_need_not_state_demands_nothing() -> None:
    told = read(provider()).providers["corp"]
    assert (told.label, told.client_secret_variable, told.acr, told.amr, told.max_age_s) == ("corp", "", (), (), None)


@pytest.mark.parametrize("key", sorted(PROVIDER))
def test_a_provider_lacks_nothing(key: str) -> None:
    found = mistakes(provider(**{key: ""}))
    assert any(f"providers[1].{key}: " in line for line in found)


@pytest.mark.parametrize("key", URLS)
@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com", "https://login.example.com/?a=1", "https://login.example.com/#a",
        "https://me@login.example.com", "https:///path", "login.example.com", "file:///etc", "https://[::1",
        "http://127.0.0.1.example.com", "http://localhost.example.com",
    ],
)  # fmt: skip
def test_an_address_that_is_not_safe_is_refused_wherever_it_stands(key: str, url: str) -> None:
    found = mistakes(provider(**{key: f'"{url}"'}))
    assert len(found) == 1
    assert f"providers[1].{key}: must begin with https://" in found[0]
    assert url not in found[0]


@pytest.mark.parametrize("url", ["http://localhost:9000", "http://127.0.0.1:9000/x", "http://[::1]:9000"])
def test_without_encryption_only_this_machine_is_spoken_to(url: str) -> None:
    assert read(provider(issuer=f'"{url}"')).providers["corp"].issuer == url


@pytest.mark.parametrize("algorithms", ['["none"]', '["HS256"]', '["ES256", "none"]', "[]", '["es256"]'])
def test_an_algorithm_that_proves_nothing_is_refused(algorithms: str) -> None:
    assert any("algorithms: must name some of ES256" in line for line in mistakes(provider(algorithms=algorithms)))


@pytest.mark.parametrize(("minutes", "is_taken"), [(0, False), (1, True), (1_440, True), (1_441, False)])
def test_how_long_ago_somebody_signed_in_there_is_bounded(minutes: int, is_taken: bool) -> None:
    text = provider(max_age_minutes=str(minutes))
    if is_taken:
        assert read(text).providers["corp"].max_age_s == minutes * 60
    else:
        assert "must be a whole number from 1 to 1440" in mistakes(text)[0]


@pytest.mark.parametrize(
    ("name", "is_taken"),
    [
        ("a", True),
        ("a" * 31, True),
        ("a" * 32, False),
        ("1a", False),
        ("Corp", False),
        ("a.b", False),
        ("a-_9", True),
    ],
)
def test_the_name_of_a_provider_is_short_and_plain(name: str, is_taken: bool) -> None:
    text = provider(id=f'"{name}"')
    assert (set(read(text).providers) == {name}) if is_taken else "id: must be lower-case" in mistakes(text)[0]


def test_two_providers_have_two_names() -> None:
    assert set(read(provider() + provider(id='"other"')).providers) == {"corp", "other"}
    assert [line.split(": ", 1)[1] for line in mistakes(provider() + provider())] == [
        "providers[2].id: is the name of another provider, too"
    ]


@pytest.mark.parametrize(
    ("domain", "is_taken"),
    [
        ("mail.example.com", True), ("a" * 63 + ".example", True), ("a" * 64 + ".example", False),
        (".".join(["a" * 63] * 3 + ["a" * 61]), True), (".".join(["a" * 63] * 3 + ["a" * 62]), False),
        ("Mail.example.com", False), ("a@example.com", False), ("example.com.", False), ("exa mple.com", False),
    ],
)  # fmt: skip
def test_the_domain_of_canaries_is_one(domain: str, is_taken: bool) -> None:
    text = f'[releases]\ncanary_domain = "{domain}"'
    if is_taken:
        assert read(text).canary_domain == domain
    else:
        assert mistakes(text) == ["service.toml:3: releases.canary_domain: must be a domain in lower case"]


@pytest.mark.parametrize("table", ["", "[sessions]", "[passkeys]", "[releases]", "[[providers]]"])
def test_a_key_that_is_not_known_is_refused_in_every_table(table: str) -> None:
    assert any("colour: unknown key" in line for line in mistakes(f"{table}\ncolour = 1"))


def test_every_mistake_is_told_at_once_and_in_order() -> None:
    found = mistakes("[sessions]\nhours = 25\nidle_minutes = 0\n[releases]\ncanary_domain = 'A'\n")
    assert [line.split(":")[1] for line in found] == ["3", "4", "6"]
