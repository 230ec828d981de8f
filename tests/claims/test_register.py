from __future__ import annotations

import hashlib
import hmac
import random

import polars as pl
import pytest
from pyroaring import BitMap

from cloakroom.claims.register import Dump, RegisteredClaim, Sampler, find_earlier
from cloakroom.clock import format_time, from_microseconds

AT = 1_745_000_000_000_000


def digest(forms):
    return [hmac.new(b"key", form.encode(), hashlib.sha256).digest() for form in forms]


def addresses(start: int, end: int) -> list[str]:
    return [f"person{number}@example.org" for number in range(start, end)]


def dump(forms: list[str], *, records=(), spans=((AT, AT),), fields=("email",), content="x", most=200_000) -> Dump:
    sampler = Sampler(digest, most)
    for start in range(0, len(forms), 1000):
        sampler.take(pl.Series(forms[start : start + 1000]))
    sketch = sampler.sketch(BitMap(records), len(forms))
    named = {"house": list(spans)} if records else {}
    return Dump(sampler, sketch, content, named, {"house": fields} if records else {})


def registered(known: Dump, *, fields=("email", "name"), span=(AT, AT)) -> RegisteredClaim:
    snapshots = [{"from": format_time(from_microseconds(span[0])), "to": format_time(from_microseconds(span[1]))}]
    report = {
        "content_sha256": known.content_sha256,
        "brands": {"house": {"snapshots": snapshots, "fields": list(fields)}},
    }
    return RegisteredClaim("11111111-1111-4111-8111-111111111111", AT, "operator", {}, report, known.sketch)


def test_the_very_same_files_are_recognised_and_are_no_recycling() -> None:
    known = dump(addresses(0, 5000), records=range(5000))
    (found,) = find_earlier(dump(addresses(0, 5000), records=range(5000)), [registered(known)])
    assert found.relation == "same"


def test_a_copy_is_recognised_reordered_and_cut() -> None:
    forms = addresses(0, 6000)
    known = registered(dump(forms, records=range(6000)))
    random.Random(1).shuffle(forms)
    (found,) = find_earlier(dump(forms[:2000], records=range(0, 6000, 3), content="y"), [known])
    assert found.relation == "copy"
    assert found.share == 1.0


def test_a_dump_of_strangers_is_recognised_by_its_addresses_alone() -> None:
    known = registered(dump(addresses(0, 50_000), most=5000))
    (found,) = find_earlier(dump(addresses(20_000, 45_000), content="y"), [known])
    assert found.basis == "addresses"
    assert found.relation == "copy"
    assert found.share > 0.99


def test_a_small_part_of_an_earlier_dump_is_a_sample_of_it() -> None:
    known = registered(dump(addresses(0, 6000), records=range(6000)))
    (found,) = find_earlier(dump(addresses(0, 300), records=range(300), content="y"), [known])
    assert found.relation == "sample"


def test_a_new_theft_of_the_same_customers_is_no_copy() -> None:
    known = registered(dump(addresses(0, 6000), records=range(6000)))
    month = 30 * 86_400_000_000
    later = dump(addresses(0, 6000), records=range(6000), spans=[(AT + month, AT + month)], content="y")
    assert find_earlier(later, [known])[0].relation == "overlap"
    wider = dump(addresses(0, 6000), records=range(6000), fields=("email", "address"), content="y")
    assert find_earlier(wider, [known])[0].relation == "overlap"


def test_other_people_are_not_linked() -> None:
    known = registered(dump(addresses(0, 6000), records=range(6000)))
    assert find_earlier(dump(addresses(7000, 9000), records=range(7000, 9000), content="y"), [known]) == []


def test_what_is_remembered_holds_no_address() -> None:
    known = dump(addresses(0, 100))
    assert b"example" not in known.sketch.digests.tobytes() + known.sketch.records.serialize()


DAY = 86_400_000_000


def relation(new: Dump, known: Dump, **how) -> str:
    (found,) = find_earlier(new, [registered(known, **how)])
    return found.relation


def by_records(shared: int, of: int, known: int) -> tuple[Dump, Dump]:
    """Return a dump of `of` records, `shared` of them in an earlier one of `known` records; no addresses."""
    records = [*range(shared), *range(10_000, 10_000 + of - shared)]
    return dump([], records=records, content="y"), dump([], records=range(known))


@pytest.mark.parametrize(("shared", "expected"), [(899, "overlap"), (900, "copy"), (901, "copy")])
def test_nine_tenths_of_it_in_an_earlier_dump_make_it_a_copy(shared, expected) -> None:
    assert relation(*by_records(shared, 1000, 1000)) == expected


@pytest.mark.parametrize(("known", "expected"), [(4999, "copy"), (5000, "copy"), (5001, "sample")])
def test_a_copy_of_less_than_a_fifth_of_the_earlier_dump_is_a_sample(known, expected) -> None:
    assert relation(*by_records(1000, 1000, known)) == expected


@pytest.mark.parametrize(("shared", "is_linked"), [(49, False), (50, True)])
def test_dumps_are_linked_from_a_twentieth_on(shared, is_linked) -> None:
    new, known = by_records(shared, 1000, 2000)
    assert bool(find_earlier(new, [registered(known)])) is is_linked


@pytest.mark.parametrize(("count", "is_compared"), [(24, False), (25, True)])
def test_fewer_than_twenty_five_sampled_addresses_are_not_compared(count, is_compared) -> None:
    known = registered(dump(addresses(0, 500)))
    assert bool(find_earlier(dump(addresses(0, count), content="y"), [known])) is is_compared


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((AT - DAY, AT - DAY), "copy"),
        ((AT - DAY - 1, AT - DAY - 1), "overlap"),
        ((AT + 3 * DAY, AT + 5 * DAY), "copy"),
        ((AT + 3 * DAY + 1, AT + 5 * DAY), "overlap"),
    ],
)
def test_as_of_times_of_a_copy_are_those_of_the_earlier_dump_with_a_day_of_slack(span, expected) -> None:
    known = dump([], records=range(100))
    new = dump([], records=range(100), spans=[span], content="y")
    assert relation(new, known, span=(AT, AT + 2 * DAY)) == expected


def test_every_as_of_time_must_be_one_of_the_earlier_dump() -> None:
    known = dump([], records=range(100))
    assert relation(dump([], records=range(100), spans=[(AT, AT), (AT, AT)], content="y"), known) == "copy"
    mixed = dump([], records=range(100), spans=[(AT, AT), (AT + 30 * DAY, AT + 30 * DAY)], content="y")
    assert relation(mixed, known) == "overlap"


def test_what_is_compared_is_what_shows_more() -> None:
    known = registered(dump(addresses(0, 1000), records=range(1000)))
    same_addresses = dump(addresses(0, 1000), records=range(500, 1500), content="y")
    assert find_earlier(same_addresses, [known])[0].basis == "addresses"
    same_records = dump(addresses(500, 1500), records=range(1000), content="y")
    assert find_earlier(same_records, [known])[0].basis == "records"
    assert find_earlier(same_records, [known])[0].share == 1.0


def test_the_fullest_earlier_dump_comes_first() -> None:
    half, whole = registered(dump([], records=range(500))), registered(dump([], records=range(1000)))
    found = find_earlier(dump([], records=range(1000), content="y"), [half, whole, half])
    assert [(one.share, one.covered) for one in found] == [(1.0, 1.0), (0.5, 1.0), (0.5, 1.0)]


def test_a_sample_grown_too_large_is_halved_and_stays_comparable() -> None:
    sampler = Sampler(digest, 100)
    sampler.take(pl.Series(addresses(0, 100)))
    assert sampler.sketch(BitMap(), 100).rate == 1 << 32
    sampler.take(pl.Series(addresses(0, 101)))
    halved = sampler.sketch(BitMap(), 101)
    assert halved.rate == 1 << 31
    assert 30 < halved.digests.size <= 100
    full = Sampler(digest, 1000)
    full.take(pl.Series(addresses(0, 101)))
    assert full.covered(1 << 31).tolist() == halved.digests.tolist() == sorted(halved.digests.tolist())


def test_a_thinned_earlier_sample_counts_for_what_it_stands_for() -> None:
    known = dump(addresses(0, 20_000), most=1000)
    (found,) = find_earlier(dump(addresses(0, 10_000), content="y"), [registered(known)])
    assert found.share == 1.0
    assert found.covered == pytest.approx(0.5, abs=0.06)
