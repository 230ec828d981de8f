"""Ties the key of a session to the ceremony that begins it. The bytes are specified in `docs/spec/sign-in.md`.

The challenge of a passkey, or the nonce of an OpenID provider, is a hash over the key that is to become a session.
Who swaps the key on the way gets an answer over another hash, which is worth nothing.
"""

from __future__ import annotations

from enum import StrEnum

from cloakroom.crypto import VerifyingKey, sha256
from cloakroom.errors import UsageError

NONCE_SIZE = 32


class Ceremony(StrEnum):
    """The purpose of a ceremony; part of what is hashed, so that none serves for another."""

    ENROL = "enrol"
    OPENID = "openid"
    PASSKEY = "passkey"


def bind_key(ceremony: Ceremony, nonce: bytes, key: VerifyingKey) -> bytes:
    """Return the 32 bytes that an authenticator or provider signs.

    Args:
        ceremony: What it is for.
        nonce: 32 bytes of the service, never used twice.
        key: Public half of the session's key.
    """
    if len(nonce) != NONCE_SIZE:
        raise UsageError(f"a ceremony has a nonce of {NONCE_SIZE} bytes")
    return sha256(f"cloakroom/sign-in/{ceremony}/v1\0".encode() + nonce + key.raw)
