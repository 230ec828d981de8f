"""A view that starts from a folded history counts what a view that reads every entry counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pyroaring import BitMap

from cloakroom.clock import FixedClock
from cloakroom.flows import lineage_views
from cloakroom.flows.admission import Ask
from cloakroom.flows.lineage_views import LineageViews
from cloakroom.gate.decision import budget_of
from cloakroom.gate.policy import Operation, PrincipalKind
from cloakroom.use_cases import principals


def _ask(principal, brand, records):
    return Ask(
        principal=principal,
        operation=Operation.REVEAL,
        purpose="clienteling",
        brand=brand,
        fields=frozenset({"email"}),
        records=BitMap(records),
        reference="A-1",
    )


@pytest.mark.parametrize("renewed", [False, True])
def test_a_folded_history_gives_the_same_counts_as_every_entry(store, renewed):
    clock = FixedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    application = store.open(clock=clock)
    path = principals.enrol(application, "anna", kind=PrincipalKind.PERSON, roles=frozenset({"store_associate"}))
    officer = principals.enrol(application, "olga", kind=PrincipalKind.PERSON, roles=frozenset({"privacy_officer"}))
    anna = principals.authenticate(application, path).stored.principal
    brand = sorted(application.catalogue.brands)[0]
    for day in range(5):
        for number in range(4):
            ask = _ask(anna, brand, [day * 4 + number, 0])
            admissions, _ = application.gatekeeper.admit([ask])
            assert admissions[0].permitted
            clock.advance(timedelta(minutes=30))
        if renewed and day == 1:
            principals.renew(application, "anna", principals.authenticate(application, officer))
        clock.advance(timedelta(hours=26))
    budget = budget_of(application.configuration.policy, anna)

    def levels():
        views = LineageViews(application.ledger)
        views.load(["anna"])
        view = views.view("anna", budget)
        return view.version, view.levels(application.now(), brand, budget)

    plain = levels()
    longest = max(window.length or 0 for window in budget.windows)
    application.ledger.fold("anna", application.now() - 2 * longest)
    version, history = application.ledger.history("anna")
    assert 0 < version < plain[0]
    assert history
    assert levels() == plain
    application.close()


def test_a_node_that_reads_much_folds_it_for_the_next(store, monkeypatch):
    monkeypatch.setattr(lineage_views, "FOLD_AFTER", 3)
    clock = FixedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    application = store.open(clock=clock)
    path = principals.enrol(application, "anna", kind=PrincipalKind.PERSON, roles=frozenset({"store_associate"}))
    anna = principals.authenticate(application, path).stored.principal
    brand = sorted(application.catalogue.brands)[0]
    for number in range(6):
        application.gatekeeper.admit([_ask(anna, brand, [number])])
        clock.advance(timedelta(hours=30))
    views = LineageViews(application.ledger)
    views.load(["anna"])
    views.view("anna", budget_of(application.configuration.policy, anna))
    assert application.ledger.history("anna")[0] > 0
    application.close()
