"""The client's tests use the running service of the service's tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "web"))

from service_world import served

__all__ = ["served"]
