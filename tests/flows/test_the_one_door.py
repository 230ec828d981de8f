"""Nothing is opened but what a durable entry names: its records, its fields, in its forms."""

from __future__ import annotations

import pytest
from pyroaring import BitMap

from cloakroom.errors import DeniedError, OpenError, StoreError, TamperedError, UnrecordedError
from cloakroom.flows.opening import RecordOpener, open_rows
from cloakroom.gate.policy import Form
from cloakroom.vault.tokens import RecordReference
from cloakroom.vocabulary import Operation

BRAND = "tarsenne"


@pytest.fixture
def some(application):
    """Five records of one brand."""
    facets = application.facets.load(application.catalogue.brand(BRAND))
    return BitMap(list(facets["record", "all"])[:5])


def entered(application, records, fields=("email", "family_name"), **changes):
    given = {"lineage": "operator", "operation": Operation.CLAIM, "detail": {"claim": "claim-1"}}
    return application.entries.enter(records=records, fields=fields, **{**given, **changes})


def opened(application, entry, ordinals):
    rows = application.vault.sealed_rows(list(ordinals))
    found = open_rows(entry, rows, catalogue=application.catalogue, openers=application.openers)
    return {row.record.ordinal: values for row, values in found}


def shown(application, entry, ordinals, brand=BRAND):
    rows = {row.record.ordinal: row for row in application.vault.sealed_rows(list(ordinals))}
    opener = RecordOpener(application.catalogue, application.openers, rows, {})
    references = [RecordReference(application.catalogue.brand(BRAND), ordinal) for ordinal in ordinals]
    return opener.show(references, {brand: entry})


def test_what_an_entry_names_is_opened_and_nothing_else_of_a_record(application, some):
    values = opened(application, entered(application, some), some)
    assert values.keys() == set(some)
    assert {name for texts in values.values() for name in texts} == {"email", "family_name"}


def test_the_entry_in_the_ledger_names_the_records_and_the_fields(application, some):
    entry = entered(application, some)
    assert entry.records == some
    assert entry.forms == {"email": Form.REVEAL, "family_name": Form.REVEAL}
    body = application.connection.execute("select body from ledger_entry order by id desc limit 1").fetchone()[0]
    assert b'"fields":["email","family_name"]' in bytes(body)


@pytest.mark.parametrize("way", [opened, shown])
def test_a_record_that_the_entry_does_not_name_is_not_opened(application, some, way):
    entry = entered(application, BitMap(list(some)[:4]))
    with pytest.raises(UnrecordedError, match=f"record {some.max()}"):
        way(application, entry, some)


def test_a_record_of_a_brand_without_an_entry_is_not_shown(application, some):
    with pytest.raises(UnrecordedError):
        shown(application, entered(application, some), some, brand="calderine")


def test_a_field_that_the_entry_does_not_name_is_not_opened(application, some):
    entry = entered(application, some, fields=["email"])
    row = application.vault.sealed_rows([some.min()])[0]
    with pytest.raises(UnrecordedError, match="field family_name"):
        application.openers.open(row.brand, [(entry, [(row.record, row.keys)])], ("family_name",))


def test_each_row_is_opened_under_its_own_entry(application, some):
    one, other = list(some)[:2]
    rows = {row.record.ordinal: row for row in application.vault.sealed_rows([one, other])}
    mine, foreign = entered(application, BitMap([one])), entered(application, BitMap([one, other]))
    first, second = ((rows[ordinal].record, rows[ordinal].keys) for ordinal in (one, other))
    with pytest.raises(UnrecordedError):
        application.openers.open(rows[one].brand, [(mine, [first, second])], ("email",))
    with pytest.raises(UnrecordedError):
        application.openers.open(rows[one].brand, [(foreign, [first]), (mine, [second])], ("email",))
    assert None not in application.openers.open(rows[one].brand, [(mine, [first]), (foreign, [second])], ("email",))


def test_within_a_transaction_no_entry_opens_anything(application, some):
    with application.connection.transaction():
        appended = application.entries.append(lineage="operator", operation=Operation.CLAIM, records=some)
        with pytest.raises(StoreError, match="durable"):
            application.entries.durable(appended.body, appended.sealed_set)
        with pytest.raises(StoreError, match="durable"):
            entered(application, some)
    assert application.entries.durable(appended.body, appended.sealed_set).records == some


def test_a_request_within_a_transaction_is_not_admitted(application, some):
    with application.connection.transaction(), pytest.raises(StoreError, match="durable"):
        application.gatekeeper.admit([])


def test_the_entry_of_a_refusal_opens_nothing(application, some):
    appended = application.entries.append(
        lineage="operator", operation=Operation.CLAIM, records=some, permitted=False, reason="policy"
    )
    with pytest.raises(DeniedError):
        application.entries.durable(appended.body, appended.sealed_set)


def test_another_set_beside_an_entry_opens_nothing(application, some):
    appended = application.entries.append(lineage="operator", operation=Operation.CLAIM, records=some)
    other = application.entries.append(lineage="operator", operation=Operation.CLAIM, records=BitMap([some.min()]))
    for exchanged in (other.sealed_set, None):
        with pytest.raises(TamperedError):
            application.entries.durable(appended.body, exchanged)


def test_an_entry_can_be_narrowed_and_never_widened(application, some):
    entry = entered(application, some)
    narrowed = entry.at_most({"email": Form.MASK, "phone": Form.REVEAL})
    assert narrowed.forms == {"email": Form.MASK}
    assert narrowed.records == entry.records
    assert narrowed.at_most({"email": Form.REVEAL}).forms == {"email": Form.MASK}


def test_a_changed_row_does_not_open_and_is_named(application, some):
    entry = entered(application, some)
    rows = application.vault.sealed_rows(list(some))
    first, second = rows[:2]
    mixed = [type(first)(first.brand, second.record, first.keys, first.valid_from, first.state)]
    with pytest.raises(OpenError, match=f"record {second.record.ordinal}"):
        list(open_rows(entry, mixed, catalogue=application.catalogue, openers=application.openers))
