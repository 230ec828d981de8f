"""Signature-Input and Signature: writing them, and reading them strictly.

A reader accepts exactly one signature, labelled ``cloakroom``, in the one serialisation that RFC 8941 prescribes,
over exactly the components of the profile, with every parameter present once and in order. Whatever differs is
refused as malformed before any cryptography: an unusual signature is somebody's mistake or somebody's attempt.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from cloakroom.crypto import SIGNATURE_SIZE, SigningKey, VerifyingKey, random_bytes
from cloakroom.errors import CloakroomError, TamperedError
from cloakroom.signing.message import COVERED, COVERED_WITH_BODY, Message

LABEL = "cloakroom"
NONCE_SIZE = 16
_LISTS = {"(" + " ".join(f'"{name}"' for name in names) + ")": names for names in (COVERED, COVERED_WITH_BODY)}
_PARAMETERS = re.compile(
    r'(\([a-z0-9"@ -]{1,200}\));created=(\d{1,15});expires=(\d{1,15});nonce="([A-Za-z0-9_-]{22})"'
    r';keyid="([A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127})";alg="ed25519"'
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on signatures.

    Attributes:
        header_chars: Longest Signature-Input or Signature that is looked at.
        lifetime_s: Longest time from `created` to `expires`.
        skew_s: How far the clocks of client and server may differ.
    """

    header_chars: int = 1_000
    lifetime_s: int = 60
    skew_s: int = 5


LIMITS = Limits()


class RequestError(CloakroomError):
    """A request that is not accepted as signed.

    Attributes:
        code: ``unsigned``, ``malformed-signature``, ``body-digest``, ``clock`` or ``bad-signature``; stable.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class ReadSignature:
    """A signature as read, not yet verified.

    Attributes:
        parameters: Its parameters as serialised.
        components: What it covers.
        created: When it was made, seconds since the epoch.
        expires: First second after its validity.
        nonce: 22 characters of base64url, never used twice.
        key_id: Id of the credential.
        value: The 64 bytes.
    """

    parameters: str
    components: tuple[str, ...]
    created: int
    expires: int
    nonce: str
    key_id: str
    value: bytes

    def verify(self, message: Message, key: VerifyingKey) -> None:
        """Return silently if this is `key`'s signature over `message`.

        Raises:
            RequestError: It covers something else, or is not.
        """
        if self.components != message.components:
            raise RequestError("malformed-signature", "the signature does not cover what it has to")
        try:
            key.verify(message.base(self.parameters), self.value)
        except TamperedError:
            raise RequestError("bad-signature", "the signature is not that of this key over this request") from None


def sign_request(
    message: Message,
    *,
    key_id: str,
    key: SigningKey,
    created: int,
    lifetime_s: int = 30,
    nonce: bytes | None = None,
) -> dict[str, str]:
    """Return the fields Signature-Input and Signature for `message`.

    Args:
        message: What to sign.
        key_id: Id of the credential.
        key: Its private key.
        created: Now, in seconds since the epoch.
        lifetime_s: For how many seconds it may be presented.
        nonce: 16 bytes, never used twice; random unless told.
    """
    token = base64.urlsafe_b64encode(nonce or random_bytes(NONCE_SIZE))[:22].decode()
    names = " ".join(f'"{name}"' for name in message.components)
    parameters = (
        f'({names});created={created};expires={created + lifetime_s};nonce="{token}";keyid="{key_id}";alg="ed25519"'
    )
    value = base64.b64encode(key.sign(message.base(parameters))).decode()
    return {"signature-input": f"{LABEL}={parameters}", "signature": f"{LABEL}=:{value}:"}


def read_signature(signature_input: str | None, signature: str | None, limits: Limits = LIMITS) -> ReadSignature:
    """Read the two fields.

    Raises:
        RequestError: They are missing, or not of this profile.
    """
    if signature_input is None or signature is None:
        raise RequestError("unsigned", "the request is not signed")
    if max(len(signature_input), len(signature)) > limits.header_chars:
        raise RequestError("malformed-signature", "the signature fields are too long")
    head = f"{LABEL}="
    found = _PARAMETERS.fullmatch(signature_input, len(head)) if signature_input.startswith(head) else None
    components = None if found is None else _LISTS.get(found[1])
    if found is None or components is None:
        raise RequestError("malformed-signature", "Signature-Input is not of the profile that this service takes")
    return ReadSignature(
        parameters=signature_input[len(head) :],
        components=components,
        created=int(found[2]),
        expires=int(found[3]),
        nonce=found[4],
        key_id=found[5],
        value=_value(signature),
    )


def check_times(signature: ReadSignature, now_s: float, limits: Limits = LIMITS) -> None:
    """Refuse a signature that is old, early, or valid for too long.

    Raises:
        RequestError: It is.
    """
    if not 0 < signature.expires - signature.created <= limits.lifetime_s:
        raise RequestError("clock", f"a signature is valid for 1 to {limits.lifetime_s} seconds")
    if signature.created > now_s + limits.skew_s:
        raise RequestError("clock", "the signature is dated in the future; check the clock")
    if signature.expires + limits.skew_s <= now_s:
        raise RequestError("clock", "the signature has expired; check the clock")


def _value(signature: str) -> bytes:
    head, tail = f"{LABEL}=:", ":"
    if signature.startswith(head) and signature.endswith(tail):
        try:
            value = base64.b64decode(signature[len(head) : -1], validate=True)
        except (binascii.Error, ValueError):
            value = b""
        # Only one spelling of a signature is a signature.
        if len(value) == SIGNATURE_SIZE and base64.b64encode(value).decode() == signature[len(head) : -1]:
            return value
    raise RequestError("malformed-signature", "Signature is not of the profile that this service takes")
