"""P6: once somebody's keys are destroyed, no copy of the data opens, a backup from before included."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from cloakroom.adapters.postgres.import_store import PostgresImports
from cloakroom.errors import DeniedError, InputError, OpenError
from cloakroom.ledger.entry import decode_entry
from cloakroom.tlog.note import Ed25519Verifier
from cloakroom.tlog.proof_file import ProofFile
from cloakroom.use_cases.incident.affected import affected_by, group_facets
from cloakroom.use_cases.ledger.files import prove_entry
from cloakroom.use_cases.records import importing
from cloakroom.use_cases.records.erasing import erase
from cloakroom.use_cases.records.importing import import_file
from cloakroom.use_cases.store.rotation import rotate_index
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.facets import PERMANENT
from cloakroom.vault.opening import BrandOpener
from cloakroom.wiring import open_application
from patience import PATIENCE
from spine_world import live_ordinals, open_records, rows_of, search, staff, tokens_of
from stores import database

ALL = dict.fromkeys(EnvelopeClass)


@pytest.fixture
def officer(application):
    return staff(application, "paula", "privacy_officer")


@pytest.fixture
def backup(store, postgres_server):
    """Makes a copy of the database as it is now, as a backup does, and removes it afterwards."""
    source = store.settings.database_url

    def take():
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
                (conninfo_to_dict(source)["dbname"],),
            )
        return made.enter_context(database(postgres_server, source))

    with ExitStack() as made:
        yield take


def erase_records(application, officer, ordinals):
    tokens = tokens_of(application, officer, ordinals)
    return erase(application, tokens, officer, purpose="access_request", reference="CASE-1")


def with_history(application, count):
    """Return live records of one brand that have superseded values, too."""
    rows = application.connection.execute(
        "select v.ordinal from envelope_version v join record r using (brand, ordinal)"
        " where r.state = 0 and r.brand = 1 group by v.ordinal order by v.ordinal limit %s",
        (count,),
    )
    return [ordinal for (ordinal,) in rows]


def whatever_opens(application, ordinals, keys_of):
    """Try every stored envelope of the records with every key there is; return what opened."""
    opened = []
    for row in application.vault.sealed_rows(ordinals):
        for keys in filter(None, (row.keys, keys_of.get(row.record.ordinal))):
            for field_class, wanted in ALL.items():
                try:
                    values = BrandOpener(application.ring, row.brand).open(row.record, keys, {field_class: wanted})
                except OpenError:
                    continue
                if values:
                    opened.append((row.record.ordinal, field_class))
    for row, _ in application.vault.sealed_versions(ordinals):
        opened += [(row.record.ordinal, "version")] if row.keys is not None else []
    return opened


def restore_keys(source, target):
    """Bring the key table of one store into another, as somebody does who restores both backups."""
    with psycopg.connect(source) as one, psycopg.connect(target) as other:
        with one.cursor().copy("copy person_key to stdout (format binary)") as copy:
            data = b"".join(bytes(part) for part in copy)
        other.execute("truncate person_key")
        with other.cursor().copy("copy person_key from stdin (format binary)") as copy:
            copy.write(data)
        other.commit()


def test_nothing_opens_from_a_backup_of_before_with_the_keys_of_after(store, backup):
    application = store.open()
    officer = staff(application, "paula", "privacy_officer")
    gone = with_history(application, 5)
    kept = [ordinal for ordinal in live_ordinals(application) if ordinal not in gone][:5]
    assert len(whatever_opens(application, gone, {})) >= 3 * len(gone), "all of it opens before"
    application.close()
    copy = backup()
    application = store.open()
    erase_records(application, officer, gone)
    restore_keys(store.settings.database_url, copy)
    restored = open_application(replace(store.settings, database_url=copy, node="restored"))
    # Envelopes, versions and index rows are back; keys of others must not open them either.
    assert len(list(restored.vault.sealed_rows(gone))) == len(gone)
    strangers = {row.record.ordinal: row.keys for row in restored.vault.sealed_rows(kept)}
    other_keys = dict(zip(gone, strangers.values(), strict=True))
    assert whatever_opens(restored, gone, other_keys) == []
    assert len(whatever_opens(restored, kept, {})) >= 2 * len(kept)
    answer = open_records(
        restored, officer, tokens_of(restored, officer, gone), purpose="access_request", fields=frozenset({"email"})
    )
    assert all(not item.values for item in answer.revealed)
    restored.close()
    application.close()


def test_the_check_sees_a_key_that_was_not_destroyed(store, backup):
    application = store.open()
    officer = staff(application, "paula", "privacy_officer")
    gone = with_history(application, 2)
    application.close()
    copy = backup()
    application = store.open()
    erase_records(application, officer, gone)
    restored = open_application(replace(store.settings, database_url=copy, node="restored"))
    assert whatever_opens(restored, gone, {}), "with the keys of before everything opens: they must not be restored"
    restored.close()
    application.close()


def test_index_rows_versions_values_and_facets_are_gone(application, officer):
    gone = with_history(application, 4)
    erase_records(application, officer, gone)
    for table in ("blind_index", "person_key", "envelope_version"):
        count = application.connection.execute(f"select count(*) from {table} where ordinal = any (%s)", (gone,))
        assert count.fetchone() == (0,), table
    rows = application.connection.execute(
        "select state, content, contact, identity, value from record where ordinal = any (%s)", (gone,)
    ).fetchall()
    assert rows == [(2, None, None, None, None)] * len(gone)
    for number in application.catalogue.brands.values():
        for (name, _), members in application.facets.load(number).items():
            assert name in PERMANENT or not members.intersection_cardinality(members.__class__(gone))


def test_nobody_finds_an_erased_person_by_any_value_ever_held(application, officer, store):
    gone = with_history(application, 3)
    opener = BrandOpener(application.ring, 1)
    held = []
    for row in [*application.vault.sealed_rows(gone), *(row for row, _ in application.vault.sealed_versions(gone))]:
        numbers = [application.catalogue.fields[name] for name in ("email", "customer_number")]
        values = opener.open(row.record, row.keys, {EnvelopeClass.CONTACT: numbers, EnvelopeClass.IDENTITY: numbers})
        held += [value.decode() for value in values.values()]
    brand = application.catalogue.brand_name(1)

    def found(value):
        index = "email" if "@" in value else "customer_number"
        answer = search(application, officer, [brand], value, index=index, purpose="access_request")
        codec = application.codec("paula")
        return {item.ordinal for item in codec.read_all(answer.tokens.get(brand, []))} & set(gone)

    assert any(found(value) for value in held)
    erase_records(application, officer, gone)
    assert not any(found(value) for value in held)


def test_earlier_disclosures_still_add_up(application, officer):
    who = staff(application)
    ordinals = live_ordinals(application)[:12]
    open_records(application, who, tokens_of(application, who, ordinals))
    before = affected_by(application, lineage="anna", count_persons=False).report
    erase_records(application, officer, ordinals[:4])
    after = affected_by(application, lineage="anna", count_persons=False).report
    assert after.records == before.records
    assert after.splits["brand"] == before.splits["brand"]
    for name in ("country", "language", "kind"):
        assert sum(after.splits[name].values()) == len(ordinals)
        assert after.splits[name]["erased"] == 4
    _, erased = group_facets(application.catalogue, application.facets)
    assert set(ordinals[:4]) <= set(erased)
    persons = affected_by(application, lineage="anna").persons
    assert 8 <= persons.upper <= 12


def test_the_receipt_is_verified_with_the_public_key_alone(application, officer):
    gone = live_ordinals(application)[:3]
    receipt = erase_records(application, officer, gone)
    assert receipt.records == 3
    file = prove_entry(application.log, application.sequencer, receipt.leaf_index)[0].render()
    key = Ed25519Verifier.parse(application.signer.verifier.render())
    leaf, _ = ProofFile.parse(file).verify(key)
    entry = decode_entry(leaf)
    assert (entry.operation, entry.permitted, entry.records, entry.lineage) == ("erase", True, 3, "paula")
    assert entry.at == receipt.at


def test_the_receipt_is_of_this_erasure_although_a_refusal_follows(application, officer, store):
    other = store.open(node="other")
    tokens = tokens_of(application, officer, live_ordinals(application)[:1])
    with pytest.raises(DeniedError):
        erase(other, tokens, officer, purpose="clienteling", reference="CASE-1")
    receipt = erase_records(application, officer, live_ordinals(application)[1:2])
    with pytest.raises(DeniedError):
        erase(other, tokens, officer, purpose="clienteling", reference="CASE-1")
    leaf = application.log.leaf(receipt.leaf_index)
    assert decode_entry(leaf).permitted
    other.close()


def test_a_receipt_waits_for_another_nodes_sequencer(application, officer, store):
    other = store.open(node="other")
    held, go = threading.Event(), threading.Event()

    def hold():
        with other.log.exclusive(wait=False) as mine:
            assert mine
            held.set()
            go.wait(PATIENCE)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(PATIENCE)
    threading.Timer(0.5, go.set).start()
    receipt = erase_records(application, officer, live_ordinals(application)[:1])
    thread.join()
    assert receipt.leaf_index > 0
    other.close()


def test_the_identical_delivery_does_not_bring_anybody_back(application, officer, store):
    gone = with_history(application, 3)
    erase_records(application, officer, gone)
    before = application.vault.counts()
    for brand, files in store.deliveries.items():
        for path in files:
            assert import_file(application, path, brand).repeated
    assert application.vault.counts() == before
    assert all(row.keys is None for row in application.vault.sealed_rows(gone))


def test_an_erasure_is_all_or_nothing(application, officer):
    ordinals = live_ordinals(application)[:2]
    tokens = tokens_of(application, officer, ordinals)
    erase_records(application, officer, ordinals[:1])
    with pytest.raises(InputError, match="no record to erase behind number 1"):
        erase(application, tokens, officer, purpose="access_request", reference="CASE-1")
    assert (
        open_records(
            application,
            officer,
            tokens[1:],
            purpose="access_request",
            fields=frozenset({"customer_number", "store", "kind"}),
        )
        is not None
    )
    assert next(iter(application.vault.sealed_rows(ordinals[1:]))).keys is not None


def test_a_refused_erasure_destroys_nothing_and_is_entered(application):
    who = staff(application)
    ordinals = live_ordinals(application)[:2]
    with pytest.raises(DeniedError):
        erase(application, tokens_of(application, who, ordinals), who, purpose="clienteling", reference="CASE-1")
    assert all(row.keys is not None for row in application.vault.sealed_rows(ordinals))
    row = application.connection.execute(
        "select count(*) from ledger_entry where operation = 'erase' and not permitted"
    ).fetchone()
    assert row == (1,)


def test_an_import_that_read_a_record_before_its_erasure_does_not_bring_it_back(
    application, officer, store, tmp_path, monkeypatch
):
    brand, files = "tarsenne", store.deliveries["tarsenne"]
    number = application.catalogue.brand(brand)
    ordinal = next(iter(application.vault.sealed_rows(live_ordinals(application, brand)[:1]))).record.ordinal
    fields = application.catalogue.fields
    row = next(iter(application.vault.sealed_rows([ordinal])))
    opened = BrandOpener(application.ring, number).open(
        row.record, row.keys, {EnvelopeClass.IDENTITY: [fields["customer_number"]]}
    )
    record_id = opened[fields["customer_number"]].decode()
    lines = files[0].read_text("utf-8").splitlines()
    line = next((line for line in lines if line.startswith(record_id)), None)
    assert line is not None
    header = lines[0].split(",")
    cells = line.split(",")
    cells[header.index("email")] = "risen@example.org"
    cells[header.index("updated_at")] = "2026-06-01T00:00:00Z"
    path = tmp_path / "late.csv"
    path.write_text("\n".join([lines[0], ",".join(cells)]) + "\n", encoding="utf-8")

    class Interrupted(PostgresImports):
        def write(self, *arguments, **options):
            if arguments[3].replacements:
                eraser = store.open(node="eraser")
                erase_records(eraser, officer, [ordinal])
                eraser.close()
            super().write(*arguments, **options)

    monkeypatch.setattr(importing, "PostgresImports", Interrupted)
    import_file(application, path, brand)
    state, contact = application.connection.execute(
        "select state, contact from record where ordinal = %s", (ordinal,)
    ).fetchone()
    assert (state, contact) == (2, None)
    rows = application.connection.execute(
        "select count(*) from blind_index where ordinal = %s", (ordinal,)
    ).fetchone()
    assert rows == (0,)
    facets = application.facets.load(number)
    assert not any(ordinal in members for (name, _), members in facets.items() if name not in PERMANENT)


@pytest.mark.slow
def test_an_erasure_during_the_rotation_of_the_index_key_leaves_no_index_row(store):
    application = store.open()
    officer = staff(application, "paula", "privacy_officer")
    gone = live_ordinals(application, "tarsenne")[:40]
    rotator = store.open(node="rotator")
    thread = threading.Thread(target=rotate_index, args=(rotator, "tarsenne"))
    thread.start()
    while thread.is_alive() and gone:
        erase_records(application, officer, [gone.pop()])
        left = application.connection.execute(
            "select count(*) from blind_index b join record r using (brand, ordinal) where r.state = 2"
        ).fetchone()
        assert left == (0,)
    thread.join()
    left = application.connection.execute(
        "select count(*) from blind_index b join record r using (brand, ordinal) where r.state = 2"
    ).fetchone()
    assert left == (0,)
    assert sum(1 for _ in rows_of(application.configuration, "tarsenne", store.deliveries["tarsenne"][0]))
    rotator.close()
    application.close()
