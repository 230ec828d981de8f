"""Makes a new store: keys, catalogue, configuration, first entry. The only place where trust is created."""

from __future__ import annotations

from collections.abc import Iterable

from cloakroom.crypto import SigningKey
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.key_ring import GROUP, KeyName, KeyPurpose, RootKey, WrappedKey, new_key


def keys_of_group(root: RootKey) -> list[WrappedKey]:
    """Return the new keys that a store has once: for link digests, claims, record sets, and the log's signature."""
    signing = KeyName(KeyPurpose.SIGN, GROUP, "ledger", 1)
    return [
        new_key(root, KeyName(KeyPurpose.LINK, GROUP, "", 1)),
        new_key(root, KeyName(KeyPurpose.CLAIM, GROUP, "", 1)),
        new_key(root, KeyName(KeyPurpose.SET, GROUP, "", 1)),
        root.wrap(signing, SigningKey.generate().seed),
    ]


def keys_of_brand(root: RootKey, brand: int) -> list[WrappedKey]:
    """Return the new keys of one brand."""
    names = [KeyName(KeyPurpose.WRAP, brand, field_class.name, 1) for field_class in EnvelopeClass]
    names += [KeyName(purpose, brand, "", 1) for purpose in (KeyPurpose.FACET, KeyPurpose.INDEX, KeyPurpose.CONTENT)]
    return [new_key(root, name) for name in names]


def keys_of_new_brands(root: RootKey, catalogue: Catalogue, known: Iterable[str]) -> list[WrappedKey]:
    """Return the new keys of the brands that are not yet known."""
    fresh = sorted(set(catalogue.brands) - set(known))
    return [key for name in fresh for key in keys_of_brand(root, catalogue.brands[name])]


def origin_of(group_name: str, store_id: str) -> str:
    """Return the name of a store's ledger: the group in plain letters and the store's id."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in group_name.lower())
    words = [word for word in plain.split("-") if word]
    return f"cloakroom/{'-'.join(words) or 'group'}/{store_id[:8]}"
