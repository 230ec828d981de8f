"""Fixtures of the service's tests; see `service_world`."""

from service_world import fresh, served

__all__ = ["fresh", "served"]
