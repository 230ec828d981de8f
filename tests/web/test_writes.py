"""Single records written, deleted and handed over through the service."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from service_world import OTHER_SHOP, SHOP, World, signed

from cloakroom.client import RefusedError

FIELDS = {"given_name": "Ilse", "family_name": "Tanvik", "email": "ilse.tanvik@example.org", "city": "Lund"}
KEEP = {"purpose": "record_keeping"}
SHOW = {"purpose": "clienteling", "fields": ["given_name", "email", "city"], "reference": "APPT-3"}


def test_a_written_record_can_be_found_and_revealed(served: World):
    with served.client(SHOP) as shop, served.client("associate") as associate:
        token = shop.write("tarsenne", "NEW-1", {**FIELDS, "email": "ilse.first@example.org"}, **KEEP)
        found = associate.find("Ilse.First@example.org", purpose="clienteling", reference="APPT-3")
        assert found["tarsenne"] == [token]
        assert next(associate.reveal([token], **SHOW)).fields["city"] == "Lund"


def test_a_later_write_replaces_the_values_and_keeps_the_token(served: World):
    with served.client(SHOP) as shop, served.client("associate") as associate:
        token = shop.write("tarsenne", "NEW-2", {**FIELDS, "email": "first@example.org"}, **KEEP)
        assert shop.write("tarsenne", "NEW-2", {**FIELDS, "email": "second@example.org"}, **KEEP) == token
        assert next(associate.reveal([token], **SHOW)).fields["email"] == "second@example.org"
        assert not associate.find("first@example.org", purpose="clienteling", reference="APPT-3")["tarsenne"]


def test_a_deleted_record_is_gone_and_whether_it_was_there_is_not_told(served: World):
    with served.client(SHOP) as shop, served.client("associate") as associate:
        token = shop.write("tarsenne", "NEW-3", FIELDS, **KEEP)
        shop.delete("tarsenne", "NEW-3", **KEEP)
        shop.delete("tarsenne", "NEVER-1", **KEEP)
        assert not next(associate.reveal([token], **SHOW)).fields


def test_the_same_request_is_done_once(served: World):
    order = {"purpose": "record_keeping", "brand": "tarsenne", "record_id": "NEW-4", "fields": FIELDS}
    order["idempotency_key"] = "key-00000004"

    def send(**changes: object):
        return signed(served, SHOP, "PUT", "/v1/records", {**order, **changes}).send(served.nodes[0])

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["token"] for answer in answers}) == 1
    writes = [item for item in served.entries() if item.operation == "write" and item.brand == "tarsenne"]
    assert len([item for item in writes if item.at >= writes[-1].at]) == 1
    other = send(record_id="NEW-5")
    assert (other.status_code, other.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("fields", "code", "status"),
    [
        ({"city": "card 4111 1111 1111 1111"}, "payment-data", 422),
        ({"birth_date": "31/12/1980"}, "malformed", 400),
        ({"shoe_size": "43"}, "malformed", 400),
    ],
)
def test_what_does_not_belong_there_is_refused_without_repeating_it(served: World, fields, code, status):
    with served.client(SHOP) as shop, pytest.raises(RefusedError) as refused:
        shop.write("tarsenne", "NEW-6", {**FIELDS, **fields}, **KEEP)
    assert (refused.value.code, refused.value.status) == (code, status)
    assert not any(value in str(refused.value) for value in fields.values())


def test_writing_takes_a_purpose_that_allows_it(served: World):
    with served.client("associate") as client, pytest.raises(RefusedError) as refused:
        client.write("tarsenne", "NEW-7", FIELDS, purpose="clienteling")
    assert refused.value.code == "policy"
    last = [item for item in served.entries() if item.operation == "request" and item.lineage == "associate"][-1]
    assert (last.detail["operation"], last.reason) == (
        "write",
        "purpose" if last.reason == "purpose" else "operation",
    )


def test_older_values_do_not_replace_newer_ones_and_the_answer_does_not_tell_that_there_are_newer(served: World):
    own = {**FIELDS, "email": "eight@example.org", "phone": "+39061111118"}
    with served.client(SHOP) as shop:
        newer = shop.write("tarsenne", "NEW-8", own, modified_at="2026-03-01T00:00:00Z", **KEEP)
        moved = {**own, "city": "Ghent"}
        older = shop.write("tarsenne", "NEW-8", moved, modified_at="2026-02-01T00:00:00Z", **KEEP)
        assert older == newer
        again = shop.write(
            "tarsenne", "NEW-9", {**own, "email": "nine@example.org"}, modified_at="2026-02-01T00:00:00Z", **KEEP
        )
        assert type(again) is type(older)
    application = served.open()
    fate = application.connection.execute(
        "select convert_from(body, 'utf8')::jsonb #>> '{detail,fate}' from ledger_entry"
        " where operation = 'write' order by id"
    ).fetchall()
    application.close()
    assert ("stale",) in fate


def test_tokens_are_handed_over_only_where_the_policy_joins_both(served: World):
    own = served.tokens(3)
    with served.client(SHOP) as shop:
        given = shop.exchange(own, OTHER_SHOP, purpose="hand_over")
        assert given == served.tokens(3, scope=OTHER_SHOP)
        entry = [item for item in served.entries() if item.operation == "exchange" and item.permitted][-1]
        assert (entry.detail["receiver"], entry.detail["probes"]) == (OTHER_SHOP, 1 + entry.records)
        for receiver, purpose in (("nobody", "hand_over"), ("marketing", "hand_over"), (OTHER_SHOP, "clienteling")):
            with pytest.raises(RefusedError) as refused:
                shop.exchange(own, receiver, purpose=purpose)
            assert refused.value.code == "policy"
        with pytest.raises(RefusedError):
            shop.exchange(["tok_" + "A" * 22], OTHER_SHOP, purpose="hand_over")
