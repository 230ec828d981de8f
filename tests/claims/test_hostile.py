"""What strangers send: each is refused or contained with a clear word, in less than a gigabyte, without a crash."""

from __future__ import annotations

import gzip
import io
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cloakroom.adapters.evidence.files import DumpFiles
from cloakroom.adapters.evidence.threads import WorkerThreads
from cloakroom.claims.limits import MEBIBYTE, Limits
from cloakroom.claims.sizing import Sizer
from cloakroom.claims.survey import FileReport, Survey

GOOD = b"email,name\n" + b"".join(b"p%d@example.org,Ada\n" % n for n in range(50))


def survey(path: Path, limits: Limits | None = None) -> tuple[Survey, dict[str, FileReport]]:
    limits = limits or Limits()
    done = Survey(DumpFiles([path], limits), Sizer(1), WorkerThreads(), limits)
    for _ in done.tables():
        pass
    return done, {item.path.rpartition("/")[2]: item for item in done.files}


def zipped(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target.getvalue()


def test_a_bomb_does_not_keep_the_other_files_from_being_read(tmp_path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(bomb=b"x" * (80 * MEBIBYTE), good=GOOD))
    done, files = survey(tmp_path, Limits(ratio_free_bytes=MEBIBYTE))
    assert done.size().rows == 50
    assert any("times its size" in note for item in files.values() for note in item.notes)


def test_an_endless_line_is_cut_off(tmp_path) -> None:
    (tmp_path / "a.csv").write_bytes(GOOD + b"x" * (40 * MEBIBYTE) + b"\n" + GOOD)
    done, _ = survey(tmp_path)
    assert done.size().rows >= 50


def test_a_quote_that_never_closes_costs_its_own_line_only(tmp_path) -> None:
    rows = b"".join(b"p%d@example.org,Ada\n" % n for n in range(200_000))
    (tmp_path / "a.csv").write_bytes(b'email,name\nq@example.org,"never closed\n' + rows)
    done, _ = survey(tmp_path)
    size = done.size()
    assert (size.rows, size.rejected_rows) == (200_000, 1)


@pytest.mark.parametrize(
    "fill", [b"\0", b"a", b'"', b"{", b"[", b"(", b"'", b"<", b"\xff", b"\n", b",", b"@", b"\\", b"- "]
)
def test_long_runs_of_one_sign_are_survived(tmp_path, fill) -> None:
    (tmp_path / "a").write_bytes(fill * (3 * MEBIBYTE))
    (tmp_path / "b.csv").write_bytes(GOOD)
    done, _ = survey(tmp_path)
    assert done.size().emails_distinct == 50


@pytest.mark.parametrize(
    "start",
    [
        b"email,name\n",
        b'[{"email":"',
        b"INSERT INTO t (a,b) VALUES ('",
        b"<r><email>",
        b"- email: ",
        b'{"email":"a@example.org","x":"',
    ],
)
def test_a_giant_cell_is_contained_in_every_form(tmp_path, start) -> None:
    (tmp_path / "a").write_bytes(start + b"y" * (30 * MEBIBYTE))
    (tmp_path / "b.csv").write_bytes(GOOD)
    done, _ = survey(tmp_path)
    assert done.size().emails_distinct >= 50


def test_deeply_nested_json_is_rejected(tmp_path) -> None:
    deep = b'{"email":"a@example.org","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    (tmp_path / "a.jsonl").write_bytes(b'{"email":"b@example.org"}\n' + deep + b'{"email":"c@example.org"}\n')
    done, _ = survey(tmp_path)
    assert done.size().emails_distinct in (2, 3)


def test_billion_laughs_are_read_as_text_and_never_expanded(tmp_path) -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{entities}]>\n<c>\n<email>a@example.org</email>\n<name>&l9;</name>\n</c>'  # noqa: E501 - data
    (tmp_path / "a.xml").write_text(text)
    done, _ = survey(tmp_path)
    assert done.size().emails_distinct == 1


def workbook(sheet: str) -> bytes:
    types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    book = ('<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r='
            '"http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>')  # noqa: E501 - data  # fmt: skip
    rels = ('<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type='  # noqa: E501 - data
            '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>')  # noqa: E501 - data  # fmt: skip
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("xl/workbook.xml", book)
        archive.writestr("xl/_rels/workbook.xml.rels", rels)
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    return target.getvalue()


NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


@pytest.mark.parametrize(
    ("sheet", "word"),
    [
        (
            f'<worksheet {NAMESPACE}><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>',  # noqa: E501 - data
            "cells",
        ),
        (f'<!DOCTYPE x [<!ENTITY a "b">]><worksheet {NAMESPACE}/>', "entities"),
        (f"<worksheet {NAMESPACE}>" + " " * (200 * MEBIBYTE) + "</worksheet>", "unpacked"),
    ],
    ids=["two far corners", "entities", "unpacked size"],
)
def test_workbooks_that_would_swell_are_refused(tmp_path, sheet, word) -> None:
    (tmp_path / "a.xlsx").write_bytes(workbook(sheet))
    _, files = survey(tmp_path)
    assert any(word in note for note in files["a.xlsx"].notes)


@pytest.mark.parametrize("name", ["a.xlsx", "a.parquet", "a.bson", "a.7z", "a.zip", "a.csv.gz", "a.tar"])
@pytest.mark.parametrize(
    "head",
    [
        b"PK\x03\x04[Content_Types].xml",
        b"PAR1",
        b"\x16\x00\x00\x00\x02hello\x00",
        b"7z\xbc\xaf\x27\x1c",
        b"PK\x03\x04",
        b"\x1f\x8b\x08",
        b"x" * 257 + b"ustar\x0000",
    ],
)
def test_a_signature_followed_by_rubbish_is_said_to_be_damaged(tmp_path, name, head) -> None:
    (tmp_path / name).write_bytes(head + random.Random(2000).randbytes(2000))
    (tmp_path / "z.csv").write_bytes(GOOD)
    done, files = survey(tmp_path)
    assert done.size().emails_distinct >= 50
    assert name.rpartition("/")[2] in "".join(files)


def test_formulas_are_kept_as_text(tmp_path) -> None:
    (tmp_path / "a.csv").write_bytes(b"email,name\na@example.org,=cmd|' /C calc'!A0\nb@example.org,@SUM(1)\n")
    done, _ = survey(tmp_path)
    assert done.size().rows == 2


def test_time_has_a_limit(tmp_path) -> None:
    (tmp_path / "a.csv").write_bytes(GOOD)
    (tmp_path / "b.csv").write_bytes(GOOD)
    _, files = survey(tmp_path, Limits(seconds=-1.0))
    assert any("seconds" in note for item in files.values() for note in item.notes)


def test_total_size_has_a_limit(tmp_path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.csv").write_bytes(GOOD)
    done, files = survey(tmp_path, Limits(expanded_bytes=2 * len(GOOD)))
    assert done.size().rows <= 100
    assert any("bytes in all" in note for item in files.values() for note in item.notes)


MEASURE = """
import sys
from pathlib import Path
# The peak that the system reports for a new process begins at its parent's size: start counting here.
Path("/proc/self/clear_refs").write_text("5")
from cloakroom.adapters.evidence.files import DumpFiles
from cloakroom.adapters.evidence.threads import WorkerThreads
from cloakroom.claims.sizing import Sizer
from cloakroom.claims.survey import Survey
survey = Survey(DumpFiles([Path(sys.argv[1])]), Sizer(1), WorkerThreads())
for _ in survey.tables():
    pass
status = Path("/proc/self/status").read_text()
print(survey.size().rows, int(status.partition("VmHWM:")[2].split()[0]) // 1024)
"""


def measured(path: Path) -> tuple[int, int]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True, timeout=600
    )
    rows, megabytes = done.stdout.split()
    return int(rows), int(megabytes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "quoted csv", "utf-16", "json array", "sql", "one cell", "nested bomb"])
def test_memory_stays_below_a_gigabyte(tmp_path, kind) -> None:
    count = 1_200_000
    path = tmp_path / "dump.gz"
    rows = {
        "csv": lambda n: b"%d,person%d@example.org,Street %d,+3361234%04d\n" % (n, n, n, n % 10000),
        "quoted csv": lambda n: b'"%d","person%d@example.org","Street, %d","+3361234%04d"\n' % (n, n, n, n % 10000),
        "utf-16": lambda n: f"{n};person{n}@example.org;x\n".encode("utf-16-le"),
        "json array": lambda n: b'{"id":%d,"email":"person%d@example.org","city":"Paris"},\n' % (n, n),
        "sql": lambda n: b"INSERT INTO c (id,email) VALUES (%d,'person%d@example.org');\n" % (n, n),
    }
    with gzip.open(path, "wb", compresslevel=1) as target:
        if kind == "one cell":
            target.write(b"email,name\n")
            for _ in range(1200):
                target.write(b"z" * MEBIBYTE)
        elif kind == "nested bomb":
            target.write(gzip.compress(gzip.compress(bytes(600 * MEBIBYTE))))
        else:
            target.write(
                {
                    "json array": b"[",
                    "csv": b"id,email,street,phone\n",
                    "quoted csv": b'"id","email","street","phone"\n',
                }.get(kind, b"")
            )
            for start in range(0, count, 10_000):
                target.write(b"".join(map(rows[kind], range(start, start + 10_000))))
    found, megabytes = measured(path)
    assert megabytes < 1000
    if kind not in ("one cell", "nested bomb"):
        assert found >= count - 1
