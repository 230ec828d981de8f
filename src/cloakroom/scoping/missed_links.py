"""Estimate how many links no key shows: dual-system estimation.

Two ways of finding that two records are about one person (by address or number; by name with birth date or house)
each miss some. Where the ways are independent, what both find tells what both miss, as in a census checked by a
second one: found by the first × found by the second ÷ found by both.

Sources: C. Chandra Sekar and W. E. Deming, "On a Method of Estimating Birth and Death Rates and the Extent of
Registration", JASA 44 (1949); D. G. Chapman, "Some properties of the hypergeometric distribution with applications to
zoological sample censuses", University of California Publications in Statistics 1 (1951), for the form used here and
its variance. Where the ways fail together (a row with nothing but a name), the estimate is too low.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

__all__ = ["MissedLinks", "estimate_missed"]

BOTH_MIN = 30
"""Links found both ways below which nothing is estimated: the form is unstable for a handful."""


@dataclass(frozen=True, slots=True)
class MissedLinks:
    """Links that neither way found.

    Attributes:
        expected: Best guess.
        at_most: The guess and two standard deviations.
    """

    expected: int
    at_most: int


def estimate_missed(first: int, second: int, either: int) -> MissedLinks:
    """Estimate the links that neither way found.

    Args:
        first: Links found the first way.
        second: Links found the second way.
        either: Links found by both ways taken together.
    """
    both = first + second - either
    if both < BOTH_MIN:
        return MissedLinks(0, 0)
    total = (first + 1) * (second + 1) / (both + 1) - 1
    variance = (first + 1) * (second + 1) * (first - both) * (second - both) / ((both + 1) ** 2 * (both + 2))
    expected = max(0.0, total - either)
    return MissedLinks(round(expected), ceil(expected + 2 * sqrt(max(0.0, variance))))
