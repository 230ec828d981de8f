"""Fixtures of the service's tests; see `service_world` and `people_world`."""

import sys
from pathlib import Path

# Where the people and the requests of the suites of releases lie.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "releases"))

from people_world import peopled
from service_world import fresh, served

__all__ = ["fresh", "peopled", "served"]
