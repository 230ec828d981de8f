"""Compressed streams give all that was packed or an error, and never more at once than they are asked for."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random

import pytest
import zstandard

from cloakroom.adapters.decompression import DAMAGE, SIGNATURES, container_kind, decompressed

WINDOW = 128 << 20
ROWS = b"".join(b"person%d@example.org\n" % (number * 7919 % 104_729) for number in range(300))
SKIPPABLE = (0x184D2A5F).to_bytes(4, "little") + (7).to_bytes(4, "little") + b"comment"


def zstd(data: bytes, **options: bool | int) -> bytes:
    return zstandard.ZstdCompressor(**options).compress(data)


def streamed_zstd(data: bytes) -> bytes:
    """Compress as a pipe does: no size in front, several blocks."""
    made = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return (
        b"".join(
            made.compress(data[at : at + 999]) + made.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
            for at in range(0, len(data), 999)
        )
        + made.flush()
    )


WRITTEN = {
    "gz": {"one part": gzip.compress(ROWS), "two parts": gzip.compress(ROWS[:50]) + gzip.compress(ROWS[50:])},
    "bz2": {"one part": bz2.compress(ROWS), "two parts": bz2.compress(ROWS[:50]) + bz2.compress(ROWS[50:])},
    "xz": {"one part": lzma.compress(ROWS)},
    "zst": {
        "one part": zstd(ROWS),
        "two parts": zstd(ROWS[:50]) + zstd(ROWS[50:]),
        "with a checksum": zstd(ROWS, write_checksum=True),
        "of unknown size": zstd(ROWS, write_content_size=False),
        "from a pipe": streamed_zstd(ROWS),
        "with a comment between": zstd(ROWS[:50]) + SKIPPABLE + zstd(ROWS[50:]),
        "with a comment at the end": zstd(ROWS) + SKIPPABLE,
        "an empty part in front": zstd(b"") + zstd(ROWS),
    },
}  # fmt: skip
CASES = [(kind, name) for kind, written in WRITTEN.items() for name in written]


class Dripping(io.BytesIO):
    """Gives a few bytes at a time, as a socket or a decompressor below does."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(7 if size is None or size < 0 else min(size, 7))


def read_whole(kind: str, source: io.BytesIO, size: int = 1000) -> bytes:
    stream = decompressed(kind, source, WINDOW)
    return b"".join(iter(lambda: stream.read(size), b""))


@pytest.mark.parametrize(("kind", "name"), CASES)
@pytest.mark.parametrize("source", [io.BytesIO, Dripping])
def test_every_stream_gives_what_was_packed(kind, name, source) -> None:
    assert read_whole(kind, source(WRITTEN[kind][name])) == ROWS


@pytest.mark.parametrize(
    ("kind", "name"), [case for case in CASES if case[1] not in {"two parts", "an empty part in front"}]
)
def test_a_stream_cut_anywhere_is_an_error_and_never_a_shorter_file(kind, name) -> None:
    whole = WRITTEN[kind][name]
    parts = {len(zstd(ROWS[:50])), len(zstd(ROWS[:50])) + len(SKIPPABLE), len(zstd(ROWS))}
    for end in range(1, len(whole)):
        if name.startswith("with a comment") and end in parts:
            continue  # Cut between two parts, it is a whole stream of one.
        with pytest.raises(DAMAGE):
            read_whole(kind, io.BytesIO(whole[:end]))


@pytest.mark.parametrize("kind", WRITTEN)
def test_rubbish_after_a_stream_is_an_error_and_zeros_are_none(kind) -> None:
    whole = WRITTEN[kind]["one part"]
    with pytest.raises((*DAMAGE, OSError)):
        read_whole(kind, io.BytesIO(whole + b"rubbish!"))
    if kind != "zst":
        assert read_whole(kind, io.BytesIO(whole + bytes(512))) == ROWS


@pytest.mark.parametrize("kind", WRITTEN)
def test_no_more_comes_at_once_than_is_asked_for(kind) -> None:
    pack = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd}[kind]
    stream = decompressed(kind, io.BytesIO(pack(bytes(8 << 20))), WINDOW)
    for size in (1, 1000, 65_536):
        assert len(stream.read(size)) <= size


def test_large_zstandard_blocks_of_every_kind_are_followed_to_their_end() -> None:
    noise = random.Random(5).randbytes(400_000)
    data = noise + bytes(900_000) + ROWS * 40
    for packed in (zstd(data), zstd(data, level=19, write_checksum=True), streamed_zstd(data)):
        assert read_whole("zst", io.BytesIO(packed), 1 << 20) == data
        with pytest.raises(EOFError):
            read_whole("zst", io.BytesIO(packed[:-1]), 1 << 20)


def test_a_window_beyond_the_limit_is_refused() -> None:
    packed = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=25),
    ).compressobj()
    data = packed.compress(random.Random(20).randbytes(1 << 20)) + packed.flush()
    with pytest.raises(zstandard.ZstdError):
        decompressed("zst", io.BytesIO(data), 1 << 20).read(10)
    with pytest.raises(lzma.LZMAError):
        decompressed("xz", io.BytesIO(lzma.compress(ROWS, preset=6)), 1 << 20).read(10)


@pytest.mark.parametrize("kind", SIGNATURES)
def test_a_container_is_known_by_its_whole_signature(kind) -> None:
    signature = SIGNATURES[kind]
    assert container_kind(signature + b"x") == kind
    assert container_kind(signature[:-1]) is None
    assert container_kind(b" " + signature) is None


def test_a_tape_archive_is_known_by_its_word_at_its_place() -> None:
    assert container_kind(b"x" * 257 + b"ustar\x0000") == "tar"
    assert container_kind(b"x" * 256 + b"ustar\x0000") is None
    assert container_kind(b"id,name\n1,Ada\n") is None
