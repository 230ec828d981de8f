"""A store with bench customers in it, and the same rows in a plain table."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cloakroom.adapters.postgres.server import stop_server
from cloakroom.gate.policy import PrincipalKind
from cloakroom.settings import Settings
from cloakroom.testing.bench_customers import write_bench_customers
from cloakroom.testing.group import copy_configuration
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.records.importing import import_file
from cloakroom.wiring import Application, initialise

BRAND = "pellandre"


@dataclass(frozen=True)
class BenchStore:
    """A store with imported customers.

    Attributes:
        application: The opened store.
        file: The delivery.
        records: How many rows it has.
        import_seconds: How long the import took.
        plain_copy_seconds: How long a plain COPY of the same rows into an indexed table took.
        bytes_per_record: All tables and indexes of the sealed records, divided by their number.
    """

    application: Application
    file: Path
    records: int
    import_seconds: float
    plain_copy_seconds: float
    bytes_per_record: float


@contextmanager
def bench_store(records: int) -> Iterator[BenchStore]:
    """Make a store in a temporary folder, import `records` customers, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="cloakroom-bench-"))
    file = folder / "customers.csv"
    write_bench_customers(file, records=records)
    application = new_bench_store(folder)
    try:
        plain = plain_copy(application, file)
        started = time.perf_counter()
        import_file(application, file, BRAND)
        seconds = time.perf_counter() - started
        yield BenchStore(application, file, records, seconds, plain, bytes_per_record(application, records))
    finally:
        application.close()
        stop_server(application.settings.database_directory)
        shutil.rmtree(folder, ignore_errors=True)


def new_bench_store(folder: Path) -> Application:
    """Make an empty store of the bench group in `folder`, and open it."""
    copy_configuration(folder / "configuration", group="bench_group")
    policy = folder / "configuration" / "policy.toml"
    policy.write_text(_POLICY, encoding="utf-8")
    home = folder / "store"
    return initialise(Settings(home, None, f"file:{home / 'root.key'}", "bench"), folder / "configuration")


def enrol_reader(application: Application, name: str = "reader") -> Path:
    """Enrol an application that may reveal without practical limit, and return its credential file."""
    path = principals.enrol(application, name, kind=PrincipalKind.APPLICATION, roles=frozenset({"reader"}))
    assert path is not None
    return path


def plain_copy(application: Application, file: Path) -> float:
    """Copy the same rows, unsealed, into a table with the same three indexes; return how long it took."""
    connection = application.connection
    header = pl.read_csv(file, n_rows=1).columns
    columns = ", ".join(f'"{name}" text' for name in header)
    connection.execute(
        f"create table plain_customer (ordinal bigint generated always as identity primary key, {columns})"
    )
    indexed = [name for name in header if name in {"customer_number", "email", "phone"}]
    for name in indexed:
        connection.execute(f'create index on plain_customer ("{name}")')
    names = ", ".join(f'"{name}"' for name in header)
    started = time.perf_counter()
    with (
        connection.transaction(),
        connection.cursor().copy(f"copy plain_customer ({names}) from stdin (format csv, header)") as copy,
        file.open("rb") as source,
    ):
        while block := source.read(1 << 20):
            copy.write(block)
    return time.perf_counter() - started


def bytes_per_record(application: Application, records: int) -> float:
    """Return the bytes of all tables and indexes of sealed records, divided by their number."""
    application.connection.execute("vacuum analyze")
    row = application.connection.execute(
        "select sum(pg_total_relation_size(oid)) from pg_class"
        " where relname in ('record', 'person_key', 'blind_index', 'facet', 'facet_change')"
    ).fetchone()
    assert row is not None
    return float(row[0]) / records


_POLICY = """
format = 1
[bands]
spend_total = [500, 2000, 10000]
[purposes.reading]
text = "Measure"
operations = ["find", "reveal"]
max_records = 1000
[purposes.reading.fields]
given_name = "reveal"
family_name = "reveal"
email = "reveal"
phone = "reveal"
spend_total = "band"
[roles.reader]
text = "Measures"
kinds = ["application"]
purposes = ["reading"]
brands = ["pellandre"]
networks = ["local", "127.0.0.0/8"]
budget = "large"
[budgets.large.burst]
length = "10m"
records = 100000000
probes = 100000000
[budgets.large.day]
length = "24h"
records = 100000000
probes = 100000000
[budgets.large.lifetime]
records = 100000000
probes = 100000000
"""
