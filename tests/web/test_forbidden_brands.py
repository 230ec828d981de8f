"""A forbid of a brand holds for whatever concerns it: alone, among others, or because no brand is named."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from people_world import with_people
from service_world import OTHER_SHOP, SHOP, World, new_world

from cloakroom.errors import DeniedError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.gate.decision import Principal, ReasonCode, Request, decide
from cloakroom.gate.policy import OPENING, Policy, PrincipalKind
from cloakroom.gate.policy_text import parse_policy
from cloakroom.gate.releases import ReleaseContent
from cloakroom.ledger.entry import decode_entry
from cloakroom.use_cases.ledger.access_report import report_access
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.records.erasing import erase
from cloakroom.use_cases.records.exchanging import exchange
from cloakroom.use_cases.releases import requests as release_requests
from cloakroom.use_cases.releases.assembly import release_runs
from cloakroom.use_cases.store.configuration import apply_configuration
from cloakroom.vocabulary import POLICY_OPERATIONS
from cloakroom.web.api.requests.elements import Request as ServiceRequest
from cloakroom.web.api.requests.ledger import ProveEntry, ReadCheckpoint, ReadTile
from cloakroom.web.api.requests.people import Freeze, ListPasskeys, ListSessions, RevokeSessions, ShowExposure
from cloakroom.web.api.requests.records import DeleteRecord, WriteRecord
from cloakroom.web.handlers.table import HANDLERS
from cloakroom.wiring import Application
from spine_world import live_ordinals, open_records, search, tokens_of

OPEN, CLOSED = "tarsenne", "ombrelune"
FORBID = f"""
[forbid.closed_house]
text = "This house is closed while its theft is looked into"
brands = ["{CLOSED}"]
"""


@pytest.fixture(scope="module")
def closed_house(store_template, tmp_path_factory) -> Iterator[World]:
    with new_world(store_template, tmp_path_factory.mktemp("forbidden")) as world:
        with closing(world.open("setup")) as application:
            texts = dict(application.configuration.texts)
            texts["policy.toml"] = with_people(texts["policy.toml"])
            apply_configuration(application, texts)
        yield world


class House:
    """The store before and after the forbid, and what is asked of it."""

    def __init__(self, world: World, application: Application) -> None:
        self.world, self.app = world, application
        self.numbers = iter(range(10_000))

    def who(self, name: str) -> Caller:
        return principals.authenticate(self.app.records, self.world.credentials[name], at=self.app.now())

    def tokens(self, name: str, *brands: str, skip: int = 0) -> list[str]:
        chosen = [live_ordinals(self.app, brand)[skip] for brand in brands]
        return tokens_of(self.app, self.who(name), chosen)

    def handle(self, name: str, request: ServiceRequest) -> object:
        answer = HANDLERS[type(request)](self.app, self.who(name), request)
        assert answer.status == 200
        return answer

    def forbid(self) -> None:
        texts = dict(self.app.configuration.texts)
        if "closed_house" not in texts["policy.toml"]:
            texts["policy.toml"] += FORBID
            apply_configuration(self.app, texts)
            self.app.refresh_configuration()

    def allow(self) -> None:
        texts = dict(self.app.configuration.texts)
        texts["policy.toml"] = texts["policy.toml"].replace(FORBID, "")
        apply_configuration(self.app, texts)
        self.app.refresh_configuration()


@pytest.fixture
def house(closed_house: World) -> Iterator[House]:
    with closing(closed_house.open()) as application:
        found = House(closed_house, application)
        found.allow()
        yield found


def admitted(answer) -> None:
    if not answer.admission.permitted:
        raise DeniedError(answer.admission.code, "")


def reveal(house: House, *brands: str) -> None:
    admitted(open_records(house.app, house.who("associate"), house.tokens("associate", *brands)))


def find(house: House, *brands: str) -> None:
    admitted(search(house.app, house.who("associate"), list(brands), "nobody@example.com"))


def erase_some(house: House, *brands: str) -> None:
    tokens = house.tokens("privacy", *brands, skip=-1)
    erase(house.app, tokens, house.who("privacy"), purpose="access_request", reference="DSAR-1")


def exchange_some(house: House, *brands: str) -> None:
    exchange(house.app, house.who(SHOP), house.tokens(SHOP, *brands), OTHER_SHOP, purpose="hand_over")


def report(house: House, *brands: str) -> None:
    tokens = house.tokens("privacy", *brands)
    report_access(house.app, house.who("privacy"), tokens, purpose="own_access", reference="DSAR-2")


def write(house: House, *brands: str) -> None:
    (brand,) = brands
    number = next(house.numbers)
    request = WriteRecord(
        purpose="record_keeping",
        brand=brand,
        record_id={OPEN: f"T9000{number:04d}", CLOSED: f"OMB-9000{number:04d}"}[brand],
        fields={"given_name": "Ada"},
        idempotency_key=f"write-{brand}-{number}",
    )
    house.handle(SHOP, request)


def delete(house: House, *brands: str) -> None:
    (brand,) = brands
    number = next(house.numbers)
    request = DeleteRecord(
        purpose="record_keeping",
        brand=brand,
        record_id="X1",
        idempotency_key=f"delete-{brand}-{number}",
    )
    house.handle(SHOP, request)


def content(brand: str) -> ReleaseContent:
    return ReleaseContent(
        kind="campaign",
        brand=brand,
        fields=("given_name",),
        recipient="printer-7",
        recipient_key="age1" + "q" * 58,
        maximum=5_000,
        reference="CAMPAIGN-1",
    )


def ask_for_release(house: House, *brands: str) -> None:
    release_requests.request_release(house.app, house.who("marketing"), content(*brands))


ABOUT_BRANDS = [reveal, find, erase_some, exchange_some, report]
ABOUT_ONE_BRAND = [write, delete, ask_for_release]


def refused(action: Callable[[], object]) -> None:
    with pytest.raises(DeniedError) as caught:
        action()
    assert caught.value.code == "forbidden"


def entries(house: House) -> list[tuple[str, bool, str]]:
    rows = house.app.connection.execute("select body from ledger_entry order by id").fetchall()
    found = [decode_entry(body) for (body,) in rows]
    return [(str(item.operation), item.permitted, item.reason) for item in found]


@pytest.mark.parametrize("ask", [*ABOUT_BRANDS, *ABOUT_ONE_BRAND], ids=lambda ask: ask.__name__)
def test_what_concerns_the_brand_alone_is_denied_with_its_entry_and_its_neighbour_is_served(house, ask):
    ask(house, CLOSED)  # before
    house.forbid()
    before = len(entries(house))
    refused(lambda: ask(house, CLOSED))
    ((_, permitted, reason),) = entries(house)[before:]
    assert (permitted, reason) == (False, "forbidden")
    ask(house, OPEN)


@pytest.mark.parametrize("ask", ABOUT_BRANDS, ids=lambda ask: ask.__name__)
@pytest.mark.parametrize("brands", [(OPEN, CLOSED), (CLOSED, OPEN), (OPEN, CLOSED, "hollinwray")])
def test_what_concerns_the_brand_among_others_is_denied_whole(house, ask, brands):
    house.forbid()
    refused(lambda: ask(house, *brands))


def test_nothing_of_a_request_is_erased_that_names_the_brand_among_others(house):
    house.forbid()
    chosen = [live_ordinals(house.app, brand)[-2] for brand in (OPEN, CLOSED)]
    tokens = tokens_of(house.app, house.who("privacy"), chosen)
    who = house.who("privacy")
    refused(lambda: erase(house.app, tokens, who, purpose="access_request", reference="DSAR-3"))
    assert all(row.keys is not None for row in house.app.vault.sealed_rows(chosen))


BEHIND_NO_BRAND = {
    "exposure of somebody else": ("privacy", ShowExposure(principal="associate", purpose="breach_assessment")),
    "freeze": ("security", Freeze(purpose="containment", principal="second-associate", reason="INC-1")),
    "checkpoint": ("privacy", ReadCheckpoint(purpose="breach_assessment")),
    "passkeys of all": ("security", ListPasskeys(purpose="access_administration")),
    "sessions of all": ("security", ListSessions(purpose="containment", principal="*")),
    "ending sessions of somebody else": (
        "security",
        RevokeSessions(purpose="containment", principal="second-associate"),
    ),
    "tile": ("privacy", ReadTile(purpose="breach_assessment", path="tile/0/000")),
    "proof": ("privacy", ProveEntry(purpose="breach_assessment", leaf_index=0)),
}


@pytest.mark.parametrize("what", BEHIND_NO_BRAND)
def test_what_names_no_brand_concerns_all_of_them_and_is_denied(house, what):
    name, request = BEHIND_NO_BRAND[what]
    house.forbid()
    refused(lambda: house.handle(name, request))
    assert entries(house)[-1][1:] == (False, "forbidden")
    assert house.app.records.principal("second-associate").frozen_at is None
    house.allow()
    if what != "tile":  # there may be none of that name
        house.handle(name, request)
    if what == "freeze":
        principals.renew(house.app, "second-associate", house.who("privacy"), thaw=True)


def test_ones_own_exposure_is_shown(house):
    house.forbid()
    house.handle("associate", ShowExposure())


def test_a_release_that_was_approved_before_does_not_run_and_is_not_handed_out(house):
    found = release_requests.request_release(house.app, house.who("marketing"), content(CLOSED))
    for name in ("privacy", "security"):
        release_requests.approve_release(house.app, house.who(name), found.id, found.standing.content.digest)
    house.forbid()
    written = io.BytesIO()

    def run() -> object:
        def write_rows(_, rows):
            written.write(repr(list(rows)).encode())
            return ""

        runs = release_runs(house.app)
        return runs.run_release(house.who("marketing"), found.id, write_rows, canary_domain="post.example")

    refused(run)
    assert written.getvalue() == b""
    refused(lambda: release_requests.check_receiver(house.app, house.who("marketing"), found.id))


@pytest.fixture(scope="module")
def closed_policy(closed_house: World) -> Policy:
    with closing(closed_house.open()) as application:
        text = application.configuration.texts["policy.toml"].replace(FORBID, "") + FORBID
        return parse_policy(text.encode(), "policy.toml", fields=application.configuration.field_classes)


@pytest.mark.parametrize("operation", sorted(POLICY_OPERATIONS), ids=str)
@pytest.mark.parametrize("brands", [(), (CLOSED,), (OPEN, CLOSED), (OPEN,)], ids=" and ".join)
def test_every_operation_is_forbidden_where_the_brand_is_concerned_and_only_there(closed_policy, operation, brands):
    now = datetime(2026, 3, 2, tzinfo=UTC)
    everybody = Principal(
        id="privacy",
        kind=PrincipalKind.PERSON,
        roles=frozenset({"privacy_officer"}),
        brands=frozenset({"*"}),
        networks=None,
        valid_from=now,
        valid_until=now + timedelta(days=1),
    )
    request = Request(
        operation=operation,
        purpose="access_request",
        brands=frozenset(brands),
        at=now,
        fields=frozenset({"email"}) if operation in OPENING else frozenset(),
        reference="CASE-1",
    )
    decision = decide(closed_policy, everybody, request)
    assert (ReasonCode.FORBIDDEN in {reason.code for reason in decision.reasons}) == (brands != (OPEN,))
    assert brands == (OPEN,) or not decision.permitted
