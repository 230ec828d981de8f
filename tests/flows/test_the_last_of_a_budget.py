"""Exactly at the limit: the last permitted search or reveal is done, and the next one is refused.

Ceilings are small here, so that both sides of each are tried: records, a field class, a brand, probes; one by one, in
batches, and over two nodes of which one knows nothing of what the other did.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from pyroaring import BitMap

from cloakroom.clock import FixedClock
from cloakroom.flows.admission.request import AdmissionRequest
from cloakroom.flows.records.find import MAX_FOUND, FindRequest, find
from cloakroom.flows.records.reveal import RevealRequest, reveal
from cloakroom.ledger.entry import decode_entry
from cloakroom.use_cases.people.exposure import exposure_of
from cloakroom.use_cases.people.principals import renew
from cloakroom.use_cases.records.importing import import_file
from cloakroom.use_cases.store.configuration import apply_configuration
from cloakroom.vocabulary import Operation
from spine_world import NOON, live_ordinals, open_records, search, staff, tokens_of
from tarsenne_deliveries import BRAND, deliver, row

NAMES = frozenset({"given_name"})
SPEND = frozenset({"given_name", "spend_total"})
HAND_OVER = """
[purposes.hand_over]
text = "Give another application tokens of its own"
operations = ["exchange"]
"""
LOW = "mask_below_percent = 50\ntoken_below_percent = 20\n"
SEARCH = 1 + MAX_FOUND
"""Probes that must be left for a search, since nobody knows before what it finds."""


@pytest.fixture
def bounded(store, tmp_path):
    """Return a function that bounds Anna's budget and gives two nodes on which she works."""
    opened = []

    def start(window, *changes):
        clock = FixedClock(NOON)
        first = store.open(clock=clock, clock_tolerance=None)
        opened.append(first)
        texts = dict(first.configuration.texts)
        texts["policy.toml"] = with_counter(with_hand_over(texts["policy.toml"]), window)
        for old, new in changes:
            assert old in texts["policy.toml"]
            texts["policy.toml"] = texts["policy.toml"].replace(old, new)
        apply_configuration(first, texts)
        first.refresh_configuration()
        anna = staff(first)
        second = store.open(node="second", clock=clock, clock_tolerance=None)
        opened.append(second)
        return first, second, anna

    yield start
    for node in opened:
        node.close()


def with_hand_over(policy):
    return policy.replace('purposes = ["clienteling"]', 'purposes = ["clienteling", "hand_over"]') + HAND_OVER


def with_counter(policy, window):
    """Replace the budget of the counter by one of which each window bounds the same, without masks."""
    policy = re.sub(r"\[budgets\.counter\]\n.*?(?=\[budgets\.desk\])", "[[COUNTER]]", policy, flags=re.DOTALL)
    generous = {"records": 10_000, "probes": 10_000} | window
    lines = "\n".join(f"{name} = {number}" for name, number in generous.items())
    spans = {"burst": 'length = "10m"\n', "day": 'length = "24h"\n', "lifetime": ""}
    tables = [f"[budgets.counter.{name}]\n{length}{lines}\n" for name, length in spans.items()]
    return policy.replace("[[COUNTER]]", "[budgets.counter]\n" + "".join(tables))


def outcome(answer):
    return "permitted" if answer.admission.permitted else answer.admission.code


def reveals(node, who, tokens, fields=NAMES):
    return outcome(open_records(node, who, tokens, fields=fields))


def searches(node, who, text="nobody@example.com", brands=(BRAND,)):
    return outcome(search(node, who, list(brands), text))


def shared_address(node, tmp_path, records):
    """Import so many records that share an address, and return it."""
    rows = [row(95_000_000 + at, "2025-03-01", first_name="Ada", email="desk@example.com") for at in range(records)]
    import_file(node, deliver(tmp_path / "shared.csv", *rows), BRAND)
    return "desk@example.com"


def test_the_last_record_is_shown_and_the_next_one_is_not_but_those_open_already_are(bounded):
    node, _, anna = bounded({"records": 6})
    tokens = tokens_of(node, anna, live_ordinals(node)[:8])
    assert [reveals(node, anna, [token]) for token in tokens[:5]] == ["permitted"] * 5
    assert reveals(node, anna, tokens[5:7]) == "budget", "two where one is left"
    assert reveals(node, anna, tokens[5:6]) == "permitted"
    assert reveals(node, anna, tokens[6:7]) == "budget"
    assert reveals(node, anna, tokens[:6]) == "permitted"
    assert exposure_of(node, "anna").ceiling == 6


def test_in_one_request_as_many_as_the_limit_are_shown_and_one_more_is_not(bounded):
    node, _, anna = bounded({"records": 6})
    tokens = tokens_of(node, anna, live_ordinals(node)[:7])
    assert reveals(node, anna, tokens) == "budget"
    assert reveals(node, anna, tokens[:6]) == "permitted"


def test_a_batch_that_holds_more_than_is_left_is_answered_up_to_the_limit_and_no_further(bounded):
    node, _, anna = bounded({"records": 6})
    tokens = tokens_of(node, anna, live_ordinals(node)[:9])
    codec = node.codec(anna.token_scope)
    parts = [tokens[0:3], tokens[3:7], tokens[3:6], tokens[6:7], tokens[0:1]]
    asked = [RevealRequest(anna.principal, part, codec, NAMES, "clienteling", "A-1") for part in parts]
    answers = reveal(asked, gatekeeper=node.gatekeeper, catalogue=node.catalogue, openers=node.openers)
    assert [outcome(answer) for answer in answers] == ["permitted", "budget", "permitted", "budget", "permitted"]
    shown = {item.token for answer in answers for item in answer.revealed}
    assert shown == set(tokens[:6])


def test_a_field_class_has_its_own_last_record(bounded):
    node, _, anna = bounded({"records": 6, "value": 3})
    tokens = tokens_of(node, anna, live_ordinals(node)[:7])
    assert reveals(node, anna, tokens[:2], SPEND) == "permitted"
    assert reveals(node, anna, tokens[2:4], SPEND) == "budget"
    assert reveals(node, anna, tokens[2:3], SPEND) == "permitted"
    assert reveals(node, anna, tokens[3:4], SPEND) == "budget"
    assert reveals(node, anna, tokens[3:6]) == "permitted", "names are left"
    assert reveals(node, anna, tokens[6:7]) == "budget"
    assert reveals(node, anna, tokens[:3], SPEND) == "permitted"


def test_a_brand_has_its_own_last_record(bounded):
    node, _, anna = bounded({"records": 6, "per_brand": 4})
    one = tokens_of(node, anna, live_ordinals(node, "tarsenne")[:5])
    other = tokens_of(node, anna, live_ordinals(node, "ombrelune")[:3])
    assert reveals(node, anna, one[:3]) == "permitted"
    assert reveals(node, anna, one[3:5]) == "budget"
    assert reveals(node, anna, one[3:4]) == "permitted"
    assert reveals(node, anna, one[4:5]) == "budget"
    assert reveals(node, anna, other[:3]) == "budget", "six over all brands"
    assert reveals(node, anna, other[:2]) == "permitted"
    assert reveals(node, anna, other[2:3]) == "budget"


def test_a_node_that_knows_nothing_of_the_other_permits_the_last_record_and_refuses_the_next(bounded):
    first, second, anna = bounded({"records": 6})
    tokens = tokens_of(first, anna, live_ordinals(first)[:8])
    assert reveals(second, anna, tokens[:1]) == "permitted"
    assert reveals(first, anna, tokens[1:5]) == "permitted"
    assert reveals(second, anna, tokens[5:7]) == "budget", "as if one were open"
    assert reveals(first, anna, tokens[5:6]) == "permitted"
    assert reveals(second, anna, tokens[6:7]) == "budget"
    assert reveals(second, anna, tokens[:6]) == "permitted"


def test_the_last_search_is_done_and_the_next_one_is_not(bounded):
    node, _, anna = bounded({"probes": SEARCH + 2})
    assert [searches(node, anna) for _ in range(4)] == ["permitted"] * 3 + ["budget"]


def test_a_search_that_would_find_nothing_is_refused_like_one_that_would_find_somebody(bounded, tmp_path):
    node, _, anna = bounded({"probes": SEARCH + 1})
    address = shared_address(node, tmp_path, 1)
    assert searches(node, anna, address) == "permitted"  # two probes
    assert [searches(node, anna, text) for text in (address, "nobody@example.com")] == ["budget"] * 2


def test_searches_over_two_nodes_that_know_nothing_of_each_other_end_at_the_same_limit(bounded):
    first, second, anna = bounded({"probes": SEARCH + 3})
    assert searches(second, anna) == "permitted"
    assert [searches(first, anna) for _ in range(2)] == ["permitted"] * 2
    assert searches(second, anna) == "permitted", "the last one"
    assert searches(second, anna) == "budget"
    assert searches(first, anna) == "budget"


def test_a_batch_of_searches_is_answered_up_to_the_limit_and_no_further(bounded):
    node, _, anna = bounded({"probes": SEARCH + 2})
    asked = [
        FindRequest(
            *(anna.principal, node.codec("anna"), [BRAND], "email", f"nobody{at}@example.com", "clienteling"),
            reference="A-1",
        )
        for at in range(5)
    ]
    answers = find(
        asked,
        gatekeeper=node.gatekeeper,
        catalogue=node.catalogue,
        digests=node.digests,
        index_reader=node.vault,
    )
    assert [outcome(answer) for answer in answers] == ["permitted"] * 3 + ["budget"] * 2


@pytest.mark.parametrize(
    ("records", "cost"), [(0, 1), (MAX_FOUND - 1, SEARCH - 1), (MAX_FOUND, SEARCH), (MAX_FOUND + 1, SEARCH)]
)
def test_a_search_costs_one_and_each_it_names_and_as_much_as_the_most_where_it_finds_too_many(
    bounded, tmp_path, records, cost
):
    node, _, anna = bounded({"probes": SEARCH + cost})
    address = shared_address(node, tmp_path, records)
    answer = search(node, anna, [BRAND], address)
    assert answer.admission.permitted
    assert (answer.too_many == [BRAND]) == (records > MAX_FOUND)
    assert len(answer.tokens.get(BRAND, ())) == (0 if records > MAX_FOUND else records)
    assert searches(node, anna, address) == "permitted", "the last one that may find as many"
    assert [searches(node, anna, text) for text in (address, "nobody@example.com")] == ["budget"] * 2
    bodies = node.connection.execute(
        "select body from ledger_entry where lineage = 'anna' and operation = 'find' and permitted order by id"
    )
    entries = [decode_entry(body) for (body,) in bodies]
    named = 0 if records > MAX_FOUND else records
    assert [(entry.records, entry.detail["probes"]) for entry in entries] == [(named, cost)] * 2


def test_one_probe_less_than_a_search_may_cost_is_too_little_even_for_the_first(bounded):
    node, _, anna = bounded({"probes": SEARCH - 1})
    assert searches(node, anna) == "budget"


def test_a_search_of_several_brands_needs_room_for_each_and_says_nothing_if_one_is_refused(bounded):
    node, _, anna = bounded({"probes": SEARCH + 1})
    brands = ["tarsenne", "ombrelune", "hollinwray"]
    assert searches(node, anna, brands=brands) == "budget"
    assert searches(node, anna) == "budget", "what was permitted of it has counted"


@pytest.mark.parametrize("left", [0, 1, 2])
def test_what_draws_probes_by_its_records_is_counted_together_within_a_batch(bounded, left):
    """Three tokens exchanged cost four probes; of three such requests in one batch two fit, whatever is left over."""
    node, _, anna = bounded({"probes": 8 + left})
    ordinals = live_ordinals(node, BRAND)[:9]
    asks = [
        AdmissionRequest(
            principal=anna.principal,
            operation=Operation.EXCHANGE,
            purpose="hand_over",
            brand=BRAND,
            fields=frozenset(),
            records=BitMap(ordinals[at : at + 3]),
        )
        for at in (0, 3, 6)
    ]
    admissions, _ = node.gatekeeper.admit(asks)
    assert [item.code for item in admissions] == ["granted", "granted", "budget"]


def test_the_last_records_of_a_budget_that_runs_low_leave_masked_and_then_as_tokens_but_leave(bounded):
    node, _, anna = bounded({"records": 10}, ("[budgets.counter]\n", "[budgets.counter]\n" + LOW))
    tokens = tokens_of(node, anna, live_ordinals(node)[:11])
    answers = [open_records(node, anna, [token], fields=NAMES) for token in tokens]
    assert [str(answer.admission.forms.get("given_name", "")) for answer in answers] == (
        ["reveal"] * 5 + ["mask"] * 3 + ["token"] * 2 + [""]
    )
    assert outcome(answers[-1]) == "budget"


def test_a_renewal_by_one_node_is_known_to_the_other_before_it_refuses(bounded):
    first, second, anna = bounded({"records": 6})
    paula = staff(first, "paula", "privacy_officer")
    tokens = tokens_of(first, anna, live_ordinals(first)[:13])
    assert reveals(second, anna, tokens[:6]) == "permitted"
    first.clock.advance(timedelta(days=2))  # only the lifetime is spent now
    assert reveals(second, anna, tokens[6:7]) == "budget"
    renew(first, "anna", paula)
    assert reveals(second, anna, tokens[6:12]) == "permitted"
    assert reveals(second, anna, tokens[12:13]) == "budget"
