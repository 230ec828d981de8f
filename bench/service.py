"""Load on the service, generator and server on one machine: single reveals, batches of 500, and twice the capacity.

    .venv/bin/python bench/service.py [--records 20000] [--seconds 10] [--rate 2500] [--workers 1] [--principals 16]

One run measures, over 64 connections and with the same generator: an endpoint that returns a constant, one that
does a plain SELECT of one row, single reveals at a given rate, single reveals as fast as they go, batches of 500 as
fast as they go, and, over 1000 connections, single reveals offered at twice what went. Requests are signed before
the clock starts, as a client with cores of its own would; every answer is read and its status counted. `cpu_us` is
processor time for each answer that was 200: on a machine with other work it says more than the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec

from cloakroom.adapters.credentials import PrivateCredential, read_credential
from cloakroom.adapters.postgres.server import start_server
from cloakroom.gate.policy import PrincipalKind
from cloakroom.settings import Settings
from cloakroom.signing import Message, content_digest, sign_request
from cloakroom.testing.group import GroupPlan, copy_configuration, write_group
from cloakroom.use_cases import principals
from cloakroom.use_cases.importing import import_file
from cloakroom.vault.tokens import RecordReference
from cloakroom.wiring import initialise

FIELDS = ["given_name", "family_name", "email", "mobile", "city"]


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


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request on it at a time; as little Python as possible."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.waiting: asyncio.Future[int] | None = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.buffer[:end])
        length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])
        if len(self.buffer) >= end + 4 + length and self.waiting is not None:
            self.buffer.clear()
            waiting, self.waiting = self.waiting, None
            waiting.set_result(int(head[9:12]))

    def connection_lost(self, exc):
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(ConnectionResetError())

    async def ask(self, request: bytes) -> int:
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.waiting


async def run(
    port: int,
    requests: list[bytes],
    *,
    rate: float | None,
    seconds: float,
    roots: dict[str, int],
    connections: int = 64,
) -> Tally:
    """Send `requests` over `connections`, at `rate` per second or as fast as answers come."""
    tally = Tally()
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(connections)]
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _, connection in made:
        free.put_nowait(connection)
    tasks = set()

    async def one(request: bytes, due: float) -> None:
        connection = await free.get()
        try:
            status = await connection.ask(request)
        finally:
            free.put_nowait(connection)
        now = time.perf_counter()
        # Counted from when it was due: waiting for a free connection is the caller's time, too.
        tally.seconds.append(now - due)
        tally.statuses[status] += 1
        tally.ended = now

    with counting(tally, roots):
        tally.began = time.perf_counter()
        if rate is None:
            supply = iter(requests)

            async def worker(connection: Connection) -> None:
                for request in supply:
                    due = time.perf_counter()
                    if due - tally.began > seconds:
                        return
                    status = await connection.ask(request)
                    now = time.perf_counter()
                    tally.seconds.append(now - due)
                    tally.statuses[status] += 1
                    tally.ended = now

            await asyncio.gather(*[worker(connection) for _, connection in made])
        else:
            for number, request in enumerate(requests[: int(rate * seconds)]):
                due = tally.began + number / rate
                delay = due - time.perf_counter()
                if delay > 0.0005:
                    await asyncio.sleep(delay)
                task = asyncio.create_task(one(request, due))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.gather(*tasks)
    for transport, _ in made:
        transport.close()
    return tally


def request_of(port: int, path: str, body: bytes, credential: PrivateCredential, at: int) -> bytes:
    digest = content_digest(body)
    fields = sign_request(
        Message("POST", f"127.0.0.1:{port}", path, "?", digest),
        key_id=credential.id,
        key=credential.key,
        created=at,
        lifetime_s=60,
        nonce=os.urandom(16),
    )
    return (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-length: {len(body)}\r\n"
        f"content-type: application/json\r\ncontent-digest: {digest}\r\n"
        f"signature-input: {fields['signature-input']}\r\nsignature: {fields['signature']}\r\n\r\n"
    ).encode() + body


def reveals(port: int, credentials: list[PrivateCredential], tokens: list[str], count: int, size: int) -> list[bytes]:
    at, made = int(time.time()), []
    for number in range(count):
        first = number * size % (len(tokens) - size)
        order = {
            "purpose": "order_confirmation",
            "tokens": tokens[first : first + size],
            "fields": FIELDS,
            "reference": f"ORDER-{number}",
        }
        made.append(
            request_of(port, "/v1/reveal", msgspec.json.encode(order), credentials[number % len(credentials)], at)
        )
    return made


def make_store(home: Path, records: int, count: int) -> tuple[Settings, list[PrivateCredential], list[str]]:
    home.mkdir(parents=True)
    configuration = home / "configuration"
    copy_configuration(configuration)
    policy = (configuration / "policy.toml").read_text()
    # The load is meant to meet no ceiling: the bench measures speed, the tests measure bounds.
    policy = re.sub(r"(?ms)^\[budgets\.shop\].*?(?=^# -)", _SHOP, policy)
    policy = re.sub(r"(?m)^max_records = 1$", "max_records = 1000", policy)
    (configuration / "policy.toml").write_text(policy)
    world = write_group(home / "deliveries", GroupPlan(records=records))
    settings = Settings(home, None, f"file:{home / 'root.key'}", "bench")
    application = initialise(settings, configuration)
    for brand, files in world.files.items():
        for name in files:
            import_file(application, home / "deliveries" / name, brand)
    principals.enrol(application, "shop", kind=PrincipalKind.APPLICATION, roles=frozenset({"web_shop"}))
    paths = [
        principals.enrol(
            application,
            f"shop-{number}",
            kind=PrincipalKind.APPLICATION,
            roles=frozenset({"web_shop"}),
            works_through="shop",
        )
        for number in range(count)
    ]
    codec = application.codec("shop")
    brand = application.catalogue.brand("tarsenne")
    rows = application.vault.sealed_rows(range(application.vault.ordinals_end()))
    tokens = codec.issue(
        [RecordReference(row.brand, row.record.ordinal) for row in rows if row.state == 0 and row.brand == brand]
    )
    application.connection.execute("vacuum analyze")
    application.close()
    return settings, [read_credential(path) for path in paths if path], tokens


_SHOP = """[budgets.shop]
[budgets.shop.burst]
length = "10m"
records = 2000000
[budgets.shop.day]
length = "24h"
records = 3000000
[budgets.shop.lifetime]
records = 4000000

"""


def start(settings: Settings, workers: int) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "cloakroom", "serve", "--home", str(settings.home), "--port", str(port)]
    process = subprocess.Popen([*command, "--workers", str(workers)])
    return process, wait_for(process, port, "/readyz")


def start_plain(url: str) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("plain_endpoints.py")), url, str(port)])
    return process, wait_for(process, port, "/constant")


def wait_for(process: subprocess.Popen[bytes], port: int, path: str) -> int:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}{path}", timeout=2).status_code == 200:
                return port
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("records", 20_000), ("workers", 1), ("principals", 16)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name, default in (("seconds", 10.0), ("rate", 2500.0)):
        parser.add_argument(f"--{name}", type=float, default=default)
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="cloakroom-bench-", dir="/tmp"))
    results = []

    def note(result: dict[str, object]) -> None:
        results.append(result)
        print(json.dumps(result), flush=True)

    try:
        settings, credentials, tokens = make_store(home / "store", options.records, options.principals)
        url = start_server(settings.database_directory, create=False)
        database = int((settings.database_directory / "postmaster.pid").read_text().split()[0])
        note({"cores": os.cpu_count(), "load_before": os.getloadavg()[0], "records": options.records})
        plain, port = start_plain(url)
        roots = {"server": plain.pid, "database": database}
        for name in ("constant", "select"):
            request = f"GET /{name} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode()
            tally = asyncio.run(run(port, [request] * 400_000, rate=None, seconds=options.seconds / 2, roots=roots))
            note(tally.line(f"{name} endpoint, as fast as it goes"))
        plain.terminate()
        plain.wait()
        process, port = start(settings, options.workers)
        roots["server"] = process.pid

        def load(name: str, count: int, size: int = 1, **how: object) -> Tally:
            requests = reveals(port, credentials, tokens, count, size)
            tally = asyncio.run(run(port, requests, seconds=options.seconds, roots=roots, **how))
            note(tally.line(name, size))
            return tally

        load("warming up", 500, rate=None)
        load(f"single reveals at {options.rate:.0f}/s", int(options.rate * options.seconds), rate=options.rate)
        tally = load("single reveals, as fast as they go", 60_000, rate=None)
        capacity = tally.statuses[200] / (tally.ended - tally.began)
        load("batches of 500, as fast as they go", 2_000, 500, rate=None)
        load(
            "single reveals offered at twice the capacity over 1000 connections",
            int(capacity * 2 * options.seconds),
            rate=capacity * 2,
            connections=1_000,
        )
        note({"load_after": os.getloadavg()[0]})
        process.terminate()
        process.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
