"""Places further on in a text that many ask for: each stretch is looked through once, whoever asks."""

from __future__ import annotations

import re

_MAY_GO_ON = 256


class Ahead:
    """The next place that a pattern matches."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        """Take the pattern, which matches no more than some hundred signs."""
        self._pattern = pattern
        # From the first place on, nothing matches before the second.
        self._asked = 0
        self._nearest = 0

    def find(self, text: str, at: int, stop: int) -> re.Match[str] | None:
        """Return the next match that begins at `at` or later and ends before `stop`; None for none."""
        is_known = self._asked <= at <= self._nearest
        start = self._nearest if is_known else at
        if start >= stop:
            return None
        found = self._pattern.search(text, start, stop)
        self._nearest = found.start() if found else max(start, min(stop, len(text)) - _MAY_GO_ON)
        if not is_known:
            self._asked = at
        return found

    def shift(self, count: int) -> None:
        """Learn that so many signs at the beginning of the text were dropped."""
        self._asked = max(0, self._asked - count)
        self._nearest = max(0, self._nearest - count)
