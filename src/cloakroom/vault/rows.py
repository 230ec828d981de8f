"""Rows of a brand's system on their way into the store: what is sealed, what is indexed, what is recognised.

Pure and columnar: a `RowBlock` holds lists of equal length, so that a worker process can seal thousands of rows per
call. Everything that must not differ between a first import and a later change is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloakroom.crypto import BLOCK_SIZE, KeyedDigest
from cloakroom.vault.blind_index import BrandIndex, LinkDigests
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.envelope import INDEX_CELL, EnvelopeClass
from cloakroom.vault.key_ring import KeyPurpose, KeyRing

RECORD_ID_FIELD = "customer_number"
RECORD_ID_INDEX = "customer_number"
_SEPARATOR = "\x1f"
_ABSENT = "\x1e"


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Rows of one brand, column by column.

    Attributes:
        record_ids: Canonical id of each row's record.
        modified_at: When the row's values began to hold, in microseconds.
        deleted: Whether the row says that the record is gone.
        columns: Texts by field; None where the row is silent.
        normal: Normal forms by indexed field.
        facets: Facet values by facet name.
    """

    record_ids: Sequence[str]
    modified_at: Sequence[int]
    deleted: Sequence[bool]
    columns: Mapping[str, Sequence[str | None]]
    normal: Mapping[str, Sequence[str | None]]
    facets: Mapping[str, Sequence[str | None]]

    def __len__(self) -> int:
        return len(self.record_ids)

    def take(self, positions: Sequence[int]) -> RowBlock:
        """Return the rows at `positions`."""
        return RowBlock(
            [self.record_ids[at] for at in positions],
            [self.modified_at[at] for at in positions],
            [self.deleted[at] for at in positions],
            {name: [values[at] for at in positions] for name, values in self.columns.items()},
            {name: [values[at] for at in positions] for name, values in self.normal.items()},
            {name: [values[at] for at in positions] for name, values in self.facets.items()},
        )

    def __repr__(self) -> str:
        return f"RowBlock({len(self)} rows)"


class RowDigests:
    """Computes the keyed digests of one brand's rows."""

    def __init__(self, ring: KeyRing, catalogue: Catalogue, brand: int) -> None:
        """Take the keys, the numbers, and the number of the brand."""
        self._catalogue = catalogue
        self._brand = brand
        self._content = KeyedDigest(ring.get(KeyPurpose.CONTENT, brand))
        self._link = LinkDigests(ring.get(KeyPurpose.LINK))
        self._indexes = {
            generation: BrandIndex(ring.get(KeyPurpose.INDEX, brand, "", generation))
            for generation in ring.generations(KeyPurpose.INDEX, brand)
        }
        self._newest = ring.newest(KeyPurpose.INDEX, brand)

    @property
    def catalogue(self) -> Catalogue:
        """The numbers that digests are made with."""
        return self._catalogue

    @property
    def generations(self) -> list[int]:
        """Generations of the brand's index key that are still read, newest first."""
        return sorted(self._indexes, reverse=True)

    def index_id(self, index: str, generation: int | None = None) -> int:
        """Return the number under which digests of `index` are stored."""
        return self._catalogue.index_id(index, self._newest if generation is None else generation)

    def link(self, index: str, normal_forms: Sequence[str]) -> bytes:
        """Return link digests, 16 bytes each."""
        scope = self._catalogue.index_scope(index, self._brand)
        return self._link.digest(self._catalogue.indexes[index], scope, normal_forms)

    def stored(self, index: str, normal_forms: Sequence[str], generation: int | None = None) -> bytes:
        """Return the digests as stored, 16 bytes each."""
        brand_index = self._indexes[self._newest if generation is None else generation]
        return brand_index.to_stored(self.link(index, normal_forms))

    def to_link(self, stored: bytes, generation: int) -> bytes:
        """Return the link digests behind stored digests of one generation."""
        return self._indexes[generation].to_link(stored)

    def contents(self, block: RowBlock) -> list[bytes]:
        """Return for each row the digest (16 bytes) by which its repetition is recognised."""
        names = sorted(block.columns)
        head = _SEPARATOR.join(names) + _SEPARATOR
        # Column by column: most of them are full, and then nothing is asked of each text.
        columns = [
            [_ABSENT if text is None else text for text in block.columns[name]]
            if None in block.columns[name]
            else block.columns[name]
            for name in names
        ]
        rows = zip(block.record_ids, *columns, strict=True)
        texts = [head + _SEPARATOR.join(row) for row in rows]
        for row in _ambiguous_rows(block, texts, head.count(_SEPARATOR) + len(names)):
            sizes = ["-" if text is None else str(len(text)) for text in (block.columns[name][row] for name in names)]
            texts[row] += _SEPARATOR + ",".join(sizes)
        return self._content.digests([text.encode() for text in texts], BLOCK_SIZE)

    def index_entries(self, block: RowBlock) -> list[IndexEntries]:
        """Return the index entries of all rows, one value for each index.

        A value that two fields of a record share enters an index once.
        """
        by_index: dict[str, dict[tuple[int, str], None]] = {RECORD_ID_INDEX: {}}
        record_ids = by_index[RECORD_ID_INDEX]
        for row, record_id in enumerate(block.record_ids):
            record_ids[(row, record_id)] = None
        for name, forms in block.normal.items():
            index = self._catalogue.definitions[name].index
            if index is not None and name != RECORD_ID_FIELD:
                entries = by_index.setdefault(index, {})
                for row, form in enumerate(forms):
                    if form is not None:
                        entries[(row, form)] = None
        return [
            IndexEntries(
                self._catalogue.indexes[index],
                [row for row, _ in entries],
                self.link(index, [form for _, form in entries]),
            )
            for index, entries in by_index.items()
        ]

    def stored_links(self, links: bytes, generation: int | None = None) -> bytes:
        """Return the digests as stored for the concatenated link digests."""
        return self._indexes[self._newest if generation is None else generation].to_stored(links)


def _ambiguous_rows(block: RowBlock, texts: Sequence[str], separators: int) -> set[int]:
    """Return the rows that hold a separator, or the sign of an absent text, within a text of their own."""
    found = {row for row, text in enumerate(texts) if text.count(_SEPARATOR) != separators}
    for values in block.columns.values():
        if _ABSENT in values:
            found.update(row for row, text in enumerate(values) if text == _ABSENT)
    return found


@dataclass(frozen=True, slots=True)
class IndexEntries:
    """Entries of one index.

    Attributes:
        number: Number of the index.
        rows: The row of each entry.
        links: Link digest of each entry, 16 bytes each, concatenated.
    """

    number: int
    rows: list[int]
    links: bytes


def links_by_row(count: int, entries: Sequence[IndexEntries]) -> list[bytes]:
    """Return for each of `count` rows the content of its index cell (field 0 of the identity envelope).

    The cell remembers under which digests a record stands in the indexes, so that a later change or an erasure finds
    its index rows without deriving normal forms again, whatever has become of the rules for them.
    """
    cells = [b""] * count
    for item in entries:
        head = bytes((item.number,))
        for position, row in enumerate(item.rows):
            cells[row] += head + item.links[position * BLOCK_SIZE : (position + 1) * BLOCK_SIZE]
    return cells


def read_index_cell(cell: bytes) -> list[tuple[int, bytes]]:
    """Return (index number, link digest) of each entry in an index cell."""
    step = 1 + BLOCK_SIZE
    return [(cell[at], cell[at + 1 : at + step]) for at in range(0, len(cell), step)]


def columns_of(
    block: RowBlock, catalogue: Catalogue
) -> dict[EnvelopeClass, list[tuple[int, Sequence[bytes | None]]]]:
    """Return for each class the numbered columns that it seals, in UTF-8; the record id is one of them."""
    columns = dict(block.columns)
    columns.setdefault(RECORD_ID_FIELD, block.record_ids)
    plan: dict[EnvelopeClass, list[tuple[int, Sequence[bytes | None]]]] = {EnvelopeClass.IDENTITY: []}
    for name in sorted(columns, key=catalogue.fields.__getitem__):
        encoded = [None if text is None else text.encode() for text in columns[name]]
        plan.setdefault(catalogue.envelope_class(name), []).append((catalogue.fields[name], encoded))
    return plan


def cells_of_row(
    columns: Mapping[EnvelopeClass, Sequence[tuple[int, Sequence[bytes | None]]]], row: int, index_cell: bytes
) -> dict[EnvelopeClass, list[tuple[int, bytes]]]:
    """Return the cells of one row by class, out of what `columns_of` returned, with the index cell."""
    cells: dict[EnvelopeClass, list[tuple[int, bytes]]] = {EnvelopeClass.IDENTITY: [(INDEX_CELL, index_cell)]}
    for field_class, numbered in columns.items():
        held = [(number, value) for number, values in numbered if (value := values[row]) is not None]
        if held:
            cells.setdefault(field_class, []).extend(held)
    return cells
