"""Make the facts file that duties are evaluated from, so that nobody types a number.

The format is documented in `docs/reference/facts.md`. One group of affected persons for each controller, residence,
set of data elements and segment; persons as counted (`best`) and as not excluded (`upper`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pyroaring import BitMap

from cloakroom.claims.report import ClaimReport
from cloakroom.clock import from_microseconds
from cloakroom.duty.fact_values import UNKNOWN_PLACE
from cloakroom.duty.facts import AffectedGroup, ControllerFacts, Facts, IncidentFacts
from cloakroom.duty.facts_rendering import render_facts
from cloakroom.flows.store.configuration import Configuration
from cloakroom.scoping.affected import UNKNOWN
from cloakroom.use_cases.incident.affected import Affected, group_facets
from cloakroom.use_cases.incident.persons import LinkedPersons, persons_of
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.group import Group
from cloakroom.wiring import Application

SUBDIVIDED = frozenset({"US", "CA", "DE", "AE", "AU"})
"""Countries in which the law differs by subdivision; elsewhere a residence is the country."""

_EXISTENCE = "other"
"""Data element of a record of which only the existence was told."""


def facts_of(catalogue: Catalogue, configuration: Configuration, found: Affected, *, aware_at: int) -> str:
    """Return the facts file of an affected set that the ledger proves.

    Args:
        catalogue: Says which data element each field is.
        configuration: Says who controls what.
        found: The affected set, with persons counted.
        aware_at: When the controller became aware, in microseconds.
    """
    report = found.report
    opened: dict[str, BitMap] = {}
    for name, records in report.opened.items():
        element = catalogue.definitions[name].data_element
        opened[element] = opened[element] | records if element in opened else records
    if report.found_only:
        opened[_EXISTENCE] = opened.get(_EXISTENCE, BitMap()) | report.found_only
    last = report.last_at if report.last_at is not None else aware_at
    day = from_microseconds(last).date().isoformat()
    groups = groups_of(configuration, report.records, opened, found.facets, found.linked, day=day)
    incident = IncidentFacts(
        aware_at=from_microseconds(aware_at),
        occurred_from=None if report.first_at is None else from_microseconds(report.first_at),
        occurred_to=None if report.last_at is None else from_microseconds(report.last_at),
    )
    return render_groups(configuration.group, incident, groups)


_ELEMENTS_OF_CLAIMED_FIELDS = {
    "record_id": "customer_number",
    "name": "name",
    "email": "email",
    "phone": "phone",
    "address": "postal_address",
    "birth_date": "birth_date",
    "language": "language",
    "kind": "other",
    "store": "preferences",
    "total_sales": "spend_total",
    "purchases": "purchase_history",
}
"""Data elements, as laws name them, of the fields that a dump shows."""


def facts_of_claim(application: Application, report: ClaimReport, *, aware_at: int, by: str = "operator") -> str:
    """Return the facts file of what a checked dump proves: its records, with the fields that its columns show.

    The times are those at which our records looked like the dump; the theft itself may be later.

    Args:
        application: The opened store.
        report: The finished check.
        aware_at: When the controller became aware, in microseconds.
        by: Who asks.
    """
    proven = {name: match for name, match in report.matched.brands.items() if match.proven}
    records = BitMap.union(*(match.proven for match in proven.values())) if proven else BitMap()
    elements: dict[str, BitMap] = {}
    for match in proven.values():
        for name in match.fields:
            element = _ELEMENTS_OF_CLAIMED_FIELDS.get(name, _EXISTENCE)
            elements[element] = elements[element] | match.proven if element in elements else match.proven
    spans = [span for name in proven if name in report.dating for span in report.dating[name].snapshots]
    incident = IncidentFacts(
        aware_at=from_microseconds(aware_at),
        occurred_from=from_microseconds(min(span.start for span in spans)) if spans else None,
        occurred_to=from_microseconds(min(aware_at, max(span.end or aware_at for span in spans))) if spans else None,
    )
    facets, _ = group_facets(application.catalogue, application.facets)
    linked = persons_of(application, records, by=by, detail={"claim": report.id}) if records else None
    day = from_microseconds(aware_at).date().isoformat()
    return render_groups(
        application.configuration.group,
        incident,
        groups_of(application.configuration, records, elements, facets, linked, day=day),
    )


def render_groups(group: Group, incident: IncidentFacts, groups: Iterable[AffectedGroup]) -> str:
    """Return the facts file of an incident and its groups, with the controllers as configured."""
    ordered = sorted(groups, key=lambda item: (item.controller, item.place, item.segment, sorted(item.data)))
    named = {item.controller for item in ordered}
    used = named | {other for name in named for other in _joint_with(group, name)}
    controllers = tuple(
        ControllerFacts(
            id=item.id,
            name=item.name,
            country=item.country,
            eea_main_establishment=item.eea_main_establishment or "",
            brands=group.brands_of(item.id),
            joint_with=_joint_with(group, item.id),
            languages=item.languages,
        )
        for item in group.controllers.values()
        if item.id in used
    )
    return render_facts(Facts("facts", incident, controllers, tuple(ordered)))


def groups_of(
    configuration: Configuration,
    records: BitMap,
    elements: Mapping[str, BitMap],
    facets: Mapping[str, Mapping[str, BitMap]],
    linked: LinkedPersons | None,
    *,
    day: str,
) -> Iterator[AffectedGroup]:
    """Yield the groups of affected persons.

    Args:
        configuration: The group's, which says who controls what and where spend is high.
        records: The affected records.
        elements: Records by data element that was disclosed of them.
        facets: Records by facet name and value.
        linked: Counts persons; records stand for persons without it.
        day: ISO date on which somebody is or is not a minor.
    """
    controllers = _by_controller(configuration.group, facets["brand"])
    segments = _segments(configuration, facets, day)
    for controller, owned in controllers.items():
        for country, here in _parts(records & owned, facets["country"]):
            regions = facets["region"] if country in SUBDIVIDED else {}
            for region, place in _parts(here, regions):
                for data, known in _data_sets(place, elements):
                    for segment, members in _parts(known, segments, rest="general"):
                        count = linked.count(members) if linked is not None else None
                        yield AffectedGroup(
                            controller=controller,
                            country=UNKNOWN_PLACE if country == UNKNOWN else country,
                            subdivision="" if region == UNKNOWN else region.removeprefix(f"{country}-"),
                            persons=count.best if count else len(members),
                            records=len(members),
                            data=data or frozenset({_EXISTENCE}),
                            segment=segment,
                            persons_possible=count.upper if count else len(members),
                        )


def _joint_with(group: Group, controller: str) -> tuple[str, ...]:
    """Return the controllers that decide together with one, over any of its brands."""
    others: set[str] = set()
    for brand in group.brands.values():
        deciding = {brand.controller, *brand.joint_controllers}
        if controller in deciding:
            others |= deciding - {controller}
    return tuple(sorted(others))


def _by_controller(group: Group, brands: Mapping[str, BitMap]) -> dict[str, BitMap]:
    owned: dict[str, BitMap] = {}
    for brand in group.brands.values():
        members = brands.get(brand.id, BitMap())
        owned[brand.controller] = owned.get(brand.controller, BitMap()) | members
    return owned


def _segments(
    configuration: Configuration, facets: Mapping[str, Mapping[str, BitMap]], day: str
) -> dict[str, BitMap]:
    """Return the segments that weigh more than the general one; a record belongs to the first that holds it."""
    young = [members for value, members in facets["adult_on"].items() if value > day]
    highest = {
        mapping.spend_bands.labels[-1]
        for mapping in configuration.mappings.values()
        if mapping.spend_bands is not None
    }
    spenders = [members for value, members in facets["spend_band"].items() if value in highest]
    return {
        "minor": BitMap.union(*young) if young else BitMap(),
        "employee": facets["kind"].get("employee", BitMap()),
        "high_spender": BitMap.union(*spenders) if spenders else BitMap(),
    }


def _parts(records: BitMap, facet: Mapping[str, BitMap], rest: str = UNKNOWN) -> Iterator[tuple[str, BitMap]]:
    left = records
    for value, members in facet.items():
        here = left & members
        if here:
            yield value, here
            left = left - here
    if left:
        yield rest, left


def _data_sets(records: BitMap, elements: Mapping[str, BitMap]) -> Iterator[tuple[frozenset[str], BitMap]]:
    parts: dict[frozenset[str], BitMap] = {frozenset(): records}
    for element, members in sorted(elements.items()):
        finer: dict[frozenset[str], BitMap] = {}
        for names, part in parts.items():
            inside = part & members
            if inside:
                finer[names | {element}] = inside
            if len(inside) < len(part):
                finer[names] = part - inside
        parts = finer
    yield from ((names, part) for names, part in parts.items() if part)
