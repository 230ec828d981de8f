"""Alleged dumps: sizing beside ``rg -o … | sort -u``, matching and dating against a vault, memory of long files.

python -m bench.claims                        half a million records, a minute or two
python -m bench.claims --records 7400000      as in an emergency: a dump of about 1 GB against 7.4 million records
python -m bench.claims --size-only --records 7400000
python -m bench.claims --rows 60000000 --records 7400000 --size-only    60 million rows of 7.4 million addresses
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.stores import BenchStore, bench_store
from cloakroom.testing.bench_customers import write_bench_customers

PATTERN = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"

_SIZE = """
import json, resource, sys, time
from pathlib import Path
from cloakroom.claims.limits import Limits
from cloakroom.claims.sizing import Sizer
from cloakroom.claims.survey import Survey
started = time.perf_counter()
survey = Survey(Limits(), Sizer(20250417))
for _ in survey.tables([Path(path) for path in sys.argv[1:]]):
    pass
size = survey.sizer.size()
print(json.dumps({"seconds": time.perf_counter() - started, "rows": size.rows, "emails": size.emails_distinct,
                  "phones": size.phones_distinct, "rejected": size.rejected_rows,
                  "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""

_MATCH = """
import json, resource, sys, time
from pathlib import Path
from cloakroom.claim_store import StoreHistory, StoreIndex
from cloakroom.claims.limits import Limits
from cloakroom.claims.matching import Matcher
from cloakroom.claims.sizing import Sizer
from cloakroom.claims.survey import Survey
from cloakroom.flows.check_claim import date_matched
from cloakroom.settings import Settings
from cloakroom.wiring import open_application
home = Path(sys.argv[1])
application = open_application(Settings(home, None, f"file:{home / 'root.key'}", "bench-claims"))
started = time.perf_counter()
history = StoreHistory(application, "operator", "bench")
matcher = Matcher(StoreIndex(application), history, Limits(), 20250417)
survey = Survey(Limits(), Sizer(20250417))
for table, keyed in survey.tables([Path(sys.argv[2])]):
    matcher.take(table, keyed)
matched = matcher.finish()
met = time.perf_counter() - started
dating, _ = date_matched(matched, history)
print(json.dumps({"seconds": time.perf_counter() - started, "matched_seconds": met,
                  "proven": sum(len(match.proven) for match in matched.brands.values()),
                  "snapshots": sum(len(found.snapshots) for found in dating.values()),
                  "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def child(script: str, *arguments: object) -> dict[str, float]:
    """Run a measurement in a process of its own, so that its memory is its own."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def ripgrep(path: Path) -> tuple[float, int]:
    """Return seconds and distinct addresses of ``rg -o … | sort -u``."""
    started = time.perf_counter()
    done = subprocess.run(
        ["sh", "-c", f"rg -o --no-filename --no-line-number '{PATTERN}' '{path}' | sort -u | wc -l"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return time.perf_counter() - started, int(done.stdout)


def size(path: Path, rounds: int = 3) -> None:
    """Measure sizing beside ripgrep, in turn, and print the best of each."""
    ours = [child(_SIZE, path)]
    theirs = []
    for _ in range(rounds if shutil.which("rg") else 0):
        theirs.append(ripgrep(path))
        ours.append(child(_SIZE, path))
    best = min(ours, key=lambda one: one["seconds"])
    megabytes = path.stat().st_size / 1e6
    print(f"size: {megabytes:,.0f} MB, {best['rows']:,} rows, {best['emails']:,} e-mails, {best['phones']:,} numbers "
          f"in {best['seconds']:.2f} s, {best['megabytes']:,.0f} MB of memory")  # fmt: skip
    if theirs:
        seconds, found = min(theirs)
        print(f"rg -o | sort -u: {found:,} strings in {seconds:.2f} s: {seconds / best['seconds']:.1f} x as long")


def match(store: BenchStore) -> None:
    """Measure matching and dating of the delivery itself against the vault."""
    done = child(_MATCH, store.application.settings.home, store.file)
    print(f"match {store.records:,} rows with {store.records:,} records, dated: {done['seconds']:.1f} s "
          f"(matched after {done['matched_seconds']:.1f} s), {done['proven']:,} proven, "
          f"{done['snapshots']} as-of time, {done['megabytes']:,.0f} MB of memory")  # fmt: skip


def repeated(source: Path, rows: int, records: int) -> Path:
    """Write a file in which every customer stands several times, as in contacts joined with orders."""
    target = source.with_name("repeated.csv")
    with target.open("wb") as out:
        for number in range(max(rows // records, 1)):
            with source.open("rb") as part:
                if number:
                    part.readline()
                shutil.copyfileobj(part, out, 1 << 22)
    return target


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.claims", description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=500_000)
    parser.add_argument("--rows", type=int, default=0, help="repeat the customers up to this many rows")
    parser.add_argument("--size-only", action="store_true", help="no vault")
    arguments = parser.parse_args()
    if not arguments.size_only:
        with bench_store(arguments.records) as store:
            size(store.file)
            match(store)
        return
    with tempfile.TemporaryDirectory(prefix="cloakroom-bench-") as folder:
        file = Path(folder) / "customers.csv"
        write_bench_customers(file, records=arguments.records)
        if arguments.rows:
            done = child(_SIZE, repeated(file, arguments.rows, arguments.records))
            print(f"{done['rows']:,} rows of {done['emails']:,} e-mails: {done['seconds']:.1f} s, "
                  f"{done['megabytes']:,.0f} MB of memory")  # fmt: skip
        else:
            size(file)


if __name__ == "__main__":
    main()
