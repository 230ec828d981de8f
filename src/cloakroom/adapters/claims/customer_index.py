"""Looks keys up in the blind indexes of all brands, earlier values included; opens no record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from pyroaring import BitMap

from cloakroom.adapters.claims.link_digest_worker import LinkDigester, link_digest_worker
from cloakroom.adapters.postgres.vault_store import PostgresVault
from cloakroom.claims.ports import Answer, Found
from cloakroom.vault.catalogue import SHARED_INDEXES, Catalogue
from cloakroom.vault.rows import RowDigests

FEW_KEYS = 20_000
"""So many keys in all are asked of the database one by one; for more, the whole index is read."""
_DIGEST_BYTES = 16
_Pairs = tuple[np.ndarray[Any, np.dtype[np.uint64]], np.ndarray[Any, np.dtype[np.int64]]]


@dataclass(frozen=True, slots=True)
class IndexedVault:
    """The parts of the store that are looked into.

    Attributes:
        vault: The sealed records and their indexes.
        catalogue: Numbers of brands and indexes.
        digests: What computes the keyed digests of each brand, by its number.
        brands: All records of each brand, canaries left out.
        regions: Countries whose national telephone numbers the brands' systems hold without saying so.
    """

    vault: PostgresVault
    catalogue: Catalogue
    digests: Mapping[int, RowDigests] = field(repr=False)
    brands: Mapping[str, BitMap] = field(repr=False)
    regions: Sequence[str]


@contextmanager
def customer_index(
    indexed: IndexedVault, link_key: bytes, *, few_keys: int = FEW_KEYS
) -> Iterator[VaultCustomerIndex]:
    """Give the index of a vault, and what works for it at other times and places while it is used.

    Args:
        indexed: The vault.
        link_key: The group's link key.
        few_keys: So many keys are asked for one by one.
    """
    with ThreadPoolExecutor(1) as searcher, link_digest_worker(link_key) as digest:
        yield VaultCustomerIndex(indexed, digest, searcher, few_keys)


class VaultCustomerIndex:
    """The `claims.ports.CustomerIndex` over the blind indexes of a vault.

    A few keys are asked of the database one by one; for many, the whole index is read once and joined in memory.
    Digests are then computed by `digest` and searched for by `searcher` while the caller goes on.
    """

    def __init__(
        self, indexed: IndexedVault, digest: LinkDigester, searcher: Executor, few_keys: int = FEW_KEYS
    ) -> None:
        """Take the vault; the rest as `customer_index` has it."""
        self._vault = indexed.vault
        self._catalogue = indexed.catalogue
        self._digests = indexed.digests
        self._brands = indexed.brands
        self._regions = indexed.regions
        self._digest = digest
        self._searcher = searcher
        self._few_keys = few_keys
        self._whole: dict[tuple[str, int], _Pairs] = {}
        self._asked = 0

    def brands(self) -> Mapping[str, BitMap]:
        """Return all records of each brand, canaries left out."""
        return self._brands

    def regions(self) -> Sequence[str]:
        """Return the countries of shops, the default countries of mappings, and where most customers live."""
        return self._regions

    def look_up(self, kind: str, normalised: pl.Series) -> Answer:
        """Begin to look up the records that hold or held each key."""
        if kind not in self._catalogue.indexes or not normalised.len():
            return lambda: Found(np.zeros(0, np.int64), np.zeros(0, np.int64))
        self._asked += normalised.len()
        if self._asked <= self._few_keys and (kind, 0) not in self._whole:
            found = self._few(kind, normalised.to_list())
            return lambda: found
        parts = [self._many(kind, number, normalised) for number in self._scopes(kind)]
        return self._searcher.submit(_joined, parts).result

    def _scopes(self, kind: str) -> list[int]:
        return [0] if kind in SHARED_INDEXES else sorted(self._catalogue.brands.values())

    def _few(self, kind: str, normalised: Sequence[str]) -> Found:
        brands: list[int] = []
        index_ids: list[int] = []
        digests: list[str] = []
        for number, brand in self._digests.items():
            for generation in brand.generations:
                stored = brand.stored(kind, normalised, generation)
                digests += [stored[at : at + _DIGEST_BYTES].hex() for at in range(0, len(stored), _DIGEST_BYTES)]
                brands += [number] * len(normalised)
                index_ids += [self._catalogue.index_id(kind, generation)] * len(normalised)
        matches = self._vault.look_up(brands, index_ids, digests, only_current=False)
        pairs = np.unique(np.stack((matches.positions % len(normalised), matches.ordinals), axis=1), axis=0)
        return Found(pairs[:, 0], pairs[:, 1])

    def _many(self, kind: str, scope: int, normalised: pl.Series) -> tuple[_Pairs, Callable[[], bytes]]:
        brand = scope or min(self._digests)
        place = self._catalogue.index_scope(kind, brand)
        digests = self._digest(self._catalogue.indexes[kind], place, normalised)
        return self._index(kind, scope), digests

    def _index(self, kind: str, scope: int) -> _Pairs:
        """Return the whole index, sorted by the first 64 bits of the link digests."""
        if (kind, scope) not in self._whole:
            digests, ordinals = [], []
            for number, brand in self._digests.items():
                for generation in brand.generations if scope in (0, number) else []:
                    index_id = self._catalogue.index_id(kind, generation)
                    stored, found = self._vault.index_rows(number, index_id)
                    digests.append(_words(brand.to_link(stored, generation)))
                    ordinals.append(found)
            held, records = np.concatenate(digests), np.concatenate(ordinals)
            order = np.argsort(held)
            self._whole[kind, scope] = held[order], records[order]
        return self._whole[kind, scope]


def _joined(parts: Sequence[tuple[_Pairs, Callable[[], bytes]]]) -> Found:
    """Return what several indexes hold of the same keys."""
    found = [_search(index, digests()) for index, digests in parts]
    return Found(np.concatenate([one.positions for one in found]), np.concatenate([one.ordinals for one in found]))


def _search(index: _Pairs, digests: bytes) -> Found:
    held, ordinals = index
    words = _words(digests)
    order = np.argsort(words)  # Looked up in order, neighbours share what the processor has at hand.
    words = words[order]
    left = np.searchsorted(held, words, "left")
    counts = np.searchsorted(held, words, "right") - left
    hit = np.flatnonzero(counts)
    counts, left = counts[hit], left[hit]
    starts = np.repeat(left - np.concatenate(([0], np.cumsum(counts)[:-1])), counts) if hit.size else left
    return Found(order[np.repeat(hit, counts)], ordinals[starts + np.arange(starts.size)])


def _words(digests: bytes) -> np.ndarray[Any, np.dtype[np.uint64]]:
    words: np.ndarray[Any, np.dtype[np.uint64]] = np.frombuffer(digests, np.uint64)[::2]
    return np.ascontiguousarray(words)
