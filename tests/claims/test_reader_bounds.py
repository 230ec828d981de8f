"""What readers keep, what they leave out and count, and where each of their limits lies."""

from __future__ import annotations

import json
import struct

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_dump import open_bytes

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.display_names import with_display_names
from cloakroom.claims.readers.json_rows import flatten, read_json_lines
from cloakroom.claims.readers.loose import loose_finds
from cloakroom.claims.readers.row_filter import RowFilter
from cloakroom.claims.readers.tolerant import cut_rows, logical_lines, split_line
from cloakroom.claims.tables import Batch, frame_of, frame_of_records, share_of, unique_names
from cloakroom.errors import LimitError

ADDRESS = "ada@example.org"


def rows_of(data: bytes | str, limits: Limits | None = None, name: str = "dump") -> tuple[list[dict[str, str]], int]:
    """Return the rows of a file, and how many were rejected."""
    found, rejected = [], 0
    for batch in open_bytes(data if isinstance(data, bytes) else data.encode(), name, limits).batches:
        found += batch.whole().to_dicts()
        rejected += batch.rejected
    return found, rejected


PEOPLE = [(f"{number}", f"Ada {number}", f"p{number}@example.org") for number in range(60)]
OBJECTS = [dict(zip(("id", "name", "mail"), row, strict=True)) for row in PEOPLE]
ELEMENTS = [f"<c><id>{number}</id><name>{name}</name><mail>{mail}</mail></c>\n" for number, name, mail in PEOPLE]
WRITTEN = {
    "csv": "id,name,mail\n" + "".join(",".join(row) + "\n" for row in PEOPLE),
    "quoted csv": "id,name,mail\n" + "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in PEOPLE),
    "json": json.dumps(OBJECTS),
    "wrapped json": json.dumps({"n": 60, "rows": OBJECTS}),
    "jsonl": "".join(json.dumps(one) + "\n" for one in OBJECTS),
    "sql": "INSERT INTO c (id, name, mail) VALUES\n" + ",\n".join(str(row) for row in PEOPLE) + ";\n",
    "copy": "COPY c (id, name, mail) FROM stdin;\n" + "".join("\t".join(row) + "\n" for row in PEOPLE) + "\\.\n",
    "xml": "<list>" + "".join(ELEMENTS) + "</list>",
    "yaml": "".join(f"- id: {i}\n  name: {n}\n  mail: {m}\n" for i, n, m in PEOPLE),
}  # fmt: skip


@pytest.mark.parametrize("block_bytes", [70, 333, 1 << 20])
@pytest.mark.parametrize("form", WRITTEN)
def test_every_form_gives_the_same_rows_wherever_blocks_are_cut(form, block_bytes) -> None:
    found, rejected = rows_of(WRITTEN[form], Limits(block_bytes=block_bytes, record_bytes=4_096))
    assert [tuple(row.values()) for row in found] == PEOPLE
    assert rejected == 0


@pytest.mark.parametrize("form", ["csv", "quoted csv", "jsonl", "sql", "copy", "yaml", "xml"])
def test_what_is_cut_off_at_the_end_costs_its_own_row_only(form) -> None:
    text = WRITTEN[form]
    found, rejected = rows_of(text[: text.rindex("p59@")])
    assert [tuple(row.values())[:3] for row in found[:59]] == PEOPLE[:59]
    assert len(found) + rejected <= 60


# Text cut line by line.


@pytest.mark.parametrize(
    ("line", "cells", "is_open"),
    [
        ("a,b", ["a", "b"], False),
        ('"a,b",c', ["a,b", "c"], False),
        ('"a ""b""",c', ['a "b"', "c"], False),
        (r'"a \"b\"",c', ['a "b"', "c"], False),
        ('a"b,c', ['a"b', "c"], False),
        (' "a,b" ,c', ["a,b", "c"], False),
        ('"a"x,c', ["ax", "c"], False),
        ('a,"b', ["a", "b"], True),
        ('"",""', ["", ""], False),
        ("", [""], False),
        (",", ["", ""], False),
    ],
)
def test_one_row_is_split_as_it_was_written(line, cells, is_open) -> None:
    assert split_line(line, ",") == (cells, is_open)


def test_a_row_goes_on_over_forty_lines_and_no_further() -> None:
    for further, is_whole in ((40, True), (41, False)):
        text = '1,"' + "\n" * further + '"\n2,b\n'
        cut = cut_rows(text, ",", 2)
        assert (["2", "b"] in cut.rows, len(cut.rows)) == (True, 2 if is_whole else 1)


def test_what_may_go_on_in_the_next_piece_is_kept_for_it() -> None:
    cut = cut_rows('1,a\n2,"b\n', ",", 2, is_end=False)
    assert (cut.rows, cut.broken, cut.rest) == ([["1", "a"]], [], '2,"b\n')
    assert cut_rows('1,a\n2,"b\n', ",", 2).broken == [(1, '2,"b')]


@given(st.lists(st.text("ab\r", max_size=6), max_size=8), st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_lines_are_the_same_however_the_bytes_come(lines, size) -> None:
    data = "".join(line + "\n" for line in lines).encode()
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    assert list(logical_lines(pieces, 100)) == [line.rstrip("\r") for line in lines]


@pytest.mark.parametrize(("length", "kept"), [(9, 9), (10, 10), (11, 10), (500, 10)])
def test_a_line_is_cut_at_its_limit_and_the_next_one_is_whole(length, kept) -> None:
    data = b"x" * length + b"\nnext\n"
    assert list(logical_lines(iter([data]), 10)) == ["x" * kept, "next"]
    assert list(logical_lines((data[at : at + 3] for at in range(0, len(data), 3)), 10))[-1] == "next"


# Nested values.


def test_nested_values_are_named_by_their_path_in_their_order() -> None:
    value = {"a": {"b": 1, "c": [True, None, {"d": "x"}]}, "e": 2.5, "f": None, "g": ""}
    assert flatten(value, Limits()) == {"a.b": "1", "a.c[0]": "true", "a.c[2].d": "x", "e": "2.5", "g": ""}


@pytest.mark.parametrize(("depth", "is_kept"), [(3, True), (4, False)])
def test_levels_beyond_the_limit_are_left_out(depth, is_kept) -> None:
    value: object = "x"
    for _ in range(depth):
        value = {"a": value}
    assert bool(flatten(value, Limits(nesting=3))) is is_kept  # type: ignore[arg-type]


def test_no_more_columns_are_made_than_the_limit() -> None:
    many = {f"a{number}": number for number in range(30)}
    assert len(flatten(many, Limits(columns=12))) == 12
    frame = frame_of_records([{str(number): "x"} for number in range(30)], 12)
    assert (frame.width, frame.height) == (12, 30)


@pytest.mark.parametrize(("size", "is_row"), [(200, True), (201, False)])
def test_an_object_longer_than_a_record_may_be_is_rejected(size, is_row) -> None:
    text = json.dumps({"mail": ADDRESS, "x": ""})
    long = json.dumps({"mail": ADDRESS, "x": "y" * (size - len(text))})
    assert len(long) == size
    found, rejected = rows_of(f"{text}\n{long}\n{text}\n", Limits(record_bytes=200))
    assert (len(found), rejected) == ((3, 0) if is_row else (2, 1))


def test_a_line_without_an_end_stops_json_lines_with_a_word() -> None:
    blocks = [json.dumps({"mail": ADDRESS}).encode() + b"\n", b'{"mail": "', *[b"y" * 90] * 10]
    with pytest.raises(LimitError, match="more than 200 bytes"):
        list(read_json_lines(iter(blocks), Limits(document_bytes=200)))


# BSON.


def document(**texts: str) -> bytes:
    body = b"".join(
        b"\x02" + name.encode() + b"\0" + struct.pack("<i", len(text.encode()) + 1) + text.encode() + b"\0"
        for name, text in texts.items()
    )
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def test_a_broken_document_is_counted_and_the_next_one_is_read() -> None:
    broken = bytearray(document(mail="b@example.org"))
    broken[4] = 0x6E  # A kind of value that does not exist.
    found, rejected = rows_of(document(mail=ADDRESS) + bytes(broken) + document(mail="c@example.org"))
    assert ([row["mail"] for row in found], rejected) == ([ADDRESS, "c@example.org"], 1)


def test_a_document_of_impossible_length_ends_the_file_after_what_came_before() -> None:
    reading = open_bytes(document(mail=ADDRESS) + struct.pack("<i", 3) + b"rest")
    first = next(reading.batches)
    assert (first.frame["mail"].to_list(), first.rejected) == ([ADDRESS], 1)
    with pytest.raises(ValueError, match="impossible length"):
        next(reading.batches)


# Rows about people among other things.


def kept(*records: dict[str, str]) -> list[dict[str, str]]:
    rows = RowFilter()
    return [row for record in records for row in rows.take(record)]


PERSON = {"mail": ADDRESS, "name": "Ada", "city": "Turin", "shop": "B1", "since": "May"}


def test_a_group_without_a_key_is_a_row_where_its_names_are_those_of_one() -> None:
    silent = PERSON | {"mail": ""}
    assert kept(PERSON, silent) == [PERSON, silent]
    assert kept(silent, PERSON) == [silent, PERSON]
    assert kept({"theme": "dark", "size": "2", "font": "x"}, PERSON) == [PERSON]


@pytest.mark.parametrize(
    ("names", "is_row"),
    [(("name", "city", "shop"), True), (("name", "city"), False), (("name", "city", "shop", "x"), False)],
)
def test_three_names_in_common_and_nine_in_ten_of_its_own_make_groups_alike(names, is_row) -> None:
    other = dict.fromkeys(names, "text")
    assert (other in kept(PERSON, other)) is is_row


def test_six_in_ten_of_the_known_names_must_be_there() -> None:
    wide = PERSON | {"a": "1x"}
    assert {"name": "x", "city": "x", "shop": "x"} not in kept(wide, {"name": "x", "city": "x", "shop": "x"})
    four = {"name": "x", "city": "x", "shop": "x", "since": "x"}
    assert four in kept(wide, four)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("write to <ada@example.org>, please", {"email": ADDRESS}),
        ("id 0035g00000ABCDEFGH.", {"id": "0035g00000ABCDEFGH"}),
        ("call +39 333 1234567 now", {"phone": "+39 333 1234567"}),
        ("call 0039 333 1234567", {"phone": "0039 333 1234567"}),
        ("call 333 1234567", {}),
        ("@", {}),
        ("a@b", {}),
    ],
)
def test_addresses_ids_and_numbers_are_found_where_they_stand(line, found) -> None:
    assert loose_finds(line) == found


# Names and addresses in one cell.


@pytest.mark.parametrize(("count", "is_split"), [(29, False), (30, True)])
def test_three_in_ten_cells_with_a_name_and_an_address_split_a_column(count, is_split) -> None:
    cells = [f"Ada {n} <p{n}@example.org>" for n in range(count)] + [f"q{n}@example.org" for n in range(100 - count)]
    frame = with_display_names(Batch(pl.DataFrame({"mail": cells}))).frame
    assert ("display name" in frame.columns) is is_split
    if is_split:
        assert (frame["display name"][3], frame["mail"][3], frame["mail"][-1]) == (
            "Ada 3",
            "p3@example.org",
            "q69@example.org",
        )


def test_links_to_addresses_are_addresses() -> None:
    frame = with_display_names(Batch(pl.DataFrame({"mail": ["mailto:ada@example.org"] * 3, "x": ["1"] * 3}))).frame
    assert frame["mail"].to_list() == [ADDRESS] * 3


# Columns.


def test_columns_without_a_name_or_with_one_twice_get_one_of_their_own() -> None:
    assert unique_names(["a", "", "a", " a  b ", "a"]) == ["a", "column 2", "a (2)", "a b", "a (3)"]
    assert unique_names(["x" * 300])[0] == "x" * 200
    assert frame_of(["a", "a"], [["1", None]]).to_dicts() == [{"a": "1", "a (2)": None}]


def test_a_share_counts_what_is_unknown_as_false() -> None:
    assert share_of(pl.Series([True, None, False, True])) == 0.5
    assert share_of(pl.Series([], dtype=pl.Boolean)) == 0.0
