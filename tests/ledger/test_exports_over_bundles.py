"""An export over more than one bundle: each entry and each set in its place, and each changed byte found."""

from __future__ import annotations

import random
import shutil

import pytest
from pyroaring import BitMap

from cloakroom.errors import CloakroomError, TamperedError
from cloakroom.ledger.export_files import set_bundle_path
from cloakroom.ledger.record_sets import decode_set_bundle, encode_set_bundle
from cloakroom.tlog.proof_file import ProofFile
from cloakroom.tlog.tiles import ENTRIES, TILE_WIDTH, Tile, decode_bundle
from cloakroom.use_cases.ledger.files import export_ledger, prove_entry, verify_ledger
from cloakroom.vocabulary import Operation

SIZES = (255, 256, 257, 511, 512, 513)


def grow(application, size):
    """Take entries into the log up to a size: every third one with a set, and the ids with gaps."""
    while (missing := size - application.log.latest_checkpoint().size) > 0:
        first = size - missing
        entries = [
            application.entries.prepare(
                lineage="system",
                operation=Operation.LIST,
                records=BitMap([number]) if number % 3 == 0 else None,
                detail={"number": number},
            )
            for number in range(first, first + min(missing, 97))
        ]
        application.ledger.append({}, entries)
        # As an append that was rolled back does: what follows is a run of its own.
        application.connection.execute("select nextval(pg_get_serial_sequence('ledger_entry', 'id'))")
        application.sequencer.run()


def stored(application):
    """Return leaf and sealed set of each entry in the order of the ids, which is that of the log."""
    return application.connection.execute("select body, sealed_set from ledger_entry order by id").fetchall()


def bundles(size):
    return [Tile(ENTRIES, at // TILE_WIDTH, min(TILE_WIDTH, size - at)) for at in range(0, size, TILE_WIDTH)]


def exported(folder, size):
    """Return leaf and sealed set of each entry as the files have them."""
    leaves, sets = [], []
    for bundle in bundles(size):
        leaves += decode_bundle((folder / bundle.path).read_bytes())
        beside = folder / set_bundle_path(bundle)
        sets += decode_set_bundle(beside.read_bytes()) if beside.exists() else [None] * bundle.width
    return list(zip(leaves, sets, strict=True))


@pytest.fixture
def ledger(application):
    assert application.log.latest_checkpoint().size < SIZES[0]
    return application


def test_it_holds_every_entry_and_set_in_its_place_and_verifies_at_each_size(ledger, tmp_path):
    growing = tmp_path / "growing"
    for size in SIZES:
        grow(ledger, size)
        whole, fresh = stored(ledger), tmp_path / f"fresh-{size}"
        assert len(whole) == size
        named = sum(data is not None for _, data in whole)
        for folder in (growing, fresh):
            export = export_ledger(ledger, folder)
            assert export.size == size
            assert exported(folder, size) == whole
            for sets in (None, ledger.sets):
                found = verify_ledger(folder, export.key, sets=sets)
                assert (found.entries, found.sets, found.superseded) == (size, named, 0)
        files = [
            {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
            for folder in (growing, fresh)
        ]
        assert files[0] == files[1], "grown or written at once, an export is the same"


def test_an_entry_on_either_side_of_a_border_has_its_proof(ledger):
    grow(ledger, 513)
    whole = stored(ledger)
    for place in (0, 254, 255, 256, 257, 511, 512):
        proof, _ = prove_entry(ledger.log, ledger.sequencer, place)
        leaf, checkpoint = ProofFile.parse(proof.render()).verify(ledger.signer.verifier)
        assert leaf == whole[place][0]
        assert checkpoint.checkpoint.size == 513


@pytest.mark.parametrize("size", [257, 513])
def test_a_byte_that_was_changed_in_any_of_its_files_is_found_and_the_file_is_named(ledger, tmp_path, size):
    grow(ledger, size)
    folder = tmp_path / "ledger"
    export = export_ledger(ledger, folder)
    dice = random.Random(size)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len([path for path in paths if "entries" in path.parts]) == len(bundles(size)) > 1
    for path in paths:
        content = path.read_bytes()
        places = {0, len(content) - 1, *(dice.randrange(len(content)) for _ in range(4))}
        for place in sorted(places):
            changed = bytearray(content)
            changed[place] ^= 1 << dice.randrange(8)
            path.write_bytes(changed)
            with pytest.raises(CloakroomError) as caught:
                verify_ledger(folder, export.key)
            if path.name != "checkpoint":
                assert path.relative_to(folder).as_posix() in str(caught.value)
        path.write_bytes(content)
    assert verify_ledger(folder, export.key).entries == size


def test_bundles_in_each_others_place_are_found(ledger, tmp_path):
    grow(ledger, 513)
    folder = tmp_path / "ledger"
    export = export_ledger(ledger, folder)
    for kind in ("tile/entries", "sets"):
        first, second, aside = folder / kind / "000", folder / kind / "001", tmp_path / "aside"
        for source, target in ((first, aside), (second, first), (aside, second)):
            shutil.move(source, target)
        with pytest.raises(CloakroomError):
            verify_ledger(folder, export.key)
        for source, target in ((first, aside), (second, first), (aside, second)):
            shutil.move(source, target)
    assert verify_ledger(folder, export.key).entries == 513


def test_what_another_node_takes_into_the_log_meanwhile_is_in_the_next_export(ledger, store, tmp_path, monkeypatch):
    """Its partial bundles go when fuller ones come; an export is of one state of the store."""
    grow(ledger, 257)
    other, all_tiles = store.open(node="other"), ledger.log.all_tiles

    def tiles_beside_another():
        grow(other, 300)
        yield from all_tiles()

    with monkeypatch.context() as patched:
        patched.setattr(ledger.log, "all_tiles", tiles_beside_another)
        first = export_ledger(ledger, tmp_path / "ledger")
    assert first.size == 257
    assert verify_ledger(tmp_path / "ledger", first.key).entries == 257
    other.close()
    second = export_ledger(ledger, tmp_path / "ledger")
    assert verify_ledger(tmp_path / "ledger", second.key).entries == second.size == 300


def test_a_bundle_of_sets_that_is_cut_short_anywhere_is_refused():
    whole = encode_set_bundle([None, b"first", None, b"second"])
    for end in range(1, len(whole)):
        try:
            found = decode_set_bundle(whole[:end])
        except TamperedError:
            continue
        assert found == decode_set_bundle(whole)[: len(found)], "cut between two sets"
        assert len(found) < 4
