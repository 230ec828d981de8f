"""Small worlds for the tests of duties."""

from __future__ import annotations

from datetime import UTC, datetime

from cloakroom.duty.fact_values import SEGMENTS
from cloakroom.duty.facts import AffectedGroup, ControllerFacts, Facts, IncidentFacts, RiskAssessment

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STOLEN = ("name", "email", "phone", "postal_address", "spend_total")
HOUSE = ControllerFacts("house", "House SAS", "FR", eea_main_establishment="FR")


def group(place="FR", persons=1000, data=STOLEN, *, controller="house", segment="general", possible=None):
    country, _, subdivision = place.partition("-")
    most = persons if possible is None else possible
    return AffectedGroup(controller, country, subdivision, persons, persons, frozenset(data), segment, most)


def facts(*groups, controllers=(HOUSE,), holds=(), at=MONDAY, **incident):
    times = dict.fromkeys(("aware_at", "discovered_at", "determined_at", "assessed_at", "occurred_to"), at)
    return Facts("test", IncidentFacts(**{**times, **incident}), tuple(controllers), tuple(groups), tuple(holds))


def risks(level="high", *controllers):
    authority, persons = {"none": (False, False), "risk": (True, False), "high": (True, True)}[level]
    return tuple(
        RiskAssessment(controller, segment, document=True, authority=authority, persons=persons)
        for controller in controllers or ("house",)
        for segment in sorted(SEGMENTS)
    )
