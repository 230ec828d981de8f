"""The load generator of `bench.service`: prepared requests over keep-alive connections, as little Python as possible.

It shares the machine's cores with what it measures, so it makes no object that it can do without, and nothing of it
is collected while it runs: a pause of its own would be counted as the service's.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import re
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_TICK_SECONDS = 0.001
"""How often requests that have become due are sent: the shortest time that the event loop can wait."""


@dataclass
class Tally:
    """What a run saw."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    began: float = 0.0
    ended: float = 0.0
    processor: dict[str, float] = field(default_factory=dict)

    def line(self, name: str, records: int = 1) -> dict[str, object]:
        good = self.statuses[200]
        span = self.ended - self.began
        spent = sorted(self.seconds)
        shown = {"what": name, "answers_per_s": round(good / span, 1)}
        if records > 1:
            shown["records_per_s"] = round(good * records / span)
        if spent:
            shown |= {f"p{p}_ms": round(spent[min(len(spent) - 1, len(spent) * p // 100)] * 1e3, 2) for p in (50, 99)}
            shown["max_ms"] = round(spent[-1] * 1e3, 1)
        if good:
            shown["cpu_us"] = {name: round(used / good * 1e6) for name, used in self.processor.items()}
        return shown | {"statuses": {str(key): value for key, value in sorted(self.statuses.items())}}


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request on it at a time."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.buffer = b""
        self.due = 0.0
        self.is_busy = False

    def connection_made(self, transport):
        self.transport = transport

    def ask(self, request: bytes, due: float) -> None:
        self.due = due
        self.is_busy = True
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = int(_LENGTH.search(self.buffer, 0, end)[1])
        if len(self.buffer) >= end + 4 + length:
            status = int(self.buffer[9:12])
            self.buffer = b""
            self.is_busy = False
            self.load.answered(self, status)

    def connection_lost(self, exc):
        if self.is_busy:
            self.load.fail(ConnectionResetError())


class Load:
    """One run: sends requests at a rate, or each when the answer before it has come."""

    def __init__(self, requests: Sequence[bytes], rate: float | None, seconds: float) -> None:
        self.tally = Tally()
        self.rate = rate
        self.seconds = seconds
        self.requests = requests[: int(rate * seconds)] if rate else requests
        self.free: deque[Connection] = deque()
        self.sent = 0
        self.unanswered = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Send everything, and wait for every answer."""
        self.tally.began = time.perf_counter()
        self._send()
        while not self.done.done() and self.rate is not None:
            await asyncio.sleep(_TICK_SECONDS)
            self._send()
        await self.done

    def answered(self, connection: Connection, status: int) -> None:
        now = time.perf_counter()
        # Counted from when it was due: waiting for a free connection is the caller's time, too.
        self.tally.seconds.append(now - connection.due)
        self.tally.statuses[status] += 1
        self.tally.ended = now
        self.unanswered -= 1
        self.free.append(connection)
        self._send()

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def _send(self) -> None:
        now = time.perf_counter()
        began, rate = self.tally.began, self.rate
        if rate is None:
            last = len(self.requests) if now - began <= self.seconds else self.sent
        else:
            last = min(len(self.requests), int((now - began) * rate) + 1)
        while self.sent < last and self.free:
            due = now if rate is None else began + self.sent / rate
            self.free.popleft().ask(self.requests[self.sent], due)
            self.sent += 1
            self.unanswered += 1
        is_over = self.sent == len(self.requests) or (rate is None and now - began > self.seconds)
        if is_over and not self.unanswered and not self.done.done():
            self.done.set_result(None)


async def run(
    port: int,
    requests: Sequence[bytes],
    *,
    rate: float | None,
    seconds: float,
    roots: dict[str, int],
    connections: int = 64,
) -> Tally:
    """Send `requests` over `connections`, at `rate` per second or as fast as answers come."""
    load = Load(requests, rate, seconds)
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        _, connection = await loop.create_connection(lambda: Connection(load), "127.0.0.1", port)
        load.free.append(connection)
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        with counting(load.tally, roots):
            await load.run()
    finally:
        gc.enable()
        gc.unfreeze()
    for connection in load.free:
        connection.transport.close()
    return load.tally


def processor_seconds(root: int) -> float:
    """Processor time of a process and all below it that live, by the kernel's count."""
    stats = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parts = (entry / "stat").read_text().rpartition(")")[2].split()
                stats[int(entry.name)] = (int(parts[1]), (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK"))
    wanted, total = {root}, 0.0
    while wanted:
        total += sum(stats[number][1] for number in wanted if number in stats)
        wanted = {number for number, (parent, _) in stats.items() if parent in wanted}
    return total


@contextlib.contextmanager
def counting(tally: Tally, roots: dict[str, int]):
    """Note in `tally` what processor time the processes used meanwhile."""
    before = {name: processor_seconds(root) for name, root in roots.items()}
    own = time.process_time()
    yield
    tally.processor["generator"] = time.process_time() - own
    for name, root in roots.items():
        tally.processor[name] = processor_seconds(root) - before[name]
