"""From raw rows to typed ones: reads each column, refuses what cannot be read, keeps the rest in step."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import polars as pl

from cloakroom.adapters.deliveries.batches import Limits, RawBlock, Rejection, RowBatch
from cloakroom.adapters.deliveries.birth_dates import BirthDates, is_birth_date
from cloakroom.adapters.deliveries.payment_check import find_rows_with_payment_data
from cloakroom.adapters.deliveries.record_ids import canonical_id
from cloakroom.adapters.deliveries.spoilt_ids import CrowdedIds, shortened, without_fractions
from cloakroom.adapters.deliveries.stated_order import (
    Read,
    is_other_way,
    reading_otherwise,
    time_read_otherwise,
)
from cloakroom.adapters.deliveries.times import TimeReader
from cloakroom.adapters.deliveries.values import (
    REASONS,
    Texts,
    band_reader,
    normal_forms,
    read_amount,
    read_language,
    reader_of,
)
from cloakroom.canonical.countries import country_code, subdivision_code
from cloakroom.clock import SystemClock
from cloakroom.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from cloakroom.vault.group import Group
    from cloakroom.vault.mapping import BrandMapping, ColumnMapping

T = TypeVar("T")

_FACET_CHECKS: dict[str, Callable[[str], str | None]] = {
    "country": country_code,
    "language": read_language,
}


class Interpreter:
    """Makes typed rows of one brand.

    Args:
        mapping: What the columns mean.
        group: Knows the countries of the brand's shops.
        limits: How large things may be.
        name: Of the file, for messages.
        today: The day by which birth dates are judged.
        whole_ids: Record ids are whole numbers that were written with a fraction of nought.
    """

    def __init__(
        self,
        mapping: BrandMapping,
        group: Group,
        limits: Limits,
        name: str = "",
        *,
        today: date | None = None,
        whole_ids: bool = False,
    ) -> None:
        self._name = name
        self._whole_ids = whole_ids
        self._crowded = CrowdedIds(mapping, name)
        self._births = BirthDates(today or SystemClock().now().date())
        self._mapping = mapping
        self._group = group
        self._limits = limits
        self._times = TimeReader(mapping.record.modified_at_format, mapping.timezone)
        self._readers = {column.source: reader_of(column, mapping) for column in mapping.columns}
        self._band = band_reader(mapping.spend_bands) if mapping.spend_bands else None

    def interpret(self, block: RawBlock, bytes_read: int) -> RowBatch:
        """Return the typed rows of a block; `bytes_read` is passed on.

        Raises:
            InputError: The block is written the other way round than the mapping says, or its record ids stand for
                several customers each.
        """
        work = _Work(block)
        self._check_texts(block, work)
        ids, modified_at, deleted = self._record_columns(block, work)
        filled = {column.field.name: self._column(block, column, deleted, work) for column in self._mapping.columns}
        self._crowded.refuse(
            ids, [at for at, gone in enumerate(deleted) if not gone], block.lines, modified_at, filled
        )
        regions = self._regions(filled, len(ids))
        work.refuse_payment_data(find_rows_with_payment_data(block, self._mapping, regions.__getitem__))
        normal = {
            definition.name: normal_forms(definition.kind, filled[definition.name], regions)
            for definition in self._mapping.fields
            if definition.indexed
        }
        facets = self._facets(filled, deleted)
        keep = work.keeper()
        return RowBatch(
            lines=keep(block.lines),
            record_ids=[identifier or "" for identifier in keep(ids)],
            modified_at=keep(modified_at),
            deleted=keep(deleted),
            columns={name: keep(values) for name, values in filled.items()},
            normal={name: keep(values) for name, values in normal.items()},
            without_key=_without_key(filled, normal, keep),
            facets={name: keep(values) for name, values in facets.items()},
            rejected=work.rejections(),
            rows_read=block.rows_read,
            bytes_read=bytes_read,
        )

    def _check_texts(self, block: RawBlock, work: _Work) -> None:
        """Refuse rows with texts that are too long, or hold a NUL, which is the sign of a wrong encoding."""
        longest = self._limits.field_chars
        for source, texts in block.columns.items():
            for at in _where(texts.str.len_chars() > longest):
                work.add(at, source, f"is longer than {longest} characters")
            for at in _where(texts.str.contains("\x00", literal=True)):
                work.add(at, source, "holds a NUL character; is the encoding right?")

    def _record_columns(self, block: RawBlock, work: _Work) -> tuple[list[str | None], list[int | None], list[bool]]:
        record = self._mapping.record
        ids: list[str | None] = []
        texts = block.columns[record.id]
        if self._whole_ids:
            texts = without_fractions(texts, self._name, record.id, block.lines)
        for at in shortened(texts):
            work.add(at, record.id, "is a number that a spreadsheet shortened; its last digits are lost")
        for at, text in enumerate(texts.to_list()):
            identifier = canonical_id(text, record.id_style) if text else None
            if identifier is None:
                work.add(at, record.id, "is missing" if not text or not text.strip() else "is no record id")
            ids.append(identifier)
        modified_at: list[int | None] = [None] * len(ids)
        if record.modified_at is not None:
            texts = block.columns[record.modified_at]
            modified_at = self._times.times(texts)
            if None in modified_at:
                otherwise = time_read_otherwise(record.modified_at_format, self._mapping)
                self._check_order(block, record.modified_at, otherwise, (texts.to_list(), modified_at))
            for at, time in enumerate(modified_at):
                if time is None:
                    work.add(at, record.modified_at, "is no time as the mapping describes it")
        return ids, modified_at, self._deleted(block, work)

    def _deleted(self, block: RawBlock, work: _Work) -> list[bool]:
        record = self._mapping.record
        if record.deleted is None:
            return [False] * len(block.lines)
        flags: list[bool] = []
        known: dict[str | None, bool] = {}
        for at, text in enumerate(block.columns[record.deleted].to_list()):
            flag = known.get(text)
            if flag is None:
                word = (text or "").strip().lower()
                flag = word in record.deleted_true
                if flag or word in record.deleted_false:
                    known[text] = flag
                else:
                    work.add(at, record.deleted, "is none of the words of `deleted_true` and `deleted_false`")
            flags.append(flag)
        return flags

    def _column(self, block: RawBlock, column: ColumnMapping, deleted: list[bool], work: _Work) -> Texts:
        if column.source not in block.columns:  # an optional one
            return [None] * len(deleted)
        texts = self._filled_texts(block.columns[column.source], deleted)
        reader = self._readers[column.source]
        if reader is None:
            return texts
        values: Texts = [None if text is None else reader(text) for text in texts]
        if values.count(None) != texts.count(None):
            otherwise = reading_otherwise(column, self._mapping)
            self._check_order(block, column.source, otherwise, (texts, values))
            for at, (text, value) in enumerate(zip(texts, values, strict=True)):
                if text is not None and value is None:
                    if column.strict:
                        work.add(at, column.source, REASONS[column.field.kind])
                    else:
                        values[at] = text
        if is_birth_date(column.field):
            for at, reason in self._births.wrong(values):
                work.add(at, column.source, reason)
        return values

    def _check_order(
        self,
        block: RawBlock,
        source: str,
        otherwise: tuple[Read, str] | None,
        read: tuple[Texts, Sequence[object]],
    ) -> None:
        """Refuse the file where a column, of which some values cannot be read, is written the other way round."""
        if otherwise is None:
            return
        unread = [at for at, (text, value) in enumerate(zip(*read, strict=True)) if text and value is None]
        taken = [text for text, value in zip(*read, strict=True) if text and value is not None]
        if is_other_way(otherwise[0], [read[0][at] or "" for at in unread], taken):
            reason = f"column `{source}` is written {otherwise[1]}"
            raise InputError.at(self._name, reason, line=block.lines[unread[0]])

    def _filled_texts(self, column: pl.Series, deleted: list[bool]) -> Texts:
        """Return the texts of a column, None where the row is silent or says that the record is gone."""
        # White space alone can only be found where a text begins with white space.
        blank = column == ""
        if column.str.contains(r"^\s").any():
            blank |= column.str.strip_chars() == ""
        if self._mapping.empty:
            blank |= column.str.strip_chars().str.to_lowercase().is_in(list(self._mapping.empty))
        if True in deleted:
            blank |= pl.Series(deleted)
        texts: Texts = column.to_list() if not blank.any() else column.set(blank, None).to_list()
        return texts

    def _regions(self, columns: dict[str, Texts], count: int) -> list[str | None]:
        """Return the country of each row's national telephone numbers."""
        default = self._mapping.defaults.get("country")
        regions: list[str | None] = [None] * count
        for source in self._mapping.phone_country:
            values = columns.get(source)
            if values is None or None not in regions:
                continue
            found = values if source == "country" else [self._store_country(code) for code in values]
            regions = [old or new for old, new in zip(regions, found, strict=True)]
        return [region or default for region in regions] if default else regions

    def _store_country(self, code: str | None) -> str | None:
        return None if code is None else self._group.store_country(self._mapping.brand, code)

    def _facets(self, columns: dict[str, Texts], deleted: list[bool]) -> dict[str, Texts]:
        facets: dict[str, Texts] = {}
        for facet in self._mapping.facets:
            values = self._facet(facet, columns)
            default = self._mapping.defaults.get(facet)
            if values is None:
                values = [default] * len(deleted)
            elif default is not None:
                values = [value or default for value in values]
            if default is not None and True in deleted:
                values = [None if gone else value for value, gone in zip(values, deleted, strict=True)]
            facets[facet] = values
        return facets

    def _facet(self, facet: str, columns: dict[str, Texts]) -> Texts | None:
        """Return the values of one facet; texts that a lenient column let through stay out of the sets."""
        if facet == "spend_band":
            assert self._mapping.spend_bands is not None
            assert self._band is not None
            column = self._mapping.column_of(self._mapping.spend_bands.field)
            is_strict = column is not None and column.strict
            return _each(columns[self._mapping.spend_bands.field], self._band if is_strict else self._band_of)
        values = columns.get(facet)
        if values is None:
            return None
        if facet == "region":
            return self._regions_of_rows(values, columns.get("country"))
        check = self._births.known if facet == "birth_date" else _FACET_CHECKS.get(facet)
        return list(values) if check is None else _each(values, check)

    def _regions_of_rows(self, values: Texts, countries: Texts | None) -> Texts:
        column = self._mapping.column_of("region")
        words = column.words if column is not None else {}
        home = self._mapping.defaults.get("country")
        return [
            None if value is None else _subdivision(country or home, value, words)
            for value, country in zip(values, countries or [None] * len(values), strict=True)
        ]

    def _band_of(self, amount: str) -> str | None:
        assert self._band is not None
        return self._band(amount) if read_amount(amount, ".", "") == amount else None


class _Work:
    """The mistakes found in the rows of one block: the first one of each row."""

    def __init__(self, block: RawBlock) -> None:
        self._block = block
        self._wrong: dict[int, tuple[str | None, str]] = {}
        self._with_payment_data: set[int] = set()

    def add(self, at: int, source: str | None, reason: str) -> None:
        """Refuse the row at a position."""
        self._wrong.setdefault(at, (source, reason))

    def refuse_payment_data(self, found: Mapping[int, tuple[str | None, str]]) -> None:
        """Refuse rows with payment data, whatever was found before: that matters most."""
        self._wrong |= found
        self._with_payment_data |= found.keys()

    def keeper(self) -> Callable[[list[T]], list[T]]:
        """Return the function that leaves refused rows out of a column."""
        wrong = self._wrong
        if not wrong:
            return lambda values: values
        return lambda values: [value for at, value in enumerate(values) if at not in wrong]

    def rejections(self) -> list[Rejection]:
        """Return all refused rows of the block, in the order of their lines."""
        lines = self._block.lines
        found = [
            Rejection(lines[at], source, reason, holds_payment_data=at in self._with_payment_data)
            for at, (source, reason) in self._wrong.items()
        ]
        return sorted([*self._block.rejected, *found], key=lambda rejection: rejection.line)


def _without_key(
    filled: Mapping[str, Texts], normal: Mapping[str, Texts], keep: Callable[[Texts], Texts]
) -> dict[str, int]:
    """Count, by indexed field, the values of rows that are taken under which no record can be found."""
    counts = {name: keep(forms).count(None) - keep(filled[name]).count(None) for name, forms in normal.items()}
    return {name: count for name, count in counts.items() if count}


def _where(flags: pl.Series) -> list[int]:
    """Return the positions of what is true."""
    return flags.arg_true().to_list() if flags.any() else []


def _each(values: Texts, function: Callable[[str], str | None]) -> Texts:
    return [None if value is None else function(value) for value in values]


def _subdivision(country: str | None, text: str, words: Mapping[str, str]) -> str | None:
    if country is None:
        return None
    return subdivision_code(country, words.get(text.strip().lower(), text))
