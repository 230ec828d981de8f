"""Dialects in which the three systems of the synthetic group write deliveries: formats, headers and habits.

Each function takes the spelled columns with id, created, modified (seconds) and deleted, and returns the bytes of the
rows. A deleted row keeps only its id, its time and its flag.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, cast

import polars as pl

from cloakroom.testing.spelling import BrandHabits

__all__ = ["BRANDS", "BrandSystem", "DeliveryFile"]


@dataclass(frozen=True, slots=True)
class BrandSystem:
    """One brand of the group and the system it runs.

    Attributes:
        name: The brand's identifier.
        habits: What its staff and system do to values.
        suffix: Ending of its delivery files.
        prefix: Beginning of its record ids.
        header: First line of a file, or empty.
        render: Makes the bytes of rows.
    """

    name: str
    habits: BrandHabits
    suffix: str
    prefix: str
    header: bytes
    render: Callable[[pl.DataFrame], bytes]


class DeliveryFile:
    """A delivery being written, row group by row group; compressed where its name says so, without a time in it."""

    def __init__(self, path: Path, header: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._raw = path.open("wb")
        self._out: IO[bytes] = self._raw
        if path.suffix == ".gz":
            zipped = gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=self._raw, mtime=0)
            self._out = cast("IO[bytes]", zipped)
        self._out.write(header)

    def write(self, data: bytes) -> None:
        """Append rendered rows."""
        self._out.write(data)

    def close(self) -> None:
        """Finish the file."""
        if self._out is not self._raw:
            self._out.close()
        self._raw.close()


def _money(separator: str) -> pl.Expr:
    cents = (pl.col("spend") % 100).cast(pl.String).str.zfill(2)
    return (pl.col("spend") // 100).cast(pl.String) + separator + cents


def _time(column: str, style: str) -> pl.Expr:
    return pl.from_epoch(pl.col(column), time_unit="s").dt.strftime(style)


_COMMA_COLUMNS = {
    "customer_id": pl.col("id"),
    "first_name": pl.col("given"),
    "last_name": pl.col("family"),
    "email": pl.col("email"),
    "phone": pl.col("phone"),
    "mobile": pl.col("mobile"),
    "street": pl.col("street"),
    "city": pl.col("city"),
    "state": pl.col("region"),
    "postcode": pl.col("postcode"),
    "country": pl.col("country"),
    "birth_date": pl.col("born").dt.strftime("%Y-%m-%d"),
    "language": pl.col("language"),
    "kind": pl.col("kind"),
    "store": pl.col("store"),
    "total_spend": _money("."),
    "created_at": _time("created", "%Y-%m-%dT%H:%M:%SZ"),
    "updated_at": _time("modified", "%Y-%m-%dT%H:%M:%SZ"),
    "deleted": pl.when(pl.col("deleted")).then(pl.lit("true")).otherwise(pl.lit("false")),
}

_FRENCH_KINDS = {"customer": "client", "recipient": "destinataire", "employee": "salarié"}

_SEMICOLON_COLUMNS = {
    "N° client": pl.col("id"),
    "Prénom": pl.col("given"),
    "Nom de famille": pl.col("family"),
    "Adresse e-mail": pl.col("email"),
    "Téléphone": pl.coalesce(pl.col("mobile"), pl.col("phone")),
    "Rue": pl.col("street"),
    "Ville": pl.col("city"),
    "Région": pl.col("region"),
    "CP": pl.col("postcode"),
    "Pays": pl.col("country"),
    "Né(e) le": pl.col("born").dt.strftime("%d/%m/%Y"),
    "Langue": pl.col("language"),
    "Catégorie": pl.col("kind").replace(_FRENCH_KINDS),
    "Boutique": pl.col("store"),
    "CA cumulé": _money(","),
    "Créé le": _time("created", "%d/%m/%Y"),
    "Modifié le": _time("modified", "%d/%m/%Y %H:%M:%S"),
    "Effacé": pl.when(pl.col("deleted")).then(pl.lit("oui")).otherwise(pl.lit("non")),
}

_NESTED_COLUMNS = {
    "id": pl.col("id"),
    "person": pl.struct(
        pl.col("given").alias("first"), pl.col("family").alias("last"), pl.col("born").dt.strftime("%Y-%m-%d")
    ),
    "contact": pl.struct(
        pl.col("email"), pl.concat_list(pl.col("mobile"), pl.col("phone")).list.drop_nulls().alias("phones")
    ),
    "address": pl.struct(
        pl.col("street"),
        pl.col("city"),
        pl.col("region").alias("state"),
        pl.col("postcode").alias("zip"),
        pl.col("country"),
    ),
    "profile": pl.struct(
        pl.col("language"), pl.col("kind"), pl.col("store"), _money(".").cast(pl.Float64).alias("lifetime_spend")
    ),
    "created": _time("created", "%Y-%m-%dT%H:%M:%SZ"),
    "changed": _time("modified", "%Y-%m-%dT%H:%M:%SZ"),
    "deleted": pl.col("deleted"),
}


def _select(frame: pl.DataFrame, columns: dict[str, pl.Expr]) -> pl.DataFrame:
    return frame.select(expression.alias(name) for name, expression in columns.items())


def _render_comma(frame: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    _select(frame, _COMMA_COLUMNS).write_csv(buffer, include_header=False)
    return buffer.getvalue()


def _render_semicolon(frame: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    columns = _select(frame, _SEMICOLON_COLUMNS)
    columns.write_csv(buffer, include_header=False, separator=";", line_terminator="\r\n")
    return buffer.getvalue().decode().encode("cp1252")


def _render_nested(frame: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    _select(frame, _NESTED_COLUMNS).write_ndjson(buffer)
    return buffer.getvalue()


BRANDS = (
    BrandSystem(
        name="tarsenne",
        habits=BrandHabits(code="TAR", domain="tarsenne.example", store_phone="+393350142776", code_page=False),
        suffix="csv",
        prefix="TS",
        header=(",".join(_COMMA_COLUMNS) + "\n").encode(),
        render=_render_comma,
    ),
    BrandSystem(
        name="ombrelune",
        habits=BrandHabits(code="OMB", domain="ombrelune.example", store_phone="+33661204958", code_page=True),
        suffix="csv",
        prefix="5",
        header=(";".join(_SEMICOLON_COLUMNS) + "\r\n").encode("cp1252"),
        render=_render_semicolon,
    ),
    BrandSystem(
        name="hollinwray",
        habits=BrandHabits(code="HWR", domain="hollinwray.example", store_phone="+447850316402", code_page=False),
        suffix="jsonl.gz",
        prefix="hw-",
        header=b"",
        render=_render_nested,
    ),
)
