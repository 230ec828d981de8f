"""A disclosure: who saw which fields of which records, when, where, and how certain that is.

The one form into which everything is brought that speaks about a loss: our own ledger, a vendor's logs, a
leaked file. Adapters make disclosures; `cloakroom.scoping.affected` and `cloakroom.flows.incident.affected` unite
them; neither knows the other's source.

A disclosure has one certainty. Evidence that proves some records and only bounds others gives two disclosures
that share their evidence. What each class means:

- **proven**: the evidence names the records as returned or shown.
- **bounded**: a query, filter, report or leaked value restricts the loss to a set; which of its records left is
  not shown.
- **possible**: a credential could have read the set while it was in the wrong hands.

A disclosure without records counts only: between `lower` and `upper` different records of `population`, unknown
which. Counts that a source repeats (a query's total on every page) carry the same `series` and are never added
up.

Everything is data, compared by value; nothing here is personal: records are ordinals, people are principals.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pyroaring import FrozenBitMap

from cloakroom.canonical import json
from cloakroom.clock import format_time
from cloakroom.crypto import sha256
from cloakroom.disclosures.vocabulary import (
    Attribution,
    Certainty,
    Channel,
    CountCheck,
    CoverageStatus,
    FieldBasis,
    Selector,
    Stage,
)
from cloakroom.errors import UsageError

__all__ = [
    "Chunks",
    "Coverage",
    "Credential",
    "Disclosure",
    "Evidence",
    "Fields",
    "Limits",
    "Place",
    "Timespan",
    "describe",
    "hash_set",
]

CLEAR = "reveal"
"""The form of a field that is shown as it is."""
TOKEN = "token"  # noqa: S105 - the name of a form, not a secret
"""The form of a field of which nothing can be read."""
_COUNT_MAX = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on what is accepted from outside.

    Attributes:
        names_max: Fields, objects, reasons, keys or pieces of evidence of one disclosure.
        text_max: Characters of one identifier or code.
    """

    names_max: int = 10_000
    text_max: int = 4_096


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Credential:
    """The authority that was used.

    Attributes:
        kind: ``lineage`` (of our own principals), ``user``, ``oauth_app``, ``token``, ``db_role``, ``api_key``,
            ``session`` or ``ip``.
        ids: Names and values by which the source knows it, such as ``("session_key", "…")``.
        on_behalf_of: The principal for whom it acted, or empty.
        source: Where it came from: ``ip``, ``asn``, ``user_agent``, ``app_id``.
        attribution: Whose act it was.
        attribution_basis: Ids of the evidence for that.
    """

    kind: str
    ids: tuple[tuple[str, str], ...]
    on_behalf_of: str = ""
    source: tuple[tuple[str, str], ...] = ()
    attribution: Attribution = Attribution.UNKNOWN
    attribution_basis: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Return the first of its names; of a lineage, the only one."""
        return self.ids[0][1]


@dataclass(frozen=True, slots=True)
class Timespan:
    """A span of time in UTC, from `begin` to `end`, both included.

    Attributes:
        precision_s: Seconds by which either may be off.
        clock: Whose clock it was.
        offset_ms: What was added to that clock's time.
    """

    begin: datetime
    end: datetime
    precision_s: int = 0
    clock: str = ""
    offset_ms: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A place: system, tenant, way out, and the objects read."""

    system: str
    channel: Channel
    tenant: str = ""
    objects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that were shown.

    Attributes:
        names: Fields shown in the clear.
        basis: How that is known.
        reduced: Fields shown otherwise, each with its form: ``mask``, ``band`` or ``token``.
    """

    names: frozenset[str]
    basis: FieldBasis = FieldBasis.EXPLICIT
    reduced: tuple[tuple[str, str], ...] = ()

    @property
    def forms(self) -> dict[str, str]:
        """Return the form of each field, the clear one of those that were shown in several."""
        return {**dict(self.reduced), **dict.fromkeys(self.names, CLEAR)}

    @property
    def readable(self) -> frozenset[str]:
        """Return the fields of which anything could be read: all but those shown as tokens."""
        return self.names | {name for name, form in self.reduced if form != TOKEN}


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of a disclosure: an item by its hash, and the place in it.

    Attributes:
        item: SHA-256 of the item, hexadecimal; empty for our own ledger, which proves itself.
        locator: Line, byte range or record number; of the ledger, whose entries of which operation.
        adapter: Name and version of what read it.
        items: How many lines, records or entries it stands for.
    """

    item: str
    locator: str
    adapter: str
    items: int = 1


@dataclass(frozen=True, slots=True)
class Chunks:
    """Pieces in which a source delivered one result.

    Attributes:
        sequences: Numbers of the pieces that were found.
        rows: Rows in each.
        total: Rows that the source states for the whole, or None.
    """

    sequences: tuple[int, ...]
    rows: tuple[int, ...]
    total: int | None

    @property
    def is_whole(self) -> bool:
        """Return whether the pieces count from one without a gap and hold what the source states."""
        found = dict(zip(self.sequences, self.rows, strict=True))
        return sorted(found) == list(range(1, len(found) + 1)) and self.total in {None, sum(found.values())}


@dataclass(frozen=True, slots=True)
class Coverage:
    """The share of what happened in a window that the source would have shown."""

    source: str
    status: CoverageStatus
    begin: datetime
    end: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One disclosure; see the module for what the classes mean.

    Attributes:
        incident: Case it belongs to, or empty.
        who: Credential.
        when: Time.
        where: Place.
        stage: The furthest stage proven.
        selector: What picked the records.
        records: The records, or None where only a count is known.
        fields: What was shown of them.
        certainty: Class.
        lower: At least so many different records of the set, or of the population.
        upper: At most so many.
        population: Where only a count is known, the set it counts in, or None for unknown.
        series: Name of a count that the source repeats; empty for a count of its own.
        complete: Whether a list of ids is complete.
        count_check: For queries, how the result compares with the logged count.
        over: Why the set may be too large: ``row_security``, ``limit``, ``abort``, …
        under: Why it may be too small: ``late_snapshot``, ``deleted``, …
        reasons: Codes that say why the class is not higher and the bounds not closer.
        evidence: What it rests on.
        coverage: Of the source it comes from.
        chunks: Pieces of the result, where the source delivers in pieces.
    """

    incident: str
    who: Credential
    when: Timespan
    where: Place
    stage: Stage
    selector: Selector
    records: FrozenBitMap | None = field(repr=False)
    fields: Fields
    certainty: Certainty
    lower: int
    upper: int
    evidence: tuple[Evidence, ...]
    coverage: Coverage
    population: FrozenBitMap | None = field(default=None, repr=False)
    series: str = ""
    complete: bool = True
    count_check: CountCheck = CountCheck.NONE
    over: tuple[str, ...] = ()
    under: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    chunks: Chunks | None = None

    def __post_init__(self) -> None:
        problems = [*_time_problems(self), *_count_problems(self), *_size_problems(self)]
        if problems:
            raise UsageError("not a disclosure: " + "; ".join(problems))

    @property
    def id(self) -> str:
        """Return the SHA-256 of the canonical content, hexadecimal: the same for the same finding from anywhere."""
        return sha256(json.encode(describe(self))).hex()


def hash_set(records: FrozenBitMap) -> str:
    """Return the content hash of a set, the same for equal sets however they were built."""
    ordinals = records.to_array()
    return sha256(len(ordinals).to_bytes(4, "big") + ordinals.tobytes()).hex()


def describe(disclosure: Disclosure) -> dict[str, object]:
    """Return the disclosure as canonical JSON takes it; sets stand there by their hash and size."""
    found, chunks = disclosure, disclosure.chunks
    return {
        "incident": found.incident,
        "who": {
            "kind": found.who.kind,
            "ids": [list(pair) for pair in sorted(found.who.ids)],
            "on_behalf_of": found.who.on_behalf_of,
            "source": [list(pair) for pair in sorted(found.who.source)],
            "attribution": found.who.attribution.value,
            "attribution_basis": sorted(found.who.attribution_basis),
        },
        "when": {
            "from": format_time(found.when.begin),
            "to": format_time(found.when.end),
            "precision_s": found.when.precision_s,
            "clock": found.when.clock,
            "offset_ms": found.when.offset_ms,
        },
        "where": {
            "system": found.where.system,
            "tenant": found.where.tenant,
            "channel": found.where.channel.value,
            "objects": sorted(found.where.objects),
        },
        "stage": found.stage.name.lower(),
        "records": {
            "selector": found.selector.value,
            "set": _describe_set(found.records),
            "population": _describe_set(found.population),
            "series": found.series,
            "complete": found.complete,
            "count_check": found.count_check.value,
            "over": sorted(found.over),
            "under": sorted(found.under),
            "chunks": None if chunks is None else [list(chunks.sequences), list(chunks.rows), chunks.total],
        },
        "fields": {
            "names": sorted(found.fields.names),
            "basis": found.fields.basis.value,
            "reduced": [list(pair) for pair in sorted(found.fields.reduced)],
        },
        "certainty": {
            "class": found.certainty.name.lower(),
            "lower": found.lower,
            "upper": found.upper,
            "reasons": sorted(found.reasons),
        },
        "evidence": sorted([item.item, item.locator, item.adapter, item.items] for item in found.evidence),
        "coverage": {
            "source": found.coverage.source,
            "status": found.coverage.status.value,
            "from": format_time(found.coverage.begin),
            "to": format_time(found.coverage.end),
            "detail": found.coverage.detail,
        },
    }


def _describe_set(records: FrozenBitMap | None) -> object:
    return None if records is None else {"sha256": hash_set(records), "n": len(records)}


def _time_problems(found: Disclosure) -> list[str]:
    spans = (("when", found.when.begin, found.when.end), ("coverage", found.coverage.begin, found.coverage.end))
    problems = []
    for name, begin, end in spans:
        if begin.tzinfo is None or end.tzinfo is None:
            problems.append(f"{name} has a time without an offset")
        elif begin > end:
            problems.append(f"{name} ends before it begins")
    return problems


def _count_problems(found: Disclosure) -> list[str]:
    if not 0 <= found.lower <= found.upper <= _COUNT_MAX:
        return ["the bounds are no interval of counts (a source's −1 means unknown)"]
    problems = []
    if found.certainty is Certainty.POSSIBLE and found.lower:
        problems.append("what is only possible has no lower bound")
    if found.records is None:
        if found.certainty is Certainty.PROVEN:
            problems.append("a count alone proves no record")
        if found.population is not None and found.upper > len(found.population):
            problems.append("the upper bound is beyond the population")
    else:
        size = len(found.records)
        if found.certainty is Certainty.PROVEN and not found.lower <= size <= found.upper:
            problems.append("a proven set lies outside its bounds")
        if found.certainty is not Certainty.PROVEN and not found.under and found.upper > size:
            problems.append("the upper bound is beyond the set, and nothing says that the set may be too small")
        if found.certainty is not Certainty.PROVEN and found.lower > size:
            problems.append("the lower bound is beyond the set")
    broken = found.chunks is not None and not found.chunks.is_whole
    if broken and found.coverage.status is CoverageStatus.COMPLETE:
        problems.append("pieces are missing, but the coverage is said to be complete")
    return problems


def _size_problems(found: Disclosure) -> list[str]:
    names = (
        found.fields.names,
        found.fields.reduced,
        found.where.objects,
        found.reasons,
        found.evidence,
        found.who.ids,
    )
    if any(len(items) > LIMITS.names_max for items in names):
        return [f"more than {LIMITS.names_max:,} names in one list"]
    texts = [*found.fields.names, *found.reasons, found.series, found.incident, found.where.system]
    return [f"a name of more than {LIMITS.text_max:,} characters"] if max(map(len, texts)) > LIMITS.text_max else []
