"""Callers whose key nobody knows yet: they sign with the key that is to become their session, and name it.

So a sign-in is a signed request like any other. Its signature shows that the caller holds the key, its nonce makes a
capture worthless, and nobody can have a key of somebody else's enrolled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cloakroom.crypto import VerifyingKey
from cloakroom.errors import UncheckableError

PREFIX = "new:"
LINEAGE = "new:"
"""All of them take turns as one: a crowd delays anybody else by one turn."""

_KEY_ID = re.compile(r"new:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class UnenrolledCaller:
    """A caller who signs in.

    Attributes:
        key: Public half of the key that signed the request.
        address: Network address; None on the machine itself.
    """

    key: VerifyingKey
    address: str | None


def key_id_of(key: VerifyingKey) -> str:
    """Return what such a caller writes as ``keyid``."""
    return f"{PREFIX}{key.raw.hex()}"


def key_of(key_id: str) -> VerifyingKey | None:
    """Return the key that a ``keyid`` names, or None if it is that of an enrolled credential."""
    found = _KEY_ID.fullmatch(key_id)
    if found is None:
        return None
    try:
        return VerifyingKey(bytes.fromhex(found[1]))
    except UncheckableError:
        return None
