"""Ports of the loopback address that nobody takes between choosing and listening.

A port that the system chooses for a probe (port 0) lies where it also takes ports for outgoing connections: closed
again, it may be gone before a node listens on it, and with thousands of connections a run it sometimes is. These lie
below, and a lock on a file keeps every one for the process that asked for as long as it lives.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

FIRST, LAST = 20_000, 30_000
"""Within the registered ports and below those that systems take for outgoing connections (Linux: from 32,768)."""

APART = 10
"""Nobody is given the next nine: a node shows the metrics of each of its processes on a port of its own, in a row."""

_LOCKS: list[int] = []
_START = FIRST + os.getpid() * APART % (LAST - FIRST)
_CANDIDATES = itertools.chain(range(_START, LAST, APART), range(FIRST, _START, APART))


def free_port() -> int:
    """Return a port that nothing listens on, and that no other process of the tests is given while this one lives."""
    for port in _CANDIDATES:
        if _is_locked(port) and _is_unused(port):
            return port
    raise RuntimeError(f"no port from {FIRST} to {LAST} is free")


def _is_locked(port: int) -> bool:
    """Return whether this process holds the lock of `port` now and did not before."""
    folder = Path(tempfile.gettempdir()) / f"cloakroom-test-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _LOCKS.append(descriptor)
        return True
    os.close(descriptor)
    return False


def _is_unused(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False
