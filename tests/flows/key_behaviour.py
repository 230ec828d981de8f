"""What every implementation of `KeyStore`, `RotationStore` and `WriteStore` must do; run against each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pytest

from cloakroom.flows.records.ports import KeptAnswer, WriteStore
from cloakroom.flows.store.ports import KeyStore, RotationStore
from cloakroom.vault.key_ring import KeyName, KeyPurpose, WrappedKey


class EndedError(Exception):
    """Ends a transaction so that nothing of it stays."""


@dataclass
class KeyNode:
    """The ports of one node."""

    keys: KeyStore
    rotations: RotationStore
    writes: WriteStore


def wrapped(generation: int, content: bytes = b"one") -> WrappedKey:
    return WrappedKey(KeyName(KeyPurpose.INDEX, 1, "", generation), content)


class KeyBehaviour:
    """Subclasses give what opens a node over one empty store in a fixture of that name."""

    DIGESTS: ClassVar = [bytes([number]) * 16 for number in range(4)]

    def test_a_key_is_added_replaced_and_destroyed(self, open_node: Callable[[], KeyNode]) -> None:
        node = open_node()
        node.keys.add_key(wrapped(1), 7)
        node.keys.add_key(wrapped(2), 7)
        node.keys.replace_key(wrapped(1, b"another"))
        assert list(open_node().keys.keys()) == [wrapped(1, b"another"), wrapped(2)]
        node.keys.drop_key(wrapped(1).name)
        assert list(open_node().keys.keys()) == [wrapped(2)]

    def test_changes_of_the_ring_stand_and_fall_together(self, open_node: Callable[[], KeyNode]) -> None:
        node = open_node()

        def ended() -> None:
            with node.keys.changing():
                node.keys.add_key(wrapped(1), 7)
                raise EndedError

        with pytest.raises(EndedError):
            ended()
        assert list(node.keys.keys()) == []
        with node.keys.changing():
            node.keys.add_key(wrapped(1), 7)
        assert list(node.keys.keys()) == [wrapped(1)]

    def test_a_write_does_not_settle_the_keys_of_a_brand_that_another_node_rotates(
        self, open_node: Callable[[], KeyNode]
    ) -> None:
        rotator, writer = open_node(), open_node()
        with rotator.keys.settled(1, changing=True), writer.writes.transaction():
            assert not writer.keys.settle(1)
            assert writer.keys.settle(2)
        with writer.writes.transaction():
            assert writer.keys.settle(1)

    def test_a_write_settles_keys_that_an_import_keeps_as_they_are(self, open_node: Callable[[], KeyNode]) -> None:
        importer, writer = open_node(), open_node()
        with importer.keys.settled(1, changing=False), writer.writes.transaction():
            assert writer.keys.settle(1)

    def test_keys_are_free_again_after_a_rotation_that_failed(self, open_node: Callable[[], KeyNode]) -> None:
        node = open_node()
        with pytest.raises(EndedError), node.keys.settled(1, changing=True):
            raise EndedError
        with open_node().keys.settled(1, changing=True):
            pass

    def test_the_first_answer_is_kept_for_each_caller_and_key(self, open_node: Callable[[], KeyNode]) -> None:
        node, kept = open_node(), KeptAnswer(b"digest", b"token")
        assert node.writes.kept_answer("anna", "key") is None
        with node.writes.transaction():
            assert node.writes.keep_answer("anna", "key", kept, 7)
            assert not node.writes.keep_answer("anna", "key", KeptAnswer(b"other", b"other"), 8)
        assert open_node().writes.kept_answer("anna", "key") == kept
        assert open_node().writes.kept_answer("ben", "key") is None

    def test_index_rows_are_taken_once_and_those_that_become_one_are_current_if_either_was(
        self, open_node: Callable[[], KeyNode]
    ) -> None:
        store = open_node().rotations
        one, two, three, _ = self.DIGESTS
        with store.transaction():
            store.put_index_rows(1, 257, [(one, 1, True), (two, 2, False), (three, 3, False)])
            store.put_index_rows(1, 257, [(one, 1, False), (three, 3, True)])
            store.put_index_rows(2, 257, [(one, 9, True)])
        taken = []
        with store.transaction():
            while rows := store.take_index_rows(1, 257, 2):
                assert len(rows) <= 2
                taken += rows
        assert sorted(taken) == [(one, 1, True), (two, 2, False), (three, 3, True)]
        with store.transaction():
            assert list(store.take_index_rows(1, 258, 2)) == []
            assert list(store.take_index_rows(2, 257, 2)) == [(one, 9, True)]

    def test_a_batch_that_failed_leaves_its_rows_where_they_were(self, open_node: Callable[[], KeyNode]) -> None:
        store = open_node().rotations
        row = (self.DIGESTS[0], 1, True)
        with store.transaction():
            store.put_index_rows(1, 257, [row])

        def ended() -> None:
            with store.transaction():
                assert list(store.take_index_rows(1, 257, 2)) == [row]
                raise EndedError

        with pytest.raises(EndedError):
            ended()
        with store.transaction():
            assert list(store.take_index_rows(1, 257, 2)) == [row]
