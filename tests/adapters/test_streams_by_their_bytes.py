"""Compressed streams written byte by byte from RFC 1952 (gzip), RFC 1951 (deflate) and RFC 8878 (Zstandard)."""

from __future__ import annotations

import io
import struct
import zlib

import pytest

from cloakroom.adapters.decompression import DAMAGE, container_kind, decompressed

WINDOW = 1 << 23
DATA = b"ada@example.org\n"


def read_whole(kind: str, data: bytes, size: int = 5) -> bytes:
    stream = decompressed(kind, io.BytesIO(data), WINDOW)
    return b"".join(iter(lambda: stream.read(size), b""))


def stored(data: bytes) -> bytes:
    """Deflate without compression: last block, type 0, length and its complement (RFC 1951, section 3.2.4)."""
    return b"\x01" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data


def gzip_member(data: bytes, *, flags: int = 0, fields: bytes = b"", crc: int | None = None, size: int | None = None):
    head = b"\x1f\x8b\x08" + bytes([flags]) + bytes(4) + b"\x00\xff" + fields
    checksum = zlib.crc32(data) if crc is None else crc
    return head + stored(data) + struct.pack("<II", checksum, len(data) if size is None else size)


FIELDS = {
    "none": (0, b""),
    "a text": (1, b""),
    "an extra field": (4, struct.pack("<H", 6) + b"ab\x02\x00xy"),
    "a name": (8, b"customers.csv\x00"),
    "a comment": (16, b"of last night\x00"),
    "a name and a comment": (24, b"customers.csv\x00of last night\x00"),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_gzip_member_may_have_any_of_the_fields_of_its_head(name):
    flags, fields = FIELDS[name]
    member = gzip_member(DATA, flags=flags, fields=fields)
    assert container_kind(member) == "gz"
    assert read_whole("gz", member) == DATA
    assert read_whole("gz", member * 3) == DATA * 3
    for end in range(1, len(member)):
        with pytest.raises(DAMAGE):
            read_whole("gz", member[:end])


@pytest.mark.parametrize("wrong", [{"crc": 1}, {"size": 0}, {"size": len(DATA) + 1}, {"flags": 0xE0}])
def test_a_gzip_member_whose_sums_or_flags_are_wrong_is_damaged(wrong):
    with pytest.raises(DAMAGE):
        read_whole("gz", gzip_member(DATA, **wrong))


def test_a_gzip_member_of_nothing_is_followed_by_the_next():
    assert read_whole("gz", gzip_member(b"") + gzip_member(DATA) + gzip_member(b"")) == DATA


@pytest.mark.parametrize("padding", [1, 511, 70_000])
def test_zeros_to_the_end_of_a_tape_block_are_no_damage_and_what_follows_them_is_a_member(padding):
    assert read_whole("gz", gzip_member(DATA) + bytes(padding)) == DATA
    assert read_whole("gz", gzip_member(DATA) + bytes(padding) + gzip_member(DATA)) == DATA * 2
    with pytest.raises(DAMAGE):
        read_whole("gz", gzip_member(DATA) + bytes(padding) + b"x")


MAGIC = b"\x28\xb5\x2f\xfd"


def block(data: bytes, *, kind: int = 0, size: int | None = None, last: bool = True) -> bytes:
    """A raw (0) or repeated (1) block: 24 bits of last flag, kind and size (RFC 8878, section 3.1.1.2)."""
    header = int(last) | kind << 1 | (len(data) if size is None else size) << 3
    return header.to_bytes(3, "little") + data


def frame(size: int, field_bytes: int, blocks: bytes, *, is_single: bool = True) -> bytes:
    """A frame whose content size takes so many bytes; of one segment, or with a window of 1 kB."""
    flag = {0: 0, 1: 0, 2: 1, 4: 2, 8: 3}[field_bytes]
    descriptor = flag << 6 | int(is_single) << 5
    told = (size - 256 if field_bytes == 2 else size).to_bytes(field_bytes, "little") if field_bytes else b""
    return MAGIC + bytes([descriptor]) + (b"" if is_single else b"\x00") + told + blocks


LONG = bytes(range(256)) * 2
FRAMES = {
    "a size of one byte": (frame(16, 1, block(DATA)), DATA),
    "a size of two bytes": (frame(512, 2, block(LONG)), LONG),
    "a size of four bytes": (frame(16, 4, block(DATA)), DATA),
    "a size of eight bytes": (frame(16, 8, block(DATA)), DATA),
    "a window and no size": (frame(16, 0, block(DATA), is_single=False), DATA),
    "a window and a size of two bytes": (frame(512, 2, block(LONG), is_single=False), LONG),
    "two blocks": (frame(32, 1, block(DATA, last=False) + block(DATA)), DATA * 2),
    "a repeated byte": (frame(200, 1, block(b"z", kind=1, size=200)), b"z" * 200),
    "a repeated byte between": (
        frame(42, 1, block(DATA, last=False) + block(b"z", kind=1, size=10, last=False) + block(DATA)),
        DATA + b"z" * 10 + DATA,
    ),
    "an empty last block": (frame(16, 1, block(DATA, last=False) + block(b"")), DATA),
    "nothing": (frame(0, 1, block(b"")), b""),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_zstandard_frame_of_every_layout_is_read_to_its_end_and_no_shorter(name):
    data, content = FRAMES[name]
    assert container_kind(data) == "zst"
    assert read_whole("zst", data) == content
    assert read_whole("zst", data + data) == content * 2
    for end in range(1, len(data)):
        with pytest.raises(DAMAGE):
            read_whole("zst", data[:end])
        with pytest.raises(DAMAGE):
            read_whole("zst", data + data[:end])


@pytest.mark.parametrize("kind", [0, 5, 15])
@pytest.mark.parametrize("length", [0, 1, 300])
def test_a_skippable_frame_of_any_kind_is_passed_over(kind, length):
    skippable = (0x184D2A50 + kind).to_bytes(4, "little") + length.to_bytes(4, "little") + bytes(length)
    data, content = FRAMES["two blocks"]
    assert read_whole("zst", data + skippable + data) == content * 2
    assert read_whole("zst", skippable + data) == content
    for end in range(1, len(skippable)):
        with pytest.raises(DAMAGE):
            read_whole("zst", data + skippable[:end])


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_stream_that_has_ended_stays_at_its_end(size):
    for kind, data in (("gz", gzip_member(DATA)), ("zst", FRAMES["an empty last block"][0])):
        stream = decompressed(kind, io.BytesIO(data), WINDOW)
        assert b"".join(iter(lambda stream=stream: stream.read(size), b"")) == DATA
        assert [stream.read(size) for _ in range(3)] == [b""] * 3


@pytest.mark.parametrize(
    ("head", "kind"),
    [(b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip-empty"), (b"PK\x07\x08", None), (b"\x1f\x8b\x08", "gz"),
     (b"\x1f\x8b\x07", None), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zst"),
     (b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07\x00", "rar"), (b"Rar!\x1a\x07\x01\x00", "rar"), (b"", None)],
)  # fmt: skip
def test_signatures_are_those_of_the_formats_own_specifications(head, kind):
    assert container_kind(head + b"x" * 300) == kind
