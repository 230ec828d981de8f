"""P3: what one lineage can open in a window is a number printed in advance, over any nodes, crashes and clocks."""

from __future__ import annotations

import multiprocessing
import random
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pyroaring import BitMap

from cloakroom.adapters.postgres.ledger_store import PostgresLedger
from cloakroom.clock import FixedClock, to_microseconds
from cloakroom.errors import StoreError
from cloakroom.gate.policy import WindowName
from cloakroom.testing.thief import Loot, steal
from cloakroom.use_cases.incident.affected import affected_by
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.people.exposure import exposure_of
from cloakroom.use_cases.store.configuration import apply_configuration
from cloakroom.wiring import open_application
from database_clock import DatabaseClock
from spine_world import NOON, live_ordinals, open_records, rows_of, search, staff, tokens_of
from stores import copied_store

NODES = 3
WINDOWS = {WindowName.BURST: timedelta(minutes=10), WindowName.DAY: timedelta(hours=24)}
THIEVES = ("anna", "ben")
OFF_AT_START = (-2, 0, 2)
"""Seconds by which the clock of a node that starts may be off: as much as the store accepts."""


class ForgetfulLedger(PostgresLedger):
    """Loses the answer of an append after its commit, when told to."""

    lose = False

    def append(self, expected, entries, fetch=()):
        done = super().append(expected, entries, fetch)
        if self.lose and expected:
            self.lose = False
            raise ConnectionResetError("the answer was lost on its way")
        return done


class GenerousLedger(ForgetfulLedger):
    """Breaks the promise on purpose: does not compare versions before it appends."""

    def append(self, expected, entries, fetch=()):
        current = {name: state.version for name, state in self.states(expected).items()}
        return super().append(current, entries, fetch)


def beyond(opened, bounds, epochs):
    """Return what exceeds a printed bound.

    Args:
        opened: (time, epoch, ordinal) of each record at each opening, times in microseconds of true time.
        bounds: Records by window.
        epochs: How many lifetimes there were.
    """
    found = []
    for window, length in WINDOWS.items():
        span = length // timedelta(microseconds=1)
        starts = sorted({at for at, _, _ in opened})
        for start in starts:
            inside = {ordinal for at, _, ordinal in opened if start <= at < start + span}
            if len(inside) > bounds[window]:
                found.append((window, len(inside)))
    for epoch in range(epochs + 1):
        inside = {ordinal for _, number, ordinal in opened if number == epoch}
        if len(inside) > bounds[WindowName.LIFETIME]:
            found.append((WindowName.LIFETIME, len(inside)))
    return found


class Group:
    """One store, made anew for each run of the machine out of a template."""

    template = None
    ledger = ForgetfulLedger


class Thieves(RuleBasedStateMachine):
    """Two lineages on three nodes, with everything that goes wrong.

    The store's clock tells the true time, as it must in a real store, and compares every entry with it.
    """

    group = Group

    @initialize()
    def begin(self):
        self.made = ExitStack()
        folder = Path(self.made.enter_context(TemporaryDirectory()))
        store = self.made.enter_context(copied_store(self.group.template, folder / "store"))
        self.settings = store.settings
        # Enrolled long ago, as seen by a node whose clock was set back, too: only the ceilings are on trial here.
        self.at = NOON - timedelta(days=30)
        self.store_clock = DatabaseClock(self.settings.database_url, self.at)
        self._tighten()
        with closing(self._start(0, FixedClock(self.at))) as enrolling:
            self.people = {who: staff(enrolling, who) for who in THIEVES}
            self.guard = staff(enrolling, "guard", "security_responder")
        self.at = NOON
        self.store_clock.set(self.at)
        self.clocks = [FixedClock(self.at) for _ in range(NODES)]
        self.wrong = set()
        self.nodes = [self._start(number, clock) for number, clock in enumerate(self.clocks)]
        first = self.nodes[0]
        self.ordinals = live_ordinals(first)
        self.tokens = {who: tokens_of(first, self.people[who], self.ordinals) for who in THIEVES}
        self.bounds = {
            who: {bound.window: bound.records for bound in exposure_of(first, who).bounds} for who in THIEVES
        }
        self.opened = {who: [] for who in THIEVES}
        self.epochs = dict.fromkeys(THIEVES, 0)
        self.frozen = dict.fromkeys(THIEVES, False)

    def _tighten(self):
        """Put a lifetime into force that a few days of stealing reach."""
        opened = open_application(self.settings, FixedClock(self.at))
        texts = dict(opened.configuration.texts)
        old = "[budgets.counter.lifetime]\nrecords = 2000\nvalue = 1000\n"
        assert old in texts["policy.toml"]
        new = "[budgets.counter.lifetime]\nrecords = 150\nvalue = 150\n"
        apply_configuration(opened, texts | {"policy.toml": texts["policy.toml"].replace(old, new)})
        opened.close()

    def _start(self, number, clock):
        node = open_application(replace(self.settings, node=f"node-{number}"), clock)
        node.__dict__["ledger"] = self.group.ledger(node.connection, node.sets, node.clock_tolerance)
        return node

    def teardown(self):
        for node in getattr(self, "nodes", ()):
            node.close()
        if hasattr(self, "store_clock"):
            self.store_clock.close()
        if hasattr(self, "made"):
            self.made.close()

    @contextmanager
    def _refused_if_its_clock_is_wrong(self, node):
        """Let the store refuse all that comes from a node whose clock was set: then nothing was opened or changed."""
        try:
            yield
        except StoreError as error:
            if "clock differs" not in str(error) or node not in self.wrong:
                raise

    def _open(self, node, who, tokens):
        with self._refused_if_its_clock_is_wrong(node):
            self._took(who, open_records(self.nodes[node], self.people[who], tokens))

    def _took(self, who, answer):
        at = to_microseconds(self.at)
        codec = self.nodes[0].codec(who)
        seen = [item.token for item in answer.revealed if item.values]
        self.opened[who] += [(at, self.epochs[who], item.ordinal) for item in codec.read_all(seen)]
        if self.frozen[who]:
            assert answer.admission.code == "frozen", "a freeze takes effect on the next request anywhere"
            assert not seen

    @rule(
        node=st.integers(0, NODES - 1),
        who=st.sampled_from(THIEVES),
        start=st.integers(0, 500),
        size=st.integers(1, 20),
    )
    def open_some(self, node, who, start, size):
        self._open(node, who, (self.tokens[who] * 2)[start : start + size])

    @rule(node=st.integers(0, NODES - 1), who=st.sampled_from(THIEVES), start=st.integers(0, 30))
    def open_as_much_as_goes(self, node, who, start):
        for at in range(start * 15, start * 15 + 80, 20):
            self._open(node, who, self.tokens[who][at : at + 20] or self.tokens[who][:1])

    @rule(
        node=st.integers(0, NODES - 1),
        who=st.sampled_from(THIEVES),
        token=st.integers(0, 400),
        off=st.sampled_from(OFF_AT_START),
    )
    def lose_the_answer(self, node, who, token, off):
        self.nodes[node].ledger.lose = True
        try:
            self._open(node, who, [self.tokens[who][token % len(self.tokens[who])]])
        except ConnectionResetError:
            # The node cannot know what became of it, and starts again.
            self.crash(node, off)
        else:
            self.nodes[node].ledger.lose = False

    @rule(node=st.integers(0, NODES - 1), off=st.sampled_from(OFF_AT_START))
    def crash(self, node, off):
        self.nodes[node].close()
        self.clocks[node] = FixedClock(self.at + timedelta(seconds=off))
        self.nodes[node] = self._start(node, self.clocks[node])
        self.wrong.discard(node)

    @rule(minutes=st.sampled_from((0.02, 1, 4, 9.9, 10.5, 90, 700, 1450)))
    def let_time_pass(self, minutes):
        self.at += timedelta(minutes=minutes)
        self.store_clock.set(self.at)
        for clock in self.clocks:
            clock.advance(timedelta(minutes=minutes))

    @rule(node=st.integers(0, NODES - 1), seconds=st.sampled_from((-86_400, -600, -1, 1, 600, 86_400, 10**7)))
    def set_a_clock(self, node, seconds):
        self.clocks[node].step(timedelta(seconds=seconds))
        self.wrong.add(node)

    @rule(node=st.integers(0, NODES - 1), who=st.sampled_from(THIEVES))
    def search_for_somebody(self, node, who):
        with self._refused_if_its_clock_is_wrong(node):
            search(self.nodes[node], self.people[who], ["tarsenne"], "nobody@example.com")

    @rule(node=st.integers(0, NODES - 1), who=st.sampled_from(THIEVES))
    def freeze(self, node, who):
        principals.freeze(self.nodes[node].gatekeeper, self.nodes[node].records, who, by="operator", reason="drill")
        self.frozen[who] = True

    @precondition(lambda self: any(self.frozen.values()) or any(self.opened.values()))
    @rule(node=st.integers(0, NODES - 1), who=st.sampled_from(THIEVES))
    def renew(self, node, who):
        with self._refused_if_its_clock_is_wrong(node):
            principals.renew(self.nodes[node], who, self.guard, thaw=True)
            self.epochs[who] += 1
            self.frozen[who] = False

    @invariant()
    def no_window_holds_more_than_was_printed(self):
        for who in getattr(self, "opened", ()):
            assert beyond(self.opened[who], self.bounds[who], self.epochs[who]) == []

    @invariant()
    def whoever_is_frozen_by_persistence_is_frozen(self):
        for who in getattr(self, "frozen", ()):
            stored = self.nodes[0].records.principal(who)
            assert not self.frozen[who] or stored.frozen_at is not None
            self.frozen[who] = stored.frozen_at is not None


@pytest.fixture
def group(store_template):
    Group.template = store_template
    return Group


BOUNDED = settings(
    max_examples=6,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


@pytest.mark.slow
def test_no_schedule_over_three_nodes_opens_more_than_was_printed(group):
    machine = type("Schedules", (Thieves,), {}).TestCase
    machine.settings = BOUNDED
    machine().runTest()


SCHEDULES = {
    # The machine had no store's clock then: a node that was never asked follows its own wherever it is set.
    "a clock set far ahead before the first request empties no window": [
        (Thieves.open_some, {"node": 0, "who": "anna", "start": 0, "size": 20}),
        (Thieves.open_some, {"node": 0, "who": "anna", "start": 20, "size": 12}),
        (Thieves.set_a_clock, {"node": 1, "seconds": 10**7}),
        (Thieves.open_some, {"node": 1, "who": "anna", "start": 40, "size": 20}),
        (Thieves.open_some, {"node": 0, "who": "anna", "start": 60, "size": 8}),
    ],
}
"""Schedules that went wrong once, step by step, as `make explore` prints them."""


@pytest.mark.parametrize("steps", SCHEDULES.values(), ids=SCHEDULES)
def test_a_schedule_that_went_wrong_once_opens_no_more_than_was_printed(group, steps):
    machine = Thieves()
    machine.begin()
    try:
        for rule_of_machine, arguments in steps:
            rule_of_machine(machine, **arguments)
            machine.no_window_holds_more_than_was_printed()
            machine.whoever_is_frozen_by_persistence_is_frozen()
    finally:
        machine.teardown()


def test_a_store_that_does_not_compare_versions_is_noticed(group):
    """The same machine, driven by hand, finds a store that breaks the promise."""
    broken = type("Broken", (Group,), {"template": group.template, "ledger": GenerousLedger})
    machine = Thieves()
    machine.group = broken
    machine.begin()
    try:
        for node in range(NODES):
            machine.open_some(node=node, who="anna", start=0, size=1)
        for node in range(NODES):
            machine.open_as_much_as_goes(node=node, who="anna", start=node * 9)
        with pytest.raises(AssertionError):
            machine.no_window_holds_more_than_was_printed()
    finally:
        machine.teardown()


def test_the_day_and_the_lifetime_hold_although_bursts_come_back(group):
    """Ten minutes at a time, all that goes, until the lifetime is spent; then nothing, on any node."""
    machine = Thieves()
    machine.begin()
    try:
        for step in range(30):
            machine.open_as_much_as_goes(node=step % NODES, who="ben", start=step)
            machine.let_time_pass(minutes=10.5 if step % 5 else 1450)
            machine.no_window_holds_more_than_was_printed()
        taken = {ordinal for _, _, ordinal in machine.opened["ben"]}
        assert machine.bounds["ben"][WindowName.LIFETIME] == 150
        # Whoever goes on asking is frozen, and refusals of all nodes count: some of the 150 are never reached.
        assert 90 < len(taken) <= 150
        assert affected_by(machine.nodes[1], lineage="ben", count_persons=False).report.records >= BitMap(taken)
    finally:
        machine.teardown()


def test_a_freeze_that_ended_is_noticed_by_every_node(group):
    machine = Thieves()
    machine.begin()
    try:
        machine.freeze(node=0, who="anna")
        for node in range(NODES):
            machine.open_some(node=node, who="anna", start=0, size=2)
        machine.renew(node=1, who="anna")
        for node in range(NODES):
            answer = open_records(machine.nodes[node], machine.people["anna"], machine.tokens["anna"][:2])
            assert answer.admission.permitted
    finally:
        machine.teardown()


def test_a_frozen_credential_renews_nobody_and_the_attempt_is_entered(group):
    machine = Thieves()
    machine.begin()
    try:
        principals.freeze(
            machine.nodes[0].gatekeeper, machine.nodes[0].records, "guard", by="operator", reason="drill"
        )
        with pytest.raises(principals.DeniedError, match="a frozen credential renews nobody"):
            principals.renew(machine.nodes[1], "anna", machine.guard)
        row = (
            machine.nodes[0]
            .connection.execute(
                "select convert_from(body, 'UTF8')::json->>'reason' from ledger_entry"
                " where operation = 'renew' and not permitted"
            )
            .fetchone()
        )
        assert row == ("frozen",)
    finally:
        machine.teardown()


PROCESSES = 4


@pytest.mark.slow
def test_four_thieves_at_once_get_no_more_than_was_printed_and_the_ledger_names_exactly_what_they_got(store):
    application = store.open()
    who = staff(application)
    brand, files = next(iter(store.deliveries.items()))
    addresses = [
        row.normal["email"] for row in rows_of(application.configuration, brand, files[0]) if "email" in row.normal
    ]
    ordinals = live_ordinals(application, brand)
    random.Random(1).shuffle(ordinals)
    bound = exposure_of(application, "anna").bounds[0]
    loot = Loot(
        store.settings.credentials / "anna.key",
        tokens_of(application, who, ordinals),
        addresses[:80],
        [brand],
        seconds=8.0,
    )
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        shares = [
            pool.submit(
                steal,
                replace(store.settings, node=f"thief-{share}"),
                store.settings.database_url,
                loot,
                share,
                PROCESSES,
            )
            for share in range(PROCESSES)
        ]
        hauls = [share.result() for share in shares]
    codec = application.codec("anna")
    opened = BitMap(item.ordinal for haul in hauls for item in codec.read_all(sorted(haul.opened)))
    found = BitMap(item.ordinal for haul in hauls for item in codec.read_all(sorted(haul.found)))
    assert 0 < len(opened) <= bound.records
    assert len(found) <= bound.probes
    assert sum(haul.refused for haul in hauls) > 0
    report = affected_by(application, lineage="anna", count_persons=False).report
    assert report.records == opened | found
    application.close()


def test_a_renewal_on_one_node_is_known_on_another_that_had_refused(group):
    machine = Thieves()
    machine.begin()
    try:
        for day in range(2):
            for part in range(3):
                machine.open_as_much_as_goes(node=1, who="anna", start=(day * 3 + part) * 3)
                machine.let_time_pass(10.5)
            machine.let_time_pass(1450)
        tokens = machine.tokens["anna"][-20:]
        assert open_records(machine.nodes[1], machine.people["anna"], tokens).admission.code == "budget"
        machine.renew(node=0, who="anna")
        assert open_records(machine.nodes[1], machine.people["anna"], tokens).admission.code == "granted"
    finally:
        machine.teardown()
