"""Load on the service, generator and server on one machine: single reveals, batches of 500, and twice the capacity.

    .venv/bin/python -m bench.service [--records 20000] [--seconds 10] [--rate 2500] [--workers 1] [--principals 16]

One run measures how steady the machine is (`bench.steadiness`) and, over 64 connections and with the same generator:
an endpoint that returns a constant and one that does a plain SELECT of one row, each as fast as it goes and at a
given rate; single reveals at that rate and as fast as they go; batches of 500 as fast as they go; and, over 1000
connections, single reveals offered at twice what went. Requests are signed before the clock starts, as a client with
cores of its own would; every answer is read and its status counted. `cpu_us` is processor time for each answer that
was 200: on a machine with other work it says more than the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import msgspec
import uvloop

from bench.http_load import Tally, run
from bench.steadiness import steadiness
from cloakroom.adapters.credentials import PrivateCredential, read_credential
from cloakroom.adapters.postgres.server import start_server
from cloakroom.gate.policy import PrincipalKind
from cloakroom.settings import Settings
from cloakroom.signing import Message, content_digest, sign_request
from cloakroom.testing.group import GroupPlan, copy_configuration, write_group
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.records.importing import import_file
from cloakroom.vault.tokens import RecordReference
from cloakroom.wiring import initialise

FIELDS = ["given_name", "family_name", "email", "mobile", "city"]


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
        note({"what": "the machine, reading 8 MB of memory again and again"} | steadiness(options.seconds / 2))
        note({"cores": os.cpu_count(), "load_before": os.getloadavg()[0], "records": options.records})
        plain, port = start_plain(url)
        roots = {"server": plain.pid, "database": database}
        for name in ("constant", "select"):
            request = f"GET /{name} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode()
            tally = uvloop.run(run(port, [request] * 400_000, rate=None, seconds=options.seconds / 2, roots=roots))
            note(tally.line(f"{name} endpoint, as fast as it goes"))
            tally = uvloop.run(
                run(port, [request] * 400_000, rate=options.rate, seconds=options.seconds / 2, roots=roots)
            )
            note(tally.line(f"{name} endpoint at {options.rate:.0f}/s"))
        plain.terminate()
        plain.wait()
        process, port = start(settings, options.workers)
        roots["server"] = process.pid

        def load(name: str, count: int, size: int = 1, **how: object) -> Tally:
            requests = reveals(port, credentials, tokens, count, size)
            tally = uvloop.run(run(port, requests, seconds=options.seconds, roots=roots, **how))
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
