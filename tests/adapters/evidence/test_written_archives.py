"""Archives written byte by byte from their specifications (APPNOTE.TXT, POSIX ustar, 7zFormat.txt) and in folders."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import struct
import zipfile
import zlib
from pathlib import Path

import py7zr
import pytest

from cloakroom.adapters.evidence.containers import shown_name
from cloakroom.adapters.evidence.files import DumpFiles
from cloakroom.adapters.evidence.seven_zip import dictionary_bytes
from cloakroom.claims.limits import Limits
from cloakroom.claims.sources import DamagedError, PlainFile
from cloakroom.errors import LimitError, UsageError

ROWS = b"email,name\nada@example.org,Ada Example\n"


def read_all(
    *paths: Path, limits: Limits | None = None, skip: frozenset[Path] = frozenset()
) -> dict[str, bytes | str]:
    """Return the content of each file, or why it was not read."""
    found: dict[str, bytes | str] = {}
    for item in DumpFiles(list(paths), limits, skip=skip).files():
        if isinstance(item, PlainFile):
            try:
                found[item.path] = item.stream.read()
            except (DamagedError, LimitError) as error:
                found[item.path] = f"{type(error).__name__}: {error}"
        else:
            found[item.path] = item.reason
    return found


def written(folder: Path, data: bytes, name: str = "dump") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def zip_member(
    name: bytes,
    data: bytes,
    *,
    method: int = 0,
    flags: int = 0,
    crc: int | None = None,
    mode: int = 0,
    system: int = 3,
) -> tuple[bytes, bytes]:
    """A local file with its bytes, and its entry of the central directory but for the offset."""
    packed = data
    if method == 8:
        squeeze = zlib.compressobj(wbits=-15)
        packed = squeeze.compress(data) + squeeze.flush()
    checksum = zlib.crc32(data) if crc is None else crc
    sums = struct.pack("<III", checksum, len(packed), len(data))
    is_streamed = flags & 8
    local = (
        b"PK\x03\x04" + struct.pack("<HHHHH", 20, flags, method, 0, 33) + (bytes(12) if is_streamed else sums)
        + struct.pack("<HH", len(name), 0) + name + packed + (b"PK\x07\x08" + sums if is_streamed else b"")
    )  # fmt: skip
    entry = (
        b"PK\x01\x02" + struct.pack("<BBHHHHH", 20, system, 20, flags, method, 0, 33) + sums
        + struct.pack("<HHHHHI", len(name), 0, 0, 0, 0, mode << 16)
    )  # fmt: skip
    return local, entry


def zip_file(*members: tuple[bytes, bytes, bytes], before: bytes = b"", comment: bytes = b"") -> bytes:
    """An archive of members, each with its name once more."""
    body, directory = before, b""
    for local, entry, name in members:
        directory += entry + struct.pack("<I", len(body)) + name
        body += local
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), len(body), len(comment))
    return body + directory + b"PK\x05\x06" + end + comment


def member(name: str = "a.csv", data: bytes = ROWS, **how: int) -> tuple[bytes, bytes, bytes]:
    local, entry = zip_member(name.encode(), data, **how)
    return local, entry, name.encode()


@pytest.mark.parametrize("method", [0, 8], ids=["stored", "deflated"])
@pytest.mark.parametrize("flags", [0, 8, 0x800], ids=["sums in front", "sums behind", "names in UTF-8"])
@pytest.mark.parametrize("comment", [b"", b"of last night"])
def test_a_zip_of_every_layout_is_read(tmp_path, method, flags, comment):
    data = zip_file(member(method=method, flags=flags), member("b/ü.csv", b"x", flags=0x800), comment=comment)
    assert read_all(written(tmp_path, data)) == {"dump!a.csv": ROWS, "dump!b/ü.csv": b"x"}


def test_an_archive_of_nothing_holds_nothing(tmp_path):
    assert read_all(written(tmp_path, zip_file())) == {}
    assert read_all(written(tmp_path, bytes(1024))) == {"dump": bytes(1024)}


def test_a_member_whose_sum_is_wrong_is_damaged_and_the_next_one_is_read(tmp_path):
    """The sum of a small one is known at its first bytes, that of a larger one only at its end."""
    for size, reason in ((10, "damaged or truncated file (BadZipFile)"), (5000, "DamagedError: BadZipFile")):
        for method in (0, 8):
            data = zip_file(member(data=os.urandom(size), crc=1, method=method), member("b.csv", b"x"))
            assert read_all(written(tmp_path, data)) == {"dump!a.csv": reason, "dump!b.csv": b"x"}


@pytest.mark.parametrize("method", [1, 6, 9, 97, 99])
def test_a_method_that_is_not_known_leaves_its_member_unread_and_the_next_one_is_read(tmp_path, method):
    data = zip_file(member(method=method), member("b.csv", b"x"))
    found = read_all(written(tmp_path, data))
    assert found == {"dump!a.csv": f"compressed by method {method} of zip, which is not read", "dump!b.csv": b"x"}


def test_an_encrypted_member_a_link_and_a_folder_are_told_and_the_next_one_is_read(tmp_path):
    data = zip_file(
        member("locked.csv", flags=1), member("link.csv", b"/etc/passwd", mode=0o120777), member("folder/", b""),
        member("a.csv"),
    )  # fmt: skip
    assert read_all(written(tmp_path, data)) == {
        "dump!locked.csv": "encrypted",
        "dump!link.csv": "a link inside an archive",
        "dump!a.csv": ROWS,
    }


def test_two_members_of_one_name_are_both_read(tmp_path):
    items = list(DumpFiles([written(tmp_path, zip_file(member(data=b"one"), member(data=b"two")))]).files())
    assert [item.path for item in items] == ["dump!a.csv"] * 2


def test_a_local_name_that_differs_from_the_directorys_is_damage(tmp_path):
    local, entry, _ = member("a.csv")
    data = zip_file((local, entry, b"b.csv"))
    assert read_all(written(tmp_path, data)) == {"dump!b.csv": "damaged or truncated zip (BadZipFile)"}


@pytest.mark.parametrize("first", ["[Content_Types].xml", "xl/workbook.xml", "_rels/.rels", "docProps/app.xml"])
def test_a_workbook_is_one_file_and_no_container(tmp_path, first):
    data = zip_file(member(first), member("xl/worksheets/sheet1.xml"))
    assert read_all(written(tmp_path, data)) == {"dump": data}


@pytest.mark.parametrize("first", ["content.xml", "xlsx/a.csv", "a/xl/b.csv", "rels/.rels"])
def test_a_zip_whose_first_name_only_resembles_a_workbooks_is_a_container(tmp_path, first):
    assert read_all(written(tmp_path, zip_file(member(first)))) == {f"dump!{first}": ROWS}


def tar_header(
    name: bytes, size: int, *, kind: bytes = b"0", link: bytes = b"", prefix: bytes = b"", checksum: int | None = None
) -> bytes:
    """A header of POSIX ustar: mode, owner, size and time in octal, the sum over all with blanks in its own place."""
    head = bytearray(512)
    head[: len(name)] = name
    head[100:124] = b"0000644\x000000000\x000000000\x00"
    head[124:136] = b"%011o\x00" % size
    head[136:148] = b"00000000000\x00"
    head[148:156] = b" " * 8
    head[156:157] = kind
    head[157 : 157 + len(link)] = link
    head[257:265] = b"ustar\x0000"
    head[345 : 345 + len(prefix)] = prefix
    head[148:156] = b"%06o\x00 " % (sum(head) if checksum is None else checksum)
    return bytes(head)


def tar_member(name: bytes, data: bytes, **how: bytes) -> bytes:
    return tar_header(name, len(data), **how) + data + bytes(-len(data) % 512)


END = bytes(1024)


def test_a_tape_archive_is_read_with_the_folders_of_long_names(tmp_path):
    data = tar_member(b"a.csv", ROWS) + tar_member(b"b.csv", b"x" * 512, prefix=b"in/a/folder") + END
    assert read_all(written(tmp_path, data)) == {"dump!a.csv": ROWS, "dump!in/a/folder/b.csv": b"x" * 512}


@pytest.mark.parametrize(
    "kind", [b"1", b"2", b"3", b"4", b"6"], ids=["hard link", "link", "character device", "block device", "pipe"]
)
def test_whatever_is_no_file_on_a_tape_is_named_and_nothing_it_points_to_is_read(tmp_path, kind):
    secret = written(tmp_path, b"secret", "secret")
    data = tar_header(b"odd", 0, kind=kind, link=str(secret).encode()) + tar_member(b"a.csv", ROWS) + END
    found = read_all(written(tmp_path, data))
    assert found.pop("dump!odd", "a link or device inside an archive") == "a link or device inside an archive"
    assert b"secret" not in found.values()


def test_a_folder_on_a_tape_is_no_file(tmp_path):
    data = tar_header(b"folder/", 0, kind=b"5") + tar_member(b"folder/a.csv", ROWS) + END
    assert read_all(written(tmp_path, data)) == {"dump!folder/a.csv": ROWS}


def test_a_tape_whose_header_has_a_wrong_sum_is_damaged_and_what_came_before_is_read(tmp_path):
    data = tar_member(b"a.csv", ROWS) + tar_header(b"b.csv", 10, checksum=1) + bytes(512) + END
    found = read_all(written(tmp_path, data))
    assert found["dump!a.csv"] == ROWS
    assert set(found) <= {"dump!a.csv", "dump"}


def test_a_member_cut_off_on_a_tape_is_damage_and_never_a_shorter_file(tmp_path):
    data = tar_member(b"a.csv", ROWS) + tar_header(b"b.csv", 2000) + b"x" * 1000
    found = read_all(written(tmp_path, data))
    assert found["dump!a.csv"] == ROWS
    assert isinstance(found["dump!b.csv"], str)


def test_the_next_file_is_found_although_the_one_before_was_not_read_to_its_end(tmp_path):
    """A stream is valid until the next file is asked for; whoever looks at its beginning only loses nothing else."""
    archives = {
        "tar": tar_member(b"a.csv", b"x" * 5000) + tar_member(b"b.csv", ROWS) + END,
        "zip": zip_file(member(data=b"x" * 5000, method=8), member("b.csv")),
    }
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w") as archive:
        archive.writestr(os.urandom(300_000), "a.csv")
        archive.writestr(ROWS, "b.csv")
    archives["7z"] = target.getvalue()
    for name, data in archives.items():
        for taken in (0, 10):
            contents = []
            for item in DumpFiles([written(tmp_path, data, name)]).files():
                assert isinstance(item, PlainFile)
                contents.append(item.stream.read() if item.path.endswith("b.csv") else item.stream.read(taken))
            assert contents[1] == ROWS, name


@pytest.mark.parametrize(("size", "fits"), [(-1, False), (0, True), (1, True)])
def test_a_container_within_another_is_held_in_memory_up_to_its_limit(tmp_path, size, fits):
    inner = zip_file(member())
    limits = Limits(nested_bytes=len(inner) + size)
    found = read_all(written(tmp_path, zip_file(member("inner.zip", inner))), limits=limits)
    if fits:
        assert found == {"dump!inner.zip!a.csv": ROWS}
    else:
        reason = f"refused: a container inside a container of more than {len(inner) - 1} bytes"
        assert found == {"dump!inner.zip": reason}
    # One that lies on the disk is not held.
    assert read_all(written(tmp_path, inner), limits=limits) == {"dump!a.csv": ROWS}


@pytest.mark.parametrize(("depth", "fits"), [(2, False), (3, True)])
def test_depth_counts_each_container_and_the_file_on_disk_as_one(tmp_path, depth, fits):
    data = zip_file(member("c.gz", gzip.compress(zip_file(member()))))
    found = read_all(written(tmp_path, data), limits=Limits(depth=depth))
    if fits:
        assert list(found.values()) == [ROWS]
    else:
        assert list(found.values()) == ["more than 2 containers inside each other"]


@pytest.mark.parametrize(
    ("method", "properties", "size"),
    [
        # LZMA2: bits 5..0 give (2 | bit 0) << (bits / 2 + 11); 40 is 4 GiB - 1 (LZMA SDK, 7zFormat.txt).
        (b"\x21", b"\x00", 4 << 10), (b"\x21", b"\x01", 6 << 10), (b"\x21", b"\x02", 8 << 10),
        (b"\x21", b"\x18", 16 << 20), (b"\x21", b"\x1c", 64 << 20), (b"\x21", b"\x1d", 96 << 20),
        (b"\x21", b"\x27", 3 << 30), (b"\x21", b"\x28", 0xFFFFFFFF), (b"\x21", b"\x29", 0xFFFFFFFF),
        # LZMA and PPMd: one byte of parameters, then the size in four bytes.
        (b"\x03\x01\x01", b"\x5d\x00\x00\x00\x01", 16 << 20), (b"\x03\x01\x01", b"\x5d\xff\xff\xff\xff", 0xFFFFFFFF),
        (b"\x03\x04\x01", b"\x06\x00\x00\x00\x02", 32 << 20), (b"\x03\x01\x01", b"\x5d\x00\x00", 0),
        (b"\x21", None, 0), (b"\x21", b"", 0), (b"\x00", b"\x01\x02\x03\x04\x05", 0),
        (b"\x03\x01\x03", b"\x00" * 5, 0),
    ],
)  # fmt: skip
def test_the_dictionary_of_a_coder_is_read_from_its_properties(method, properties, size):
    assert dictionary_bytes(method, properties) == size


@pytest.mark.parametrize(("window", "fits"), [((64 << 10) - 1, False), (64 << 10, True)])
def test_a_7z_archive_whose_decoder_asks_for_more_memory_than_allowed_is_refused(tmp_path, window, fits):
    target = io.BytesIO()
    filters = [{"id": py7zr.FILTER_LZMA2, "dict_size": 64 << 10}]
    with py7zr.SevenZipFile(target, "w", filters=filters) as archive:
        archive.writestr(ROWS, "a.csv")
    found = read_all(written(tmp_path, target.getvalue()), limits=Limits(window_bytes=window))
    expected = {"dump!a.csv": ROWS} if fits else {"dump": "refused: its decoder asks for too much memory"}
    assert found == expected


def test_an_encrypted_7z_archive_is_told(tmp_path):
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w", password="not for the report") as archive:
        archive.writestr(ROWS, "a.csv")
    assert read_all(written(tmp_path, target.getvalue())) == {"dump": "an encrypted 7z archive"}


def test_a_rar_archive_is_told_and_what_lies_beside_it_is_read(tmp_path):
    rar = written(tmp_path, b"Rar!\x1a\x07\x01\x00" + bytes(50), "a.rar")
    assert read_all(rar, written(tmp_path, ROWS, "b.csv")) == {
        "a.rar": "a rar archive, which is not read",
        "b.csv": ROWS,
    }


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a/b.csv", "a/b.csv"), ("a\\b.csv", "a/b.csv"), ("a\x1b[31m", "a\ufffd[31m"), ("a\nb", "a\ufffdb"),
        ("a\u202eb", "a\ufffdb"), ("a\x00b", "a\ufffdb"), ("\ud800", "\ufffd"), ("ü 漢", "ü 漢"),
        ("x" * 401, "x" * 400),
        ("x" * 400, "x" * 400), ("", ""),
    ],
)  # fmt: skip
def test_a_shown_name_holds_no_sign_that_a_terminal_obeys_and_ends(name, shown):
    assert shown_name(name) == shown


def test_a_folder_is_walked_in_one_order_and_its_evidence_names_each_file_with_its_sum(tmp_path):
    folder = tmp_path / "dump"
    (folder / "b").mkdir(parents=True)
    for name, data in (("c.csv", b"3"), ("b/z.csv", b"2"), ("b/a.csv", b"1"), ("A.csv", b"0")):
        (folder / name).write_bytes(data)
    (folder / "link").symlink_to(folder / "c.csv")
    os.mkfifo(folder / "pipe")
    assert list(read_all(folder).items()) == [
        ("dump/A.csv", b"0"), ("dump/b/a.csv", b"1"), ("dump/b/z.csv", b"2"), ("dump/c.csv", b"3"),
        ("dump/link", "a link"), ("dump/pipe", "not a regular file"),
    ]  # fmt: skip
    evidence = DumpFiles([folder]).evidence()
    assert [(item.path, item.size, item.sha256) for item in evidence] == [
        (f"dump/{name}", 1, hashlib.sha256(data).hexdigest())
        for name, data in (("A.csv", b"0"), ("b/a.csv", b"1"), ("b/z.csv", b"2"), ("c.csv", b"3"))
    ]


def test_paths_are_read_in_the_order_given_and_those_to_skip_are_left_out_wherever_they_are(tmp_path):
    one, two = written(tmp_path, b"1", "z.csv"), written(tmp_path, b"2", "a.csv")
    assert list(read_all(one, two).values()) == [b"1", b"2"]
    assert list(read_all(tmp_path, skip=frozenset({one.resolve()})).values()) == [b"2"]
    assert read_all(one, skip=frozenset({one.resolve()})) == {}
    assert DumpFiles([tmp_path], skip=frozenset({two.resolve()})).evidence()[0].path.endswith("z.csv")


def test_every_path_that_is_missing_is_named_before_anything_is_read(tmp_path):
    there = written(tmp_path, ROWS)
    dump = DumpFiles([there, tmp_path / "x", tmp_path / "y"])
    for walk in (lambda: list(dump.files()), dump.evidence):
        with pytest.raises(UsageError) as caught:
            walk()
        assert str(caught.value) == f"no such file: {tmp_path / 'x'}, {tmp_path / 'y'}"
    assert dump.bytes_read == 0


def test_a_limit_of_the_whole_dump_ends_the_walk_and_is_said_once(tmp_path):
    for name in ("a.csv", "b.csv", "c.csv"):
        written(tmp_path, b"x" * 100, name)
    items = []
    for item in DumpFiles([tmp_path], Limits(expanded_bytes=150)).files():
        items.append(item.path if isinstance(item, PlainFile) else (item.path, item.reason))
        if isinstance(item, PlainFile):
            item.stream.read(100)
    assert [name.rsplit("/")[-1] if isinstance(name, str) else name for name in items] == [
        "a.csv", ("(the rest)", "stopped: more than 150 bytes in all"),
    ]  # fmt: skip


def test_the_written_archives_are_what_another_reader_reads():
    """The builders of this file are checked by the standard library, so that no test reads what nobody writes."""
    with zipfile.ZipFile(io.BytesIO(zip_file(member(method=8), member("b.csv", b"x")))) as archive:
        assert archive.testzip() is None
        assert archive.read("a.csv") == ROWS
