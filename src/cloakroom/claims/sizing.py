"""Sizing of a dump: rows, rejected rows, distinct addresses and numbers, fields, countries.

Distinct e-mail addresses are counted twice: in their normal form (strip, NFKC, lower case, domain as IDNA A-label,
plus tags kept), and as the widely used public extractor would count them, since that is the figure the press will
quote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl
from pyroaring import BitMap

from cloakroom.claims.addresses import addresses_in, addresses_of_text, missing_addresses
from cloakroom.claims.concepts import Concept, Recognised, country_column
from cloakroom.claims.distinct import DistinctHashes, Hashes, hashes_of
from cloakroom.claims.keys import email_keys, id_keys, phone_pairs, possible_numbers
from cloakroom.claims.readers.loose import LOOSE_EMAIL, LOOSE_ID, LOOSE_PHONE
from cloakroom.claims.sources import Workers
from cloakroom.claims.tables import Batch

_NEVER_TEXT = frozenset(
    [Concept.EMAIL, Concept.PHONE, Concept.RECORD_ID, Concept.COUNTRY, Concept.BIRTH_DATE, Concept.TOTAL_SALES,
     Concept.TIMESTAMP, Concept.LANGUAGE]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeyedRows:
    """A batch with the normal forms by which its rows can be looked up.

    Attributes:
        batch: The rows as read.
        recognised: The meaning of its columns.
        country: ISO 3166 code of each row, or null.
        countries: How many rows are of each.
        emails: Rows and addresses: ``row``, ``key``; a row may have several.
        phones: Rows and numbers: ``row``, ``key``.
        is_broken: Whether the rows are what was legible in broken lines.
        is_beside: Whether these are no rows, but addresses that stand in none.
    """

    batch: Batch = field(repr=False)
    recognised: Recognised
    country: pl.Series = field(repr=False)
    countries: Counter[str]
    emails: pl.DataFrame = field(repr=False)
    phones: pl.DataFrame = field(repr=False)
    is_broken: bool = False
    is_beside: bool = False

    @property
    def frame(self) -> pl.DataFrame:
        """Return the rows with all their columns, parsed now where that was not needed before."""
        return self.batch.whole()

    def ids(self) -> pl.DataFrame:
        """Return rows and record ids: ``row``, ``key``, ``column``."""
        columns = self.recognised.columns(Concept.RECORD_ID)
        return _stacked([(column, id_keys(self.frame[column])) for column in columns])

    def possible_phones(self, settled: BitMap, regions: Sequence[str] = ()) -> pl.DataFrame:
        """Return what national numbers of rows without a country may be, as ``row`` and ``key``.

        Args:
            settled: Rows that are left out.
            regions: Countries that they may be of, beside those of the column's other numbers.
        """
        parts: list[pl.DataFrame] = []
        if len(settled) == self.frame.height:
            return pl.DataFrame(schema={"row": pl.UInt32, "key": pl.String})
        for column in self.recognised.columns(Concept.PHONE) if not self.is_broken else []:
            known = self.phones.filter(pl.col("column") == column).select("row", "key")
            rows = pl.DataFrame({"row": pl.arange(0, self.frame.height, eager=True, dtype=pl.UInt32)})
            keys = rows.join(known, on="row", how="left", maintain_order="left")["key"]
            parts.append(possible_numbers(self.frame[column], keys, regions))
        return pl.concat(parts) if parts else pl.DataFrame(schema={"row": pl.UInt32, "key": pl.String})


@dataclass(frozen=True, slots=True)
class Size:
    """The counts.

    Attributes:
        rows: Whole rows.
        rejected_rows: Rows lost in broken lines.
        emails_distinct: Addresses in whole rows.
        emails_distinct_with_broken: The same, and those legible in broken lines.
        emails_public_rule: Addresses in whole rows as the public extractor counts them.
        phones_distinct: Numbers in whole rows.
        fields: Rows in which each field is filled.
        countries: Rows by country.
    """

    rows: int
    rejected_rows: int
    emails_distinct: int
    emails_distinct_with_broken: int
    emails_public_rule: int
    phones_distinct: int
    fields: Mapping[str, int]
    countries: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch that is worked out and not yet counted."""

    rows: int
    rejected: int
    parts: tuple[KeyedRows, ...] = field(repr=False)
    hashes: Mapping[str, Hashes] = field(repr=False)
    fields: Counter[str]
    countries: Counter[str]


@dataclass(slots=True)
class Sizer:
    """The counts of a dump, taken in batch by batch.

    Attributes:
        seed: Seed of the hashes; random for each run, so that nobody can prepare collisions.
    """

    seed: int
    rows: int = 0
    rejected: int = 0
    emails: DistinctHashes = field(default_factory=DistinctHashes)
    broken_emails: DistinctHashes = field(default_factory=DistinctHashes)
    not_public: DistinctHashes = field(default_factory=DistinctHashes)
    phones: DistinctHashes = field(default_factory=DistinctHashes)
    fields: Counter[str] = field(default_factory=Counter)
    countries: Counter[str] = field(default_factory=Counter)

    def prepare(self, batch: Batch, recognised: Recognised) -> Prepared:
        """Work a batch out; changes nothing, so that several batches can be worked out at once."""
        parts: list[KeyedRows] = []
        hashes: dict[str, Hashes] = {}
        fields: Counter[str] = Counter()
        countries: Counter[str] = Counter()
        if batch.frame.height:
            keyed, public = keyed_rows(batch, recognised)
            addresses = keyed.emails["key"]
            hashes = {
                "emails": hashes_of(addresses, self.seed),
                "not_public": hashes_of(addresses.filter(~public), self.seed),
                "phones": hashes_of(keyed.phones["key"], self.seed),
            }
            fields = _filled(batch, recognised)
            countries = keyed.countries
            parts.append(keyed)
        if batch.broken:
            legible, _ = keyed_rows(Batch(legible_frame(batch.broken)), _LEGIBLE, is_broken=True)
            hashes["broken_emails"] = hashes_of(legible.emails["key"], self.seed)
            parts.append(legible)
        if (beside := _beside(batch, parts)).len():
            loose, _ = keyed_rows(Batch(pl.DataFrame({"email": beside})), _LOOSE, is_broken=True)
            hashes["beside"] = hashes_of(loose.emails["key"], self.seed)
            parts.append(replace(loose, is_beside=True))
        return Prepared(batch.frame.height, batch.rejected, tuple(parts), hashes, fields, countries)

    def take(self, prepared: Prepared) -> tuple[KeyedRows, ...]:
        """Count a batch that was worked out; give its rows back with their keys, whole ones first."""
        self.rows += prepared.rows
        self.rejected += prepared.rejected
        self.fields.update(prepared.fields)
        self.countries.update(prepared.countries)
        sets = {"emails": self.emails, "not_public": self.not_public, "phones": self.phones,
                "broken_emails": self.broken_emails, "beside": self.emails}  # fmt: skip
        for name, hashes in prepared.hashes.items():
            sets[name].add(hashes)
        return prepared.parts

    def size(self, workers: Workers) -> Size:
        """Return the counts so far.

        Args:
            workers: Sort what is to be counted.
        """
        for _ in workers.results([self.emails.all, self.phones.all]):
            pass
        only_broken = int(self.emails.unknown(self.broken_emails.all()).sum())
        return Size(
            rows=self.rows,
            rejected_rows=self.rejected,
            emails_distinct=len(self.emails),
            emails_distinct_with_broken=len(self.emails) + only_broken,
            emails_public_rule=len(self.emails) - len(self.not_public),
            phones_distinct=len(self.phones),
            fields={name: count for name, count in sorted(self.fields.items()) if count},
            countries=dict(self.countries.most_common()),
        )


def _filled(batch: Batch, recognised: Recognised) -> Counter[str]:
    counts: Counter[str] = Counter()
    filled = batch.frame.select((pl.all().str.len_bytes() > 0).sum()).row(0, named=True)
    for column in batch.columns:
        counts[recognised.by_column[column].value] += filled.get(column, batch.frame.height)
    return counts


_LOOSE = Recognised({"email": Concept.EMAIL})
_LEGIBLE = Recognised({"id": Concept.RECORD_ID, "email": Concept.EMAIL, "phone": Concept.PHONE})


def legible_frame(lines: tuple[str, ...]) -> pl.DataFrame:
    """Return what can still be read in broken lines: the first id, address and number of each."""
    found = [(LOOSE_ID.search(line), LOOSE_EMAIL.search(line), LOOSE_PHONE.search(line)) for line in lines]
    return pl.DataFrame(
        [[match[1] if match else None for match in row] for row in found],
        schema={"id": pl.String, "email": pl.String, "phone": pl.String},
        orient="row",
    )


def keyed_rows(batch: Batch, recognised: Recognised, *, is_broken: bool = False) -> tuple[KeyedRows, pl.Series]:
    """Return the rows with their keys, and for each address whether the public rule finds it."""
    country, countries = country_column(batch.frame, recognised)
    emails, public = _emails(batch, recognised)
    phones = _phones(batch.frame, recognised, country)
    return KeyedRows(batch, recognised, country, countries, emails, phones, is_broken), public


def _phones(frame: pl.DataFrame, recognised: Recognised, country: pl.Series) -> pl.DataFrame:
    parts = [
        phone_pairs(frame[column], country).with_columns(pl.lit(column).alias("column"))
        for column in recognised.columns(Concept.PHONE)
    ]
    return (
        pl.concat(parts) if parts else pl.DataFrame(schema={"row": pl.UInt32, "key": pl.String, "column": pl.String})
    )


def _beside(batch: Batch, parts: Sequence[KeyedRows]) -> pl.Series:
    """Return the addresses that the reader found beside rows, or that stand in the text and in none of its rows."""
    if batch.text is None:
        return batch.beside if batch.beside is not None else pl.Series("email", [], dtype=pl.String)
    # Each address has one sign: when there are no more of them, nothing is left to be found.
    shown = [part.emails["key"] for part in parts]
    signs = batch.at_signs if batch.at_signs is not None else batch.text.count(b"@")
    # One sign is looked for much faster than three.
    is_escaped = b"%" in batch.text and b"%40" in batch.text
    if sum(keys.len() for keys in shown) >= signs and not is_escaped:
        return pl.Series("email", [], dtype=pl.String)
    known = pl.concat(shown).unique() if shown else pl.Series("email", [], dtype=pl.String)
    return missing_addresses(addresses_of_text(batch.text), known)


def _emails(batch: Batch, recognised: Recognised) -> tuple[pl.DataFrame, pl.Series]:
    """Return ``row``, ``key`` and ``column`` of each address, and for each whether the public rule finds it."""
    parts: list[pl.DataFrame] = []
    marks: list[pl.Series] = []
    for column in recognised.columns(Concept.EMAIL):
        keys, public = email_keys(batch.frame[column])
        parts.append(_stacked([(column, keys)]))
        marks.append(public.filter(keys.is_not_null()) if keys.null_count() else public)
        odd = keys.is_null() & (batch.frame[column].str.len_bytes() > 0)
        if odd.any():
            _add_loose(parts, marks, column, batch.frame[column], odd.fill_null(value=False), is_column=True)
    found = sum(part.height for part in parts)
    is_rest_bare = batch.at_signs is not None and found == batch.at_signs
    for column, concept in [] if is_rest_bare else list(recognised.by_column.items()):
        if concept not in _NEVER_TEXT:
            values = batch.whole()[column]
            _add_loose(parts, marks, column, values, values.is_not_null(), is_column=False)
    public = pl.concat(marks) if marks else pl.Series("public", [], dtype=pl.Boolean)
    return (pl.concat(parts) if parts else _stacked([])), public


def _add_loose(
    parts: list[pl.DataFrame],
    marks: list[pl.Series],
    column: str,
    values: pl.Series,
    chosen: pl.Series,
    *,
    is_column: bool,
) -> None:
    """Add the addresses inside those cells of a column that are chosen, and whether the public rule finds each."""
    rows = chosen.arg_true()
    finds = addresses_in(values.gather(rows), is_column=is_column).unique(["row", "key"], maintain_order=True)
    if finds.height == 0:
        return
    _, public = email_keys(finds["key"])
    parts.append(finds.select(rows.gather(finds["row"]).alias("row"), "key", pl.lit(column).alias("column")))
    marks.append(public)


def _stacked(parts: list[tuple[str, pl.Series]]) -> pl.DataFrame:
    """Put the keys of several columns under each other, nulls left out."""
    frames = []
    for column, keys in parts:
        filled = keys.is_not_null()
        rows = filled.arg_true() if keys.null_count() else pl.arange(0, keys.len(), eager=True, dtype=pl.UInt32)
        frames.append(
            pl.DataFrame({"row": rows, "key": keys.filter(filled) if keys.null_count() else keys}).with_columns(
                pl.lit(column).alias("column")
            )
        )
    if not frames:
        return pl.DataFrame(schema={"row": pl.UInt32, "key": pl.String, "column": pl.String})
    return frames[0] if len(frames) == 1 else pl.concat(frames)
