"""How fast deliveries are read: rows per second from file to typed batch, beside a plain read of the same file.

    .venv/bin/python bench/deliveries.py [--rows 1000000] [--keep FILE]

The file has nine fields, an id and a time of change, mostly ASCII. The plain read is Polars' own CSV reader over the
same bytes, which checks and normalises nothing.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from pathlib import Path

import polars as pl

from cloakroom.adapters.deliveries import open_delivery
from cloakroom.vault.group import parse_group
from cloakroom.vault.mapping_file import parse_mapping

GROUP = """
group = "Bench"
[[controllers]]
id = "c"
name = "Bench SAS"
country = "FR"
[[brands]]
id = "b"
controller = "c"
mapping = "b.toml"
"""
MAPPING = """
brand = "b"
[record]
id = "id"
modified_at = "changed"
[columns]
first = "given_name"
last = "family_name"
email = "email"
mobile = "mobile"
city = "city"
country = "country"
born = "birth_date"
language = "language"
total = { field = "spend_total", currency = "EUR", bands = ["1000", "5000"] }
"""
MOBILES = {"FR": "06########", "IT": "333#######", "GB": "07500######", "US": "(415) 5##-####", "KR": "010-####-####"}
CITIES = ("Paris", "Milano", "London", "New York", "서울", "Zürich")


def write_delivery(path: Path, rows: int) -> None:
    """Write an invented delivery; the same number gives the same bytes."""
    source = random.Random(20250417)
    with path.open("w", encoding="utf-8") as file:
        file.write("id,first,last,email,mobile,city,country,born,language,total,changed\n")
        for number in range(rows):
            country = source.choice(list(MOBILES))
            mobile = "".join(source.choice("23456789") if sign == "#" else sign for sign in MOBILES[country])
            local = source.choice(
                ["Anna.Berg", "anna", "A.BERG", "müller"] if number % 50 == 0 else ["anna.berg", "berg"]
            )
            city = f'"{source.choice(CITIES)}, centre"' if number % 200_000 == 0 else source.choice(CITIES)
            born = f"{source.randrange(1940, 2008)}-{source.randrange(1, 13):02d}-{source.randrange(1, 29):02d}"
            email = f"{local}{number}@mail{number % 40}.example"
            spend = f"{source.randrange(10**6) / 100:.2f}"
            changed = f"2025-01-{number % 28 + 1:02d}T10:00:00.000Z"
            cells = [f"C{number:08d}", "Anna", "Berg", email, mobile, city, country, born, "fr", spend, changed]
            file.write(",".join(cells) + "\n")


def measure(path: Path) -> None:
    """Read the file both ways and print rows per second."""
    delivery = open_delivery(path, parse_mapping(MAPPING, "b.toml"), parse_group(GROUP, "group.toml"))
    started, cpu = time.perf_counter(), time.process_time()
    rows = refused = 0
    for batch in delivery.batches():
        rows += len(batch)
        refused += len(batch.rejected)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    started = time.perf_counter()
    plain_rows = pl.read_csv(path, infer_schema=False).height
    plain = time.perf_counter() - started
    size = path.stat().st_size / 1e6
    print(f"{'':28}{'rows/s':>12}{'rows/s per core':>18}{'MB/s':>8}{'peak MiB':>10}")
    print(
        f"{'read, checked, normalised':28}{rows / seconds:12,.0f}{rows / cpu:18,.0f}{size / seconds:8,.0f}{peak:10,}"
    )
    print(f"{'plain read by Polars':28}{plain_rows / plain:12,.0f}{'':18}{size / plain:8,.0f}")
    print(f"{rows:,} rows, {refused} refused; {seconds / plain:.1f} times the plain read")


def main() -> None:
    """Make a delivery and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="write the delivery here and leave it; reuse it if it exists")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or Path(folder) / "delivery.csv"
        if not path.exists():
            write_delivery(path, options.rows)
        measure(path)


if __name__ == "__main__":
    main()
