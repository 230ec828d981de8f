"""The only place that touches libraries of cryptography.

Everything above asks this package for one of a handful of constructions, each with one set of parameters:
AES-256-GCM (NIST SP 800-38D), HMAC-SHA-256 (RFC 2104), HKDF-SHA-256 (RFC 5869), AES-256 on single blocks
(FIPS 197, as a permutation of 16 bytes, never as a mode), Ed25519 (RFC 8032), SHA-256 (FIPS 180-4).

Rules kept here: opening raises and never returns a boolean; `OpenError` says nothing about why; randomness comes
from the operating system; keys are `bytes` of a checked length. Python cannot wipe memory: `docs/threat-model.md`
says what follows from that.
"""

from cloakroom.crypto.cells import INITIAL_SIZE, open_cells, seal_cells, seal_rows
from cloakroom.crypto.primitives import (
    AEAD_NONCE_SIZE,
    AEAD_TAG_SIZE,
    BLOCK_SIZE,
    KEY_SIZE,
    AuthenticatedCipher,
    BlockPermutation,
    KeyedDigest,
    hkdf_sha256,
    hmac_sha256,
    is_equal,
    random_bytes,
    sha256,
)
from cloakroom.crypto.signatures import (
    SIGNATURE_SIZE,
    SigningKey,
    VerifyingKey,
)

__all__ = [
    "AEAD_NONCE_SIZE",
    "AEAD_TAG_SIZE",
    "BLOCK_SIZE",
    "INITIAL_SIZE",
    "KEY_SIZE",
    "SIGNATURE_SIZE",
    "AuthenticatedCipher",
    "BlockPermutation",
    "KeyedDigest",
    "SigningKey",
    "VerifyingKey",
    "hkdf_sha256",
    "hmac_sha256",
    "is_equal",
    "open_cells",
    "random_bytes",
    "seal_cells",
    "seal_rows",
    "sha256",
]
