"""Every entry becomes an event with what OCSF 1.5.0 requires of its class, fitting severity, and nothing personal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocsf_schema import CLASSES, problems_of

from cloakroom.canonical import json as canonical_json
from cloakroom.gate.decision import ReasonCode
from cloakroom.ledger.entry import Entry
from cloakroom.ledger.ocsf import (
    ACTIVITIES,
    FINER,
    FREEZES,
    REFUSALS,
    REFUSED,
    Place,
    Severity,
    encode_event,
    shortened,
    to_event,
)
from cloakroom.vocabulary import ENTRY_OPERATIONS, Operation
from cloakroom.web.api.problems import KINDS

ENTERED = [operation for operation in Operation if operation in ENTRY_OPERATIONS]

PLACE = Place("maison.example/log", 41, bytes(range(32)), "1.0")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "siem.md"


def entry(operation: Operation, **changes) -> Entry:
    values = {
        "at": 1_800_000_000_123_456, "node": "web-1", "node_epoch": 3, "sequence": 9, "lineage": "anna",
        "principal": "anna", "operation": operation, "permitted": True, "reason": "granted",
    } | changes  # fmt: skip
    return Entry(**values)


@pytest.mark.parametrize("permitted", [True, False])
@pytest.mark.parametrize("operation", ENTERED)
def test_every_operation_has_an_event_with_all_that_its_class_requires(operation, permitted):
    details = [{}, {"credential": "k-1"}]
    details += [{name: value} for (of, name, value) in FINER if of is operation]
    for detail in details:
        for lineage in ("anna", "system"):
            event = to_event(
                entry(operation, permitted=permitted, lineage=lineage, principal=lineage, detail=detail), PLACE
            )
            assert problems_of(event) == []
            assert event["time"] == 1_800_000_000_123
            assert event["unmapped"]["at_us"] == 1_800_000_000_123_456
            if event["class_uid"] != 2004:
                assert event["status_id"] == (1 if permitted else 2)


def test_the_check_notices_what_is_missing_misnamed_or_unknown():
    good = to_event(entry(Operation.REVEAL, brand="aurelle"), PLACE)
    for name in CLASSES[6005]["required"]:
        if name not in {"class_uid", "activity_id", "metadata"}:
            assert problems_of({key: value for key, value in good.items() if key != name})
    assert problems_of({**good, "database": {"name": "vault"}})
    assert problems_of({key: value for key, value in good.items() if key not in {"database", "table"}})
    assert problems_of({**good, "actor": {}})
    assert problems_of({**good, "rows": 3})
    assert problems_of({**good, "severity": "Loud"})
    assert problems_of({**good, "activity_id": 77})


def test_refusals_are_as_loud_as_their_reason_and_never_informational():
    def severity(reason):
        return to_event(entry(Operation.REVEAL, permitted=False, reason=reason), PLACE)["severity_id"]

    assert severity("purpose") == Severity.LOW
    assert severity("budget") == Severity.MEDIUM
    assert severity("frozen") == severity("replayed") == severity("body-digest") == Severity.HIGH
    assert severity("a-code-of-tomorrow") == Severity.MEDIUM
    for code in {str(code) for code in ReasonCode} - {"granted"}:
        assert code in REFUSALS
    assert set(REFUSALS) <= {str(code) for code in ReasonCode} | set(KINDS) | {"budget", "frozen", "sign-count"}


def test_freezes_are_alerts_and_a_touched_canary_is_the_loudest():
    canary, persistent, by_hand = (
        to_event(entry(Operation.FREEZE, reason=reason), PLACE) for reason in ("canary", "persistent", "INC-1")
    )
    assert [event["class_uid"] for event in (canary, persistent, by_hand)] == [2004, 2004, 2004]
    assert [event["severity_id"] for event in (canary, persistent, by_hand)] == [5, 4, 4]
    assert canary["is_alert"] is True
    thaw = to_event(entry(Operation.THAW, principal="bea"), PLACE)
    assert thaw["finding_info"]["uid"] == canary["finding_info"]["uid"]
    assert (thaw["activity_name"], thaw["status"], thaw["is_alert"]) == ("Close", "Resolved", False)


def test_counts_sets_forms_and_budgets_arrive_in_unmapped():
    event = to_event(
        entry(
            Operation.REVEAL, purpose="clienteling", brand="aurelle", shape={"email": "mask"}, records=3,
            set_sha256="ab" * 32, reference="A-1", policy="cd" * 32, budget={"day/records": (100, 4, 7)},
            detail={"credential": "k-1", "drawn": ["contact"]}, count=2,
        ),
        PLACE,
    )  # fmt: skip
    unmapped = event["unmapped"]
    assert event["count"] == 2
    assert unmapped["records"] == 3
    assert unmapped["shape"] == {"email": "mask"}
    assert unmapped["budget"] == {"day/records": [100, 4, 7]}
    assert unmapped["detail"] == {"credential": "k-1", "drawn": ["contact"]}
    assert event["actor"]["user"] == {"uid": "anna", "credential_uid": "k-1"}
    assert (unmapped["leaf_index"], unmapped["leaf_hash"]) == (41, bytes(range(32)).hex())


personal = st.sampled_from(
    ["jane.roe@mail.example", "Jane Roe", "12 Rue Neuve", "Zoë", "+44 20 7946 0000", "\n<3>x", ""]
)


@given(operation=st.sampled_from(ENTERED), text=personal, permitted=st.booleans())
def test_free_text_and_addresses_that_slipped_into_an_entry_do_not_leave(operation, text, permitted):
    event = to_event(
        entry(
            operation, permitted=permitted, reason=text, purpose=text, brand=text, shape={text: text},
            set_sha256=text, reference=text, policy=text, budget={text: (1, 2, 3)},
            detail={text: text, "action": text, "fate": text, "operation": text, "what": [text, {text: text}]},
        ),
        PLACE,
    )  # fmt: skip
    line = encode_event(event)
    assert problems_of(event) == []
    if text:
        assert json.dumps(text)[1:-1].encode() not in line
        assert text.encode() not in line


@given(operation=st.sampled_from(ENTERED), detail=st.dictionaries(st.text(), st.one_of(st.text(), st.integers())))
def test_an_event_is_one_line_of_ascii(operation, detail):
    line = encode_event(to_event(entry(operation, detail=detail), Place("maison é", 1, bytes(32), "1")))
    assert line.isascii()
    assert b"\n" not in line
    assert json.loads(line)["metadata"]["log_name"] == "maison é"


def test_a_shortened_event_keeps_what_identifies_it_and_says_what_it_lacks():
    event = to_event(entry(Operation.POLICY, detail={"changed": ["x" * 200] * 300}, shape={"a": "b"}), PLACE)
    short = shortened(event)
    assert problems_of(short) == []
    assert short["metadata"] == event["metadata"]
    assert short["unmapped"]["left_out"] == ["detail", "shape"]
    assert len(encode_event(short)) < 2_500


def test_the_same_place_with_another_entry_is_another_event():
    one, other = Place("log", 1, bytes(32), "1"), Place("log", 1, b"\1" * 32, "1")
    assert one.uid != other.uid
    assert one.uid == Place("log", 1, bytes(32), "2").uid


def _tables() -> list[list[list[str]]]:
    tables, rows = [], []
    for line in [*PAGE.read_text().splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
        elif rows:
            tables.append(rows[2:])
            rows = []
    return tables


def test_the_page_says_what_the_code_does():
    operations, severities = _tables()[-2:]
    expected = []
    for operation in ENTERED:
        finer = [
            (f"{operation}, {name} {value}", found) for (of, name, value), found in FINER.items() if of is operation
        ]
        refused = [(f"{operation}, refused", REFUSED[operation])] if operation in REFUSED else []
        for words, found in [(str(operation), ACTIVITIES[operation]), *finer, *refused]:
            kind = found.event_class
            severity = "by reason" if words.endswith("refused") else found.severity.name.capitalize()
            expected.append([words, f"{kind.name} {kind.uid}", f"{found.name} {found.id}", severity])
    assert operations == expected
    found = {}
    for severity, codes in severities:
        for code in re.findall(r"`([^`]+)`", f"`{codes}`"):
            found[code] = Severity[severity.upper()]
    assert found == {**REFUSALS, **{f"freeze: {reason}": level for reason, level in FREEZES.items()}}


def test_the_example_on_the_page_is_what_the_code_makes():
    text = PAGE.read_text()
    leaf, event = re.findall(r"```json\n(.*?)\n```", text, re.DOTALL)
    from cloakroom.ledger.entry import decode_entry  # noqa: PLC0415 - only here

    made = to_event(
        decode_entry(canonical_json.encode(json.loads(leaf))), Place("ledger.example/maison", 41, bytes(32), "0.1.0")
    )
    assert json.loads(event) == made
