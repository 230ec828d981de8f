"""A download of a release goes on where it ended, and a file appears under its name only when it is the right one."""

from __future__ import annotations

import hashlib

import httpx
import pytest
from answering_service import Service

from cloakroom.client import RefusedError, Run
from cloakroom.client.release_file import download
from cloakroom.errors import UncheckableError

CONTENT = bytes(range(10)) * 5 + b"end"
PARTS = [CONTENT[start : start + 20] for start in range(0, len(CONTENT), 20)]


def run_of(content: bytes = CONTENT, parts: int = len(PARTS), state: str = "done") -> Run:
    return Run("r-1", state, None, 1, 1, parts, len(content), hashlib.sha256(content).hexdigest())


def fetched(target, run: Run, parts: list[bytes] = PARTS) -> list[int]:
    """Download, and return the numbers of the parts that were asked for."""
    asked = []

    def part(number: int) -> bytes:
        asked.append(number)
        return parts[number]

    download(part, run, target)
    return asked


def test_a_file_is_put_together_from_its_parts_each_asked_for_once(tmp_path):
    assert [len(part) for part in PARTS] == [20, 20, 13]
    assert fetched(tmp_path / "file.age", run_of()) == [0, 1, 2]
    assert (tmp_path / "file.age").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["file.age"]


@pytest.mark.parametrize(
    ("have", "asked"),
    [
        (0, [0, 1, 2]), (1, [0, 1, 2]), (19, [0, 1, 2]), (20, [0, 1, 2]), (21, [0, 1, 2]), (39, [0, 1, 2]),
        (40, [0, 2]), (41, [0, 2]), (52, [0, 2]), (53, [0, 2]),
    ],
)  # fmt: skip
def test_what_is_there_of_an_earlier_download_is_kept_in_whole_parts(tmp_path, have, asked):
    (tmp_path / "file.age.part").write_bytes(CONTENT[:have])
    assert fetched(tmp_path / "file.age", run_of()) == asked
    assert (tmp_path / "file.age").read_bytes() == CONTENT


def test_more_than_there_can_be_of_an_earlier_download_is_cut_off(tmp_path):
    whole = CONTENT[:40]
    (tmp_path / "file.age.part").write_bytes(whole + b"of another release, much longer than this one" * 3)
    assert fetched(tmp_path / "file.age", run_of(whole, parts=2)) == [0]
    assert (tmp_path / "file.age").read_bytes() == whole


def test_an_interrupted_download_leaves_its_parts_and_no_file_and_goes_on_later(tmp_path):
    target = tmp_path / "file.age"

    def breaks(number: int) -> bytes:
        if number == 2:
            raise ConnectionError
        return PARTS[number]

    with pytest.raises(ConnectionError):
        download(breaks, run_of(), target)
    assert not target.exists()
    assert fetched(target, run_of()) == [0, 2]
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("changed", [0, 1, 2])
def test_a_file_that_is_not_the_one_that_was_named_never_appears_and_is_fetched_anew(tmp_path, changed):
    target = tmp_path / "file.age"
    target.write_bytes(b"an earlier one")
    parts = [bytes([part[0] ^ 1]) + part[1:] if at == changed else part for at, part in enumerate(PARTS)]
    with pytest.raises(UncheckableError, match="not the one that the service names"):
        fetched(target, run_of(), parts)
    assert target.read_bytes() == b"an earlier one"
    assert not (tmp_path / "file.age.part").exists()
    assert fetched(target, run_of()) == [0, 1, 2]
    assert target.read_bytes() == CONTENT


def test_a_changed_beginning_from_an_earlier_download_is_noticed(tmp_path):
    (tmp_path / "file.age.part").write_bytes(b"X" + CONTENT[1:40])
    with pytest.raises(UncheckableError):
        fetched(tmp_path / "file.age", run_of())
    assert list(tmp_path.iterdir()) == []


def progress(state: str) -> httpx.Response:
    run = run_of()
    document = {"id": "r-1", "state": state, "failure": None, "rows_done": 1, "records": 1, "parts": 3}
    return httpx.Response(200, json={**document, "bytes": run.size, "file_sha256": run.file_sha256})


def test_a_client_asks_for_the_run_and_then_for_its_parts_by_number(tmp_path):
    service = Service([progress("done"), *(httpx.Response(200, content=part) for part in PARTS)])
    with service.client() as client:
        assert client.download_release("r-1", tmp_path / "file.age").state == "done"
    assert [name for name, _ in service.asked] == ["release-run", *["release-part"] * 3]
    assert [(request.id, request.part) for _, request in service.asked[1:]] == [("r-1", 0), ("r-1", 1), ("r-1", 2)]
    assert (tmp_path / "file.age").read_bytes() == CONTENT


@pytest.mark.parametrize("state", ["waiting", "running", "failed"])
def test_nothing_is_fetched_of_a_run_that_is_not_done(tmp_path, state):
    service = Service([progress(state)])
    with service.client() as client, pytest.raises(RefusedError) as refused:
        client.download_release("r-1", tmp_path / "file.age")
    assert (refused.value.code, refused.value.status) == ("not-found", 404)
    assert list(tmp_path.iterdir()) == []
