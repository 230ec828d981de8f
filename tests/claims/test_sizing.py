"""Counts are exact whichever way a block was taken: all columns, only those looked at, or line by line."""

from __future__ import annotations

import csv
import io
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_dump import MemoryDump

from cloakroom.adapters.evidence.threads import WorkerThreads
from cloakroom.claims.distinct import DistinctHashes
from cloakroom.claims.limits import Limits
from cloakroom.claims.sizing import Size, Sizer
from cloakroom.claims.sources import InTurn
from cloakroom.claims.survey import Survey

HEADER = ["mail", "prenom", "ville", "telephone", "pays", "note", "boutique", "segment", "montant"]
_CITY = st.sampled_from(["Nice", "Aix, Sud", 'Le "Cap"', "a,,b", "", "Ōsaka", "two\nlines"])
_NOTE = st.sampled_from(["", "none", ",", ",,", "x@y", "write to late.one@example.org, please", "  "])


def table(draw: st.DrawFn) -> tuple[list[list[str]], str]:
    """Draw rows and how they are quoted; by far most cells are plain, as in real files."""
    sparse = draw(st.sets(st.integers(1, 7), max_size=3))
    odd = draw(
        st.dictionaries(st.integers(0, 399), st.tuples(_CITY, _NOTE, st.sampled_from(["", "12.50"])), max_size=5)
    )
    rows = []
    for number in range(400):
        row = [
            f"p{number % 350}@example.com",
            "Ada",
            "Nice",
            f"+336123{number % 300:05d}",
            "FR",
            "none",
            "B1",
            "top",
            "9.9",
        ]
        for column in sparse:
            if (number * 7 + column) % 5 == 0:
                row[column] = ""
        if number in odd:
            row[2], row[5], row[8] = odd[number]
        rows.append(row)
    return rows, draw(st.sampled_from(["\n", "\r\n"]))


def size_of(data: bytes, block_bytes: int) -> tuple[Size, list[str], dict[str, str]]:
    survey = Survey(MemoryDump({"dump.csv": data}), Sizer(7), WorkerThreads(), Limits(block_bytes=block_bytes))
    cells: list[str] = []
    meaning: dict[str, str] = {}
    for _, keyed in survey.tables():
        if not keyed.is_broken:
            cells += keyed.frame["boutique"].to_list()
            meaning = {name: concept.value for name, concept in keyed.recognised.by_column.items()}
    return survey.size(), cells, meaning


@settings(max_examples=40, deadline=None)
@given(st.composite(table)())
def test_columns_that_nobody_looked_at_are_counted_as_exactly_as_the_others(drawn) -> None:
    rows, end = drawn
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows([HEADER, *rows])
    size, boutiques, meaning = size_of(out.getvalue().encode(), 4096)
    assert (size.rows, size.rejected_rows) == (len(rows), 0)
    filled: Counter[str] = Counter()
    for place, name in enumerate(HEADER):
        filled[meaning[name]] += sum(bool(row[place]) for row in rows)
    assert size.fields == {name: count for name, count in filled.items() if count}
    late = any("late.one@example.org" in row[5] for row in rows)
    assert size.emails_distinct == len({row[0] for row in rows}) + late
    assert size.phones_distinct == len({row[3] for row in rows} - {""})
    assert boutiques == [row[6] for row in rows]


@pytest.mark.parametrize("place", [0, 200])
def test_a_lone_carriage_return_is_an_empty_cell_wherever_it_stands(place) -> None:
    lines = [f"p{number}@example.com,Ada,Nice,+33612{number:06d},FR,none,B1,top,9.9" for number in range(400)]
    lines[place] = lines[place].replace("none", "\r")
    size, _, meaning = size_of(("\n".join([",".join(HEADER), *lines]) + "\n").encode(), 4096)
    assert size.fields[meaning["note"]] == 400 * list(meaning.values()).count(meaning["note"]) - 1


def test_sizing_parses_the_columns_it_looks_at_and_the_rest_when_somebody_asks() -> None:
    lines = [f"p{number}@example.com,Ada,Nice,+33612{number:06d},FR,none,B{number},top,9.9" for number in range(3000)]
    data = ("\n".join([",".join(HEADER), *lines]) + "\n").encode()
    survey = Survey(MemoryDump({"dump.csv": data}), Sizer(7), InTurn(), Limits(block_bytes=4096))
    parsed = [(tuple(keyed.batch.frame.columns), keyed.frame.height) for _, keyed in survey.tables()]
    assert parsed[0][0] == tuple(HEADER)
    assert parsed[-1][0] == ("mail", "telephone", "pays", "montant")
    assert survey.size().fields["other"] > 0


@pytest.mark.parametrize("size", [0, 1, 5, 70_000])
def test_distinct_hashes_are_counted_once_however_they_come_in(size) -> None:
    random = np.random.default_rng(size)
    values = random.integers(0, 2**63, size, dtype=np.uint64)
    hashes = DistinctHashes()
    seen: set[int] = set()
    for part in np.array_split(np.concatenate((values, values[::3])), 9):
        assert hashes.unknown(part).tolist() == [value not in seen for value in part.tolist()]
        hashes.add(part.copy())
        seen.update(part.tolist())
    assert len(hashes) == len(seen)
    assert hashes.all().tolist() == sorted(seen)
