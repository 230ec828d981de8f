"""Persons behind records: how many people stand behind a set of rows.

A brand holds rows, the law counts people. Two records may be about one person if they share a **key**, such as a
normalised e-mail address, in any of their versions. A key says nothing if it is a known placeholder or if more than a
handful of records hold it. No rule about the rest is right, so there are two, and the answer is an interval:

- **upper**, the strict rule: they share a *strong* key (e-mail address or telephone number) and their names are
  compatible. Who uses two addresses and two numbers that no record joins is counted twice.
- **lower**, the loose rule: they share any key, strong or corroborating (the mailbox without its plus tag, name
  with date of birth, name with house number and postcode), whatever their names; a record without a strong key adds
  nobody, since its person may be counted already; and the links that no key shows are estimated and taken off
  (`cloakroom.scoping.missed_links`). Families with one address are counted as one.
- **best** lies between: strict, joined further by corroborating keys where names are compatible, less the links
  expected to be missing. It is the figure to give when only one is asked for.

Compatible means `Rule.LOOSE` of `cloakroom.canonical.name`: a shared address is strong evidence already, and
names of one person differ by script, marriage and typing errors; the names have to contradict, not to agree
letter by letter.

Links are looked for over *all* records given, so that a record outside a set may join two inside it. Rows that
brands know to be tests are not people: leave them out of the set that is counted.

Keys are digests: this module never sees an address or a number. Names come through a callback, only for records
that share a key with another one; nothing personal is kept or returned.

Not handled: one person under two names with no key in common is two in every figure; two people of compatible
names with one address (father and son) are one in every figure. Without corroborating keys nothing can be estimated
and the lower figure is too high by the share of people who use two addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cloakroom.canonical.name import PersonName, Rule, fold_name, names_compatible
from cloakroom.errors import LimitError, UsageError
from cloakroom.scoping.link_keys import STRONG, KeyKind
from cloakroom.scoping.linking import Flags, Holders, Ordinals, Pairs, Words, connect, find_holders, select_keys
from cloakroom.scoping.missed_links import estimate_missed
from cloakroom.sorted_arrays import sorted_unique

if TYPE_CHECKING:
    from pyroaring import BitMap

__all__ = ["KeyColumns", "Limits", "NamesOf", "PersonCount", "Persons", "Refusals", "link_persons"]

NamesOf = Callable[[Sequence[int]], Sequence[PersonName | None]]
"""Gives the name of each record asked for, in order; None where a record has none (erased, never given)."""

DIGEST_BYTES = 16
_NAMED_KEYS = frozenset({KeyKind.NAME_BIRTH, KeyKind.NAME_ADDRESS})
_METHOD = (
    "persons joined by a shared e-mail address or telephone number (any version) held by at most {holders} records; "
    "upper figure: {names}; lower figure: names not compared, joined also by mailbox without tag, name with birth "
    "date, name with address where known, records without address or number add nobody, links that no key shows are "
    "estimated from those found two ways and taken off"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on what is accepted.

    Attributes:
        holders_max: Records that may hold one key before it says nothing about a person.
        keys_max: Rows of keys taken in at once.
        records_max: Records linked at once.
        names_batch: Names asked for in one call of the callback.
    """

    holders_max: int = 10
    keys_max: int = 500_000_000
    records_max: int = 200_000_000
    names_batch: int = 50_000


@dataclass(frozen=True, slots=True)
class KeyColumns:
    """Link keys as columns, one row per record and key, in any order, repetitions allowed.

    Attributes:
        ordinals: Record of each row.
        kinds: `KeyKind` of each row.
        digests: Keyed digests: an array of shape (n, 16), or n times 16 bytes.
    """

    ordinals: Ordinals
    kinds: np.ndarray[Any, np.dtype[np.uint8]]
    digests: np.ndarray[Any, np.dtype[np.uint8]] | bytes

    def words(self) -> Words:
        """Return the first 64 bits of each digest, told apart by kind.

        Sixty-four bits suffice to compare: among 20 million keys two different ones agree by chance once in 90,000
        stores, and then the names would still have to agree.

        Raises:
            UsageError: The columns are not of one length.
        """
        given = self.digests
        flat = given.reshape(-1) if isinstance(given, np.ndarray) else np.frombuffer(given, np.uint8)
        if not flat.size == DIGEST_BYTES * len(self.ordinals) == DIGEST_BYTES * len(self.kinds):
            raise UsageError("ordinals, kinds and 16-byte digests must be of one length")
        words: Words = np.ascontiguousarray(flat).view(np.uint64)[::2]
        return words ^ _kind_masks(self.kinds)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Links that were not made, and why.

    Attributes:
        placeholder_rows: Rows of keys that are known placeholders.
        shared_keys: Strong keys held by more records than `Limits.holders_max`.
        shared_records: Records that hold such a key.
        names_differ: Pairs of records with a strong key in common whose names contradict (not joined in `upper`).
        names_missing: Pairs with a strong key in common of which one has no name; they are joined.
    """

    placeholder_rows: int
    shared_keys: int
    shared_records: int
    names_differ: int
    names_missing: int


@dataclass(frozen=True, slots=True)
class PersonCount:
    """Persons behind a set of records: lower ≤ best ≤ upper.

    Attributes:
        keyless: Records of the set without any usable strong key.
        missed: Links that no key shows, as expected; taken off in `best`, and with a margin in `lower`.
        method: How it was counted, in one sentence for the file of the case.
    """

    lower: int
    best: int
    upper: int
    records: int
    keyless: int
    missed: int
    method: str


@dataclass(frozen=True, slots=True)
class Persons:
    """The linkings of a store; answers how many persons stand behind any set of its records.

    Attributes:
        strict: Per ordinal, the smallest ordinal of its person under the strict rule.
        best: The same with corroborating keys.
        loose: The same under the loose rule.
        named: The same by name with birth date or address alone, to see what the strong keys miss.
        keyed: Per ordinal, whether it has a usable strong key.
        refusals: Links that were not made.
        method: One sentence.
    """

    strict: Ordinals
    best: Ordinals
    loose: Ordinals
    named: Ordinals
    keyed: Flags
    refusals: Refusals
    method: str

    def count(self, records: BitMap) -> PersonCount:
        """Count the persons behind `records`; ordinals beyond the linked store count as records without a key."""
        ordinals = np.frombuffer(records.to_array(), np.uint32)
        known = ordinals[ordinals < len(self.strict)]
        beyond = len(ordinals) - len(known)
        keyed = known[self.keyed[known]]
        upper = _count_labels(self.strict, known) + beyond
        found = _count_labels(self.best, known) + beyond
        missed = estimate_missed(
            first=len(ordinals) - upper,
            second=len(known) - _count_labels(self.named, known),
            either=len(ordinals) - found,
        )
        least = min(1, len(ordinals))
        lower = max(_count_labels(self.loose, keyed) - missed.at_most, least)
        return PersonCount(
            lower=lower,
            best=max(found - missed.expected, lower),
            upper=upper,
            records=len(ordinals),
            keyless=len(ordinals) - len(keyed),
            missed=missed.expected,
            method=self.method,
        )

    def count_each(self, parts: Mapping[str, BitMap]) -> dict[str, PersonCount]:
        """Count every part of a split. Parts may share persons: their figures need not add up to the whole."""
        return {name: self.count(records) for name, records in parts.items()}


def link_persons(
    keys: KeyColumns,
    *,
    records: int,
    names_of: NamesOf | None,
    placeholders: Sequence[tuple[int, bytes]] = (),
    limits: Limits | None = None,
) -> Persons:
    """Link the records of a store to persons.

    Args:
        keys: Every link key of every version of every record.
        records: Number of ordinals; each is below it.
        names_of: Gives names; None compares no names, then strict and loose differ by corroborating keys only.
        placeholders: Kind and digest of keys that mean nothing (``noemail@…``, a shop's telephone).
        limits: What is accepted.

    Raises:
        LimitError: More keys or records than `limits` allow.
        UsageError: Columns do not fit together.
    """
    limits = limits or Limits()
    if len(keys.ordinals) > limits.keys_max or records > limits.records_max:
        raise LimitError(f"more than {limits.keys_max:,} keys or {limits.records_max:,} records to link at once")
    if len(keys.ordinals) and int(keys.ordinals.max()) >= records:
        raise UsageError("a key belongs to a record beyond the stated number of records")
    words = keys.words()
    meaningful = ~np.isin(words, _placeholder_words(placeholders))
    namer = _NameComparison(names_of, limits) if names_of else None

    strong = find_holders(*_rows(words, keys, meaningful & np.isin(keys.kinds, [*STRONG])))
    usable = strong.sizes <= limits.holders_max
    shared = select_keys(strong, ~usable)
    strong = select_keys(strong, usable)
    keyed = np.zeros(records, dtype=bool)
    keyed[strong.ordinals] = True

    pairs, differing = _agreeing(strong, namer)
    strict = connect(np.arange(records, dtype=np.uint32), pairs)
    named = _usable_holders(words, keys, meaningful & np.isin(keys.kinds, [*_NAMED_KEYS]), limits)
    mailboxes = _usable_holders(words, keys, meaningful & (keys.kinds == KeyKind.MAILBOX), limits)
    # The corroborating keys that hold a name join alike names only; a mailbox may be a family's.
    by_name = connect(np.arange(records, dtype=np.uint32), named.chain_pairs())
    best = connect(connect(strict, named.chain_pairs()), _agreeing(mailboxes, namer)[0])
    loose = connect(connect(best, strong.chain_pairs()), mailboxes.chain_pairs())
    refusals = Refusals(
        placeholder_rows=int(len(words) - np.count_nonzero(meaningful)),
        shared_keys=len(shared.sizes),
        shared_records=len(sorted_unique(shared.ordinals)),
        names_differ=differing,
        names_missing=namer.missing if namer else 0,
    )
    said = "names must be compatible" if namer else "names not compared"
    method = _METHOD.format(holders=limits.holders_max, names=said)
    return Persons(strict, best, loose, by_name, keyed, refusals, method)


class _NameComparison:
    """Decides pairs by names: asks for each name once, compares each different pair of names once."""

    def __init__(self, names_of: NamesOf, limits: Limits) -> None:
        self._names_of = names_of
        self._batch = limits.names_batch
        self._numbers: dict[PersonName | None, int] = {None: 0}
        self._folds: list[str] = [""]
        self.missing = 0

    def agree(self, pairs: Pairs) -> Flags:
        """Answer for each pair whether the names allow one person; counts pairs with a name missing."""
        first, second = pairs
        ordinals = sorted_unique(np.concatenate(pairs))
        numbers = self._number(ordinals)
        here, there = numbers[np.searchsorted(ordinals, first)], numbers[np.searchsorted(ordinals, second)]
        self.missing += int(np.count_nonzero((here == 0) | (there == 0)))
        agree: Flags = here == there
        open_pairs = np.flatnonzero(~agree)
        low, high = np.minimum(here, there)[open_pairs], np.maximum(here, there)[open_pairs]
        distinct, place = np.unique((low << 32) | high, return_inverse=True)
        names = list(self._numbers)
        verdicts = np.fromiter(
            (self._compatible(names, int(pair) >> 32, int(pair) & 0xFFFFFFFF) for pair in distinct),
            dtype=bool,
            count=len(distinct),
        )
        agree[open_pairs] = verdicts[place]
        return agree

    def _number(self, ordinals: Ordinals) -> np.ndarray[Any, np.dtype[np.int64]]:
        numbers = np.zeros(len(ordinals), dtype=np.int64)
        for begin in range(0, len(ordinals), self._batch):
            asked = ordinals[begin : begin + self._batch].tolist()
            given = self._names_of(asked)
            if len(given) != len(asked):
                raise UsageError("the callback for names must give one per record asked for")
            for place, name in enumerate(given, begin):
                number = self._numbers.setdefault(name, len(self._numbers))
                if number == len(self._folds):
                    self._folds.append(_fold(name))
                # A name without letters is a missing one.
                numbers[place] = number if self._folds[number] else 0
        return numbers

    def _compatible(self, names: list[PersonName | None], here: int, there: int) -> bool:
        one, other = names[here], names[there]
        if one is None or other is None or self._folds[here] == self._folds[there]:
            return True
        return names_compatible(one, other, Rule.LOOSE)


def _fold(name: PersonName | None) -> str:
    return "" if name is None else fold_name(f"{name.given or ''} {name.family or ''}")


def _agreeing(holders: Holders, namer: _NameComparison | None) -> tuple[Pairs, int]:
    """Return the pairs that names allow, and how many they forbid."""
    if namer is None:
        return holders.chain_pairs(), 0
    first, second = holders.all_pairs()
    agree = namer.agree((first, second))
    return (first[agree], second[agree]), int(len(agree) - np.count_nonzero(agree))


def _usable_holders(words: Words, keys: KeyColumns, chosen: Flags, limits: Limits) -> Holders:
    holders = find_holders(*_rows(words, keys, chosen))
    return select_keys(holders, holders.sizes <= limits.holders_max)


def _rows(words: Words, keys: KeyColumns, chosen: Flags) -> tuple[Words, Ordinals]:
    return words[chosen], keys.ordinals[chosen]


def _kind_masks(kinds: np.ndarray[Any, np.dtype[np.uint8]]) -> Words:
    masks: Words = (np.arange(256, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))[kinds]
    return masks


def _placeholder_words(placeholders: Sequence[tuple[int, bytes]]) -> Words:
    kinds = np.array([kind for kind, _ in placeholders], dtype=np.uint8)
    digests = b"".join(digest for _, digest in placeholders)
    return KeyColumns(np.zeros(len(kinds), np.uint32), kinds, digests).words()


def _count_labels(labels: Ordinals, ordinals: Ordinals) -> int:
    seen = np.zeros(len(labels), dtype=bool)
    seen[labels[ordinals]] = True
    return int(np.count_nonzero(seen))
