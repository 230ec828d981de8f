"""Disclosures by the ledger's own entries about a loss: proven, by lineage, with every field's form."""

from __future__ import annotations

from collections.abc import Mapping

from pyroaring import AbstractBitMap, FrozenBitMap

from cloakroom.clock import from_microseconds
from cloakroom.disclosures.disclosure import (
    CLEAR,
    Coverage,
    Credential,
    Disclosure,
    Evidence,
    Fields,
    Place,
    Timespan,
)
from cloakroom.disclosures.vocabulary import Certainty, Channel, CoverageStatus, Selector, Stage
from cloakroom.vocabulary import Operation

_SYSTEM = "cloakroom"
_ADAPTER = "ledger@1"


def disclosed_by_entries(
    lineage: str,
    operation: str,
    shape: Mapping[str, str],
    records: AbstractBitMap,
    *,
    first_at: int,
    last_at: int,
    entries: int,
    release: str = "",
) -> Disclosure:
    """Return what entries of one lineage, operation and shape disclosed together.

    Args:
        lineage: Whose entries.
        operation: ``reveal``, ``find``, ``release`` …
        shape: Form by field; empty where only the existence of records was told.
        records: The union of their sets.
        first_at: Time of the first of them, in microseconds.
        last_at: Time of the last.
        entries: How many they are.
        release: Id of the release by which the records left, if they left by one and it is known.
    """
    begin, end = from_microseconds(first_at), from_microseconds(last_at)
    channel = Channel.BULK if operation == Operation.RELEASE else Channel.API
    return Disclosure(
        incident="",
        who=Credential("lineage", (("lineage", lineage),)),
        when=Timespan(begin, end, clock=_SYSTEM),
        where=Place(_SYSTEM, channel, objects=(release,) if release else ()),
        stage=Stage.DELIVERED,
        selector=Selector.IDS,
        records=FrozenBitMap(records),
        fields=Fields(
            frozenset(name for name, form in shape.items() if form == CLEAR),
            reduced=tuple(sorted((name, form) for name, form in shape.items() if form != CLEAR)),
        ),
        certainty=Certainty.PROVEN,
        lower=len(records),
        upper=len(records),
        evidence=(Evidence("", f"{operation} entries of {lineage}", _ADAPTER, entries),),
        coverage=Coverage(_SYSTEM, CoverageStatus.COMPLETE, begin, end),
    )
