"""Archives that are cut off or damaged give what they hold, and say what is missing."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import time
import zipfile
from pathlib import Path

import py7zr
import pytest
import zstandard

from cloakroom.adapters.evidence.files import DumpFiles
from cloakroom.claims.limits import MEBIBYTE, Limits
from cloakroom.claims.sources import DamagedError, PlainFile
from cloakroom.errors import LimitError

LINES = [b"person%d@example.org,%d\n" % (n, random.Random(n).randrange(10**9)) for n in range(4_000)]
ROWS = b"".join(LINES)


def read_in_pieces(path: Path, limits: Limits | None = None) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return what each file gives, piece after piece, and what was said of files, damage included."""
    read: dict[str, bytes] = {}
    said: dict[str, str] = {}
    for item in DumpFiles([path], limits).files():
        if not isinstance(item, PlainFile):
            said[item.path] = item.reason
            continue
        parts: list[bytes] = []
        try:
            while piece := item.stream.read(1 << 20):
                parts.append(piece)
        except (DamagedError, LimitError) as error:
            said[item.path] = str(error)
        read[item.path] = b"".join(parts)
    return read, said


class Unseekable(io.BytesIO):
    """What `zipfile` writes to as to a pipe: sizes and sums follow the data."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


def zip_of(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, *, is_streamed: bool = False) -> bytes:
    target = Unseekable() if is_streamed else io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target.getvalue()


def tar_of(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


def seven_zip_of(members: dict[str, bytes], filters: list[dict[str, int]] | None = None) -> bytes:
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w", filters=filters) as archive:
        for name, data in members.items():
            archive.writestr(data, name)
    return target.getvalue()


def zst_of(pieces: list[bytes]) -> bytes:
    press = zstandard.ZstdCompressor().compressobj()
    blocks = [press.compress(piece) + press.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) for piece in pieces]
    return b"".join(blocks) + press.flush()


ONE = {"a.csv": ROWS}
STREAMS = {
    "gz": gzip.compress(ROWS),
    "xz": lzma.compress(ROWS),
    "zst in blocks": zst_of([ROWS[at : at + 9_000] for at in range(0, len(ROWS), 9_000)]),
    "bz2 in blocks": b"".join(bz2.compress(ROWS[at : at + 9_000]) for at in range(0, len(ROWS), 9_000)),
    "tar": tar_of(ONE),
    "tar.gz": gzip.compress(tar_of(ONE)),
    "zip": zip_of(ONE),
    "zip, stored": zip_of(ONE, zipfile.ZIP_STORED),
    "zip as a stream": zip_of(ONE, is_streamed=True),
    "zip as a stream, stored": zip_of(ONE, zipfile.ZIP_STORED, is_streamed=True),
    "7z": seven_zip_of(ONE),
    "7z, LZMA": seven_zip_of(ONE, [{"id": py7zr.FILTER_LZMA}]),
    "7z, stored": seven_zip_of(ONE, [{"id": py7zr.FILTER_COPY}]),
}


@pytest.mark.parametrize("kept", [0.5, 0.97])
@pytest.mark.parametrize("kind", STREAMS)
def test_what_is_cut_off_gives_its_beginning_and_says_that_its_end_is_missing(tmp_path, kind, kept) -> None:
    data = STREAMS[kind]
    path = tmp_path / "dump"
    path.write_bytes(data[: int(len(data) * kept)])
    read, said = read_in_pieces(path)
    (found,) = read.values()
    assert ROWS.startswith(found)
    assert len(found) > 0.75 * kept * len(ROWS)
    assert any("cut off" in words or "truncated" in words for words in said.values())


@pytest.mark.parametrize("kind", ["gz", "zip", "zip as a stream"])
def test_what_is_damaged_in_its_middle_gives_what_comes_before(tmp_path, kind) -> None:
    data = bytearray(STREAMS[kind])
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    path = tmp_path / "dump"
    path.write_bytes(bytes(data))
    read, said = read_in_pieces(path)
    (found,) = read.values()
    assert found.startswith(ROWS[: int(len(ROWS) * 0.4)])
    assert said


@pytest.mark.parametrize("is_streamed", [False, True], ids=["sizes in front", "sizes behind"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_a_zip_without_its_directory_gives_every_whole_file(tmp_path, method, is_streamed) -> None:
    members = {"a.csv": ROWS, "b/ü.csv": ROWS[:500], "empty": b"", "c.csv": ROWS[:50_000]}
    data = zip_of(members, method, is_streamed=is_streamed)
    path = tmp_path / "dump"
    directory = data.index(b"PK\x01\x02")
    path.write_bytes(data[:directory])
    read, said = read_in_pieces(path)
    assert read == {f"dump!{name}": content for name, content in members.items()}
    assert said == {"dump": "truncated zip: 4 files begin in it; its directory is missing, and whatever stood behind"}
    # Behind whole files one that is cut off is named, and none of its rows is counted.
    path.write_bytes(data[: directory - 2_000])
    read, said = read_in_pieces(path)
    assert list(read) == ["dump!a.csv", "dump!b/ü.csv", "dump!empty"]
    assert said["dump!c.csv"] == "the archive ends in the middle of it; nothing of it is counted"


def test_a_zip_whose_directory_is_cut_off_gives_every_file(tmp_path) -> None:
    data = zip_of({"a.csv": ROWS, "b.csv": b"x"})
    path = tmp_path / "dump"
    path.write_bytes(data[: data.index(b"PK\x01\x02") + 60])
    read, said = read_in_pieces(path)
    assert list(read.values()) == [ROWS, b"x"]
    assert "its directory is missing" in said["dump"]


def test_behind_damage_in_a_zip_the_next_file_is_found(tmp_path) -> None:
    data = bytearray(zip_of({"a.csv": ROWS, "b.csv": ROWS[:100], "c.csv": ROWS}))
    second = data.index(b"PK\x03\x04", 4)
    data[second : second + 40] = bytes(40)
    path = tmp_path / "dump"
    path.write_bytes(bytes(data[: data.index(b"PK\x01\x02")]))
    assert list(read_in_pieces(path)[0]) == ["dump!a.csv", "dump!c.csv"]


def test_encrypted_files_of_a_zip_without_its_directory_are_named(tmp_path) -> None:
    data = bytearray(zip_of({"a.csv": ROWS[:1_000], "b.csv": ROWS}))
    data[6] |= 1
    path = tmp_path / "dump"
    path.write_bytes(bytes(data[: data.index(b"PK\x01\x02")]))
    read, said = read_in_pieces(path)
    assert list(read) == ["dump!b.csv"]
    assert said["dump!a.csv"] == "encrypted"


def test_a_cut_off_archive_within_another_gives_what_it_holds(tmp_path) -> None:
    inner = zip_of(ONE)[:20_000]
    path = tmp_path / "dump"
    path.write_bytes(gzip.compress(tar_of({"x.zip": inner})))
    read, said = read_in_pieces(path)
    assert ROWS.startswith(read["dump!x.zip!a.csv"])
    assert len(read["dump!x.zip!a.csv"]) > 10_000
    assert "truncated zip" in said["dump!x.zip"]


def test_a_workbook_that_is_cut_off_is_taken_for_the_archive_that_it_is(tmp_path) -> None:
    data = zip_of({"[Content_Types].xml": b"<Types/>", "xl/sharedStrings.xml": b"<t>ada@example.org</t>" * 100})
    path = tmp_path / "book.xlsx"
    path.write_bytes(data[:-30])
    assert b"ada@example.org" in read_in_pieces(path)[0]["book.xlsx!xl/sharedStrings.xml"]
    path.write_bytes(data)
    assert list(read_in_pieces(path)[0]) == ["book.xlsx"]


def test_a_7z_archive_that_is_cut_off_says_how_much_of_it_is_there(tmp_path) -> None:
    data = seven_zip_of({"a.csv": ROWS, "b.csv": ROWS[:100]})
    path = tmp_path / "dump"
    path.write_bytes(data[:-10])
    read, said = read_in_pieces(path)
    assert read == {"dump!(what is left)": ROWS + ROWS[:100]}
    assert said["dump"] == (
        f"truncated 7z: {len(data) - 10:,} of {len(data):,} bytes are there, not the names and ends of its files"
    )


def test_what_is_left_of_an_encrypted_7z_archive_is_named_and_not_read(tmp_path) -> None:
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w", password="secret") as archive:
        archive.writestr(ROWS, "a.csv")
    path = tmp_path / "dump"
    path.write_bytes(target.getvalue()[:-10])
    read, said = read_in_pieces(path)
    assert b"@" not in b"".join(read.values())
    assert said


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_bomb_without_its_directory_is_refused_after_a_bounded_number_of_bytes(tmp_path, is_streamed) -> None:
    data = zip_of({"a.csv": b"x", "zeros": bytes(40 * MEBIBYTE)}, is_streamed=is_streamed)
    path = tmp_path / "dump"
    path.write_bytes(data[: data.index(b"PK\x01\x02")])
    dump = DumpFiles([path], Limits(ratio_free_bytes=MEBIBYTE))
    words = ""
    for item in dump.files():
        try:
            while isinstance(item, PlainFile) and item.stream.read(1 << 20):
                pass
        except LimitError as error:
            words = str(error)
    assert "times its size" in words
    assert dump.bytes_read < 40 * MEBIBYTE


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04" * 200_000,
        (b"PK\x03\x04" + b"\x14\0\x08\0\0\0" + bytes(20) + b"PK\x07\x08") * 25_000,
        b"PK\x03\x04" + bytes(26) + b"PK\x07\x08" * 200_000,
    ],
    ids=["headers alone", "streamed and stored", "sums alone"],
)
def test_signs_of_a_zip_without_end_take_linear_time(tmp_path, data) -> None:
    path = tmp_path / "dump"
    path.write_bytes(data)
    begun = time.process_time()
    read_in_pieces(path)
    assert time.process_time() - begun < 3
