"""Every admitted reveal is answered once, in whatever order openings and waits fall."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

from cloakroom.errors import OpenError, StoreError
from cloakroom.flows.admission.request import Admission
from cloakroom.flows.records.reveal import RevealAnswer
from cloakroom.web.core.openings import PIECE_RECORDS, Openings

GRANTED = Admission(permitted=True, code="granted", explanation="")


@dataclass
class Admitted:
    """Stands for admitted requests: ``good``, ``broken`` until the keys are read anew, ``spoilt``, or a defect."""

    kinds: str
    has_new_keys: bool = False
    opened: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.kinds)

    def size(self, position: int) -> int:
        return SIZES.get(self.kinds[position], 1)

    def answers(self, positions) -> list[RevealAnswer]:
        return [self.answer(position) for position in positions]

    def answer(self, position: int) -> RevealAnswer:
        self.opened.append(position)
        kind = self.kinds[position]
        if kind == "x":
            raise KeyError("a defect")
        if kind == "s" or (kind == "b" and not self.has_new_keys):
            return RevealAnswer(GRANTED, broken=OpenError("record 1 does not open"))
        return RevealAnswer(GRANTED)

    def opened_by(self, _openers) -> Admitted:
        return Admitted(self.kinds, has_new_keys=True, opened=self.opened)


SIZES = {"l": 500}
EXPECTED = {"l": 200, "g": 200, "b": 200, "s": 500, "x": 500}


def filled(batches):
    """Return openings of some batches, and the answers that they gave."""
    openings, given, admitted = Openings(), [], []
    for number, kinds in enumerate(batches):
        batch = Admitted(kinds)
        places = [10 * place for place in range(len(kinds))]

        def deliver(place, answer, number=number):
            given.append((number, place // 10, answer.status))

        openings.add(batch, places, 0, deliver, dict)
        admitted.append(batch)
    return openings, given, admitted


@pytest.mark.parametrize("opened_before", range(6))
@pytest.mark.parametrize("batches", [("ggg", "g"), ("gbg", "sb"), ("xbs", "gb"), ("", "g"), ("lgxl", "gl")])
def test_every_request_is_answered_once_however_many_were_opened_before_the_end(batches, opened_before):
    openings, given, _ = filled(batches)
    for _ in range(opened_before):
        openings.open_some()
    openings.finish(dict)
    wanted = [
        (number, place, EXPECTED[kind]) for number, kinds in enumerate(batches) for place, kind in enumerate(kinds)
    ]
    assert sorted(given) == wanted
    assert not openings.open_some()


def test_the_oldest_is_opened_first():
    openings, given, _ = filled(["gg", "gg"])
    while openings.open_some():
        pass
    assert [item[:2] for item in given] == list(itertools.product(range(2), range(2)))


def test_small_requests_are_opened_together_and_a_large_one_alone():
    openings, given, _ = filled(["g" * 40 + "lg"])
    counts = []
    while openings.open_some():
        counts.append(len(given) - sum(counts))
    assert counts == [PIECE_RECORDS, 40 - PIECE_RECORDS, 1, 1]


def test_no_more_than_one_batch_waits_however_little_time_there_is_meanwhile():
    openings, given, admitted = Openings(), [], []
    for number in range(50):
        admitted.append(Admitted("ggg"))
        openings.add(admitted[-1], range(3), 0, lambda place, _, number=number: given.append((number, place)), dict)
        assert len(given) == 3 * number
    openings.finish(dict)
    assert given == [(number, place) for number in range(50) for place in range(3)]


def test_a_record_that_does_not_open_waits_for_new_keys_no_longer_than_until_the_next_batch_is_admitted():
    openings, given, _ = filled(["bg"])
    while openings.open_some():
        pass
    openings.add(Admitted("g"), [0], 0, lambda place, answer: None, dict)
    assert sorted(given) == [(0, 0, 200), (0, 1, 200)]


def test_a_batch_is_taken_in_even_where_the_keys_for_the_one_before_cannot_be_read():
    def refreshed():
        raise StoreError("the store does not answer")

    openings, given, _ = filled(["b"])
    later = []
    with pytest.raises(StoreError):
        openings.add(Admitted("g"), [0], 0, lambda place, answer: later.append(answer.status), refreshed)
    assert given == [(0, 0, 503)]
    openings.finish(dict)
    assert later == [200]


def test_keys_are_read_anew_once_and_only_when_nobody_waits_for_the_store():
    read = []
    openings, given, _ = filled(["bgb"])
    while openings.open_some():
        pass
    assert [item[1] for item in given] == [1]
    openings.finish(lambda: read.append(None) or {})
    openings.finish(lambda: read.append(None) or {})
    assert len(read) == 1
    assert sorted(given) == [(0, 0, 200), (0, 1, 200), (0, 2, 200)]


def test_a_store_that_does_not_give_its_keys_leaves_nobody_without_an_answer():
    def refreshed():
        raise StoreError("the store does not answer")

    openings, given, admitted = filled(["gbs"])
    with pytest.raises(StoreError):
        openings.finish(refreshed)
    assert sorted(given) == [(0, 0, 200), (0, 1, 503), (0, 2, 503)]
    openings.finish(dict)
    assert len(given) == 3
    assert sorted(admitted[0].opened) == [0, 1, 2]
