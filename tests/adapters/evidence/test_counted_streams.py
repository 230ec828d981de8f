"""What is read of a dump is counted exactly: at a limit it is still read, one byte, file or moment beyond is not."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import pytest
import zstandard

from cloakroom.adapters.evidence.counted import CountedStream, PackedBytes, ReadCounter, damaged
from cloakroom.claims.limits import Limits
from cloakroom.claims.sources import DamagedError, SourceLimitError
from cloakroom.errors import LimitError


class Hands:
    """A clock that stands where it was set."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Broken(io.BytesIO):
    """Gives its bytes, then an error of some library."""

    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data)
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        if not piece:
            raise self._error
        return piece


def stream(data: bytes, limits: Limits | None = None, packed: Callable[[], int] | None = None) -> CountedStream:
    return CountedStream(io.BytesIO(data), ReadCounter(limits or Limits()), packed=packed)


@pytest.mark.parametrize(("size", "fits"), [(99, True), (100, True), (101, False)])
def test_bytes_in_all_are_allowed_up_to_the_limit(size, fits):
    counter = ReadCounter(Limits(expanded_bytes=100))
    counter.add_bytes(60)
    if fits:
        counter.add_bytes(size - 60)
        assert counter.bytes_read == size
    else:
        with pytest.raises(SourceLimitError, match=r"^more than 100 bytes in all$"):
            counter.add_bytes(size - 60)


@pytest.mark.parametrize(("files", "fits"), [(2, True), (3, True), (4, False)])
def test_files_are_allowed_up_to_the_limit(files, fits):
    counter = ReadCounter(Limits(members=3))
    for _ in range(files - 1):
        counter.add_file()
    if fits:
        counter.add_file()
        assert counter.files == files
    else:
        with pytest.raises(SourceLimitError, match=r"^more than 3 files$"):
            counter.add_file()


@pytest.mark.parametrize(("passed", "fits"), [(0.0, True), (9.0, True), (10.0, True), (10.5, False)])
def test_time_runs_from_the_beginning_of_the_dump(passed, fits):
    clock = Hands()
    counter = ReadCounter(Limits(seconds=10.0), clock)
    clock.seconds += passed
    if fits:
        counter.add_bytes(1)
    else:
        with pytest.raises(SourceLimitError, match=r"^reading took more than 10 seconds$"):
            counter.add_bytes(1)


@pytest.mark.parametrize(("size", "fits"), [(79, True), (80, True), (81, False)])
def test_one_packed_byte_becomes_no_more_than_the_ratio(size, fits):
    read = stream(b"x" * size, Limits(ratio=8, ratio_free_bytes=20), lambda: 10)
    if fits:
        assert read.read() == b"x" * size
    else:
        with pytest.raises(LimitError, match=r"^decompresses to more than 8 times its size$") as caught:
            read.read()
        # One file is refused, not the whole dump.
        assert not isinstance(caught.value, SourceLimitError)


@pytest.mark.parametrize(("size", "fits"), [(20, True), (21, False)])
def test_the_ratio_counts_only_after_the_bytes_that_are_free(size, fits):
    read = stream(b"x" * size, Limits(ratio=2, ratio_free_bytes=20), lambda: 1)
    if fits:
        assert len(read.read()) == size
    else:
        with pytest.raises(LimitError):
            read.read()


def test_a_packed_size_of_nought_counts_as_one_byte_and_what_was_not_packed_has_no_ratio():
    limits = Limits(ratio=8, ratio_free_bytes=0)
    assert stream(b"x" * 8, limits, lambda: 0).read() == b"x" * 8
    with pytest.raises(LimitError):
        stream(b"x" * 9, limits, lambda: 0).read()
    assert stream(b"x" * 9000, limits).read() == b"x" * 9000


@pytest.mark.parametrize("first", [0, 1, 3, 10, 20])
@pytest.mark.parametrize("then", [0, 1, 3, 10, 20, -1])
def test_looking_takes_nothing_and_reading_gives_what_was_asked_for(first, then):
    data = b"0123456789"
    read = stream(data)
    assert read.peek(first) == data[:first]
    assert read.peek(first) == data[:first]
    taken = data if then < 0 else data[:then]
    assert read.read(then) == taken
    assert read.peek(3) == data[len(taken) :][:3]
    assert read.read() == data[len(taken) :]
    assert read.peek() == b""
    assert read.read(5) == b""


def test_looking_counts_a_byte_once():
    counter = ReadCounter(Limits())
    read = CountedStream(io.BytesIO(b"x" * 1000), counter)
    read.peek(10)
    read.peek(400)
    read.peek(300)
    assert counter.bytes_read == 400
    read.read()
    assert counter.bytes_read == 1000


def test_several_streams_are_counted_together():
    counter = ReadCounter(Limits(expanded_bytes=15))
    assert CountedStream(io.BytesIO(b"x" * 10), counter).read() == b"x" * 10
    with pytest.raises(SourceLimitError):
        CountedStream(io.BytesIO(b"x" * 10), counter).read()


def test_a_stream_that_gives_little_at_a_time_is_asked_until_it_ends():
    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(3, size) if size is not None and size >= 0 else 3)

    read = CountedStream(Dripping(b"0123456789"), ReadCounter(Limits()))
    assert read.peek(5) == b"01234"
    assert read.read(9) == b"012345678"
    assert read.read(9) == b"9"


LIBRARY_ERRORS = [
    EOFError("x"), zlib.error("x"), lzma.LZMAError("x"), zstandard.ZstdError("x"), OSError("secret"),
    tarfile.ReadError("secret"), zipfile.BadZipFile("secret"), NotImplementedError("x"), RuntimeError("secret"),
    KeyError("secret"), IndexError("x"), OverflowError("x"), UnicodeDecodeError("utf-8", b"secret", 0, 1, "secret"),
]  # fmt: skip


@pytest.mark.parametrize("error", LIBRARY_ERRORS, ids=lambda error: type(error).__name__)
def test_what_a_library_raises_over_damage_is_told_by_its_kind_and_never_by_its_words(error):
    read = CountedStream(Broken(b"0123456789", error), ReadCounter(Limits()))
    assert read.read(10) == b"0123456789"
    with pytest.raises(DamagedError) as caught:
        read.read(1)
    words = {EOFError: "cut off, its end is missing", zlib.error: "its compressed data is damaged"}
    assert str(caught.value) == words.get(type(error), type(error).__name__)
    assert caught.value.__cause__ is error


def test_what_came_before_damage_is_given_and_the_damage_is_told_the_next_time():
    data = b"x" * 5_000
    read = CountedStream(Broken(data, EOFError()), ReadCounter(Limits()))
    assert read.peek(4_000) == data[:4_000]
    assert read.read(1 << 20) == data
    for _ in range(2):
        with pytest.raises(DamagedError, match="cut off"):
            read.read(1)
    # Who asks for all of it gets all of it or nothing.
    with pytest.raises(DamagedError):
        CountedStream(Broken(data, EOFError()), ReadCounter(Limits())).read()


def test_a_library_that_drops_what_it_has_when_it_meets_damage_loses_little_of_it():
    """`zipfile` and `tarfile` do so: whatever was asked for together is lost."""

    class Dropping(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            piece = super().read(size)
            if size is not None and len(piece) < size:
                raise zlib.error("damaged")
            return piece

    for length in (1_000, 20_000, 3_000_000):
        read = CountedStream(Dropping(bytes(length)), ReadCounter(Limits()))
        assert len(read.peek(64 << 10)) >= min(length - 512, length * 8 // 9, 64 << 10)
        assert len(read.read(1 << 30)) >= min(length - 512, length * 8 // 9)


def test_our_own_words_about_damage_are_told():
    assert str(damaged(ValueError("damaged 7z archive"))) == "damaged 7z archive"


def test_limits_and_defects_are_not_taken_for_damage():
    for error in (LimitError("x"), AssertionError("x"), MemoryError()):
        with pytest.raises(type(error)):
            CountedStream(Broken(b"", error), ReadCounter(Limits())).read(1)


def test_packed_bytes_are_counted_as_they_are_taken():
    packed = PackedBytes(io.BytesIO(b"0123456789"))
    assert (packed.read(4), packed.count) == (b"0123", 4)
    assert (packed.read(), packed.count) == (b"456789", 10)
    assert (packed.read(4), packed.count) == (b"", 10)
