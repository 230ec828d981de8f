"""What draws on no budget is judged in one place, and a refusal is an entry before anything is said."""

from __future__ import annotations

import json

import pytest

from cloakroom.errors import DeniedError, UnavailableError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.gate.policy import PrincipalKind
from cloakroom.use_cases.people import principals
from cloakroom.vocabulary import Operation

PURPOSE = "access_request"


@pytest.fixture
def caller(application):
    """A privacy officer of the synthetic group, who may erase at every brand."""
    path = principals.enrol(application, "privacy", kind=PrincipalKind.PERSON, roles=frozenset({"privacy_officer"}))
    assert path is not None
    return principals.authenticate(application.records, path, at=application.now())


def entries(application):
    rows = application.connection.execute("select body from ledger_entry order by id").fetchall()
    return [json.loads(bytes(row[0])) for row in rows]


def refused(application, act):
    """Do what is refused; return the reason's code and the one entry that it made."""
    before = len(entries(application))
    with pytest.raises(DeniedError) as error:
        act()
    (entry,) = entries(application)[before:]
    assert not entry["permitted"]
    return error.value.code, entry


def test_what_is_permitted_makes_no_entry_of_its_own(application, caller):
    before = len(entries(application))
    application.authoriser.authorise(
        caller, Operation.ERASE, PURPOSE, brands=frozenset({"tarsenne"}), reference="CASE-1"
    )
    assert len(entries(application)) == before


def test_a_refusal_is_entered_under_the_caller_with_credential_and_reason(application, caller):
    code, entry = refused(
        application, lambda: application.authoriser.authorise(caller, Operation.FREEZE, PURPOSE, reference="CASE-1")
    )
    assert (entry["lineage"], entry["reason"], entry["operation"]) == ("privacy", code, "request")
    assert entry["detail"] == {"operation": "freeze", "credential": caller.credential}


@pytest.mark.parametrize(
    ("operation", "word"),
    [(Operation.ERASE, "erase"), (Operation.ACCESS_REPORT, "report"), (Operation.RELEASE, "release")],
)
def test_an_operation_with_an_entry_of_its_own_is_refused_under_that_word(application, caller, operation, word):
    _, entry = refused(
        application,
        lambda: application.authoriser.authorise(caller, operation, "nobody-knows-it", detail={"asked": 3}),
    )
    assert entry["operation"] == word
    assert entry["detail"] == {"asked": 3, "credential": caller.credential}


def test_a_purpose_that_the_policy_does_not_know_is_not_written_down(application, caller):
    _, entry = refused(
        application, lambda: application.authoriser.authorise(caller, Operation.ERASE, "Erika Mustermann")
    )
    assert entry["purpose"] == "?"
    assert "Mustermann" not in json.dumps(entries(application))


def test_a_brand_that_is_none_is_refused_even_to_a_role_for_every_brand(application, caller):
    act = lambda: application.authoriser.authorise(  # noqa: E731 - one line, used twice
        caller, Operation.ERASE, PURPOSE, brands=frozenset({"tarsenne", "?"}), reference="CASE-1"
    )
    assert refused(application, act)[0] == "brand"


def test_a_frozen_caller_is_told_so_whatever_he_asks(application, caller):
    principals.freeze(application.gatekeeper, application.records, "privacy", by="operator", reason="stolen-laptop")
    for purpose in (PURPOSE, "nobody-knows-it"):
        code, _ = refused(
            application,
            lambda purpose=purpose: application.authoriser.authorise(
                caller, Operation.ERASE, purpose, brands=frozenset({"tarsenne"}), reference="CASE-1"
            ),
        )
        assert code == "frozen"


def test_a_caller_whom_the_store_does_not_know_is_refused(application, caller):
    unknown = Caller(caller.principal.__class__(**{
        name: getattr(caller.principal, name) for name in caller.principal.__slots__
    } | {"id": "nobody"}), "nobody:1", "nobody")  # fmt: skip
    with pytest.raises(DeniedError):
        application.authoriser.check_not_frozen(unknown.lineage)


def test_the_entry_of_a_refusal_outlives_the_transaction_that_was_refused(application, caller):
    def act():
        refusals = application.authoriser.entering_refusals(caller, Operation.RELEASE, detail={"phase": "run"})
        with refusals, application.connection.transaction():
            application.entries.append(lineage="privacy", operation=Operation.WRITE)
            raise DeniedError("changed", "it is another one")

    code, entry = refused(application, act)
    assert (code, entry["operation"], entry["detail"]["phase"]) == ("changed", "release", "run")


def test_other_errors_are_no_refusals(application, caller):
    before = len(entries(application))
    with (
        pytest.raises(ValueError, match="broken"),
        application.authoriser.entering_refusals(caller, Operation.RELEASE),
    ):
        raise ValueError("broken")
    assert len(entries(application)) == before


def test_a_lineage_that_is_held_cannot_be_frozen_before_the_transaction_ends(application, caller, store):
    other = store.open("other")
    other.connection.execute("set lock_timeout = '100ms'")
    with application.connection.transaction():
        application.authoriser.hold_unfrozen("privacy")
        with pytest.raises(UnavailableError, match="LockNotAvailable"):
            principals.freeze(other.gatekeeper, other.records, "privacy", by="operator", reason="stolen-laptop")
    assert principals.freeze(other.gatekeeper, other.records, "privacy", by="operator", reason="stolen-laptop")
    other.close()
    with application.connection.transaction(), pytest.raises(DeniedError):
        application.authoriser.hold_unfrozen("privacy")
