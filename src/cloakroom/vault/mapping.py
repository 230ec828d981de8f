"""Mappings: what the columns of a brand's customer system mean.

These are the values; `cloakroom.vault.mapping_file` reads them from TOML, and `docs/reference/brand-mapping.md`
explains the file.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cloakroom.vault.fields import FieldDefinition

FACETS = ("country", "region", "language", "kind", "store", "birth_date", "spend_band")
"""What may be kept as sealed sets: each from the field of its name, `spend_band` from the column with `bands`."""

DATE_ORDERS = ("iso", "ymd", "dmy", "mdy", "unix_seconds", "unix_milliseconds")

_PATH_STEP = re.compile(r"""\[(\d{1,4})\]|\["([^"]+)"\]|\.?([^.\[\]"]+)""")


class FileKind(StrEnum):
    """The form of a delivery's rows."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"


class IdStyle(StrEnum):
    """The form of record ids.

    `SALESFORCE` accepts 15 and 18 characters and keeps 18; the last three encode which of the others are capitals.
    """

    PLAIN = "plain"
    SALESFORCE = "salesforce"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """The traits of files that are known beforehand; None means that one is detected.

    Attributes:
        quote: The quote character; empty for none.
        escape: The character that takes the meaning from the next one; empty where quotes are doubled instead.
        header: Names of the columns of files that have no header line.
    """

    kind: FileKind | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str = ""
    line_end: str | None = None
    header: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordColumns:
    """Which columns say what row this is, how new it is, and whether it is gone."""

    id: str
    id_style: IdStyle
    modified_at: str | None
    modified_at_format: str
    deleted: str | None
    deleted_true: frozenset[str]
    deleted_false: frozenset[str]

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the names of these columns."""
        return tuple(source for source in (self.id, self.modified_at, self.deleted) if source is not None)


@dataclass(frozen=True, slots=True)
class SpendBands:
    """Amounts at which a new band of spend begins, ascending, in a currency.

    Attributes:
        field: The field that holds the amounts.
        thresholds: n thresholds make n + 1 bands.
    """

    field: str
    currency: str
    thresholds: tuple[Decimal, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the names of the bands, lowest first: ``EUR <1000``, ``EUR 1000-5000``, ``EUR >=5000``."""
        texts = [f"{threshold:f}" for threshold in self.thresholds]
        between = [f"{low}-{high}" for low, high in itertools.pairwise(texts)]
        return tuple(f"{self.currency} {band}" for band in (f"<{texts[0]}", *between, f">={texts[-1]}"))

    def label(self, amount: Decimal) -> str:
        """Return the name of the band of `amount`; a threshold belongs to the band above it."""
        return self.labels[sum(amount >= threshold for threshold in self.thresholds)]


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The meaning of one source column.

    Attributes:
        source: The column's name in the header, or a path such as ``name.given`` or ``phones[0]``.
        words: Source words in lower case and what they stand for.
        format: How dates or times are written: one of `DATE_ORDERS`, or a strptime pattern.
        strict: Reject a row whose value cannot be read; otherwise keep the text and no facet.
        optional: The column may be missing from a file.
    """

    source: str
    field: FieldDefinition
    words: Mapping[str, str]
    format: str
    strict: bool
    optional: bool


@dataclass(frozen=True, slots=True)
class BrandMapping:
    """The whole of one brand's mapping file.

    Attributes:
        source: Name of the file, for messages.
        empty: Texts that mean "nothing", besides white space.
        phone_country: Where the country of a national number comes from, in this order: ``country``, ``store``.
        defaults: What holds where a row is silent: ``country``, ``language``, ``kind``, ``store``.
    """

    brand: str
    source: str
    file_format: FileFormat
    record: RecordColumns
    columns: tuple[ColumnMapping, ...]
    timezone: str
    decimal_mark: str
    grouping_mark: str
    empty: frozenset[str]
    ignore: frozenset[str]
    refuse_unknown: bool
    phone_country: tuple[str, ...]
    defaults: Mapping[str, str]
    facets: tuple[str, ...]
    spend_bands: SpendBands | None
    lines: Mapping[str, int] = field(repr=False, default_factory=dict)

    @property
    def fields(self) -> tuple[FieldDefinition, ...]:
        """Return the fields that this brand fills, in the order of its columns."""
        return tuple(column.field for column in self.columns)

    def column_of(self, field_name: str) -> ColumnMapping | None:
        """Return the column that fills a field, or None."""
        return next((column for column in self.columns if column.field.name == field_name), None)


def parse_path(source: str) -> tuple[str | int, ...]:
    """Split ``name.given``, ``phones[0]`` or ``["a.b"].c`` into its steps.

    Raises:
        ValueError: It is no path.
    """
    steps: list[str | int] = []
    position = 0
    while position < len(source):
        match = _PATH_STEP.match(source, position)
        if match is None or match.end() == position:
            raise ValueError("not a path")
        index, quoted, name = match.groups()
        steps.append(int(index) if index is not None else quoted or name)
        position = match.end()
    if not steps or isinstance(steps[0], int):
        raise ValueError("not a path")
    return tuple(steps)
