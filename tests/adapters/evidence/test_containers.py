from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import py7zr
import pytest
import zstandard

from cloakroom.adapters.evidence.files import DumpFiles
from cloakroom.claims.limits import MEBIBYTE, Limits
from cloakroom.claims.sources import DamagedError, PlainFile, UnreadFile
from cloakroom.errors import LimitError, UsageError

ROWS = b"email,name\nada@example.org,Ada Example\n"


def read_all(path: Path, limits: Limits | None = None) -> tuple[dict[str, bytes], dict[str, str]]:
    read, unread = {}, {}
    for item in DumpFiles([path], limits).files():
        if isinstance(item, PlainFile):
            read[item.path] = item.stream.read()
        else:
            unread[item.path] = item.reason
    return read, unread


def zip_of(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
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


def seven_zip_of(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(data, name)
    return target.getvalue()


@pytest.mark.parametrize(
    "pack",
    [
        lambda data: zip_of({"a.csv": data}),
        lambda data: tar_of({"a.csv": data}),
        lambda data: seven_zip_of({"a.csv": data}),
        gzip.compress,
        bz2.compress,
        lzma.compress,
        lambda data: zstandard.ZstdCompressor().compress(data),
        lambda data: gzip.compress(tar_of({"a.csv": data})),
        lambda data: zip_of({"x.7z": seven_zip_of({"y.zip": zip_of({"a.csv": data})})}),
        lambda data: gzip.compress(data[:5]) + gzip.compress(data[5:]),
    ],
    ids=["zip", "tar", "7z", "gz", "bz2", "xz", "zst", "tar.gz", "zip in 7z in zip", "gz in two parts"],
)
def test_every_container_gives_what_was_packed_into_it(tmp_path, pack) -> None:
    path = tmp_path / "dump.bin"
    path.write_bytes(pack(ROWS))
    read, unread = read_all(path)
    assert list(read.values()) == [ROWS]
    assert not unread


def test_the_content_decides_what_a_file_is_not_its_name(tmp_path) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(zip_of({"photo.png": ROWS}))
    assert list(read_all(path)[0]) == ["holiday.jpg!photo.png"]


def test_a_zip_bomb_is_refused_with_its_ratio_named(tmp_path) -> None:
    path = tmp_path / "bomb.zip"
    path.write_bytes(zip_of({"zeros.csv": bytes(200 * MEBIBYTE)}))
    items = DumpFiles([path], Limits(ratio_free_bytes=MEBIBYTE)).files()
    leaf = next(items)
    assert isinstance(leaf, PlainFile)
    with pytest.raises(LimitError, match="more than 250 times"):
        leaf.stream.read()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress])
def test_a_stream_bomb_is_refused_after_a_bounded_number_of_bytes(tmp_path, pack) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(pack(bytes(64 * MEBIBYTE)))
    dump = DumpFiles([path], Limits(ratio_free_bytes=MEBIBYTE))
    leaf = next(dump.files())
    assert isinstance(leaf, PlainFile)
    with pytest.raises(LimitError, match="times its size"):
        leaf.stream.read()
    assert dump.bytes_read < 40 * MEBIBYTE


def test_containers_inside_each_other_end_at_the_stated_depth(tmp_path) -> None:
    data = ROWS
    for _ in range(9):
        data = zip_of({"inner.zip": data})
    path = tmp_path / "russian.zip"
    path.write_bytes(data)
    read, unread = read_all(path)
    assert not read
    assert "containers inside each other" in next(iter(unread.values()))


def test_a_member_that_names_a_path_outside_is_read_but_written_nowhere(tmp_path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    path = inside / "slip.zip"
    path.write_bytes(zip_of({"../../../../tmp/escaped.csv": ROWS, "/etc/cron.d/evil": ROWS, "C:\\boot.ini": ROWS}))
    read, _ = read_all(path)
    assert len(read) == 3
    assert sorted(item.name for item in tmp_path.rglob("*")) == ["inside", "slip.zip"]


def test_links_and_devices_in_a_tar_are_named_and_left_alone(tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not for the report")
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("null", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, str(secret)
            archive.addfile(info)
    path = tmp_path / "links.tar"
    path.write_bytes(target.getvalue())
    read, unread = read_all(path)
    assert not read
    assert set(unread.values()) <= {"a link or device inside an archive"} | {
        reason for reason in unread.values() if reason.startswith("damaged")
    }


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["zip", "7z", "gz", "xz", "tar"])
def test_a_truncated_container_is_reported_and_does_not_stop_the_rest(tmp_path, kind, keep) -> None:
    rows = b"".join(b"person%d@example.org,%d\n" % (number, number * 7919 % 104729) for number in range(20_000))
    pack = {"zip": lambda: zip_of({"a.csv": rows}), "7z": lambda: seven_zip_of({"a.csv": rows}),
            "gz": lambda: gzip.compress(rows), "xz": lambda: lzma.compress(rows), "tar": lambda: tar_of({"a.csv": rows})}  # noqa: E501 - data  # fmt: skip
    data = pack[kind]()
    (tmp_path / "a.bin").write_bytes(data[: int(len(data) * keep)])
    (tmp_path / "b.csv").write_bytes(ROWS)
    names = []
    for item in DumpFiles([tmp_path]).files():
        names.append(item.path)
        if isinstance(item, PlainFile):
            with suppress(DamagedError):
                item.stream.read()
    assert any(name.endswith("b.csv") for name in names)


def test_an_encrypted_member_is_named(tmp_path) -> None:
    data = bytearray(zip_of({"a.csv": ROWS}))
    data[6] |= 1
    place = data.index(b"PK\x01\x02")
    data[place + 8] |= 1
    path = tmp_path / "locked.zip"
    path.write_bytes(bytes(data))
    assert list(read_all(path)[1].values()) == ["encrypted"]


def test_too_many_members_end_the_walk_and_are_said(tmp_path) -> None:
    path = tmp_path / "many.zip"
    path.write_bytes(zip_of({f"{number}.csv": ROWS for number in range(50)}))
    items = list(DumpFiles([path], Limits(members=20)).files())
    assert isinstance(items[-1], UnreadFile)
    assert "more than 20 files" in items[-1].reason


def test_a_missing_path_is_a_mistake_of_the_caller(tmp_path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        list(DumpFiles([tmp_path / "nowhere"]).files())


def test_names_cannot_control_the_terminal(tmp_path) -> None:
    path = tmp_path / "names.zip"
    path.write_bytes(zip_of({"a\x1b[31m\u202egnp.csv": ROWS}))
    name = next(iter(read_all(path)[0]))
    assert "\x1b" not in name
    assert "\u202e" not in name


def test_links_in_a_folder_are_not_followed(tmp_path) -> None:
    (tmp_path / "outside.csv").write_bytes(ROWS)
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "link.csv").symlink_to(tmp_path / "outside.csv")
    (tmp_path / "dump" / "loop").symlink_to(tmp_path / "dump")
    read, unread = read_all(tmp_path / "dump")
    assert not read
    assert set(unread.values()) == {"a link"}
