"""A configuration comes into force whole, with its entry, or not at all; the next is compared with it."""

from __future__ import annotations

import pytest

from cloakroom.errors import StoreError
from cloakroom.use_cases.store.configuration import apply_configuration
from cloakroom.vocabulary import Operation


def changed(application, comment="# another day"):
    texts = application.configuration.texts
    return {**texts, "policy.toml": f"{comment}\n{texts['policy.toml']}"}


def policy_entries(application):
    rows = application.connection.execute("select body from ledger_entry where operation = 'policy' order by id")
    return [bytes(row[0]) for row in rows]


def test_without_its_entry_nothing_of_it_is_in_force(application, store, monkeypatch):
    before, texts = dict(application.configuration.texts), changed(application)

    def append(**attributes):
        assert attributes["operation"] is Operation.POLICY
        raise StoreError("the connection to the database was lost")

    monkeypatch.setattr(application.entries, "append", append)
    with pytest.raises(StoreError):
        apply_configuration(application, texts)
    other = store.open("other")
    assert other.configuration.texts == before
    assert policy_entries(other) == []
    other.close()


def test_what_was_applied_is_what_the_next_one_is_compared_with(application):
    first, second = changed(application, "# one"), changed(application, "# two")
    assert apply_configuration(application, first)["changed"] == ["policy.toml"]
    assert application.configuration.texts["policy.toml"] == first["policy.toml"]
    assert apply_configuration(application, first)["changed"] == []
    applied = apply_configuration(application, second)
    assert applied["changed"] == ["policy.toml"]
    assert applied["policy"] == application.configuration.policy.sha256
    assert application.gatekeeper.policy.sha256 == applied["policy"]
