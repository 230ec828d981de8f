"""The file `service.toml`: how people sign in at the service. `docs/reference/service.md` explains it.

A group without the file has nobody sign in; keys that were enrolled for good go on to serve.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from cloakroom.toml import Table, parse_document

SERVICE_FILE = "service.toml"
FORMAT: Final = 1

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")
_ALGORITHMS = frozenset({"ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"})
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Sessions:
    """Bounds of a session.

    Attributes:
        length: Microseconds after which it ends, whatever happens.
        idle: Microseconds without use after which it ends.
        bind_address: Whether it serves only from the address where it began.
    """

    length: int = 8 * 3_600 * _MICROSECONDS
    idle: int = 30 * 60 * _MICROSECONDS
    bind_address: bool = False


@dataclass(frozen=True, slots=True)
class PasskeyRules:
    """For whom authenticators sign.

    Attributes:
        rp_id: Domain that passkeys belong to, exactly.
        origins: Origins of the sign-in page, exactly.
    """

    rp_id: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID provider whose word is taken.

    Attributes:
        id: Short name here.
        label: For people.
        issuer: Its issuer identifier, exactly.
        authorization_endpoint: Where people are sent.
        token_endpoint: Where a code is redeemed.
        jwks_uri: Where its keys are.
        client_id: Our name there.
        client_secret_variable: Environment variable with our secret there; empty for a public client.
        redirect_uri: Where it sends people back to, exactly.
        algorithms: Signature algorithms of its ID tokens; no other is looked at.
        acr: Authentication context classes of which the token must name one; empty for any.
        amr: Authentication methods that the token must name, all of them.
        max_age_s: How long ago the person may have authenticated there; None for any time.
    """

    id: str
    label: str
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    client_id: str
    client_secret_variable: str
    redirect_uri: str
    algorithms: tuple[str, ...]
    acr: tuple[str, ...]
    amr: tuple[str, ...]
    max_age_s: int | None


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """Everything that `service.toml` states.

    Attributes:
        sessions: Bounds of sessions.
        passkeys: For whom authenticators sign; None where nobody signs in with one.
        providers: OpenID providers by their names here.
        canary_domain: Domain whose mail the group receives, for canaries of releases; empty where unknown.
    """

    sessions: Sessions = field(default_factory=Sessions)
    passkeys: PasskeyRules | None = None
    providers: Mapping[str, Provider] = field(default_factory=dict)
    canary_domain: str = ""


def parse_service(text: str, source: str) -> ServiceRules:
    """Read the file.

    Raises:
        RuleError: Anything is wrong; holds every mistake found.
    """
    top = parse_document(text, source)
    if top.raw("format") != FORMAT:
        top.report("format", f"must be {FORMAT}, the only format that this version reads")
    rules = ServiceRules(
        sessions=_sessions(top.table_or_empty("sessions")),
        passkeys=_passkeys(top.table_or_empty("passkeys")) if top.has("passkeys") else None,
        providers=_providers(top),
        canary_domain=_canary_domain(top.table_or_empty("releases")),
    )
    top.close()
    top.check()
    return rules


def _sessions(table: Table) -> Sessions:
    hours = table.number("hours", default=8, least=1, most=24)
    minutes = table.number("idle_minutes", default=30, least=1, most=240)
    bind_address = table.flag("bind_address")
    table.close()
    return Sessions(hours * 3_600 * _MICROSECONDS, minutes * 60 * _MICROSECONDS, bind_address)


def _passkeys(table: Table) -> PasskeyRules:
    rp_id, origins = table.text("rp_id"), table.texts("origins")
    if rp_id and not _DOMAIN.fullmatch(rp_id):
        table.report("rp_id", "must be a domain in lower case")
    if not origins:
        table.report("origins", "must name the origin of the sign-in page, such as https://vault.example.com")
    for origin in origins:
        if not _is_origin_within(origin, rp_id):
            table.report("origins", "must be https://NAME[:PORT] within rp_id; http for localhost alone")
    table.close()
    return PasskeyRules(rp_id, origins)


def _providers(top: Table) -> dict[str, Provider]:
    found: dict[str, Provider] = {}
    for table in top.tables("providers"):
        provider = _provider(table)
        if provider.id in found:
            table.report("id", "is the name of another provider, too")
        found[provider.id] = provider
    return found


def _provider(table: Table) -> Provider:
    name = table.text("id")
    if name and not _IDENTIFIER.fullmatch(name):
        table.report("id", "must be lower-case letters, digits, - and _")
    urls = {key: table.text(key) for key in ("issuer", *_ENDPOINTS, "redirect_uri")}
    for key, url in urls.items():
        if url and not _is_safe(url):
            table.report(key, "must begin with https://; http for localhost alone; without query or fragment")
    algorithms = table.texts("algorithms")
    if not algorithms or not _ALGORITHMS.issuperset(algorithms):
        table.report("algorithms", f"must name some of {', '.join(sorted(_ALGORITHMS))}")
    provider = Provider(
        id=name,
        label=table.text("label", default=name),
        issuer=urls["issuer"],
        authorization_endpoint=urls["authorization_endpoint"],
        token_endpoint=urls["token_endpoint"],
        jwks_uri=urls["jwks_uri"],
        client_id=table.text("client_id"),
        client_secret_variable=table.text("client_secret_variable", default=""),
        redirect_uri=urls["redirect_uri"],
        algorithms=algorithms,
        acr=table.texts("acr"),
        amr=table.texts("amr"),
        max_age_s=table.number("max_age_minutes", least=1, most=1_440) * 60 if table.has("max_age_minutes") else None,
    )
    table.close()
    return provider


def _canary_domain(table: Table) -> str:
    domain = table.text("canary_domain", default="")
    if domain and not _DOMAIN.fullmatch(domain):
        table.report("canary_domain", "must be a domain in lower case")
    table.close()
    return domain


def _is_origin_within(origin: str, rp_id: str) -> bool:
    if not _is_safe(origin):  # what cannot be taken apart is not, either
        return False
    parts = urlsplit(origin)
    inside = parts.hostname == rp_id or (parts.hostname or "").endswith(f".{rp_id}")
    return inside and origin == f"{parts.scheme}://{parts.netloc}"


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    scheme = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    return scheme and bool(parts.hostname) and "@" not in parts.netloc and not parts.query and not parts.fragment
