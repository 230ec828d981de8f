from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.errors import LimitError, TamperedError, UncheckableError
from cloakroom.tlog import (
    ENTRIES,
    Limits,
    Tile,
    TileHashReader,
    TreeState,
    decode_bundle,
    edge_tiles,
    encode_bundle,
    integrate,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    restore,
    root_of,
    verify_consistency,
    verify_inclusion,
)


@dataclass
class Files:
    """A log's files in memory."""

    content: dict[str, bytes] = field(default_factory=dict)
    asked: int = 0

    def read_tiles(self, tiles: list[Tile]) -> list[bytes]:
        self.asked += 1
        try:
            return [self.content[tile.path] for tile in tiles]
        except KeyError as error:
            raise UncheckableError(f"{error} is missing") from None


def entries_of(size: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(size)]


def grow(sizes: list[int]) -> tuple[TreeState, Files, bytes]:
    state, files, root = TreeState(), Files(), TreeState().root()
    everything = entries_of(sum(sizes))
    for count in sizes:
        step = integrate(state, everything[state.size : state.size + count])
        files.content.update(step.files)
        state, root = step.state, step.root
    return state, files, root


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 999), "tile/0/999"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(1, 1234067), "tile/1/x001/x234/067"),
        (Tile(2, 0, 1), "tile/2/000.p/1"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(ENTRIES, 1234067, 255), "tile/entries/x001/x234/067.p/255"),
    ],
)
def test_a_tile_has_one_path(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "tile/0",
        "tile/0/0",
        "tile/00/000",
        "tile/8/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/0/001/x002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/",
        "tile/0/000 ",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/data/000",
        "Tile/0/000",
        "/tile/0/000",
        "../tile/0/000",
    ],
)
def test_any_other_spelling_of_a_path_is_refused(path: str) -> None:
    with pytest.raises(UncheckableError):
        Tile.parse(path)


@given(st.integers(-1, 7), st.integers(0, 2**40), st.integers(1, 256))
def test_every_tile_comes_back_from_its_path(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert Tile.parse(tile.path) == tile


def test_the_right_edge_of_the_specifications_examples() -> None:
    assert [tile.path for tile in edge_tiles(70_000)] == [
        "tile/entries/273.p/112",
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert [tile.path for tile in edge_tiles(256)] == ["tile/1/000.p/1"]
    assert edge_tiles(0) == []


def test_a_tile_says_which_entries_it_covers() -> None:
    assert Tile(ENTRIES, 2).span == (512, 768)
    assert Tile(0, 2, 3).span == (512, 515)
    assert Tile(1, 1, 17).span == (65_536, 65_536 + 17 * 256)


def test_a_bundle_holds_each_entry_after_its_length() -> None:
    assert encode_bundle([b"", b"ab", b"c" * 256]) == b"\x00\x00" + b"\x00\x02ab" + b"\x01\x00" + b"c" * 256
    assert encode_bundle([]) == b""


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_every_bundle_comes_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x01", b"\x00\x02a", b"\x00\x00\x00", b"\xff\xff" + b"a" * 65_534])
def test_a_bundle_whose_lengths_do_not_add_up_is_refused(data: bytes) -> None:
    with pytest.raises(TamperedError):
        decode_bundle(data)


def test_an_entry_may_have_65535_bytes_and_no_more() -> None:
    step = integrate(TreeState(), [b"x" * 65_535])
    assert decode_bundle(step.files["tile/entries/000.p/1"]) == [b"x" * 65_535]
    with pytest.raises(LimitError):
        integrate(TreeState(), [b"fine", b"x" * 65_536])
    with pytest.raises(LimitError):
        encode_bundle([b"x" * 65_536])


def test_a_tree_may_not_outgrow_its_limit() -> None:
    assert integrate(TreeState(), [b"a", b"b"], Limits(tree_size=2)).state.size == 2
    with pytest.raises(LimitError):
        integrate(TreeState(), [b"a", b"b", b"c"], Limits(tree_size=2))


def test_appending_nothing_changes_nothing() -> None:
    state, _, root = grow([5])
    step = integrate(state, [])
    assert (step.state, step.root, step.files) == (state, root, {})


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 70_000])
def test_the_files_are_exactly_those_of_the_specification(size: int) -> None:
    """Hashes of each level from the definition: one for each full group of 256^level entries."""
    _, files, root = grow([size])
    leaves = [leaf_hash(entry) for entry in entries_of(size)]
    expected = {}
    level, hashes = 0, leaves
    while hashes:
        for index in range(-(-len(hashes) // 256)):
            part = hashes[index * 256 : (index + 1) * 256]
            expected[Tile(level, index, len(part)).path] = b"".join(part)
        hashes = [root_of(hashes[at : at + 256]) for at in range(0, len(hashes) - 255, 256)]
        level += 1
    for index in range(-(-size // 256)):
        part = entries_of(size)[index * 256 : (index + 1) * 256]
        expected[Tile(ENTRIES, index, len(part)).path] = encode_bundle(part)
    assert files.content == expected
    assert root == root_of(leaves)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2, 3, 100, 254, 255, 256, 257, 511, 600]), max_size=8))
def test_the_same_entries_in_whatever_steps_give_the_same_tree(sizes: list[int]) -> None:
    size = sum(sizes)
    state, files, root = grow(sizes)
    at_once, whole, root_at_once = grow([size])
    assert (state, root) == (at_once, root_at_once)
    assert root == root_of([leaf_hash(entry) for entry in entries_of(size)])
    assert {path: files.content[path] for path in whole.content} == whole.content
    assert restore(size, files) == state


def test_every_step_leaves_what_the_next_sequencer_needs() -> None:
    state, files, root = TreeState(), Files(), b""
    everything = entries_of(1100)
    for first, end in pairwise(range(0, 1101, 11)):
        state = restore(first, files)
        if first:
            assert state.root() == root
        step = integrate(state, everything[first:end])
        files.content.update(step.files)
        root = step.root
    assert root == root_of([leaf_hash(entry) for entry in everything])


def test_a_full_file_never_changes_once_it_is_there() -> None:
    state, files = TreeState(), {}
    everything = entries_of(2000)
    for first in range(0, 2000, 37):
        step = integrate(state, everything[first : first + 37])
        for path, content in step.files.items():
            assert files.get(path, content) == content
        files.update(step.files)
        state = step.state


def test_restoring_accepts_the_fuller_file_that_took_a_partial_ones_place() -> None:
    state, _, _ = grow([300])
    _, later, _ = grow([300, 700])

    @dataclass
    class Fuller:
        def read_tiles(self, tiles: list[Tile]) -> list[bytes]:
            return [
                later.content.get(Tile(tile.level, tile.index).path) or later.content[Tile(1, 0, 3).path]
                for tile in tiles
            ]

    assert restore(300, Fuller()) == state


@pytest.mark.parametrize(
    ("path", "content", "error"),
    [
        ("tile/0/001.p/44", b"", UncheckableError),
        ("tile/0/001.p/44", b"x" * (43 * 32), UncheckableError),
        ("tile/0/001.p/44", b"x" * (44 * 32 + 1), UncheckableError),
        ("tile/0/001.p/44", b"x" * (257 * 32), UncheckableError),
        ("tile/entries/001.p/44", b"\x00\x00" * 43, UncheckableError),
        ("tile/entries/001.p/44", b"\x00", TamperedError),
    ],
)
def test_restoring_refuses_a_file_that_cannot_be_right(path: str, content: bytes, error: type[Exception]) -> None:
    _, files, _ = grow([300])
    files.content[path] = content
    with pytest.raises(error):
        restore(300, files)


def test_restoring_refuses_a_missing_file() -> None:
    _, files, _ = grow([300])
    del files.content["tile/1/000.p/1"]
    with pytest.raises(UncheckableError):
        restore(300, files)


def test_a_restored_state_from_other_files_has_another_root() -> None:
    _, files, root = grow([300])
    tile = bytearray(files.content["tile/0/001.p/44"])
    tile[5] ^= 1
    files.content["tile/0/001.p/44"] = bytes(tile)
    assert restore(300, files).root() != root


def test_proofs_from_tiles_verify_at_every_size_that_was_ever_published() -> None:
    sizes = [1, 255, 256, 257, 512, 513, 1000]
    _, files, _ = grow([b - a for a, b in pairwise([0, *sizes])])
    leaves = [leaf_hash(entry) for entry in entries_of(1000)]
    roots = {size: root_of(leaves[:size]) for size in sizes}
    for size in sizes:
        reader = TileHashReader(files, size)
        for index in range(0, size, 13):
            verify_inclusion(index, size, leaves[index], prove_inclusion(index, size, reader), roots[size])
        for old in range(1, size + 1, 17):
            proof = prove_consistency(old, size, reader)
            verify_consistency(old, root_of(leaves[:old]), size, roots[size], proof)


def test_a_proof_in_a_tree_of_three_levels_of_tiles_asks_once() -> None:
    _, files, root = grow([70_000])
    reader = TileHashReader(files, 70_000)
    for index in (0, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999):
        files.asked = 0
        proof = prove_inclusion(index, 70_000, reader)
        assert files.asked == 1
        verify_inclusion(index, 70_000, leaf_hash(b"entry %d" % index), proof, root)


def test_a_proof_needs_its_tiles() -> None:
    _, files, _ = grow([300])
    del files.content["tile/0/000"]
    with pytest.raises(UncheckableError):
        prove_inclusion(7, 300, TileHashReader(files, 300))
