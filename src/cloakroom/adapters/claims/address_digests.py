"""Keyed digests by which the register of claims remembers addresses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cloakroom.crypto import hmac_sha256


def address_digests(key: bytes) -> Callable[[Sequence[str]], list[bytes]]:
    """Return what computes the digests of normal forms under the group's key for claims."""
    return lambda normal_forms: [hmac_sha256(key, form.encode()) for form in normal_forms]
