"""Physical lines keep their number and their end wherever a piece of the file ends; what is no text is marked."""

from __future__ import annotations

import io

import pytest
from delivery_world import NOTES, delivered, refused, values

from cloakroom.adapters.deliveries import physical_lines
from cloakroom.adapters.deliveries.batches import Limits
from cloakroom.adapters.deliveries.physical_lines import OVERLONG, read_line_blocks
from cloakroom.adapters.deliveries.undecodable import UNDECODABLE


def lines_of(
    data: bytes, *, encoding: str = "utf-8", line_end: str = "lf", longest: int = 1000, in_block: int = 1000
) -> list[list[str]]:
    blocks = read_line_blocks(
        io.BytesIO(data), encoding, line_end, Limits(line_chars=longest), lines_in_block=in_block
    )
    return [lines for lines, _ in blocks]


@pytest.fixture(params=[1, 2, 3, 5, 8, 1000])
def piece(request, monkeypatch) -> int:
    """Read the file in pieces of so many bytes."""
    monkeypatch.setattr(physical_lines, "_CHUNK", request.param)
    return request.param


TEXT = "a\r\nbé\n\n😀\rc\x0bd\x0ce\x85f\u2028g\x1ch\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("last", ["", "end"])
def test_only_the_stated_sign_ends_a_line_and_every_sign_is_kept(piece, encoding, last):
    """None of the other signs that Python's own splitting takes for line ends is one in a file of systems."""
    text = TEXT + last
    for line_end, sign in (("lf", "\n"), ("crlf", "\n"), ("cr", "\r")):
        parts = text.split(sign)
        expected = [part + sign for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
        assert lines_of(text.encode(encoding), encoding=encoding, line_end=line_end) == [expected]


def test_a_mark_of_byte_order_is_no_text_at_the_beginning_and_text_anywhere_else(piece):
    assert lines_of("\ufeffa\n\ufeffb\n".encode()) == [["a\n", "\ufeffb\n"]]
    assert lines_of("\ufeff\ufeffa\n".encode()) == [["\ufeffa\n"]]


@pytest.mark.parametrize(
    ("data", "encoding", "expected"),
    [
        (b"a\xffb\nc\n", "utf-8", [f"a{UNDECODABLE}b\n", "c\n"]),
        (b"a\xe2\x82\nc\n", "utf-8", [f"a{UNDECODABLE}\n", "c\n"]),
        (b"a\n\xc3", "utf-8", ["a\n", UNDECODABLE]),
        (b"a\xc0\x80b\n", "utf-8", [f"a{UNDECODABLE}{UNDECODABLE}b\n"]),
        (b"a\xed\xa0\x80b\n", "utf-8", [f"a{UNDECODABLE * 3}b\n"]),
        (b"a\x81b\nc\n", "cp1252", [f"a{UNDECODABLE}b\n", "c\n"]),
        (b"\x00\xd8a\x00\n\x00", "utf-16-le", [f"{UNDECODABLE}a\n"]),
        (b"a\x00\n\x00b", "utf-16-le", ["a\n", UNDECODABLE]),
        (b"\x81\n\x82\xa0\n", "cp932", [f"{UNDECODABLE}\n", "あ\n"]),
    ],
)
def test_bytes_that_are_no_text_are_marked_in_their_line_and_move_no_other(piece, data, encoding, expected):
    assert lines_of(data, encoding=encoding) == [expected]


def test_a_block_says_whether_any_of_its_lines_is_marked():
    data = b"a\nb\n\xff\nd\n" + b"x" * 20 + b"\nf\n"
    blocks = read_line_blocks(io.BytesIO(data), "utf-8", "lf", Limits(line_chars=10), lines_in_block=2)
    assert list(blocks) == [
        (["a\n", "b\n"], False),
        ([f"{UNDECODABLE}\n", "d\n"], True),
        ([f"{OVERLONG}\n", "f\n"], True),
    ]


@pytest.mark.parametrize("longest", [4, 5, 6, 7, 20])
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_line_beyond_the_limit_is_marked_and_the_count_of_lines_stays(piece, longest, end):
    lines = ["a", "12345", "b", "123456", "1234567890123", "", "c" * 19]
    text = "\n".join(lines) + end
    expected = [line + "\n" for line in lines[:-1]] + [lines[-1] + end]
    (found,) = lines_of(text.encode(), longest=longest)
    assert len(found) == len(lines)
    for got, line in zip(found, expected, strict=True):
        assert got.rstrip("\n") == (OVERLONG if len(line) > longest else line.rstrip("\n"))
        assert got.endswith("\n") == (line.endswith("\n"))


def test_a_file_that_is_one_endless_line_keeps_nothing_of_it(piece):
    assert lines_of(b"x" * 5000, longest=100) == [[OVERLONG]]
    assert lines_of(b"x" * 5000 + b"\ny", longest=100) == [[OVERLONG + "\n", "y"]]


@pytest.mark.parametrize("in_block", [1, 2, 3, 7, 8])
def test_blocks_hold_the_stated_number_of_lines_and_the_last_one_the_rest(piece, in_block):
    lines = [f"{number}\n" for number in range(7)]
    blocks = lines_of("".join(lines).encode(), in_block=in_block)
    assert [line for block in blocks for line in block] == lines
    assert [len(block) for block in blocks[:-1]] == [in_block] * (len(blocks) - 1)
    assert 1 <= len(blocks[-1]) <= in_block


def test_a_file_of_nothing_has_no_lines_and_one_of_an_end_has_one(piece):
    assert lines_of(b"") == []
    assert lines_of(b"\n") == [["\n"]]
    assert lines_of("\ufeff".encode()) == []


def test_a_line_feed_within_a_cell_stays_one_where_carriage_returns_end_the_rows(tmp_path):
    """As spreadsheet programs of old Macintoshes write it: rows end in CR, lines of a cell in LF."""
    data = 'id,note\r1,"two\nlines"\r2,b\r3,un\nquoted\r4,d\r'
    batches = delivered(tmp_path, data, '[format]\nline_end = "cr"\n' + NOTES)
    assert values(batches, "notes") == ["two\nlines", "b", "d"]
    assert refused(batches) == [(4, None, "a line end stands inside a field without quotes")]
