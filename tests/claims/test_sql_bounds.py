"""Texts made to be slow take no more time than any SQL of their length."""

from __future__ import annotations

import time

import pytest
from memory_dump import survey

HOSTILE = {
    "queries": "insert into t select " * 5_000 + ";\n",
    "rows between rubbish": "INSERT INTO c VALUES (1,'x')" + ",y(1,'x')" * 11_000,
    "rows behind their end": "INSERT INTO c VALUES (1,'x')" + ";(1,'" * 25_000,
    "open records": "COPY c (a, b) FROM stdin CSV;\n" + '"\n' * 40_000,
    "ends of rows": "),\n('" * 25_000,
    "blank lines": "(1,'x'),(2,'x'),(3,'x')" + "\n" * 120_000,
    "quotes of one's choice": "INSERT INTO c VALUES (" + "q'[ " * 25_000,
    "definitions": "create table a (\n" * 12_000,
    "tables": "".join(f"insert into t{n} (a, b) values (1, 2);\n" for n in range(1_500)),
    "blanks": "INSERT INTO c (a, b) VALUES " + " \n" * 50_000,
    "open quotes": "INSERT INTO c (a, b) VALUES\n" + "(1,'x\n" * 12_000,
    "open parentheses": "INSERT INTO c VALUES " + "(\n" * 15_000,
    "open remarks": "INSERT INTO c VALUES " + "(1,/* x\n" * 12_000,
    "tags": "INSERT INTO c VALUES " + "".join(f"($t{n}$\n" for n in range(12_000)),
    "replacements": "INSERT INTO c VALUES (" + "replace(" * 20 + "'aa'" + ",'a','aaaaaaaaaa')" * 20 + ");",
    "joined": "INSERT INTO c (a) VALUES ('a'" + "||'b'" * 20_000 + ");",
    "serialised": "INSERT INTO c (a) VALUES ('a:1:{" + 's:1:"' * 12_000 + "}'),('a:1:{" + "i:" * 25_000 + "}');",
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_text_made_to_be_slow_takes_no_more_time_than_any_of_its_length(kind) -> None:
    began = time.process_time()
    survey({"dump.sql": HOSTILE[kind].encode()})
    assert time.process_time() - began < 2.5
