"""The report: what was claimed and what was found, side by side. Counts, times, names of fields; never a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from cloakroom.claims.attribution import Candidate
from cloakroom.claims.dating import Dating
from cloakroom.claims.exposure import Exposure
from cloakroom.claims.matched import Matched
from cloakroom.claims.register import EarlierClaim
from cloakroom.claims.sizing import Size
from cloakroom.claims.statement import Statement
from cloakroom.claims.survey import FileReport
from cloakroom.claims.verdict import Verdict
from cloakroom.clock import format_time, from_microseconds
from cloakroom.crypto import sha256

FORMAT = 1


@dataclass(frozen=True, slots=True)
class PersonInterval:
    """Persons behind the records: no fewer, no more, and how that was found."""

    lower: int
    upper: int
    method: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file as it was given: its name, size in bytes and SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ClaimReport:
    """Everything that can be said about a dump.

    Attributes:
        id: Of the claim in the register.
        checked_at: When, in microseconds.
        statement: What the sellers say.
        size: How large it is.
        matched: Its rows against our records.
        dating: As-of times by brand.
        exposed: Fields by brand.
        persons: Persons behind the proven records.
        verdict: The word and its reasons.
        attribution: Ways by which it may have left, likeliest first.
        earlier: Earlier claims that hold part of it.
        files: What was read.
        opened: Records whose values were opened for the check.
        countries: Proven records by country.
        evidence: Name, size and SHA-256 of each file given.
        populations: Records that each brand has, for the picture of the overlap.
    """

    id: str
    checked_at: int
    statement: Statement
    size: Size
    matched: Matched = field(repr=False)
    dating: Mapping[str, Dating]
    exposed: Mapping[str, Exposure]
    persons: PersonInterval
    verdict: Verdict
    attribution: Sequence[Candidate]
    earlier: Sequence[EarlierClaim]
    files: Sequence[FileReport]
    opened: int
    countries: Mapping[str, int]
    populations: Mapping[str, int]
    evidence: Sequence[Evidence]


def report_document(report: ClaimReport) -> dict[str, Any]:
    """Return the report as JSON values."""
    size, matched = report.size, report.matched
    return {
        "format": FORMAT,
        "id": report.id,
        "checked_at": _time(report.checked_at),
        "claimed": report.statement.as_dict(),
        "verdict": report.verdict.word,
        "reasons": list(report.verdict.reasons),
        "unknown": list(report.verdict.unknown),
        "rows": size.rows,
        "rejected_rows": size.rejected_rows,
        "rows_own": matched.rows_own,
        "rows_address_only": matched.rows_bounded + matched.rows_bare,
        "rows_contradicting": matched.rows_bounded,
        "rows_fabricated": matched.rows_fabricated,
        "rows_foreign": matched.rows_foreign,
        "rows_without_key": matched.rows_silent,
        "emails_distinct": size.emails_distinct,
        "emails_distinct_with_broken": size.emails_distinct_with_broken,
        "emails_public_rule": size.emails_public_rule,
        "emails_known": matched.emails_known,
        "emails_foreign": size.emails_distinct - matched.emails_known,
        "phones_distinct": size.phones_distinct,
        "fields": dict(size.fields),
        "countries": dict(size.countries),
        "countries_of_records": dict(report.countries),
        "brands": {name: _brand(report, name) for name in sorted(matched.brands)},
        "persons": asdict(report.persons),
        "attribution": [asdict(candidate) for candidate in report.attribution],
        "earlier": [asdict(claim) | {"checked_at": _time(claim.checked_at)} for claim in report.earlier],
        "records_opened": report.opened,
        "content_sha256": content_digest(report.evidence),
        "evidence": [asdict(item) for item in report.evidence],
        "files": [_file(item) for item in report.files],
    }


def content_digest(evidence: Sequence[Evidence]) -> str:
    """Return one SHA-256 for all files, whatever their names and order."""
    return sha256("".join(sorted(item.sha256 for item in evidence)).encode()).hex()


def _brand(report: ClaimReport, name: str) -> dict[str, Any]:
    match = report.matched.brands[name]
    dating = report.dating.get(name)
    proven, whole, bounded = len(match.proven), len(match.proven_whole), len(match.bounded)
    return {
        "records": {"proven": proven, "proven_in_whole_rows": whole, "bounded": bounded},
        "of": report.populations.get(name, 0),
        "rows": match.rows,
        "fields": list(report.exposed[name].fields),
        "fields_contradicted": list(report.exposed[name].contradicted),
        **_dating(dating, report.checked_at),
    }


def _dating(dating: Dating | None, now: int) -> dict[str, Any]:
    if dating is None:
        return {"snapshots": [], "rows_compared": 0, "rows_explained": 0.0, "fields_agree": {}, "is_borne_out": False,
                "curve": []}  # fmt: skip
    ends = [now if one.end is None else one.end for one in dating.snapshots]
    return {
        "snapshots": [
            {"from": _time(one.start), "to": _time(end), "share": one.share}
            for one, end in zip(dating.snapshots, ends, strict=True)
        ],
        "rows_compared": dating.compared,
        "rows_explained": round(dating.explained, 4),
        "fields_agree": {name: found.share for name, found in dating.fields.items()},
        "is_borne_out": dating.is_borne_out,
        "curve": _curve(dating, now),
    }


def _curve(dating: Dating, now: int) -> list[list[Any]]:
    """Return the as-of curve as far as there is a history: what holds now is no forecast."""
    points = list(zip(dating.curve.at, dating.curve.share, strict=True))
    past = [(at, share) for at, share in points if at < now]
    if past and len(past) < len(points):
        past.append((now, past[-1][1]))
    return [[_time(at), share] for at, share in past]


def _file(item: FileReport) -> dict[str, Any]:
    return {
        "path": item.path,
        "format": item.format,
        "encoding": item.encoding,
        "rows": item.rows,
        "rejected_rows": item.rejected_rows,
        "columns": list(item.columns),
        "notes": list(item.notes),
    }


def _time(at: int) -> str:
    return format_time(from_microseconds(at - at % 1_000_000))
