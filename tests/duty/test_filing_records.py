"""Versions, submissions, amendments: what is kept, and that nothing is overwritten."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.duty.filing_world import FACTS, NOW, case, duty, library

from cloakroom.adapters.case_folder import CaseFolder
from cloakroom.crypto import sha256
from cloakroom.duty.filings.amendments import changes_between, render_change
from cloakroom.duty.filings.model import Answer, FilingLimits
from cloakroom.duty.filings.preparation import prepare_filing, refill
from cloakroom.duty.filings.records import answers_from_json, filing_id
from cloakroom.errors import ConflictError, LimitError, StoreError, TamperedError, UsageError
from cloakroom.use_cases.incident.filing_records import FilingRecords

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = library()


@pytest.fixture
def folder(tmp_path: Path) -> CaseFolder:
    return CaseFolder(tmp_path)


@pytest.fixture
def records(folder: CaseFolder) -> FilingRecords:
    return FilingRecords(folder)


def draft(records: FilingRecords, facts: str = FACTS, kind: str = "") -> str:
    known = case(facts=facts)
    one = duty(known, "eu-gdpr-33:FR")
    name = filing_id(one.id)
    record = records.load(name) if records.find(name) else None
    records.add_version(name, prepare_filing(LIBRARY, known, one, at=NOW, kind=kind, record=record))
    return name


def send(records: FilingRecords, name: str, reference: str = "FR-1") -> None:
    records.add_submission(name, reference=reference, at=NOW, by="Claire Exemple", proof_name="r.pdf", proof=b"proof")


def test_a_supplementary_filing_names_the_reference_and_what_changed(records: FilingRecords) -> None:
    name = draft(records)
    send(records, name)
    draft(records, FACTS.replace("persons = 120000", "persons = 130000"))
    latest = records.load(name).latest
    assert latest["kind"] == "supplementary"
    assert latest["answers"]["type.earlier_reference"]["value"] == "FR-1"
    assert "Number of persons: was 122400, is 132400" in latest["changes"]
    assert "Persons by country: FR was 120000, is 130000" in latest["changes"]
    assert latest["answers"]["type.changes"]["value"] == latest["changes"]


def test_a_supplement_to_a_filing_sent_in_time_is_not_late(records: FilingRecords) -> None:
    name = draft(records)
    send(records, name)
    known = case()
    one = duty(known, "eu-gdpr-33:FR")
    later = prepare_filing(LIBRARY, known, one, at=NOW + timedelta(days=30), record=records.load(name))
    assert later["answers"]["time.late"]["value"] == "no"
    assert prepare_filing(LIBRARY, known, one, at=NOW + timedelta(days=30))["answers"]["time.late"]["value"] == "yes"


def test_changes_are_counted_against_what_was_sent_not_against_the_last_draft(records: FilingRecords) -> None:
    name = draft(records)
    send(records, name)
    draft(records, FACTS.replace("persons = 120000", "persons = 130000"))
    draft(records, FACTS)
    assert records.load(name).latest["changes"] == []


def test_an_initial_filing_cannot_follow_one_that_was_sent(records: FilingRecords) -> None:
    name = draft(records)
    send(records, name)
    with pytest.raises(UsageError, match="sent already"):
        draft(records, kind="initial")


def test_a_withdrawal_asks_for_its_reason_and_names_the_reference(records: FilingRecords) -> None:
    name = draft(records)
    send(records, name)
    draft(records, kind="withdraw")
    latest = records.load(name).latest
    assert latest["answers"]["type.earlier_reference"]["value"] == "FR-1"
    assert "type.withdraw_reason" in latest["missing_canonical"]


def test_a_version_is_sent_once(records: FilingRecords) -> None:
    name = draft(records)
    send(records, name)
    with pytest.raises(UsageError, match="was sent already"):
        send(records, name, "FR-2")
    draft(records, FACTS.replace("persons = 120000", "persons = 130000"))
    send(records, name, "FR-2")
    record = records.load(name)
    assert [s.reference for s in record.submissions] == ["FR-1", "FR-2"]
    assert record.reference == "FR-2"


def test_the_proof_is_kept_with_its_hash(records: FilingRecords, folder: CaseFolder) -> None:
    name = draft(records)
    send(records, name)
    submission = records.load(name).submissions[0]
    assert folder.get(submission.proof) == b"proof"
    assert submission.proof_hash == sha256(b"proof").hex()


@pytest.mark.parametrize(("reference", "by"), [("", "A"), ("  ", "A"), ("R", " ")])
def test_a_submission_without_reference_or_name_is_refused(records: FilingRecords, reference: str, by: str) -> None:
    name = draft(records)
    with pytest.raises(UsageError):
        records.add_submission(name, reference=reference, at=NOW, by=by, proof_name="p", proof=b"x")
    assert records.load(name).submissions == ()


def test_a_proof_beyond_the_limit_is_refused(folder: CaseFolder) -> None:
    records = FilingRecords(folder, FilingLimits(proof_bytes_max=3))
    name = draft(records)
    with pytest.raises(LimitError):
        send(records, name)


def test_a_proof_with_a_hostile_name_stays_in_its_folder(records: FilingRecords, tmp_path: Path) -> None:
    name = draft(records)
    submission = records.add_submission(
        name, reference="R", at=NOW, by="A", proof_name="../../../etc/passwd", proof=b"x"
    )
    assert (tmp_path / submission.proof).resolve().is_relative_to(tmp_path / "filings" / name)


@pytest.mark.parametrize("file_name", ["0001.draft.json", "0002.submitted.json", "x.draft.json"])
def test_a_proof_that_is_named_like_a_document_is_a_proof(records: FilingRecords, file_name: str) -> None:
    name = draft(records)
    records.add_submission(name, reference="R", at=NOW, by="A", proof_name=file_name, proof=b"not JSON")
    record = records.load(name)
    assert (len(record.versions), len(record.submissions)) == (1, 1)


@pytest.mark.parametrize("victim", ["0001.draft.json", "0002.draft.json", "0001.submitted.json"])
def test_every_altered_document_is_noticed(records: FilingRecords, tmp_path: Path, victim: str) -> None:
    name = draft(records)
    send(records, name)
    draft(records, FACTS.replace("persons = 120000", "persons = 130000"))
    place = tmp_path / "filings" / name / victim
    place.write_bytes(place.read_bytes().replace(b"FR", b"XX", 1))
    with pytest.raises(TamperedError):
        records.load(name)


def test_an_altered_draft_is_noticed_even_with_its_line_of_hashes_removed(
    records: FilingRecords, tmp_path: Path
) -> None:
    name = draft(records)
    draft(records, FACTS.replace("persons = 120000", "persons = 130000"))
    place = tmp_path / "filings" / name / "0001.draft.json"
    values = json.loads(place.read_bytes())
    values["answers"]["persons.number"]["value"] = 1
    place.write_text(json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    (tmp_path / "SHA256SUMS").unlink()
    with pytest.raises(TamperedError, match="does not follow"):
        records.load(name)


def test_a_kept_filing_is_filled_again_exactly_as_it_was(records: FilingRecords) -> None:
    known = case()
    one = duty(known, "eu-gdpr-33:FR")
    prepared = prepare_filing(LIBRARY, known, one, at=NOW)
    version = records.add_version(filing_id(one.id), prepared)
    assert refill(LIBRARY, version) == refill(LIBRARY, prepared)
    assert refill(LIBRARY, records.load(filing_id(one.id)).latest) == refill(LIBRARY, prepared)


def test_a_filing_that_does_not_exist_is_named(records: FilingRecords) -> None:
    with pytest.raises(UsageError, match="there is no filing"):
        records.load("nothing")
    assert records.ids() == ()


def test_amendments_name_new_changed_and_withdrawn_answers_and_no_long_text() -> None:
    before = {
        "nature.systems": Answer("A", "p"),
        "nature.description": Answer("word " * 60, "p"),
        "other.police": Answer("x", "p"),
        "type.made_at": Answer("1", "records"),
    }
    after = {
        "nature.systems": Answer("B", "p"),
        "nature.description": Answer("other " * 60, "p"),
        "data.records": Answer(5, "facts"),
        "type.made_at": Answer("2", "records"),
    }
    lines = [render_change(change) for change in changes_between(LIBRARY.template, before, after)]
    assert lines == [
        "What happened: was a text of 60 words, is a text of 60 words",
        "Systems concerned: was A, is B",
        "Number of records: new: 5",
        "Police or prosecutor told?: withdrawn, was x",
    ]


def test_answers_survive_being_kept(records: FilingRecords) -> None:
    name = draft(records)
    answers = answers_from_json(records.load(name).latest["answers"])
    assert answers["cross.counts"].value == {"FR": 120_000, "GB": 3_100, "IT": 2_400, "US": 900, "KR": 700}


def test_the_folder_never_overwrites(folder: CaseFolder) -> None:
    assert folder.put("a/b", b"1") == folder.put("a/b", b"1")
    with pytest.raises(ConflictError):
        folder.put("a/b", b"2")
    assert folder.get("a/b") == b"1"


def test_the_folder_can_be_checked_without_this_program(folder: CaseFolder, tmp_path: Path) -> None:
    folder.put("a/b", b"1")
    folder.put("a/c", b"2")
    lines = (tmp_path / "SHA256SUMS").read_text().splitlines()
    assert lines == [f"{sha256(b'1').hex()}  a/b", f"{sha256(b'2').hex()}  a/c"]


@pytest.mark.parametrize("path", ["", "../x", "/etc/x", "a/../../x", "a//.hidden", "a/\x00", "a\nb", "." * 3])
def test_the_folder_refuses_paths_that_lead_elsewhere(folder: CaseFolder, path: str) -> None:
    with pytest.raises(UsageError):
        folder.put(path, b"x")


def test_the_folder_says_what_it_does_not_have(folder: CaseFolder) -> None:
    with pytest.raises(StoreError):
        folder.get("a")
    assert folder.names("") == ()


def test_documents_are_readable_by_their_owner_only(folder: CaseFolder, tmp_path: Path) -> None:
    folder.put("a/b", b"1")
    assert (tmp_path / "a/b").stat().st_mode & 0o077 == 0


def test_a_crash_before_the_hash_was_noted_is_mended_by_keeping_it_again(folder: CaseFolder, tmp_path: Path) -> None:
    folder.put("a/b", b"1")
    (tmp_path / "SHA256SUMS").unlink()
    folder.put("a/b", b"1")
    assert "a/b" in (tmp_path / "SHA256SUMS").read_text()
