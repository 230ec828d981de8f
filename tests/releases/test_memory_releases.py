"""The ports of releases in memory do what the real ones do."""

from __future__ import annotations

import pytest
from memory_releases_world import memory_world
from release_behaviour import ReleaseRecordsBehaviour, ReleaseRunBehaviour, ReleaseStoreBehaviour, ReleaseWorld

from cloakroom.testing.simulators.memory_store import MemoryStore


class TestMemoryReleases(ReleaseStoreBehaviour, ReleaseRecordsBehaviour, ReleaseRunBehaviour):
    @pytest.fixture
    def world(self) -> ReleaseWorld:
        return memory_world(MemoryStore())
