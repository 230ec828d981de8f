"""Signed HTTP requests (RFC 9421) with a digest of their body (RFC 9530): one profile, shared by server and client.

The profile is in `docs/reference/http-signatures.md`. It leaves nothing to choose: Ed25519, a fixed list of covered
components, every parameter required. Pure: bytes in, bytes out; who the key belongs to, whether a nonce was seen
before and what time it is are the caller's to know.
"""

from cloakroom.signing.digest import check_content_digest, content_digest
from cloakroom.signing.message import Message
from cloakroom.signing.signature import (
    LIMITS,
    Limits,
    ReadSignature,
    RequestError,
    check_times,
    read_signature,
    sign_request,
)

__all__ = [
    "LIMITS",
    "Limits",
    "Message",
    "ReadSignature",
    "RequestError",
    "check_content_digest",
    "check_times",
    "content_digest",
    "read_signature",
    "sign_request",
]
