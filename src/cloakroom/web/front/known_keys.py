"""Keys of credentials as a front process knows them: enough to verify a signature, never enough to let anybody in.

A key never changes under an id, so it may be remembered. Whether the credential is still valid is asked of the store
in the batch that does the work, at that moment.
"""

from __future__ import annotations

from cloakroom.crypto import SigningKey, VerifyingKey

MAX_KNOWN = 50_000
UNKNOWN_SECONDS = 1.0
NOBODY = SigningKey.generate().verifying_key
"""Stands in for a key that is not enrolled, so that the time taken does not tell which ids exist. Its private half is
forgotten at once: no signature is ever its."""


class KnownKeys:
    """Keys by credential id, and ids that were not enrolled when last asked."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._keys: dict[str, VerifyingKey] = {}
        self._unknown: dict[str, float] = {}

    def get(self, credential: str) -> VerifyingKey | None:
        """Return the key, or None if it is not known here."""
        return self._keys.get(credential)

    def is_unknown(self, credential: str, now: float) -> bool:
        """Answer whether the store said lately that there is no such credential."""
        at = self._unknown.get(credential)
        return at is not None and now - at < UNKNOWN_SECONDS

    def add(self, credential: str, key: VerifyingKey) -> None:
        """Remember a key."""
        if len(self._keys) >= MAX_KNOWN:
            self._keys.clear()
        self._keys[credential] = key

    def add_unknown(self, credential: str, now: float) -> None:
        """Remember for a second that there is no such credential."""
        if len(self._unknown) >= MAX_KNOWN:
            self._unknown.clear()
        self._unknown[credential] = now
