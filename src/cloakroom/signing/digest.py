"""The Content-Digest field (RFC 9530), SHA-256 only."""

from __future__ import annotations

import base64

from cloakroom.crypto import is_equal, sha256


def content_digest(body: bytes) -> str:
    """Return the value of the field for `body`: ``sha-256=:…:``."""
    return f"sha-256=:{base64.b64encode(sha256(body)).decode()}:"


def check_content_digest(field: str, body: bytes) -> bool:
    """Say whether `field` is exactly the digest of `body`; other algorithms and lists of digests are not."""
    return is_equal(field.encode("latin-1", "replace"), content_digest(body).encode())
