"""Writes a synthetic group to files: deliveries of three brands in three formats, monthly deltas, and the truth.

    tarsenne/2025-01-01.full.csv          comma, UTF-8, ISO dates
    ombrelune/2025-01-01.full.csv         semicolon, cp1252, CRLF, French headers, decimal comma, dd/mm/yyyy
    hollinwray/2025-01-01.full.jsonl.gz   nested JSON Lines, gzip
    <brand>/2025-02-01.delta.*            changes, new records and deletions of the month that ends on that day
    truth/records.csv                     per record: person, kind, residence, language, minor, versions, erasure
    truth/world.json                      counts

The group's configuration for these files ships beside this module (`copy_configuration`).

Memory is flat: the world is drawn and written in blocks of persons, who never reach over a block. A delta is in order
of time within each block; the changes of one record are always in order.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cloakroom.clock import to_microseconds
from cloakroom.errors import UsageError
from cloakroom.testing.atlas import Atlas, load_atlas
from cloakroom.testing.dialects import BRANDS, BrandSystem, DeliveryFile
from cloakroom.testing.people import (
    KINDS,
    TEST,
    Holdings,
    Integers,
    Population,
    change_month,
    draw_counts,
    draw_holdings,
    draw_population,
)
from cloakroom.testing.spelling import spell_records

__all__ = ["GroupPlan", "World", "copy_configuration", "write_group"]

BLOCK_RECORDS = 65_536
CONFIGURATIONS = ("demo_group", "bench_group")
RECORDS_MAX = 40_000_000  # eight digits of serial number per brand


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """The plan of a synthetic group.

    Attributes:
        records: Records over all brands, those that appear or are erased later included.
        seed: The same seed gives the same bytes.
        months: Monthly deltas after the full delivery.
        start: Day of the full delivery.
    """

    records: int = 50_000
    seed: int = 20_250_101
    months: int = 3
    start: date = date(2025, 1, 1)

    def __post_init__(self) -> None:
        if not 1 <= self.records <= RECORDS_MAX:
            raise UsageError(f"a synthetic group has 1 to {RECORDS_MAX:,} records")
        if not 0 <= self.months <= 24 or self.start.day != 1:
            raise UsageError("a synthetic group starts on the first day of a month and has at most 24 deltas")

    def boundaries(self) -> list[date]:
        """Return the day of the full delivery and of each delta."""
        first = self.start.year * 12 + self.start.month - 1
        return [date(month // 12, month % 12 + 1, 1) for month in range(first, first + self.months + 1)]


@dataclass(slots=True)
class World:
    """The truth in numbers, as `truth/world.json` holds it.

    Attributes:
        records: Records by brand.
        erased: Records erased in the deltas, by brand.
        persons: Persons over all brands; test rows are none.
        brand_persons: Persons by brand.
        kinds: Records by kind.
        countries: Records by country.
        country_persons: Persons by country.
        minors: Persons under 18 on the day of the last delivery.
        versions: Rows of deliveries, erasures not counted.
        files: Deliveries in the order to import them, by brand, relative to the folder.
    """

    records: Counter[str] = field(default_factory=Counter)
    erased: Counter[str] = field(default_factory=Counter)
    persons: int = 0
    brand_persons: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    countries: Counter[str] = field(default_factory=Counter)
    country_persons: Counter[str] = field(default_factory=Counter)
    minors: int = 0
    versions: int = 0
    files: dict[str, list[str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the counts as plain values, keys sorted."""
        counters = {
            name: dict(sorted(getattr(self, name).items()))
            for name in ("records", "erased", "brand_persons", "kinds", "countries", "country_persons")
        }
        plain = {"persons": self.persons, "minors": self.minors, "versions": self.versions, "files": self.files}
        return {**counters, **plain}


def write_group(folder: Path, plan: GroupPlan) -> World:
    """Write the deliveries and the truth of a synthetic group under `folder`.

    Args:
        folder: Made if it does not exist; files of the same names are replaced.
        plan: What to generate.
    """
    atlas = load_atlas()
    world = World()
    deliveries = _open_deliveries(folder, plan, world)
    truth = DeliveryFile(folder / "truth" / "records.csv", (",".join(_TRUTH_COLUMNS) + "\n").encode())
    try:
        for block in _draw_blocks(atlas, plan):
            for brand, step, data in _render_block(atlas, plan, block):
                deliveries[brand, step].write(data)
            truth.write(_render_truth(atlas, plan, block))
            _count(world, atlas, plan, block)
    finally:
        for delivery in (*deliveries.values(), truth):
            delivery.close()
    text = json.dumps(world.to_json(), indent=1, ensure_ascii=False) + "\n"
    (folder / "truth" / "world.json").write_text(text, encoding="utf-8")
    return world


def copy_configuration(folder: Path, *, group: str = "demo_group") -> None:
    """Copy the configuration of a synthetic group, as `cloakroom init --config` reads it, to `folder`.

    Args:
        folder: Must not exist.
        group: ``demo_group`` for `write_group`, ``bench_group`` for `cloakroom.testing.bench_customers`.

    Raises:
        UsageError: `folder` exists, or no such group ships.
    """
    if group not in CONFIGURATIONS:
        raise UsageError(f"no such synthetic group; there are {' and '.join(CONFIGURATIONS)}")
    if folder.exists():
        raise UsageError("the folder for the configuration exists already")
    with as_file(files("cloakroom.testing").joinpath(group)) as source:
        shutil.copytree(source, folder)


@dataclass(frozen=True, slots=True)
class _Block:
    population: Population
    holdings: Holdings
    rng: np.random.Generator


def _draw_blocks(atlas: Atlas, plan: GroupPlan) -> Iterator[_Block]:
    start = _seconds(plan.start)
    serials = np.zeros(3, dtype=np.int64)
    first = 0
    for number, begin in enumerate(range(0, plan.records, BLOCK_RECORDS)):
        rng = np.random.default_rng([plan.seed, number])
        counts = draw_counts(rng, min(BLOCK_RECORDS, plan.records - begin))
        population = draw_population(rng, atlas, count=len(counts), first=first)
        holdings = draw_holdings(rng, population, counts, serials=serials, months=plan.months, start=start)
        first += len(counts)
        serials += np.bincount(holdings.brand, minlength=3)
        yield _Block(population, holdings, rng)


def _seconds(day: date) -> int:
    return to_microseconds(datetime(day.year, day.month, day.day, tzinfo=UTC)) // 1_000_000


def _open_deliveries(folder: Path, plan: GroupPlan, world: World) -> dict[tuple[int, int], DeliveryFile]:
    opened = {}
    for number, brand in enumerate(BRANDS):
        for step, day in enumerate(plan.boundaries()):
            name = f"{brand.name}/{day.isoformat()}.{'delta' if step else 'full'}.{brand.suffix}"
            world.files.setdefault(brand.name, []).append(name)
            opened[number, step] = DeliveryFile(folder / name, brand.header)
    return opened


def _render_block(atlas: Atlas, plan: GroupPlan, block: _Block) -> Iterator[tuple[int, int, bytes]]:
    holdings = block.holdings
    full = np.flatnonzero(holdings.appears == 0)
    holdings.versions[full] = 1
    yield from _render_step(atlas, block, full, full[:0], 0)
    days = plan.boundaries()
    for month in range(1, plan.months + 1):
        written, erased = change_month(
            block.rng, holdings, month=month, begin=_seconds(days[month - 1]), end=_seconds(days[month])
        )
        yield from _render_step(atlas, block, written, erased, month)


def _render_step(
    atlas: Atlas, block: _Block, written: Integers, erased: Integers, step: int
) -> Iterator[tuple[int, int, bytes]]:
    holdings = block.holdings
    for number, brand in enumerate(BRANDS):
        rows = written[holdings.brand[written] == number]
        gone = erased[holdings.brand[erased] == number]
        spelled = spell_records(atlas, block.population, holdings, rows, brand.habits)
        frame = _with_system_columns(brand, holdings, rows, spelled, deleted=False)
        if len(gone):
            empty = spelled.clear(len(gone))
            frame = pl.concat([frame, _with_system_columns(brand, holdings, gone, empty, deleted=True)])
            frame = frame.sort("modified", maintain_order=True)
        yield number, step, brand.render(frame)


def _with_system_columns(
    brand: BrandSystem, holdings: Holdings, rows: Integers, frame: pl.DataFrame, *, deleted: bool
) -> pl.DataFrame:
    created = pl.Series("created", holdings.created[rows])
    return frame.with_columns(
        _record_ids(brand, holdings.serial[rows]),
        created.clear(len(rows)) if deleted else created,
        pl.Series("modified", holdings.modified[rows]),
        pl.lit(deleted).alias("deleted"),
    )


def _record_ids(brand: BrandSystem, serial: Integers) -> pl.Series:
    numbers = pl.Series("id", serial).cast(pl.String).str.zfill(8)
    return pl.select((pl.lit(brand.prefix) + numbers).alias("id")).to_series()


_TRUTH_COLUMNS = (
    "record_id",
    "brand",
    "person",
    "kind",
    "country",
    "subdivision",
    "language",
    "minor",
    "born",
    "appears",
    "versions",
    "erased_at",
)


def _minors(plan: GroupPlan, population: Population) -> np.ndarray[Any, np.dtype[np.bool_]]:
    last = plan.boundaries()[-1]
    eighteen = (date(last.year - 18, last.month, last.day) - date(1970, 1, 1)).days
    minors: np.ndarray[Any, np.dtype[np.bool_]] = population.born > eighteen
    return minors


def _render_truth(atlas: Atlas, plan: GroupPlan, block: _Block) -> bytes:
    holdings, population = block.holdings, block.population
    person = holdings.person
    place = population.place[np.minimum(holdings.residence, 1), person]
    subdivision = pl.select(
        pl.when(pl.Series(holdings.residence != 2))
        .then(atlas.places["subdivision"].gather(place))
        .otherwise(pl.lit(""))
    ).to_series()
    numbers = np.where(holdings.kind == TEST, -1, population.first + person)
    frame = pl.DataFrame(
        {
            "record_id": _all_ids(holdings),
            "brand": pl.Series([brand.name for brand in BRANDS]).gather(holdings.brand),
            "person": pl.Series(numbers).cast(pl.String).replace("-1", ""),
            "kind": pl.Series(KINDS).gather(holdings.kind),
            "country": atlas.countries["code"].gather(population.country[person]),
            "subdivision": subdivision,
            "language": atlas.languages.gather(population.language[person]),
            "minor": _minors(plan, population)[person],
            "born": pl.Series(population.born[person].astype(np.int32)).cast(pl.Date),
            "appears": holdings.appears,
            "versions": holdings.versions,
            "erased_at": holdings.erased,
        }
    ).with_columns(
        pl.when(pl.col("erased_at") >= 0).then(
            pl.from_epoch(pl.col("erased_at"), time_unit="s").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        )
    )
    return frame.write_csv(include_header=False).encode()


def _all_ids(holdings: Holdings) -> pl.Series:
    frame = pl.DataFrame({"brand": holdings.brand, "serial": holdings.serial})
    serial = pl.col("serial").cast(pl.String).str.zfill(8)
    prefix = pl.lit(pl.Series([brand.prefix for brand in BRANDS])).gather(pl.col("brand"))
    return frame.select(prefix + serial).to_series()


def _count(world: World, atlas: Atlas, plan: GroupPlan, block: _Block) -> None:
    holdings, population = block.holdings, block.population
    codes = atlas.countries["code"].to_list()
    real = holdings.kind != TEST
    persons = np.unique(holdings.person[real])
    world.persons += len(persons)
    world.minors += int(_minors(plan, population)[persons].sum())
    world.versions += int(holdings.versions.sum())
    world.kinds.update({kind: int((holdings.kind == number).sum()) for number, kind in enumerate(KINDS)})
    world.countries.update(_by_code(codes, population.country[holdings.person]))
    world.country_persons.update(_by_code(codes, population.country[persons]))
    for number, brand in enumerate(BRANDS):
        here = holdings.brand == number
        world.records[brand.name] += int(here.sum())
        world.erased[brand.name] += int((holdings.erased[here] >= 0).sum())
        world.brand_persons[brand.name] += len(np.unique(holdings.person[here & real]))


def _by_code(codes: list[str], country: Integers) -> dict[str, int]:
    counts = np.bincount(country, minlength=len(codes))
    return {code: int(count) for code, count in zip(codes, counts, strict=True) if count}
