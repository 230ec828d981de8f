"""Rotation of keys while others serve.

- Root: the ring's few keys are wrapped anew under another root key, in one transaction.
- Brand: a new generation of key-encryption keys; the wraps of the brand's records follow in batches. No envelope is
  read. Rows of both generations open until the last one is done; then the old generation is destroyed.
- Index: a new generation of the brand's index key; stored digests are permuted from the old to the new one in
  batches, without opening anybody's data. Look-ups read both generations until the last row is done.
- Sets: a new generation of the key that seals sets of records; what entries bind stays under the old ones.

Each batch is a transaction of its own, and starting again goes on where it stopped. Imports of the brand and other
rotations of it wait meanwhile; reveals, searches and erasures do not.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.adapters.root_key import load_root_key
from cloakroom.errors import UsageError
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.key_ring import GROUP, KeyName, KeyPurpose, new_key
from cloakroom.vault.sealed_record import SealedKeys
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application

BATCH = 5_000
REFRESH_SECONDS = 2.0
"""How long other nodes may take to notice a new key; rows move to it only after that."""

Progress = Callable[[int], None]


def rotate_root(application: Application, new_uri: str) -> int:
    """Wrap every key of the ring under the root key at `new_uri`; return how many.

    The old root key opens nothing any more once this returns; keep it until backups made under it have expired.
    """
    root = load_root_key(new_uri)
    with application.changing_keys():
        ring = application.ring
        names = ring.names()
        for name in names:
            key = ring.get(name.purpose, name.scope, name.detail, name.generation)
            application.records.replace_key(root.wrap(name, key))
        _enter(application, "root", {"keys": len(names)})
    application.root = root
    return len(names)


def rotate_brand(application: Application, brand_name: str, progress: Progress | None = None) -> int:
    """Give a brand new key-encryption keys and wrap its records' keys under them; return how many records."""
    brand = application.catalogue.brand(brand_name)
    with application.settled_keys(brand, changing=True):
        return _rotate_brand(application, brand_name, brand, progress)


def _rotate_brand(application: Application, brand_name: str, brand: int, progress: Progress | None) -> int:
    generations = application.ring.generations(KeyPurpose.WRAP, brand, EnvelopeClass.CONTACT.name)
    if len(generations) == 1:
        _add_generation(
            application,
            [KeyName(KeyPurpose.WRAP, brand, item.name, generations[-1] + 1) for item in EnvelopeClass],
        )
        _enter(application, "brand", {"brand": brand_name, "generation": generations[-1] + 1, "phase": "begin"})
    queries = load_queries("vault")
    sealer = application.sealers[brand]
    done = 0
    while True:
        with application.connection.transaction():
            rows = application.connection.execute(
                queries["keys_to_rewrap"],
                {"brand": brand, "generation": sealer.generation, "limit": BATCH},
                binary=True,
            ).fetchall()
            ordinals = [row[0] for row in rows]
            wrapped = sealer.rewrap([(row[0], SealedKeys(*row[1:])) for row in rows])
            application.connection.execute(
                queries["rewrap"],
                {
                    "brand": brand,
                    "ordinals": ordinals,
                    "generations": [keys.generation for keys in wrapped],
                    "wraps": [keys.wraps for keys in wrapped],
                },
            )
        done += len(rows)
        if progress is not None:
            progress(done)
        if len(rows) < BATCH:
            break
    _drop_older(application, KeyPurpose.WRAP, brand, [item.name for item in EnvelopeClass])
    _enter(application, "brand", {"brand": brand_name, "records": done, "phase": "end"})
    return done


def rotate_index(application: Application, brand_name: str, progress: Progress | None = None) -> int:
    """Give a brand a new index key and permute its stored digests under it; return how many index rows."""
    brand = application.catalogue.brand(brand_name)
    with application.settled_keys(brand, changing=True):
        return _rotate_index(application, brand_name, brand, progress)


def _rotate_index(application: Application, brand_name: str, brand: int, progress: Progress | None) -> int:
    generations = application.ring.generations(KeyPurpose.INDEX, brand)
    if len(generations) == 1:
        if generations[-1] >= 255:
            raise UsageError("an index key has at most 255 generations")
        _add_generation(application, [KeyName(KeyPurpose.INDEX, brand, "", generations[-1] + 1)])
        _enter(application, "index", {"brand": brand_name, "generation": generations[-1] + 1, "phase": "begin"})
    digests = application.digests[brand]
    newest = digests.generations[0]
    done = 0
    for generation in digests.generations[1:]:
        for number in application.catalogue.indexes.values():
            while moved := _move_index_rows(application, brand, number, generation, newest):
                done += moved
                if progress is not None:
                    progress(done)
    _drop_older(application, KeyPurpose.INDEX, brand, [""])
    _enter(application, "index", {"brand": brand_name, "rows": done, "phase": "end"})
    return done


def rotate_sets(application: Application) -> int:
    """Give the group a new key for sets of records; return its generation. The older ones stay: entries bind sets."""
    generation = application.ring.newest(KeyPurpose.SET) + 1
    _add_generation(application, [KeyName(KeyPurpose.SET, GROUP, "", generation)])
    _enter(application, "sets", {"generation": generation})
    return generation


def _move_index_rows(application: Application, brand: int, number: int, old: int, new: int) -> int:
    digests = application.digests[brand]
    with application.connection.transaction():
        application.connection.execute(load_queries("vault")["lock_index"], {"brand": brand})
        rows = application.connection.execute(
            "delete from blind_index where ctid = any (array(select ctid from blind_index"
            " where brand = %s and index_id = %s limit %s)) returning digest, ordinal, current",
            (brand, number * 256 + old, BATCH),
            binary=True,
        ).fetchall()
        links = digests.to_link(b"".join(row[0].bytes for row in rows), old)
        stored = digests.stored_links(links, new)
        application.connection.execute(
            "insert into blind_index (brand, index_id, digest, ordinal, current)"
            " select %s, %s, u.digest, u.ordinal, u.current"
            " from unnest(%s::uuid[], %s::bigint[], %s::boolean[]) as u(digest, ordinal, current)"
            " on conflict (brand, index_id, digest, ordinal) do update"
            " set current = blind_index.current or excluded.current",
            (
                brand,
                number * 256 + new,
                [stored[at : at + 16].hex() for at in range(0, len(stored), 16)],
                [row[1] for row in rows],
                [row[2] for row in rows],
            ),
        )
    return len(rows)


def _add_generation(application: Application, names: list[KeyName]) -> None:
    with application.changing_keys():
        for name in names:
            application.records.add_key(new_key(application.root, name), application.now())
    application.refresh_keys()
    time.sleep(REFRESH_SECONDS)


def _drop_older(application: Application, purpose: KeyPurpose, scope: int, details: list[str]) -> None:
    with application.changing_keys():
        for detail in details:
            for generation in application.ring.generations(purpose, scope, detail)[:-1]:
                application.records.drop_key(KeyName(purpose, scope, detail, generation))
    application.refresh_keys()


def _enter(application: Application, what: str, detail: dict[str, object]) -> None:
    application.entries.append(lineage="system", operation=Operation.ROTATE, detail={"what": what, **detail})
