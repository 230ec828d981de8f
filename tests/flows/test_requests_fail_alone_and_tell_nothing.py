"""One bad request refuses itself only, and a refusal never depends on what there was to find."""

from __future__ import annotations

from pyroaring import BitMap

from cloakroom.flows.admission.request import UNKNOWN_BRAND, AdmissionRequest
from cloakroom.gate.policy import PrincipalKind
from cloakroom.ledger.entry import decode_entry
from cloakroom.use_cases.people import principals
from cloakroom.vocabulary import Operation


def _ask(principal, operation=Operation.REVEAL, **changes):
    given = {"brand": "tarsenne", "fields": frozenset({"email"}), "records": BitMap([1]), "reference": "A-1"}
    return AdmissionRequest(principal=principal, operation=operation, purpose="clienteling", **(given | changes))


def _search(principal, records):
    return _ask(principal, Operation.FIND, fields=frozenset(), records=BitMap(records), reserved=11)


def _anna(application, name="anna"):
    path = principals.enrol(application, name, kind=PrincipalKind.PERSON, roles=frozenset({"store_associate"}))
    return principals.authenticate(application.records, path, at=application.now()).principal


def test_a_reference_with_a_line_feed_is_refused_and_its_neighbour_is_answered(application):
    anna = _anna(application)
    asks = [_ask(anna, reference="A-1\n"), _ask(anna)]
    admissions, _ = application.gatekeeper.admit(asks)
    assert [item.code for item in admissions] == ["reference", "granted"]


def test_a_token_that_is_none_is_refused_even_where_a_role_reaches_every_brand(application):
    path = principals.enrol(application, "olga", kind=PrincipalKind.PERSON, roles=frozenset({"privacy_officer"}))
    olga = principals.authenticate(application.records, path, at=application.now()).principal
    ask = AdmissionRequest(
        olga, Operation.REVEAL, "access_request", UNKNOWN_BRAND, frozenset({"email"}), BitMap(), reference="A-1"
    )
    admissions, _ = application.gatekeeper.admit([ask])
    assert [item.code for item in admissions] == ["brand"]


def test_when_a_search_that_finds_is_refused_for_its_cost_one_that_finds_nothing_is_refused_too(application):
    anna = _anna(application)
    hit = application.gatekeeper.admit([_search(anna, range(5))])[0][0]
    while hit.permitted:
        hit = application.gatekeeper.admit([_search(anna, range(5))])[0][0]
    miss = application.gatekeeper.admit([_search(anna, [])])[0][0]
    assert (hit.permitted, hit.code) == (miss.permitted, miss.code) == (False, "budget")


def test_requests_that_arrive_together_are_counted_in_no_more_sets_than_those_that_come_alone(application):
    anna, bruno = _anna(application), _anna(application, "bruno")
    fields = frozenset({"email", "spend_total"})  # of two classes, one of which has a ceiling of its own
    for first in range(0, 6, 2):
        pair = [BitMap([first]), BitMap([first + 1])]
        asks = [_ask(anna, records=records, fields=fields) for records in pair]
        alone = [_ask(bruno, records=records, fields=fields) for records in pair]
        for batch in (asks, *([ask] for ask in alone)):
            assert all(item.permitted for item in application.gatekeeper.admit(batch)[0])
    together, apart = (application.gatekeeper._snapshots._snapshots[name] for name in ("anna", "bruno"))
    counters = [view._plan("tarsenne", view._budget).counters for view in (together, apart)]
    assert [counter.field_class for counter in counters[0]] == [counter.field_class for counter in counters[1]]


def test_an_entry_tells_of_the_budget_what_its_levels_are(application):
    anna = _anna(application)
    assert application.gatekeeper.admit([_ask(anna, records=BitMap([1, 2]))])[0][0].permitted
    body = application.connection.execute(
        "select body from ledger_entry where lineage = 'anna' and lineage_version = 1"
    ).fetchone()[0]
    view = application.gatekeeper._snapshots._snapshots["anna"]
    levels = view.levels(view.seen, "tarsenne", view._budget)
    told = decode_entry(bytes(body)).budget
    assert {f"{level.window.value}/{level.counter}" for level in levels} >= told.keys()
    assert told["lifetime/records"] == (view._budget.windows[-1].records, 0, 2)
