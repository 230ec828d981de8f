"""Remembers earlier dumps without keeping them: a bitmap of records, keyed digests of a sample of addresses.

An address is in the sample when the CRC-32 of its normal form is below a rate, so that two dumps sample the same
addresses whatever their order, letter case or length. The overlap of two dumps is measured on what both rates cover.
A later dump is recognised in an earlier one when most of its addresses, or of its proven records, were in it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import polars as pl
from pyroaring import BitMap

from cloakroom.clock import parse_time, to_microseconds

_WHOLE = 1 << 32
_LEAST_SAMPLE = 25
DIGEST_BYTES = 8
COPY_SHARE = 0.9
SAMPLE_SHARE = 0.2
_SLACK = 86_400_000_000
_Digests = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(frozen=True, slots=True)
class Sketch:
    """The memory of a dump.

    Attributes:
        records: Proven records.
        rate: An address is in the sample when its CRC-32 is below this number.
        digests: Keyed digests of the sample, sorted.
        emails: Distinct addresses in all.
    """

    records: BitMap = field(repr=False)
    rate: int
    digests: _Digests = field(repr=False)
    emails: int


@dataclass(frozen=True, slots=True)
class EarlierClaim:
    """An earlier dump that holds part of this one.

    Attributes:
        id: Of the earlier claim.
        checked_at: When it was checked, in microseconds.
        share: Share of this dump that it holds.
        basis: ``records`` or ``addresses``: what was compared.
        covered: Share of the earlier dump that this one holds.
        relation: ``same``: the very files; ``copy``: most of this is a large part of the earlier one, of the same
            times and with no further fields; ``sample``: the same, but a small part; ``overlap``: else.
    """

    id: str
    checked_at: int
    share: float
    basis: str
    covered: float
    relation: str


@dataclass(frozen=True, slots=True)
class RegisteredClaim:
    """A line of the register.

    Attributes:
        id: Of the claim.
        checked_at: When it was checked, in microseconds.
        checked_by: By whom.
        statement: What the sellers say, as JSON values.
        report: What was found, as JSON values; counts only. Of earlier claims at least ``content_sha256`` and
        ``brands``. sketch: What is remembered of the dump.
        links: Earlier claims that hold part of it.
    """

    id: str
    checked_at: int
    checked_by: str
    statement: dict[str, Any]
    report: dict[str, Any]
    sketch: Sketch
    links: tuple[EarlierClaim, ...] = ()


class ClaimRegister(Protocol):
    """A store of claims; each is durable when `add` returns."""

    def add(self, claim: RegisteredClaim) -> None:
        """Keep a claim, with its links to earlier ones."""
        ...

    def all(self) -> Sequence[RegisteredClaim]:
        """Return all claims, oldest first."""
        ...


class Sampler:
    """A sample of one dump's addresses, thinned by halves when it grows beyond its limit.

    Args:
        digest: Gives the keyed digests (8 bytes each) of normal forms; the key is the store's.
        most: Digests kept.
    """

    def __init__(self, digest: Callable[[Sequence[str]], Sequence[bytes]], most: int = 200_000) -> None:
        self._digest = digest
        self._most = most
        self._rate = _WHOLE
        self._sample: dict[int, int] = {}

    def take(self, addresses: pl.Series) -> None:
        """Take normal forms in; repetitions are welcome."""
        unique = addresses.unique()
        marks = np.fromiter(map(zlib.crc32, unique.cast(pl.Binary).to_list()), np.uint32, unique.len())
        chosen = np.flatnonzero(marks < self._rate)
        for mark, digest in zip(marks[chosen].tolist(), self._digest(unique[chosen].to_list()), strict=True):
            self._sample[int.from_bytes(digest[:DIGEST_BYTES], "big")] = mark
        while len(self._sample) > self._most:
            self._rate //= 2
            self._sample = {digest: crc for digest, crc in self._sample.items() if crc < self._rate}

    def sketch(self, records: BitMap, emails: int) -> Sketch:
        """Return what is to be remembered."""
        return Sketch(records, self._rate, np.array(sorted(self._sample), np.uint64), emails)

    def covered(self, rate: int) -> _Digests:
        """Return the digests of the sample that a lower rate covers as well."""
        return np.array(sorted(digest for digest, crc in self._sample.items() if crc < rate), np.uint64)


@dataclass(frozen=True, slots=True)
class Dump:
    """The dump at hand, as far as earlier claims are compared with it.

    Attributes:
        sampler: Its sampled addresses.
        sketch: What will be remembered of it.
        content_sha256: Digest of its files.
        snapshots: As-of times, as (start, end), by brand.
        fields: Names of the fields shown, by brand.
    """

    sampler: Sampler = field(repr=False)
    sketch: Sketch
    content_sha256: str
    snapshots: Mapping[str, Sequence[tuple[int, int]]]
    fields: Mapping[str, Sequence[str]]


def find_earlier(dump: Dump, claims: Sequence[RegisteredClaim], least: float = 0.05) -> list[EarlierClaim]:
    """Return the earlier claims that hold at least `least` of this dump, the fullest first."""
    found = []
    for claim in claims:
        old, new = claim.sketch, dump.sketch
        common = len(new.records & old.records)
        by_records = common / len(new.records) if new.records else 0.0
        rate = min(new.rate, old.rate)
        here = dump.sampler.covered(rate)
        is_enough = here.size >= _LEAST_SAMPLE
        shared = int(np.isin(here, old.digests).sum())
        by_addresses = shared / here.size if is_enough else 0.0
        share, basis = max((by_records, "records"), (by_addresses, "addresses"))
        if share < least:
            continue
        old_size = old.digests.size * rate / old.rate
        covered = common / max(len(old.records), 1) if basis == "records" else shared / max(old_size, 1)
        relation = _relation(dump, claim, share, min(covered, 1.0))
        found.append(
            EarlierClaim(claim.id, claim.checked_at, round(share, 4), basis, round(min(covered, 1.0), 4), relation)
        )
    return sorted(found, key=lambda claim: -claim.share)


def _relation(dump: Dump, claim: RegisteredClaim, share: float, covered: float) -> str:
    """Tell a copy from a new theft of the same customers: a copy has no other times and no further fields."""
    if claim.report.get("content_sha256") == dump.content_sha256:
        return "same"
    if share < COPY_SHARE:
        return "overlap"
    brands = claim.report.get("brands", {})
    for name, spans in dump.snapshots.items():
        known = [(_moment(one["from"]), _moment(one["to"])) for one in brands.get(name, {}).get("snapshots", [])]
        if not all(
            any(start <= to + _SLACK and end >= begin - _SLACK for begin, to in known) for start, end in spans
        ):
            return "overlap"
    for name, fields in dump.fields.items():
        if not set(fields) <= set(brands.get(name, {}).get("fields", [])):
            return "overlap"
    return "copy" if covered >= SAMPLE_SHARE else "sample"


def _moment(text: str) -> int:
    return to_microseconds(parse_time(text))
