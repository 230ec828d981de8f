"""A thief against three nodes and one store, with everything that can go wrong between them."""

from __future__ import annotations

from dataclasses import dataclass, field

from gate_worlds import HOUR, MINUTE, START, budget, contact, person
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pyroaring import BitMap

from cloakroom.gate.budget import Draw, OpenedRecords, Renewed
from cloakroom.gate.exposure import Bound, expose
from cloakroom.gate.gate_clock import GateClock
from cloakroom.gate.policy import Form, Networks, Policy, PrincipalKind, Purpose, Role, WindowName
from cloakroom.vocabulary import FieldClass, Operation

TOLERANCE = 2_000_000
SKEW = 2 * TOLERANCE
WAITS = [1, 1_000_000, MINUTE, 9 * MINUTE, 10 * MINUTE - 1, 10 * MINUTE, 11 * MINUTE, 50 * MINUTE, 61 * MINUTE]
STEPS = [-HOUR, -MINUTE, -1_000_000, 1_000_000, MINUTE, HOUR, 24 * HOUR]
BUDGET = budget(4, 7, 12, burst_length=10 * MINUTE, day_length=HOUR, mask=30, token=10)
POLICY = Policy(
    purposes={"look": Purpose("look", "Look", frozenset({Operation.REVEAL}), {"email": Form.REVEAL})},
    roles={
        "thief": Role(
            "thief",
            "Whoever holds it",
            frozenset({"look"}),
            frozenset({"*"}),
            Networks((), local=True),
            frozenset(PrincipalKind),
            "counter",
        )
    },
    forbids=(),
    budgets={"counter": BUDGET},
    renewals=(),
    releases={},
    bands={},
    sha256="",
)


@dataclass
class Store:
    """One lineage's counted entries, with the promise the real store keeps: compare and swap, under one clock."""

    entries: list[tuple[int, Draw | Renewed]] = field(default_factory=list)
    true_times: list[int] = field(default_factory=list)
    frozen: bool = False

    def insert(self, version: int, at: int, event: Draw | Renewed, now: int) -> str:
        if self.frozen and isinstance(event, Draw):
            return "frozen"
        if version != len(self.entries):
            return "conflict"
        if abs(at - now) > TOLERANCE:
            return "clock"
        self.entries.append((at, event))
        self.true_times.append(now)
        return "accepted"


class Node:
    """A process: a view, a clock, nothing durable; as in a real one, gate time begins with the first request."""

    def __init__(self, off: int) -> None:
        self.off = off
        self.view = OpenedRecords(BUDGET, skew=SKEW)
        self.clock = GateClock()

    def time(self, now: int) -> int:
        return self.clock.observe(now + self.off, now / 1_000_000)[0]

    def synchronise(self, store: Store) -> None:
        for at, event in store.entries[self.view.version :]:
            self.view.apply(at, event)

    def reveal(self, store: Store, draw: Draw, now: int, *, cut: bool, answer_lost: bool) -> str:
        for _ in range(2):
            assessment = self.view.assess(self.time(now), draw, BUDGET, cut=cut)
            if not assessment.permitted:
                return "refused"
            word = store.insert(assessment.version, assessment.at, assessment.draw, now)
            if word == "accepted" and not answer_lost:
                self.view.apply(assessment.at, assessment.draw)
            if word != "conflict":
                return word
            self.synchronise(store)
        raise AssertionError("a second conflict cannot happen here, where nobody comes between")


class ThiefAgainstNodes(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.store = Store()
        self.nodes = [Node(off) for off in (0, TOLERANCE // 2, -TOLERANCE // 2)]
        self.printed: list[tuple[int, int, tuple[Bound, ...]]] = []

    @rule(
        node=st.integers(0, 2),
        records=st.frozensets(st.integers(0, 15), min_size=1, max_size=6),
        cut=st.booleans(),
        answer_lost=st.booleans(),
    )
    def open(self, node: int, records: frozenset[int], *, cut: bool, answer_lost: bool) -> None:
        self.nodes[node].reveal(self.store, contact(*records), self.now, cut=cut, answer_lost=answer_lost)

    @rule(node=st.integers(0, 2))
    def take_all_that_is_left(self, node: int) -> None:
        self.nodes[node].reveal(self.store, contact(*range(16)), self.now, cut=True, answer_lost=False)
        for record in range(16):
            self.nodes[node].reveal(self.store, contact(record), self.now, cut=False, answer_lost=False)

    @rule(
        wait=st.sampled_from([1, 1_000_000, MINUTE, 9 * MINUTE, 10 * MINUTE, 11 * MINUTE, 50 * MINUTE, 61 * MINUTE])
    )
    def wait(self, wait: int) -> None:
        self.now += wait

    @rule(node=st.integers(0, 2), by=st.sampled_from(STEPS))
    def set_a_clock(self, node: int, by: int) -> None:
        self.nodes[node].off += by

    @rule(node=st.integers(0, 2), off=st.sampled_from([0, 0, 1_500_000, -1_500_000, HOUR, -HOUR]))
    def crash_and_start_again(self, node: int, off: int) -> None:
        self.nodes[node] = Node(off)

    @rule(node=st.integers(0, 2))
    def assess_and_die_before_the_commit(self, node: int) -> None:
        self.nodes[node].view.assess(self.nodes[node].time(self.now) + HOUR, contact(3, 4), BUDGET)

    @rule(frozen=st.booleans())
    def freeze_or_thaw(self, *, frozen: bool) -> None:
        self.store.frozen = frozen

    @rule()
    def renew(self) -> None:
        last = self.store.entries[-1][0] if self.store.entries else 0
        self.store.insert(len(self.store.entries), max(self.now, last), Renewed(), self.now)

    @rule(node=st.integers(0, 2))
    def print_the_exposure(self, node: int) -> None:
        view = self.nodes[node].view
        self.nodes[node].synchronise(self.store)
        exposure = expose(
            POLICY,
            person("thief", "thief"),
            view,
            self.now,
            fields={"email": FieldClass.CONTACT},
            records_by_brand={"auberon": 16},
        )
        self.printed.append((self.now, len(self.store.entries), exposure.bounds))

    @invariant()
    def no_window_of_true_time_holds_more_than_its_ceiling(self) -> None:
        for window in (BUDGET.burst, BUDGET.day):
            assert window.length is not None
            for start in self.store.true_times:
                assert len(self.opened(start, start + window.length)) <= window.records

    @invariant()
    def no_lifetime_holds_more_than_its_ceiling(self) -> None:
        held = BitMap()
        for _, event in self.store.entries:
            held = BitMap() if isinstance(event, Renewed) else held | event.records
            assert len(held) <= BUDGET.lifetime.records

    @invariant()
    def what_was_printed_holds(self) -> None:
        for at, version, bounds in self.printed:
            for bound in bounds:
                if bound.window is WindowName.LIFETIME:
                    if not any(isinstance(event, Renewed) for _, event in self.store.entries[version:]):
                        taken = BitMap().union(*(event.records for _, event in self.store.entries[version:]))
                        assert len(taken) <= bound.records
                else:
                    assert bound.until is not None
                    taken = BitMap().union(
                        *(
                            event.records
                            for when, (_, event) in list(zip(self.store.true_times, self.store.entries, strict=True))[
                                version:
                            ]
                            if isinstance(event, Draw) and at <= when <= bound.until
                        )
                    )
                    assert len(taken) <= bound.records

    def opened(self, start: int, end: int) -> BitMap:
        return BitMap().union(
            *(
                event.records
                for when, (_, event) in zip(self.store.true_times, self.store.entries, strict=True)
                if isinstance(event, Draw) and start <= when <= end
            )
        )


TestThiefAgainstNodes = ThiefAgainstNodes.TestCase
TestThiefAgainstNodes.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_a_thief_with_time_does_reach_the_ceiling_so_that_the_bound_is_not_empty() -> None:
    store, node, now = Store(), Node(0), START
    for _ in range(8):
        node.reveal(store, contact(*range(16)), now, cut=True, answer_lost=False)
        now += 61 * MINUTE
    taken = BitMap().union(*(event.records for _, event in store.entries if isinstance(event, Draw)))
    assert len(taken) == BUDGET.burst.records
    for record in range(16):
        node.reveal(store, contact(record), now, cut=False, answer_lost=False)
        now += 15 * MINUTE
    taken = BitMap().union(*(event.records for _, event in store.entries if isinstance(event, Draw)))
    assert len(taken) == BUDGET.lifetime.records


def test_two_nodes_that_assess_the_same_state_cannot_both_succeed() -> None:
    store = Store()
    one, two = Node(0), Node(0)
    first = one.view.assess(START, contact(1, 2, 3, 4), BUDGET)
    second = two.view.assess(START, contact(5, 6, 7, 8), BUDGET)
    assert first.permitted
    assert second.permitted
    assert store.insert(first.version, first.at, first.draw, START) == "accepted"
    assert store.insert(second.version, second.at, second.draw, START) == "conflict"
    two.synchronise(store)
    assert not two.view.assess(START, contact(5, 6, 7, 8), BUDGET).permitted


def test_an_entry_whose_answer_was_lost_counts() -> None:
    store = Store()
    one, two = Node(0), Node(0)
    assert one.reveal(store, contact(1, 2, 3, 4), START, cut=False, answer_lost=True) == "accepted"
    assert two.reveal(store, contact(5), START, cut=False, answer_lost=False) == "refused"
    assert one.reveal(store, contact(5), START, cut=False, answer_lost=False) == "refused"
    assert one.reveal(store, contact(1), START, cut=False, answer_lost=False) == "accepted"


def test_a_node_that_lags_and_one_that_leads_do_not_shorten_the_window_between_them() -> None:
    assert BUDGET.burst.length is not None
    for phase in range(0, 10_000_000, 100_000):
        store, now = Store(), START + phase
        lagging, leading = Node(-TOLERANCE), Node(TOLERANCE)
        assert lagging.reveal(store, contact(1, 2, 3, 4), now, cut=False, answer_lost=False) == "accepted"
        now += BUDGET.burst.length
        assert leading.reveal(store, contact(5), now, cut=False, answer_lost=False) == "refused"
