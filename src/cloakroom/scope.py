"""Who was affected: ledger, facets and persons put together. Part of the composition root."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pyroaring import BitMap

from cloakroom.adapters.postgres.disclosures import PostgresDisclosures
from cloakroom.canonical.name import PersonName
from cloakroom.clock import from_microseconds
from cloakroom.errors import OpenError
from cloakroom.flows.affected import AffectedReport, affected
from cloakroom.ledger.entry import Operation
from cloakroom.scoping.link_keys import KeyKind
from cloakroom.scoping.persons import KeyColumns, PersonCount, Persons, link_persons
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.facets import ERASED, RECORD
from cloakroom.wiring import Application

NAMES_PER_READ = 20_000
_SPLIT_FACETS = ("country", "region", "language", "kind", "spend_band", "store", "adult_on")
_LINK_KINDS = {"email": KeyKind.EMAIL, "phone": KeyKind.PHONE}


@dataclass(frozen=True, slots=True)
class Affected:
    """The affected set with the persons behind it.

    Attributes:
        report: Records, fields, splits.
        persons: Persons as an interval, or None where they were not counted.
    """

    report: AffectedReport
    persons: PersonCount | None


def affected_by(
    application: Application,
    *,
    lineage: str | None,
    start: int | None = None,
    end: int | None = None,
    count_persons: bool = True,
    by: str = "operator",
) -> Affected:
    """Compute who was opened by a lineage, or by all, in a span of time.

    Args:
        application: The opened store.
        lineage: The credential lineage; all of them if None.
        start: First moment, in microseconds; from the beginning unless told.
        end: First moment after; until now unless told.
        count_persons: Whether to count the persons behind the records, which opens names.
        by: Who asks.
    """
    disclosures = PostgresDisclosures(application.connection)
    application.sequencer.run()
    disclosures.roll_up()
    disclosed = disclosures.disclosed(lineage=lineage, start=start, end=end)
    last = max((item.last_at for item in disclosed), default=application.now())
    facets, erased = group_facets(application)
    report = affected(disclosed, facets=facets, erased=erased, on=from_microseconds(last).date())
    detail: dict[str, object] = {"of": lineage or "*", "entries": report.entries, "persons": int(count_persons)}
    entry = application.gatekeeper.prepare(
        lineage=by, operation=Operation.AFFECTED, records=report.records, detail=detail
    )
    application.ledger.append({}, [entry])
    persons = None
    if count_persons and report.records:
        persons = persons_of(application).count(report.records)
    return Affected(report, persons)


def group_facets(application: Application) -> tuple[dict[str, dict[str, BitMap]], BitMap]:
    """Return the facets of all brands united, the brands themselves among them, and the erased records."""
    united: dict[str, dict[str, BitMap]] = {name: {} for name in ("brand", *_SPLIT_FACETS)}
    erased = BitMap()
    for name, number in application.catalogue.brands.items():
        for (facet, value), ordinals in application.facets.load(number).items():
            if facet == ERASED:
                erased |= ordinals
            if facet == RECORD:
                united["brand"][name] = ordinals
            if facet in united:
                values = united[facet]
                values[value] = values[value] | ordinals if value in values else ordinals
    return united, erased


def persons_of(application: Application) -> Persons:
    """Link all records of the group to persons, by the digests of their e-mail addresses and telephone numbers.

    Taking the digests of different brands together and opening names is what only this use does; the caller has
    written its entry.
    """
    ordinals: list[np.ndarray[tuple[int], np.dtype[np.uint32]]] = []
    kinds: list[np.ndarray[tuple[int], np.dtype[np.uint8]]] = []
    digests: list[bytes] = []
    for number in application.catalogue.brands.values():
        brand = application.digests[number]
        for index, kind in _LINK_KINDS.items():
            if index not in application.catalogue.indexes:
                continue
            for generation in brand.generations:
                index_id = application.catalogue.index_id(index, generation)
                stored, found = application.vault.index_rows(number, [index_id])
                digests.append(brand.to_link(stored, generation))
                ordinals.append(found.astype(np.uint32))
                kinds.append(np.full(len(found), kind, np.uint8))
    columns = KeyColumns(
        np.concatenate(ordinals) if ordinals else np.zeros(0, np.uint32),
        np.concatenate(kinds) if kinds else np.zeros(0, np.uint8),
        b"".join(digests),
    )
    return link_persons(
        columns,
        records=application.vault.ordinals_end(),
        names_of=lambda wanted: _names(application, wanted),
        placeholders=_placeholders(application),
    )


def _placeholders(application: Application) -> list[tuple[int, bytes]]:
    """Digests of values that many share without meaning; patterns over addresses are left to the limit on holders."""
    placeholders = application.configuration.group.placeholders
    brand = next(iter(application.digests.values()))
    exact = [email for email in placeholders.emails if "*" not in email and "?" not in email]
    found: list[tuple[int, bytes]] = []
    for index, values in (("email", exact), ("phone", sorted(placeholders.phones))):
        if index in application.catalogue.indexes and values:
            links = brand.link(index, values)
            found += [(int(_LINK_KINDS[index]), links[at : at + 16]) for at in range(0, len(links), 16)]
    return found


def _names(application: Application, wanted: Sequence[int]) -> list[PersonName | None]:
    """Open the names of records, in batches; None for a record that has none any more."""
    catalogue = application.catalogue
    numbers = [catalogue.fields[name] for name in ("given_name", "family_name", "name") if name in catalogue.fields]
    by_ordinal: dict[int, PersonName | None] = {}
    for at in range(0, len(wanted), NAMES_PER_READ):
        for row in application.vault.sealed_rows([int(item) for item in wanted[at : at + NAMES_PER_READ]]):
            if row.keys is None or row.record.envelopes[EnvelopeClass.CONTACT - 1] is None:
                continue
            try:
                values = application.sealers[row.brand].open(row.record, row.keys, {EnvelopeClass.CONTACT: numbers})
            except OpenError as error:
                raise OpenError(f"record {row.record.ordinal} does not open: a stored row was changed") from error
            by_ordinal[row.record.ordinal] = _person_name(catalogue.fields, values)
    return [by_ordinal.get(int(item)) for item in wanted]


def _person_name(numbers: Mapping[str, int], values: Mapping[int, bytes]) -> PersonName | None:
    parts = {
        name: values[numbers[name]].decode()
        for name in ("given_name", "family_name", "name")
        if name in numbers and numbers[name] in values
    }
    if not parts:
        return None
    if "name" in parts:
        return PersonName(None, parts["name"])
    return PersonName(parts.get("given_name"), parts.get("family_name"))
