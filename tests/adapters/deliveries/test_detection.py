"""What a file is, is told by its bytes and the mapping's names; what is stated is checked and never guessed anew."""

from __future__ import annotations

import gzip

import pytest
import zstandard
from delivery_world import GROUP, NOTES, delivered, refused, taken, values

from cloakroom.adapters.deliveries import open_delivery
from cloakroom.adapters.deliveries.containers import open_container
from cloakroom.errors import InputError
from cloakroom.vault.mapping_file import parse_mapping


def message_of(folder, data: bytes, mapping: str = NOTES) -> str:
    with pytest.raises(InputError) as caught:
        delivered(folder, data, mapping)
    return str(caught.value)


def opened(folder, data: bytes, mapping: str = NOTES):
    path = folder / "f.csv"
    path.write_bytes(data)
    return open_delivery(path, parse_mapping(f'brand = "b"\n{mapping}', "b.toml"), GROUP)


OTHERS = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Office document",
    b"%PDF-1.7\n": "a PDF",
    b"SQLite format 3\x00": "an SQLite database",
    b"<?xml version='1.0'?>": "XML",
    b"<!DOCTYPE html>": "HTML",
    b"<html>": "HTML",
    b"[{}]": "a JSON array",
    b"[ \n]": "a JSON array",
}


@pytest.mark.parametrize("start", OTHERS)
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b" \r\n\t"])
def test_a_file_of_another_kind_is_called_what_it_is(tmp_path, start, before):
    advice = "deliver it as CSV, JSON Lines (one object a line) or Parquet"
    assert message_of(tmp_path, before + start + b"\nid,note\n") == f"f.csv: is {OTHERS[start]}; {advice}"


def test_a_header_that_begins_with_a_bracket_is_no_json(tmp_path):
    batches = delivered(tmp_path, "[id],note\n1,a\n", '[record]\nid = "[id]"\n[columns]\nnote = "notes"\n[format]\nkind = "csv"\n')  # fmt: skip  # noqa: E501
    assert taken(batches) == ["1"]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"PK\x03\x04", "a workbook or an archive"), (b"PK\x05\x06" + bytes(18), "a workbook or an archive"),
        (b"7z\xbc\xaf\x27\x1c", "an archive"), (b"Rar!\x1a\x07\x01\x00", "an archive"), (b"BZh91AY", "an archive"),
        (b"\xfd7zXZ\x00", "an archive"), (b"x" * 257 + b"ustar\x0000", "an archive"),
    ],
)  # fmt: skip
def test_an_archive_is_refused_with_the_forms_that_are_taken(tmp_path, data, what):
    expected = f"f.csv: is {what}; deliver its tables as CSV, plain or as .gz or .zst"
    assert message_of(tmp_path, data) == expected


def test_a_compressed_file_of_nothing_is_empty(tmp_path):
    for pack in (gzip.compress, zstandard.compress):
        assert message_of(tmp_path, pack(b"")) == "f.csv: is empty"


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_compressed_file_with_a_changed_byte_is_damaged_or_says_the_same(tmp_path, pack):
    data = pack(b"id,note\n" + b"".join(b"%d,%d\n" % (number, number * 7919 % 104729) for number in range(500)))
    if pack is zstandard.compress:
        data = zstandard.ZstdCompressor(write_checksum=True).compress(zstandard.decompress(data))
    for at in range(20, len(data), 101):
        broken = bytearray(data)
        broken[at] ^= 0x55
        assert message_of(tmp_path, bytes(broken)) == "f.csv: the compressed data is damaged or ends too early"


@pytest.mark.parametrize("sizes", [[1], [7, 1000], [100_000]])
def test_reading_gives_as_many_bytes_as_are_asked_for_and_fewer_only_at_the_end(tmp_path, sizes):
    data = bytes(range(256)) * 20
    path = tmp_path / "f"
    for pack in (bytes, gzip.compress, zstandard.compress):
        path.write_bytes(pack(data))
        with open_container(path) as file:
            parts = []
            while part := file.read(sizes[min(len(parts), len(sizes) - 1)]):
                parts.append(part)
            assert b"".join(parts) == data
            assert all(len(part) == sizes[min(at, len(sizes) - 1)] for at, part in enumerate(parts[:-1]))
            assert file.bytes_read == path.stat().st_size


def test_a_folder_is_no_delivery(tmp_path):
    (tmp_path / "sub").mkdir()
    with pytest.raises(InputError, match=r"^sub: cannot be read: Is a directory$"):
        open_delivery(tmp_path / "sub", parse_mapping(f'brand = "b"\n{NOTES}', "b.toml"), GROUP)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    ("data", "found"), [(b"id,note\n1,a\n", "csv"), (b'{"id": "1"}\n', "jsonl"), (b"PAR1" + bytes(50), "parquet")]
)
def test_a_kind_that_is_stated_is_the_only_one_taken(tmp_path, kind, data, found):
    mapping = f'[format]\nkind = "{kind}"\n' + NOTES
    if kind != found:
        assert message_of(tmp_path, data, mapping) == f"f.csv: looks like {found}, but b.toml says {kind}"
    elif found == "parquet":
        assert message_of(tmp_path, data, mapping) == "f.csv: is not readable Parquet"
    else:
        assert taken(delivered(tmp_path, data, mapping)) == ["1"]


@pytest.mark.parametrize(
    "data", [b"id;note;m\n1;a,b;\n", b"sep=;\nid;note;m\n1;a,b;\n", b"SEP=;\r\nid;note;m\r\n1;a,b;\r\n"]
)
def test_the_delimiter_is_the_one_under_which_the_mappings_names_appear(tmp_path, data):
    delivery = opened(tmp_path, data, 'ignore = ["m"]\n' + NOTES)
    assert delivery.dialect.delimiter == ";"
    assert delivery.header == ("id", "note", "m")
    assert [row for batch in delivery.batches() for row in batch.columns["notes"]] == ["a,b"]


def test_a_delimiter_that_is_stated_outweighs_the_names_and_the_line_of_a_spreadsheet_program(tmp_path):
    mapping = '[format]\ndelimiter = ","\n' + NOTES
    assert opened(tmp_path, b"sep=;\nid,note\n1,a\n", mapping).dialect.delimiter == ","
    assert message_of(tmp_path, b"id;note\n1;a\n", mapping).startswith("f.csv:1: the first line is no header")


@pytest.mark.parametrize("first", [b"sep=", b"sep=;;", b"sepa;x"])
def test_a_first_line_that_only_begins_like_a_spreadsheet_programs_is_the_header(tmp_path, first):
    assert message_of(tmp_path, first + b"\nid;note\n1;a\n").startswith("f.csv:1: the first line is no header")


@pytest.mark.parametrize(
    ("data", "end"),
    [(b"id,note\n1,a\n", "lf"), (b"id,note\r\n1,a\r\n", "crlf"), (b"id,note\r1,a\r", "cr"), (b"id,note", "lf"),
     (b"\nid,note\n", "lf"), (b"id,note\n1,a\r\n", "lf"), (b"id,note\r\n1,a\n", "crlf")],
)  # fmt: skip
def test_the_first_line_end_tells_the_rest(tmp_path, data, end):
    mapping = '[format]\nheader = ["id", "note"]\n' + NOTES
    assert opened(tmp_path, data, mapping).dialect.line_end == end


def test_mixed_line_ends_are_read_as_their_lines(tmp_path):
    batches = delivered(tmp_path, b"id,note\r\n1,a\n2,b\r\n3,c")
    assert values(batches, "notes") == ["a", "b", "c"]
    assert [line for batch in batches for line in batch.lines] == [2, 3, 4]


def test_names_in_a_header_are_trimmed_and_in_one_form_of_unicode(tmp_path):
    decomposed = "id, Pre\u0301nom \n1,Zoé\n"
    batches = delivered(tmp_path, decomposed, '[record]\nid = "id"\n[columns]\n"Pr\u00e9nom" = "given_name"\n')
    assert values(batches, "given_name") == ["Zoé"]


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_a_quote_that_is_stated_is_the_only_one(tmp_path, quote):
    stated = {"": 'quote = ""', "'": 'quote = "\'"', '"': "quote = '\"'"}[quote]
    data = "id,note\n1,'a'\n2,\"b\"\n"
    batches = delivered(tmp_path, data, f"[format]\n{stated}\n" + NOTES)
    expected = {"": ["'a'", '"b"'], "'": ["a", '"b"'], '"': ["'a'", "b"]}[quote]
    assert values(batches, "notes") == expected


def test_where_quotes_mean_nothing_one_alone_swallows_nothing(tmp_path):
    batches = delivered(tmp_path, 'id,note\n1,"open\n2,b\n', '[format]\nquote = ""\n' + NOTES)
    assert values(batches, "notes") == ['"open', "b"]


@pytest.mark.parametrize(
    ("stated", "encoding"),
    [("latin-1", "iso8859-1"), ("CP1252", "cp1252"), ("UTF8", "utf-8"), ("windows-1250", "cp1250")],
)
def test_an_encoding_may_be_stated_under_any_of_its_names(tmp_path, stated, encoding):
    assert (
        opened(tmp_path, b"id,note\n1,a\n", f'[format]\nencoding = "{stated}"\n' + NOTES).dialect.encoding == encoding
    )


@pytest.mark.parametrize(("bad", "is_refused"), [(1, False), (3, False), (4, True)])
def test_a_stated_encoding_holds_unless_more_than_three_lines_and_one_in_a_hundred_are_none(
    tmp_path, bad, is_refused
):
    lines = [b"id,note"] + [b"%d,x" % number for number in range(300)]
    for number in range(bad):
        lines[10 + number] = b"%d,\xe9" % number
    mapping = '[format]\nencoding = "utf-8"\n' + NOTES
    if is_refused:
        assert message_of(tmp_path, b"\n".join(lines), mapping).startswith("f.csv:11: not utf-8, as b.toml says")
    else:
        batches = delivered(tmp_path, b"\n".join(lines), mapping)
        assert len(refused(batches)) == bad
        assert len(taken(batches)) == 300 - bad


def test_many_lines_that_are_none_but_few_among_more_refuse_only_themselves(tmp_path):
    lines = [b"id,note"] + [b"%d,x" % number for number in range(600)]
    for number in range(6):
        lines[10 + number] = b"%d,\xe9" % number
    batches = delivered(tmp_path, b"\n".join(lines), '[format]\nencoding = "utf-8"\n' + NOTES)
    assert [line for line, _, _ in refused(batches)] == [11, 12, 13, 14, 15, 16]


def test_a_header_that_is_no_text_in_the_stated_encoding_refuses_the_file(tmp_path):
    data = "id,Prénom\n1,a\n".encode("cp1252")
    mapping = '[format]\nencoding = "utf-8"\n[record]\nid = "id"\n[columns]\n"Prénom" = "given_name"\n'
    assert message_of(tmp_path, data, mapping) == "f.csv:1: not utf-8, as b.toml says; it looks like cp1252"


@pytest.mark.parametrize(("letters", "is_refused"), [(3, False), (4, True)])
def test_four_letters_beyond_ascii_that_are_utf_8_refuse_the_file_and_fewer_their_row(tmp_path, letters, is_refused):
    data = f"id,note\n1,a\n2,{'é' * letters}\n".encode()
    mapping = '[format]\nencoding = "cp1252"\n' + NOTES
    if is_refused:
        assert message_of(tmp_path, data, mapping) == "f.csv:3: is UTF-8, but b.toml says cp1252"
    else:
        batches = delivered(tmp_path, data, mapping)
        assert values(batches, "notes") == ["a"]
        assert refused(batches) == [(3, "note", "holds bytes that are not cp1252")]


@pytest.mark.parametrize("page", ["cp1252", "cp850", "mac_roman", "cp1250"])
def test_a_code_page_is_the_one_under_which_the_header_shows_the_mappings_names(tmp_path, page):
    """0xE9 is é in cp1252, 0x82 in cp850, 0x8E in mac_roman: only the names tell which it is."""
    mapping = '[record]\nid = "id"\n[columns]\n"Prénom" = "given_name"\n"Société" = "notes"\n'
    data = "id,Prénom,Société\n1,a,é\n".encode(page)
    batches = delivered(tmp_path, data, mapping)
    assert values(batches, "notes") == ["é"]


PROBLEMS = {
    "id,x,note,y\n": [
        "column 2 (`x`) is neither mapped nor ignored by b.toml",
        "column 4 (`y`) is neither mapped nor ignored by b.toml",
    ],
    "id,note,note,id\n": ["column 3 is `note` once more", "column 4 is `id` once more"],
    "id\n": ["column `note` of b.toml is missing"],
    "note,secret\n": ["column `id` of b.toml is missing", "column 2 is neither mapped nor ignored by b.toml"],
    "id,note,\n": ["column 3 (``) is neither mapped nor ignored by b.toml"],
    f"id,note,{'x' * 61}\n": [f"column 3 (`{'x' * 60}`) is neither mapped nor ignored by b.toml"],
    "other,secret\n": ["the first line is no header that b.toml describes: id, note are missing"],
}


@pytest.mark.parametrize("header", PROBLEMS)
def test_every_problem_of_a_header_is_told_at_once_and_no_value_where_it_may_be_a_row(tmp_path, header):
    expected = "\n".join(f"f.csv:1: {problem}" for problem in PROBLEMS[header])
    assert message_of(tmp_path, header.encode()) == expected


def test_columns_that_nobody_names_are_let_through_where_the_mapping_says_so_but_none_twice(tmp_path):
    mapping = 'unknown_columns = "ignore"\n' + NOTES
    assert taken(delivered(tmp_path, "id,x,note,x\n1,a,b,c\n", mapping)) == ["1"]
    assert message_of(tmp_path, b"id,note,id\n", mapping) == "f.csv:1: column 3 is `id` once more"


def test_an_escape_character_and_doubled_quotes_are_read_in_one_file(tmp_path):
    """PHP's `fputcsv` doubles quotes, but for those behind a backslash."""
    mapping = '[format]\nescape = "\\\\"\n' + NOTES
    rows = ['1,"a \\" ,b"', '2,"he said ""hi"""', '3,""', '4,"""x"""', '5,"a\\\\"']
    batches = delivered(tmp_path, "id,note\n" + "".join(f"{row}\n" for row in rows), mapping)
    assert values(batches, "notes") == ['a " ,b', 'he said "hi"', None, '"x"', "a\\"]
