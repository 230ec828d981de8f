"""Counters over a sliding span: distinct records, and plain sums.

Time is cut into buckets of one sixtieth of the span. A bucket is held until every instant in it is at least
the span (plus the allowed skew) old; so a counter may hold something a little too long, never too short. A bucket
holds whatever was opened in it, also what an older bucket already holds: that is what makes a record that was
opened again stay when its older bucket leaves.

The running union is kept. When a bucket leaves, its records leave the union, but for those that were opened again
later: these are noted when it happens, so that the other buckets need not be searched for the rest.
"""

from __future__ import annotations

from typing import Final

from pyroaring import BitMap

BUCKETS: Final = 60
"""A span moves in steps of this fraction; more steps would free room sooner and cost more memory."""

_FOREVER: Final = 2**62
_WAITING_MAX: Final = 16


def bucket_width(length: int | None) -> int:
    """Return the microseconds of one bucket of a span of `length`; a lifetime is one bucket that never ends."""
    return _FOREVER if length is None else max(-(-length // BUCKETS), 1)


def _buckets_held(length: int | None, width: int, skew: int) -> int:
    return 0 if length is None else -(-(length + skew) // width)


class SlidingSet:
    """Distinct records opened within a span.

    Attributes:
        index: The bucket that `live` is true for; together with `width` lets a caller in a hurry skip `live_at`.
        live: The records that count in that bucket. Not to be changed by others.
    """

    __slots__ = ("_again", "_buckets", "_held", "_peeked", "_peeked_index", "_waiting", "index", "live", "width")

    def __init__(self, length: int | None, skew: int) -> None:
        self.width = bucket_width(length)
        self.index = 0
        self.live = BitMap()
        self._held = _buckets_held(length, self.width, skew)
        # A lifetime needs no buckets: nothing ever leaves it.
        self._buckets: dict[int, BitMap] = {} if length is None else {0: BitMap()}
        # Batches of the current bucket, kept as they came: their union is formed once for many.
        self._waiting: list[BitMap] = []
        # At least every record that lies in more than one bucket.
        self._again = BitMap()
        self._peeked_index = -1
        self._peeked = self.live

    def copy(self) -> SlidingSet:
        """Return a counter of the same history that goes its own way from here."""
        other = SlidingSet(None, 0)
        self._gather()
        other.width, other.index, other._held = self.width, self.index, self._held
        other.live, other._again = BitMap(self.live), BitMap(self._again)
        other._buckets = {index: BitMap(bucket) for index, bucket in self._buckets.items()}
        return other

    def live_at(self, at: int) -> BitMap:
        """Return what counts at `at`, which is not before the latest `add`. Changes nothing that can be observed."""
        index = at // self.width
        if index <= self.index:
            return self.live
        if index != self._peeked_index:
            self._peeked = self._live_from(index - self._held)
            self._peeked_index = index
        return self._peeked

    def add(self, at: int, records: BitMap) -> None:
        """Count `records` as opened at `at`."""
        index = at // self.width
        if index > self.index:
            self._slide(index)
        self._peeked_index = -1
        if len(records) == 1:
            record = records.min()
            if self._buckets:
                if record in self.live:
                    self._again.add(record)
                self._buckets[self.index].add(record)
            self.live.add(record)
            return
        if self._buckets:
            self._again |= records & self.live
            self._waiting.append(records)
            if len(self._waiting) >= _WAITING_MAX:
                self._gather()
        self.live |= records

    def clear(self) -> None:
        """Forget everything."""
        self.live = BitMap()
        self._again = BitMap()
        self._waiting = []
        self._peeked_index = -1
        if self._buckets:
            self._buckets = {self.index: BitMap()}

    def room_at(self, at: int, asked: BitMap, ceiling: int) -> int | None:
        """Return when `asked` will fit under `ceiling` if nothing else is opened: `at`, later, or None for never."""
        if len(asked) > ceiling:
            return None
        if asked.union_cardinality(self.live_at(at)) <= ceiling:
            return at
        if not self._buckets:
            return None
        self._gather()
        leaving = list(self._buckets)
        low, high = 0, len(leaving) - 1
        while low < high:
            middle = (low + high) // 2
            if asked.union_cardinality(self._union_from(leaving[middle] + 1)) <= ceiling:
                high = middle
            else:
                low = middle + 1
        return (leaving[low] + self._held + 1) * self.width

    def _slide(self, index: int) -> None:
        live = self.live_at(index * self.width)
        oldest = index - self._held
        for held in [held for held in self._buckets if held < oldest]:
            del self._buckets[held]
        self._buckets[index] = BitMap()
        self._again &= live
        self.live = live
        self.index = index

    def _live_from(self, oldest: int) -> BitMap:
        """Return what is left once all buckets before `oldest` are gone."""
        self._gather()
        leaving = [bucket for index, bucket in self._buckets.items() if index < oldest]
        if not leaving:
            return self.live
        if len(leaving) == len(self._buckets):
            return BitMap()
        gone = leaving[0].union(*leaving[1:])
        doubtful = gone & self._again
        for bucket in list(self._buckets.values())[len(leaving) :] if doubtful else ():
            gone -= bucket
        return self.live - gone

    def _union_from(self, oldest: int) -> BitMap:
        return BitMap().union(*(bucket for index, bucket in self._buckets.items() if index >= oldest))

    def _gather(self) -> None:
        if self._waiting:
            bucket = self._buckets[self.index]
            self._buckets[self.index] = bucket.union(*self._waiting)
            self._waiting = []


class SlidingSum:
    """A plain sum over a span."""

    __slots__ = ("_buckets", "_held", "_total", "index", "width")

    def __init__(self, length: int | None, skew: int) -> None:
        self.width = bucket_width(length)
        self.index = 0
        self._held = _buckets_held(length, self.width, skew)
        self._buckets: dict[int, int] = {}
        self._total = 0

    def total_at(self, at: int) -> int:
        """Return the sum at `at`, which is not before the latest `add`."""
        index = at // self.width
        if index <= self.index or not self._buckets:
            return self._total
        oldest = index - self._held
        if next(iter(self._buckets)) >= oldest:
            return self._total
        return sum(amount for at_, amount in self._buckets.items() if at_ >= oldest)

    def add(self, at: int, amount: int) -> None:
        """Count `amount` at `at`."""
        index = at // self.width
        if index > self.index:
            oldest = index - self._held
            for held in [held for held in self._buckets if held < oldest]:
                self._total -= self._buckets.pop(held)
            self.index = index
        self._buckets[self.index] = self._buckets.get(self.index, 0) + amount
        self._total += amount

    def clear(self) -> None:
        """Forget everything; only a lifetime is ever cleared."""
        self._buckets = {}
        self._total = 0

    def room_at(self, at: int, amount: int, ceiling: int) -> int | None:
        """Return when `amount` will fit under `ceiling` if nothing else counts: `at`, later, or None for never."""
        if amount > ceiling:
            return None
        total = self.total_at(at)
        if total + amount <= ceiling:
            return at
        if self.width == _FOREVER:
            return None
        oldest = at // self.width - self._held
        freed_at = at
        for index, held in self._buckets.items():
            if index < oldest:
                continue
            total -= held
            freed_at = (index + self._held + 1) * self.width
            if total + amount <= ceiling:
                break
        return freed_at
