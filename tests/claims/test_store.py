"""The check against a real store, from the command line: exact figures, ledger entries, nothing left in the clear."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from imported_world import WORLD

from cloakroom.adapters.postgres.server import stop_server
from cloakroom.settings import Settings
from cloakroom.wiring import application

pytestmark = [
    pytest.mark.slow,
    pytest.mark.world,
    pytest.mark.skipif(not WORLD.is_dir(), reason="the synthetic world is absent"),
]
ROOT = Path(__file__).parents[2]
LEAKS = ["l1", "l2", "l3", "l4", "l5", "l6"]


_MAIN = "import sys; from cloakroom.cli.main import main; sys.exit(main(sys.argv[1:]))"
_WATCHED = """
import os, sys
def watch(event, arguments):
    if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        frame, names = sys._getframe(), []
        while frame is not None:
            names.append(frame.f_code.co_filename)
            frame = frame.f_back
        if not any("pgserver" in name for name in names):  # Locks and messages of the database's own start and stop.
            seen.write(f"{arguments[0]} {names[1:4]}\\n")
            seen.flush()
seen = open(sys.argv.pop(1), "w")
sys.addaudithook(watch)
"""


def run(home: Path, *arguments: object, code: int = 0, script: str = _MAIN) -> str:
    environment = os.environ | {"CLOAKROOM_HOME": str(home), "TMPDIR": str(home.parent / "tmp")}
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def home():
    # The database server runs as a user of its own, who must be able to reach its folder.
    folder = Path(tempfile.mkdtemp(prefix="cloakroom-claims-"))
    folder.chmod(0o711)
    (folder / "tmp").mkdir()
    home = folder / "store"
    run(home, "init", "--config", ROOT / "examples" / "valmont")
    for brand in ("auberon", "balmere", "mcquarrie"):
        run(home, "import", "--brand", brand, *sorted((WORLD / "imports" / brand).glob("2*")))
    yield home
    stop_server(home / "database")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def documents(home):
    return {
        leak: json.loads(
            run(home, "claim", "check", WORLD / "leaks" / leak, "--json", "--pdf", home.parent / f"{leak}.pdf")
        )
        for leak in LEAKS
    }


@pytest.mark.parametrize("leak", LEAKS)
def test_the_figures_are_those_of_the_truth(documents, leak) -> None:
    found, true = documents[leak], json.loads((WORLD / "truth" / f"{leak}.json").read_text())
    for name in ("rows", "rejected_rows", "emails_distinct", "emails_known", "emails_foreign", "verdict"):
        assert found[name] == true[name], name
    for brand, expected in true["brands"].items():
        records = found["brands"][brand]["records"]
        assert expected["records"]["proven_min"] <= records["proven"] <= expected["records"]["proven_max"]
        assert set(found["brands"][brand]["fields"]) == set(expected["fields"])
        snapshots = found["brands"][brand]["snapshots"]
        assert len(snapshots) == len(expected["snapshots"])
        assert all(
            one["from"] <= at["as_of"] <= one["to"] for one, at in zip(snapshots, expected["snapshots"], strict=True)
        )
    persons = found["persons"]
    assert persons["lower"] <= true["persons"]["true"] <= persons["upper"]
    assert persons["upper"] - persons["lower"] <= 0.05 * max(true["persons"]["true"], 1)


@pytest.mark.parametrize("leak", LEAKS)
def test_the_report_is_a_pdf_of_two_pages(home, documents, leak) -> None:
    data = (home.parent / f"{leak}.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    if shutil.which("pdfinfo"):
        shown = subprocess.run(
            ["pdfinfo", home.parent / f"{leak}.pdf"], capture_output=True, text=True, check=True
        ).stdout
        assert "Pages:           2" in shown


def test_a_reordered_recased_and_cut_copy_is_recycled(home, documents, tmp_path) -> None:
    lines = (WORLD / "leaks" / "l6" / "AUBERON_FULL.csv").read_text().splitlines()
    rows = lines[1:]
    random.Random(3).shuffle(rows)
    (tmp_path / "fresh.csv").write_text("\n".join([lines[0], *[row.upper() for row in rows[:12_000]]]) + "\n")
    found = json.loads(run(home, "claim", "check", tmp_path / "fresh.csv", "--json"))
    assert found["verdict"] == "recycled"
    assert found["earlier"][0]["id"] == documents["l6"]["id"]
    assert found["earlier"][0]["relation"] == "copy"


def test_the_same_files_checked_again_are_no_recycling(home, documents) -> None:
    found = json.loads(run(home, "claim", "check", WORLD / "leaks" / "l1", "--json"))
    assert found["verdict"] == "genuine"
    assert found["earlier"][0]["relation"] == "same"


def test_openings_stand_in_the_ledger_under_their_own_purpose(home, documents) -> None:
    with application(Settings(home, None, f"file:{home / 'root.key'}", "test")) as opened:
        rows = opened.connection.execute("select body from ledger_entry where operation = 'claim'").fetchall()
    entries = [json.loads(bytes(row[0])) for row in rows]
    assert entries
    assert {entry["purpose"] for entry in entries} == {"claim-check"}
    assert {documents[leak]["id"] for leak in LEAKS} <= {entry["detail"]["claim"] for entry in entries}


def test_the_register_lists_and_shows_claims_again(home, documents) -> None:
    listed = json.loads(run(home, "claim", "list", "--json"))
    assert {documents[leak]["id"] for leak in LEAKS} <= {one["id"] for one in listed}
    shown = json.loads(run(home, "claim", "show", documents["l2"]["id"], "--json"))
    assert shown == documents["l2"]
    run(home, "claim", "show", "nonsense", code=2)
    run(home, "claim", "check", home / "nowhere", code=2)


def test_nothing_of_a_dump_remains_on_disk_in_the_store_or_in_what_is_printed(home, documents, tmp_path) -> None:
    rows = [
        f"unheard.of{number}@leftover-domain.example;Zyxwvut Qponmlk{number};+3361234{number:04d}"
        for number in range(3000)
    ]
    path = tmp_path / "foreign.csv"
    path.write_text("mail;name;phone\n" + "\n".join(rows) + "\n")
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "foreign.csv")
    opened = tmp_path / "opened for writing"
    printed = run(home, opened, "claim", "check", path, tmp_path / "packed.zip", script=_WATCHED + _MAIN)
    # Not even for a moment does a file come into being that could hold rows.
    assert opened.read_text().splitlines() == []
    printed += run(home, "claim", "list") + json.dumps(documents)
    needles = [b"leftover-domain", b"Qponmlk", b"unheard.of"]
    searched = 0
    for file in home.parent.rglob("*"):
        if file.is_file() and not file.is_symlink():
            data = file.read_bytes()
            searched += len(data)
            assert not any(needle in data or needle.decode().encode("utf-16-le") in data for needle in needles), file
    assert searched > 10_000_000
    assert not any(needle.decode() in printed for needle in needles)
    left = [path for path in (home.parent / "tmp").iterdir() if path.name != ".lockfile"]  # of the database server
    assert left == []


def test_names_and_words_of_the_sellers_reach_the_terminal_as_plain_text(home, tmp_path) -> None:
    dump = tmp_path / "[bold]x[nope]"
    dump.mkdir()
    (dump / "[red]a.csv").write_text("email,name\na@nowhere.example,[blink]Ada\n")
    said = {"seller": "[/] \x1b[31mred", "text": "[link=http://x]", "claimed_brands": ["[b]"], "price": "$ # * _ `"}
    (dump / "claim.json").write_text(json.dumps(said))
    printed = run(home, "claim", "check", dump, "--pdf", tmp_path / "a.pdf")
    assert "[red]a.csv" in printed
    assert "\x1b" not in printed + run(home, "claim", "list")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
