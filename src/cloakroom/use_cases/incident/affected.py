"""Affected records and persons: ledger, facets and linking put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyroaring import BitMap

from cloakroom.adapters.postgres.facet_store import FacetStore
from cloakroom.clock import from_microseconds
from cloakroom.flows.incident.affected import AffectedReport, affected
from cloakroom.scoping.persons import PersonCount
from cloakroom.use_cases.incident.persons import LinkedPersons, persons_of
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.facets import ERASED, RECORD
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application

_SPLIT_FACETS = ("country", "region", "language", "kind", "spend_band", "store", "adult_on")


@dataclass(frozen=True, slots=True)
class Affected:
    """The affected set with the persons behind it.

    Attributes:
        report: Records, fields, splits.
        persons: Persons as an interval, or None where they were not counted.
        linked: The linking by which parts of the set can be counted, too.
        facets: The facets by which it was split.
    """

    report: AffectedReport
    persons: PersonCount | None
    linked: LinkedPersons | None
    facets: Mapping[str, Mapping[str, BitMap]]


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
    disclosures = application.disclosures
    application.sequencer.run()
    disclosures.roll_up()
    disclosed = disclosures.disclosed(lineage=lineage, start=start, end=end)
    last = max((item.when.end for item in disclosed), default=from_microseconds(application.now()))
    facets, erased = group_facets(application.catalogue, application.facets)
    report = affected(disclosed, facets=facets, erased=erased, on=last.date())
    detail: dict[str, object] = {"of": lineage or "*", "entries": report.entries, "persons": int(count_persons)}
    application.entries.append(lineage=by, operation=Operation.AFFECTED, records=report.records, detail=detail)
    linked = None
    if count_persons and report.records:
        linked = persons_of(application, report.records, by=by, detail={"of": lineage or "*"})
    return Affected(report, linked.count(report.records) if linked else None, linked, facets)


def group_facets(catalogue: Catalogue, store: FacetStore) -> tuple[dict[str, dict[str, BitMap]], BitMap]:
    """Return the facets of all brands united, the brands themselves among them, and the erased records."""
    united: dict[str, dict[str, BitMap]] = {name: {} for name in ("brand", *_SPLIT_FACETS)}
    erased = BitMap()
    for name, number in catalogue.brands.items():
        for (facet, value), ordinals in store.load(number).items():
            if facet == ERASED:
                erased |= ordinals
            if facet == RECORD:
                united["brand"][name] = ordinals
            if facet in united:
                values = united[facet]
                values[value] = values[value] | ordinals if value in values else ordinals
    return united, erased
