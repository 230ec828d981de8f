"""Answers of authenticators (WebAuthn Level 3), checked by the library `webauthn` and by what it leaves to us.

User verification is required. Attestation is not asked for. Origin and relying party are compared exactly; a page
within somebody else's frame is refused.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import webauthn
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AttestationFormat

from cloakroom.crypto import sha256
from cloakroom.errors import DeniedError
from cloakroom.flows.store.service_file import PasskeyRules

ALGORITHMS = (
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
)
_T = TypeVar("_T")
_FORMATS = frozenset({AttestationFormat.NONE, AttestationFormat.PACKED})


@dataclass(frozen=True, slots=True)
class Registration:
    """An authenticator's answer about a new passkey; in base64url as it came."""

    credential_id: str
    client_data: str
    attestation: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """An authenticator's answer that signs somebody in; in base64url as it came."""

    credential_id: str
    client_data: str
    authenticator_data: str
    signature: str


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey whose registration is right.

    Attributes:
        credential_id: As the authenticator names it.
        public_key: COSE key.
        sign_count: Signatures counted so far.
    """

    credential_id: bytes
    public_key: bytes
    sign_count: int

    @property
    def fingerprint(self) -> str:
        """SHA-256 over name and key, in hex."""
        return sha256(len(self.credential_id).to_bytes(2, "big") + self.credential_id + self.public_key).hex()


def check_registration(rules: PasskeyRules, challenge: bytes, registration: Registration) -> NewPasskey:
    """Return the passkey that was registered for `challenge`.

    Raises:
        DeniedError: The answer is wrong, whatever in it: code ``passkey``.
    """

    def verify() -> NewPasskey:
        _refuse_frames(registration.client_data)
        found = webauthn.verify_registration_response(
            credential=_credential(
                registration.credential_id,
                {"clientDataJSON": registration.client_data, "attestationObject": registration.attestation},
            ),
            expected_challenge=challenge,
            expected_rp_id=rules.rp_id,
            expected_origin=list(rules.origins),
            require_user_verification=True,
            supported_pub_key_algs=list(ALGORITHMS),
        )
        if found.fmt not in _FORMATS or found.credential_id != _decoded(registration.credential_id):
            raise DeniedError("passkey", "an attestation that was not asked for, or another passkey's")
        return NewPasskey(found.credential_id, found.credential_public_key, found.sign_count)

    return _checked(verify)


def check_assertion(rules: PasskeyRules, challenge: bytes, assertion: Assertion, public_key: bytes) -> int:
    """Return the authenticator's count of signatures after it signed `challenge`.

    Raises:
        DeniedError: The answer is wrong, whatever in it: code ``passkey``.
    """

    def verify() -> int:
        _refuse_frames(assertion.client_data)
        found = webauthn.verify_authentication_response(
            credential=_credential(
                assertion.credential_id,
                {
                    "clientDataJSON": assertion.client_data,
                    "authenticatorData": assertion.authenticator_data,
                    "signature": assertion.signature,
                },
            ),
            expected_challenge=challenge,
            expected_rp_id=rules.rp_id,
            expected_origin=list(rules.origins),
            credential_public_key=public_key,
            # The caller compares the counts, once the signature is known to be right.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
        return found.new_sign_count

    return _checked(verify)


def has_regressed(known: int, told: int) -> bool:
    """Answer whether a count of signatures shows that a second authenticator holds the same key.

    Authenticators that share a passkey between devices do not count; they say 0 for ever.
    """
    return (known > 0 or told > 0) and told <= known


def credential_id_of(text: str) -> bytes:
    """Return the bytes of an authenticator's name for a passkey.

    Raises:
        DeniedError: It is not base64url.
    """
    return _checked(lambda: _decoded(text))


def _credential(credential_id: str, response: Mapping[str, str]) -> dict[str, Any]:
    """Return an authenticator's answer as the library takes it (WebAuthn, section 5.1)."""
    return {"id": credential_id, "rawId": credential_id, "type": "public-key", "response": dict(response)}


def _checked(verify: Callable[[], _T]) -> _T:
    try:
        return verify()
    except DeniedError:
        raise
    except WebAuthnException as error:
        raise DeniedError("passkey", f"the authenticator's answer is not accepted: {type(error).__name__}") from None
    except Exception as error:  # noqa: BLE001 - bytes of a stranger; the library's parsers raise whatever they meet
        raise DeniedError("passkey", f"the authenticator's answer is malformed: {type(error).__name__}") from None


def _refuse_frames(client_data: str) -> None:
    document: dict[str, Any] = msgspec.json.decode(_decoded(client_data), type=dict[str, Any])
    if document.get("crossOrigin", False) is not False or "topOrigin" in document:
        raise DeniedError("passkey", "the page stood within another's frame")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
