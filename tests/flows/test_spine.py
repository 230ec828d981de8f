"""The spine end to end on a small store: find, reveal, refuse, count."""

from __future__ import annotations

import csv

from pyroaring import BitMap

from cloakroom.flows.records.find import FindRequest, find
from cloakroom.flows.records.reveal import RevealRequest, reveal
from cloakroom.gate.policy import PrincipalKind
from cloakroom.use_cases.incident.affected import affected_by
from cloakroom.use_cases.people import principals


def _anna(application):
    path = principals.enrol(application, "anna", kind=PrincipalKind.PERSON, roles=frozenset({"store_associate"}))
    return principals.authenticate(application.records, path, at=application.now())


def _address(store):
    brand, files = next(iter(store.deliveries.items()))
    with files[0].open(encoding="utf-8", newline="") as file:
        return brand, next(row["email"] for row in csv.DictReader(file) if "@" in row["email"])


def _find(application, who, brand, address):
    request = FindRequest(
        who.principal, application.codec("anna"), [brand], "email", address, "clienteling", reference="A-1"
    )
    return find(
        [request],
        gatekeeper=application.gatekeeper,
        catalogue=application.catalogue,
        digests=application.digests,
        index_reader=application.vault,
    )[0]


def _reveal(application, who, tokens, fields=frozenset({"email"}), purpose="clienteling"):
    request = RevealRequest(who.principal, tokens, application.codec("anna"), fields, purpose, "A-1")
    return reveal(
        [request], gatekeeper=application.gatekeeper, catalogue=application.catalogue, openers=application.openers
    )[0]


def test_a_customer_found_by_address_reveals_that_address(application, store):
    who = _anna(application)
    brand, address = _address(store)
    found = _find(application, who, brand, address)
    answer = _reveal(application, who, found.tokens[brand])
    assert answer.admission.permitted
    assert address.strip().lower() in {item.values["email"].strip().lower() for item in answer.revealed}


def test_the_affected_set_is_exactly_what_was_revealed(application, store):
    who = _anna(application)
    brand, address = _address(store)
    found = _find(application, who, brand, address)
    _reveal(application, who, found.tokens[brand])
    references = application.codec("anna").read_all(found.tokens[brand])
    report = affected_by(application, lineage="anna").report
    assert report.records == BitMap(item.ordinal for item in references)
    assert report.splits["brand"] == {brand: len(references)}


def test_a_purpose_that_the_role_lacks_is_refused_and_entered(application, store):
    who = _anna(application)
    brand, address = _address(store)
    found = _find(application, who, brand, address)
    answer = _reveal(application, who, found.tokens[brand], purpose="access_request")
    assert not answer.admission.permitted
    assert not answer.revealed
    refused = application.connection.execute(
        "select count(*) from ledger_entry where lineage = 'anna' and not permitted"
    ).fetchone()
    assert refused[0] == 1


def test_a_token_of_another_application_is_refused_without_saying_whether_it_exists(application, store):
    who = _anna(application)
    brand, address = _address(store)
    found = _find(application, who, brand, address)
    principals.enrol(application, "ben", kind=PrincipalKind.PERSON, roles=frozenset({"store_associate"}))
    foreign = application.codec("ben").issue(application.codec("anna").read_all(found.tokens[brand]))
    made_up = "tok_" + "A" * 22
    answers = [_reveal(application, who, [token]) for token in (foreign[0], made_up)]
    assert [answer.admission.permitted for answer in answers] == [False, False]
    assert answers[0].admission == answers[1].admission
