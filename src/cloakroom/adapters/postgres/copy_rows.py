"""New rows in PostgreSQL's binary COPY format, made in bulk; runs in worker processes.

Format: PostgreSQL documentation, "COPY", section "Binary Format". Rows of fixed width are laid out by numpy.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cloakroom.crypto import BLOCK_SIZE
from cloakroom.flows.records.import_ports import NewRows
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.envelope import INDEX_CELL, EnvelopeClass
from cloakroom.vault.key_ring import KeyRing
from cloakroom.vault.rows import IndexEntries, RowBlock, RowDigests, columns_of, links_by_row
from cloakroom.vault.sealing import BrandSealer

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
_RECORD = struct.Struct(">hiqiiiiihihi16s")
_LENGTH = struct.Struct(">i")
_NULL = _LENGTH.pack(-1)
_KEY = struct.Struct(">hiiihihihi")
_INDEX = np.dtype(
    [
        ("fields", ">i2"),
        ("ordinal_size", ">i4"),
        ("ordinal", ">i4"),
        ("brand_size", ">i4"),
        ("brand", ">i2"),
        ("index_size", ">i4"),
        ("index_id", ">i2"),
        ("digest_size", ">i4"),
        ("digest", f"V{BLOCK_SIZE}"),
        ("current_size", ">i4"),
        ("current", "?"),
    ]
)


class NewRowEncoder:
    """Seals and encodes new records of one brand."""

    def __init__(self, ring: KeyRing, catalogue: Catalogue, brand: int) -> None:
        """Take the keys, the numbers, and the number of the brand."""
        self._brand = brand
        self._catalogue = catalogue
        self._sealer = BrandSealer(ring, brand)
        self._digests = RowDigests(ring, catalogue, brand)

    def encode(self, block: RowBlock, ordinals: Sequence[int]) -> NewRows:
        """Return the rows of `block` as new records with the given ordinals, laid down in the order of these.

        Rows lie in the table in the order in which they are written, so that order must not be the delivery's.
        """
        order = np.argsort(np.asarray(ordinals, np.int64)).tolist()
        block, ordinals = block.take(order), [ordinals[row] for row in order]
        contents = self._digests.contents(block)
        entries = self._digests.index_entries(block)
        records, keys = self._sealed(block, ordinals, contents, links_by_row(len(block), entries))
        return NewRows(records, keys, self._index(entries, np.asarray(ordinals, np.int64)))

    def _sealed(
        self, block: RowBlock, ordinals: Sequence[int], contents: Sequence[bytes], index_cells: Sequence[bytes]
    ) -> tuple[bytes, bytes]:
        brand, generation = self._brand, self._sealer.generation
        columns = columns_of(block, self._catalogue)
        columns[EnvelopeClass.IDENTITY].insert(0, (INDEX_CELL, index_cells))
        wraps, envelopes = self._sealer.seal_new(ordinals, columns)
        records: list[bytes] = [HEADER]
        pack_record, pack_key = _RECORD.pack, _KEY.pack
        rows = zip(
            ordinals,
            block.modified_at,
            contents,
            *(map(_field, envelopes[item]) for item in EnvelopeClass),
            strict=True,
        )
        for ordinal, valid_from, content, contact, identity, value in rows:
            records.append(
                pack_record(9, 8, valid_from, 4, ordinal, 4, 1, 2, brand, 2, 0, BLOCK_SIZE, content)
                + contact
                + identity
                + value
            )
        keys = [
            pack_key(5, 4, ordinal, 2, brand, 2, generation, 2, 0, len(one)) + one
            for ordinal, one in zip(ordinals, wraps, strict=True)
        ]
        records.append(TRAILER)
        return b"".join(records), b"".join((HEADER, *keys, TRAILER))

    def _index(self, entries: Sequence[IndexEntries], ordinals: NDArray[np.int64]) -> bytes:
        generation = self._digests.generations[0]
        tables = []
        for item in entries:
            stored = self._digests.stored_links(item.links)
            table = np.zeros(len(item.rows), _INDEX)
            table["fields"], table["brand_size"], table["brand"] = 5, 2, self._brand
            table["index_size"], table["index_id"] = 2, item.number * 256 + generation
            table["digest_size"], table["digest"] = BLOCK_SIZE, np.frombuffer(stored, f"V{BLOCK_SIZE}")
            table["ordinal_size"], table["ordinal"] = 4, ordinals[item.rows]
            table["current_size"], table["current"] = 1, True
            # In the order of the index: its pages are then visited one after the other, which saves a third.
            tables.append(table[np.argsort(np.frombuffer(stored, ">u8")[::2])])
        return b"".join((HEADER, *(table.tobytes() for table in tables), TRAILER))


def _field(data: bytes | None) -> bytes:
    return _NULL if data is None else _LENGTH.pack(len(data)) + data
