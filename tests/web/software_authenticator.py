"""An authenticator in software, for tests: CBOR and COSE of its own, ES256, user verification, a counter."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class SoftwareAuthenticator:
    """One passkey; what it says can be bent by a test."""

    rp_id: str
    origin: str
    flags: int = USER_PRESENT | USER_VERIFIED
    counter: int = 0
    client_data_more: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.user_handle = b""

    def _client_data(self, kind: str, challenge: bytes) -> bytes:
        document = {"type": kind, "challenge": b64(challenge), "origin": self.origin, "crossOrigin": False}
        return json.dumps({**document, **self.client_data_more}).encode()

    def _head(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + struct.pack(">I", self.counter)

    def register(self, challenge: bytes, user_handle: bytes) -> dict[str, str]:
        """Answer `navigator.credentials.create`."""
        self.user_handle = user_handle
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + cbor2.dumps(cose)
        attestation = cbor2.dumps(
            {"fmt": "none", "attStmt": {}, "authData": self._head(self.flags | ATTESTED) + attested}
        )
        client_data = self._client_data("webauthn.create", challenge)
        return {
            "credential_id": b64(self.credential_id),
            "client_data": b64(client_data),
            "attestation": b64(attestation),
        }

    def sign(self, challenge: bytes, *, kind: str = "webauthn.get") -> dict[str, str]:
        """Answer `navigator.credentials.get`."""
        if self.counter:
            self.counter += 1
        client_data = self._client_data(kind, challenge)
        head = self._head(self.flags)
        signature = self.key.sign(head + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return {
            "credential_id": b64(self.credential_id),
            "client_data": b64(client_data),
            "authenticator_data": b64(head),
            "signature": b64(signature),
            "user_handle": b64(self.user_handle),
        }
