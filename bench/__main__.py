"""``make bench``: the table of what is measured, each figure beside something run with it.

make bench                         about three minutes
make bench BENCH_ARGS=--full       7.4 million records, a million entries: about half an hour
"""

from __future__ import annotations

import argparse
import os
import platform

from rich.console import Console
from rich.table import Table

from bench import ledger, reveals
from bench.stores import bench_store


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="7.4 million records and a million entries")
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--entries", type=int, default=100_000)
    arguments = parser.parse_args()
    records = 7_400_000 if arguments.full else arguments.records
    entries = 1_000_000 if arguments.full else arguments.entries
    rows: list[tuple[str, str, str, str]] = []
    with bench_store(records) as store:
        rate = records / store.import_seconds
        plain = records / store.plain_copy_seconds
        rows.append(
            (
                f"import and seal {records:,} records",
                f"{rate:,.0f}/s ({store.import_seconds:.0f} s)",
                f"plain COPY, 3 indexes: {plain:,.0f}/s ({plain / rate:.1f} x)",
                ">= 30,000/s",
            )
        )
        rows.append(("size of a sealed record", f"{store.bytes_per_record:,.0f} B", "", "<= 1,200 B"))
        found = reveals.measure(store)
        rows.append(
            (
                "reveal, 500 in a request",
                f"{found.batch_per_second:,.0f} records/s",
                f"plain SELECT: {found.plain_batch_per_second:,.0f}/s",
                ">= 30,000/s",
            )
        )
        rows.append(
            (
                "reveal, one, in process",
                f"p50 {found.single_p50_ms:.2f} ms",
                f"plain SELECT: {found.plain_single_p50_ms:.2f} ms",
                "",
            )
        )
        rows.append(("reveal, 64 single ones together", f"{found.joined_per_second:,.0f}/s", "", ">= 2,500/s"))
    with ledger.ledger_store(records) as application:
        lines = ledger.measure(application, records=records, entries=entries)
    rows += _ledger_rows(lines)
    table = Table(title=f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name in ("work", "figure", "beside it", "aim"):
        table.add_column(name)
    for row in rows:
        table.add_row(*row)
    Console(width=150).print(table)


def _ledger_rows(lines: ledger.LedgerFigures) -> list[tuple[str, str, str, str]]:
    return [
        (
            "ledger, appended in 256s, durable",
            f"{lines.appended_per_second:,.0f} entries/s",
            f"unlogged, unchecked: {lines.unlogged_per_second:,.0f}/s",
            ">= 10,000/s",
        ),
        ("ledger, into the Merkle log", f"{lines.integrated_per_second:,.0f} entries/s", "", ">= 10,000/s"),
        (
            f"affected set over {lines.entries:,} entries, {lines.records:,} records, with splits",
            f"{lines.affected_seconds:.2f} s",
            f"one lineage: {lines.affected_one_seconds:.2f} s; a week: {lines.affected_week_seconds:.2f} s",
            "<= 1 s",
        ),
        (
            f"ledger, {lines.entries:,} entries and their sets verified from files",
            f"{lines.verify_seconds:.1f} s",
            f"writing the files: {lines.export_seconds:.1f} s",
            "<= 20 s",
        ),
        ("ledger, into roll-ups, once", f"{lines.entries / lines.roll_up_seconds:,.0f} entries/s", "", ""),
    ]


if __name__ == "__main__":
    main()
