"""The commands as people use them: severity, filing, register, from one facts file to a sent filing."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
import typer
from tests.duty.filing_world import ANSWERS, FACTS
from typer.testing import CliRunner, Result

from cloakroom.cli.incident import filing, register
from cloakroom.cli.incident.severity import severity
from cloakroom.errors import InputError, TamperedError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

APP = typer.Typer()
APP.command()(severity)
filing.register(APP)
register.register(APP)
RUNNER = CliRunner()
AT = ["--at", "2026-03-04T10:00:00Z"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "facts.toml").write_text(FACTS, encoding="utf-8")
    (tmp_path / "answers.toml").write_text(ANSWERS, encoding="utf-8")
    (tmp_path / "receipt.txt").write_text("received", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    result = RUNNER.invoke(APP, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def plain(*arguments: str) -> dict[str, object]:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    values = json.loads(result.output)
    assert isinstance(values, dict)
    return values


@pytest.mark.usefixtures("place")
def test_severity_prints_exactly_the_keys_that_were_promised() -> None:
    values = plain("severity", "facts.toml", "--json")
    segment = values["segments"][0]  # type: ignore[index]
    assert {"controller", "segment", "dpc", "ei", "cb", "se", "band", "overrides", "outcome"} <= set(segment)
    assert segment["outcome"] == {"document": True, "authority": True, "persons": True}
    assert values["outcome"] == {"document": True, "authority": True, "persons": True}
    assert (segment["dpc"], segment["ei"], segment["cb"]) == (2, 1, 1)
    assert segment["se"] == 3


@pytest.mark.usefixtures("place")
def test_severity_in_words_says_what_it_is_not() -> None:
    output = run("severity", "facts.toml").output
    assert "not legal advice" in output
    assert "2 × 1 + 1 = 3" in output


def test_versions_are_kept_and_an_altered_one_is_refused(place: Path) -> None:
    first = plain("severity", "facts.toml", "--case", "case", "--by", "A", "--json")
    again = plain("severity", "facts.toml", "--case", "case", "--by", "A", "--json")
    assert first["version"]["number"] == again["version"]["number"] == 1  # type: ignore[index]
    (place / "facts.toml").write_text(FACTS.replace("120000", "130000"), encoding="utf-8")
    second = plain("severity", "facts.toml", "--case", "case", "--by", "A", "--json")
    assert second["version"]["number"] == 2  # type: ignore[index]
    kept = place / "case/severity/00001.json"
    kept.write_bytes(kept.read_bytes().replace(b"120000", b"120001"))
    with pytest.raises(TamperedError):
        run("severity", "facts.toml", "--case", "case", "--by", "A")


@pytest.mark.usefixtures("place")
def test_a_version_needs_a_name() -> None:
    with pytest.raises(UsageError, match="--by"):
        run("severity", "facts.toml", "--case", "case")


def test_from_facts_to_a_sent_filing_and_the_register(place: Path) -> None:
    drafted = plain("filing", "draft", "facts.toml", "--answers", "answers.toml", "--case", "case", "--json", *AT)
    ids = [row["id"] for row in drafted["filings"]]  # type: ignore[attr-defined, index]
    assert "eu-gdpr-33.FR.balmere" in ids
    assert all(row["missing"] == [] for row in drafted["filings"] if row["form"] != "us-tx")  # type: ignore[attr-defined, index]
    run("filing", "export", "--to", "out", "--case", "case")
    for name in ids:
        assert (place / f"out/{name}.v1.pdf").read_bytes().startswith(b"%PDF")
        assert "Not legal advice" in (place / f"out/{name}.v1.txt").read_text("utf-8")
        assert json.loads((place / f"out/{name}.v1.json").read_text("utf-8"))["filing"] == name
    sent = run(
        "filing", "submitted", "eu-gdpr-33.FR.balmere", "--reference", "FR-1", "--proof", "receipt.txt", "--by", "C",
        "--at", "2026-03-05T08:00:00Z", "--case", "case",
    )  # fmt: skip
    assert "reference FR-1" in sent.output
    states = plain("filing", "show", "--json", "--case", "case")["filings"]
    assert {row["id"]: row["state"] for row in states}["eu-gdpr-33.FR.balmere"] == "sent, FR-1"  # type: ignore[attr-defined, index]
    run("register", "add", "facts.toml", "--incident", "2026-03", "--by", "C", "--answers", "answers.toml", "--case",
        "case", *AT)  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(run("register", "export", "--format", "csv", "--case", "case").output)))
    assert rows[0]["notified"] == "yes"
    assert "FR-1" in rows[0]["filings"]
    run("register", "export", "--to", "register.pdf", "--case", "case", *AT)
    assert (place / "register.pdf").read_bytes().startswith(b"%PDF")


def test_drafting_again_without_a_change_makes_no_version_and_a_change_makes_a_supplement(place: Path) -> None:
    first = ["filing", "draft", "facts.toml", "--answers", "answers.toml", "--case", "case", "--json", *AT]
    plain(*first)
    again = plain(*first)
    assert {row["state"] for row in again["filings"]} == {"unchanged"}  # type: ignore[attr-defined, index]
    run("filing", "submitted", "eu-gdpr-33.FR.balmere", "--reference", "R", "--proof", "receipt.txt", "--by", "C",
        "--case", "case")  # fmt: skip
    (place / "facts.toml").write_text(FACTS.replace("120000", "130000"), encoding="utf-8")
    changed = plain(*first, "--for", "eu-gdpr-33.FR.balmere")
    row = changed["filings"][0]  # type: ignore[index]
    assert (row["kind"], row["version"]) == ("supplementary", 2)
    assert "Number of persons: was 122400, is 132400" in row["changes"]
    sheet = run("filing", "show", "eu-gdpr-33.FR.balmere", "--case", "case").output
    assert "Notification complémentaire" in sheet
    assert "CHANGES" in sheet


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(("at", "late"), [("2026-03-05T09:00:00Z", False), ("2026-03-05T09:00:01Z", True)])
def test_sending_after_the_deadline_is_said(at: str, late: bool) -> None:
    plain("filing", "draft", "facts.toml", "--answers", "answers.toml", "--case", "case", "--json", *AT)
    name = "eu-gdpr-33.FR.balmere"
    sending = ["--reference", "R", "--proof", "receipt.txt", "--by", "C", "--at", at, "--case", "case"]
    sent = run("filing", "submitted", name, *sending)
    assert ("after the deadline" in sent.output) is late


@pytest.mark.usefixtures("place")
def test_the_register_of_nothing_is_empty_and_not_an_error() -> None:
    assert plain("register", "export", "--case", "case")["entries"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["filing", "show", "nothing"],
        ["filing", "draft", "facts.toml", "--for", "nothing"],
        ["filing", "draft", "facts.toml", "--at", "yesterday"],
        ["filing", "draft", "facts.toml", "--kind", "withdraw"],
        ["register", "export", "--format", "docx"],
        ["register", "export", "--format", "pdf"],
        ["register", "add", "facts.toml", "--incident", " ", "--by", "A"],
    ],
)
@pytest.mark.usefixtures("place")
def test_what_makes_no_sense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        run(*arguments, "--case", "case")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[incident]\n", b"not toml"])
def test_a_bad_facts_file_is_refused_and_nothing_is_kept(place: Path, content: bytes) -> None:
    (place / "facts.toml").write_bytes(content)
    with pytest.raises(InputError):
        run("filing", "draft", "facts.toml", "--case", "case")
    assert not (place / "case").exists()


@pytest.mark.usefixtures("place")
def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"nothing\.toml: cannot be read"):
        run("severity", "nothing.toml")


def test_nothing_in_a_file_reaches_the_terminal_as_a_command_to_it(place: Path) -> None:
    hostile = "Bad\\u001b[2J\\u202eName"
    (place / "facts.toml").write_text(FACTS.replace("Balmère SAS", hostile), encoding="utf-8")
    (place / "answers.toml").write_text(ANSWERS.replace("Customer database", hostile), encoding="utf-8")
    case = ["--case", "case"]
    shown = [
        run("filing", "draft", "facts.toml", "--answers", "answers.toml", *case, *AT),
        run("filing", "show", *case),
        run("filing", "show", "eu-gdpr-33:FR:balmere", *case),
        run("filing", "show", "eu-gdpr-33:FR:balmere", *case, "--json"),
        run("register", "add", "facts.toml", "--incident", "a\u001b[2J", "--by", "Claire", *case, *AT),
    ]
    assert all(result.exit_code == 0 for result in shown)
    assert not [result.output for result in shown if "\u001b" in result.output or "\u202e" in result.output]
    assert any("Bad\\u001b[2J" in result.output for result in shown)


@pytest.mark.usefixtures("place")
def test_a_supplement_after_the_deadline_is_not_late_where_the_first_filing_was_in_time(place: Path) -> None:
    name, case = "eu-gdpr-33.FR.balmere", ["--case", "case"]
    plain("filing", "draft", "facts.toml", "--answers", "answers.toml", *case, "--json", *AT)
    sending = ["--reference", "R", "--proof", "receipt.txt", "--by", "C", *case]
    run("filing", "submitted", name, *sending, "--at", "2026-03-05T09:00:00Z")
    (place / "facts.toml").write_text(FACTS.replace("120000", "130000"), encoding="utf-8")
    plain("filing", "draft", "facts.toml", "--answers", "answers.toml", *case, "--json", *AT)
    sent = run("filing", "submitted", name, *sending, "--at", "2026-04-05T09:00:00Z")
    assert sent.exit_code == 0
    assert "after the deadline" not in sent.output


def test_only_what_is_due_is_drafted_unless_conditional_duties_are_asked_for(place: Path) -> None:
    (place / "facts.toml").write_text(FACTS.replace("persons = 900;", "persons = 200; persons_possible = 300;"))
    ids = {}
    for asked in ([], ["--conditional"], ["--for", "us-tx-ag:US-TX:balmere"]):
        drafted = plain("filing", "draft", "facts.toml", "--case", f"case{len(ids)}", "--json", *asked, *AT)
        ids[tuple(asked[:1])] = {row["id"] for row in drafted["filings"]}  # type: ignore[attr-defined]
    assert "us-tx-ag.US-TX.balmere" not in ids[()]
    assert ids["--conditional",] >= ids[()] | {"us-tx-ag.US-TX.balmere"}
    assert ids["--for",] == {"us-tx-ag.US-TX.balmere"}


@pytest.mark.usefixtures("place")
def test_every_entry_of_the_register_is_kept_and_the_newest_is_exported(place: Path) -> None:
    adding = ["register", "add", "facts.toml", "--incident", "2026-03", "--case", "case"]
    assert "version 1" in run(*adding, "--by", "Ada", *AT).output
    assert "version 2" in run(*adding, "--by", "Bea", *AT).output
    (entry,) = json.loads(run("register", "export", "--case", "case").output)["entries"]
    assert entry["by"] == "Bea"
    assert len(list((place / "case/register/2026-03/balmere").iterdir())) == 2
