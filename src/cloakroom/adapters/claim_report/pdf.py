"""A claim's report as PDF: two pages that a privacy officer can hand to counsel.

Works on the report's JSON form, which has counts, times and names of fields only. Pictures are drawn by the template
from the same figures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import resources
from typing import Any

import typst

from cloakroom.clock import parse_time

_COUNTRIES_SHOWN = 12
_POINTS = 120


def render_pdf(document: Mapping[str, Any]) -> bytes:
    """Return the report as PDF.

    Args:
        document: As made by `cloakroom.claims.report.report_document`.
    """
    template = resources.files("cloakroom.adapters.claim_report").joinpath("report.typ").read_bytes()
    values = json.dumps(_values(document), ensure_ascii=False).encode()
    compiled = typst.compile(
        {"main.typ": template, "data.json": values},  # type: ignore[call-overload]  # the stub forgets dicts of files
        format="pdf",
        timestamp=int(parse_time(document["checked_at"]).timestamp()),
    )
    return bytes(compiled)


def _values(document: Mapping[str, Any]) -> dict[str, Any]:
    claimed, persons = document["claimed"], document["persons"]
    brands = document["brands"]
    return {
        "id": document["id"],
        "checked_at": document["checked_at"].replace("T", " ").replace("Z", " UTC"),
        "verdict": document["verdict"],
        "reasons": document["reasons"],
        "unknown": document["unknown"],
        "claimed": {name: value for name, value in claimed.items() if value},
        "counts": [
            ["Rows", _count(claimed.get("rows")), _count(document["rows"])],
            ["Rows lost in broken lines", "", _count(document["rejected_rows"])],
            ["Distinct e-mail addresses", _count(claimed.get("emails")), _count(document["emails_distinct"])],
            ["… as the public extractor counts them", "", _count(document["emails_public_rule"])],
            ["… known to us, now or earlier", "", _count(document["emails_known"])],
            ["… never held by us", "", _count(document["emails_foreign"])],
            ["Distinct telephone numbers", "", _count(document["phones_distinct"])],
            ["Records proven", "", _count(sum(brand["records"]["proven"] for brand in brands.values()))],
            [
                "Records that share an address only",
                "",
                _count(sum(brand["records"]["bounded"] for brand in brands.values())),
            ],
            ["Persons behind the proven records", _count(claimed.get("persons")), _interval(persons)],
        ],
        "persons_method": persons["method"],
        "brands": [_brand(name, brand) for name, brand in brands.items()],
        "is_around_keys": 2 * document.get("rows_contradicting", 0) > document["rows"],
        "rows": _row_kinds(document),
        "addresses": _address_kinds(document),
        "countries": _countries(document["countries_of_records"]),
        "attribution": document["attribution"][:4],
        "is_proven": any(brand["records"]["proven"] for brand in brands.values()),
        "earlier": document["earlier"][:3],
        "files": _files(document["files"]),
        "opened": _count(document["records_opened"]),
    }


def _brand(name: str, brand: Mapping[str, Any]) -> dict[str, Any]:
    snapshots = [
        {"from": _minute(one["from"]), "to": _minute(one["to"]), "share": round(one["share"] * 100, 1)}
        for one in brand["snapshots"]
    ]
    return {
        "name": name,
        "proven": _count(brand["records"]["proven"]),
        "bounded": _count(brand["records"]["bounded"]) if brand["records"]["bounded"] else "",
        "of": _count(brand["of"]),
        "share": min(brand["records"]["proven"] / max(brand["of"], 1), 1.0),
        "fields": brand["fields"],
        "contradicted": brand.get("fields_contradicted", []),
        "snapshots": snapshots,
        "explained": round(brand["rows_explained"] * 100, 1),
        "curve": _curve(brand["curve"]) if brand.get("is_borne_out", True) else None,
        "marks": _marks(brand),
    }


def _curve(points: list[list[Any]]) -> dict[str, Any] | None:
    """Scale the as-of curve to the unit square, with ticks at beginnings of months."""
    if len(points) < 2:
        return None
    times = [parse_time(at) for at, _ in points]
    first, last = times[0], times[-1]
    span = (last - first).total_seconds() or 1.0
    step = max(len(points) // _POINTS, 1)
    kept = [
        [(at - first).total_seconds() / span, share]
        for place, (at, (_, share)) in enumerate(zip(times, points, strict=True))
        if place % step == 0 or place == len(points) - 1 or share == max(share for _, share in points)
    ]
    lowest = max(min(share for _, share in kept) - 0.02, 0.0)
    bottom = 0.0 if lowest < 0.3 else float(int(lowest * 20) / 20)
    scaled = [[at, (share - bottom) / (1 - bottom)] for at, share in kept]
    return {"points": scaled, "ticks": _months(first, last, span), "bottom": bottom}


def _marks(brand: Mapping[str, Any]) -> list[float]:
    """Return where the as-of times lie on the curve's axis."""
    if len(brand["curve"]) < 2:
        return []
    first, last = parse_time(brand["curve"][0][0]), parse_time(brand["curve"][-1][0])
    span = (last - first).total_seconds() or 1.0
    return [(parse_time(one["from"]) - first).total_seconds() / span for one in brand["snapshots"]]


def _months(first: datetime, last: datetime, span: float) -> list[list[Any]]:
    ticks = []
    at = (first.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)
    while at < last:
        ticks.append([(at - first).total_seconds() / span, at.strftime("%b %Y")])
        at = (at + timedelta(days=32)).replace(day=1)
    every = max(len(ticks) // 6, 1)
    return ticks[::every]


def _row_kinds(document: Mapping[str, Any]) -> list[list[Any]]:
    differing = document.get("rows_contradicting", 0)
    kinds = [
        ["show a record of ours", document["rows_own"], "own"],
        ["share a key of ours and show nothing else", document["rows_address_only"] - differing, "bounded"],
        ["set a key of ours beside other values", differing, "differing"],
        ["of somebody else", document["rows_foreign"], "foreign"],
        ["without any key", document["rows_without_key"], "silent"],
    ]
    return [[what, number, colour, _count(number)] for what, number, colour in kinds if number]


def _address_kinds(document: Mapping[str, Any]) -> list[list[Any]]:
    kinds = [
        ["known to us, now or earlier", document["emails_known"], "own"],
        ["never held by us", document["emails_foreign"], "foreign"],
    ]
    return [[what, number, colour, _count(number)] for what, number, colour in kinds if number]


def _countries(counts: Mapping[str, int]) -> list[list[Any]]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown: list[list[Any]] = [[code, count, _count(count)] for code, count in ranked[:_COUNTRIES_SHOWN]]
    others = len(ranked) - _COUNTRIES_SHOWN
    rest = sum(count for _, count in ranked[_COUNTRIES_SHOWN:])
    return [*shown, [f"{others} others" if others > 1 else "1 other", rest, _count(rest)]] if rest else shown


def _files(files: list[Mapping[str, Any]]) -> dict[str, Any]:
    unread = [item for item in files if item["format"] == "unread"]
    return {
        "read": len(files) - len(unread),
        "unread": len(unread),
        "largest": [
            [
                _ending(item["path"]),
                item["format"],
                item["encoding"] or "–",
                _count(item["rows"]),
                _count(item["rejected_rows"]),
            ]
            for item in sorted(files, key=lambda item: -item["rows"])[:6]
        ],
    }


def _ending(path: str) -> str:
    return path if len(path) <= 56 else "…" + path[-55:]


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _interval(persons: Mapping[str, Any]) -> str:
    return f"{persons['lower']:,} to {persons['upper']:,}"


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
