"""Small invented worlds of disclosures in which the truth is known, as hypothesis strategies."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st
from pyroaring import BitMap, FrozenBitMap

from cloakroom.disclosures.disclosure import Coverage, Credential, Disclosure, Evidence, Fields, Place, Timespan
from cloakroom.disclosures.vocabulary import Certainty, Channel, CoverageStatus, Selector, Stage

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
RECORDS = 12  # small, so that sets overlap all the time
FIELDS = ("email", "given_name", "spend_total")


def disclosure(records=(), certainty=Certainty.PROVEN, **changes) -> Disclosure:
    """A plain disclosure; `changes` are attributes of `Disclosure`."""
    listed = None if records is None else FrozenBitMap(records)
    size = 0 if listed is None else len(listed)
    values = {
        "incident": "case-1",
        "who": Credential("user", (("principal", "invented.associate"),)),
        "when": Timespan(NOON, NOON),
        "where": Place("vault", Channel.API),
        "stage": Stage.DELIVERED,
        "selector": Selector.COUNT if listed is None else Selector.IDS,
        "records": listed,
        "fields": Fields(frozenset({"email"})),
        "certainty": certainty,
        "lower": size if certainty is Certainty.PROVEN else 0,
        "upper": size,
        "evidence": (Evidence("00" * 32, "line 1", "ledger@1"),),
        "coverage": Coverage("vault", CoverageStatus.COMPLETE, NOON, NOON),
    }
    return Disclosure(**{**values, **changes})


@st.composite
def told_truths(draw) -> tuple[Disclosure, frozenset[int]]:
    """A disclosure, and the records that were in truth disclosed by what it speaks of."""
    kind = draw(st.sampled_from(["proven", "bounded", "possible", "count"]))
    members = st.frozensets(st.integers(0, RECORDS - 1), max_size=RECORDS)
    chosen = draw(members)
    common = {
        "fields": Fields(frozenset(draw(st.sets(st.sampled_from(FIELDS), min_size=1)))),
        "stage": draw(st.sampled_from(list(Stage))),
        "reasons": tuple(draw(st.sets(st.sampled_from(["no_ids", "late"]), max_size=2))),
    }
    if kind == "proven":
        return disclosure(chosen, Certainty.PROVEN, **common), chosen
    truth = frozenset(draw(st.sets(st.sampled_from(sorted(chosen))))) if chosen else frozenset()
    lower = draw(st.integers(0, len(truth)))
    upper = draw(st.integers(len(truth), max(len(truth), len(chosen))))
    if kind == "bounded":
        return disclosure(chosen, Certainty.BOUNDED, lower=lower, upper=upper, **common), truth
    if kind == "possible":
        return disclosure(chosen, Certainty.POSSIBLE, lower=0, upper=len(chosen), **common), truth
    population = FrozenBitMap(chosen) if draw(st.booleans()) else None
    return (
        disclosure(None, Certainty.BOUNDED, population=population, lower=lower, upper=upper, **common),
        truth,
    )


def worlds() -> st.SearchStrategy[list[tuple[Disclosure, frozenset[int]]]]:
    """Several disclosures with their truths; no two are alike, since one that is told twice is one with one truth."""
    return st.lists(told_truths(), max_size=7, unique_by=lambda told: told[0])


def facets() -> st.SearchStrategy[dict[str, BitMap]]:
    """A facet: each record has at most one value."""
    values = st.sampled_from([None, "FR", "IT", "JP"])
    return st.lists(values, min_size=RECORDS, max_size=RECORDS).map(
        lambda drawn: {
            value: BitMap([record for record, own in enumerate(drawn) if own == value])
            for value in ("FR", "IT", "JP")
        }
    )
