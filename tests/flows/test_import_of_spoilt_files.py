"""Imports of files that a spreadsheet spoilt: what cannot be found is told, ids of several people stop them."""

from __future__ import annotations

import csv
import json

import pytest

import cloakroom.use_cases.records.importing as importing
from cloakroom.adapters.deliveries import Limits, open_delivery
from cloakroom.cli.main import main
from cloakroom.clock import FixedClock
from cloakroom.errors import InputError
from cloakroom.use_cases.records.importing import import_file
from cloakroom.vault.rows import RECORD_ID_INDEX
from spine_world import NOON
from tarsenne_deliveries import BRAND, COLUMNS, deliver, row

CONTACTS = [
    row(90_000_001, "2025-03-01", email="Ada <ada@example.com>", country="GB", phone="447400123456.0"),
    row(90_000_002, "2025-03-01", email="one@example.com; two@example.com", country="GB", phone="4.474E+11"),
    row(90_000_003, "2025-03-01", email="n/a@", country="GB", mobile="see notes"),
    row(90_000_004, "2025-03-01", email="dan@example.com", country="nowhere", phone="4.474E+11"),  # rejected
    row(90_000_005, "2025-03-01", country="GB"),
]
WITHOUT_KEY = {"email": 2, "mobile": 1, "phone": 1}


class StoppedError(Exception):
    """Stands for the death of the process."""


@pytest.fixture
def application(store):
    opened = store.open(clock=FixedClock(NOON), clock_tolerance=None)
    yield opened
    opened.close()


def found(application, index, form):
    """Return how many records of the brand stand under a normal form."""
    brand = application.catalogue.brand(BRAND)
    digests = application.digests[brand]
    stored = digests.stored(index, [form])
    return application.connection.execute(
        "select count(*) from blind_index where brand = %s and index_id = %s and digest = %s",
        (brand, digests.index_id(index), stored.hex()),
    ).fetchone()[0]


def records(application):
    return application.vault.counts()


def test_values_without_a_key_are_counted_by_field_in_the_summary(application, tmp_path):
    path = deliver(tmp_path / "contacts.csv", *CONTACTS)
    result = import_file(application, path, BRAND)
    assert result.without_key == WITHOUT_KEY
    assert result.counts["created"] == 4
    assert result.counts["rejected"] == 1
    again = import_file(application, path, BRAND)
    assert again.repeated
    assert again.counts == {"unchanged": 5}
    assert again.without_key == WITHOUT_KEY


def test_the_command_says_them_in_words_and_in_json(store, tmp_path, monkeypatch, capfd):
    path = deliver(tmp_path / "contacts.csv", *CONTACTS)
    monkeypatch.setenv("CLOAKROOM_HOME", str(store.settings.home))
    monkeypatch.setenv("CLOAKROOM_DATABASE_URL", store.settings.database_url)
    command = ["import", str(path), "--brand", BRAND]
    assert main(command) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "values kept as they are, under which no record is found: 2 of email, 1 of mobile, 1 of phone" in said
    assert main([*command, "--json"]) == 0
    (document,) = json.loads(capfd.readouterr().out)
    assert document["without_key"] == WITHOUT_KEY
    assert document["unchanged"] == 5


def test_an_import_that_was_killed_counts_each_value_once(store, tmp_path, monkeypatch):
    def open_small(path, mapping, group):
        return open_delivery(path, mapping, group, limits=Limits(batch_rows=1))

    monkeypatch.setattr(importing, "open_delivery", open_small)
    path = deliver(tmp_path / "contacts.csv", *CONTACTS)

    def stop(progress):
        if progress.rows >= 3:
            raise StoppedError

    application = store.open(clock=FixedClock(NOON), clock_tolerance=None)
    with pytest.raises(StoppedError):
        import_file(application, path, BRAND, progress=stop)
    application.close()
    again = store.open(clock=FixedClock(NOON), clock_tolerance=None)
    assert import_file(again, path, BRAND).without_key == WITHOUT_KEY
    again.close()


def test_several_customers_under_one_id_stop_the_import_and_nothing_is_stored(application, tmp_path):
    before = records(application)
    rows = [
        row(1, "2025-03-01", email=f"a{at}@example.com", first_name=f"Ann{at}") | {"customer_id": "1.00012E+14"}
        for at in range(5)
    ]
    path = deliver(tmp_path / "spoilt.csv", row(90_000_001, "2025-03-01"), *rows)
    with pytest.raises(InputError, match=r"spoilt\.csv:3: customer_id: one id stands for several customers"):
        import_file(application, path, BRAND)
    assert records(application) == before


def whole(application, tmp_path, name, *ids):
    path = tmp_path / name
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(row(1, "2025-03-01", city=name) | {"customer_id": one} for one in ids)
    return import_file(application, path, BRAND).counts


def test_ids_with_a_fraction_of_nought_are_the_ids_of_the_files_before(application, tmp_path):
    assert +whole(application, tmp_path, "first.csv", "100230", "100231") == {"created": 2}
    counts = whole(application, tmp_path, "second.csv", "100230.0", "100231.0", "100232.0")
    assert (counts["changed"], counts["created"]) == (2, 1)


def test_a_store_that_knows_ids_with_the_fraction_keeps_them(application, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("cloakroom.adapters.deliveries.delivery.Delivery.ids_with_fraction", lambda self: [])
        assert whole(application, tmp_path, "first.csv", "100230.0", "100231.0")["created"] == 2
    counts = whole(application, tmp_path, "second.csv", "100231.0", "100232.0")
    assert (counts["changed"], counts["created"]) == (1, 1)
    brand = application.catalogue.brand(BRAND)
    link = application.digests[brand].link(RECORD_ID_INDEX, ["100230", "100231", "100232"])
    assert not importing.PostgresImports(application.connection).known(brand, application.digests[brand], link)


def test_a_mended_value_is_found_under_its_normal_form(application, tmp_path):
    import_file(application, deliver(tmp_path / "contacts.csv", *CONTACTS), BRAND)
    assert found(application, "email", "ada@example.com") == 1
    assert found(application, "phone", "+447400123456") == 1
