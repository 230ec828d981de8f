"""Rotates the keys of an opened store; see `flows.store.rotate`."""

from __future__ import annotations

import time

from cloakroom.adapters.postgres.rotation_store import PostgresRotations
from cloakroom.adapters.root_key import load_root_key
from cloakroom.flows.store import rotate
from cloakroom.wiring import Application


def rotate_root(application: Application, new_uri: str) -> int:
    """Wrap every key of the ring under the root key at `new_uri`; return how many."""
    return rotate.rotate_root(_rotation(application), load_root_key(new_uri))


def rotate_brand(application: Application, brand_name: str, progress: rotate.Progress | None = None) -> int:
    """Give a brand new key-encryption keys and wrap its records' keys under them; return how many records."""
    return rotate.rotate_brand(_rotation(application), brand_name, progress)


def rotate_index(application: Application, brand_name: str, progress: rotate.Progress | None = None) -> int:
    """Give a brand a new index key and permute its stored digests under it; return how many index rows."""
    return rotate.rotate_index(_rotation(application), brand_name, progress)


def rotate_sets(application: Application) -> int:
    """Give the group a new key for sets of records; return its generation."""
    return rotate.rotate_sets(_rotation(application))


def _rotation(application: Application) -> rotate.Rotation:
    return rotate.Rotation(
        application.keys,
        PostgresRotations(application.connection),
        application.entries,
        application.clock,
        time.sleep,
    )
