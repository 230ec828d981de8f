"""Persons behind records: each rule of linking, alone and against the others."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from cloakroom.canonical.name import PersonName
from cloakroom.errors import LimitError, UsageError
from cloakroom.scoping.link_keys import KeyKind, link_texts
from cloakroom.scoping.missed_links import estimate_missed
from cloakroom.scoping.persons import KeyColumns, Limits, link_persons

EMAIL, PHONE, MAILBOX = KeyKind.EMAIL, KeyKind.PHONE, KeyKind.MAILBOX


def digest(kind, text):
    return hashlib.sha256(f"{int(kind)}|{text}".encode()).digest()[:16]


def columns(rows):
    """Rows of (record, kind, text)."""
    return KeyColumns(
        np.array([record for record, _, _ in rows], dtype=np.uint32),
        np.array([kind for _, kind, _ in rows], dtype=np.uint8),
        b"".join(digest(kind, text) for _, kind, text in rows),
    )


def link(rows, names=None, *, records=None, **options):
    size = records or 1 + max((record for record, _, _ in rows), default=0)
    lookup = None if names is None else lambda asked: [names.get(record) for record in asked]
    return link_persons(columns(rows), records=size, names_of=lookup, **options)


def interval(persons, records):
    counted = persons.count(BitMap(records))
    return counted.lower, counted.best, counted.upper


ANNA = PersonName("Anna", "Ferrandi")
ANNA_MARRIED = PersonName("Anna", "Bassoli")
ANNA_TYPED = PersonName("FERANDI", "anna ")
MARCO = PersonName("Marco", "Ferrandi")


def test_a_shared_address_and_one_name_make_one_person():
    persons = link([(0, EMAIL, "a@example.com"), (1, EMAIL, "a@example.com")], {0: ANNA, 1: ANNA_TYPED})
    assert interval(persons, [0, 1]) == (1, 1, 1)


def test_a_shared_number_and_another_family_name_make_one_person():
    persons = link([(0, PHONE, "+390000"), (1, PHONE, "+390000")], {0: ANNA, 1: ANNA_MARRIED})
    assert interval(persons, [0, 1]) == (1, 1, 1)


def test_two_given_names_behind_one_address_are_one_or_two_persons():
    persons = link([(0, EMAIL, "family@example.com"), (1, EMAIL, "family@example.com")], {0: ANNA, 1: MARCO})
    assert interval(persons, [0, 1]) == (1, 2, 2)
    assert persons.refusals.names_differ == 1


def test_an_earlier_version_of_an_address_still_joins():
    rows = [(0, EMAIL, "old@example.com"), (0, EMAIL, "new@example.com"), (1, EMAIL, "old@example.com")]
    assert interval(link(rows, {0: ANNA, 1: ANNA}), [0, 1]) == (1, 1, 1)


def test_a_record_outside_the_set_may_join_two_inside_it():
    rows = [(0, EMAIL, "a@example.com"), (1, EMAIL, "a@example.com"), (1, PHONE, "+39"), (2, PHONE, "+39")]
    persons = link(rows, dict.fromkeys(range(3), ANNA))
    assert interval(persons, [0, 2]) == (1, 1, 1)


def test_a_key_of_eleven_records_joins_nobody_and_one_of_ten_does():
    names = dict.fromkeys(range(11), ANNA)
    eleven = link([(record, EMAIL, "shared@example.com") for record in range(11)], names)
    assert interval(eleven, range(11)) == (1, 11, 11)
    assert (eleven.refusals.shared_keys, eleven.refusals.shared_records) == (1, 11)
    assert eleven.count(BitMap(range(11))).keyless == 11
    ten = link([(record, EMAIL, "shared@example.com") for record in range(10)], names)
    assert interval(ten, range(10)) == (1, 1, 1)


def test_ten_records_with_many_versions_of_one_key_are_still_ten():
    rows = [(record, EMAIL, "a@example.com") for record in range(10)] * 5
    assert interval(link(rows, dict.fromkeys(range(10), ANNA)), range(10)) == (1, 1, 1)


def test_a_placeholder_joins_nobody():
    rows = [(0, EMAIL, "noemail@tarsenne.example"), (1, EMAIL, "noemail@tarsenne.example")]
    meaningless = [(int(EMAIL), digest(EMAIL, "noemail@tarsenne.example"))]
    persons = link(rows, {0: ANNA, 1: ANNA}, placeholders=meaningless)
    assert interval(persons, [0, 1]) == (1, 2, 2)
    assert persons.refusals.placeholder_rows == 2
    # The same digest under another kind means something else.
    other = link(rows, {0: ANNA, 1: ANNA}, placeholders=[(int(PHONE), meaningless[0][1])])
    assert interval(other, [0, 1]) == (1, 1, 1)


def test_an_address_never_equals_a_number_of_the_same_digest():
    same = KeyColumns(np.array([0, 1], np.uint32), np.array([EMAIL, PHONE], np.uint8), bytes(32))
    assert link_persons(same, records=2, names_of=None).count(BitMap([0, 1])).upper == 2


def test_a_plus_tag_joins_for_the_best_and_lower_figure_only():
    rows = [(0, EMAIL, "a+x@example.com"), (1, EMAIL, "a@example.com")]
    rows += [(0, MAILBOX, "a@example.com"), (1, MAILBOX, "a@example.com")]
    assert interval(link(rows, {0: ANNA, 1: ANNA}), [0, 1]) == (1, 1, 2)
    assert interval(link(rows, {0: ANNA, 1: MARCO}), [0, 1]) == (1, 2, 2)


def test_records_without_a_key_may_be_anybody_or_nobody():
    persons = link([(0, EMAIL, "a@example.com")], {0: ANNA}, records=4)
    assert interval(persons, [0, 1, 2, 3]) == (1, 4, 4)
    assert interval(persons, [1, 2]) == (1, 2, 2)
    assert interval(persons, []) == (0, 0, 0)
    assert persons.count(BitMap([2**32 - 1, 0])).upper == 2


def test_without_names_a_shared_key_decides_alone():
    rows = [(0, EMAIL, "family@example.com"), (1, EMAIL, "family@example.com")]
    persons = link(rows)
    assert interval(persons, [0, 1]) == (1, 1, 1)
    assert "not compared" in persons.method


def test_a_missing_name_does_not_contradict_and_is_counted():
    rows = [(0, EMAIL, "a@example.com"), (1, EMAIL, "a@example.com"), (2, EMAIL, "a@example.com")]
    persons = link(rows, {0: ANNA, 1: PersonName(" ", None)})
    assert interval(persons, [0, 1, 2]) == (1, 1, 1)
    assert persons.refusals.names_missing == 3


def test_names_are_asked_only_of_records_that_share_a_key():
    asked = []

    def names_of(records):
        asked.extend(records)
        return [ANNA] * len(records)

    rows = [(0, EMAIL, "a@example.com"), (1, EMAIL, "a@example.com"), (2, EMAIL, "alone@example.com")]
    link_persons(columns(rows), records=4, names_of=names_of)
    assert sorted(set(asked)) == [0, 1]


def test_names_come_in_batches_of_the_stated_size():
    sizes = []

    def names_of(records):
        sizes.append(len(records))
        return [ANNA] * len(records)

    rows = [(record, EMAIL, f"{record // 2}@example.com") for record in range(20)]
    link_persons(columns(rows), records=20, names_of=names_of, limits=Limits(names_batch=8))
    assert sizes == [8, 8, 4]


def test_nothing_personal_is_left_in_the_result():
    persons = link([(0, EMAIL, "a@example.com"), (1, EMAIL, "a@example.com")], {0: ANNA, 1: MARCO})
    shown = repr((persons, persons.count(BitMap([0, 1]))))
    assert not any(text in shown for text in ("Anna", "Marco", "Ferrandi", "example"))


@pytest.mark.parametrize(
    ("ordinals", "kinds", "digests"),
    [([0, 1], [1], bytes(32)), ([0], [1], bytes(15)), ([0], [1, 1], bytes(16)), ([5], [1], bytes(16))],
)
def test_columns_that_do_not_fit_together_are_refused(ordinals, kinds, digests):
    keys = KeyColumns(np.array(ordinals, np.uint32), np.array(kinds, np.uint8), digests)
    with pytest.raises(UsageError):
        link_persons(keys, records=3, names_of=None)


def test_a_callback_that_loses_names_is_refused():
    rows = [(0, EMAIL, "a@example.com"), (1, EMAIL, "a@example.com")]
    with pytest.raises(UsageError):
        link_persons(columns(rows), records=2, names_of=lambda _: [ANNA])


def test_more_keys_than_the_limit_are_refused():
    rows = [(0, EMAIL, "a@example.com"), (1, EMAIL, "a@example.com")]
    with pytest.raises(LimitError):
        link_persons(columns(rows), records=2, names_of=None, limits=Limits(keys_max=1))


def test_an_empty_store_has_no_persons():
    assert interval(link([], {}, records=1), []) == (0, 0, 0)


NAMES = st.sampled_from([ANNA, MARCO, ANNA_MARRIED, ANNA_TYPED, None])
ROWS = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(list(KeyKind)), st.sampled_from("abcd")), max_size=25)


@given(ROWS, st.lists(NAMES, min_size=10, max_size=10), st.frozensets(st.integers(0, 9)))
@settings(max_examples=300, deadline=None)
def test_lower_best_and_upper_are_in_order_and_never_beyond_the_records(rows, names, chosen):
    persons = link(rows, dict(enumerate(names)), records=10)
    counted = persons.count(BitMap(chosen))
    assert (0 if not chosen else 1) <= counted.lower <= counted.best <= counted.upper <= len(chosen)
    assert counted.records == len(chosen)


@given(ROWS, st.lists(NAMES, min_size=10, max_size=10), st.randoms())
@settings(deadline=None)
def test_the_order_of_rows_changes_nothing(rows, names, random):
    shuffled = random.sample(rows, len(rows))
    one, other = (link(order, dict(enumerate(names)), records=10) for order in (rows, shuffled + rows[:3]))
    for labels in ("strict", "best", "loose", "keyed"):
        assert getattr(one, labels).tolist() == getattr(other, labels).tolist()


def test_parts_of_a_split_are_counted_each_for_itself():
    persons = link([(0, EMAIL, "a@example.com"), (1, EMAIL, "a@example.com")], {0: ANNA, 1: ANNA})
    parts = persons.count_each({"tarsenne": BitMap([0]), "ombrelune": BitMap([1])})
    assert [part.best for part in parts.values()] == [1, 1]


def test_link_texts_name_what_records_may_share():
    texts = link_texts(
        emails=["anna+vip@example.com"],
        phones=["+393200000001"],
        name="Ferrandi ANNA",
        birth_date="1980-02-29",
        country="IT",
        postcode="201 21",
        street="c/o Bianchi, Via Storta 12/b",
    )
    assert texts == [
        (KeyKind.EMAIL, "anna+vip@example.com"),
        (KeyKind.MAILBOX, "anna@example.com"),
        (KeyKind.PHONE, "+393200000001"),
        (KeyKind.NAME_BIRTH, "anna ferrandi|1980-02-29"),
        (KeyKind.NAME_ADDRESS, "anna ferrandi|IT|20121|12"),
    ]
    assert link_texts(name="Anna") == []
    assert link_texts(emails=["+news@example.com"])[1] == (KeyKind.MAILBOX, "+news@example.com")


def test_what_two_ways_find_together_tells_what_both_miss():
    # 900 and 800 of 1,000 links found independently: 720 by both, 980 by either, 20 by neither.
    missed = estimate_missed(900, 800, 980)
    assert missed.expected == 20
    assert 20 < missed.at_most < 35


def test_nothing_is_estimated_from_a_handful_or_from_one_way_alone():
    assert estimate_missed(10, 10, 12).expected == 0
    assert estimate_missed(5_000, 0, 5_000).at_most == 0
    assert estimate_missed(0, 0, 0).at_most == 0


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_no_estimate_is_negative(first, second, both):
    both = min(first, second, both)
    missed = estimate_missed(first, second, first + second - both)
    assert 0 <= missed.expected <= missed.at_most or missed.expected == missed.at_most == 0


def test_links_that_no_key_shows_are_taken_off_so_that_the_interval_still_holds_the_truth():
    """1,000 persons of two records each; address joins seven in ten, birth date six in ten, each by chance."""
    rng = np.random.default_rng(9)
    rows = []
    for person in range(1_000):
        for kind, chance in ((EMAIL, 0.7), (KeyKind.NAME_BIRTH, 0.6)):
            joined = rng.random() < chance
            rows += [
                (2 * person, kind, f"{person}"),
                (2 * person + 1, kind, f"{person}" if joined else f"{person} too"),
            ]
    persons = link(rows)
    counted = persons.count(BitMap(range(2_000)))
    assert len(set(persons.loose.tolist())) > 1_080  # what the keys alone say is too many
    assert counted.lower <= 1_000 <= counted.upper
    assert abs(counted.best - 1_000) < 30
    assert counted.missed > 80
