"""The index of a store answers alike whether a few keys are asked of the database or many of the whole index."""

from __future__ import annotations

import multiprocessing

import polars as pl
import pytest

from cloakroom.adapters.claims import link_digest_worker
from cloakroom.adapters.claims.customer_index import FEW_KEYS, customer_index
from cloakroom.use_cases.incident.claims import indexed_vault
from cloakroom.vault.blind_index import LinkDigests
from cloakroom.vault.key_ring import KeyPurpose
from spine_world import opened_world


def answers(application, keys, few_keys=FEW_KEYS):
    link_key = application.ring.get(KeyPurpose.LINK)
    with customer_index(indexed_vault(application), link_key, few_keys=few_keys) as index:
        given = {kind: index.look_up(kind, values) for kind, values in keys.items()}
        found = {kind: answer() for kind, answer in given.items()}
    return {
        kind: sorted(zip(one.positions.tolist(), one.ordinals.tolist(), strict=True)) for kind, one in found.items()
    }


def test_many_keys_find_what_a_few_find(application, monkeypatch):
    world = opened_world(application)
    emails = sorted({values["email"].strip().lower() for values in world.values() if "email" in values})
    keys = {
        "email": pl.Series([*emails, "nobody@example.org"]),
        "customer_number": pl.Series(sorted(number for _, number in world)),
        "phone": pl.Series(["+390000000000"]),
        "no such kind": pl.Series(["x"]),
    }
    few = answers(application, keys)
    monkeypatch.setattr(link_digest_worker, "WORTH_SENDING", 10)
    assert answers(application, keys, few_keys=0) == few
    assert len({place for place, _ in few["customer_number"]}) == len(keys["customer_number"])
    assert len(few["email"]) >= len(emails)
    assert few["phone"] == few["no such kind"] == []


@pytest.mark.parametrize("first", [b"\x00", b"\xff"])
def test_the_whole_index_has_the_first_and_the_last_digest_there_can_be(application, first):
    brand = application.catalogue.brand("tarsenne")
    index_id = application.catalogue.index_id("email", 1)
    for digest in (first * 16, first + bytes(15), first + b"\xff" * 15):
        application.connection.execute(
            "insert into blind_index (brand, index_id, digest, ordinal, current)"
            " values (%s, %s, encode(%s, 'hex')::uuid, 3, true) on conflict do nothing",
            (brand, index_id, digest),
        )
    (rows,) = application.connection.execute(
        "select count(*) from blind_index where brand = %s and index_id = %s", (brand, index_id)
    ).fetchone()
    digests, ordinals = application.vault.index_rows(brand, index_id)
    assert len(ordinals) == rows == len(digests) // 16
    held = {digests[at : at + 16] for at in range(0, len(digests), 16)}
    assert {first * 16, first + bytes(15), first + b"\xff" * 15} <= held


def test_digests_made_elsewhere_are_those_made_here(monkeypatch):
    key, forms = bytes(range(32)), [f"person{number}@example.org" for number in range(50)]
    expected = LinkDigests(key).digest(2, 5, forms)
    with link_digest_worker.link_digest_worker(key) as digest:
        assert digest(2, 5, pl.Series(forms))() == expected
        monkeypatch.setattr(link_digest_worker, "WORTH_SENDING", 1)
        assert digest(2, 5, pl.Series(forms))() == expected


def test_digests_are_made_here_when_the_worker_dies(monkeypatch):
    monkeypatch.setattr(link_digest_worker, "WORTH_SENDING", 1)
    key, forms = bytes(range(32)), [f"person{number}@example.org" for number in range(200_000)]
    expected = LinkDigests(key).digest(2, 5, forms)
    with link_digest_worker.link_digest_worker(key) as digest:
        assert digest(2, 5, pl.Series(forms[:1]))() == expected[:16]
        (worker,) = multiprocessing.active_children()
        coming = digest(2, 5, pl.Series(forms))
        worker.kill()
        assert coming() == expected
        worker.join()
        assert digest(2, 5, pl.Series(forms[:1]))() == expected[:16]
