"""Signs a person in with a key that lives in memory alone; what asks the authenticator is the caller's.

A program that has an authenticator at hand (a desktop client, a test) begins, lets it sign the challenge, finishes,
and has a credential for `Client`. `docs/spec/sign-in.md` has the bytes.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloakroom.adapters.credentials import PrivateCredential
from cloakroom.client.client import Client, RefusedError
from cloakroom.crypto import SigningKey
from cloakroom.signing.binding import Ceremony, bind_key

_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge for an authenticator or a browser.

    Attributes:
        ceremony: Id of the ceremony.
        challenge: 32 bytes to sign, tied to the key of the session.
        document: Everything that the service said.
    """

    ceremony: str
    challenge: bytes
    document: Mapping[str, Any]


class SignIn:
    """One sign-in, or one enrolment of a passkey, with a key of its own."""

    def __init__(self, address: str, *, key: SigningKey | None = None, **options: Any) -> None:
        """Make a key; nothing is asked yet.

        Args:
            address: Such as ``https://vault.example.com``.
            key: The key; a new one unless told.
            options: As for `Client`.
        """
        self.key = key or SigningKey.generate()
        newcomer = PrivateCredential(f"new:{self.key.verifying_key.raw.hex()}", "new", self.key)
        self._client = Client(address, newcomer, **options)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def begin_passkey(self) -> Challenge:
        """Begin to sign in with a passkey."""
        return self._challenge(Ceremony.PASSKEY, "/v1/sign-in/passkey/begin", {})

    def finish_passkey(self, challenge: Challenge, answer: Mapping[str, str]) -> PrivateCredential:
        """Return the session's credential.

        Args:
            challenge: As begun.
            answer: ``credential_id``, ``client_data``, ``authenticator_data``, ``signature`` and ``user_handle`` of
                the authenticator, in base64url.

        Raises:
            RefusedError: The sign-in was not accepted.
        """
        order = {"ceremony": challenge.ceremony, **answer}
        return self._credential(self._client.post("/v1/sign-in/passkey/finish", order, again=False))

    def begin_enrolment(self, principal: str) -> Challenge:
        """Begin to ask for a passkey."""
        return self._challenge(Ceremony.ENROL, "/v1/passkeys/begin", {"principal": principal})

    def finish_enrolment(self, challenge: Challenge, answer: Mapping[str, str]) -> Mapping[str, Any]:
        """Ask for the passkey; return it with the fingerprint that others approve.

        Args:
            challenge: As begun.
            answer: ``credential_id``, ``client_data`` and ``attestation`` of the authenticator, in base64url.
        """
        found: Mapping[str, Any] = self._client.post(
            "/v1/passkeys/finish", {"ceremony": challenge.ceremony, **answer}, again=False
        )
        return found

    def begin_openid(self, provider: str) -> Challenge:
        """Begin to sign in at a provider; the browser goes to ``location`` of the document."""
        begun = self._client.post("/v1/sign-in/openid/begin", {"provider": provider})
        return Challenge(begun["ceremony"], b"", begun)

    def finish_openid(
        self, challenge: Challenge, code: str, *, issuer: str | None = None, timeout_s: float = 15.0
    ) -> PrivateCredential:
        """Hand in what the provider sent back, wait, and return the session's credential.

        Raises:
            RefusedError: The sign-in was not accepted, or not within the time.
        """
        order = {"ceremony": challenge.ceremony, "code": code, "issuer": issuer}
        self._client.post("/v1/sign-in/openid/finish", order, again=False)
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            found = self._client.post("/v1/sign-in/openid/collect", {"ceremony": challenge.ceremony})
            if not found["is_waiting"]:
                return self._credential(found["session"])
            time.sleep(_POLL_SECONDS)
        raise RefusedError(401, {"code": "sign-in", "title": "the provider took too long"}, None)

    def _challenge(self, kind: Ceremony, path: str, order: Mapping[str, Any]) -> Challenge:
        begun = self._client.post(path, order)
        nonce = base64.urlsafe_b64decode(begun["nonce"] + "=" * (-len(begun["nonce"]) % 4))
        # Hashed here, over the key that is here: whoever swapped it on the way gets an answer over another hash.
        return Challenge(begun["ceremony"], bind_key(kind, nonce, self.key.verifying_key), begun)

    def _credential(self, session: Mapping[str, Any]) -> PrivateCredential:
        return PrivateCredential(session["id"], session["principal"], self.key)
