"""How fast persons are found behind millions of records, beside a plain sort of the same keys.

    .venv/bin/python bench/persons.py [RECORDS] [--names]

Nine of ten records show an e-mail address (and so a mailbox), seven of ten a telephone number: 2.5 keys a record.
Persons hold 1 to 8 records. Prints one JSON object: seconds, peak memory, the interval and the truth.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import numpy as np
from pyroaring import BitMap

from cloakroom.canonical.name import PersonName
from cloakroom.scoping.link_keys import KeyKind
from cloakroom.scoping.persons import KeyColumns, link_persons
from cloakroom.testing.atlas import load_atlas
from cloakroom.testing.people import draw_counts


def draw_keys(rng: np.random.Generator, records: int) -> tuple[KeyColumns, np.ndarray]:
    """Draw link keys: each person has two addresses and two numbers, each record shows some of them."""
    counts = draw_counts(rng, records)
    person = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    ordinals, kinds, seeds = [], [], []
    for kind, share in ((KeyKind.EMAIL, 0.9), (KeyKind.PHONE, 0.7), (KeyKind.MAILBOX, 0.9)):
        shown = np.flatnonzero(rng.random(records) < share)
        second = (rng.random(len(shown)) < 0.1).astype(np.int64)
        ordinals.append(shown.astype(np.uint32))
        kinds.append(np.full(len(shown), kind, dtype=np.uint8))
        seeds.append(person[shown] * 2 + second)
    # A digest is a keyed hash; here a bijective mix of the person's number gives 16 bytes that look like one.
    mixed = np.concatenate(seeds).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x632BE59BD9B4E019)
    mixed ^= mixed >> np.uint64(29)
    digests = np.stack([mixed, ~mixed], axis=1).view(np.uint8)
    return KeyColumns(np.concatenate(ordinals), np.concatenate(kinds), digests), person


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("records", nargs="?", type=int, default=7_400_000)
    parser.add_argument("--names", action="store_true", help="compare names too")
    options = parser.parse_args()
    keys, person = draw_keys(np.random.default_rng(1), options.records)
    drawn_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    begun = time.perf_counter()
    np.sort(keys.words())
    sort_s = time.perf_counter() - begun

    names_of = None
    if options.names:
        atlas = load_atlas()
        given, family = atlas.given.latin.to_list(), atlas.family.latin.to_list()

        def names_of(ordinals):
            return [
                PersonName(given[person[ordinal] % len(given)], family[person[ordinal] // 7 % len(family)])
                for ordinal in ordinals
            ]

    begun = time.perf_counter()
    persons = link_persons(keys, records=options.records, names_of=names_of)
    link_s = time.perf_counter() - begun
    begun = time.perf_counter()
    counted = persons.count(BitMap(range(options.records)))
    count_s = time.perf_counter() - begun
    figures = {
        "records": options.records,
        "keys": len(keys.ordinals),
        "names": options.names,
        "sort_only_s": round(sort_s, 2),
        "link_s": round(link_s, 2),
        "link_to_sort_ratio": round(link_s / sort_s, 1),
        "count_s": round(count_s, 3),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "peak_before_linking_mib": drawn_mib,
        "lower": counted.lower,
        "best": counted.best,
        "upper": counted.upper,
        "true": int(person[-1]) + 1,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
