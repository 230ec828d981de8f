"""What may lie in an export beside the files of its signed size: partial files that agree, and nothing else."""

from __future__ import annotations

import pytest

from cloakroom.errors import LimitError
from cloakroom.ledger.export_files import VerificationLimits, set_bundle_path, tile_of
from cloakroom.ledger.export_listing import ListingCheck
from cloakroom.ledger.record_sets import encode_set_bundle
from cloakroom.tlog import ENTRIES, Tile, TreeState, integrate
from cloakroom.tlog.audit import Finding
from exported_ledgers import Export, build, numbered, with_sets


def listed(files: dict[str, bytes], size: int, **limits: int) -> tuple[list[str], int, int]:
    """Look at a directory; return what is found, and how many files agreed and were read."""
    findings: list[Finding] = []
    check = ListingCheck(Export(files), VerificationLimits(**limits), findings.append)  # type: ignore[arg-type]
    check.run(size)
    return [str(finding) for finding in findings], check.superseded, check.files


GROWN = build(numbered(600)).files


@pytest.mark.parametrize("earlier", [1, 255, 257, 300, 511, 513, 599])
def test_the_partial_files_of_every_earlier_size_agree_with_what_took_their_place(earlier: int) -> None:
    old = integrate(TreeState(), numbered(earlier)).files
    left = {path for path in old if path not in GROWN}
    found, superseded, read = listed({**old, **GROWN}, 600)
    assert (found, superseded, read) == ([], len(left), len(left))
    assert left, "a size with an edge of its own"
    for path in left:
        wrong, superseded, _ = listed({**old, **GROWN, path: bytes(len(old[path]))}, 600)
        assert len(wrong) == 1
        assert wrong[0].startswith(f"{path}: entr")
        assert "disagrees with tile/" in wrong[0]
        assert superseded == len(left) - 1


def test_a_partial_file_of_hashes_above_the_leaves_is_held_against_its_own_level() -> None:
    old = integrate(TreeState(), numbered(256)).files
    files = {**old, **GROWN}
    assert "tile/1/000.p/1" in old
    assert listed(files, 600) == ([], 1, 1)
    first = old["tile/1/000.p/1"]
    assert listed({**files, "tile/1/000.p/1": first[::-1]}, 600)[0] == [
        "tile/1/000.p/1: entries 0 to 255: disagrees with tile/1/000.p/2"
    ]


@pytest.mark.parametrize(
    ("path", "belongs"),
    [
        ("tile/0/000", True), ("tile/0/001", True), ("tile/0/002", False), ("tile/0/002.p/88", True),
        ("tile/0/002.p/89", False), ("tile/entries/002.p/89", False), ("sets/002.p/88", True),
        ("sets/002.p/89", False),
        ("tile/1/000.p/2", True), ("tile/1/000.p/3", False), ("tile/1/000", False), ("tile/2/000.p/1", False),
        ("sets/000", True), ("sets/001", True), ("sets/003", False), ("sets", False), ("sets/", False), ("", False),
        ("/checkpoint", False), ("checkpoint", True), ("tile/8/000", False), ("../checkpoint", False),
    ],
)  # fmt: skip
def test_a_name_belongs_if_the_signed_size_has_entries_for_all_of_it(path: str, belongs: bool) -> None:
    found, _, _ = listed({**GROWN, path: GROWN.get(path, b"")}, 600)
    assert found == ([] if belongs else [f"{path}: does not belong to the log"])


def test_sets_lie_beside_the_bundle_whose_path_they_share() -> None:
    bundle = Tile(ENTRIES, 1234, 17)
    assert set_bundle_path(bundle) == "sets/x001/234.p/17"
    assert tile_of("sets/x001/234.p/17") == tile_of("tile/entries/x001/234.p/17") == bundle
    assert tile_of("tile/0/x001/234.p/17") == Tile(0, 1234, 17)
    assert tile_of("sets/tile/entries/000") is tile_of("sets/0") is tile_of("set/000") is None


CONTENTS = {0: b"one", 2: b"three", 3: b"four"}
NEWER = with_sets(CONTENTS, 4).files


@pytest.mark.parametrize(
    ("sets", "agrees"),
    [
        ([b"one"], True), ([b"one", None], False), ([None], False), ([b"two"], False), ([], False),
    ],
)  # fmt: skip
def test_an_earlier_set_bundle_is_the_beginning_of_the_later_one_with_one_place_for_each_entry(
    sets: list[bytes | None], agrees: bool
) -> None:
    found, superseded, _ = listed({**NEWER, "sets/000.p/1": encode_set_bundle(sets)}, 4)
    assert superseded == agrees
    assert found == ([] if agrees else ["sets/000.p/1: entry 0: disagrees with sets/000.p/4"])


def test_a_set_bundle_whose_successor_is_missing_malformed_or_too_long_is_not_told_a_second_time() -> None:
    earlier = {"sets/000.p/1": encode_set_bundle([b"one"])}
    assert listed({**{path: data for path, data in NEWER.items() if path != "sets/000.p/4"}, **earlier}, 4)[:2] == (
        [],
        0,
    )
    assert listed({**NEWER, **earlier, "sets/000.p/4": encode_set_bundle([b"one"] * 3)}, 4)[:2] == ([], 0)
    assert listed({**NEWER, **earlier}, 4, set_bundle_bytes=len(NEWER["sets/000.p/4"]) - 1)[:2] == ([], 0)
    assert listed({**NEWER, **earlier}, 4, set_bundle_bytes=len(NEWER["sets/000.p/4"]))[:2] == ([], 1)


def test_an_earlier_file_that_is_too_long_to_be_read_is_told_once() -> None:
    found, superseded, read = listed({**NEWER, "sets/000.p/1": bytes(40)}, 4, set_bundle_bytes=39)
    assert (found, superseded, read) == (["sets/000.p/1: is longer than 39 bytes"], 0, 0)
    with pytest.raises(LimitError):
        Export({"a": b"12"}).read("a", 1)
