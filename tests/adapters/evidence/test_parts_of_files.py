"""Files that were cut into parts are read as one where the parts are there, and what is missing is said."""

from __future__ import annotations

import gzip
import io
import random
import shutil
import subprocess
import zipfile
from pathlib import Path

import py7zr
import pytest

from cloakroom.adapters.evidence.files import DumpFiles
from cloakroom.adapters.evidence.parts import JoinedFile, part_name
from cloakroom.claims.sources import DamagedError, PlainFile

ROWS = b"".join(b"person%d@example.org,%d\n" % (n, random.Random(n).randrange(10**9)) for n in range(3_000))


def read(*paths: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    found: dict[str, bytes] = {}
    said: dict[str, str] = {}
    for item in DumpFiles(list(paths)).files():
        if isinstance(item, PlainFile):
            found[item.path] = item.stream.read(1 << 24)
            try:
                item.stream.read(1)
            except DamagedError as error:
                said[item.path] = str(error)
        else:
            said[item.path] = item.reason
    return found, said


def packed(kind: str) -> bytes:
    target = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", ROWS)
    elif kind == "7z":
        with py7zr.SevenZipFile(target, "w") as archive:
            archive.writestr(ROWS, "a.csv")
    else:
        return gzip.compress(ROWS) if kind == "gz" else ROWS
    return target.getvalue()


def cut(folder: Path, data: bytes, names: list[str]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    size = -(-len(data) // len(names))
    for number, name in enumerate(names):
        (folder / name).write_bytes(data[number * size : (number + 1) * size])
    return [folder / name for name in names]


WAYS = {
    "numbers": ("dump.{}.001", "dump.{}.002", "dump.{}.003"),
    "numbers from nought": ("dump.{}.000", "dump.{}.001", "dump.{}.002"),
    "letters": ("dump.{}.aa", "dump.{}.ab", "dump.{}.ac"),
    "letters after part": ("dump.{}.part-aa", "dump.{}.part-ab", "dump.{}.part-ac"),
    "counted": ("dump.{}.part1", "dump.{}.part2", "dump.{}.part3"),
    "split without a name": ("xaa", "xab", "xac"),
}


@pytest.mark.parametrize("kind", ["zip", "7z", "gz", "csv"])
@pytest.mark.parametrize("way", WAYS)
def test_parts_are_read_as_the_file_that_they_make(tmp_path, way, kind) -> None:
    folder = tmp_path / "dump"
    paths = cut(folder, packed(kind), [name.format(kind) for name in WAYS[way]])
    for given in ([folder], paths, paths[::-1], paths[:1], paths[2:]):
        found, said = read(*given)
        assert (list(found.values()), said) == ([ROWS], {})
    # Each part is evidence by itself.
    assert len(DumpFiles(paths[:1]).evidence()) == 3


def test_what_is_missing_of_parts_is_said_and_what_comes_before_is_read(tmp_path) -> None:
    folder = tmp_path / "dump"
    paths = cut(folder, packed("gz"), [f"a.gz.{number:03}" for number in range(1, 8)])
    paths[3].unlink()
    found, said = read(folder)
    assert ROWS.startswith(found["dump/a.gz"])
    assert len(found["dump/a.gz"]) > len(ROWS) // 4
    assert said["dump/a.gz"] == "a split file; missing: part 4"
    paths[0].unlink()
    assert read(folder) == ({}, {"dump/a.gz": "a part of a split file; missing: part 1, 4"})


@pytest.mark.skipif(shutil.which("zip") is None, reason="needs the zip program, which writes split archives")
def test_a_split_zip_is_read_with_its_segments_and_named_without(tmp_path) -> None:
    folder = tmp_path / "dump"
    folder.mkdir()
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / name).write_bytes(random.Random(name).randbytes(1) + ROWS * 4)
    names = ["a.csv", "b.csv", "c.csv"]
    command = ["zip", "-q", "-0", "-s", "128k", str(folder / "d.zip"), *names]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    segments = sorted(folder.glob("d.z[0-9]*"))
    assert len(segments) > 3
    for given in (folder, folder / "d.zip", segments[1]):
        found, said = read(given)
        assert ([data[1:] for data in found.values()], said) == ([ROWS * 4] * 3, {})
    last = folder / "d.zip"
    kept = last.read_bytes()
    last.unlink()
    found, said = read(folder)
    assert len(found) >= 2
    assert "its last part, which holds the directory, is missing" in "".join(said.values())
    for segment in segments:
        segment.unlink()
    last.write_bytes(kept)
    found, said = read(folder)
    assert (found, said) == ({}, {"dump/d.zip": f"a split zip; missing: part 1, 2, 3 and {len(segments) - 3} more"})


def test_parts_of_rar_archives_are_named(tmp_path) -> None:
    head = b"Rar!\x1a\x07\x00\xcf\x90\x73\x00\x00\x0d\x00" + bytes(40)
    for name in ("a.part1.rar", "a.part2.rar"):
        (tmp_path / name).write_bytes(head)
    assert read(tmp_path)[1] == {f"{tmp_path.name}/a": "2 parts of a split rar archive, which is not read"}


def test_files_that_only_look_like_parts_are_read_one_by_one(tmp_path) -> None:
    folder = tmp_path / "dump"
    folder.mkdir()
    for name in ("names.de", "names.fr", "app.002", "readme.aa", "b.zip"):
        (folder / name).write_bytes(packed("zip") if name == "b.zip" else ROWS[:200])
    for name in ("full.001", "full.002"):
        (folder / name).write_bytes(packed("gz"))
    found, said = read(folder)
    assert len(found) == 7
    assert said == {}


def test_a_link_is_no_part(tmp_path) -> None:
    folder = tmp_path / "dump"
    (tmp_path / "secret").write_bytes(ROWS)
    cut(folder, packed("gz"), ["a.gz.001"])
    (folder / "a.gz.002").symlink_to(tmp_path / "secret")
    found, said = read(folder)
    assert list(found.values()) == [ROWS]
    assert said == {"dump/a.gz.002": "a link"}


@pytest.mark.parametrize(
    ("name", "style", "number"),
    [
        ("a.zip.001", "numbered", 1), ("a.part02", "counted", 2), ("a.z01", "segment", 1), ("a.b.Z12", "segment", 12),
        ("a.part1.rar", "rar", 1), ("a.r00", "rar", 0), ("a.gz.ba", "lettered", 26), ("a.csv", None, 0),
        ("x", None, 0), ("a.1", None, 0), ("a.0001", None, 0),
    ],
)  # fmt: skip
def test_names_say_which_part_a_file_is(name, style, number) -> None:
    part = part_name(name)
    assert (part.style if part else None, part.number if part else 0) == (style, number)


def test_a_joined_file_is_read_from_anywhere(tmp_path) -> None:
    paths = cut(tmp_path / "x", ROWS, ["1", "2", "3", "4"])
    with io.BufferedReader(JoinedFile(paths)) as joined:
        whole = io.BytesIO(ROWS)
        for place in (0, len(ROWS) - 5, 7, len(ROWS) // 2 - 3, len(ROWS) + 9):
            assert joined.seek(place) == whole.seek(place)
            assert joined.read(100_000) == whole.read(100_000)
        assert joined.seek(-9, 2) == len(ROWS) - 9
        assert joined.read() == ROWS[-9:]
