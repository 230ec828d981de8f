"""Import alone, at any size: time, processor time of each party, memory and bytes of a sealed record.

    .venv/bin/python -m bench.imports [--records 7400000] [--keep FILE] [--plain]

The plain COPY of the same rows (`--plain`) is what `make bench` puts beside it. Processor time and memory are read
from /proc, twice a second; memory is what the processes do not share with others.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

from bench.stores import BRAND, bytes_per_record, new_bench_store, plain_copy
from cloakroom.adapters.postgres.server import stop_server
from cloakroom.testing.bench_customers import write_bench_customers
from cloakroom.use_cases.records.importing import ImportProgress, import_file

_TICKS = os.sysconf("SC_CLK_TCK")


class Watch:
    """Adds up what this process, its workers and the database's processes use while it is open."""

    def __init__(self, postmaster: int) -> None:
        """Take the process id of the database server."""
        self._roots = {"this process": os.getpid(), "database": postmaster}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._cpu: dict[tuple[str, int], float] = {}
        self._before: dict[tuple[str, int], float] = {}
        self.peak_megabytes: dict[str, float] = {}

    def __enter__(self) -> Watch:
        self._look()
        self._before = dict(self._cpu)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def seconds(self) -> dict[str, float]:
        """Return processor time by party."""
        totals: dict[str, float] = {}
        for (party, pid), seconds in self._cpu.items():
            totals[party] = totals.get(party, 0.0) + seconds - self._before.get((party, pid), 0.0)
        return totals

    def _run(self) -> None:
        while not self._ended.wait(0.5):
            self._look()

    def _look(self) -> None:
        now: dict[str, float] = {}
        for pid, parent, seconds in _processes():
            if pid == self._roots["this process"]:
                party = "this process"
            elif parent == self._roots["this process"]:
                party = "sealing workers"
            elif self._roots["database"] in (pid, parent):
                party = "database"
            else:
                continue
            self._cpu[(party, pid)] = seconds
            now[party] = now.get(party, 0.0) + _own_megabytes(pid)
        for party, megabytes in now.items():
            self.peak_megabytes[party] = max(self.peak_megabytes.get(party, 0.0), megabytes)


def _processes() -> list[tuple[int, int, float]]:
    """Return process id, parent and processor seconds of every process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        found.append((int(folder.name), int(fields[1]), (int(fields[11]) + int(fields[12])) / _TICKS))
    return found


def _own_megabytes(pid: int) -> float:
    try:
        lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024


def measure(records: int, keep: Path | None, *, plain: bool) -> None:
    """Import `records` customers into a new store and print what it took."""
    folder = Path(tempfile.mkdtemp(prefix="cloakroom-bench-"))
    file = keep or folder / "customers.csv"
    if not file.exists():
        write_bench_customers(file, records=records)
    application = new_bench_store(folder)
    try:
        beside = plain_copy(application, file) if plain else None
        postmaster = int((application.settings.database_directory / "postmaster.pid").read_text().split()[0])
        marks: list[tuple[int, float]] = []
        started = time.perf_counter()

        def note(progress: ImportProgress) -> None:
            marks.append((progress.rows, time.perf_counter() - started))

        with Watch(postmaster) as watch:
            import_file(application, file, BRAND, progress=note)
        seconds = time.perf_counter() - started
        print(f"{records:,} records in {seconds:.1f} s: {records / seconds:,.0f}/s")
        if beside is not None:
            print(f"plain COPY, 3 indexes: {beside:.1f} s: {records / beside:,.0f}/s ({seconds / beside:.1f} x)")
        for party, used in watch.seconds().items():
            print(f"  {party}: {used:.1f} s of processor, {used / records * 1e6:.1f} us a record,", end=" ")
            print(f"peak {watch.peak_megabytes[party]:,.0f} MB of its own")
        print("  rate by tenth:", " ".join(f"{rate:,.0f}" for rate in _rates(marks, records)))
        print(f"{bytes_per_record(application, records):,.0f} B a record, tables and indexes")
        for name, size in sizes(application, records).items():
            print(f"  {name}: {size:,.1f} B")
    finally:
        application.close()
        stop_server(application.settings.database_directory)
        shutil.rmtree(folder, ignore_errors=True)


def _rates(marks: list[tuple[int, float]], records: int) -> list[float]:
    """Return rows per second over each tenth of the import."""
    rates, last = [], (0, 0.0)
    for rows, at in marks:
        if rows * 10 >= records * (len(rates) + 1):
            rates.append((rows - last[0]) / (at - last[1]))
            last = (rows, at)
    return rates


def sizes(application, records: int) -> dict[str, float]:
    """Return bytes a record of each table and index."""
    rows = application.connection.execute(
        "select relname, pg_relation_size(oid) from pg_class where relkind in ('r', 'i', 't')"
        " and pg_relation_size(oid) > %s and relname not like 'plain%%' order by 2 desc",
        (records,),
    )
    return {name: size / records for name, size in rows}


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=7_400_000)
    parser.add_argument("--keep", type=Path, help="write the delivery here and leave it; reuse it if it exists")
    parser.add_argument("--plain", action="store_true", help="copy the same rows unsealed first")
    arguments = parser.parse_args()
    measure(arguments.records, arguments.keep, plain=arguments.plain)


if __name__ == "__main__":
    main()
