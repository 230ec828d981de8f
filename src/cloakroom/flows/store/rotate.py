"""Rotation of keys while others serve.

- Root: the ring's few keys are wrapped anew under another root key, in one transaction.
- Brand: a new generation of key-encryption keys; the wraps of the brand's records follow in batches. No envelope is
  read. Rows of both generations open until the last one is done; then the old generation is destroyed.
- Index: a new generation of the brand's index key; stored digests are permuted from the old to the new one in
  batches, without opening anybody's data. Look-ups read both generations until the last row is done.
- Sets: a new generation of the key that seals sets of records; what entries bind stays under the old ones.

The order of effects, and why a crash anywhere is harmless:

1. The new generation and the entry that says so are one transaction: there is no key without its line.
2. Other nodes are given `REFRESH_SECONDS` to notice the new generation before any row lies under it.
3. Each batch of rows is a transaction of its own. A crash between two leaves rows of both generations, which open and
   are found. Starting again goes on where it stopped: a second generation that is there already is not made again.
4. When no row is left the old generation is destroyed, with the entry of the end in that transaction. A crash before
   leaves an old key under which nothing lies, and starting again destroys it.

Imports of the brand and other rotations of it wait meanwhile, single writes are told to come again; reveals, searches
and erasures do not notice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cloakroom.clock import Clock, to_microseconds
from cloakroom.crypto import BLOCK_SIZE
from cloakroom.errors import UsageError
from cloakroom.flows.ledger.entry_writing import EntryWriter
from cloakroom.flows.store.keys import StoreKeys
from cloakroom.flows.store.ports import RotationStore
from cloakroom.vault.catalogue import MAX_INDEX_GENERATION
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.key_ring import GROUP, KeyName, KeyPurpose, KeyRing, RootKey
from cloakroom.vocabulary import Operation

BATCH = 5_000
REFRESH_SECONDS = 2.0
"""Seconds that other nodes may take to notice a new key; rows move to it only after that."""

_WHAT = {KeyPurpose.WRAP: "brand", KeyPurpose.INDEX: "index", KeyPurpose.SET: "sets"}
"""The entry's word for what is rotated, by the purpose of the key."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Rotation:
    """The collaborators of every rotation.

    Attributes:
        keys: The keys.
        store: The rows that lie under them.
        entries: Writes the entries.
        clock: Tells the time.
        sleep: Waits for so many seconds, while other nodes notice a new key.
    """

    keys: StoreKeys
    store: RotationStore
    entries: EntryWriter
    clock: Clock
    sleep: Callable[[float], None]

    def enter(self, purpose: KeyPurpose, detail: Mapping[str, object]) -> None:
        """Append the entry of a step, within the transaction of that step."""
        told = {"what": _WHAT[purpose], **detail}
        self.entries.append(lineage="system", operation=Operation.ROTATE, detail=told)


def rotate_root(rotation: Rotation, root: RootKey) -> int:
    """Wrap every key of the ring under another root key; return how many.

    The old root key opens nothing any more once this returns; keep it until backups made under it have expired.
    """
    with rotation.keys.changing():
        count = rotation.keys.rewrap(root)
        told = {"what": "root", "keys": count}
        rotation.entries.append(lineage="system", operation=Operation.ROTATE, detail=told)
    rotation.keys.adopt_root(root)
    return count


def rotate_brand(rotation: Rotation, brand_name: str, progress: Progress | None = None) -> int:
    """Give a brand new key-encryption keys and wrap its records' keys under them; return how many records."""
    keys, brand = rotation.keys, rotation.keys.catalogue.brand(brand_name)
    with keys.settled(brand, changing=True):
        generations = keys.ring.generations(KeyPurpose.WRAP, brand, EnvelopeClass.CONTACT.name)
        if len(generations) == 1:
            names = [KeyName(KeyPurpose.WRAP, brand, item.name, generations[-1] + 1) for item in EnvelopeClass]
            _add_generation(rotation, lambda _: names, {"brand": brand_name, "phase": "begin"})
        done = 0
        while moved := _rewrap_some(rotation, brand):
            done += moved
            _tell(progress, done)
        _drop_older(rotation, KeyPurpose.WRAP, brand, {"brand": brand_name, "records": done})
    return done


def rotate_index(rotation: Rotation, brand_name: str, progress: Progress | None = None) -> int:
    """Give a brand a new index key and permute its stored digests under it; return how many index rows.

    Raises:
        UsageError: Its index key has been rotated as often as it can be.
    """
    keys, brand = rotation.keys, rotation.keys.catalogue.brand(brand_name)
    with keys.settled(brand, changing=True):
        generations = keys.ring.generations(KeyPurpose.INDEX, brand)
        if len(generations) == 1:
            if generations[-1] >= MAX_INDEX_GENERATION:
                raise UsageError(f"an index key has at most {MAX_INDEX_GENERATION} generations")
            names = [KeyName(KeyPurpose.INDEX, brand, "", generations[-1] + 1)]
            _add_generation(rotation, lambda _: names, {"brand": brand_name, "phase": "begin"})
        done = 0
        for index in keys.catalogue.indexes:
            for generation in keys.digests[brand].generations[1:]:
                while moved := _move_index_rows(rotation, brand, index, generation):
                    done += moved
                    _tell(progress, done)
        _drop_older(rotation, KeyPurpose.INDEX, brand, {"brand": brand_name, "rows": done})
    return done


def rotate_sets(rotation: Rotation) -> int:
    """Give the group a new key for sets of records; return its generation. The older ones stay: entries bind sets."""
    (name,) = _add_generation(
        rotation, lambda ring: [KeyName(KeyPurpose.SET, GROUP, "", ring.newest(KeyPurpose.SET) + 1)], {}
    )
    return name.generation


def _rewrap_some(rotation: Rotation, brand: int) -> int:
    """Wrap the keys of one batch of records under the newest generation; return how many there were."""
    sealer, store = rotation.keys.sealers[brand], rotation.store
    with store.transaction():
        before = store.keys_before(brand, sealer.generation, BATCH)
        ordinals = [ordinal for ordinal, _ in before]
        store.store_keys(brand, list(zip(ordinals, sealer.rewrap(before), strict=True)))
    return len(before)


def _move_index_rows(rotation: Rotation, brand: int, index: str, generation: int) -> int:
    """Put one batch of rows of an index under the newest generation of its key; return how many there were."""
    digests, store = rotation.keys.digests[brand], rotation.store
    with store.transaction():
        rows = store.take_index_rows(brand, digests.index_id(index, generation), BATCH)
        links = digests.to_link(b"".join(digest for digest, _, _ in rows), generation)
        stored = digests.stored_links(links)
        moved = [
            (stored[at * BLOCK_SIZE : (at + 1) * BLOCK_SIZE], ordinal, is_current)
            for at, (_, ordinal, is_current) in enumerate(rows)
        ]
        store.put_index_rows(brand, digests.index_id(index), moved)
    return len(rows)


def _add_generation(
    rotation: Rotation, names_in: Callable[[KeyRing], Sequence[KeyName]], told: Mapping[str, object]
) -> Sequence[KeyName]:
    """Add the keys that are named in the ring as it is while nobody else changes it; return their names."""
    with rotation.keys.changing():
        names = names_in(rotation.keys.ring)
        for name in names:
            rotation.keys.add(name, to_microseconds(rotation.clock.now()))
        rotation.enter(names[0].purpose, {"generation": names[0].generation, **told})
    rotation.keys.refresh()
    rotation.sleep(REFRESH_SECONDS)
    return names


def _drop_older(rotation: Rotation, purpose: KeyPurpose, brand: int, told: Mapping[str, object]) -> None:
    with rotation.keys.changing():
        ring = rotation.keys.ring
        for name in ring.names():
            is_its_key = (name.purpose, name.scope) == (purpose, brand)
            if is_its_key and name.generation < ring.newest(purpose, brand, name.detail):
                rotation.keys.drop(name)
        rotation.enter(purpose, {**told, "phase": "end"})
    rotation.keys.refresh()


def _tell(progress: Progress | None, done: int) -> None:
    if progress is not None:
        progress(done)
