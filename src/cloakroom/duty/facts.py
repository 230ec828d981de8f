"""The facts of one incident, as the law asks for them: a TOML file, and the frozen values made of it.

The format is `docs/reference/facts.md`. The scope commands write such files; people may, too. Reading is strict:
every mistake is reported with file, line and key, and nothing is read from a file that has one.

Rules of the form:

- Every affected group is one controller × residence × data set × segment; groups do not overlap within a controller.
- A residence is a country (ISO 3166-1) and, where the law needs it, a subdivision (ISO 3166-2 without the country);
  an unknown residence is ``ZZ`` or empty, and is never dropped.
- `persons` is what is proven; `persons_possible`, at least as large, is what cannot be excluded.
- `RiskAssessment` is not part of the file. Severity is judged elsewhere, per controller and segment, and handed in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from cloakroom.duty.fact_values import CAUSES, FLAGS, HOLDERS, NATURES, SEGMENTS, SERVICE_HARMS, TAKEN, UNKNOWN_PLACE
from cloakroom.errors import InputError
from cloakroom.toml import DocumentLimits, Table, parse_document
from cloakroom.vocabulary import DATA_ELEMENTS

__all__ = [
    "AffectedGroup",
    "ControllerFacts",
    "Facts",
    "Hold",
    "IncidentFacts",
    "RiskAssessment",
    "parse_facts",
]

_COUNTRY = re.compile(r"^[A-Z]{2}$")
_SUBDIVISION = re.compile(r"^[A-Z0-9]{1,3}$")
_NAME = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,63}$")

# Territories that have a code of their own and are part of a country's legal order here, or the reverse.
_SAME_PLACE: Final = {
    **dict.fromkeys(("GP", "MQ", "GF", "RE", "YT", "MF"), ("FR", "")),
    "AX": ("FI", ""),
    **{code: ("US", code) for code in ("PR", "GU", "VI", "AS", "MP")},
    "CN-HK": ("HK", ""),
    "CN-MO": ("MO", ""),
    "CN-TW": ("TW", ""),
    "UK": ("GB", ""),
    "EL": ("GR", ""),
}


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """The incident itself. Times are aware and in UTC; only `aware_at` is always known.

    Attributes:
        occurred_from: Begin of the theft.
        occurred_to: End of the theft.
        discovered_at: First sign seen.
        aware_at: Reasonable certainty that personal data were hit.
        determined_at: End of the investigation that found a breach.
        assessed_at: When it was judged notifiable (Singapore's clock).
        nature: Out of `NATURES`.
        cause: One of `CAUSES`.
        taken: One of `TAKEN`.
        holder: One of `HOLDERS`: who has the data now.
        intelligible: False where encrypted or hashed beyond reach and the key is safe.
        restored_hours: Hours until data were available again.
        service_harm: One of `SERVICE_HARMS`.
        deletion_confirmed: The holder confirmed in writing that nothing is kept.
    """

    aware_at: datetime
    occurred_from: datetime | None = None
    occurred_to: datetime | None = None
    discovered_at: datetime | None = None
    determined_at: datetime | None = None
    assessed_at: datetime | None = None
    nature: tuple[str, ...] = ("confidentiality",)
    cause: str = "external_malicious"
    taken: str = "exfiltrated"
    holder: str = "criminal"
    intelligible: bool = True
    restored_hours: int = 0
    service_harm: str = "none"
    deletion_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class ControllerFacts:
    """A legal entity that decides purposes and means, as configured before the incident.

    Attributes:
        id: Short stable name.
        name: Name of the entity.
        country: Its seat, ISO 3166-1.
        subdivision: Of the seat, where authorities differ within a country (Germany's Länder).
        eea_main_establishment: Country of the main establishment in the EEA; empty means none, so no lead authority.
        brands: Brand ids.
        joint_with: Ids of joint controllers (GDPR Article 26).
        bearer: Id of the entity that files, where joint controllers agreed on one; empty means itself.
        languages: ISO 639 codes in which it can write.
        timezone: IANA name; empty means the zone of its country.
        flags: Out of `FLAGS`.
    """

    id: str
    name: str
    country: str
    subdivision: str = ""
    eea_main_establishment: str = ""
    brands: tuple[str, ...] = ()
    joint_with: tuple[str, ...] = ()
    bearer: str = ""
    languages: tuple[str, ...] = ()
    timezone: str = ""
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AffectedGroup:
    """Persons of one controller, residence, data set and segment.

    Attributes:
        controller: Id of the controller.
        country: ISO 3166-1 code, ``ZZ`` where unknown.
        subdivision: ISO 3166-2 part, such as ``TX``; empty where unknown or without meaning.
        persons: Proven number.
        records: Records behind them.
        data: Out of `DATA_ELEMENTS`.
        segment: One of `SEGMENTS`.
        persons_possible: Number that cannot be excluded, at least `persons`.
    """

    controller: str
    country: str
    subdivision: str
    persons: int
    records: int
    data: frozenset[str]
    segment: str
    persons_possible: int

    @property
    def place(self) -> str:
        """The residence as one code, such as ``FR`` or ``US-TX``."""
        return f"{self.country}-{self.subdivision}" if self.subdivision else self.country


@dataclass(frozen=True, slots=True)
class Hold:
    """A request to wait, by somebody with the right to ask.

    Attributes:
        ground: Such as ``law_enforcement``; a rule says which grounds it allows.
        jurisdiction: Code of the place whose duties wait.
        until: End of the hold, None while open.
    """

    ground: str
    jurisdiction: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class RiskAssessment:
    """The risk for one controller and segment, as the severity method finds it or a named person decided.

    Attributes:
        controller: Id of the controller.
        segment: One of `SEGMENTS`.
        document: Record it.
        authority: Not unlikely to result in a risk: tell the authority.
        persons: Likely high risk: tell the persons.
        decided_by: Name or role of the person who decided; empty where it is the method's recommendation.
    """

    controller: str
    segment: str
    document: bool
    authority: bool
    persons: bool
    decided_by: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one version of an incident.

    Attributes:
        source: Name of the file they came from.
        incident: What happened.
        controllers: At least one.
        affected: May be empty while nothing is known.
        holds: Requests to wait.
    """

    source: str
    incident: IncidentFacts
    controllers: tuple[ControllerFacts, ...]
    affected: tuple[AffectedGroup, ...]
    holds: tuple[Hold, ...] = field(default=())

    def controller(self, controller_id: str) -> ControllerFacts:
        """Return the controller with that id; the loader made sure that it exists."""
        return next(controller for controller in self.controllers if controller.id == controller_id)


def parse_facts(text: str, source: str, *, limits: DocumentLimits | None = None) -> Facts:
    """Read a facts file.

    Args:
        text: Content of the file.
        source: Name for messages.
        limits: Bounds on size.

    Raises:
        InputError: With every mistake, each with its line and key.
    """
    root = parse_document(text, source, limits=limits, error=InputError, semicolons=True)
    incident_table = root.table("incident")
    if incident_table is None:
        root.report("incident", "is missing")
    incident = _incident(incident_table) if incident_table is not None else None
    controllers = tuple(_controller(table) for table in root.tables("controller"))
    if not controllers:
        root.report("controller", "is missing: name at least one")
    ids = [controller.id for controller in controllers]
    known = frozenset(ids)
    if len(known) < len(ids):
        root.report("controller", "two controllers have the same id")
    _check_parties(root, controllers, known)
    affected_tables = root.tables("affected")
    affected = tuple(_affected(table, known) for table in affected_tables)
    holds = tuple(_hold(table) for table in root.tables("hold"))
    _check_disjoint(affected_tables, affected)
    root.close()
    root.check()
    assert incident is not None
    return Facts(source, incident, controllers, affected, holds)


def _incident(table: Table) -> IncidentFacts:
    aware_at = table.time("aware_at")
    if aware_at is None and not table.has("aware_at"):
        table.report("aware_at", "is missing: it is the one time that every clock needs")
    others = {key: table.time(key) for key in _OTHER_TIMES}
    begin, end = others["occurred_from"], others["occurred_to"]
    if begin is not None and end is not None and end < begin:
        table.report("occurred_to", "is before occurred_from")
    incident = IncidentFacts(
        aware_at=aware_at or _UNSET,
        **others,
        nature=table.texts("nature", required=True, choices=NATURES),
        cause=table.text("cause", choices=CAUSES),
        taken=table.text("taken", choices=TAKEN),
        holder=table.text("holder", choices=HOLDERS),
        intelligible=table.flag("intelligible", default=True),
        restored_hours=table.number("restored_hours", default=0),
        service_harm=table.text("service_harm", default="none", choices=SERVICE_HARMS),
        deletion_confirmed=table.flag("deletion_confirmed", default=False),
    )
    table.close()
    return incident


_OTHER_TIMES: Final = ("occurred_from", "occurred_to", "discovered_at", "determined_at", "assessed_at")
_UNSET: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _controller(table: Table) -> ControllerFacts:
    controller_id = table.text("id")
    if controller_id and not _NAME.match(controller_id):
        table.report("id", "must be lower-case letters, digits, '_', '.' and '-'")
    country, subdivision = _place(table, "country", "subdivision")
    if country == UNKNOWN_PLACE:
        table.report("country", "must be known for a controller")
    main = table.text("eea_main_establishment", default="")
    if main and not _COUNTRY.match(main):
        table.report("eea_main_establishment", "must be a country code such as FR, or empty for none")
    timezone = table.text("timezone", default="")
    if timezone and not _is_zone(timezone):
        table.report("timezone", "is not an IANA time zone such as Europe/Paris")
    controller = ControllerFacts(
        id=controller_id,
        name=table.text("name", may_be_empty=True),
        country=country,
        subdivision=subdivision,
        eea_main_establishment=main,
        brands=table.texts("brands"),
        joint_with=table.texts("joint_with"),
        bearer=table.text("bearer", default=""),
        languages=table.texts("languages"),
        timezone=timezone,
        flags=frozenset(table.texts("flags", choices=FLAGS)),
    )
    table.close()
    return controller


def _affected(table: Table, controllers: frozenset[str]) -> AffectedGroup:
    controller = table.text("controller")
    if controller and controller not in controllers:
        table.report("controller", "is not the id of a controller in this file")
    country, subdivision = _place(table, "country", "subdivision")
    persons = table.number("persons")
    possible = table.number("persons_possible", default=persons)
    if possible < persons:
        table.report("persons_possible", "is smaller than persons")
    group = AffectedGroup(
        controller=controller,
        country=country,
        subdivision=subdivision,
        persons=persons,
        records=table.number("records", default=persons),
        data=frozenset(table.texts("data", required=True, choices=DATA_ELEMENTS)),
        segment=table.text("segment", default="general", choices=SEGMENTS),
        persons_possible=possible,
    )
    table.close()
    return group


def _hold(table: Table) -> Hold:
    hold = Hold(table.text("ground"), table.text("jurisdiction"), table.time("until"))
    table.close()
    return hold


def _place(table: Table, country_key: str, subdivision_key: str) -> tuple[str, str]:
    """Take country and subdivision, in one form: ``US-TX`` and ``TX`` are the same, an empty country is ``ZZ``."""
    country = table.text(country_key, may_be_empty=True) or UNKNOWN_PLACE
    subdivision = table.text(subdivision_key, default="")
    if not _COUNTRY.match(country):
        table.report(country_key, "must be two capital letters such as FR, or ZZ for unknown")
        return UNKNOWN_PLACE, ""
    subdivision = subdivision.removeprefix(f"{country}-")
    if subdivision and not _SUBDIVISION.match(subdivision):
        table.report(subdivision_key, "must be an ISO 3166-2 code such as TX or US-TX")
        return country, ""
    return _SAME_PLACE.get(country, _SAME_PLACE.get(f"{country}-{subdivision}", (country, subdivision)))


def _check_parties(root: Table, controllers: tuple[ControllerFacts, ...], known: frozenset[str]) -> None:
    for controller in controllers:
        if not set(controller.joint_with) <= known - {controller.id}:
            root.report("controller", "joint_with names an unknown controller, or itself")
        if controller.bearer and controller.bearer not in known:
            root.report("controller", "bearer is not the id of a controller in this file")


def _check_disjoint(tables: tuple[Table, ...], affected: tuple[AffectedGroup, ...]) -> None:
    """Refuse a group that is there twice: its persons would be counted twice.

    The residence is compared as written: Réunion and metropolitan France are two groups in one legal order.
    """
    seen: set[tuple[str, str, str, frozenset[str], str]] = set()
    for table, group in zip(tables, affected, strict=True):
        written = (str(table.values.get("country")), str(table.values.get("subdivision", "")))
        key = (group.controller, *written, group.data, group.segment)
        if key in seen:
            table.report(None, "repeats an earlier group: same controller, residence, data and segment")
        seen.add(key)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
