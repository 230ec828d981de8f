"""Checks an alleged dump: one passage through it, then dating, attribution, verdict, register.

Order of effects: the dump is read and matched by keyed digests; each opening of values is on record before it
happens (the history adapter's promise); the finished claim is kept in the register before the report is given out.
Nothing of the dump is written anywhere but as counts, a bitmap of our own records and keyed digests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import polars as pl
from pyroaring import BitMap

from cloakroom.claims.attribution import Candidate, attribute
from cloakroom.claims.dating import Dating, Snapshot, date_rows
from cloakroom.claims.exposure import Exposure, exposure
from cloakroom.claims.limits import Limits
from cloakroom.claims.matched import Matched
from cloakroom.claims.matching import Matcher
from cloakroom.claims.ports import CustomerIndex, DisclosureSource, History
from cloakroom.claims.register import (
    ClaimRegister,
    Dump,
    EarlierClaim,
    RegisteredClaim,
    Sampler,
    Sketch,
    find_earlier,
)
from cloakroom.claims.report import ClaimReport, Evidence, PersonInterval, content_digest, report_document
from cloakroom.claims.sizing import Size, Sizer
from cloakroom.claims.sources import DumpSource, Workers
from cloakroom.claims.statement import Statement
from cloakroom.claims.survey import FileReport, Survey
from cloakroom.claims.values import OPENED, held_values
from cloakroom.claims.verdict import Extent, judge
from cloakroom.clock import from_microseconds

Digest = Callable[[Sequence[str]], Sequence[bytes]]


class PersonCounter(Protocol):
    """Counts the persons behind records."""

    def count(self, whole: BitMap, all_proven: BitMap, possible: BitMap, further: int) -> PersonInterval:
        """Return an interval of persons.

        Args:
            whole: No fewer than behind these records.
            all_proven: All records that are proven.
            possible: Records that may be shown as well; no more than behind all of these.
            further: Rows each of which may show one person more.
        """
        ...


class CountrySplit(Protocol):
    """Splits records by country without opening any."""

    def by_country(self, records: BitMap) -> Mapping[str, int]:
        """Return the number of records by country."""
        ...


@dataclass(frozen=True, slots=True)
class Vault:
    """Ports of the check to the store, each the smallest question."""

    index: CustomerIndex
    history: History
    disclosures: DisclosureSource
    persons: PersonCounter
    countries: CountrySplit
    register: ClaimRegister
    digest: Digest = field(repr=False)


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """A dump to be checked.

    Attributes:
        id: Id for the register.
        evidence: Its files with their digests.
        statement: What the sellers say.
        by: Who asks.
        at: When, in microseconds.
        seed: Random number that seeds hashes and samples.
    """

    id: str
    evidence: Sequence[Evidence]
    statement: Statement
    by: str
    at: int
    seed: int


def check_claim(
    request: CheckRequest,
    dump: DumpSource,
    vault: Vault,
    *,
    workers: Workers,
    limits: Limits,
    progress: Callable[[int, str], None] | None = None,
) -> ClaimReport:
    """Check a dump, keep the claim, and return the report.

    Args:
        request: What to check.
        dump: Its files.
        vault: The store.
        workers: Read and work ahead.
        limits: What the dump may cost.
        progress: Called with bytes read and the file at hand, or the step.

    Raises:
        UsageError: There is no such dump.
    """
    survey = Survey(dump, Sizer(request.seed), workers, limits, progress)
    today = from_microseconds(request.at).date()
    canaries = BitMap.union(BitMap(), *vault.disclosures.canaries().values())
    matcher = Matcher(vault.index, vault.history, limits, request.seed, today, canaries=canaries)
    sampler = Sampler(vault.digest)
    for table, keyed in survey.tables():
        matcher.take(table, keyed)
        sampler.take(keyed.emails["key"])
    matched = matcher.finish()
    _tell(progress, dump, "dating the rows")
    dating, opened = date_matched(matched, vault.history, today)
    _tell(progress, dump, "counting the persons behind the records")
    exposed = {
        name: exposure(match.fields, dating[name].fields if name in dating else {})
        for name, match in matched.brands.items()
    }
    found = _Found(survey.files, survey.size(), sampler, matched, dating, exposed, opened | matcher.opened)
    sketch = sampler.sketch(matched.proven, found.size.emails_distinct)
    report = _report(request, vault, found, find_earlier(found.dump(request, sketch), vault.register.all()))
    vault.register.add(
        RegisteredClaim(
            request.id,
            request.at,
            request.by,
            request.statement.as_dict(),
            report_document(report),
            sketch,
            tuple(report.earlier),
        )
    )
    return report


@dataclass(frozen=True, slots=True)
class _Found:
    """The findings of one passage through a dump and of opening what it matched."""

    files: Sequence[FileReport]
    size: Size
    sampler: Sampler
    matched: Matched
    dating: Mapping[str, Dating]
    exposed: Mapping[str, Exposure]
    opened: BitMap

    @property
    def snapshots(self) -> dict[str, Sequence[Snapshot]]:
        return {name: found.snapshots for name, found in self.dating.items()}

    @property
    def fields(self) -> dict[str, tuple[str, ...]]:
        """Return the fields that the dump shows of each brand of which a record is proven."""
        return {name: self.exposed[name].fields for name, match in self.matched.brands.items() if match.proven}

    def dump(self, request: CheckRequest, sketch: Sketch) -> Dump:
        """Return what earlier claims are compared with."""
        spans = {
            name: [(one.start, one.end if one.end is not None else request.at) for one in found]
            for name, found in self.snapshots.items()
        }
        return Dump(self.sampler, sketch, content_digest(request.evidence), spans, self.fields)


def _report(request: CheckRequest, vault: Vault, found: _Found, earlier: list[EarlierClaim]) -> ClaimReport:
    matched = found.matched
    proven, brands = matched.proven, vault.index.brands()
    return ClaimReport(
        id=request.id,
        checked_at=request.at,
        statement=request.statement,
        size=found.size,
        matched=matched,
        dating=found.dating,
        exposed=found.exposed,
        persons=vault.persons.count(
            matched.proven_whole,
            proven,
            matched.possible,
            matched.rows_silent - matched.rows_beside + matched.rows_crowded,
        ),
        verdict=judge(matched, found.dating, request.statement, earlier, _extent(found)),
        attribution=_attributed(vault, found),
        earlier=earlier,
        files=found.files,
        opened=len(found.opened),
        countries=vault.countries.by_country(proven),
        evidence=request.evidence,
        populations={name: len(records) for name, records in brands.items()},
    )


def _extent(found: _Found) -> Extent:
    return Extent(
        files_unread=sum(item.is_unread for item in found.files),
        files_cut_short=sum(item.is_cut_short and not item.is_unread for item in found.files),
        rows_rejected=found.size.rejected_rows,
    )


def _attributed(vault: Vault, found: _Found) -> list[Candidate]:
    matched, brands = found.matched, vault.index.brands()
    sure, proven = matched.sure, matched.proven
    marked = matched.shown - proven
    return attribute(
        (sure if 2 * len(sure) >= len(proven) else proven) | marked,
        {name for names in found.fields.values() for name in names},
        [one for spans in found.snapshots.values() for one in spans],
        vault.disclosures.disclosures(),
        alike=matched.alike,
        population=sum(len(brands[name]) for name in found.fields),
        canaries=vault.disclosures.canaries(),
    )


def _tell(progress: Callable[[int, str], None] | None, dump: DumpSource, step: str) -> None:
    if progress is not None:
        progress(dump.bytes_read, step)


def date_matched(matched: Matched, history: History, today: date) -> tuple[dict[str, Dating], BitMap]:
    """Date the rows of each brand; also return the records whose values were opened for it."""
    dated = {}
    opened = BitMap()
    for name, observed in matched.observations.items():
        wanted = BitMap(observed["ordinal"].explode().unique().cast(pl.UInt32).to_numpy())
        opened |= wanted
        parts = [held_values(part, today) for part in history.open_versions(wanted, OPENED) if part.height]
        if parts:
            dated[name] = date_rows(observed, pl.concat(parts))
    return dated, opened
