"""The order in which two workers run the tests: long files first, each on one worker, so that both end together.

The first worker begins with the first half of the list, the second with the other, and whoever is done takes from the
end of what the other has left. So each half begins with its share of the long files, whose fixtures are then made
once, and ends with tests of milliseconds, which are all that is ever taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

SECONDS = {
    "web/test_node_processes.py": 130,
    "web/test_failures.py": 120,
    "web/test_passkeys.py": 90,
    "web/test_requests_are_bound.py": 80,
    "web/test_releases_over_http.py": 80,
    "web/test_service.py": 70,
    "docs/test_pages_run.py": 60,
    "worlds/test_second_world.py": 60,
    "tlog/test_trees.py": 40,
    "claims/test_hostile.py": 40,
    "web/test_promises_over_http.py": 40,
    "web/test_description.py": 35,
    "web/test_openid.py": 30,
    "releases/test_releases_survive.py": 30,
    "flows/test_import_survives.py": 30,
    "gate/test_budget_small_worlds.py": 25,
    "web/test_sign_in_page.py": 20,
    "promises/test_p3_a_stolen_credential_has_a_ceiling.py": 20,
    "tlog/test_foreign_tool.py": 20,
    "promises/test_p4_history_cannot_be_rewritten_unseen.py": 18,
    "docs/test_the_program_speaks_plainly.py": 16,
    "web/test_people_commands.py": 15,
    "web/test_backup.py": 15,
    "testing/test_synthetic_group.py": 15,
    "promises/test_p2_no_reveal_without_a_line.py": 15,
    "web/test_lapsed_credentials.py": 12,
    "web/test_writes.py": 12,
    "web/test_access_report.py": 12,
    "tlog/test_tiles.py": 10,
    "scoping/test_affected_set.py": 10,
    "client/test_client.py": 10,
    "web/test_behind_nginx.py": 8,
}
"""About how long the long files take, by their path below `tests`; only the order follows from it."""


class Item(Protocol):
    """What is known of a test."""

    nodeid: str


AnyItem = TypeVar("AnyItem", bound=Item)


def in_halves(items: Sequence[AnyItem]) -> list[AnyItem]:
    """Return the tests in two halves of as many tests, and of about as much work."""
    files: dict[str, list[AnyItem]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0].removeprefix("tests/"), []).append(item)
    halves: list[list[AnyItem]] = [[], []]
    seconds = [0, 0]
    for name in sorted(files.keys() & SECONDS.keys(), key=lambda name: (-SECONDS[name], name)):
        shorter = seconds.index(min(seconds))
        halves[shorter] += files[name]
        seconds[shorter] += SECONDS[name]
    short = [item for name, found in files.items() if name not in SECONDS for item in found]
    room = max(0, min(len(short), len(items) // 2 - len(halves[0])))
    return [*halves[0], *short[:room], *halves[1], *short[room:]]
