"""Symmetric constructions with fixed parameters."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cloakroom.errors import OpenError, UsageError

KEY_SIZE = 32
BLOCK_SIZE = 16
AEAD_NONCE_SIZE = 12
AEAD_TAG_SIZE = 16
_HASH_BLOCK = 64
_INNER_PAD = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD = bytes(byte ^ 0x5C for byte in range(256))


def random_bytes(size: int) -> bytes:
    """Return `size` bytes from the operating system's generator."""
    return os.urandom(size)


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 digest (32 bytes) of `data`."""
    return hashlib.sha256(data).digest()


_last_key: tuple[bytes, HMAC | None] = (b"", None)


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """Return HMAC-SHA-256 (32 bytes), RFC 2104.

    Most of its time goes into setting up. A key that comes again at once, as those of indexes do by the million, is
    therefore kept set up; keys that are used once are not.
    """
    global _last_key  # noqa: PLW0603 - read and set as a whole, so that threads at worst set up once more
    last, prepared = _last_key
    if key is not last:
        _last_key = key, None
        return hmac.digest(key, data, "sha256")
    if prepared is None:
        prepared = HMAC(key, hashes.SHA256())
        _last_key = key, prepared
    one = prepared.copy()
    one.update(data)
    return one.finalize()


class KeyedDigest:
    """HMAC-SHA-256 (RFC 2104) under one key, for many messages.

    The two hash states that depend on the key alone are computed once; each message then costs two copies of them.
    For the short messages of a record that is less than half of what a call of `hmac_sha256` costs.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        """Take a key of any length."""
        block = (hashlib.sha256(key).digest() if len(key) > _HASH_BLOCK else key).ljust(_HASH_BLOCK, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER_PAD))
        self._outer = hashlib.sha256(block.translate(_OUTER_PAD))

    def digest(self, message: bytes) -> bytes:
        """Return the digest of `message`, 32 bytes."""
        return self.digests((message,))[0]

    def digests(self, messages: Iterable[bytes], size: int = 32) -> list[bytes]:
        """Return the first `size` bytes of the digest of each message."""
        copy_inner, copy_outer = self._inner.copy, self._outer.copy
        found = []
        for message in messages:
            inner, outer = copy_inner(), copy_outer()
            inner.update(message)
            outer.update(inner.digest())
            found.append(outer.digest()[:size])
        return found

    def __repr__(self) -> str:
        return "KeyedDigest(<key>)"


def hkdf_sha256(secret: bytes, *, info: bytes, salt: bytes = b"", size: int = KEY_SIZE) -> bytes:
    """Return `size` bytes derived from `secret` by HKDF-SHA-256, RFC 5869.

    Args:
        secret: Input keying material of any length.
        info: Says what the output is for; different uses get different `info`.
        salt: Optional, need not be secret.
        size: At most 255 × 32.

    Raises:
        UsageError: `size` is out of range.
    """
    if not 0 < size <= 255 * 32:
        raise UsageError("HKDF-SHA-256 gives between 1 and 8160 bytes")
    return HKDF(algorithm=hashes.SHA256(), length=size, salt=salt or None, info=info).derive(secret)


def is_equal(left: bytes, right: bytes) -> bool:
    """Compare in time that does not depend on where they differ."""
    return hmac.compare_digest(left, right)


class AuthenticatedCipher:
    """AES-256-GCM under one key (NIST SP 800-38D).

    The caller chooses nonces and must never use one twice under a key. Not key-committing by itself: a caller for
    whom that matters stores a commitment to the key and compares it first (see `docs/spec/envelope.md`).
    """

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise UsageError("AES-256-GCM takes a key of 32 bytes")
        self._cipher = AESGCM(key)

    def seal(self, nonce: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
        """Return ciphertext followed by the tag of 16 bytes.

        Args:
            nonce: 12 bytes, never used before under this key.
            plaintext: Any length.
            associated_data: Bound to the result; must be given again to open it.
        """
        if len(nonce) != AEAD_NONCE_SIZE:
            raise UsageError("AES-256-GCM takes a nonce of 12 bytes")
        return self._cipher.encrypt(nonce, plaintext, associated_data)

    def open(self, nonce: bytes, sealed: bytes, associated_data: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            OpenError: Key, nonce, ciphertext, tag or associated data is not what it was when sealed.
        """
        if len(nonce) != AEAD_NONCE_SIZE or len(sealed) < AEAD_TAG_SIZE:
            raise OpenError("does not open")
        try:
            return self._cipher.decrypt(nonce, sealed, associated_data)
        except InvalidTag:
            raise OpenError("does not open") from None

    def __repr__(self) -> str:
        return "AuthenticatedCipher(<key>)"


class BlockPermutation:
    """AES-256 as a keyed permutation of 16-byte blocks (FIPS 197).

    Each block is permuted by itself, so equal blocks give equal results: right for values that are unique or
    pseudorandom by construction (tokens, digests), wrong for text. Use `AuthenticatedCipher` for text.
    """

    __slots__ = ("_cipher", "_contexts")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise UsageError("AES-256 takes a key of 32 bytes")
        # One block at a time with no chaining is the point: this is a permutation, not a mode of encryption.
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305
        # Without chaining, whole blocks leave nothing behind in a context: one serves for ever, in one thread.
        self._contexts = threading.local()

    def permute(self, blocks: bytes) -> bytes:
        """Permute each 16-byte block of `blocks`."""
        self._check(blocks)
        try:
            context: CipherContext = self._contexts.permuting
        except AttributeError:
            context = self._contexts.permuting = self._cipher.encryptor()
        return context.update(blocks)

    def invert(self, blocks: bytes) -> bytes:
        """Undo `permute`."""
        self._check(blocks)
        try:
            context: CipherContext = self._contexts.inverting
        except AttributeError:
            context = self._contexts.inverting = self._cipher.decryptor()
        return context.update(blocks)

    @staticmethod
    def _check(blocks: bytes) -> None:
        if len(blocks) % BLOCK_SIZE:
            raise UsageError("AES permutes whole blocks of 16 bytes")

    def __repr__(self) -> str:
        return "BlockPermutation(<key>)"
