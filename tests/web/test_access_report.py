"""A person's own access report: complete, provable, permitted only with its purpose, and entered itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pyroaring import BitMap
from service_world import World

from cloakroom.adapters.postgres.openings import PostgresOpenings
from cloakroom.client import RefusedError
from cloakroom.ledger.entry import decode_entry
from cloakroom.ledger.record_sets import entry_place
from cloakroom.tlog.note import Ed25519Verifier
from cloakroom.tlog.proof_file import ProofFile
from patience import PATIENCE

ORDER = {"purpose": "own_access", "reference": "DSAR-1"}


@pytest.fixture
def opened(peopled: World) -> World:
    return peopled


def look_at(world: World, name: str, tokens: list[str], reference: str, fields=("email",)) -> None:
    purposes = {"associate": "clienteling", "second-associate": "clienteling", "privacy": "access_request"}
    with world.client(name) as client:
        list(client.reveal(tokens, purpose=purposes[name], fields=list(fields), reference=reference))


def test_the_report_names_exactly_the_openings_of_the_record_each_with_a_proof_that_verifies(opened: World):
    mine, others = opened.tokens(1), opened.tokens(3, skip=1)
    look_at(opened, "associate", [*mine, *others], "APPT-1")
    look_at(opened, "second-associate", mine, "APPT-2", ("email", "given_name"))
    look_at(opened, "second-associate", others, "APPT-3")
    with opened.client("privacy") as client:
        found = client.report_access(mine, **ORDER)
    assert [(item["principal"], item["reference"]) for item in found["openings"]] == [
        ("associate", "APPT-1"),
        ("second-associate", "APPT-2"),
    ]
    assert set(found["openings"][1]["fields"]) == {"email", "given_name"}
    assert found["openings"][0]["records"] == 4
    log = Ed25519Verifier.parse(found["log_key"])
    for item in found["openings"]:
        leaf, checkpoint = ProofFile.parse(item["proof"].encode()).verify(log)
        entry = decode_entry(leaf)
        assert (entry.principal, entry.reference, dict(entry.shape)) == (
            item["principal"],
            item["reference"],
            item["fields"],
        )
        assert checkpoint.checkpoint.size <= found["log_size"]


def test_old_hours_are_found_through_roll_ups_as_new_ones_without_them(opened: World):
    token = opened.tokens(1, skip=20)
    look_at(opened, "associate", token, "APPT-20")
    application = opened.open("look")
    try:
        application.sequencer.run()
        size = application.log.latest_checkpoint().size
        records = application.codec("shop-app").read(token)
        wanted = BitMap([item.ordinal for item in records])
        openings = PostgresOpenings(application.connection, application.sets)
        before = sorted(openings.holding(wanted, size=size))
        application.disclosures.roll_up()
        assert sorted(openings.holding(wanted, size=size)) == before
        assert len(before) == 1
        # The whole log, read entry by entry, says the same.
        sealed = dict(application.log.sets(0, size))
        sets = {
            index: application.sets.open(entry_place(decode_entry(application.log.leaf(index)).lineage), data)
            for index, data in sealed.items()
        }
        slow = [
            index
            for index in range(size)
            if (entry := decode_entry(application.log.leaf(index))).set_sha256
            and entry.operation == "reveal"
            and entry.permitted
            and sets[index].intersect(wanted)
        ]
        assert slow == [index for index, _ in before]
    finally:
        application.close()


def test_a_span_of_time_bounds_the_report(opened: World):
    token = opened.tokens(1, skip=5)
    look_at(opened, "associate", token, "APPT-5")
    with opened.client("privacy") as client:
        at = client.report_access(token, **ORDER)["openings"][0]["at"]
        assert len(client.report_access(token, start=at, **ORDER)["openings"]) == 1
        assert client.report_access(token, end=at, **ORDER)["openings"] == []
        with pytest.raises(RefusedError, match="malformed"):
            client.report_access(token, end="yesterday", **ORDER)


def test_the_report_is_a_use_of_its_own_with_its_entry_and_shows_no_value(opened: World):
    token = opened.tokens(1, skip=6)
    look_at(opened, "privacy", token, "DSAR-9", ("email", "given_name", "family_name"))
    with opened.client("privacy") as client:
        shown = next(
            iter(
                client.reveal(
                    token, purpose="access_request", fields=["email", "given_name", "family_name"], reference="DSAR-9"
                )
            )
        )
        found = client.report_access(token, **ORDER)
    assert len(found["openings"]) == 2
    assert not any(value in str(found) for value in shown.fields.values())
    last = [item for item in opened.entries() if item.operation == "report"][-1]
    assert (last.lineage, last.purpose, last.reference, last.records) == ("privacy", "own_access", "DSAR-1", 1)


def test_without_the_purpose_or_for_tokens_that_are_none_it_is_refused_alike_with_its_entry(opened: World):
    token = opened.tokens(1, skip=7)
    foreign = opened.tokens(1, scope="other-app", skip=7)
    attempts = [
        ("associate", token, ORDER, "purpose"),
        ("privacy", token, {"purpose": "own_access"}, "reference"),
        ("privacy", token, {"purpose": "access_request", "reference": "DSAR-1"}, "operation"),
        ("privacy", foreign, ORDER, "brand"),
        ("privacy", ["A" * 26], ORDER, "brand"),
        ("privacy", [*token, *foreign], ORDER, "brand"),
    ]
    for name, tokens, order, reason in attempts:
        before = sum(item.operation == "report" and not item.permitted for item in opened.entries())
        with opened.client(name) as client, pytest.raises(RefusedError) as caught:
            client.report_access(tokens, **order)
        assert (caught.value.code, caught.value.reason) == ("policy", reason)
        refused = [item for item in opened.entries() if item.operation == "report" and not item.permitted]
        assert (len(refused), refused[-1].reason) == (before + 1, reason)


def test_a_search_that_only_told_of_the_record_is_an_opening_without_fields(opened: World):
    order = {"purpose": "access_request", "reference": "DSAR-2"}
    with opened.client("privacy") as client:
        # Not every address in the deliveries is one: of a few records, one that is found by its own.
        for token in ([item] for item in opened.tokens(12, skip=8)):
            email = next(iter(client.reveal(token, fields=["email"], **order))).fields.get("email")
            try:
                found = client.find(email, **order) if email else {}
            except RefusedError:
                continue
            if any(token[0] in tokens for tokens in found.values()):
                break
        found = client.report_access(token, **ORDER)["openings"]
    assert [item["operation"] for item in found] == ["reveal", "find"]
    assert found[1]["fields"] == {}


@contextmanager
def writing_the_log(world: World) -> Iterator[threading.Event]:
    """Have another process be at the log until the event is set."""
    holder, held, go = world.open("holder"), threading.Event(), threading.Event()

    def hold() -> None:
        with holder.log.exclusive(wait=True):
            held.set()
            go.wait(PATIENCE)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(PATIENCE)
    yield go
    go.set()
    thread.join()
    holder.close()


def test_the_report_has_what_was_just_opened_although_another_process_is_writing_the_log(opened: World):
    mine = opened.tokens(1, skip=5)
    with writing_the_log(opened) as go:
        look_at(opened, "associate", mine, "APPT-77")
        threading.Timer(0.5, go.set).start()
        with opened.client("privacy") as client:
            found = client.report_access(mine, **ORDER)["openings"]
    assert "APPT-77" in [item["reference"] for item in found]


def test_nobody_waits_for_somebody_elses_report(opened: World):
    mine = opened.tokens(1, skip=5)
    found = []

    def report() -> None:
        with opened.client("privacy") as client:
            found.append(client.report_access(mine, **ORDER))

    with writing_the_log(opened) as go:
        thread = threading.Thread(target=report)
        thread.start()
        time.sleep(0.5)
        for number in range(20):
            look_at(opened, "associate", mine, f"APPT-{number}")
        assert thread.is_alive()
        assert not found
        go.set()
        thread.join()
    assert len(found) == 1
