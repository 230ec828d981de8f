"""The ports of releases in memory do what the real ones do."""

from __future__ import annotations

import pytest
from memory_releases_world import group, memory_world, open_node
from release_behaviour import (
    EndedError,
    ReleaseRecordsBehaviour,
    ReleaseRunBehaviour,
    ReleaseStoreBehaviour,
    ReleaseWorld,
)
from release_world import DOMAIN

from cloakroom.gate.policy_text import parse_policy
from cloakroom.testing.simulators.memory_store import MemoryStore


class TestMemoryReleases(ReleaseStoreBehaviour, ReleaseRecordsBehaviour, ReleaseRunBehaviour):
    @pytest.fixture
    def world(self) -> ReleaseWorld:
        return memory_world(MemoryStore())


def test_what_is_taken_up_leaves_as_its_entry_says_at_most_and_lower_where_the_policy_does_by_now() -> None:
    store = MemoryStore()
    world = memory_world(store)
    node = world.node()
    name = world.approved(node).id

    def ended(*_: object) -> str:
        raise EndedError

    with pytest.raises(EndedError):
        node.runs.run_release(world.who["marketing"], name, ended, canary_domain=DOMAIN)
    configuration, _, _ = group()
    head, mark, mailing = configuration.texts["policy.toml"].partition("[purposes.mailing.fields]")
    lowered = head + mark + mailing.replace('email = "reveal"', 'email = "mask"', 1)
    policy = parse_policy(lowered.encode(), "policy.toml", fields=configuration.field_classes)
    _, rows = world.run(open_node(store, policy=policy), name)
    assert {row["given_name"] for row in rows} >= {"Given0", "Given1"}
    assert not any(row["email"].startswith("person") for row in rows)
    assert all("@" in row["email"] for row in rows)
