"""No address of a text gets lost, whatever its reader makes of it; the raw text is the witness."""

from __future__ import annotations

import json

import polars as pl
import pytest
from memory_dump import survey
from memory_store import MemoryStore, Version, check, customer, table

from cloakroom.adapters.evidence.threads import WorkerThreads
from cloakroom.claims.limits import Limits
from cloakroom.claims.sources import InTurn
from cloakroom.claims.witness import TextWitness

COUNT = 60
ADDRESSES = [f"ada.{number}@example.org" for number in range(COUNT)]
NOTE = "addresses stand in its text, in no row that could be read"


def sized(data: bytes, name: str = "dump", limits: Limits | None = None) -> tuple[int, int, tuple[str, ...]]:
    done, reports = survey({name: data}, limits)
    size = done.size()
    return size.emails_distinct, size.emails_public_rule, reports[name].notes


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"Cc: {', '.join(ADDRESSES[at : at + 3])}" for at in range(0, COUNT, 3)),
        "id,text\n" + "\n".join(f'{n},"sent to {a}, then closed"' for n, a in enumerate(ADDRESSES)),
        "id,mail\n" + "\n".join(f"{n},{a}; copy.{a}" for n, a in enumerate(ADDRESSES)),
        "\n".join(f"{address}:{'pa:ss' if n % 3 else 'pass'}" for n, address in enumerate(ADDRESSES)),
        json.dumps({"by": ADDRESSES[0], "rows": [{"id": n, "m": a} for n, a in enumerate(ADDRESSES)]}),
        "-- " + ADDRESSES[0] + "\nINSERT INTO t (id, mail) VALUES "
        + ",\n".join(f"({n}, '{a}')" for n, a in enumerate(ADDRESSES[1:])) + ";\n",
        "<list>" + "".join(f"<c m='{address}'/>" for address in ADDRESSES) + "</list>",
        f"by {ADDRESSES[0]}\nid,mail,city\n" + "\n".join(f"{n},{a},Rome" for n, a in enumerate(ADDRESSES[1:])),
    ],
    ids=["three a line", "sentences", "two a cell", "passwords", "json", "remarks", "attributes", "title"],
)  # fmt: skip
def test_addresses_counted_are_addresses_written(text) -> None:
    written = {word for address in ADDRESSES for word in (address, f"copy.{address}") if word in text}
    found, public, _ = sized(text.encode())
    assert found == public == len(written)


def test_addresses_in_no_row_are_told_and_known_addresses_among_them_are_no_all_clear() -> None:
    rows = ",\n".join(f"({n}, 'Rome', 'North')" for n in range(40))
    data = f"-- exported by {ADDRESSES[0]}\nINSERT INTO shops (code, city, shop) VALUES {rows};\n".encode()
    report = check(MemoryStore([Version(0, customer(0, email=ADDRESSES[0]))]), {"dump.sql": data})
    assert (report.size.emails_distinct, report.matched.emails_known) == (1, 1)
    assert report.verdict.word == "addresses only"
    assert any(NOTE in note for item in report.files for note in item.notes)


@pytest.mark.parametrize("workers", [InTurn(), WorkerThreads()], ids=["in turn", "threads"])
@pytest.mark.parametrize("block", [64, 200, 1 << 20])
def test_where_blocks_are_cut_no_address_is_lost_or_counted_twice(block, workers) -> None:
    lines = [json.dumps({"id": n, "remark": f"wrote from {a} again", "n": {"x": 1}}) for n, a in enumerate(ADDRESSES)]
    done, _ = survey({"dump": "\n".join(lines).encode()}, Limits(block_bytes=block), workers)
    assert done.size().emails_distinct == COUNT


def test_a_witness_names_what_was_not_shown_in_either_of_its_forms() -> None:
    witness = TextWitness(seed=7)
    blocks = [b"x <ada@exam", b"ple.org> r&d@example.org ", b"eve@example.org\n", b"zoe@example.org"]
    assert list(witness.passing(iter(blocks))) == blocks
    witness.known(pl.Series(["ada@example.org", "r&d@example.org"]))
    assert sorted(witness.missing().to_list()) == ["eve@example.org", "zoe@example.org"]
    witness.known(pl.Series(["zoe@example.org"]))
    assert witness.missing().to_list() == ["eve@example.org"]


def test_what_a_witness_holds_is_settled_as_blocks_pass() -> None:
    witness = TextWitness(seed=7)
    for number, _ in enumerate(witness.passing(b"a%d@example.org\n" % n for n in range(100))):
        witness.known(pl.Series([f"a{number}@example.org"]))
    assert len(witness._passed) < 10
    assert witness.missing().to_list() == []


def test_rows_with_an_address_in_a_text_column_are_found_by_it() -> None:
    rows = [customer(number) | {"email": f"Ada <{customer(number)['email']}> at work"} for number in range(50)]
    store = MemoryStore([Version(number, customer(number)) for number in range(50)])
    report = check(store, {"dump.csv": table(rows, "email", "given_name", "family_name")})
    assert (report.matched.emails_known, len(report.matched.proven)) == (50, 50)
