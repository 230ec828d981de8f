"""What the check of a claim opens: versions of records, and the names behind a count of persons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl
from pyroaring import BitMap

from cloakroom.adapters.claims.version_frames import OpenedVersion, VersionFrames
from cloakroom.claims.report import PersonInterval
from cloakroom.errors import OpenError
from cloakroom.flows.ports import StoredRow
from cloakroom.use_cases.incident.persons import persons_of
from cloakroom.vault.envelope import EnvelopeClass
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
        entry = self._application.entries.prepare(
            lineage=self._by,
            operation=Operation.CLAIM,
            records=ordinals,
            purpose=PURPOSE,
            detail={"claim": self._claim, "fields": sorted(wanted)},
        )
        self._application.ledger.append({}, [entry])
        every = ordinals.to_array()
        for start in range(0, len(every), _READ_AT_ONCE):
            yield self._frames.frame(self._opened(every[start : start + _READ_AT_ONCE], wanted), wanted)

    def _opened(self, ordinals: Sequence[int], fields: Sequence[str]) -> Iterator[OpenedVersion]:
        catalogue, vault = self._application.catalogue, self._application.vault
        by_class: dict[EnvelopeClass, list[int]] = {}
        for name in fields:
            by_class.setdefault(catalogue.envelope_class(name), []).append(catalogue.fields[name])
        current = [(stored, None) for stored in vault.sealed_rows(ordinals) if stored.state == 0]
        for stored, valid_to in (*vault.sealed_versions(ordinals), *current):
            if stored.keys is not None:
                texts = self._texts(stored, by_class, fields)
                yield OpenedVersion(stored.record.ordinal, stored.brand, stored.valid_from, valid_to, texts)

    def _texts(
        self, stored: StoredRow, by_class: Mapping[EnvelopeClass, Sequence[int]], fields: Sequence[str]
    ) -> dict[str, str]:
        assert stored.keys is not None
        present = {
            name: numbers for name, numbers in by_class.items() if stored.record.envelopes[name - 1] is not None
        }
        try:
            values = self._application.openers[stored.brand].open(stored.record, stored.keys, present)
        except OpenError as error:
            raise OpenError(f"record {stored.record.ordinal} does not open: a stored row was changed") from error
        numbers = self._application.catalogue.fields
        return {name: found.decode() for name in fields if (found := values.get(numbers[name])) is not None}


class ClaimPersons:
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
