"""Requests of a batch are assessed together only where they concern one brand of one lineage, in their order."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from cloakroom.flows.admission.pending_requests import PendingRequest, by_lineage, one_brand_each

ASKED = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["alba", "boreas", "cirrus"])), max_size=12)


def pending(asked: list[tuple[str, str]]) -> list[PendingRequest]:
    """Return requests of lineages about brands; the rest of a request does not matter here."""
    return [
        PendingRequest(position, SimpleNamespace(principal=SimpleNamespace(id=lineage), brand=brand), None, None)  # type: ignore[arg-type]
        for position, (lineage, brand) in enumerate(asked)
    ]


def positions(cases: list[PendingRequest]) -> list[int]:
    return [case.position for case in cases]


def test_each_lineage_begins_with_the_brand_that_it_asked_for_first() -> None:
    asked = [("a", "boreas"), ("b", "alba"), ("a", "alba"), ("a", "boreas"), ("b", "alba"), ("b", "boreas")]
    now, later = one_brand_each(pending(asked))
    assert (positions(now), positions(later)) == ([0, 1, 3, 4], [2, 5])


@given(ASKED)
def test_round_by_round_every_request_comes_once_and_no_round_mixes_brands(asked: list[tuple[str, str]]) -> None:
    rest, seen, rounds = pending(asked), [], 0
    while rest:
        now, rest = one_brand_each(rest)
        for group in by_lineage(now).values():
            assert len({case.request.brand for case in group}) == 1
            assert positions(group) == sorted(positions(group))
        seen += positions(now)
        rounds += 1
    assert sorted(seen) == list(range(len(asked)))
    assert rounds == max((len({brand for who, brand in asked if who == one}) for one in "abc"), default=0)


@given(ASKED)
def test_a_lineage_has_all_its_requests_and_nobody_elses(asked: list[tuple[str, str]]) -> None:
    groups = by_lineage(pending(asked))
    assert {one: positions(group) for one, group in groups.items()} == {
        one: found for one in "abc" if (found := [at for at, (who, _) in enumerate(asked) if who == one])
    }
