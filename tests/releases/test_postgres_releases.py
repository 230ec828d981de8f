"""The ports of releases in PostgreSQL do what every implementation must."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
from release_behaviour import (
    ReleaseNode,
    ReleaseRecordsBehaviour,
    ReleaseRunBehaviour,
    ReleaseStoreBehaviour,
    ReleaseWorld,
)
from release_world import enrol_everybody

from cloakroom.flows.releases.ports import ReleaseStore
from cloakroom.use_cases.releases.assembly import (
    ImportedCanaries,
    OpenedRecords,
    release_requests,
    release_runs,
)
from cloakroom.wiring import Application
from stores import copied_store

_NODES = itertools.count(1)


@pytest.fixture(scope="module")
def world(store_template, tmp_path_factory) -> Iterator[ReleaseWorld]:
    """One store for all: each test has releases and records of its own there."""
    with ExitStack() as opened:
        copy = opened.enter_context(copied_store(store_template, tmp_path_factory.mktemp("releases") / "store"))

        def open_application() -> Application:
            return opened.enter_context(closing(copy.open(f"node-{next(_NODES)}")))

        def open_node(replaced: Callable[[ReleaseStore], ReleaseStore]) -> ReleaseNode:
            application = open_application()
            application.__dict__["releases"] = replaced(application.releases)
            return ReleaseNode(
                application.releases,
                OpenedRecords(application),
                ImportedCanaries(application),
                application.ledger,
                application.entries,
                application.catalogue,
                release_requests(application),
                release_runs(application),
            )

        hand = open_application()

        @contextmanager
        def rotating(brand: int) -> Iterator[None]:
            with hand.keys.settled(brand, changing=True):
                yield

        yield ReleaseWorld(
            who=enrol_everybody(hand),
            open=open_node,
            delete=lambda ordinal: hand.connection.execute(
                "update record set state = 1 where ordinal = %s", (ordinal,)
            ),
            rotating=rotating,
        )


class TestPostgresReleases(ReleaseStoreBehaviour, ReleaseRecordsBehaviour, ReleaseRunBehaviour):
    pass
