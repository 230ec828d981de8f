"""Which Unicode encoding a text has is told by its first bytes alone."""

from __future__ import annotations

import codecs

import pytest

from cloakroom.canonical.byte_order import marked_encoding, order_of_utf16, unmarked_utf16

LATIN, CHINESE = "id;name;mail\n1;Zoë;zoe@example.org\n", "编号,姓名,电子邮件\n1001,王小明,13800138000\n"


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)  # fmt: skip
def test_a_mark_tells_encoding_and_order_and_its_own_length(mark, encoding) -> None:
    assert marked_encoding(mark + LATIN.encode(encoding)) == (encoding, len(mark))
    assert marked_encoding(LATIN.encode(encoding)) is None


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [LATIN, CHINESE])
def test_utf16_without_a_mark_is_known_by_its_zeros(text, order) -> None:
    assert unmarked_utf16(text.encode(order)) == order
    assert unmarked_utf16(text.encode(order)[:-1]) == order
    assert order_of_utf16(text.encode(order)) == order


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-32-le", "utf-32-be"])
def test_other_encodings_are_not_taken_for_it(encoding) -> None:
    assert unmarked_utf16((LATIN + CHINESE).encode(encoding)) is None


def pairs(count: int, *, first: int = 0, second: int = 0) -> bytes:
    """Return pairs of bytes of which so many have a zero in their first and in their second place."""
    made = bytearray(b"xy" * count)
    made[0 : 2 * first : 2] = bytes(first)
    made[1 : 2 * second : 2] = bytes(second)
    return bytes(made)


@pytest.mark.parametrize(("zeros", "is_known"), [(15, False), (16, True)])
def test_more_than_fifteen_in_a_hundred_must_be_zero(zeros, is_known) -> None:
    assert unmarked_utf16(pairs(100, second=zeros)) == ("utf-16-le" if is_known else None)
    assert unmarked_utf16(pairs(100, first=zeros)) == ("utf-16-be" if is_known else None)


@pytest.mark.parametrize(("others", "is_known"), [(9, True), (10, False)])
def test_of_the_other_places_fewer_than_an_eighth_as_many(others, is_known) -> None:
    assert unmarked_utf16(pairs(100, first=others, second=80)) == ("utf-16-le" if is_known else None)
    assert unmarked_utf16(pairs(100, first=80, second=others)) == ("utf-16-be" if is_known else None)


def test_a_few_bytes_tell_nothing() -> None:
    assert unmarked_utf16("abc".encode("utf-16-le")) is None
    assert unmarked_utf16("abcd".encode("utf-16-le")) == "utf-16-le"
    assert unmarked_utf16(b"") is None
