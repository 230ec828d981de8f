"""An export of the real ledger: written, grown, verified without keys and with them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from pyroaring import BitMap

from cloakroom.errors import TamperedError
from cloakroom.ledger.entry import decode_entry, encode_entry
from cloakroom.ledger.record_sets import RecordSetSealer
from cloakroom.use_cases.ledger.files import export_ledger, verify_ledger
from cloakroom.vocabulary import Operation
from spine_world import live_ordinals, open_records, staff, tokens_of


@pytest.fixture
def used(application):
    who = staff(application)
    for at in range(0, 12, 3):
        tokens = tokens_of(application, who, live_ordinals(application)[at : at + 3])
        assert open_records(application, who, tokens).admission.permitted
    return application


def test_an_export_that_grows_holds_each_set_once_and_verifies_with_and_without_keys(used, tmp_path):
    folder = tmp_path / "ledger"
    first = export_ledger(used, folder)
    assert verify_ledger(folder, first.key).sets >= 4
    who = staff(used, "berta")
    for _ in range(300):
        assert open_records(used, who, tokens_of(used, who, live_ordinals(used)[:2])).admission.permitted
    second = export_ledger(used, folder)
    assert second.size > 256 > first.size
    for sets in (None, used.sets):
        found = verify_ledger(folder, second.key, sets=sets)
        assert found.entries == second.size
        assert found.sets >= 304
        assert found.superseded == 0
    names = sorted(path.relative_to(folder).as_posix() for path in (folder / "sets").rglob("*") if path.is_file())
    assert names == ["sets/000", f"sets/001.p/{second.size - 256}"]


def test_a_set_that_was_exchanged_in_the_store_is_found_in_the_export_and_named(used, tmp_path):
    used.sequencer.run()
    pair = used.connection.execute(
        "select p.leaf_index, e.sealed_set, e.id from ledger_entry e cross join lateral place_in_log(e.id) p"
        " where e.lineage = 'anna' and e.sealed_set is not null order by p.leaf_index limit 2"
    ).fetchall()
    used.connection.execute("update ledger_entry set sealed_set = %s where id = %s", (pair[1][1], pair[0][2]))
    export = export_ledger(used, tmp_path / "ledger")
    with pytest.raises(TamperedError, match=f"entry {pair[0][0]}: not the set that the entry names"):
        verify_ledger(tmp_path / "ledger", export.key)


def test_with_the_keys_a_set_of_another_size_than_its_entry_says_is_found(used, tmp_path):
    """A node that lies about how many records it opened: the hash fits, and so does the signature."""
    lie = used.entries.prepare(lineage="anna", operation=Operation.LIST, records=BitMap([1, 2, 3]))
    body = encode_entry(replace(decode_entry(lie.body), records=2))
    used.ledger.append({}, [replace(lie, body=body, records=2)])
    export = export_ledger(used, tmp_path / "ledger")
    assert verify_ledger(tmp_path / "ledger", export.key).entries == export.size
    with pytest.raises(TamperedError, match="holds another number of records than its entry says"):
        verify_ledger(tmp_path / "ledger", export.key, sets=used.sets)
    stranger = RecordSetSealer({1: bytes(32)})
    with pytest.raises(TamperedError, match="does not open as the set of its entry"):
        verify_ledger(tmp_path / "ledger", export.key, sets=stranger)
