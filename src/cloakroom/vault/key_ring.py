"""The keys between the root key and the records. Specified in `docs/spec/keys.md`.

    root key (outside the store, by URI)
      └─ wraps each key of the ring: AES-256-GCM, associated data = the key's name
           ├─ wrap   brand × class × generation   wraps the class keys of that brand's records
           ├─ facet  brand                        seals the brand's facets
           ├─ index  brand × generation           permutes link digests into stored index digests
           ├─ content brand                       keys the digest by which a repeated row is recognised
           ├─ link   group × generation           makes link digests
           ├─ token  application                  makes an application's tokens
           ├─ claim  group                        keys the digests by which an earlier dump is recognised
           └─ set    group × generation           seals the sets of records that lie beside entries

Every key is random; none is derived from another, so that destroying one is final. Rotating the root re-wraps these
few rows; rotating a brand re-wraps its records' keys; neither touches an envelope.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cloakroom.canonical import json as canonical_json
from cloakroom.crypto import AEAD_NONCE_SIZE, KEY_SIZE, AuthenticatedCipher, random_bytes
from cloakroom.errors import OpenError, StoreError, UncheckableError

GROUP = 0xFFFF


class KeyPurpose(StrEnum):
    """The purpose of a key of the ring."""

    WRAP = "wrap"
    FACET = "facet"
    INDEX = "index"
    CONTENT = "content"
    LINK = "link"
    TOKEN = "token"  # noqa: S105 - the name of a purpose
    CLAIM = "claim"
    SET = "set"
    SIGN = "sign"


@dataclass(frozen=True, slots=True, order=True)
class KeyName:
    """Names one key of the ring.

    Attributes:
        purpose: What it is for.
        scope: Number of the brand, or `GROUP`.
        detail: Field class for `wrap`, id of the application for `token`, else empty.
        generation: Counts the keys of this name, from 1.
    """

    purpose: KeyPurpose
    scope: int
    detail: str
    generation: int

    def associated_data(self) -> bytes:
        """Return the bytes that bind a wrapped key to its name."""
        return canonical_json.encode(
            {
                "label": "cloakroom/key",
                "purpose": str(self.purpose),
                "scope": self.scope,
                "detail": self.detail,
                "generation": self.generation,
            }
        )


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A key of the ring as it is stored: nonce (12) ‖ sealed key (48), under the root key."""

    name: KeyName
    wrapped: bytes


class RootKey:
    """The key that wraps the ring. Lives outside the store."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        """Take the 32 bytes of the root key."""
        self._cipher = AuthenticatedCipher(key)

    def wrap(self, name: KeyName, key: bytes) -> WrappedKey:
        """Return `key` wrapped under this root, bound to `name`."""
        nonce = random_bytes(AEAD_NONCE_SIZE)
        return WrappedKey(name, nonce + self._cipher.seal(nonce, key, name.associated_data()))

    def unwrap(self, wrapped: WrappedKey) -> bytes:
        """Return the key.

        Raises:
            UncheckableError: This is not the root key under which it was wrapped, or the row was changed.
        """
        nonce, sealed = wrapped.wrapped[:AEAD_NONCE_SIZE], wrapped.wrapped[AEAD_NONCE_SIZE:]
        try:
            return self._cipher.open(nonce, sealed, wrapped.name.associated_data())
        except OpenError as error:
            name = wrapped.name
            raise UncheckableError(
                f"key {name.purpose}/{name.scope}/{name.detail}/{name.generation} does not open: "
                "wrong root key, or the row was changed"
            ) from error


def new_key(root: RootKey, name: KeyName) -> WrappedKey:
    """Return a fresh random key, wrapped."""
    return root.wrap(name, random_bytes(KEY_SIZE))


class KeyRing:
    """The opened keys of a store, for the life of a process.

    Immutable: a rotation makes a new ring. `repr` shows names only.
    """

    __slots__ = ("_keys", "_newest")

    def __init__(self, keys: Mapping[KeyName, bytes]) -> None:
        """Take opened keys by name."""
        self._keys = dict(keys)
        self._newest: dict[tuple[KeyPurpose, int, str], int] = {}
        for name in self._keys:
            place = (name.purpose, name.scope, name.detail)
            self._newest[place] = max(self._newest.get(place, 0), name.generation)

    @classmethod
    def open(cls, root: RootKey, wrapped: Iterable[WrappedKey]) -> KeyRing:
        """Open every key with `root`.

        Raises:
            UncheckableError: One of them does not open.
        """
        return cls({item.name: root.unwrap(item) for item in wrapped})

    def get(self, purpose: KeyPurpose, scope: int = GROUP, detail: str = "", generation: int | None = None) -> bytes:
        """Return a key, the newest generation unless told.

        Raises:
            StoreError: There is no such key.
        """
        number = self.newest(purpose, scope, detail) if generation is None else generation
        try:
            return self._keys[KeyName(purpose, scope, detail, number)]
        except KeyError:
            raise StoreError(f"no key {purpose}/{scope}/{detail}/{number} in the store") from None

    def newest(self, purpose: KeyPurpose, scope: int = GROUP, detail: str = "") -> int:
        """Return the newest generation of a key.

        Raises:
            StoreError: There is none.
        """
        try:
            return self._newest[(purpose, scope, detail)]
        except KeyError:
            raise StoreError(f"no key {purpose}/{scope}/{detail} in the store") from None

    def generations(self, purpose: KeyPurpose, scope: int = GROUP, detail: str = "") -> list[int]:
        """Return the generations held of a key, oldest first."""
        return sorted(
            name.generation
            for name in self._keys
            if (name.purpose, name.scope, name.detail) == (purpose, scope, detail)
        )

    def names(self) -> list[KeyName]:
        """Return the names of all keys, in order."""
        return sorted(self._keys)

    def __repr__(self) -> str:
        return f"KeyRing({len(self._keys)} keys)"
