"""Fixtures of the service's tests; see `service_world`."""

import sys
from pathlib import Path

# Where the people and the requests of the suites of releases lie.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "releases"))

from service_world import fresh, served

__all__ = ["fresh", "served"]
