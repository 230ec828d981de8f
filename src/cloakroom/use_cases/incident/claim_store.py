"""What the check of a claim asks of the store, answered by the opened application."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from pyroaring import BitMap

from cloakroom.adapters.link_digest_worker import LinkDigester, link_digest_worker
from cloakroom.claims.ports import Answer, Disclosed, Found
from cloakroom.claims.report import PersonInterval
from cloakroom.claims.values import OPENED
from cloakroom.crypto import hmac_sha256
from cloakroom.flows.configuration import Configuration
from cloakroom.flows.entry_writing import DurableEntry
from cloakroom.flows.opening import open_rows
from cloakroom.ledger.entry import Operation
from cloakroom.use_cases.incident.persons import persons_of
from cloakroom.vault.catalogue import SHARED_INDEXES
from cloakroom.vault.facets import CANARY, RECORD
from cloakroom.vault.fields import FieldKind
from cloakroom.vault.key_ring import GROUP, KeyPurpose
from cloakroom.vault.row_changes import LIVE
from cloakroom.wiring import Application

PURPOSE = "claim-check"
_NO_VALUES = frozenset({"find", "probe", "list"})
_RELEASES_MAX = 10_000
_READ_AT_ONCE = 20_000
_REGIONS_MAX = 30
_FEW_KEYS = 20_000
_DIGEST_BYTES = 16
_Pairs = tuple[np.ndarray[Any, np.dtype[np.uint64]], np.ndarray[Any, np.dtype[np.int64]]]


@contextmanager
def store_index(application: Application) -> Iterator[StoreIndex]:
    """Give the index of an opened store, and what works for it at other times and places while it is used."""
    key = application.ring.get(KeyPurpose.LINK)
    with ThreadPoolExecutor(1) as searcher, link_digest_worker(key) as digest:
        yield StoreIndex(application, digest, searcher)


class StoreIndex:
    """Looks keys up in the blind indexes of all brands, earlier values included.

    A few keys are asked of the database one by one; for many, the whole index is read once and joined in memory.
    Digests are then computed by `digest` and searched for by `searcher` while the caller goes on.
    """

    def __init__(self, application: Application, digest: LinkDigester, searcher: Executor) -> None:
        """Take an opened store; the rest as `store_index` has it."""
        self._application = application
        self._digest = digest
        self._searcher = searcher
        self._whole: dict[tuple[str, int], _Pairs] = {}
        self._asked = 0

    def brands(self) -> Mapping[str, BitMap]:
        """Return all records of each brand, planted ones left out."""
        found = {}
        planted = self._application.canaries()
        for name, number in sorted(self._application.catalogue.brands.items()):
            records = BitMap()
            for ordinals in self._application.facets.values_of(number, RECORD).values():
                records |= ordinals
            found[name] = records - planted
        return found

    def regions(self) -> Sequence[str]:
        """Return the countries of shops, the default countries of mappings, and where most customers live."""
        configuration = self._application.configuration
        countries = [mapping.defaults.get("country") for mapping in configuration.mappings.values()]
        countries += [shop.country for shop in configuration.group.stores.values()]
        customers = StoreCountries(self._application).by_country(BitMap.union(BitMap(), *self.brands().values()))
        return list(dict.fromkeys([*filter(None, countries), *list(customers)[:_REGIONS_MAX]]))

    def look_up(self, kind: str, normalised: pl.Series) -> Answer:
        """Begin to look up the records that hold or held each key."""
        if kind not in self._application.catalogue.indexes or not normalised.len():
            return lambda: Found(np.zeros(0, np.int64), np.zeros(0, np.int64))
        self._asked += normalised.len()
        if self._asked <= _FEW_KEYS and (kind, 0) not in self._whole:
            found = self._few(kind, normalised.to_list())
            return lambda: found
        parts = [self._many(kind, number, normalised) for number in self._scopes(kind)]
        return self._searcher.submit(_joined, parts).result

    def _scopes(self, kind: str) -> list[int]:
        return [0] if kind in SHARED_INDEXES else sorted(self._application.catalogue.brands.values())

    def _few(self, kind: str, normalised: Sequence[str]) -> Found:
        brands: list[int] = []
        index_ids: list[int] = []
        digests: list[str] = []
        for number, brand in self._application.digests.items():
            for generation in brand.generations:
                stored = brand.stored(kind, normalised, generation)
                digests += [stored[at : at + _DIGEST_BYTES].hex() for at in range(0, len(stored), _DIGEST_BYTES)]
                brands += [number] * len(normalised)
                index_ids += [self._application.catalogue.index_id(kind, generation)] * len(normalised)
        matches = self._application.vault.look_up(brands, index_ids, digests, only_current=False)
        pairs = np.unique(np.stack((matches.positions % len(normalised), matches.ordinals), axis=1), axis=0)
        return Found(pairs[:, 0], pairs[:, 1])

    def _many(self, kind: str, scope: int, normalised: pl.Series) -> tuple[_Pairs, Callable[[], bytes]]:
        catalogue = self._application.catalogue
        brand = scope or min(self._application.digests)
        digests = self._digest(catalogue.indexes[kind], catalogue.index_scope(kind, brand), normalised)
        return self._index(kind, scope), digests

    def _index(self, kind: str, scope: int) -> _Pairs:
        """Return the whole index, sorted by the first 64 bits of the link digests."""
        if (kind, scope) not in self._whole:
            digests, ordinals = [], []
            for number, brand in self._application.digests.items():
                for generation in brand.generations if scope in (0, number) else []:
                    index_id = self._application.catalogue.index_id(kind, generation)
                    stored, found = self._application.vault.index_rows(number, index_id)
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


class StoreHistory:
    """Opens versions of records, each call entered in the ledger before anything is opened."""

    def __init__(self, application: Application, by: str, claim: str) -> None:
        """Take an opened store, who asks, and the claim that it is for."""
        self._application = application
        self._by = by
        self._claim = claim

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return dict(self._application.catalogue.fields)

    def open_versions(self, ordinals: BitMap, fields: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield the versions of records, some thousands of records at a time."""
        wanted = [name for name in dict.fromkeys((*fields, *self._further.values())) if name in self._numbers]
        entry = self._application.entries.enter(
            lineage=self._by,
            operation=Operation.CLAIM,
            records=ordinals,
            fields=wanted,
            purpose=PURPOSE,
            detail={"claim": self._claim},
        )
        every = ordinals.to_array()
        for start in range(0, len(every), _READ_AT_ONCE):
            yield self._with_further(self._opened(every[start : start + _READ_AT_ONCE], entry, wanted))

    @cached_property
    def _further(self) -> dict[str, str]:
        """Fields of the brands' own with a number, an address or part of a name, by what they are compared as."""
        own = [item for name, item in sorted(self._application.catalogue.definitions.items()) if name not in OPENED]
        phones = [item.name for item in own if item.kind is FieldKind.PHONE]
        emails = [item.name for item in own if item.kind is FieldKind.EMAIL]
        names = [item.name for item in own if item.kind is FieldKind.TEXT and item.data_element == "name"]
        found = dict(zip(("phone_3", "phone_4"), phones, strict=False)) | dict(
            zip(("email_2",), emails, strict=False)
        )
        return found | {f"name {number}": name for number, name in enumerate(names)}

    def _with_further(self, frame: pl.DataFrame) -> pl.DataFrame:
        names = [pl.col(name).fill_null("") for part, name in self._further.items() if part.startswith("name ")]
        parts = [pl.col(name).alias(part) for part, name in self._further.items() if not part.startswith("name ")]
        if names:
            parts.append(pl.concat_str(names, separator=" ").alias("name_more"))
        return frame.with_columns(*parts).drop(set(self._further.values()))

    def _opened(self, ordinals: Sequence[int], entry: DurableEntry, fields: Sequence[str]) -> pl.DataFrame:
        vault = self._application.vault
        earlier = vault.sealed_versions(ordinals)
        valid_to = {(row.record.ordinal, row.record.version): at for row, at in earlier}
        versions = [row for row, _ in earlier] + [row for row in vault.sealed_rows(ordinals) if row.state == LIVE]
        opened = open_rows(entry, versions, catalogue=self._application.catalogue, openers=self._application.openers)
        rows: list[list[object]] = []
        for row, texts in opened:
            ordinal, until = row.record.ordinal, valid_to.get((row.record.ordinal, row.record.version))
            region = phone_region(self._application.configuration, self._brand_names[row.brand], texts)
            rows.append([ordinal, row.valid_from, until, region, *(texts.get(name) for name in fields)])
        schema = {
            "ordinal": pl.Int64,
            "valid_from": pl.Int64,
            "valid_to": pl.Int64,
            "phone_region": pl.String,
            **dict.fromkeys(fields, pl.String),
        }
        return pl.DataFrame(rows, schema=schema, orient="row")

    @cached_property
    def _brand_names(self) -> dict[int, str]:
        return {number: name for name, number in self._application.catalogue.brands.items()}


def phone_region(configuration: Configuration, brand: str, texts: Mapping[str, str]) -> str | None:
    """Return the country of a row's national telephone numbers, as the brand's mapping tells it."""
    mapping = configuration.mappings.get(brand)
    if mapping is None:
        return None
    for source in mapping.phone_country:
        text = texts.get(source)
        found = text if source == "country" or text is None else configuration.group.store_country(brand, text)
        if found is not None:
            return found
    return mapping.defaults.get("country")


class StoreDisclosures:
    """Reads from the ledger what left, and which records are planted."""

    def __init__(self, application: Application) -> None:
        """Take an opened store."""
        self._application = application

    def disclosures(self) -> Iterator[Disclosed]:
        """Yield each release, and for each lineage everything that it opened."""
        self._application.sequencer.run()
        reader = self._application.disclosures
        reader.roll_up()
        by_lineage: dict[str, Disclosed] = {}
        for item in reader.disclosed():
            if item.operation in _NO_VALUES or item.operation == "release":
                continue
            fields = frozenset(name for name, form in item.shape.items() if form != "token")
            found = Disclosed("disclosure", item.lineage, (item.first_at, item.last_at), item.records, fields)
            before = by_lineage.get(item.lineage)
            by_lineage[item.lineage] = found if before is None else _united(before, found)
        yield from self._releases()
        yield from by_lineage.values()

    def _releases(self) -> Iterator[Disclosed]:
        planted = self._planted()
        run_at = self._application.claims.releases_run()
        for release in self._application.releases.newest(_RELEASES_MAX):
            if release.records:
                at = run_at.get(release.id, release.requested_at)
                fields = frozenset(release.standing.content.fields)
                marks = planted.get(release.id, BitMap())
                yield Disclosed("release", release.id, (at, at), release.records, fields, marks)

    def _planted(self) -> dict[str, BitMap]:
        """Return planted records by what they were planted for: a release, or a population."""
        found: dict[str, BitMap] = {}
        for number in self._application.catalogue.brands.values():
            for name, ordinals in self._application.facets.values_of(number, CANARY).items():
                found[name] = found.get(name, BitMap()) | ordinals
        return found

    def canaries(self) -> Mapping[str, BitMap]:
        """Return the planted records of each population, those of releases left out."""
        releases = {release.id for release in self._application.releases.newest(_RELEASES_MAX)}
        return {name: records for name, records in self._planted().items() if name not in releases}


def _united(one: Disclosed, other: Disclosed) -> Disclosed:
    at = min(one.at[0], other.at[0]), max(one.at[1], other.at[1])
    return Disclosed(
        one.kind, one.id, at, one.records | other.records, one.fields | other.fields, one.marks | other.marks
    )


class StorePersons:
    """Counts the persons behind records with the group's own linking."""

    def __init__(self, application: Application, by: str, claim: str) -> None:
        """Take an opened store, who asks, and the claim that it is for."""
        self._application = application
        self._by = by
        self._claim = claim

    def count(self, whole: BitMap, all_proven: BitMap, silent: int) -> PersonInterval:
        """Return no fewer than behind `whole`, no more than behind `all_proven` and `silent` further rows."""
        if not all_proven:
            return PersonInterval(0, 0, "no record is proven")
        linked = persons_of(
            self._application, all_proven, by=self._by, purpose=PURPOSE, detail={"claim": self._claim}
        )
        full = linked.count(all_proven)
        least = full.lower if whole == all_proven else linked.count(whole).lower
        lower = min(least, len(whole))
        upper = full.upper + silent
        method = full.method
        if silent:
            method += f"; {silent} rows by which nobody can be found may each be one more person"
        return PersonInterval(lower, upper, method)


class StoreCountries:
    """Splits records by the sealed facet of their country."""

    def __init__(self, application: Application) -> None:
        """Take an opened store."""
        self._application = application

    def by_country(self, records: BitMap) -> Mapping[str, int]:
        """Return the number of records by country, most first."""
        counts: dict[str, int] = {}
        for number in self._application.catalogue.brands.values():
            for country, ordinals in self._application.facets.values_of(number, "country").items():
                if found := len(ordinals & records):
                    counts[country] = counts.get(country, 0) + found
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def claim_digest(application: Application, normal_forms: Sequence[str]) -> list[bytes]:
    """Return the keyed digests by which the register remembers addresses."""
    key = application.ring.get(KeyPurpose.CLAIM, GROUP)
    return [hmac_sha256(key, form.encode()) for form in normal_forms]
