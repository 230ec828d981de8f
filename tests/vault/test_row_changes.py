"""What a delivered row does to a stored record, against a plain account of the same deliveries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vault_worlds import ALBA, CATALOGUE, block, ring, seal_one

from cloakroom.errors import OpenError
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.opening import BrandOpener
from cloakroom.vault.row_changes import DELETED, LIVE, KnownRecord, RowFate, plan_changes
from cloakroom.vault.rows import RowDigests, cells_of_row, columns_of, links_by_row
from cloakroom.vault.sealed_record import SealedKeys
from cloakroom.vault.sealing import BrandSealer

RING = ring()
DIGESTS, SEALER, OPENER = RowDigests(RING, CATALOGUE, ALBA), BrandSealer(RING, ALBA), BrandOpener(RING, ALBA)
ALL = dict.fromkeys(EnvelopeClass)


def stored(row, at):
    """Return what an import knows of a record made from `row`."""
    one = block(row, at=at)
    index_cell = links_by_row(1, DIGESTS.index_entries(one))[0]
    keys, record = seal_one(SEALER, 5, cells_of_row(columns_of(one, CATALOGUE), 0, index_cell))
    return KnownRecord(5, 1, at, LIVE, DIGESTS.contents(one)[0], record.envelopes[1], keys)


def plan(known, row, at, *, deleted=False):
    return plan_changes(
        block(row, at=at, deleted={0} if deleted else ()),
        [known],
        digests=DIGESTS,
        sealer=SEALER,
        open_index_cells=OPENER.open_index_cells,
    )


def after(known, replacement):
    return KnownRecord(
        5,
        replacement.version,
        replacement.valid_from,
        replacement.state,
        replacement.content,
        replacement.record.envelopes[1],
        known.keys,
    )


ADA = {"customer_number": "C1", "email": "ada@example.com"}
EVA = {"customer_number": "C1", "email": "eva@example.com"}


def test_a_repetition_changes_nothing_whenever_it_comes():
    known = stored(ADA, 100)
    for at in (50, 100, 150):
        assert plan(known, ADA, at).fates == [RowFate.UNCHANGED]
        assert plan(known, ADA, at).replacements == []


def test_a_newer_row_replaces_and_retires_what_it_no_longer_has():
    known = stored(ADA, 100)
    [change] = plan(known, EVA, 200).replacements
    number = CATALOGUE.indexes["email"]
    assert (change.supersedes, change.version, change.valid_from, change.state) == (1, 2, 200, LIVE)
    assert list(change.retired) == [(number, DIGESTS.link("email", ["ada@example.com"]))]
    assert list(change.added) == [(number, DIGESTS.link("email", ["eva@example.com"]))]
    values = OPENER.open(change.record, known.keys, ALL)
    assert values[CATALOGUE.fields["email"]] == b"eva@example.com"


def test_an_older_row_is_stale_and_one_of_the_same_moment_is_not():
    known = stored(ADA, 100)
    assert plan(known, EVA, 99).fates == [RowFate.STALE]
    assert plan(known, EVA, 100).fates == [RowFate.CHANGED]
    assert plan(known, ADA, 99, deleted=True).fates == [RowFate.STALE]


def test_a_deletion_leaves_no_value_and_no_index_row():
    known = stored(ADA, 100)
    [change] = plan(known, ADA, 200, deleted=True).replacements
    assert (change.state, change.content, change.record.envelopes) == (DELETED, None, (None, None, None))
    assert (len(change.retired), len(change.added)) == (2, 0)
    gone = after(known, change)
    assert plan(gone, ADA, 300, deleted=True).fates == [RowFate.UNCHANGED]
    assert plan(gone, ADA, 150).fates == [RowFate.STALE]
    [back] = plan(gone, ADA, 300).replacements
    assert (back.supersedes, back.state, len(back.added), len(back.retired)) == (None, LIVE, 2, 0)


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["a", "b", None])), max_size=8))
@settings(max_examples=120, deadline=None)
def test_any_story_ends_as_a_plain_account_of_it_does(story):
    known = stored({"customer_number": "C1", "email": "a"}, 3)
    value, since = "a", 3
    for at, wanted in story:
        row = {"customer_number": "C1", "email": wanted}
        done = plan(known, row, at, deleted=wanted is None)
        if wanted == value:
            assert done.fates == [RowFate.UNCHANGED]
        elif at < since:
            assert done.fates == [RowFate.STALE]
        else:
            assert done.fates == [RowFate.DELETED if wanted is None else RowFate.CHANGED]
            value, since = wanted, at
            known = after(known, done.replacements[0])
    assert (known.state == DELETED) == (value is None)
    if value is not None:
        assert known.content == DIGESTS.contents(block({"customer_number": "C1", "email": value}))[0]


def test_only_records_that_change_are_opened_all_of_them_together():
    known = [stored(ADA, 100)] * 4
    rows = block(ADA, EVA, EVA, EVA, at=200, deleted={3})
    asked = []

    def noting(held):
        asked.append([record.ordinal for record, _ in held])
        return OPENER.open_index_cells(held)

    done = plan_changes(rows, known, digests=DIGESTS, sealer=SEALER, open_index_cells=noting)
    assert done.fates == [RowFate.UNCHANGED, RowFate.CHANGED, RowFate.CHANGED, RowFate.DELETED]
    assert list(done.changed_rows) == [1, 2, 3]
    assert asked == [[5, 5, 5]]
    plan_changes(rows.take([0]), known[:1], digests=DIGESTS, sealer=SEALER, open_index_cells=noting)
    assert len(asked) == 1


def test_a_changed_record_that_does_not_open_is_named():
    known = replace(stored(ADA, 100), version=2)
    with pytest.raises(OpenError, match="record 5 does not open"):
        plan(known, EVA, 200)
    lost = replace(known, identity=None, keys=SealedKeys(1, 0, b""))
    with pytest.raises(OpenError, match="record 5 does not open"):
        plan(lost, EVA, 200)


def test_a_deletion_of_the_same_moment_holds_and_an_older_one_of_what_is_gone_changes_nothing():
    known = stored(ADA, 100)
    assert plan(known, ADA, 100, deleted=True).fates == [RowFate.DELETED]
    gone = after(known, plan(known, ADA, 200, deleted=True).replacements[0])
    for at in (50, 200, 300):
        assert plan(gone, EVA, at, deleted=True).fates == [RowFate.UNCHANGED]
    assert plan(gone, ADA, 199).fates == [RowFate.STALE]
    assert plan(gone, ADA, 200).fates == [RowFate.CHANGED]


def test_values_that_stay_are_neither_retired_nor_added():
    known = stored(ADA | {"phone": "+39021"}, 100)
    [change] = plan(known, ADA | {"phone": "+39022", "given_name": "Ada"}, 200).replacements
    number = CATALOGUE.indexes["phone"]
    assert list(change.retired) == [(number, DIGESTS.link("phone", ["+39021"]))]
    assert list(change.added) == [(number, DIGESTS.link("phone", ["+39022"]))]
    assert change.content == DIGESTS.contents(block(ADA | {"phone": "+39022", "given_name": "Ada"}))[0]
    assert OPENER.open(change.record, known.keys, ALL)[CATALOGUE.fields["given_name"]] == b"Ada"
