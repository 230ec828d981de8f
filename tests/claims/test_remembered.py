"""A key is looked up once, and what was found of it is said of every row that shows it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.claims.ports import Found
from cloakroom.claims.remembered import RememberedIndex

HELD = {"a": [7], "b": [1, 2], "c": [3, 4, 5, 6], "d": []}
RECORDS_MAX = 3
KEYS = st.lists(st.sampled_from([*HELD, "unheard"]), max_size=12)


class Index:
    def __init__(self):
        self.asked = Counter()

    def look_up(self, kind, normalised):
        self.asked.update(normalised.to_list())
        pairs = [(place, one) for place, key in enumerate(normalised) for one in HELD.get(key, [])]
        found = np.array(sorted(pairs, key=lambda pair: -pair[1]), np.int64).reshape(-1, 2)
        return lambda: Found(found[:, 0], found[:, 1])


def keyed(keys):
    return pl.DataFrame({"row": range(len(keys)), "key": keys}, schema={"row": pl.UInt32, "key": pl.String})


@given(st.lists(KEYS, min_size=1, max_size=5))
def test_batches_asked_ahead_are_answered_as_if_each_key_were_looked_up(batches):
    index = Index()
    remembered = RememberedIndex(index, "email", 5, RECORDS_MAX)
    waiting = None
    for batch in [*batches, None]:
        coming = None if batch is None else (batch, remembered.ask(keyed(batch)))
        if waiting is not None:
            keys, asked = waiting
            answered = remembered.answer(asked)
            holders = [HELD.get(key, []) for key in keys]
            expected = {(row, one) for row, held in enumerate(holders) if len(held) <= RECORDS_MAX for one in held}
            assert sorted(answered.pairs.iter_rows()) == sorted(expected)
            assert answered.known.tolist() == [bool(held) for held in holders]
            assert answered.crowded.tolist() == [len(held) > RECORDS_MAX for held in holders]
            assert len(set(answered.numbers.tolist())) == len(set(keys))
        waiting = coming
    assert set(index.asked.values()) <= {1}


def test_the_records_of_a_crowd_are_given_up_to_a_limit():
    remembered = RememberedIndex(Index(), "email", 5, RECORDS_MAX)
    remembered.pairs(keyed(["a", "c", "d"]))
    assert sorted(remembered.crowd_of(pl.Series(["c", "a", "unheard"]), 10).tolist()) == [3, 4, 5, 6]
    assert len(remembered.crowd_of(pl.Series(["c"]), 2)) == 2
    assert remembered.crowd_of(pl.Series(["a"]), 2).size == 0
