"""Ed25519 signatures (RFC 8032).

Made by the cryptography library; verified by libsodium, which takes half the time and refuses keys of small order and
whatever is not written canonically (`docs/adr/0012-libsodium-verifies-signatures.md`).
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from cloakroom.errors import TamperedError, UncheckableError, UsageError

SIGNATURE_SIZE = 64
_KEY_SIZE = 32


class VerifyingKey:
    """The public half of an Ed25519 key."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        """Take the 32 bytes of RFC 8032.

        Raises:
            UncheckableError: `raw` is no Ed25519 public key.
        """
        if len(raw) != _KEY_SIZE:
            raise UncheckableError("not an Ed25519 public key")
        self._raw = bytes(raw)

    @property
    def raw(self) -> bytes:
        """The 32 bytes of the key."""
        return self._raw

    def verify(self, message: bytes, signature: bytes) -> None:
        """Return silently if `signature` over `message` is this key's.

        Raises:
            TamperedError: It is not.
        """
        # The library takes signature and message in one piece: of another length, one would reach into the other.
        if len(signature) != SIGNATURE_SIZE:
            raise TamperedError("the signature is wrong")
        try:
            crypto_sign_open(signature + message, self._raw)
        except BadSignatureError:
            raise TamperedError("the signature is wrong") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyingKey) and other._raw == self._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __repr__(self) -> str:
        return f"VerifyingKey({self._raw.hex()[:16]}…)"


class SigningKey:
    """The private half of an Ed25519 key."""

    __slots__ = ("_key",)

    def __init__(self, seed: bytes) -> None:
        """Take the 32-byte seed of RFC 8032."""
        if len(seed) != _KEY_SIZE:
            raise UsageError("an Ed25519 seed has 32 bytes")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @classmethod
    def generate(cls) -> SigningKey:
        """Make a new key from the operating system's randomness."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def seed(self) -> bytes:
        """The 32-byte seed; whoever has it can sign."""
        return self._key.private_bytes_raw()

    @property
    def verifying_key(self) -> VerifyingKey:
        """The public half."""
        return VerifyingKey(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the signature (64 bytes) over `message`."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return "SigningKey(<private>)"
