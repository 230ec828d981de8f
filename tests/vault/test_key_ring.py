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


def test_the_newest_generation_is_that_of_its_own_purpose_scope_and_detail():
    names = [NAME, replace(NAME, scope=2, generation=3), replace(NAME, detail="VALUE", generation=4)]
    names.append(replace(NAME, purpose=KeyPurpose.INDEX, generation=5))
    ring = KeyRing({name: bytes([name.generation]) * 32 for name in names})
    for name in names:
        assert ring.newest(name.purpose, name.scope, name.detail) == name.generation
        assert ring.generations(name.purpose, name.scope, name.detail) == [name.generation]
        assert ring.get(name.purpose, name.scope, name.detail) == bytes([name.generation]) * 32
    assert ring.names() == sorted(names)
    assert ring.generations(KeyPurpose.SET) == []


def test_a_ring_opens_whole_or_not_at_all():
    wrapped = [new_key(ROOT, replace(NAME, generation=number)) for number in (1, 2)]
    assert KeyRing.open(ROOT, wrapped).get(KeyPurpose.WRAP, 1, "CONTACT", 2) == ROOT.unwrap(wrapped[1])
    crossed = [wrapped[0], WrappedKey(wrapped[1].name, wrapped[0].wrapped)]
    with pytest.raises(UncheckableError, match=r"^key wrap/1/CONTACT/2 does not open: wrong root key"):
        KeyRing.open(ROOT, crossed)
    with pytest.raises(UncheckableError):
        ROOT.unwrap(WrappedKey(NAME, wrapped[0].wrapped + b"\0"))


def test_a_ring_keeps_what_it_was_given_when_the_giver_changes_it():
    keys = {NAME: bytes(32)}
    ring = KeyRing(keys)
    keys[replace(NAME, generation=2)] = bytes(32)
    assert ring.newest(KeyPurpose.WRAP, 1, "CONTACT") == 1
