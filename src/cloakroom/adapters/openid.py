"""Talks to OpenID providers (OpenID Connect Core 1.0, authorization code with PKCE) and checks what they say.

Endpoints stand in the configuration: nothing a provider publishes leads us anywhere else. Redirects are not followed,
answers are bounded, signatures are of the configured algorithms by a key of the provider's own set.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard
from urllib.parse import urlencode

import httpx
import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from cloakroom.crypto import is_equal, sha256
from cloakroom.errors import DeniedError
from cloakroom.flows.store.service_file import Provider

TIMEOUT_S: Final = 5.0
ANSWER_BYTES: Final = 262_144
KEYS_SECONDS: Final = 300.0
KEYS_AGAIN_SECONDS: Final = 10.0
"""How soon the keys are fetched again because a token names one that is not known."""
SKEW_S: Final = 60
TOKEN_AGE_S: Final = 600
_RSA_BYTES: Final = 256
_TYPES: Mapping[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


@dataclass(slots=True)
class _Keys:
    found: KeySet
    fetched_at: float


class ProviderUnreachableError(DeniedError):
    """The provider does not answer, or answers nonsense; trying again may help."""

    def __init__(self, message: str) -> None:
        super().__init__("provider", message)


def encode_base64url(data: bytes) -> str:
    """Return unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def authorization_address(provider: Provider, *, state: str, nonce: bytes, verifier: str) -> str:
    """Return where the browser goes to authenticate.

    Args:
        provider: The provider.
        state: Id of the ceremony; comes back with the code.
        nonce: Comes back within the ID token; tied to the session's key.
        verifier: Of PKCE; its hash goes along.
    """
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": provider.redirect_uri,
        "scope": "openid",
        "state": state,
        "nonce": encode_base64url(nonce),
        "code_challenge": encode_base64url(sha256(verifier.encode())),
        "code_challenge_method": "S256",
    }
    if provider.acr:
        query["acr_values"] = " ".join(provider.acr)
    if provider.max_age_s is not None:
        query["max_age"] = str(provider.max_age_s)
    return f"{provider.authorization_endpoint}?{urlencode(query)}"


class OpenIDClient:
    """Redeems codes and remembers providers' keys for some minutes; for use by one thread."""

    def __init__(self, http: httpx.Client | None = None, now: Callable[[], float] = time.time) -> None:
        """Take what makes requests, and what tells the seconds since 1970."""
        self._http = http or httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)
        self._now = now
        self._keys: dict[str, _Keys] = {}

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def subject(self, provider: Provider, *, code: str, verifier: str, nonce: bytes) -> str:
        """Redeem a code and return the subject that the provider vouches for.

        Raises:
            ProviderUnreachableError: It does not answer.
            DeniedError: What it says is not accepted; the code tells what: ``code``, ``token``, ``issuer``,
                ``audience``, ``nonce``, ``expired``, ``acr``, ``amr``, ``auth-time``.
        """
        token = self._redeem(provider, code, verifier)
        claims = self._verified(provider, token)
        check_claims(provider, claims, nonce=nonce, now=self._now())
        return str(claims["sub"])

    def _redeem(self, provider: Provider, code: str, verifier: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": provider.redirect_uri,
            "client_id": provider.client_id,
            "code_verifier": verifier,
        }
        if provider.client_secret_variable:
            form["client_secret"] = os.environ.get(provider.client_secret_variable, "")
        status, content = self._ask("POST", provider.token_endpoint, form)
        if status != httpx.codes.OK:
            if status >= httpx.codes.INTERNAL_SERVER_ERROR:
                raise ProviderUnreachableError(f"{provider.id}: the token endpoint answers {status}")
            raise DeniedError("code", f"{provider.id}: the provider does not take the code ({status})")
        token = _decoded(provider, content).get("id_token")
        if not isinstance(token, str):
            raise DeniedError("token", f"{provider.id}: no ID token in the answer")
        return token

    def _verified(self, provider: Provider, token: str) -> Mapping[str, Any]:
        for fresh in (False, True):
            keys = self._key_set(provider, fresh=fresh)
            try:
                found = jws.deserialize_compact(token.encode(), keys, algorithms=list(provider.algorithms))
            except (JoseError, ValueError, UnicodeError) as error:
                # A key that the provider has only now begun to use is worth a second look.
                if not fresh and type(error).__name__ == "InvalidKeyIdError":
                    continue
                raise DeniedError(
                    "token", f"{provider.id}: the ID token is not its own: {type(error).__name__}"
                ) from None
            return _claims(provider, found.payload)
        raise DeniedError("token", f"{provider.id}: the ID token is of an unknown key")

    def _key_set(self, provider: Provider, *, fresh: bool) -> KeySet:
        known, now = self._keys.get(provider.id), time.monotonic()
        if known is not None and now - known.fetched_at < (KEYS_AGAIN_SECONDS if fresh else KEYS_SECONDS):
            return known.found
        status, content = self._ask("GET", provider.jwks_uri)
        if status != httpx.codes.OK:
            raise ProviderUnreachableError(f"{provider.id}: the address of its keys answers {status}")
        keys = _asymmetric_keys(provider, _decoded(provider, content))
        self._keys[provider.id] = _Keys(keys, now)
        return keys

    def _ask(self, method: str, url: str, form: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        try:
            with self._http.stream(method, url, data=form, headers={"accept": "application/json"}) as response:
                content = b""
                for part in response.iter_bytes():
                    content += part
                    if len(content) > ANSWER_BYTES:
                        raise ProviderUnreachableError("the provider's answer is too large")
                return response.status_code, content
        except httpx.HTTPError as error:
            raise ProviderUnreachableError(f"the provider does not answer: {type(error).__name__}") from None


def check_claims(provider: Provider, claims: Mapping[str, Any], *, nonce: bytes, now: float) -> None:
    """Return silently if an ID token whose signature is right says what it has to.

    Raises:
        DeniedError: It does not; the code tells what.
    """
    audience = claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    expires, issued, subject = claims.get("exp"), claims.get("iat"), claims.get("sub")
    if claims.get("iss") != provider.issuer:
        raise DeniedError("issuer", f"{provider.id}: the ID token is of another issuer")
    if provider.client_id not in several or claims.get("azp", provider.client_id) != provider.client_id:
        raise DeniedError("audience", f"{provider.id}: the ID token is for somebody else")
    if len(several) > 1 and "azp" not in claims:
        raise DeniedError("audience", f"{provider.id}: the ID token is for several and names no authorized party")
    if not is_equal(str(claims.get("nonce", "")).encode(), encode_base64url(nonce).encode()):
        raise DeniedError("nonce", f"{provider.id}: the ID token is of another sign-in")
    if not _is_number(expires) or not _is_number(issued) or not issued - SKEW_S <= now < expires + SKEW_S:
        raise DeniedError("expired", f"{provider.id}: the ID token is not valid now")
    if now - issued > TOKEN_AGE_S:
        raise DeniedError("expired", f"{provider.id}: the ID token is old")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
        raise DeniedError("token", f"{provider.id}: the ID token names nobody")
    _check_strength(provider, claims, now)


def subject_digest(issuer: str, subject: str) -> bytes:
    """Return by what a subject is known here: SHA-256 over both, since a subject may be somebody's name."""
    return sha256(b"cloakroom/openid-subject/v1\0" + issuer.encode() + b"\0" + subject.encode())


def _check_strength(provider: Provider, claims: Mapping[str, Any], now: float) -> None:
    if provider.acr and claims.get("acr") not in provider.acr:
        raise DeniedError("acr", f"{provider.id}: the person was not authenticated in a way that is asked for")
    methods = claims.get("amr")
    if provider.amr and (not isinstance(methods, list) or not set(provider.amr) <= {str(item) for item in methods}):
        raise DeniedError("amr", f"{provider.id}: the person did not use the methods that are asked for")
    at = claims.get("auth_time")
    if provider.max_age_s is not None and (
        not _is_number(at) or not at - SKEW_S <= now <= at + provider.max_age_s + SKEW_S
    ):
        raise DeniedError("auth-time", f"{provider.id}: the person authenticated too long ago")


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53


def _claims(provider: Provider, payload: bytes | None) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(payload or b"", type=dict[str, Any])
    except msgspec.DecodeError:
        raise DeniedError("token", f"{provider.id}: the ID token holds no claims") from None


def _decoded(provider: Provider, content: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError:
        raise ProviderUnreachableError(f"{provider.id}: the answer is not JSON") from None


def _asymmetric_keys(provider: Provider, document: Mapping[str, Any]) -> KeySet:
    """Return the keys that can verify: never a shared secret, never a private half, never a small one."""
    found: list[RSAKey | ECKey | OKPKey] = []
    items = document.get("keys")
    for item in items if isinstance(items, list) else []:
        kind = _TYPES.get(str(item.get("kty"))) if isinstance(item, dict) else None
        if kind is None or item.get("use", "sig") != "sig" or "d" in item:
            continue
        try:
            key = kind.import_key(item)
        except (JoseError, ValueError, TypeError):
            continue
        if not isinstance(key, RSAKey) or key.raw_value.key_size >= 8 * _RSA_BYTES:
            found.append(key)
    if not found:
        raise ProviderUnreachableError(f"{provider.id}: it publishes no key that can verify")
    return KeySet([*found])
