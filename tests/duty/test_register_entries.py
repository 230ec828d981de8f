"""The register: every incident with its reasons, notified or not, kept as long as the laws ask."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.duty.filing_world import FACTS, NOW, case

from cloakroom.adapters.legal_data import load_retention
from cloakroom.duty.filings.records import FilingRecord, Submission
from cloakroom.duty.register import (
    entry_for,
    entry_from_json,
    entry_to_json,
    render_csv,
    render_json,
    render_page,
    retention_of,
)
from cloakroom.duty.register.entries import latest
from cloakroom.duty.register.retention import add_months, parse_retention
from cloakroom.errors import RuleError

LAWS = load_retention()
ENTRY = entry_for(case(), "balmere", incident="2026-03", at=NOW, by="Claire Exemple", laws=LAWS)


def test_an_incident_that_nobody_must_be_told_of_is_entered_with_the_reasons() -> None:
    harmless = FACTS.replace('holder = "criminal"', 'holder = "criminal"\nintelligible = false')
    entry = entry_for(case(facts=harmless), "balmere", incident="i", at=NOW, by="A", laws=LAWS)
    assert not entry.notified
    refused = [decision for decision in entry.decisions if decision["status"] == "not_due"]
    assert refused
    assert all(decision["reasons"] for decision in refused)
    assert all("O8" in " ".join(segment["rules"]) for segment in entry.effects["segments"])


def test_an_entry_holds_facts_effects_remedy_and_every_duty() -> None:
    assert ENTRY.facts["persons"] == 127_100
    assert ENTRY.facts["persons_by_place"]["US-TX"] == 900
    assert {s["segment"]: s["score"] for s in ENTRY.effects["segments"]} == {"general": 3, "high_spender": 4}
    assert ENTRY.remedy["measures.done"] == "Account frozen."
    assert {decision["status"] for decision in ENTRY.decisions} >= {"due", "not_due"}
    assert all(decision["confidence"] for decision in ENTRY.decisions if decision["status"] == "due")


def test_an_entry_survives_json() -> None:
    assert entry_from_json(json.loads(json.dumps(entry_to_json(ENTRY)))) == ENTRY
    assert json.loads(render_json([ENTRY]))["entries"][0]["incident"] == "2026-03"


def test_the_table_has_one_row_for_each_entry_and_says_whether_it_was_notified() -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv([ENTRY]))))
    assert len(rows) == 1
    assert rows[0]["persons"] == "127100"
    assert rows[0]["notified"] == "no"
    assert "eu-gdpr-33:FR:balmere" in rows[0]["duties_due"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_the_table_holds_no_formulas(start: str) -> None:
    row = next(csv.DictReader(io.StringIO(render_csv([replace(ENTRY, incident=f"{start}1+1")]))))
    assert row["incident"].startswith("'")


def test_the_newest_version_of_each_entry_counts() -> None:
    newer = replace(ENTRY, recorded_at="2026-04-01T00:00:00Z")
    assert latest([ENTRY, newer]) == [newer]


def test_the_page_says_that_it_is_not_legal_advice() -> None:
    assert "not legal advice" in render_page([ENTRY], made_at="2026-03-04T10:00:00Z")["note"]


AWARE = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("place", "law", "until"),
    [
        ("CA", "ca-pipeda", date(2028, 3, 3)),
        ("MY", "my-dbn", date(2028, 3, 2)),
        ("CH", "ch-dsv", date(2028, 3, 5)),
        ("US-NY", "us-ny", date(2031, 3, 3)),
        ("US-MD", "us-md", date(2029, 3, 3)),
        ("IN", "in-dpdp", date(2027, 3, 2)),
        ("BR", "br-anpd", date(2031, 3, 2)),
        ("NO", "eu-gdpr", date(2031, 3, 2)),
        ("PH", "elsewhere", date(2031, 3, 2)),
        ("US-TX", "elsewhere", date(2031, 3, 2)),
    ],
)
def test_each_law_has_its_period_from_its_own_event(place: str, law: str, until: date) -> None:
    events = {"aware": AWARE, "determined": date(2026, 3, 3), "reported": date(2026, 3, 5)}
    retention = retention_of(LAWS, [place], events)
    assert [found.id for found, _ in retention.laws] == [law]
    assert retention.until == until


def test_quebec_falls_under_its_own_law_and_the_federal_one_and_the_longest_period_counts() -> None:
    retention = retention_of(LAWS, ["CA-QC"], {"aware": AWARE})
    assert {law.id for law, _ in retention.laws} == {"ca-pipeda", "ca-qc"}
    assert retention.until == date(2031, 3, 2)


def test_nobody_affected_is_kept_too() -> None:
    assert retention_of(LAWS, [], {"aware": AWARE}).until == date(2031, 3, 2)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(1, 120))
def test_months_are_added_on_the_calendar(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day <= day.day
    assert later.day == day.day or add_months(later, 0).replace(day=later.day).month == later.month


def test_a_leap_day_falls_back_to_the_last_of_february() -> None:
    assert add_months(date(2024, 2, 29), 12) == date(2025, 2, 28)


def test_a_file_of_periods_with_mistakes_is_refused_with_every_line() -> None:
    text = '[[law]]\nid = "a"\ntitle = "t"\njurisdictions = ["FR"]\nmonths = 0\nfrom = "birth"\n'
    with pytest.raises(RuleError) as caught:
        parse_retention(text, "r.toml")
    message = str(caught.value)
    for part in ("r.toml:5: law[1].months", "r.toml:6: law[1].from", "source", "read", "all other places"):
        assert part in message


def test_a_period_that_starts_with_an_earlier_event_does_not_end_before_one_from_awareness() -> None:
    early = retention_of(LAWS, ["US-NY"], {"aware": AWARE, "determined": date(2026, 1, 1)})
    assert early.until == retention_of(LAWS, ["US-NY"], {"aware": AWARE}).until == date(2031, 3, 2)


NORVANE = """
[[controller]]
id = "norvane"
name = "Norvane Inc."
country = "IN"
[[affected]]
controller = "norvane"; country = "IN"; persons = 7
data = ["name"]
"""


def sent(controller: str, *days: int) -> FilingRecord:
    draft = {"duty": {"controller": controller, "recipient": f"Authority of {controller}"}}
    submissions = [
        Submission(number, f"R-{day}", f"2026-03-{day:02}T10:00:00Z", "A", "p", "00")
        for number, day in enumerate(days, start=1)
    ]
    return FilingRecord(f"f.{controller}", (draft,) * len(days), tuple(submissions))


def test_an_entry_holds_the_filings_duties_and_periods_of_its_own_controller() -> None:
    known = case(facts=FACTS + NORVANE)
    records = [sent("balmere", 4, 9), sent("norvane", 20)]
    ours, theirs = (
        entry_for(known, name, incident="i", at=NOW, by="A", laws=LAWS, records=records)
        for name in ("balmere", "norvane")
    )
    assert [filing["authority"] for filing in ours.filings] == ["Authority of balmere"]
    assert [(filing["reference"], filing["at"]) for filing in ours.filings] == [("R-9", "2026-03-09T10:00:00Z")]
    assert [filing["reference"] for filing in theirs.filings] == ["R-20"]
    assert {decision["duty"].rpartition(":")[2] for decision in ours.decisions} == {"balmere"}
    assert {law["law"] for law in ours.retention}.isdisjoint(law["law"] for law in theirs.retention)
    assert (ours.facts["persons"], theirs.facts["persons"]) == (127_100, 7)
    assert [segment["segment"] for segment in theirs.effects["segments"]] == ["general"]


def test_an_entry_without_anything_sent_is_not_notified() -> None:
    known = case(facts=FACTS + NORVANE)
    entry = entry_for(known, "norvane", incident="i", at=NOW, by="A", laws=LAWS, records=[sent("balmere", 4)])
    assert (entry.notified, entry.filings) == (False, [])


def test_a_period_that_starts_with_the_report_runs_from_the_last_one() -> None:
    known = case(facts=FACTS.replace('country = "KR"', 'country = "CH"'))
    for records, until in (
        ([sent("balmere", 4)], "2028-03-04"),
        ([sent("balmere", 4, 30)], "2028-03-30"),
        ([sent("balmere", 30), sent("balmere", 4)], "2028-03-30"),
    ):
        entry = entry_for(known, "balmere", incident="i", at=NOW, by="A", laws=LAWS, records=records)
        assert until in {law["until"] for law in entry.retention}
