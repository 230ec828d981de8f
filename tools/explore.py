"""Run the property tests with new seeds, round after round, until something is found or the time is over.

`make test` tries the same inputs each time. This looks for others; what it finds is printed with the steps or the
arguments that lead to it, and belongs into the test as an example of its own (docs/how-to/run-the-tests.md).
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTHING_SELECTED = 5


def main() -> int:
    """Explore; return pytest's exit code of the first round that found something, otherwise 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="When the last round is cut off.")
    known, pytest_arguments = parser.parse_known_args()
    ends = time.monotonic() + known.minutes * 60
    rounds = 0
    while (left := ends - time.monotonic()) > 0:
        seed = secrets.randbelow(2**32)
        print(f"round {rounds + 1}, seed {seed}", flush=True)
        try:
            code = _round(seed, pytest_arguments, left)
        except subprocess.TimeoutExpired:
            break
        if code:
            print(f"found with seed {seed}: make it an example of its test, then mend the code", flush=True)
            return code
        rounds += 1
    print(f"nothing found in {rounds} whole rounds", flush=True)
    return 0


def _round(seed: int, pytest_arguments: list[str], seconds: float) -> int:
    """Run all property tests once; return pytest's exit code.

    Raises:
        subprocess.TimeoutExpired: It took longer than `seconds`; what it found until then is not told.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "-m", "hypothesis"]
    chosen = ["--hypothesis-profile", "explore", f"--hypothesis-seed={seed}"]
    return subprocess.run([*command, *chosen, *pytest_arguments], cwd=ROOT, timeout=seconds, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
