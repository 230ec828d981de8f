"""Places: which country belongs to the EEA, what time it is there, and whether a rule reaches a resident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from cloakroom.duty.facts import AffectedGroup, ControllerFacts

__all__ = ["EEA", "controller_zone", "reaches", "zone_of"]

# fmt: off
EEA: Final = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
})

# The zone of the capital, or of the seat of the authority. Where a place is missing, UTC is used.
_ZONES: Final = {
    "AE": "Asia/Dubai", "AT": "Europe/Vienna", "AU": "Australia/Sydney", "BE": "Europe/Brussels",
    "BG": "Europe/Sofia", "BR": "America/Sao_Paulo", "CA": "America/Toronto", "CH": "Europe/Zurich",
    "CN": "Asia/Shanghai", "CY": "Asia/Nicosia", "CZ": "Europe/Prague", "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen", "EE": "Europe/Tallinn", "ES": "Europe/Madrid", "FI": "Europe/Helsinki",
    "FR": "Europe/Paris", "GB": "Europe/London", "GR": "Europe/Athens", "HK": "Asia/Hong_Kong", "HR": "Europe/Zagreb",
    "HU": "Europe/Budapest", "IE": "Europe/Dublin", "IL": "Asia/Jerusalem", "IN": "Asia/Kolkata",
    "IS": "Atlantic/Reykjavik", "IT": "Europe/Rome", "JP": "Asia/Tokyo", "KR": "Asia/Seoul", "LI": "Europe/Vaduz",
    "LT": "Europe/Vilnius", "LU": "Europe/Luxembourg", "LV": "Europe/Riga", "MC": "Europe/Monaco",
    "MT": "Europe/Malta",
    "MX": "America/Mexico_City", "MY": "Asia/Kuala_Lumpur", "NL": "Europe/Amsterdam", "NO": "Europe/Oslo",
    "NZ": "Pacific/Auckland", "PL": "Europe/Warsaw", "PT": "Europe/Lisbon", "QA": "Asia/Qatar",
    "RO": "Europe/Bucharest", "SA": "Asia/Riyadh", "SE": "Europe/Stockholm", "SG": "Asia/Singapore",
    "SI": "Europe/Ljubljana", "SK": "Europe/Bratislava", "TH": "Asia/Bangkok", "TR": "Europe/Istanbul",
    "TW": "Asia/Taipei", "US": "America/New_York", "ZA": "Africa/Johannesburg",
    "CA-AB": "America/Edmonton", "CA-QC": "America/Toronto", "CA-BC": "America/Vancouver",
    "US-AK": "America/Anchorage", "US-AL": "America/Chicago", "US-AR": "America/Chicago", "US-AZ": "America/Phoenix",
    "US-CA": "America/Los_Angeles", "US-CO": "America/Denver", "US-GU": "Pacific/Guam", "US-HI": "Pacific/Honolulu",
    "US-IA": "America/Chicago", "US-ID": "America/Boise", "US-IL": "America/Chicago", "US-KS": "America/Chicago",
    "US-LA": "America/Chicago", "US-MN": "America/Chicago", "US-MO": "America/Chicago", "US-MS": "America/Chicago",
    "US-MT": "America/Denver", "US-ND": "America/Chicago", "US-NE": "America/Chicago", "US-NM": "America/Denver",
    "US-NV": "America/Los_Angeles", "US-OK": "America/Chicago", "US-OR": "America/Los_Angeles",
    "US-PR": "America/Puerto_Rico", "US-SD": "America/Chicago", "US-TN": "America/Chicago",
    "US-TX": "America/Chicago",
    "US-UT": "America/Denver", "US-VI": "America/St_Thomas", "US-WA": "America/Los_Angeles",
    "US-WI": "America/Chicago", "US-WY": "America/Denver",
}
# fmt: on


def zone_of(place: str) -> ZoneInfo:
    """Return the time zone of a place code such as ``FR`` or ``US-TX``; UTC where it is not known."""
    return ZoneInfo(_ZONES.get(place) or _ZONES.get(place.partition("-")[0]) or "UTC")


def controller_zone(controller: ControllerFacts) -> ZoneInfo:
    """Return the zone in which a controller's days begin and end."""
    return ZoneInfo(controller.timezone) if controller.timezone else zone_of(controller.country)


def reaches(residents: frozenset[str], excluded: frozenset[str], group: AffectedGroup) -> bool:
    """Answer whether residents like `group` are in the reach of a rule.

    A country reaches all its subdivisions, ``EEA`` every EEA country, ``*`` everybody; `excluded` is taken out again.
    """
    codes = {group.place, group.country}
    if codes & excluded:
        return False
    return bool(codes & residents) or "*" in residents or ("EEA" in residents and group.country in EEA)
