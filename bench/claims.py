"""Alleged dumps: sizing beside ``rg -o … | sort -u``, matching and dating against a vault, memory of long files.

python -m bench.claims                        half a million records, a minute or two
python -m bench.claims --records 7400000      as in an emergency: a dump of about 1 GB against 7.4 million records
python -m bench.claims --size-only --records 7400000
python -m bench.claims --rows 60000000 --records 7400000 --size-only    60 million rows of 7.4 million addresses
python -m bench.claims --rows 60000000 --records 7400000    the same, matched and dated as well

Processor time stands beside the seconds, since it suffers less from whatever else the machine does. How long `sort`
takes depends on the locale, which is the caller's own and is printed.
"""

from __future__ import annotations

import argparse
import json
import locale
import resource
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
from cloakroom.adapters.evidence.files import DumpFiles
from cloakroom.adapters.evidence.threads import WorkerThreads
from cloakroom.claims.sizing import Sizer
from cloakroom.claims.survey import Survey
started, processor = time.perf_counter(), time.process_time()
survey = Survey(DumpFiles([Path(path) for path in sys.argv[1:]]), Sizer(20250417), WorkerThreads())
for _ in survey.tables():
    pass
size = survey.size()
print(json.dumps({"seconds": time.perf_counter() - started, "processor": time.process_time() - processor,
                  "rows": size.rows, "emails": size.emails_distinct,
                  "phones": size.phones_distinct, "rejected": size.rejected_rows,
                  "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""

_MATCH = """
import json, resource, sys, time
from datetime import date
from pathlib import Path
from cloakroom.adapters.evidence.files import DumpFiles
from cloakroom.adapters.evidence.threads import WorkerThreads
from cloakroom.adapters.claims.customer_index import customer_index
from cloakroom.use_cases.incident.claim_openings import ClaimHistory
from cloakroom.use_cases.incident.claims import indexed_vault
from cloakroom.vault.key_ring import KeyPurpose
from cloakroom.claims.limits import Limits
from cloakroom.claims.matching import Matcher
from cloakroom.claims.sizing import Sizer
from cloakroom.claims.survey import Survey
from cloakroom.flows.incident.check_claim import date_matched
from cloakroom.settings import Settings
from cloakroom.wiring import open_application

def main():
    home = Path(sys.argv[1])
    application = open_application(Settings(home, None, f"file:{home / 'root.key'}", "bench-claims"))
    started, processor = time.perf_counter(), processor_seconds()
    history = ClaimHistory(application, "operator", "bench")
    survey = Survey(DumpFiles([Path(sys.argv[2])]), Sizer(20250417), WorkerThreads())
    with customer_index(indexed_vault(application), application.ring.get(KeyPurpose.LINK)) as index:
        matcher = Matcher(index, history, Limits(), 20250417, date.today())
        for table, keyed in survey.tables():
            matcher.take(table, keyed)
        matched = matcher.finish()
    met = time.perf_counter() - started
    dating, _ = date_matched(matched, history, date.today())
    print(json.dumps({"seconds": time.perf_counter() - started, "processor": processor_seconds() - processor,
                      "matched_seconds": met, "rows": survey.sizer.rows,
                      "proven": sum(len(match.proven) for match in matched.brands.values()),
                      "snapshots": sum(len(found.snapshots) for found in dating.values()),
                      "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                      "worker_megabytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}))

def processor_seconds():
    return sum(used.ru_utime + used.ru_stime
               for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))

if __name__ == "__main__":
    main()
"""


def child(script: str, *arguments: object) -> dict[str, float]:
    """Run a measurement in a process of its own, so that its memory is its own."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def ripgrep(path: Path) -> tuple[float, float, int]:
    """Return seconds, processor seconds and distinct addresses of ``rg -o … | sort -u``."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["sh", "-c", f"rg -o --no-filename --no-line-number '{PATTERN}' '{path}' | sort -u | wc -l"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - started, processor, int(done.stdout)


def size(path: Path, rounds: int = 3) -> None:
    """Measure sizing beside ripgrep, in turn, and print the best of each."""
    ours = [child(_SIZE, path)]
    theirs = []
    for _ in range(rounds if shutil.which("rg") else 0):
        theirs.append(ripgrep(path))
        ours.append(child(_SIZE, path))
    best = min(ours, key=lambda one: one["seconds"])
    processor = min(one["processor"] for one in ours)
    megabytes = path.stat().st_size / 1e6
    print(f"size: {megabytes:,.0f} MB, {best['rows']:,} rows, {best['emails']:,} e-mails, {best['phones']:,} numbers "
          f"in {best['seconds']:.2f} s ({processor:.1f} s of processor), "
          f"{best['megabytes']:,.0f} MB of memory")  # fmt: skip
    if theirs:
        seconds, _, found = min(theirs)
        theirs_processor = min(one[1] for one in theirs)
        locale.setlocale(locale.LC_COLLATE, "")
        print(f"rg -o | sort -u: {found:,} strings in {seconds:.2f} s ({theirs_processor:.1f} s of processor) under "
              f"{locale.setlocale(locale.LC_COLLATE)}: {seconds / best['seconds']:.1f} x as long, "
              f"{theirs_processor / processor:.1f} x the processor time")  # fmt: skip


def match(store: BenchStore, file: Path) -> None:
    """Measure matching and dating of a file of the store's customers against the vault."""
    done = child(_MATCH, store.application.settings.home, file)
    print(f"match {done['rows']:,} rows with {store.records:,} records, dated: {done['seconds']:.1f} s "
          f"(matched after {done['matched_seconds']:.1f} s; {done['processor']:.1f} s of processor), "
          f"{done['proven']:,} proven, {done['snapshots']} as-of time, "
          f"{done['megabytes']:,.0f} MB of memory")  # fmt: skip


def check(store: BenchStore, file: Path) -> None:
    """Measure the whole command: matched, dated, persons counted, attributed, registered."""
    home = store.application.settings.home
    command = [sys.executable, "-m", "cloakroom", "claim", "check", str(file), "--home", str(home), "--json"]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - started
    report = json.loads(done.stdout)
    print(f"claim check of {report['rows']:,} rows, the whole command: {seconds:.1f} s, verdict {report['verdict']}, "
          f"{report['persons']['lower']:,} to {report['persons']['upper']:,} persons")  # fmt: skip


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
            if arguments.rows:
                match(store, repeated(store.file, arguments.rows, arguments.records))
            else:
                size(store.file)
                match(store, store.file)
                check(store, store.file)
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
