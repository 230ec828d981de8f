"""One passage through a dump: what is said of each file, and what a damaged one costs."""

from __future__ import annotations

import pytest
from memory_dump import MemoryStream, survey

from cloakroom.adapters.evidence.threads import WorkerThreads
from cloakroom.claims.limits import Limits
from cloakroom.claims.sources import DamagedError, InTurn, SourceLimitError
from cloakroom.errors import LimitError

HEADER = b"email,name\n"


def rows(first: int, last: int) -> bytes:
    return b"".join(b"p%d@example.org,Ada\n" % number for number in range(first, last))


WORKERS = pytest.mark.parametrize("workers", [InTurn(), WorkerThreads()], ids=["in turn", "threads"])
FEW = Limits(block_bytes=256)


@WORKERS
@pytest.mark.parametrize(
    ("error", "note"),
    [
        (DamagedError("EOFError"), "damaged after row {rows}: EOFError"),
        (LimitError("decompresses to more than 250 times its size"), "stopped: decompresses to more than 250 times"),
        (MemoryError(), "stopped: asks for too much memory"),
        (ValueError("a document of impossible length"), "damaged after row {rows}: a document of impossible length"),
        (KeyError("secret value"), "damaged after row {rows}: KeyError"),
    ],
    ids=["damage", "limit", "memory", "our words", "a library's words"],
)
def test_what_came_before_the_damage_counts_and_the_next_file_is_read(workers, error, note) -> None:
    data = HEADER + rows(0, 200)
    files = {"a.csv": MemoryStream(data, error, damaged_at=2_048), "b.csv": HEADER + rows(500, 510)}
    done, reports = survey(files, FEW, workers)
    assert 0 < reports["a.csv"].rows < 200
    assert done.size().rows == reports["a.csv"].rows + 10
    assert reports["a.csv"].notes[0].startswith(note.format(rows=reports["a.csv"].rows))
    assert "secret" not in "".join(reports["a.csv"].notes)
    assert reports["b.csv"].notes == ()


@WORKERS
def test_a_limit_of_the_whole_ends_the_dump(workers) -> None:
    error = SourceLimitError("more than 20 files")
    files = {"a.csv": MemoryStream(HEADER + rows(0, 200), error, damaged_at=2_048)}
    with pytest.raises(SourceLimitError):
        survey(files, FEW, workers)


def test_unread_files_are_told_with_their_reason_among_the_others() -> None:
    _, reports = survey({"a.rar": "rar archives are not read", "b.csv": HEADER + rows(0, 5)})
    assert (reports["a.rar"].format, reports["a.rar"].notes) == ("unread", ("rar archives are not read",))
    assert (reports["b.csv"].format, reports["b.csv"].rows) == ("csv", 5)


@pytest.mark.parametrize(("count", "is_document"), [(5, True), (6, False)])
def test_a_short_table_without_people_is_a_document_and_counts_no_rows(count, is_document) -> None:
    data = b"colour;price\n" + b"".join(b"red;low %d\n" % number for number in range(count))
    done, reports = survey({"a.csv": data})
    assert done.size().rows == (0 if is_document else count)
    assert ("holds nothing by which a person can be found" in reports["a.csv"].notes) is is_document


def test_progress_tells_bytes_and_the_file_at_hand() -> None:
    told = []
    done, _ = survey({})
    done.source._files = {"a.csv": HEADER + rows(0, 5), "b.csv": HEADER + rows(0, 5)}
    done.progress = lambda size, path: told.append((size, path))
    for _ in done.tables():
        pass
    assert [path for _, path in told] == ["a.csv", "b.csv"]
    assert [size for size, _ in told] == sorted(size for size, _ in told)


def test_columns_are_told_by_their_meaning_and_broken_lines_are_counted() -> None:
    data = b"mail,prenom,pays\n" + b"a@example.org,Ada,FR\n" * 3 + b"b@example.org,Ada\n"
    done, reports = survey({"a.csv": data})
    assert reports["a.csv"].columns == ("email", "given_name", "country")
    assert (reports["a.csv"].rows, reports["a.csv"].rejected_rows) == (3, 1)
    size = done.size()
    assert (size.emails_distinct, size.emails_distinct_with_broken) == (1, 2)
    assert size.countries == {"FR": 3}
    assert size.fields == {"country": 3, "email": 3, "given_name": 3}
