"""Bytes of unknown encoding become UTF-8, wherever they are cut, and what was found is said."""

from __future__ import annotations

import codecs

import pytest
from memory_dump import MemoryStream

from cloakroom.claims.decoding import TextBlocks, is_utf8, wide_encoding

TEXT = "Zoë Müller;Ørsted\nŁódź 3\n氏名;様\nAda;plain\n"
FRENCH = ["Hélène Lefèvre;rue de l'Été\n", "Noël Gaudin;allée des Chênes\n", "Ada Smith;plain\n"]
RUSSIAN = ["Анна Петрова;улица Садовая\n", "Игорь Сидоров;площадь Победы\n"]
SIZES = [1, 2, 3, 7, 40, 100_000]


def decoded(data: bytes, block_bytes: int = 100_000) -> tuple[str, str]:
    """Return the text, each block of which must be UTF-8 by itself, and the encoding found."""
    blocks = TextBlocks(MemoryStream(data), block_bytes)
    text = "".join(block.decode() for block in blocks)
    return text, blocks.encoding


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_mark_settles_the_encoding_and_is_no_part_of_the_text(mark, encoding, size) -> None:
    assert decoded(mark + TEXT.encode(encoding), size) == (TEXT, encoding)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("encoding", "text"), [("utf-8", TEXT), ("ascii", "Ada;plain\nZoe;plain\n"), ("utf-8", "é" * 50), ("ascii", "")]
)
def test_a_text_without_a_mark_is_ascii_or_utf8_where_it_can_be(encoding, text, size) -> None:
    assert decoded(text.encode(), size)[1] == encoding
    assert decoded(text.encode())[0] == text


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("size", SIZES)
def test_utf16_without_a_mark_is_known_by_its_zeros_and_keeps_its_first_sign(order, size) -> None:
    assert decoded(("Ada;Example\n" * 5).encode(order), size) == ("Ada;Example\n" * 5, order)


def test_an_encoding_is_told_by_the_head_with_the_length_of_its_mark() -> None:
    assert wide_encoding(codecs.BOM_UTF8 + b"Ada") == ("utf-8", 3)
    assert wide_encoding(codecs.BOM_UTF32_LE + b"Ada") == ("utf-32-le", 4)
    assert wide_encoding("Ada;Example\n".encode("utf-16-be")) == ("utf-16-be", 0)
    assert wide_encoding(b"Ada;Example\n") == (None, 0)
    assert wide_encoding(b"") == (None, 0)


@pytest.mark.parametrize("size", [40, 200, 100_000])
@pytest.mark.parametrize(("page", "lines"), [("cp1252", FRENCH), ("cp1251", RUSSIAN)])
def test_lines_that_are_no_utf8_are_read_by_their_code_page(page, lines, size) -> None:
    text = "".join(lines) * 20
    assert decoded(text.encode(page), size) == (text, page)


def test_lines_of_two_systems_are_each_read_rightly_and_both_are_named() -> None:
    lines = [line.encode("utf-8" if place % 2 else "cp1252") for place, line in enumerate(FRENCH * 5)]
    assert decoded(b"".join(lines)) == ("".join(FRENCH * 5), "mixed utf-8 and cp1252")


def test_another_code_page_may_begin_in_the_middle() -> None:
    text, encoding = decoded("".join(FRENCH * 40).encode("cp1252") + "".join(RUSSIAN * 60).encode("cp1251"))
    assert text == "".join(FRENCH * 40) + "".join(RUSSIAN * 60)
    assert encoding == "mixed cp1252 and cp1251"


def test_half_a_sign_at_the_end_of_utf16_is_shown_as_lost_and_nothing_else_is() -> None:
    assert decoded(codecs.BOM_UTF16_LE + "Ada".encode("utf-16-le") + b"\x41")[0] == "Ada\ufffd"


@pytest.mark.parametrize("size", [8, 16])
def test_a_line_without_an_end_is_given_out_in_pieces(size) -> None:
    blocks = list(TextBlocks(MemoryStream(b"a" * 100), size))
    assert b"".join(blocks) == b"a" * 100
    assert max(map(len, blocks)) <= 2 * size


@pytest.mark.parametrize("sign", ["é", "氏", "𝒜"])
@pytest.mark.parametrize("size", range(1, 9))
def test_a_line_without_an_end_is_cut_between_two_signs(sign, size) -> None:
    for shift in range(4):
        assert decoded(("a" * shift + sign * 40).encode(), size) == ("a" * shift + sign * 40, "utf-8")


def test_bytes_that_only_look_like_the_beginning_of_a_sign_are_not_lost() -> None:
    assert decoded("Noé à la fin: é".encode("cp1252"), 4)[0] == "Noé à la fin: é"
    assert decoded(b"\x80\x81\x82\x83\x84" * 4, 1)[0] != ""


def test_blocks_end_with_lines_where_there_are_any() -> None:
    data = b"".join(b"line %d of some length\n" % number for number in range(50))
    blocks = list(TextBlocks(MemoryStream(data), 64))
    assert all(block.endswith(b"\n") for block in blocks)
    assert b"".join(blocks) == data


@pytest.mark.parametrize(
    ("block", "is_valid"),
    [(b"", True), (b"ada", True), ("é氏".encode(), True), (b"\xe9", False), ("é".encode()[:1], False),
     (b"\xc0\x80", False), (b"\xed\xa0\x80", False), (b"\xf4\x90\x80\x80", False), (b"\xf4\x8f\xbf\xbf", True)],
)  # fmt: skip
def test_utf8_is_told_as_the_standard_does(block, is_valid) -> None:
    assert is_utf8(block) is is_valid
