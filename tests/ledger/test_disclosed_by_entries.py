"""What the ledger's own entries disclosed: records proven, fields in their forms, from the first to the last."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyroaring import BitMap

from cloakroom.clock import to_microseconds
from cloakroom.disclosures.disclosure import Disclosure
from cloakroom.disclosures.vocabulary import Certainty, Selector, Stage
from cloakroom.ledger.disclosed import disclosed_by_entries
from cloakroom.vocabulary import Operation

FIRST, LAST = datetime(2026, 3, 1, 9, 30, tzinfo=UTC), datetime(2026, 3, 4, 18, tzinfo=UTC)


def disclosed(
    operation: str = "reveal",
    shape: dict[str, str] | None = None,
    records: tuple[int, ...] = (1, 5),
    release: str = "",
) -> Disclosure:
    return disclosed_by_entries(
        "anna",
        operation,
        {"email": "reveal", "phone": "mask", "spend_total": "band", "number": "token"} if shape is None else shape,
        BitMap(records),
        first_at=to_microseconds(FIRST),
        last_at=to_microseconds(LAST),
        entries=7,
        release=release,
    )


def test_it_is_of_the_lineage_over_the_whole_time_and_covers_that_time_completely() -> None:
    found = disclosed()
    assert (found.who.kind, found.who.ids, found.who.id) == ("lineage", (("lineage", "anna"),), "anna")
    assert (found.when.begin, found.when.end, found.when.clock) == (FIRST, LAST, "cloakroom")
    assert (found.coverage.begin, found.coverage.end, str(found.coverage.status)) == (FIRST, LAST, "complete")
    assert (found.when.precision_s, found.when.offset_ms) == (0, 0)


@pytest.mark.parametrize("records", [(), (3,), (1, 5, 70_000)])
def test_its_records_are_proven_and_their_number_is_known_exactly(records: tuple[int, ...]) -> None:
    found = disclosed(records=records)
    assert tuple(found.records) == records
    assert (found.lower, found.upper, found.certainty) == (len(records), len(records), Certainty.PROVEN)
    assert (found.stage, found.selector) == (Stage.DELIVERED, Selector.IDS)


def test_what_is_disclosed_does_not_change_with_the_set_that_it_was_made_from() -> None:
    records = BitMap([1])
    found = disclosed_by_entries("anna", "find", {}, records, first_at=0, last_at=0, entries=1)
    records.add(2)
    assert tuple(found.records) == (1,)


def test_a_field_is_readable_unless_it_left_as_a_token_and_clear_only_where_it_was_revealed() -> None:
    fields = disclosed().fields
    assert fields.names == {"email"}
    assert fields.reduced == (("number", "token"), ("phone", "mask"), ("spend_total", "band"))
    assert fields.readable == {"email", "phone", "spend_total"}
    assert fields.forms == {"email": "reveal", "phone": "mask", "spend_total": "band", "number": "token"}
    existence = disclosed("find", {}).fields
    assert (existence.names, existence.reduced, existence.readable) == (frozenset(), (), frozenset())


@pytest.mark.parametrize("operation", [Operation.REVEAL, Operation.FIND, Operation.LIST, Operation.RELEASE])
def test_only_a_release_left_in_bulk_and_only_a_known_one_is_named(operation: Operation) -> None:
    channel = "bulk" if operation is Operation.RELEASE else "api"
    for written in (operation, operation.value):
        found = disclosed(written)
        assert (found.where.system, str(found.where.channel), found.where.objects) == ("cloakroom", channel, ())
    assert disclosed(operation, release="r-1").where.objects == ("r-1",)


def test_its_evidence_is_so_many_entries_of_the_ledger_which_proves_itself() -> None:
    [evidence] = disclosed("list").evidence
    assert (evidence.item, evidence.locator, evidence.adapter, evidence.items) == (
        "", "list entries of anna", "ledger@1", 7,
    )  # fmt: skip
