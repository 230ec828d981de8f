"""The folder of a case: a name holds one content for ever, any checker of sums agrees, no name leads elsewhere."""

from __future__ import annotations

import hashlib
import shutil
import subprocess

import pytest

from cloakroom.adapters.case_folder import CaseFolder
from cloakroom.errors import ConflictError, StoreError, TamperedError, UsageError


@pytest.fixture
def folder(tmp_path) -> CaseFolder:
    return CaseFolder(tmp_path)


def sums(root) -> list[str]:
    return (root / "SHA256SUMS").read_text().splitlines()


@pytest.mark.parametrize("data", [b"", b"a", bytes(range(256)) * 300])
def test_a_document_is_kept_with_its_sum_and_given_back(folder, tmp_path, data):
    digest = folder.put("filings/f-1/draft.json", data)
    assert digest == hashlib.sha256(data).hexdigest()
    assert folder.get("filings/f-1/draft.json") == data
    assert sums(tmp_path) == [f"{digest}  filings/f-1/draft.json"]
    place = tmp_path / "filings" / "f-1" / "draft.json"
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o077 == 0
    assert [item.name for item in place.parent.iterdir()] == ["draft.json"]


def test_sha256sum_agrees_with_the_folder(folder, tmp_path):
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not installed")
    folder.put("a", b"1")
    folder.put("b/c.txt", b"2")
    check = ["sha256sum", "--strict", "-c", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "b" / "c.txt").write_bytes(b"3")
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_the_same_content_may_be_kept_again_and_another_never(folder, tmp_path):
    digest = folder.put("a", b"1")
    assert folder.put("a", b"1") == digest
    assert len(sums(tmp_path)) == 1
    for other in (b"2", b"", b"11"):
        with pytest.raises(ConflictError, match=r"^a is already kept with another content$"):
            folder.put("a", other)
    assert folder.get("a") == b"1"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["SHA256SUMS", "a"]


def test_a_document_whose_line_a_crash_left_out_gets_it_when_it_is_kept_again(folder, tmp_path):
    digest = folder.put("a", b"1")
    folder.put("b", b"2")
    lines = sums(tmp_path)
    (tmp_path / "SHA256SUMS").write_text(lines[1] + "\n")
    assert folder.get("a") == b"1"
    folder.put("a", b"1")
    assert sums(tmp_path) == [lines[1], f"{digest}  a"]


def test_a_document_that_was_changed_is_not_given(folder, tmp_path):
    folder.put("a", b"1")
    folder.put("b", b"2")
    (tmp_path / "a").write_bytes(b"2")
    with pytest.raises(TamperedError, match=r"^a is not what was kept: its hash differs from SHA256SUMS$"):
        folder.get("a")
    assert folder.get("b") == b"2"


def test_what_is_not_there_or_cannot_be_read_is_told(folder, tmp_path):
    folder.put("b/c", b"2")
    with pytest.raises(StoreError, match=r"^a is not kept here$"):
        folder.get("a")
    with pytest.raises(StoreError, match=r"^b cannot be read: Is a directory$"):
        folder.get("b")
    with pytest.raises(StoreError, match=r"^b/c/d cannot be read: Not a directory$"):
        folder.get("b/c/d")


WRONG = [
    "", "/", "/a", "..", "../a", "a/../b", "a/..", ".", "./a", "a/.", "a/./b", "a//b", "a/", ".hidden", "a/.part",
    "a b", "a\n", "a\nb", "a\x00", "a\\b", "é", "-a", "_a", "a" * 201, "a/" + "b" * 201, "a\n/b", "SHA256SUMS",
]  # fmt: skip


@pytest.mark.parametrize("path", WRONG)
def test_a_path_that_is_no_row_of_plain_names_is_refused_and_nothing_is_made(folder, tmp_path, path):
    for use in (lambda: folder.put(path, b"x"), lambda: folder.get(path)):
        with pytest.raises(UsageError):
            use()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["a" * 200, "0", "A.b_c:d@e+f-g", "a..b", "1/2/3/4/5", "a/SHA256SUMS.txt"])
def test_a_path_of_plain_names_is_kept(folder, path):
    folder.put(path, b"x")
    assert folder.get(path) == b"x"
    assert folder.names("") == (path,)


def test_names_are_the_documents_alone_in_order(folder, tmp_path):
    for path in ("b/2", "a", "b/10", "c/b/1"):
        folder.put(path, path.encode())
    (tmp_path / "b" / ".0123.part").write_bytes(b"left by a crash")
    assert folder.names("") == ("a", "b/10", "b/2", "c/b/1")
    assert folder.names("b/") == ("b/10", "b/2")
    assert folder.names("b/1") == ("b/10",)
    assert folder.names("x") == ()


def test_a_folder_that_is_not_there_yet_holds_nothing(tmp_path):
    folder = CaseFolder(tmp_path / "case")
    assert folder.names("") == ()
    with pytest.raises(StoreError, match="is not kept here"):
        folder.get("a")
    folder.put("a", b"1")
    assert folder.names("") == ("a",)


def test_a_folder_that_cannot_be_written_leaves_no_line(folder, tmp_path):
    (tmp_path / "a").write_bytes(b"a file where a folder is wanted")
    for path in ("a/b", "a/b/c"):
        with pytest.raises(StoreError, match="cannot be written"):
            folder.put(path, b"x")
    assert not (tmp_path / "SHA256SUMS").exists()
