"""Opened versions of records as the frames that `claims.ports.History` gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from cloakroom.claims.values import OPENED
from cloakroom.flows.store.configuration import Configuration
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.fields import FieldKind

_NAME_PART = "name "


@dataclass(frozen=True, slots=True)
class OpenedVersion:
    """One version of a record, opened.

    Attributes:
        ordinal: The record.
        brand: Number of its brand.
        valid_from: When it began to hold, in microseconds.
        valid_to: When it ceased to hold; None while it holds.
        texts: Its values by field; what it does not have is left out.
    """

    ordinal: int
    brand: int
    valid_from: int
    valid_to: int | None
    texts: Mapping[str, str] = field(repr=False)


class VersionFrames:
    """A maker of frames, in which fields of the brands' own stand under the names that matching knows."""

    def __init__(self, catalogue: Catalogue, configuration: Configuration) -> None:
        """Take the fields of the store, and the brands' mappings."""
        self._fields = catalogue.fields
        self._brands = {number: name for name, number in catalogue.brands.items()}
        self._configuration = configuration
        own = [item for name, item in sorted(catalogue.definitions.items()) if name not in OPENED]
        phones = [item.name for item in own if item.kind is FieldKind.PHONE]
        emails = [item.name for item in own if item.kind is FieldKind.EMAIL]
        names = [item.name for item in own if item.kind is FieldKind.TEXT and item.data_element == "name"]
        self._further = (
            dict(zip(("phone_3", "phone_4"), phones, strict=False))
            | dict(zip(("email_2",), emails, strict=False))
            | {f"{_NAME_PART}{number}": name for number, name in enumerate(names)}
        )

    def fields_to_open(self, fields: Sequence[str]) -> list[str]:
        """Return those of `fields` that the store has, and the brands' own with an address, a number or a name."""
        return [name for name in dict.fromkeys((*fields, *self._further.values())) if name in self._fields]

    def frame(self, versions: Iterable[OpenedVersion], fields: Sequence[str]) -> pl.DataFrame:
        """Return versions as a frame.

        Args:
            versions: With the values of `fields`.
            fields: As `fields_to_open` gives them.
        """
        rows = [
            [one.ordinal, one.valid_from, one.valid_to, self._phone_region(one), *map(one.texts.get, fields)]
            for one in versions
        ]
        schema = {
            "ordinal": pl.Int64,
            "valid_from": pl.Int64,
            "valid_to": pl.Int64,
            "phone_region": pl.String,
            **dict.fromkeys(fields, pl.String),
        }
        return self._renamed(pl.DataFrame(rows, schema=schema, orient="row"))

    def _phone_region(self, version: OpenedVersion) -> str | None:
        return phone_region(self._configuration, self._brands[version.brand], version.texts)

    def _renamed(self, frame: pl.DataFrame) -> pl.DataFrame:
        parts, names = [], []
        for part, name in self._further.items():
            if part.startswith(_NAME_PART):
                names.append(pl.col(name).fill_null(""))
            else:
                parts.append(pl.col(name).alias(part))
        if names:
            parts.append(pl.concat_str(names, separator=" ").alias("name_more"))
        return frame.with_columns(*parts).drop(set(self._further.values()))


def phone_region(configuration: Configuration, brand: str, texts: Mapping[str, str]) -> str | None:
    """Return the country of a row's national telephone numbers, as the brand's mapping tells it."""
    mapping = configuration.mappings.get(brand)
    if mapping is None:
        return None
    for source in mapping.phone_country:
        text = texts.get(source)
        found = text if source == "country" or text is None else configuration.group.store_country(brand, text)
        if found is not None:
            return found
    return mapping.defaults.get("country")
