"""The sequencer gives every entry one place, signs what it wrote, and never builds on what it did not sign."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.clock import FixedClock
from cloakroom.crypto import SigningKey
from cloakroom.errors import TamperedError, UncheckableError
from cloakroom.flows.ledger import sequencing
from cloakroom.flows.ledger.sequencing import Sequencer, StoredCheckpoint
from cloakroom.testing.simulators.memory_log import MemoryLog
from cloakroom.testing.simulators.memory_store import MemoryStore
from cloakroom.tlog import (
    EMPTY_ROOT,
    ENTRIES,
    TILE_WIDTH,
    Checkpoint,
    Ed25519Signer,
    Tile,
    TreeState,
    edge_tiles,
    encode_bundle,
    integrate,
    leaf_hash,
    open_checkpoint,
    root_of,
    sign_checkpoint,
)

LOG = Ed25519Signer("ledger.example/log", SigningKey(b"l" * 32))
MOMENT = datetime(2026, 11, 2, 9, tzinfo=UTC)


class Log(MemoryLog):
    """A log whose tiles and newest checkpoint a test may change behind the sequencer's back.

    Attributes:
        leaves: Every leaf, by id.
        files: Content of each tile, by path.
        places: Place in the log, by id.
        is_free: Whether this node may be the sequencer.
        waits: Whether it was ready to wait, for each transaction.
        written: How many checkpoints were written.
    """

    def __init__(self) -> None:
        store = MemoryStore()
        super().__init__(store)
        self.leaves: dict[int, bytes] = {}
        self.files: dict[str, bytes] = store.table("tile")
        self.places: dict[int, int] = store.table("place")
        self.is_free = True
        self.waits: list[bool] = []
        self.written = 0

    @contextmanager
    def exclusive(self, *, wait: bool) -> Iterator[bool]:
        self.waits.append(wait)
        with super().exclusive(wait=wait) as mine:
            yield mine and self.is_free

    def waiting(self, limit: int) -> Sequence[tuple[int, bytes]]:
        return [(number, leaf) for number, leaf in sorted(self.leaves.items()) if number not in self.places][:limit]

    def write(self, files: Mapping[str, bytes], obsolete: Sequence[str], checkpoint: StoredCheckpoint) -> None:
        self.written += 1
        super().write(files, obsolete, checkpoint)

    @property
    def newest(self) -> StoredCheckpoint:
        found = self.latest_checkpoint()
        assert found is not None
        return found

    def change_newest(self, **changes: object) -> None:
        self._checkpoints[max(self._checkpoints)] = replace(self.newest, **changes)  # type: ignore[arg-type]


def sequencer(store: Log, signer: Ed25519Signer = LOG) -> Sequencer:
    return Sequencer(store=store, signer=signer, clock=FixedClock(MOMENT))


def add(store: Log, count: int) -> None:
    first = max(store.leaves, default=0) + 3
    store.leaves.update((number, b"leaf %d" % number) for number in range(first, first + 2 * count, 2))


def filled(count: int) -> Log:
    store = Log()
    add(store, count)
    assert sequencer(store).run() == count
    return store


def check_whole(store: Log) -> None:
    """Compare the store with a tree built at once from its leaves in the order of their ids."""
    leaves = [leaf for _, leaf in sorted(store.leaves.items())]
    assert [store.places[number] for number in sorted(store.leaves)] == list(range(len(leaves)))
    assert store.files == integrate(TreeState(), leaves).files
    latest = store.newest
    signed = open_checkpoint(latest.note, LOG.verifier).checkpoint
    assert (signed.origin, signed.size, signed.root) == (LOG.name, len(leaves), root_of(map(leaf_hash, leaves)))
    assert (latest.size, latest.root, latest.at) == (signed.size, signed.root, int(MOMENT.timestamp()) * 1_000_000)


@pytest.mark.parametrize("steps", [(1,), (1, 1), (255, 1), (255, 2), (256, 1), (256, 256), (511, 1), (300, 300)])
@pytest.mark.parametrize("is_one_node", [True, False])
def test_however_entries_came_the_log_is_that_of_all_at_once(steps: tuple[int, ...], is_one_node: bool) -> None:
    store = Log()
    node = sequencer(store)
    for count in steps:
        add(store, count)
        assert (node if is_one_node else sequencer(store)).run() == count
        check_whole(store)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 1)), max_size=6))
def test_two_nodes_by_turns_write_one_log(turns: list[tuple[int, int]]) -> None:
    store = filled(1)
    nodes = [sequencer(store), sequencer(store)]
    for count, node in turns:
        add(store, count)
        assert nodes[node].run() == count
    check_whole(store)


def test_an_empty_log_is_signed_once_and_entries_follow_on_any_node() -> None:
    store = Log()
    assert sequencer(store).run() == sequencer(store).run() == 0
    assert (store.newest.size, store.newest.root, store.written) == (0, EMPTY_ROOT, 1)
    assert store.files == {}
    add(store, 2)
    assert sequencer(store).run() == 2
    check_whole(store)


def test_where_nothing_waits_nothing_is_written_or_signed_anew() -> None:
    store = filled(3)
    before = dict(store.files)
    assert sequencer(store).run() == 0
    assert (store.files, store.written) == (before, 1)


def test_a_node_that_may_not_leaves_everything_as_it_is() -> None:
    store = filled(3)
    add(store, 2)
    store.is_free = False
    assert sequencer(store).run(wait=False) == 0
    assert (len(store.places), store.written) == (3, 1)
    assert store.waits == [True, False]


@pytest.mark.parametrize(("count", "transactions"), [(3, 1), (4, 2), (5, 2), (8, 3)])
def test_more_than_a_batch_is_taken_batch_by_batch_to_the_end(
    count: int, transactions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencing, "MAX_BATCH", 4)
    store = Log()
    add(store, count)
    assert sequencer(store).run() == count
    assert len(store.waits) == transactions
    check_whole(store)


@pytest.mark.parametrize("size", [1, 255, 257, 300])
def test_a_changed_byte_at_the_edge_stops_a_node_that_has_just_started(size: int) -> None:
    store = filled(size)
    add(store, 1)
    for tile in edge_tiles(size):
        content = store.files[tile.path]
        for place in sorted({0, 1, 2, len(content) // 2, len(content) - 1}):
            store.files[tile.path] = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
            with pytest.raises((TamperedError, UncheckableError)):
                sequencer(store).run()
        store.files[tile.path] = content
    assert store.written == 1
    assert sequencer(store).run() == 1


def test_a_bundle_that_does_not_belong_to_its_hashes_is_not_built_on() -> None:
    """The hashes lead to the signed root, so that only the entries themselves tell."""
    store = filled(2)
    store.files[Tile(ENTRIES, 0, 2).path] = encode_bundle([b"leaf 3", b"leaf 9"])
    add(store, 1)
    with pytest.raises(TamperedError, match="the stored tree of size 2 is not the one that was signed"):
        sequencer(store).run()


def test_a_missing_tile_stops_it() -> None:
    store = filled(257)
    del store.files[Tile(1, 0, 1).path]
    add(store, 1)
    with pytest.raises(UncheckableError):
        sequencer(store).run()


def signed(size: int, root: bytes, signer: Ed25519Signer = LOG) -> bytes:
    return sign_checkpoint(Checkpoint(signer.name, size, root), signer)


@pytest.mark.parametrize(
    "note",
    [
        pytest.param(
            lambda old: signed(old.size, old.root, Ed25519Signer(LOG.name, SigningKey(b"x" * 32))), id="key"
        ),
        pytest.param(lambda old: signed(old.size, old.root, replace(LOG, name="other.example/log")), id="log"),
        pytest.param(lambda old: signed(old.size - 1, old.root), id="size"),
        pytest.param(lambda old: signed(old.size, EMPTY_ROOT), id="root"),
        pytest.param(lambda old: old.note.replace(b"\n3\n", b"\n4\n"), id="text"),
        pytest.param(lambda old: old.note[:-2], id="cut"),
        pytest.param(lambda _: b"", id="empty"),
    ],
)
def test_a_checkpoint_that_was_not_signed_for_this_tree_is_not_built_on(note) -> None:
    store = filled(3)
    store.change_newest(note=note(store.newest))
    add(store, 1)
    with pytest.raises(TamperedError, match="the stored checkpoint of size 3 is not"):
        sequencer(store).run()
    assert store.written == 1


@pytest.mark.parametrize(("size", "root"), [(3, None), (5, None), (None, EMPTY_ROOT)])
def test_a_row_that_says_something_else_than_its_note_is_not_built_on(size: int | None, root: bytes | None) -> None:
    store = filled(3)
    node = sequencer(store)
    add(store, 1)
    assert node.run() == 1
    store.change_newest(size=size or store.newest.size, root=root or store.newest.root)
    add(store, 1)
    for anyone in (node, sequencer(store)):
        with pytest.raises(TamperedError, match="is not the one that was signed"):
            anyone.run()


def test_full_tiles_stay_and_only_the_files_that_fuller_ones_replace_go() -> None:
    store = filled(TILE_WIDTH - 1)
    add(store, TILE_WIDTH)
    sequencer(store).run()
    assert set(store.files) == {
        "tile/entries/000", "tile/entries/001.p/255", "tile/0/000", "tile/0/001.p/255", "tile/1/000.p/1",
    }  # fmt: skip
