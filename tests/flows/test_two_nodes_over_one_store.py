"""What one node changes in the store, another knows before it answers by it: canaries, rules, keys, freezes.

Here the nodes are two applications in one process. A serving node looks at `ServiceStore.changes`, and where they
moved calls `refresh_configuration`; this is what both must do.
"""

from __future__ import annotations

from contextlib import closing

import pytest
from pyroaring import BitMap
from release_world import DOMAIN, approved, enrol_everybody

from cloakroom.adapters.postgres.service_store import ServiceStore
from cloakroom.flows.store import rotate as rotate_flow
from cloakroom.ledger.entry import decode_entry
from cloakroom.ledger.record_sets import entry_place
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.releases import running
from cloakroom.use_cases.store import rotation
from cloakroom.use_cases.store.configuration import apply_configuration
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.key_ring import KeyPurpose
from cloakroom.vault.opening import BrandOpener
from spine_world import live_ordinals, open_records, search, staff, tokens_of

BRAND = "tarsenne"
NAME = frozenset({"given_name"})


@pytest.fixture
def nodes(store):
    with closing(store.open(node="one")) as one, closing(store.open(node="two")) as two:
        yield one, two


def outcome(answer):
    return "permitted" if answer.admission.permitted else answer.admission.code


def reveal(node, who, tokens, **options):
    return outcome(open_records(node, who, tokens, fields=NAME, **options))


def release(node, who, folder):
    name = approved(node, who)
    running.run_release(node, who["marketing"], name, folder / f"{name}.age", canary_domain=DOMAIN)


def change_policy(node, *changes):
    text = node.configuration.texts["policy.toml"]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    apply_configuration(node, dict(node.configuration.texts) | {"policy.toml": text})


def test_a_record_planted_by_one_node_freezes_whoever_touches_it_on_the_other(nodes, tmp_path):
    one, two = nodes
    who = enrol_everybody(one)
    two.refresh_keys()
    tokens = tokens_of(two, who["associate"], live_ordinals(two)[:1])
    assert reveal(two, who["associate"], tokens) == "permitted"  # it has its gatekeeper from before
    before = ServiceStore(two.connection).changes()
    release(one, who, tmp_path)
    assert ServiceStore(two.connection).changes().canaries != before.canaries
    two.refresh_configuration()
    canaries = one.canaries()
    assert two.canaries() == canaries
    assert len(canaries) == 5
    touched = tokens_of(two, who["associate"], [canaries.min()])
    answer = open_records(two, who["associate"], touched, fields=NAME)
    assert answer.admission.canary
    assert not answer.revealed
    assert reveal(one, who["associate"], tokens) == "frozen"
    assert reveal(two, who["associate"], tokens) == "frozen"


def test_every_release_moves_what_tells_of_planted_records_once_more(nodes, tmp_path):
    one, two = nodes
    who = enrol_everybody(one)
    seen = [ServiceStore(two.connection).changes()]
    for _ in range(2):
        release(one, who, tmp_path)
        two.refresh_configuration()
        seen.append(ServiceStore(two.connection).changes())
        assert two.canaries() == one.canaries()
    assert len({item.canaries for item in seen}) == 3


def test_what_changes_neither_rules_keys_nor_planted_records_makes_nobody_read_them_anew(nodes):
    one, two = nodes
    anna = staff(one)
    before = ServiceStore(two.connection).changes()
    assert reveal(one, anna, tokens_of(one, anna, live_ordinals(one)[:3])) == "permitted"
    principals.freeze(one.gatekeeper, one.records, "anna", by="operator", reason="INC-1")
    one.sequencer.run()
    assert ServiceStore(two.connection).changes() == before


def test_rules_put_into_force_by_one_node_are_the_others_and_what_was_opened_stays_counted(nodes):
    one, two = nodes
    anna = staff(one)
    two.refresh_keys()
    tokens = tokens_of(two, anna, live_ordinals(two)[:8])
    assert reveal(two, anna, tokens[:5]) == "permitted"
    before, old = ServiceStore(two.connection).changes(), two.configuration.policy.sha256
    tighter = (
        '[budgets.counter.burst]\nlength = "10m"\nrecords = 40',
        '[budgets.counter.burst]\nlength = "10m"\nrecords = 6',
    )
    change_policy(one, tighter, ("mask_below_percent = 20\ntoken_below_percent = 5\n", ""))
    assert ServiceStore(two.connection).changes().configuration != before.configuration
    two.refresh_configuration()
    assert reveal(two, anna, tokens[5:7]) == "budget"
    assert reveal(two, anna, tokens[5:6]) == "permitted"
    assert reveal(two, anna, tokens[6:7]) == "budget"
    new = two.configuration.policy.sha256
    assert new != old
    bodies = two.connection.execute("select body from ledger_entry where lineage = 'anna' order by id").fetchall()
    policies = [decode_entry(body).policy for (body,) in bodies]
    assert policies[-1] == new, "entries name the rules that they were judged by"
    assert old in policies


def test_a_purpose_that_one_node_took_away_opens_nothing_on_the_other(nodes):
    one, two = nodes
    anna = staff(one)
    two.refresh_keys()
    tokens = tokens_of(two, anna, live_ordinals(two, BRAND)[:1])
    assert reveal(two, anna, tokens) == "permitted"
    forbid = '\n[forbid.closed]\ntext = "Closed"\nbrands = ["tarsenne"]\n'
    change_policy(one, ("[forbid.no_spend_on_guest_network]", f"{forbid}\n[forbid.no_spend_on_guest_network]"))
    two.refresh_configuration()
    assert reveal(two, anna, tokens) == "forbidden"
    change_policy(two, (forbid, ""))
    one.refresh_configuration()
    assert reveal(one, anna, tokens) == "permitted"


def test_a_window_of_another_length_is_counted_from_the_entries_of_all_nodes(nodes):
    one, two = nodes
    anna = staff(one)
    two.refresh_keys()
    tokens = tokens_of(one, anna, live_ordinals(one)[:8])
    assert reveal(one, anna, tokens[:3]) == "permitted"
    assert reveal(two, anna, tokens[3:5]) == "permitted"
    old = '[budgets.counter.burst]\nlength = "10m"\nrecords = 40'
    change_policy(one, (old, '[budgets.counter.burst]\nlength = "20m"\nrecords = 6'))
    for node in nodes:
        node.refresh_configuration()
    assert reveal(one, anna, tokens[5:7]) == "budget"
    assert reveal(two, anna, tokens[5:6]) == "permitted"
    assert reveal(one, anna, tokens[6:7]) == "budget"


def test_a_freeze_by_one_node_holds_on_the_other_from_its_next_request_and_so_does_its_end(nodes):
    one, two = nodes
    anna, paula = staff(one), staff(one, "paula", "privacy_officer")
    two.refresh_keys()
    tokens = tokens_of(two, anna, live_ordinals(two)[:1])
    assert reveal(two, anna, tokens) == "permitted"
    assert principals.freeze(one.gatekeeper, one.records, "anna", by="operator", reason="INC-1")
    assert reveal(two, anna, tokens) == "frozen"
    assert outcome(search(two, anna, [BRAND], "nobody@example.com")) == "frozen"
    principals.renew(one, "anna", paula, thaw=True)
    assert reveal(two, anna, tokens) == "permitted"


def test_whoever_one_node_enrolled_is_served_by_the_other_once_it_has_read_the_keys_anew(nodes):
    one, two = nodes
    before = ServiceStore(two.connection).changes()
    anna = staff(one)
    assert ServiceStore(two.connection).changes().keys != before.keys
    two.refresh_keys()
    assert reveal(two, anna, tokens_of(two, anna, live_ordinals(two)[:1])) == "permitted"


@pytest.mark.parametrize("rotate", [rotation.rotate_brand, rotation.rotate_index], ids=["brand", "index"])
def test_a_generation_of_a_brands_keys_that_one_node_added_opens_and_finds_on_the_other(nodes, monkeypatch, rotate):
    monkeypatch.setattr(rotate_flow, "REFRESH_SECONDS", 0)
    one, two = nodes
    anna = staff(one)
    two.refresh_keys()
    number, brand = two.catalogue.fields["email"], two.catalogue.brand(BRAND)
    opener = BrandOpener(two.ring, brand)
    rows = two.vault.sealed_rows(live_ordinals(two, BRAND))
    opened = [(row, opener.open(row.record, row.keys, {EnvelopeClass.CONTACT: [number]})) for row in rows]
    row, values = next(item for item in opened if number in item[1])
    tokens, email = tokens_of(two, anna, [row.record.ordinal]), values[number].decode()
    before = ServiceStore(two.connection).changes()
    rotate(one, BRAND)
    assert ServiceStore(two.connection).changes().keys != before.keys
    two.refresh_configuration()
    assert reveal(two, anna, tokens) == "permitted"
    assert tokens[0] in search(two, anna, [BRAND], email).tokens[BRAND]


def test_sets_that_one_node_seals_under_a_newer_key_are_read_by_the_other_without_being_told(nodes, monkeypatch):
    monkeypatch.setattr(rotate_flow, "REFRESH_SECONDS", 0)
    one, two = nodes
    anna = staff(one)
    two.refresh_keys()
    tokens = tokens_of(two, anna, live_ordinals(two)[:2])
    assert reveal(two, anna, tokens[:1]) == "permitted"
    assert rotation.rotate_sets(one) == 2
    assert reveal(one, anna, tokens) == "permitted"
    assert two.ring.generations(KeyPurpose.SET) == [1], "nobody told it"
    assert reveal(two, anna, tokens[1:]) == "permitted", "it counts what the other opened"
    (data,) = two.connection.execute(
        "select sealed_set from ledger_entry where lineage = 'anna' and records = 2"
    ).fetchone()
    assert two.sets.open(entry_place("anna"), data) == BitMap(live_ordinals(two)[:2])


def test_two_nodes_that_give_the_sets_a_new_key_add_two_whether_or_not_they_were_told(nodes, monkeypatch):
    monkeypatch.setattr(rotate_flow, "REFRESH_SECONDS", 0)
    one, two = nodes
    two.refresh_keys()
    assert rotation.rotate_sets(one) == 2
    assert two.ring.generations(KeyPurpose.SET) == [1], "nobody told it"
    assert rotation.rotate_sets(two) == 3
    one.refresh_keys()
    assert sorted(one.ring.generations(KeyPurpose.SET)) == [1, 2, 3]
