"""Bounds of the service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what one front process takes on, and the core of a node.

    Attributes:
        connections: Open connections; for one more the longest idle one is closed, or the new one rejected.
        idle_s: How long a connection may be idle between requests.
        request_s: Time from the first byte of a request to its last, and for taking an answer off the wire.
        head_bytes: Largest target and fields of a request.
        body_bytes: Largest body of a request.
        batch_requests: Requests worked off together.
        batch_records: Records worked off together, unless one request alone names more.
        linger_s: How long a request waits for company, at most.
        waiting: Requests that wait in a front process, and in the core; more are rejected at once.
        waiting_per_principal: Requests of one principal that wait; more are rejected.
        wait_s: A request that has waited longer is rejected instead of being done late.
        record_fields: Fields of one record that is written.
        value_chars: Length of one value that is written.
    """

    connections: int = 1_024
    idle_s: float = 75.0
    request_s: float = 15.0
    head_bytes: int = 32_768
    body_bytes: int = 262_144
    batch_requests: int = 256
    batch_records: int = 2_000
    linger_s: float = 0.002
    waiting: int = 512
    waiting_per_principal: int = 256
    wait_s: float = 2.0
    record_fields: int = 100
    value_chars: int = 10_000


LIMITS = Limits()
REPORT_LIMITS = Limits(batch_requests=1, linger_s=0.0, waiting=32, waiting_per_principal=8, wait_s=30.0)
"""Those of the core that works off what takes long: one after the other, and few that wait for it."""
