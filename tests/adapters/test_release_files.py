"""Files of releases: age opens them, every row is in them, parts come whole and in order, failures come through."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator

import pyarrow.parquet as pq
import pyrage
import pytest

from cloakroom.adapters.release_files import ReleaseParts, write_release_file
from cloakroom.errors import StoreError, UsageError

IDENTITY = pyrage.x25519.Identity.generate()
RECIPIENT = str(IDENTITY.to_public())
COLUMNS = ["email", "note"]
ROWS = [
    {"email": "ada@example.org", "note": 'a "quoted", text'},
    {"email": "", "note": "two\r\nlines"},
    {"note": "Žofie 😀"},
    {"email": "bob@example.org", "note": "=1+1", "other": "not of the release"},
]


def opened(data: bytes) -> bytes:
    return pyrage.decrypt(data, [IDENTITY])


def broken_after(count: int) -> Iterator[dict[str, str]]:
    for number in range(count):
        yield {"email": f"{number}@example.org", "note": "x" * 100}
    raise StoreError("the store went away")


def test_a_file_is_opened_by_its_recipient_alone_and_its_sum_is_told(tmp_path):
    path = tmp_path / "release.csv.age"
    digest = write_release_file(path, RECIPIENT, "csv", COLUMNS, iter(ROWS))
    data = path.read_bytes()
    assert digest == hashlib.sha256(data).hexdigest()
    assert data.startswith(b"age-encryption.org/v1\n-> X25519 ")
    assert b"example.org" not in data
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["release.csv.age"]
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(data, [pyrage.x25519.Identity.generate()])


def test_csv_is_that_of_rfc_4180_in_utf_8(tmp_path):
    write_release_file(tmp_path / "f", RECIPIENT, "csv", COLUMNS, iter(ROWS))
    text = opened((tmp_path / "f").read_bytes())
    assert (
        text
        == (
            'email,note\r\nada@example.org,"a ""quoted"", text"\r\n,"two\r\nlines"\r\n'
            ",Žofie 😀\r\nbob@example.org,=1+1\r\n"
        ).encode()
    )


def test_parquet_is_read_by_another_library_and_a_value_that_is_missing_is_none(tmp_path):
    write_release_file(tmp_path / "f", RECIPIENT, "parquet", COLUMNS, iter(ROWS))
    table = pq.read_table(io.BytesIO(opened((tmp_path / "f").read_bytes())))
    assert table.column_names == COLUMNS
    assert table.to_pydict() == {
        "email": ["ada@example.org", "", None, "bob@example.org"],
        "note": [row["note"] for row in ROWS],
    }


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_release_of_no_rows_has_its_header(tmp_path, form):
    write_release_file(tmp_path / "f", RECIPIENT, form, COLUMNS, iter(()))
    data = opened((tmp_path / "f").read_bytes())
    if form == "csv":
        assert data == b"email,note\r\n"
    else:
        assert pq.read_table(io.BytesIO(data)).to_pydict() == {"email": [], "note": []}


@pytest.mark.parametrize("rows", [999, 1000, 1001, 5000])
def test_no_row_is_lost_or_told_twice_where_the_reader_fetches_more(tmp_path, rows):
    wanted = [{"email": f"{number}@example.org", "note": "é" * (number % 50)} for number in range(rows)]
    write_release_file(tmp_path / "f", RECIPIENT, "csv", COLUMNS, iter(wanted))
    text = opened((tmp_path / "f").read_bytes()).decode()
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == wanted


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("count", [0, 3, 2500])
def test_what_failed_comes_through_and_the_file_of_before_stays(tmp_path, form, count):
    path = tmp_path / "release"
    path.write_bytes(b"of an earlier run")
    with pytest.raises(StoreError, match=r"^the store went away$"):
        write_release_file(path, RECIPIENT, form, COLUMNS, broken_after(count))
    assert path.read_bytes() == b"of an earlier run"


def test_what_a_crash_left_unfinished_is_begun_anew(tmp_path):
    path = tmp_path / "release"
    (tmp_path / "release.part").write_bytes(b"left by a crash" * 1000)
    write_release_file(path, RECIPIENT, "csv", COLUMNS, iter(ROWS))
    assert opened(path.read_bytes()).startswith(b"email,note\r\n")
    assert [item.name for item in tmp_path.iterdir()] == ["release"]


@pytest.mark.parametrize(
    "key",
    ["", "age1", RECIPIENT[:-1], RECIPIENT.replace("age1", "AGE1"), str(IDENTITY), "ssh-rsa x"],
    ids=["nothing", "a beginning", "cut off", "in two cases", "an identity", "of SSH"],
)
def test_a_key_that_is_no_public_key_of_age_is_refused_before_any_row_is_asked_for(tmp_path, key):
    asked = broken_after(0)
    with pytest.raises(UsageError) as caught:
        write_release_file(tmp_path / "f", key, "csv", COLUMNS, asked)
    assert str(caught.value) == "the recipient's key is no age public key"
    assert not (tmp_path / "f").exists()


class Shelf:
    """Keeps parts as a store does; may be told to fail at one of them."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.parts: list[bytes] = []
        self._fails_at = fails_at

    def keep(self, number: int, data: bytes) -> None:
        if number == self._fails_at:
            raise StoreError("the disk is full")
        assert number == len(self.parts)
        self.parts.append(data)


@pytest.mark.parametrize("pieces", [[10, 10], [20], [1] * 20, [19, 1], [3, 17], [0, 20]])
@pytest.mark.parametrize(("part", "sizes"), [(10, [10, 10]), (20, [20]), (7, [7, 7]), (21, [])])
def test_a_part_is_handed_on_when_it_is_full_and_not_before(pieces, part, sizes):
    shelf = Shelf()
    parts = ReleaseParts(shelf.keep, part)
    data, at = bytes(range(20)), 0
    for size in pieces:
        assert parts.write(data[at : at + size]) == size
        at += size
    assert [len(item) for item in shelf.parts] == sizes
    assert b"".join(shelf.parts) == data[: sum(sizes)]
    assert (parts.size, parts.count) == (20, len(sizes))


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("part_bytes", [1, 100, 1 << 20])
def test_parts_put_together_are_the_file_and_only_the_last_is_shorter(form, part_bytes):
    shelf = Shelf()
    parts = ReleaseParts(shelf.keep, part_bytes)
    digest = parts.write_file(RECIPIENT, form, COLUMNS, iter(ROWS))
    data = b"".join(shelf.parts)
    assert digest == hashlib.sha256(data).hexdigest()
    assert (parts.size, parts.count) == (len(data), len(shelf.parts))
    assert {len(part) for part in shelf.parts[:-1]} <= {part_bytes}
    assert 1 <= len(shelf.parts[-1]) <= part_bytes
    assert b"note" in opened(data)


@pytest.mark.parametrize("fails_at", [0, 1, 3])
def test_a_shelf_that_fails_is_named_as_the_cause(fails_at):
    shelf = Shelf(fails_at)
    with pytest.raises(StoreError, match=r"^the disk is full$"):
        ReleaseParts(shelf.keep, 50).write_file(RECIPIENT, "csv", COLUMNS, iter(ROWS * 100))
    assert len(shelf.parts) == fails_at


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_rows_that_fail_are_named_as_the_cause_in_parts_too(form):
    with pytest.raises(StoreError, match=r"^the store went away$"):
        ReleaseParts(Shelf().keep, 50).write_file(RECIPIENT, form, COLUMNS, broken_after(1500))
