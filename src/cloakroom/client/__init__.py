"""The Python client of the service: signs, retries what may be retried, splits what is too large for one request."""

from cloakroom.client.client import Client, Refused, Unreachable
from cloakroom.client.results import Exposure, Record, Release

__all__ = ["Client", "Exposure", "Record", "Refused", "Release", "Unreachable"]
