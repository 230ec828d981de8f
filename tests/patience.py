"""How tests wait for what other threads and processes do: for as long as it takes, on however busy a machine."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 300.0
"""Seconds after which something is taken to never happen; no test passes by reaching them."""


def wait_until(condition: Callable[[], bool], words: Callable[[], str] = lambda: "") -> None:
    """Return as soon as `condition` holds; a failure adds `words` to its message."""
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"did not happen within {PATIENCE:.0f} s {words()}")
        time.sleep(0.05)
