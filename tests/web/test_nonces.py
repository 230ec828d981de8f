"""A nonce is remembered at least as long as its signature is accepted, whatever the clocks say, and not for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from core_world import RunningCore, new_nonce

from cloakroom.clock import FixedClock
from cloakroom.gate.gate_clock import STORE_TOLERANCE
from cloakroom.gate.policy import PrincipalKind
from cloakroom.signing import RequestError, check_times
from cloakroom.signing.signature import LIMITS as SIGNATURE_LIMITS
from cloakroom.signing.signature import ReadSignature
from cloakroom.use_cases.people import principals
from cloakroom.web.api.requests.people import ShowExposure
from cloakroom.web.core.identification import NONCE_SECONDS
from cloakroom.web.node.maintenance import Maintenance
from cloakroom.web.protocol.limits import LIMITS, REPORT_LIMITS

BEGAN = datetime(2026, 12, 1, 12, tzinfo=UTC)
CREATED = int(BEGAN.timestamp())
WAIT_S = max(LIMITS.wait_s, REPORT_LIMITS.wait_s)
CLOCKS_S = STORE_TOLERANCE / 1_000_000
"""By how much the clock of a node that serves may differ from the database's."""


def is_accepted(expires: int, at_s: float) -> bool:
    """Whether a front takes a signature made at `CREATED` at a moment of its own clock."""
    try:
        check_times(ReadSignature("", (), CREATED, expires, "", "", b""), at_s)
    except RequestError:
        return False
    return True


def test_a_nonce_is_kept_longer_than_the_last_request_that_its_signature_lets_through_can_take():
    """A front whose clock is late lets it through, it waits as long as it may, and the clock of whoever forgets
    nonces is early."""
    for lifetime in (1, SIGNATURE_LIMITS.lifetime_s):
        expires = CREATED + lifetime
        last = expires + SIGNATURE_LIMITS.skew_s
        assert is_accepted(expires, last - 0.001)
        assert not is_accepted(expires, last)
        assert last + CLOCKS_S + WAIT_S + CLOCKS_S < expires + NONCE_SECONDS


@pytest.fixture
def clocked(store):
    """A core, and what forgets nonces beside it, each with a clock of its own."""
    clocks = SimpleNamespace(core=FixedClock(BEGAN), maintenance=FixedClock(BEGAN))
    core = RunningCore(lambda: store.open("core", clocks.core, clock_tolerance=None))
    kind, roles = PrincipalKind.APPLICATION, frozenset({"web_shop"})
    principals.enrol(core.application, "shop", kind=kind, roles=roles)
    [credential] = core.application.records.credentials_of("shop")

    def tidy() -> None:
        noted = SimpleNamespace(value=0.0)
        Maintenance(
            lambda: store.open("maintenance", clocks.maintenance, clock_tolerance=None),
            lambda _: True,
            noted,
            SimpleNamespace(value=0.0),
        ).run()
        assert noted.value

    yield core, clocks, credential.id, tidy
    core.close()


def remembered(core: RunningCore) -> int:
    return core.application.connection.execute("select count(*) from request_nonce").fetchone()[0]


@pytest.mark.parametrize("lifetime", [1, SIGNATURE_LIMITS.lifetime_s])
def test_a_copy_is_a_replay_for_as_long_as_any_front_lets_it_through(clocked, lifetime):
    core, clocks, shop, tidy = clocked
    nonce, expires = new_nonce(), CREATED + lifetime
    assert core.code(shop, ShowExposure(), nonce=nonce, expires=expires) == ""
    last = expires - CREATED + SIGNATURE_LIMITS.skew_s - 0.001
    for ends_at in (0.0, last / 2, last + WAIT_S + CLOCKS_S):
        # The core works it off then; the maintenance of another node is ahead of it by what clocks may differ.
        clocks.core.step(BEGAN + timedelta(seconds=ends_at) - clocks.core.now())
        clocks.maintenance.step(BEGAN + timedelta(seconds=ends_at + CLOCKS_S) - clocks.maintenance.now())
        tidy()
        assert core.code(shop, ShowExposure(), nonce=nonce, expires=expires) == "replayed", ends_at


def test_once_no_front_lets_it_through_any_more_a_nonce_is_forgotten(clocked):
    core, clocks, shop, tidy = clocked
    expires = CREATED + SIGNATURE_LIMITS.lifetime_s
    assert core.code(shop, ShowExposure(), expires=expires) == ""
    clocks.maintenance.step(timedelta(seconds=SIGNATURE_LIMITS.lifetime_s + NONCE_SECONDS))
    tidy()
    assert remembered(core) == 1
    clocks.maintenance.step(timedelta(seconds=1))
    tidy()
    assert remembered(core) == 0
    assert not is_accepted(expires, clocks.maintenance.now().timestamp() - 2 * CLOCKS_S)


def test_a_nonce_is_of_its_credential(clocked):
    core, _, shop, _ = clocked
    principals.enrol(core.application, "other", kind=PrincipalKind.APPLICATION, roles=frozenset({"web_shop"}))
    [other] = core.application.records.credentials_of("other")
    nonce = new_nonce()
    assert [core.code(name, ShowExposure(), nonce=nonce) for name in (shop, other.id, shop)] == ["", "", "replayed"]
