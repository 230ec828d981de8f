"""Each attribute of an event says what `docs/reference/siem.md` says of it, for every class; written out by hand."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from cloakroom.ledger.entry import Entry
from cloakroom.ledger.ocsf import Place, encode_event, shortened, to_event
from cloakroom.vocabulary import Operation

LEAF = bytes(range(0x20, 0x40))
PLACE = Place("maison.example/log", 41, LEAF, "9.8.7")
PLAIN = Entry(
    at=1_800_000_000_987_654, node="web-1", node_epoch=3, sequence=19, lineage="anna", principal="bea",
    operation=Operation.REVEAL, permitted=True, reason="granted",
)  # fmt: skip
FULL = replace(
    PLAIN, purpose="clienteling", brand="tarsenne", shape={"email": "mask", "phone": "reveal"}, records=3,
    set_sha256="ab" * 32, reference="APPT-7", policy="cd" * 32, budget={"day/records": (100, 4, 7)},
    detail={"credential": "key-1", "drawn": ["contact"]}, count=2,
)  # fmt: skip


def event_of(entry: Entry = FULL, **changes: object) -> dict:
    return to_event(replace(entry, **changes), PLACE)


def test_a_permitted_opening_becomes_exactly_this_event() -> None:
    assert event_of() == {
        "activity_id": 1,
        "activity_name": "Read",
        "category_uid": 6,
        "category_name": "Application Activity",
        "class_uid": 6005,
        "class_name": "Datastore Activity",
        "type_uid": 600501,
        "type_name": "Datastore Activity: Read",
        "time": 1_800_000_000_987,
        "severity_id": 1,
        "severity": "Informational",
        "status_id": 1,
        "status": "Success",
        "status_code": "granted",
        "count": 2,
        "message": "reveal done: granted, 3 records",
        "metadata": {
            "version": "1.5.0",
            "product": {"name": "Cloakroom", "vendor_name": "Cloakroom", "version": "9.8.7"},
            "uid": "maison.example/log/41/2021222324252627",
            "sequence": 41,
            "log_name": "maison.example/log",
            "event_code": "reveal",
        },
        "actor": {"user": {"uid": "bea", "credential_uid": "key-1"}},
        "src_endpoint": {"name": "not-recorded"},
        "dst_endpoint": {"name": "web-1"},
        "database": {"name": "vault", "uid": "maison.example/log", "type_id": 1, "type": "Relational"},
        "table": {"name": "tarsenne"},
        "unmapped": {
            "operation": "reveal",
            "permitted": True,
            "at_us": 1_800_000_000_987_654,
            "node": ["web-1", 3, 19],
            "lineage": "anna",
            "leaf_index": 41,
            "leaf_hash": LEAF.hex(),
            "records": 3,
            "purpose": "clienteling",
            "brand": "tarsenne",
            "shape": {"email": "mask", "phone": "reveal"},
            "set_sha256": "ab" * 32,
            "reference": "APPT-7",
            "policy": "cd" * 32,
            "budget": {"day/records": [100, 4, 7]},
            "detail": {"credential": "key-1", "drawn": ["contact"]},
        },
    }


def test_a_refusal_says_so_in_status_severity_and_words_and_keeps_its_class() -> None:
    refused = event_of(permitted=False, reason="replayed", records=0)
    assert (refused["class_uid"], refused["activity_name"]) == (6005, "Read")
    assert (refused["status_id"], refused["status"], refused["status_code"]) == (2, "Failure", "replayed")
    assert (refused["severity_id"], refused["severity"]) == (4, "High")
    assert refused["message"] == "reveal refused: replayed, 0 records"
    assert refused["unmapped"]["permitted"] is False
    assert refused["unmapped"]["records"] == 0


def test_what_an_entry_leaves_out_is_left_out_of_the_event() -> None:
    event = event_of(PLAIN)
    assert set(event["unmapped"]) == {
        "operation", "permitted", "at_us", "node", "lineage", "leaf_index", "leaf_hash", "records",
    }  # fmt: skip
    assert "table" not in event
    assert event["actor"] == {"user": {"uid": "bea"}}


@pytest.mark.parametrize(
    "name", ["purpose", "brand", "shape", "set_sha256", "reference", "policy", "budget", "detail"]
)
def test_each_part_without_a_word_in_ocsf_stands_in_unmapped_by_itself(name: str) -> None:
    only = event_of(PLAIN, **{name: getattr(FULL, name)})["unmapped"]
    expected = {"day/records": [100, 4, 7]} if name == "budget" else getattr(FULL, name)
    assert only[name] == expected
    assert len(only) == 9


@pytest.mark.parametrize(
    ("operation", "permitted", "own"),
    [
        (Operation.LIST, True, {"actor", "src_endpoint", "dst_endpoint", "database", "table"}),
        (Operation.REQUEST, False, {"actor", "src_endpoint", "dst_endpoint", "api"}),
        (Operation.HEARTBEAT, True, {"app"}),
        (Operation.RENEW, True, {"actor", "user"}),
        (Operation.FREEZE, False, {"actor", "user"}),
        (Operation.POLICY, True, {"actor", "entity"}),
        (Operation.THAW, True, {"finding_info", "is_alert", "evidences", "resources"}),
    ],
)
def test_a_class_has_its_own_attributes_and_no_other_classes(
    operation: Operation, permitted: bool, own: set[str]
) -> None:
    common = {
        "activity_id", "activity_name", "category_uid", "category_name", "class_uid", "class_name", "type_uid",
        "type_name", "time", "severity_id", "severity", "status_id", "status", "status_code", "count", "message",
        "metadata", "unmapped",
    }  # fmt: skip
    assert set(event_of(operation=operation, permitted=permitted)) == common | own


def test_an_account_change_is_by_the_principal_and_of_the_lineage() -> None:
    event = event_of(operation=Operation.RENEW)
    assert event["actor"]["user"] == {"uid": "bea", "credential_uid": "key-1"}
    assert event["user"] == {"uid": "anna"}
    assert (event["type_uid"], event["type_name"]) == (300199, "Account Change: Renew")
    assert event["category_name"] == "Identity & Access Management"


def test_a_freeze_is_a_finding_about_the_lineage_with_who_did_it_as_its_evidence() -> None:
    event = event_of(operation=Operation.FREEZE, reason="canary")
    assert event["finding_info"] == {
        "uid": "maison.example/log/freeze/anna", "title": "A principal was frozen", "types": ["canary"],
    }  # fmt: skip
    assert event["resources"] == [{"uid": "anna", "type": "principal"}]
    assert event["evidences"] == [
        {"actor": {"user": {"uid": "bea", "credential_uid": "key-1"}}, "user": {"uid": "anna"}}
    ]
    assert (event["status_id"], event["status"], event["is_alert"]) == (1, "New", True)
    assert (event["category_uid"], event["category_name"], event["type_uid"]) == (2, "Findings", 200401)
    thaw = event_of(operation=Operation.THAW, reason="case-9")
    assert thaw["finding_info"] == {
        "uid": "maison.example/log/freeze/anna", "title": "A principal was thawed", "types": ["case-9"],
    }  # fmt: skip
    assert (thaw["status_id"], thaw["status"], thaw["is_alert"], thaw["severity"]) == (4, "Resolved", False, "Low")


def test_a_refused_freeze_or_thaw_is_a_failed_account_change_as_loud_as_its_reason() -> None:
    lock = event_of(operation=Operation.FREEZE, permitted=False, reason="purpose")
    unlock = event_of(operation=Operation.THAW, permitted=False, reason="own-lineage")
    assert (lock["type_uid"], lock["activity_name"], lock["status"], lock["severity"]) == (
        300109, "Lock", "Failure", "Low",
    )  # fmt: skip
    assert (unlock["type_uid"], unlock["activity_name"], unlock["status"], unlock["severity"]) == (
        300112, "Unlock", "Failure", "High",
    )  # fmt: skip
    # A canary is the loudest freeze, but a refusal for that word is a refusal like any unknown one.
    assert event_of(operation=Operation.FREEZE, permitted=False, reason="canary")["severity"] == "Medium"


def test_a_request_nobody_signed_has_no_user_and_one_by_somebody_has() -> None:
    for operation in (Operation.REQUEST, Operation.SIGN_IN):
        nobody = event_of(PLAIN, operation=operation, lineage="system", principal="system", permitted=False)
        assert nobody["actor"]["user"] == {"uid": "unauthenticated"}
        assert event_of(operation=operation)["actor"]["user"]["uid"] == "bea"
        # Whoever acted for the system's lineage before anybody was known is not named either.
        assert event_of(PLAIN, operation=operation, lineage="system")["actor"]["user"] == {"uid": "unauthenticated"}
    system = event_of(PLAIN, operation=Operation.IMPORT, lineage="system", principal="system")
    assert system["actor"]["user"] == {"uid": "system", "type_id": 3, "type": "System"}
    assert event_of(PLAIN, lineage="system")["actor"]["user"] == {"uid": "bea"}


def test_a_request_names_the_operation_that_was_asked_for() -> None:
    event = event_of(PLAIN, operation=Operation.REQUEST, detail={"operation": "ledger"})
    assert event["api"] == {"operation": "ledger", "service": {"name": "Cloakroom"}}
    assert event_of(PLAIN, operation=Operation.REQUEST)["api"]["operation"] == "request"
    assert event_of(PLAIN, operation=Operation.REQUEST, detail={"operation": "Jane Roe"})["api"]["operation"] == "?"


def test_an_entity_is_the_configuration_with_its_hash_or_the_keys_that_were_rotated() -> None:
    policy = event_of(operation=Operation.POLICY)["entity"]
    assert policy == {"name": "configuration", "type_id": 5, "type": "Policy", "policy": {"uid": "cd" * 32}}
    assert event_of(PLAIN, operation=Operation.POLICY)["entity"]["policy"] == {"uid": "?"}
    keys = event_of(PLAIN, operation=Operation.ROTATE, detail={"what": "root"})["entity"]
    assert keys == {"name": "root", "type_id": 99, "type": "Encryption Key"}
    assert event_of(PLAIN, operation=Operation.ROTATE)["entity"]["name"] == "keys"


def test_a_lifecycle_event_names_the_program_and_its_version() -> None:
    event = event_of(PLAIN, operation=Operation.CLOCK)
    assert event["app"] == {"name": "Cloakroom", "vendor_name": "Cloakroom", "version": "9.8.7"}
    assert (event["type_name"], event["severity"]) == ("Application Lifecycle: Clock Step", "Medium")


@pytest.mark.parametrize(
    ("detail", "activity"),
    [({"fate": "created"}, 6), ({"fate": "changed"}, 2), ({"fate": "deleted"}, 7), ({"fate": "same"}, 5), ({}, 5)],
)
def test_a_write_is_named_by_what_became_of_the_record(detail: dict[str, object], activity: int) -> None:
    assert event_of(PLAIN, operation=Operation.WRITE, detail=detail)["activity_id"] == activity
    # The same detail of another operation, or under another name, says nothing about it.
    assert event_of(PLAIN, operation=Operation.IMPORT, detail=detail)["activity_id"] == 5
    assert event_of(PLAIN, operation=Operation.WRITE, detail={"action": detail.get("fate", "")})["activity_id"] == 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A-1", "A-1"), ("*", "*"), ("a" * 256, "a" * 256), ("a" * 257, "?"), ("day/records", "day/records"),
        ("what?", "what?"), ("Jane Roe", "?"), ("jane@mail.example", "?"), ("-a", "?"), ("é", "?"), ("a\n", "?"),
        ("+39333", "?"),
    ],
)  # fmt: skip
def test_text_leaves_only_where_it_can_be_an_identifier_and_no_address(text: str, shown: str) -> None:
    event = event_of(PLAIN, reason=text, purpose=text, reference=text, brand=text, shape={text: text})
    unmapped = event["unmapped"]
    assert {event["status_code"], unmapped["purpose"], unmapped["reference"], unmapped["brand"]} == {shown}
    assert unmapped["shape"] == {shown: shown}
    assert event["table"] == {"name": shown}
    assert event["message"] == f"reveal done: {shown}, 0 records"


@pytest.mark.parametrize(
    ("text", "as_principal", "elsewhere"),
    [
        ("jane@mail.example", "jane@mail.example", "?"), ("a" * 128, "a" * 128, "a" * 128),
        ("a" * 129, "?", "a" * 129),
        ("Jane Roe", "?", "?"), ("a*", "?", "a*"), ("@jane", "?", "?"),
    ],
)  # fmt: skip
def test_an_address_may_name_a_principal_and_nothing_else(text: str, as_principal: str, elsewhere: str) -> None:
    named = {"credential": text, "receiver": [text], "of": {"of": text}, "campaign": text}
    event = event_of(PLAIN, lineage=text, principal=text, node=text, detail=named)
    assert event["actor"]["user"] == {"uid": as_principal, "credential_uid": as_principal}
    assert event["dst_endpoint"]["name"] == event["unmapped"]["node"][0] == as_principal
    assert event["unmapped"]["lineage"] == as_principal
    assert event["unmapped"]["detail"] == {
        "credential": as_principal, "receiver": [as_principal], "of": {"of": as_principal}, "campaign": elsewhere,
    }  # fmt: skip


def test_numbers_truths_stars_and_lists_of_a_detail_arrive_and_anything_else_is_hidden() -> None:
    detail = {
        "count": 7, "is_first": False, "receiver": "*", "names": ["a", "b c", 3], "within": {"x y": "z", "n": [None]},
        "share": 0.5, "nothing": None, "raw": b"raw",
    }  # fmt: skip
    assert event_of(PLAIN, detail=detail)["unmapped"]["detail"] == {
        "count": 7, "is_first": False, "receiver": "*", "names": ["a", "?", 3], "within": {"?": "z", "n": ["?"]},
        "share": "?", "nothing": "?", "raw": "?",
    }  # fmt: skip


def test_a_credential_that_is_no_text_is_not_taken_for_one() -> None:
    assert event_of(PLAIN, detail={"credential": 7})["actor"]["user"] == {"uid": "bea"}


def test_a_shortened_event_leaves_out_only_what_may_be_long_and_names_it() -> None:
    event = event_of()
    short = shortened(event)
    assert short["unmapped"].pop("left_out") == ["budget", "detail", "shape"]
    assert {**event["unmapped"]} == {
        **short["unmapped"], "budget": {"day/records": [100, 4, 7]},
        "detail": {"credential": "key-1", "drawn": ["contact"]}, "shape": {"email": "mask", "phone": "reveal"},
    }  # fmt: skip
    assert {key: value for key, value in short.items() if key != "unmapped"} == {
        key: value for key, value in event.items() if key != "unmapped"
    }
    assert shortened(event_of(PLAIN))["unmapped"]["left_out"] == []


def test_an_event_is_named_by_log_index_and_the_first_eight_bytes_of_its_leaf() -> None:
    assert PLACE.uid == "maison.example/log/41/2021222324252627"
    assert Place("l", 0, LEAF[:8] + bytes(24), "1").uid == Place("l", 0, LEAF, "2").uid
    assert Place("l", 0, LEAF[:7] + b"x" + LEAF[8:], "1").uid != Place("l", 0, LEAF, "1").uid
    assert json.loads(encode_event(event_of())) == event_of()
