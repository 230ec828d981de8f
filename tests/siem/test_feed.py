"""Every entry becomes one OCSF event with what its class requires, in order, and none is left out."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from cloakroom import principals
from cloakroom.adapters.siem import open_sink, render_event
from cloakroom.errors import UsageError
from cloakroom.feeding import Cursor, feed
from cloakroom.gate.policy import PrincipalKind
from cloakroom.ledger.entry import Entry, Operation
from cloakroom.wiring import Application

# From the schema (ocsf-schema, events/base_event, application, findings): what each class requires, and of
# what at least one must be there.
BASE = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}
REQUIRED = {
    6005: BASE | {"actor", "src_endpoint"},
    6003: BASE | {"actor", "src_endpoint", "api"},
    2004: BASE | {"finding_info"},
}
ACTIVITIES = {6005: range(1, 11), 6003: range(1, 5), 2004: range(1, 4)}


def check(event: dict) -> None:
    kind = event["class_uid"]
    assert event.keys() >= REQUIRED[kind]
    assert event["activity_id"] in ACTIVITIES[kind]
    assert event["category_uid"] == kind // 1000
    assert event["type_uid"] == kind * 100 + event["activity_id"]
    assert event["severity_id"] in range(1, 7)
    assert {"version", "product"} <= event["metadata"].keys()
    assert event["metadata"]["product"].keys() >= {"name", "vendor_name"}
    if kind == 6005:
        assert event["database"]["name"]
    if kind == 6003:
        assert event["api"]["operation"]
    if kind == 2004:
        assert event["finding_info"].keys() >= {"title", "uid"}
    if "actor" in event:
        assert event["actor"]["user"]["uid"]


def entry(operation: Operation, **changes: object) -> Entry:
    values = {
        "at": 1_800_000_000_000_000, "node": "n", "node_epoch": 1, "sequence": 2, "lineage": "alice-7",
        "principal": "alice-7", "operation": operation, "permitted": True, "reason": "granted",
    } | changes  # fmt: skip
    return Entry(**values)


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("permitted", [True, False])
def test_every_operation_has_its_event(operation, permitted):
    event = render_event(entry(operation, permitted=permitted, reason="granted" if permitted else "budget"), 7, "log")
    check(event)
    assert event["status_id"] == (1 if permitted else 2)
    assert event["unmapped"]["operation"] == operation


@pytest.mark.parametrize("reason", ["canary", "persistent"])
def test_an_alarm_is_a_finding(reason):
    event = render_event(entry(Operation.FREEZE, reason=reason), 7, "log")
    check(event)
    assert (event["class_uid"], event["is_alert"]) == (2004, True)
    assert render_event(entry(Operation.FREEZE, reason="INC-1"), 7, "log")["class_uid"] == 6003


def test_the_whole_ledger_is_fed_once_in_order_and_goes_on_where_it_stopped(application: Application, tmp_path: Path):
    target, cursor = tmp_path / "events.jsonl", Cursor(tmp_path / "cursor")

    def run() -> list[dict]:
        application.sequencer.run()
        sink = open_sink(f"file:{target}")
        feed(application, sink, cursor)
        sink.close()
        return [json.loads(line) for line in target.read_text().splitlines()]

    first = run()
    assert [event["unmapped"]["leaf_index"] for event in first] == list(range(len(first)))
    principals.enrol(application, "app", kind=PrincipalKind.APPLICATION, roles=frozenset({"web_shop"}))
    principals.freeze(application, "app", by="operator", reason="INC-1")
    second = run()
    assert second[: len(first)] == first
    assert [event["unmapped"]["operation"] for event in second[len(first) :]] == ["principal", "freeze"]
    for event in second:
        check(event)
    assert run() == second


def test_a_lost_cursor_sends_again_under_the_same_ids(application: Application, tmp_path: Path):
    for name in ("a", "b"):
        sink = open_sink(f"file:{tmp_path / name}")
        feed(application, sink, Cursor(None))
        sink.close()
    one, two = ((tmp_path / name).read_text().splitlines() for name in ("a", "b"))
    assert one == two


def test_events_reach_a_syslog_daemon(application: Application):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(5)
        sink = open_sink(f"syslog+udp://127.0.0.1:{daemon.getsockname()[1]}")
        feed(application, sink, Cursor(None))
        head, _, body = daemon.recv(65_535).partition(b" - ")
        sink.close()
    assert head.startswith(b"<110>1 ")
    check(json.loads(body))


def test_an_unknown_target_is_refused():
    for uri in ("", "file:", "kafka://x", "syslog+udp://"):
        with pytest.raises(UsageError):
            open_sink(uri)
