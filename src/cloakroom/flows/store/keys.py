"""The keys of a store as one node has them open, and everything that is made of them.

A ring in memory is what the store held when it was read. Another node may add a generation (read it anew before rows
of it come), destroy one (nothing lies under it any more), or wrap the ring under another root key: then this node
goes on with what it has opened, and looks for the new root key where the old one lay. Whoever changes the ring does
so in `changing`, alone and over its latest state. Whoever seals records that would be lost under a destroyed key
keeps the brand's keys as they are: an import by `settled`, a single write by `settle`.

Used by one thread at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property

from cloakroom.errors import UncheckableError
from cloakroom.flows.opening import Openers
from cloakroom.flows.store.ports import KeyStore
from cloakroom.ledger.record_sets import RecordSetSealer
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.key_ring import GROUP, KeyName, KeyPurpose, KeyRing, RootKey, new_key
from cloakroom.vault.rows import RowDigests
from cloakroom.vault.sealing import BrandSealer
from cloakroom.vault.tokens import TokenCodec


class _MadeOfRing:
    """Whatever is made of one ring and one catalogue, when it is asked for."""

    def __init__(self, ring: KeyRing, catalogue: Catalogue) -> None:
        self.ring = ring
        self.catalogue = catalogue

    @cached_property
    def sealers(self) -> Mapping[int, BrandSealer]:
        return {number: BrandSealer(self.ring, number) for number in self.catalogue.brands.values()}

    @cached_property
    def openers(self) -> Openers:
        return Openers(self.ring, self.catalogue)

    @cached_property
    def digests(self) -> Mapping[int, RowDigests]:
        return {number: RowDigests(self.ring, self.catalogue, number) for number in self.catalogue.brands.values()}


class StoreKeys:
    """The opened key ring of one node."""

    def __init__(
        self, *, store: KeyStore, root: RootKey, load_root: Callable[[], RootKey], catalogue: Catalogue
    ) -> None:
        """Read the ring.

        Args:
            store: Where it lies, wrapped.
            root: The root key.
            load_root: Loads the root key anew from where this one came from.
            catalogue: Numbers of brands, fields, indexes.

        Raises:
            UncheckableError: The ring lies under another root key.
        """
        self._store = store
        self._load_root = load_root
        self._root = root
        self._made = _MadeOfRing(KeyRing.open(root, store.keys()), catalogue)
        self._sets = RecordSetSealer(
            _set_keys(self.ring), refreshed=lambda: _set_keys(KeyRing.open(self._root, store.keys()))
        )

    @property
    def ring(self) -> KeyRing:
        """The opened keys."""
        return self._made.ring

    @property
    def root(self) -> RootKey:
        """The root key."""
        return self._root

    @property
    def catalogue(self) -> Catalogue:
        """Numbers of brands, fields, indexes."""
        return self._made.catalogue

    @property
    def sets(self) -> RecordSetSealer:
        """Seals and opens the sets of records that lie beside entries."""
        return self._sets

    @property
    def sealers(self) -> Mapping[int, BrandSealer]:
        """The sealer of each brand's records, by its number."""
        return self._made.sealers

    @property
    def openers(self) -> Openers:
        """Opens records under durable entries."""
        return self._made.openers

    @property
    def digests(self) -> Mapping[int, RowDigests]:
        """Computes the keyed digests of each brand, by its number."""
        return self._made.digests

    def codec(self, token_scope: str) -> TokenCodec:
        """Return what reads and makes the tokens of one scope."""
        return TokenCodec(self.ring.get(KeyPurpose.TOKEN, GROUP, token_scope))

    def refresh(self) -> None:
        """Read the ring anew; other nodes may have added or destroyed generations.

        Raises:
            UncheckableError: It lies under a root key that is not where this one came from; nothing changed.
        """
        stored = self._store.keys()
        try:
            ring = KeyRing.open(self._root, stored)
        except UncheckableError:
            # After a rotation the new root key may have been put where the old one lay.
            root = self._load_root()
            ring, self._root = KeyRing.open(root, stored), root
        self._made = _MadeOfRing(ring, self.catalogue)
        self._sets.adopt(_set_keys(ring))

    def adopt(self, catalogue: Catalogue) -> None:
        """Go on with other numbers; the ring must hold the keys of their brands."""
        self._made = _MadeOfRing(self.ring, catalogue)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Open a durable transaction in which the ring may be changed: alone, and knowing its latest state.

        Raises:
            UncheckableError: The ring lies under another root key by now.
        """
        with self._store.changing():
            self.refresh()
            yield

    @contextmanager
    def settled(self, brand: int, *, changing: bool = False) -> Iterator[None]:
        """Keep the keys of a brand's records as they are until the end: imports among each other, rotations alone.

        An import that goes on under keys that a rotation destroys meanwhile would seal records for nobody.
        """
        with self._store.settled(brand, changing=changing):
            self.refresh()
            yield

    def settle(self, brand: int) -> bool:
        """Within a transaction: keep a brand's keys as they are until its end.

        Returns:
            False while they are being rotated, or lie under a root key that this node was not given yet.
        """
        if not self._store.settle(brand):
            return False
        try:
            self.refresh()
        except UncheckableError:
            return False
        return True

    def add(self, name: KeyName, at: int) -> None:
        """Within `changing`: add a fresh random key."""
        self._store.add_key(new_key(self._root, name), at)

    def drop(self, name: KeyName) -> None:
        """Within `changing`: destroy a key."""
        self._store.drop_key(name)

    def rewrap(self, root: RootKey) -> int:
        """Within `changing`: wrap every key under another root key; return how many. See `adopt_root`."""
        names = self.ring.names()
        for name in names:
            key = self.ring.get(name.purpose, name.scope, name.detail, name.generation)
            self._store.replace_key(root.wrap(name, key))
        return len(names)

    def adopt_root(self, root: RootKey) -> None:
        """Go on with a root key under which the stored ring lies by now."""
        self._root = root


def _set_keys(ring: KeyRing) -> dict[int, bytes]:
    return {number: ring.get(KeyPurpose.SET, GROUP, "", number) for number in ring.generations(KeyPurpose.SET)}
