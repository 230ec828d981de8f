from __future__ import annotations

import hashlib
import hmac
import random

import polars as pl
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
