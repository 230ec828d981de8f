"""Fixtures of the service's tests; see `service_world` and `people_world`."""

from people_world import peopled
from service_world import fresh, served

__all__ = ["fresh", "peopled", "served"]
