"""The Python client of the service: signs, retries what may be retried, splits what is too large for one request."""

from cloakroom.client.client import Client, RefusedError, UnreachableError
from cloakroom.client.results import Exposure, Record, Release, Run
from cloakroom.client.sign_in import Challenge, SignIn

__all__ = [
    "Challenge",
    "Client",
    "Exposure",
    "Record",
    "RefusedError",
    "Release",
    "Run",
    "SignIn",
    "UnreachableError",
]
