"""The customers of the synthetic group, read from its deliveries into memory: stands for the store in tests."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from pyroaring import BitMap

from cloakroom.claims.country_names import country_of
from cloakroom.claims.keys import email_keys, id_keys, phone_keys
from cloakroom.claims.ports import Answer, Found
from cloakroom.claims.values import OPENED
from cloakroom.disclosures.disclosure import Disclosure

WORLD = Path(os.environ.get("CLOAKROOM_WORLD", Path(__file__).parents[3] / "shared" / "data" / "world"))

_COLUMNS = {
    "auberon": ["Id", "FirstName", "LastName", "Email", "Phone", "MobilePhone", "MailingStreet", "MailingCity", "MailingState",  # noqa: E501 - data
                "MailingPostalCode", "MailingCountryCode", "Birthdate", "Language__c", "Kind__c", "Store__c",
                "Total_Sales__c", "SystemModstamp", "IsDeleted"],
    "balmere": ["Identifiant", "Prénom", "Nom", "Courriel", "Téléphone", "Portable", "Adresse", "Ville", "Région",
                "Code postal", "Pays", "Date de naissance", "Langue", "Type", "Boutique", "Total achats",
                "Dernière modification", "Supprimé"],
}  # fmt: skip
_FIELDS = ["id", "given_name", "family_name", "email", "phone", "mobile", "street", "city", "region", "postcode", "country",  # noqa: E501 - data
           "birth_date", "language", "kind", "store", "spend_total", "modified", "deleted"]  # fmt: skip


def _mcquarrie(line: str) -> list[str]:
    row = json.loads(line)
    phones, address, name = row["phones"] or [], row["address"] or {}, row["name"] or {}
    spend = row["total_sales"]
    return [
        row["contact_id"], name.get("given"), name.get("family"), row["email"], phones[1] if len(phones) > 1 else None,  # noqa: E501 - data
        phones[0] if phones else None, address.get("street"), address.get("city"), address.get("region"),
        address.get("postcode"), address.get("country"), row["date_of_birth"], row["language"], row["kind"], row["store"],  # noqa: E501 - data
        None if spend is None else f"{spend:.2f}", row["updated_at"], "true" if row["is_deleted"] else "false",
    ]  # fmt: skip


def _deliveries(brand: str, world: Path) -> Iterator[pl.DataFrame]:
    for path in sorted((world / "imports" / brand).glob("2*")):
        if brand == "mcquarrie":
            rows = [_mcquarrie(line) for line in gzip.decompress(path.read_bytes()).decode().splitlines()]
            frame = pl.DataFrame(rows, schema=dict.fromkeys(_FIELDS, pl.String), orient="row")
        else:
            frame = pl.read_csv(
                path.read_bytes().decode("cp1252" if brand == "balmere" else "utf-8").encode(), infer_schema=False,
                separator=";" if brand == "balmere" else ",", columns=_COLUMNS[brand],
            ).select(_COLUMNS[brand])  # fmt: skip
            frame.columns = _FIELDS
        yield frame


def _read(brand: str, world: Path) -> pl.DataFrame:
    frame = pl.concat(list(_deliveries(brand, world))).with_row_index("place")
    form = "%d/%m/%Y %H:%M:%S" if brand == "balmere" else None
    modified = pl.col("modified")
    stamp = (
        modified.str.to_datetime(form, time_unit="us")
        if form
        else modified.str.replace("Z$", "").str.to_datetime(time_unit="us", strict=False)
    ).cast(pl.Int64)
    spend = pl.col("spend_total").str.replace(",", ".", literal=True) if brand == "balmere" else pl.col("spend_total")
    birth = (
        pl.col("birth_date").str.to_date("%d/%m/%Y").cast(pl.String) if brand == "balmere" else pl.col("birth_date")
    )
    return frame.with_columns(
        pl.lit(brand).alias("brand"), stamp.alias("valid_from"), spend.alias("spend_total"), birth.alias("birth_date"),  # noqa: E501 - data
        id_keys(frame["id"]).alias("id"), pl.col("deleted").is_in(["true", "oui"]).alias("deleted"),
    )  # fmt: skip


class ImportedWorld:
    """Implements `CustomerIndex`, `History` and `DisclosureSource`."""

    def __init__(self, world: Path = WORLD) -> None:
        rows = pl.concat(
            [_read(brand, world) for brand in ("auberon", "balmere", "mcquarrie")], how="vertical_relaxed"
        )
        rows = rows.sort("brand", "id", "valid_from", "place")
        rows = rows.with_columns(
            (pl.struct("brand", "id").rank("dense").cast(pl.Int64) - 1).alias("ordinal"),
            pl.col("valid_from").shift(-1).over("brand", "id").alias("valid_to"),
        )
        self.versions = rows.filter(
            ~pl.col("deleted") & (pl.col("valid_to").is_null() | (pl.col("valid_to") > pl.col("valid_from")))
        )
        self.ids = dict(self.versions.select("id", "ordinal").unique().iter_rows())
        self.opened = BitMap()
        self.disclosed: list[Disclosure] = []
        self._canaries: dict[str, BitMap] = {}
        codes = pl.Series([country_of(code or "") for code in self.versions["country"]], dtype=pl.String)
        keys = {"email": [email_keys(self.versions["email"])[0]], "customer_number": [self.versions["id"]],
                "phone": [phone_keys(self.versions[name], codes) for name in ("phone", "mobile")]}  # fmt: skip
        self._index = {
            kind: pl.concat([pl.DataFrame({"key": part, "ordinal": self.versions["ordinal"]}) for part in parts])
            .drop_nulls().unique()
            for kind, parts in keys.items()
        }  # fmt: skip

    def look_up(self, kind: str, normalised: pl.Series) -> Answer:
        asked = pl.DataFrame({"key": normalised}, schema={"key": pl.String}).with_row_index("position")
        found = asked.join(self._index[kind], on="key")
        return lambda: Found(found["position"].cast(pl.Int64).to_numpy(), found["ordinal"].to_numpy())

    def brands(self) -> Mapping[str, BitMap]:
        return {
            brand: BitMap(part["ordinal"].to_numpy().astype(np.uint32))
            for (brand,), part in self.versions.group_by("brand", maintain_order=True)
        }

    def regions(self) -> Sequence[str]:
        return ()

    def open_versions(self, ordinals: BitMap, fields: Sequence[str]) -> Iterator[pl.DataFrame]:
        self.opened |= ordinals
        present = [name for name in fields if name in self.versions.columns]
        wanted = pl.Series(np.asarray(ordinals.to_array(), np.int64))
        yield self.versions.filter(pl.col("ordinal").is_in(wanted.implode())).select(
            "ordinal", "valid_from", "valid_to", *present
        )

    def disclosures(self) -> Iterator[Disclosure]:
        yield from self.disclosed

    def canaries(self) -> Mapping[str, BitMap]:
        return self._canaries


assert set(OPENED) - {"name", "gender"} <= {*_FIELDS}
