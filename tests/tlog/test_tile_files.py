from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloakroom.adapters.tile_files import TileDirectory
from cloakroom.errors import LimitError, TamperedError, UncheckableError, UsageError
from cloakroom.tlog import Limits, Tile, TreeState, integrate, restore


@pytest.fixture
def directory(tmp_path: Path) -> TileDirectory:
    return TileDirectory(tmp_path / "export" / "log")


def entries_of(first: int, end: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(first, end)]


def test_what_was_published_is_read_back(directory: TileDirectory) -> None:
    step = integrate(TreeState(), entries_of(0, 300))
    directory.publish(step.files, b"head 300\n")
    assert directory.read_checkpoint() == b"head 300\n"
    assert set(directory.paths()) == {*step.files, "checkpoint"}
    assert {path: directory.read(path, 10_000) for path in step.files} == step.files
    assert restore(300, directory) == step.state


def test_nothing_is_there_before_the_first_publication(directory: TileDirectory) -> None:
    assert directory.read_checkpoint() is None
    assert list(directory.paths()) == []
    assert directory.read("tile/0/000", 10) is None


def test_publishing_again_replaces_the_checkpoint_and_nothing_else(directory: TileDirectory, tmp_path: Path) -> None:
    step = integrate(TreeState(), entries_of(0, 300))
    directory.publish(step.files, b"head 300\n")
    tile = tmp_path / "export" / "log" / "tile" / "0" / "000"
    before = tile.stat()
    directory.publish(step.files, b"head 300 cosigned\n")
    assert directory.read_checkpoint() == b"head 300 cosigned\n"
    assert (tile.stat().st_mtime_ns, tile.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


@pytest.mark.parametrize("content", [b"", b"another", b"x" * 9000])
def test_a_file_that_is_there_is_never_changed(directory: TileDirectory, content: bytes) -> None:
    directory.publish({"tile/0/000.p/1": b"h" * 32}, b"head 1\n")
    with pytest.raises(TamperedError, match=r"tile/0/000\.p/1"):
        directory.publish({"tile/0/000.p/1": content}, b"head 2\n")
    assert directory.read("tile/0/000.p/1", 100) == b"h" * 32
    assert directory.read_checkpoint() == b"head 1\n"


def test_the_checkpoint_comes_last(directory: TileDirectory, tmp_path: Path) -> None:
    """A file that cannot be written leaves the old checkpoint, so no reader sees a head without its tiles."""
    directory.publish({"tile/0/000.p/1": b"h" * 32}, b"head 1\n")
    (tmp_path / "export" / "log" / "tile" / "entries").write_bytes(b"a file where a directory must go")
    with pytest.raises(OSError, match="tile/entries"):
        directory.publish({"tile/0/000.p/2": b"h" * 64, "tile/entries/000.p/2": b"e"}, b"head 2\n")
    assert directory.read_checkpoint() == b"head 1\n"


def test_an_unfinished_file_is_not_listed_and_is_replaced(directory: TileDirectory, tmp_path: Path) -> None:
    directory.publish({"tile/0/000.p/1": b"h" * 32}, b"head 1\n")
    folder = tmp_path / "export" / "log" / "tile" / "0" / "000.p"
    (folder / "2.cloakroom-unfinished").write_bytes(b"half of")
    assert set(directory.paths()) == {"tile/0/000.p/1", "checkpoint"}
    directory.write({"tile/0/000.p/2": b"h" * 64})
    assert directory.read("tile/0/000.p/2", 100) == b"h" * 64
    assert sorted(path.name for path in folder.iterdir()) == ["1", "2"]


def test_the_checkpoint_is_not_written_like_a_tile(directory: TileDirectory) -> None:
    with pytest.raises(UsageError):
        directory.write({"checkpoint": b"head\n"})


@pytest.mark.parametrize(
    "path", ["", "/etc/hostname", "../outside", "tile/../../outside", "tile//0", ".", "tile/./0", "a\0b"]
)
def test_no_path_leads_out_of_the_directory(directory: TileDirectory, path: str) -> None:
    with pytest.raises(UsageError):
        directory.read(path, 10)
    with pytest.raises(UsageError):
        directory.write({path: b"x"})


def test_a_file_longer_than_allowed_is_not_read(directory: TileDirectory) -> None:
    directory.write({"tile/0/000.p/1": b"h" * 32})
    assert directory.read("tile/0/000.p/1", 32) == b"h" * 32
    with pytest.raises(LimitError):
        directory.read("tile/0/000.p/1", 31)


def test_links_pipes_and_directories_are_not_read(directory: TileDirectory, tmp_path: Path) -> None:
    directory.write({"tile/0/000.p/1": b"h" * 32})
    root = tmp_path / "export" / "log"
    (root / "link").symlink_to(root / "tile" / "0" / "000.p" / "1")
    (root / "away").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    for path in ("link", "pipe", "tile"):
        with pytest.raises(UncheckableError):
            directory.read(path, 100)
    assert set(directory.paths()) == {"tile/0/000.p/1", "link", "away", "pipe"}


def test_a_partial_tile_that_is_gone_is_read_from_the_full_one(directory: TileDirectory) -> None:
    first = integrate(TreeState(), entries_of(0, 200))
    second = integrate(first.state, entries_of(200, 300))
    directory.publish(second.files, b"head 300\n")
    assert restore(200, directory) == first.state
    with pytest.raises(UncheckableError):
        directory.read_tiles([Tile(0, 1, 43)])


def test_a_tile_longer_than_any_is_refused(tmp_path: Path) -> None:
    directory = TileDirectory(tmp_path, Limits(entry_bytes=10))
    directory.write({"tile/0/000": b"h" * 8193, "tile/entries/000": b"e" * (256 * 12 + 1)})
    for tile in (Tile(0, 0), Tile(-1, 0)):
        with pytest.raises(LimitError):
            directory.read_tiles([tile])


def test_superseded_partial_files_can_be_removed(directory: TileDirectory) -> None:
    state = TreeState()
    for size in (3, 200, 300, 600):
        step = integrate(state, entries_of(state.size, size))
        directory.publish(step.files, b"head\n")
        state = step.state
    assert directory.remove_superseded(600) == 7
    assert set(directory.paths()) == {*integrate(TreeState(), entries_of(0, 600)).files, "checkpoint"}
    assert directory.remove_superseded(600) == 0
