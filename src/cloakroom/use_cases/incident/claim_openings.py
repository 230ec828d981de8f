"""Openings by the check of a claim: versions of records, and the names behind a count of persons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl
from pyroaring import BitMap

from cloakroom.adapters.claims.version_frames import OpenedVersion, VersionFrames
from cloakroom.claims.report import PersonInterval
from cloakroom.flows.ledger.entry_writing import DurableEntry
from cloakroom.flows.opening import open_rows
from cloakroom.use_cases.incident.persons import persons_of
from cloakroom.vault.row_changes import LIVE
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application

PURPOSE = "claim-check"
_READ_AT_ONCE = 20_000


class ClaimHistory:
    """Opens versions of records, each call entered in the ledger before anything is opened."""

    def __init__(self, application: Application, by: str, claim: str) -> None:
        """Take an opened store, who asks, and the claim that it is for."""
        self._application = application
        self._frames = VersionFrames(application.catalogue, application.configuration)
        self._by = by
        self._claim = claim

    def open_versions(self, ordinals: BitMap, fields: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield the versions of records, some thousands of records at a time."""
        wanted = self._frames.fields_to_open(fields)
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
            yield self._frames.frame(self._opened(every[start : start + _READ_AT_ONCE], entry), wanted)

    def _opened(self, ordinals: Sequence[int], entry: DurableEntry) -> Iterator[OpenedVersion]:
        vault = self._application.vault
        earlier = vault.sealed_versions(ordinals)
        valid_to = {(row.record.ordinal, row.record.version): at for row, at in earlier}
        versions = [row for row, _ in earlier] + [row for row in vault.sealed_rows(ordinals) if row.state == LIVE]
        opened = open_rows(entry, versions, catalogue=self._application.catalogue, openers=self._application.openers)
        for row, texts in opened:
            until = valid_to.get((row.record.ordinal, row.record.version))
            yield OpenedVersion(row.record.ordinal, row.brand, row.valid_from, until, texts)


class ClaimPersons:
    """Counts the persons behind records with the group's own linking."""

    def __init__(self, application: Application, by: str, claim: str) -> None:
        """Take an opened store, who asks, and the claim that it is for."""
        self._application = application
        self._by = by
        self._claim = claim

    def count(self, whole: BitMap, all_proven: BitMap, possible: BitMap, further: int) -> PersonInterval:
        """Return no fewer than behind `whole`, no more than behind all records and `further` rows."""
        every = all_proven | possible
        if not every:
            method = "no record is proven"
            return PersonInterval(0, further, f"{method}; {_each_of(further)}" if further else method)
        linked = persons_of(self._application, every, by=self._by, purpose=PURPOSE, detail={"claim": self._claim})
        full = linked.count(every)
        least = full.lower if whole == every else linked.count(whole).lower
        parts = [full.method]
        if possible - all_proven:
            parts.append(f"{len(possible - all_proven):,} records that share a key only may be shown or not")
        if further:
            parts.append(_each_of(further))
        return PersonInterval(min(least, len(whole)), full.upper + further, "; ".join(parts))


def _each_of(rows: int) -> str:
    return f"{rows:,} rows by which nobody can be found may each be one more person"
