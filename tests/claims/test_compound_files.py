"""Old workbooks are read, and whatever is encrypted or of a form that is not read is named as such."""

from __future__ import annotations

import io
import struct
import time
import zipfile

import pyrage
import pytest
from compound_writer import compound, old_workbook
from memory_dump import survey
from memory_store import MemoryStore, Version, check, customer

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.compound_file import CompoundFile

STORE = MemoryStore([Version(number, customer(number)) for number in range(60)])
COLUMNS = ("id", "given_name", "family_name", "email", "phone", "city")
PEOPLE = [{name: customer(number)[name] for name in COLUMNS} for number in range(40)]
TABLE = [list(COLUMNS), *[list(person.values()) for person in PEOPLE]]


@pytest.mark.parametrize("small", [False, True], ids=["large streams", "small streams"])
@pytest.mark.parametrize("count", [3, 40])
def test_an_old_workbook_is_read_as_what_it_shows(count, small) -> None:
    report = check(STORE, {"dump.xls": old_workbook(TABLE[: count + 1], small=small)})
    assert (report.size.rows, report.size.rejected_rows, report.size.emails_distinct) == (count, 0, count)
    assert (len(report.matched.proven), report.verdict.word) == (count, "genuine")
    assert report.files[0].format == "xls"


FILE_PASS = struct.pack("<HHHHH", 0x2F, 6, 1, 1, 1) + bytes(2)


def age() -> bytes:
    return pyrage.passphrase.encrypt(b"email\nada@example.org\n", "secret")


ENCRYPTED = {
    "old workbook": old_workbook(TABLE, extra=FILE_PASS),
    "document of today": compound({"EncryptionInfo": b"x" * 5000, "EncryptedPackage": b"y" * 9000}),
    "age": age(),
    "age in text": b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5\n-----END AGE ENCRYPTED FILE-----\n",
    "OpenPGP in text": b"-----BEGIN PGP MESSAGE-----\n\nhQEMA8x\n-----END PGP MESSAGE-----\n",
    "OpenPGP by a key": b"\x85\x01\x0c\x03" + bytes(8) + b"\x01" + bytes(range(256)),
    "OpenPGP by a key, new lengths": b"\xc1\xc0\x4c\x03" + bytes(8) + b"\x12" + bytes(range(256)),
    "OpenPGP by a passphrase": b"\x8c\x0d\x04\x09\x03\x08" + bytes(8) + b"\x60" + bytes(range(256)),
    "OpenSSL": b"Salted__" + bytes(range(256)),
    "KeePass": b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5" + bytes(range(256)),
    "Ansible": b"$ANSIBLE_VAULT;1.1;AES256\n6162\n",
}


@pytest.mark.parametrize("kind", ENCRYPTED)
def test_what_is_encrypted_is_named_and_nothing_can_be_told(kind) -> None:
    report = check(STORE, {"dump": ENCRYPTED[kind]})
    (note,) = report.files[0].notes
    assert "encrypted" in note
    assert (report.size.rows, report.verdict.word) == (0, "cannot tell")
    assert "could not be read" in report.verdict.reasons[0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (compound({"WordDocument": b"x" * 5000}), "an old Word document, which is not read"),
        (compound({"__properties_version1.0": b"x" * 5000}), "an Outlook message, which is not read"),
        (compound({"Other": b"x" * 5000}), "an old Office document, which is not read"),
        (b"SQLite format 3\0" + bytes(100), "an SQLite database, which is not read"),
        (b"\x04\x22\x4d\x18" + bytes(100), "an lz4 archive, which is not read"),
    ],
)
def test_what_is_not_read_is_named(data, words) -> None:
    _, reports = survey({"dump": data})
    assert (reports["dump"].notes, reports["dump"].is_unread) == ((words,), True)


def test_an_encrypted_open_document_is_named() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", bytes(range(128, 256)) * 4)
    assert survey({"dump.ods": made.getvalue()})[1]["dump.ods"].notes == ("an encrypted document, which is not read",)


@pytest.mark.parametrize(
    "text", ["Élodie,elodie@example.org\n", "ÁÉ;x@example.org\n", "ORCID,MSCF\n1,a@example.org\n"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_a_text_is_never_taken_for_something_encrypted(text, encoding) -> None:
    done, _ = survey({"dump": (text * 5).encode(encoding)})
    assert done.size().emails_distinct == 1


def test_streams_are_those_that_were_written() -> None:
    streams = {"A": b"a" * 5_000, "B": b"b" * 70_000, "C": b"c" * 100}
    file = CompoundFile(compound(streams, small=True))
    assert {name: file.stream(name) for name in file.streams} == streams


def test_a_workbook_that_would_swell_is_refused() -> None:
    far = struct.pack("<HHHHHI", 0xFD, 10, 65_535, 255, 0, 0)
    book = old_workbook(TABLE[:2], extra=far)
    _, reports = survey({"dump.xls": book})
    assert "span more than" in reports["dump.xls"].notes[0]


@pytest.mark.parametrize("place", [44, 48, 60, 68, 76, 80])
def test_a_damaged_compound_file_is_told_and_ends(place) -> None:
    for value in (0, 1, 7, 0x7FFFFFFF):
        data = bytearray(old_workbook(TABLE, small=True))
        data[place : place + 4] = struct.pack("<I", value)
        begun = time.process_time()
        survey({"dump.xls": bytes(data)}, Limits())
        assert time.process_time() - begun < 1


def test_a_chain_in_a_circle_and_what_makes_the_parser_panic_are_damage() -> None:
    data = bytearray(compound({"Workbook": b"\x09\x08\x00\x00" * 4_000}))
    for value, words in ((None, "not a readable workbook"), (0, "a damaged compound file")):
        if value is not None:
            data[len(data) - 512 : len(data) - 508] = struct.pack("<I", value)
        _, reports = survey({"dump.xls": bytes(data)})
        assert reports["dump.xls"].is_unread
        assert words in reports["dump.xls"].notes[0]
