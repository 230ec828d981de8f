"""P4: history cannot be rewritten unseen. From files and a public key, every change is found and named."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from cloakroom.adapters.tile_files import TileDirectory
from cloakroom.crypto import SigningKey
from cloakroom.errors import TamperedError, UncheckableError
from cloakroom.ledger.export_files import VerificationLimits
from cloakroom.ledger.record_sets import decode_set_bundle, encode_set_bundle
from cloakroom.ledger.verification import EarlierCheckpoint, verify_export
from cloakroom.tlog import (
    ENTRIES,
    CosignatureVerifier,
    Ed25519Signer,
    Tile,
    TreeState,
    add_cosignatures,
    cosign,
    decode_bundle,
    encode_bundle,
    integrate,
)
from exported_ledgers import LOG, Export, Inspector, build, examine, numbered, with_sets

if TYPE_CHECKING:
    from pathlib import Path


def named(export: Export) -> list[str]:
    return [finding.path for finding in examine(export).findings]


SMALL = build(numbered(300))
LARGE = build(numbered(70_000))


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 512, 1000, 65_536, 65_537])
def test_an_untouched_export_verifies(size: int) -> None:
    verification = verify_export(build(numbered(size)), LOG.key.verifying_key, LOG.name)
    assert verification.entries == size
    assert verification.findings == ()
    assert verification.files == len(build(numbered(size)).files)


def test_any_byte_flipped_in_any_file_is_found_and_that_file_is_named() -> None:
    for path, content in SMALL.files.items():
        for at in range(len(content)):
            assert named(SMALL.flipped(path, at, 1 << (at % 8))) == [path], (path, at)


def test_flips_in_an_export_with_three_levels_of_tiles_are_found_and_named() -> None:
    chance = random.Random(4)
    paths = sorted(LARGE.files)
    above = [path for path in paths if path.startswith(("tile/1/", "tile/2/")) or ".p/" in path]
    for path in [*above, *chance.sample(paths, 12)]:
        at = chance.randrange(len(LARGE.files[path]))
        findings = examine(LARGE.flipped(path, at, 1 << chance.randrange(8))).findings
        assert [finding.path for finding in findings] == [path]
        assert findings[0].is_tampered


def test_the_entry_that_was_changed_is_named_by_number() -> None:
    for number in (0, 255, 256, 299):
        tile = Tile(ENTRIES, number // 256, 256 if number < 256 else 44)
        entries = decode_bundle(SMALL.files[tile.path])
        entries[number % 256] = b"X" * len(entries[number % 256])
        findings = examine(SMALL.changed(tile.path, encode_bundle(entries))).findings
        assert [(finding.path, finding.entries) for finding in findings] == [(tile.path, (number, number))]


def test_two_entries_in_each_others_place_are_found() -> None:
    path = "tile/entries/000"
    entries = decode_bundle(SMALL.files[path])
    entries[7], entries[20] = entries[20], entries[7]
    (finding,) = examine(SMALL.changed(path, encode_bundle(entries))).findings
    assert finding.entries == (7, 20)


@pytest.mark.parametrize("path", sorted(SMALL.files))
def test_a_missing_file_is_found_and_named(path: str) -> None:
    export = SMALL.changed(path, None)
    findings = examine(export).findings
    assert [(finding.path, finding.is_tampered) for finding in findings] == [(path, False)]
    with pytest.raises(UncheckableError, match=path):
        verify_export(export, LOG.key.verifying_key, LOG.name)


@pytest.mark.parametrize("path", sorted(SMALL.files))
def test_a_file_that_is_longer_shorter_or_empty_is_found_and_named(path: str) -> None:
    content = SMALL.files[path]
    for other in (b"", content[:-1], content[1:], content + b"\0", content + content, b"x" * 20_000_000):
        assert named(SMALL.changed(path, other)) == [path]


@pytest.mark.parametrize(
    "path",
    [
        "notes.txt",
        "tile/0/002",
        "tile/0/002.p/3",
        "tile/0/001",
        "tile/0/001.p/45",
        "tile/1/000.p/2",
        "tile/2/000.p/1",
        "tile/entries/001.p/45",
        "tile/entries/002",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/000.p/256",
        "checkpoint.old",
        "sets/ab/cd",
        "sets/002",
        "sets/001.p/45",
        "sets/0000",
        "sets/tile/entries/000",
    ],
)
def test_a_file_that_does_not_belong_is_found_and_named(path: str) -> None:
    assert named(SMALL.changed(path, b"x")) == [path]


def test_partial_files_of_earlier_sizes_may_stay_if_they_agree() -> None:
    grown = {
        **integrate(TreeState(), numbered(3)).files,
        **integrate(TreeState(), numbered(270)).files,
        **SMALL.files,
    }
    verification = examine(Export(grown))
    assert verification.findings == ()
    assert verification.superseded == 4
    for path in set(grown) - set(SMALL.files):
        for at in (0, len(grown[path]) - 1):
            assert named(Export(grown).flipped(path, at, 1)) == [path]
        assert named(Export({**grown, path: b"x" * 20_000_000})) == [path]


def test_a_changed_entry_with_all_hashes_above_it_made_to_fit_does_not_fit_the_signed_root() -> None:
    forged = build([*numbered(7), b"X", *numbered(300)[8:]])
    assert named(Export({**forged.files, "checkpoint": SMALL.files["checkpoint"]})) == ["checkpoint"]


def test_a_bundle_and_its_tile_changed_together_do_not_fit_the_level_above() -> None:
    forged = build([*numbered(7), b"X", *numbered(300)[8:]])
    files = {**SMALL.files}
    for path in ("tile/entries/000", "tile/0/000"):
        files[path] = forged.files[path]
    assert named(Export(files)) == ["tile/0/000"]


def test_where_nothing_tells_which_file_is_right_both_are_named() -> None:
    broken = LARGE.flipped("tile/entries/005", 3, 1).flipped("tile/2/000.p/1", 0, 1).flipped("tile/1/000", 170, 1)
    paths = named(broken)
    assert set(paths) >= {"tile/entries/005", "tile/0/005", "tile/1/000", "tile/2/000.p/1"}


def test_several_changes_are_all_named() -> None:
    chance = random.Random(5)
    bundles = chance.sample([path for path in LARGE.files if path.startswith("tile/entries/")], 10)
    broken = LARGE
    for path in bundles:
        broken = broken.flipped(path, 5, 4)
    assert sorted(named(broken)) == sorted(bundles)
    with pytest.raises(TamperedError) as caught:
        verify_export(broken, LOG.key.verifying_key, LOG.name)
    assert all(path in str(caught.value) for path in bundles)


def test_findings_are_bounded_and_the_rest_is_counted() -> None:
    junk = {f"junk/{number}": b"" for number in range(30)}
    verification = examine(Export({**SMALL.files, **junk}), limits=VerificationLimits(findings=10))
    assert (len(verification.findings), verification.findings_omitted) == (10, 20)
    with pytest.raises(TamperedError, match="and 20 more"):
        verification.check()


def test_an_export_under_another_key_or_name_is_not_looked_at() -> None:
    stranger = SigningKey(b"x" * 32).verifying_key
    for key, origin in ((stranger, LOG.name), (LOG.key.verifying_key, "elsewhere.example/log")):
        with pytest.raises(UncheckableError, match="checkpoint: no known key"):
            verify_export(SMALL, key, origin)


def test_a_whole_history_rewritten_by_somebody_without_the_key_is_refused() -> None:
    thief = Ed25519Signer(LOG.name, SigningKey(b"t" * 32))
    forged = build([b"nothing happened"], thief)
    with pytest.raises(UncheckableError):
        verify_export(forged, LOG.key.verifying_key, LOG.name)


@pytest.mark.parametrize("kept_size", [0, 1, 100, 255, 256, 257, 300])
def test_an_earlier_checkpoint_that_somebody_kept_must_be_a_head_of_the_same_history(kept_size: int) -> None:
    kept = EarlierCheckpoint("kept by the auditor", build(numbered(kept_size)).files["checkpoint"])
    assert examine(SMALL, earlier=[kept]).earlier == 1
    rewritten = build([b"X", *numbered(300)[1:]])
    findings = examine(rewritten, earlier=[kept]).findings
    assert [finding.path for finding in findings] == (["kept by the auditor"] if kept_size else [])


def test_a_history_cut_short_is_found_by_who_kept_a_later_checkpoint() -> None:
    kept = EarlierCheckpoint("kept.txt", SMALL.files["checkpoint"])
    with pytest.raises(TamperedError, match=r"kept\.txt: was signed at 300 entries; the export ends at 299"):
        verify_export(build(numbered(299)), LOG.key.verifying_key, LOG.name, earlier=[kept])


def test_an_earlier_checkpoint_that_is_not_the_logs_is_a_finding() -> None:
    thief = Ed25519Signer(LOG.name, SigningKey(b"t" * 32))
    for note in (build(numbered(3), thief).files["checkpoint"], b"nonsense"):
        findings = examine(SMALL, earlier=[EarlierCheckpoint("kept.txt", note)]).findings
        assert [(finding.path, finding.is_tampered) for finding in findings] == [("kept.txt", False)]


def test_an_earlier_checkpoint_beyond_a_damaged_bundle_cannot_be_checked() -> None:
    kept = EarlierCheckpoint("kept.txt", build(numbered(280)).files["checkpoint"])
    findings = examine(SMALL.flipped("tile/entries/000", 3, 1), earlier=[kept]).findings
    assert [(finding.path, finding.is_tampered) for finding in findings] == [
        ("tile/entries/000", True),
        ("kept.txt", False),
    ]


def test_witnesses_can_be_demanded() -> None:
    key = SigningKey(b"w" * 32)
    witness = CosignatureVerifier("witness.example/w", key.verifying_key)
    with pytest.raises(UncheckableError, match="0 known witnesses"):
        verify_export(SMALL, LOG.key.verifying_key, LOG.name, witnesses=[witness], quorum=1)
    note = SMALL.files["checkpoint"]
    text = note.decode().partition("\n\n")[0] + "\n"
    cosigned = SMALL.changed("checkpoint", add_cosignatures(note, [cosign(witness.name, key, text, 5)]))
    verification = verify_export(cosigned, LOG.key.verifying_key, LOG.name, witnesses=[witness], quorum=1)
    assert [found.time_s for found in verification.cosignatures] == [5]
    unaware = verify_export(cosigned, LOG.key.verifying_key, LOG.name)
    assert unaware.unknown_signatures == (witness.name,)


WITH_SETS = with_sets({0: b"one", 1: b"two", 7: b"one", 255: b"edge", 256: b"next", 299: b"last"})


def test_record_sets_lie_beside_the_entries_that_name_them() -> None:
    verification = examine(WITH_SETS, inspector=Inspector())
    assert verification.findings == ()
    assert verification.sets == 6
    assert examine(WITH_SETS).findings == ()


@pytest.mark.parametrize("path", ["sets/000", "sets/001.p/44"])
def test_any_byte_flipped_in_a_set_bundle_is_found_and_that_file_is_named(path: str) -> None:
    content = WITH_SETS.files[path]
    for at in range(len(content)):
        findings = examine(WITH_SETS.flipped(path, at, 1 << (at % 8)), inspector=Inspector()).findings
        assert {finding.path for finding in findings} == {path}, at
        assert all(finding.is_tampered for finding in findings)
    for other in (b"", content[:-1], content[4:], content + bytes(4), b"\xff" * 20):
        findings = examine(WITH_SETS.changed(path, other), inspector=Inspector()).findings
        assert {finding.path for finding in findings} == {path}


def test_the_entry_whose_set_was_exchanged_taken_or_added_is_named_by_number() -> None:
    path = "sets/000"
    sets = decode_set_bundle(WITH_SETS.files[path])
    for number, content in ((0, b"two"), (7, None), (9, b"nine")):
        changed = [content if at == number else item for at, item in enumerate(sets)]
        export = WITH_SETS.changed(path, encode_set_bundle(changed))
        (finding,) = examine(export, inspector=Inspector()).findings
        assert (finding.path, finding.entries) == (path, (number, number))


def test_a_missing_set_bundle_is_found_and_named() -> None:
    (finding,) = examine(WITH_SETS.changed("sets/000", None), inspector=Inspector()).findings
    assert (finding.path, finding.is_tampered, finding.entries) == ("sets/000", False, (0, 255))


def test_a_set_bundle_beside_entries_that_name_none_is_found() -> None:
    stray = SMALL.changed("sets/001.p/44", encode_set_bundle([b"stray", *[None] * 43]))
    (finding,) = examine(stray, inspector=Inspector()).findings
    assert (finding.path, finding.entries) == ("sets/001.p/44", (256, 256))


def test_set_bundles_of_earlier_sizes_may_stay_if_they_agree() -> None:
    contents = {0: b"one", 1: b"two", 260: b"next", 299: b"last"}
    earlier = with_sets({n: c for n, c in contents.items() if n < 261}, 261)
    late = with_sets(contents)
    both = Export({**earlier.files, **late.files})
    verification = examine(both, inspector=Inspector())
    assert verification.findings == ()
    path = "sets/001.p/5"
    assert path in both.files
    for at in range(len(both.files[path])):
        assert named(both.flipped(path, at, 1)) == [path]
    assert named(both.changed(path, both.files[path] + bytes(4))) == [path]


def test_the_inspector_sees_each_entry_of_the_tree_once_and_in_order() -> None:
    inspector = Inspector()
    verify_export(SMALL, LOG.key.verifying_key, LOG.name, inspector=inspector)
    assert inspector.seen == list(range(300))
    inspector = Inspector()
    examine(SMALL.flipped("tile/entries/000", 3, 1), inspector=inspector)
    assert inspector.seen == list(range(256, 300))
    for path in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"):
        inspector = Inspector()
        examine(SMALL.flipped(path, 3, 1), inspector=inspector)
        assert inspector.seen == list(range(300)), path


def test_what_an_inspector_finds_is_named_with_its_entry() -> None:
    export = build([b"{}", b"{", b'{"set_sha256":"../../etc/hostname"}'])
    findings = examine(export, inspector=Inspector()).findings
    assert [(finding.path, finding.entries) for finding in findings] == [
        ("tile/entries/000.p/3", (1, 1)),
        ("tile/entries/000.p/3", (2, 2)),
    ]
    with pytest.raises(TamperedError, match="entry 1: is no JSON"):
        verify_export(export, LOG.key.verifying_key, LOG.name, inspector=Inspector())


def test_a_set_whose_hash_is_right_is_still_inspected() -> None:
    (finding,) = examine(with_sets({3: b"odd"}, 9), inspector=Inspector()).findings
    assert (finding.path, finding.reason, finding.entries) == ("sets/000.p/9", "is odd", (3, 3))


def test_progress_is_told_in_entries() -> None:
    steps: list[tuple[int, int]] = []
    verify_export(SMALL, LOG.key.verifying_key, LOG.name, progress=lambda done, size: steps.append((done, size)))
    assert steps == [(256, 300), (300, 300)]


def test_an_export_on_disk_verifies_and_a_byte_flipped_there_is_named(tmp_path: Path) -> None:
    directory = TileDirectory(tmp_path / "export")
    directory.publish(
        {path: data for path, data in SMALL.files.items() if path != "checkpoint"}, SMALL.files["checkpoint"]
    )
    verify_export(directory, LOG.key.verifying_key, LOG.name)
    target = tmp_path / "export" / "tile" / "entries" / "001.p" / "44"
    content = bytearray(target.read_bytes())
    content[2] ^= 1
    target.write_bytes(bytes(content))
    with pytest.raises(TamperedError, match=r"tile/entries/001\.p/44: entry 256: not what was integrated"):
        verify_export(directory, LOG.key.verifying_key, LOG.name)


def test_a_link_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    directory = TileDirectory(tmp_path / "export")
    directory.publish(
        {path: data for path, data in SMALL.files.items() if path != "checkpoint"}, SMALL.files["checkpoint"]
    )
    target = tmp_path / "export" / "tile" / "0" / "000"
    target.rename(tmp_path / "elsewhere")
    target.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UncheckableError, match="tile/0/000"):
        verify_export(directory, LOG.key.verifying_key, LOG.name)


def test_a_superseded_file_whose_successor_is_missing_or_malformed_does_not_add_noise() -> None:
    grown = Export({**integrate(TreeState(), numbered(3)).files, **SMALL.files})
    for path in ("tile/0/000", "tile/entries/000"):
        for content in (None, b"x", b"x" * 20_000_000):
            assert named(grown.changed(path, content)) == [path]


def test_a_strangers_file_name_cannot_forge_a_line_of_the_report() -> None:
    (finding,) = examine(SMALL.changed("tile\n\x1b[2Jall is well\udc80", b"")).findings
    assert str(finding).isprintable()
    assert str(finding).isascii()
