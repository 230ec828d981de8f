"""The ring: keys are bound to their names, the newest generation counts, and nothing shows a key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloakroom.errors import StoreError, UncheckableError
from cloakroom.vault.key_ring import GROUP, KeyName, KeyPurpose, KeyRing, RootKey, WrappedKey, new_key

ROOT = RootKey(bytes(32))
NAME = KeyName(KeyPurpose.WRAP, 1, "CONTACT", 1)


def test_a_wrapped_key_opens_under_its_root_and_name_only():
    wrapped = new_key(ROOT, NAME)
    assert len(wrapped.wrapped) == 60
    assert len(ROOT.unwrap(wrapped)) == 32
    others = [
        replace(NAME, purpose=KeyPurpose.FACET),
        replace(NAME, scope=2),
        replace(NAME, detail="IDENTITY"),
        replace(NAME, generation=2),
    ]
    for name in others:
        with pytest.raises(UncheckableError, match="wrong root key, or the row was changed"):
            ROOT.unwrap(WrappedKey(name, wrapped.wrapped))
    with pytest.raises(UncheckableError):
        RootKey(bytes([1]) * 32).unwrap(wrapped)
    for at in range(60):
        changed = wrapped.wrapped[:at] + bytes([wrapped.wrapped[at] ^ 1]) + wrapped.wrapped[at + 1 :]
        with pytest.raises(UncheckableError):
            ROOT.unwrap(WrappedKey(NAME, changed))
    for size in (0, 11, 12, 59):
        with pytest.raises(UncheckableError):
            ROOT.unwrap(WrappedKey(NAME, wrapped.wrapped[:size]))


def test_new_keys_are_never_the_same():
    keys = {ROOT.unwrap(new_key(ROOT, NAME)) for _ in range(50)}
    nonces = {new_key(ROOT, NAME).wrapped[:12] for _ in range(50)}
    assert (len(keys), len(nonces)) == (50, 50)


def test_the_newest_generation_counts_unless_told():
    names = [replace(NAME, generation=number) for number in (10, 2, 9)]
    ring = KeyRing({name: bytes([name.generation]) * 32 for name in names})
    assert ring.newest(KeyPurpose.WRAP, 1, "CONTACT") == 10
    assert ring.get(KeyPurpose.WRAP, 1, "CONTACT") == bytes([10]) * 32
    assert ring.get(KeyPurpose.WRAP, 1, "CONTACT", 2) == bytes([2]) * 32
    assert ring.generations(KeyPurpose.WRAP, 1, "CONTACT") == [2, 9, 10]


def test_a_key_that_is_not_there_is_named():
    ring = KeyRing({})
    with pytest.raises(StoreError, match=rf"^no key link/{GROUP}/ in the store$"):
        ring.get(KeyPurpose.LINK)
    with pytest.raises(StoreError, match=r"^no key wrap/1/CONTACT/3 in the store$"):
        KeyRing({NAME: bytes(32)}).get(KeyPurpose.WRAP, 1, "CONTACT", 3)


def test_no_representation_shows_a_key():
    ring = KeyRing({NAME: b"k" * 32})
    assert "kkkk" not in repr(ring) + repr(ROOT) + str(ring)
