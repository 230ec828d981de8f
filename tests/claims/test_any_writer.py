"""Whatever wrote a dump and whatever happened to it since: addresses counted are addresses written, no word lies.

Our own customers are never foreign, strangers never genuine; where nothing can be said the word says so.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from memory_store import MemoryStore, Version, check, customer
from table_writers import WRITERS

OURS, STRANGERS = 40, 5_000
COLUMNS = ("id", "given_name", "family_name", "email", "phone", "city")
STORE = MemoryStore([Version(number, customer(number)) for number in range(60)])


def people(first: int) -> list[dict[str, str]]:
    return [{name: customer(number)[name] for name in COLUMNS} for number in range(first, first + OURS)]


def addresses(rows: list[dict[str, str]]) -> int:
    return len({row["email"].lower() for row in rows})


@pytest.mark.parametrize("writer", WRITERS)
def test_what_any_writer_wrote_of_ours_is_counted_and_proven(writer) -> None:
    rows = people(0)
    report = check(STORE, {"dump": WRITERS[writer](rows).encode()})
    size = report.size
    assert (size.rows, size.rejected_rows, size.emails_distinct, size.emails_public_rule) == (OURS, 0, OURS, OURS)
    assert (report.matched.emails_known, len(report.matched.proven)) == (OURS, OURS)
    assert report.verdict.word == "genuine"


@pytest.mark.parametrize("writer", WRITERS)
def test_what_any_writer_wrote_of_strangers_is_counted_and_foreign(writer) -> None:
    report = check(STORE, {"dump": WRITERS[writer](people(STRANGERS)).encode()})
    assert (report.size.emails_distinct, report.matched.emails_known, len(report.matched.proven)) == (OURS, 0, 0)
    assert report.verdict.word in ("foreign", "cannot tell")


def _shuffled(text: str) -> bytes:
    lines = text.split("\n")
    body = lines[2:-2]
    random.Random(3).shuffle(body)
    return "\n".join([*lines[:2], *body, *lines[-2:]]).encode()


DAMAGES: dict[str, Callable[[str], bytes]] = {
    "cut in the middle": lambda text: text[: len(text) * 7 // 10].encode(),
    "utf-16": lambda text: text.encode("utf-16"),
    "line ends of Windows": lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n").encode(),
    "upper case": lambda text: text.replace("@example.org", "@EXAMPLE.ORG").encode(),
    "twice": lambda text: (text + "\n" + text).encode(),
    "shuffled lines": _shuffled,
    "a title above": lambda text: ("Customers of the house, for you\n\n" + text).encode(),
    "a line of garbage": lambda text: (text[: len(text) // 2] + "\x00\x1a\x7f" + text[len(text) // 2 :]).encode(),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("writer", WRITERS)
def test_no_damage_makes_our_customers_foreign_or_loses_an_address_that_is_left(writer, damage) -> None:
    rows = people(0)
    data = DAMAGES[damage](WRITERS[writer](rows))
    left = data.decode("utf-16" if damage == "utf-16" else "utf-8").lower()
    written = {row["email"] for row in rows if row["email"] in left}
    report = check(STORE, {"dump": data})
    # One address may itself be what was cut or hit, and may then be another one.
    slack = damage in ("a line of garbage", "cut in the middle")
    assert abs(report.size.emails_distinct_with_broken - len(written)) <= slack
    assert report.verdict.word in ("genuine", "mixed", "addresses only", "cannot tell")


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("writer", WRITERS)
def test_no_damage_makes_strangers_ours(writer, damage) -> None:
    report = check(STORE, {"dump": DAMAGES[damage](WRITERS[writer](people(STRANGERS)))})
    assert len(report.matched.proven) == 0
    assert report.verdict.word in ("foreign", "cannot tell")
