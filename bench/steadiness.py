"""How steady the machine is: a loop that does nothing but read 8 MB of memory again and again.

    .venv/bin/python -m bench.steadiness [--seconds 10]

What a service takes for its slowest hundredth cannot be better than what such a loop sees. `slow_ms_each_s` is how
many milliseconds of each second pass in which the loop takes more than four times its median.
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import pairwise

import numpy as np

_PAGES = 2_000
_PAGE_BYTES = 4_096
_PAUSE_SECONDS = 0.001


def steadiness(seconds: float) -> dict[str, float]:
    """Return what one pass over the memory takes, in microseconds, and how much time passes slowly."""
    pages = np.ones(_PAGES * _PAGE_BYTES, dtype=np.uint8)[::_PAGE_BYTES]
    began = time.perf_counter()
    spent: list[tuple[float, float]] = []
    while time.perf_counter() - began < seconds:
        at = time.perf_counter()
        pages.sum()
        spent.append((at, time.perf_counter() - at))
        time.sleep(_PAUSE_SECONDS)
    passes = sorted(took for _, took in spent)
    median = passes[len(passes) // 2]
    # From one slow pass to the next measures the time that was slow: most of it is spent waiting.
    slow = sum(later - at for (at, took), (later, _) in pairwise(spent) if took > 4 * median)
    return {
        "p50_us": round(median * 1e6),
        "p99_us": round(passes[len(passes) * 99 // 100] * 1e6),
        "max_us": round(passes[-1] * 1e6),
        "slow_ms_each_s": round(slow / seconds * 1e3, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    print(json.dumps(steadiness(parser.parse_args().seconds)))


if __name__ == "__main__":
    main()
