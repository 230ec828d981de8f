"""Ids of Salesforce: 15 characters whose case matters, and three more that say which of them are capitals.

Each of the three stands for five characters, the first being the lowest bit, in A–Z and 0–5 (Salesforce, "ID field
type"). They tell two ids apart that differ in case alone, and undo a change of letter case.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def id_suffix(short: str) -> str:
    """Return the three characters that complete an id of 15."""
    return _suffixes(np.frombuffer(short.encode("ascii"), np.uint8).reshape(1, 15))[0]


def long_ids(ids: list[str]) -> list[str]:
    """Return ids of 15 or 18 characters in the form of 18, their letter case as the last three state it."""
    if not ids:
        return []
    lengths = np.fromiter((len(text) for text in ids), np.int64, len(ids))
    codes = np.frombuffer("".join(text[:15] for text in ids).encode("ascii"), np.uint8).reshape(-1, 15)
    suffixes = _suffixes(codes)
    long = np.flatnonzero(lengths == 18)
    result = [text[:15] + suffix for text, suffix in zip(ids, suffixes, strict=True)]
    for place in long:
        given = ids[place][15:].upper()
        if result[place][15:] != given:
            result[place] = _with_case(ids[place], given)
    return result


def _suffixes(codes: np.ndarray[Any, np.dtype[np.uint8]]) -> list[str]:
    capitals = ((codes >= 65) & (codes <= 90)).reshape(-1, 3, 5)
    values = (capitals * np.array([1, 2, 4, 8, 16])).sum(axis=2)
    signs = np.frombuffer(_SIGNS.encode(), np.uint8)[values]
    text = np.ascontiguousarray(signs).tobytes().decode()
    return [text[start : start + 3] for start in range(0, len(text), 3)]


def _with_case(text: str, suffix: str) -> str:
    """Restore the letter case that the suffix states; a suffix that is none leaves the id as it is."""
    letters = []
    for place, sign in enumerate(text[:15]):
        bits = _SIGNS.find(suffix[place // 5])
        if bits < 0:
            return text
        letters.append(sign.upper() if bits >> (place % 5) & 1 else sign.lower())
    restored = "".join(letters)
    return restored + suffix
