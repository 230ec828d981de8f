"""Opening: the one door to plaintext. Nothing else unseals a record.

Contract:

- A record is opened under a `DurableEntry`, which only an entry gives that the store has for certain. It names the
  records and the fields; what it does not name is not opened, whoever asks (`UnrecordedError`).
- `Openers` is the only holder of what unseals (`vault.opening`), and looks at the entry before it does.
- `RecordOpener.show_many` renders the fields in the forms that the entry says were shown. `open_rows` gives values
  as they are, to those who compare or imitate records and show them to nobody; their entries say so.
- `Openers.index_cells` is the exception, and opens nothing that was ever a value: of a record it reads only the keyed
  digests under which the blind index holds it, for those who take out or compare its rows of the index. Such changes
  have their own entries, in the transaction that changes the rows.
- A record that does not open (`OpenError`) is told apart from one that may not be: its keys may have been rotated
  meanwhile, so that the caller can read the key ring anew and try once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from cloakroom.errors import OpenError, UnrecordedError
from cloakroom.flows.ledger.entry_writing import DurableEntry
from cloakroom.flows.ledger.ports import StoredRow
from cloakroom.gate.forms import mask_kind, render
from cloakroom.gate.policy import Form
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.key_ring import KeyRing
from cloakroom.vault.opening import BrandOpener
from cloakroom.vault.row_changes import ERASED, OpenIndexCells
from cloakroom.vault.rows import read_index_cell
from cloakroom.vault.sealed_record import SealedKeys, SealedRecord
from cloakroom.vault.tokens import RecordReference

MAX_FIELD_SETS_KEPT = 1_024

EnteredRecords = tuple[Sequence[RecordReference], Mapping[str, DurableEntry]]
"""Records that are to be shown, and the entry that opens those of each brand, by its name."""

SealedRow = tuple[SealedRecord, SealedKeys]
"""A version of a record with its keys."""

EnteredRows = tuple[DurableEntry, Sequence[SealedRow]]
"""Versions of records, and the entry under which they are opened."""

_Shown = tuple[tuple[str, Form], ...]
"""The fields shown, and the form of each."""

_Rendering = Callable[[str], str | None]
"""Makes of a text what may be seen of it, if anything."""

_Field = tuple[int, str, _Rendering | None]
"""Number and name of a field, and what makes its form of it; None where it is shown as it is."""


class Openers:
    """Opens the records of all brands, each under the entry that names it; made anew when keys change."""

    def __init__(self, ring: KeyRing, catalogue: Catalogue) -> None:
        """Take the key ring, and the numbers of brands and fields."""
        self._brands = {number: BrandOpener(ring, number) for number in catalogue.brands.values()}
        self._catalogue = catalogue
        self._wanted: dict[tuple[str, ...], Mapping[EnvelopeClass, list[int]]] = {}

    def open(
        self, brand: int, entered: Sequence[EnteredRows], fields: tuple[str, ...]
    ) -> list[Mapping[int, bytes] | None]:
        """Return the values of each row by field number, None for each that does not open.

        Args:
            brand: Number of the brand.
            entered: Versions of its records, with the entries that name them.
            fields: Names of the fields; one that the group does not have is left out.

        Raises:
            UnrecordedError: An entry does not name a record or a field that it should open; nothing was opened.
        """
        rows: list[SealedRow] = []
        for entry, under_it in entered:
            unnamed = [name for name in fields if name not in entry.forms]
            if unnamed:
                raise UnrecordedError(f"no durable entry names field {unnamed[0]}; nothing was opened")
            # Thousands in a second: no frame of the interpreter for each.
            if not all(map(entry.records.__contains__, [record.ordinal for record, _ in under_it])):
                missing = next(record.ordinal for record, _ in under_it if record.ordinal not in entry.records)
                raise UnrecordedError(f"no durable entry names record {missing}; nothing was opened")
            rows += under_it
        return self._brands[brand].open_many(rows, self._numbers(fields))

    def index_cells(self, brand: int) -> OpenIndexCells:
        """Return what opens the index cells of a brand's records, and nothing else of them; see the contract."""
        return self._brands[brand].open_index_cells

    def _numbers(self, fields: tuple[str, ...]) -> Mapping[EnvelopeClass, list[int]]:
        """Return field numbers by class; the same few fields are asked for again and again."""
        wanted = self._wanted.get(fields)
        if wanted is None:
            wanted = {}
            for name in fields:
                if name in self._catalogue.fields and name in self._catalogue.definitions:
                    numbers = wanted.setdefault(self._catalogue.envelope_class(name), [])
                    numbers.append(self._catalogue.fields[name])
            if len(self._wanted) >= MAX_FIELD_SETS_KEPT:
                self._wanted.clear()
            self._wanted[fields] = wanted
        return wanted


class RecordOpener:
    """Opens records that durable entries name, and shows their fields in the forms that the entries say."""

    def __init__(
        self,
        catalogue: Catalogue,
        openers: Openers,
        rows: Mapping[int, StoredRow],
        bands: Mapping[str, Sequence[int]],
    ) -> None:
        """Take the numbers, what opens records, the sealed rows by ordinal, and the steps of bands."""
        self._catalogue = catalogue
        self._openers = openers
        self._rows = rows
        self._bands = bands
        self._names = {number: name for name, number in catalogue.brands.items()}
        self._plans: dict[_Shown, tuple[tuple[str, ...], list[_Field]]] = {}

    def with_openers(self, openers: Openers) -> RecordOpener:
        """Return what opens the same records with other openers."""
        return RecordOpener(self._catalogue, openers, self._rows, self._bands)

    def show(
        self, references: Sequence[RecordReference], entries: Mapping[str, DurableEntry]
    ) -> list[dict[str, str]]:
        """Return what may be seen of each record; nothing where it is erased or gone.

        Args:
            references: The records.
            entries: The entry that opens those of each brand, by its name.

        Raises:
            OpenError: One of them does not open; names the record.
            UnrecordedError: The entries do not name one of them.
        """
        (shown,) = self.show_many([(references, entries)])
        if isinstance(shown, OpenError):
            raise shown
        return shown

    def show_many(self, requests: Sequence[EnteredRecords]) -> list[list[dict[str, str]] | OpenError]:
        """Return for each request what `show` does, or what it would raise; one call opens what is shown alike.

        Raises:
            UnrecordedError: The entries of one of them do not name one of its records.
        """
        shown: list[list[dict[str, str]]] = [[{}] * len(references) for references, _ in requests]
        broken: dict[int, OpenError] = {}
        places: dict[tuple[int, _Shown], list[tuple[int, int]]] = {}
        groups: dict[tuple[int, _Shown], list[EnteredRows]] = {}
        for request, (references, entries) in enumerate(requests):
            for brand, (present, rows) in self._present(references).items():
                entry = entries.get(self._names[brand])
                if entry is None:
                    raise UnrecordedError(f"no durable entry names a record of brand {brand}; nothing was opened")
                group = brand, tuple(entry.forms.items())
                places.setdefault(group, []).extend((request, at) for at in present)
                groups.setdefault(group, []).append((entry, rows))
        for (brand, forms), entered in groups.items():
            names, fields = self._plan(forms)
            opened = self._openers.open(brand, entered, names)
            records = (record for _, rows in entered for record, _ in rows)
            for (request, at), record, values in zip(places[brand, forms], records, opened, strict=True):
                if values is None:
                    broken[request] = _broken(record.ordinal)
                else:
                    shown[request][at] = _rendered(values, fields)
        return [broken.get(request, one) for request, one in enumerate(shown)]

    def _present(self, references: Sequence[RecordReference]) -> Mapping[int, tuple[list[int], list[SealedRow]]]:
        """Return by brand the places of the records that are neither erased nor gone, and what is stored of them."""
        by_brand: dict[int, tuple[list[int], list[SealedRow]]] = {}
        for at, reference in enumerate(references):
            row = self._rows.get(reference.ordinal)
            if row is None or row.keys is None or row.brand != reference.brand or row.state == ERASED:
                continue
            places, rows = by_brand.setdefault(row.brand, ([], []))
            places.append(at)
            rows.append((row.record, row.keys))
        return by_brand

    def _plan(self, shown: _Shown) -> tuple[tuple[str, ...], list[_Field]]:
        """Return the names of the fields to open, and how each is rendered."""
        plan = self._plans.get(shown)
        if plan is None:
            fields: list[_Field] = []
            for name, form in shown:
                if form is not Form.TOKEN and name in self._catalogue.fields:
                    number, definition = self._catalogue.fields[name], self._catalogue.definitions[name]
                    masked = mask_kind(str(definition.kind), definition.data_element)
                    rendering = partial(render, form, masked, steps=self._bands.get(name, ()))
                    fields.append((number, name, None if form is Form.REVEAL else rendering))
            plan = self._plans[shown] = (tuple(name for _, name, _ in fields), fields)
        return plan


def open_rows(
    entry: DurableEntry,
    rows: Iterable[StoredRow],
    *,
    catalogue: Catalogue,
    openers: Openers,
) -> Iterator[tuple[StoredRow, dict[str, str]]]:
    """Yield sealed rows with their values, brand by brand; what was erased is left out.

    Args:
        entry: Names the records, and the fields that are opened.
        rows: Current or earlier versions of these records.
        catalogue: Numbers of fields.
        openers: Opens the records.

    Yields:
        Each row with its text by field; a field that the row lacks is left out.

    Raises:
        OpenError: A row does not open; names the record.
        UnrecordedError: The entry does not name a record.
    """
    fields = tuple(name for name in entry.forms if name in catalogue.fields)
    names = {catalogue.fields[name]: name for name in fields}
    by_brand: dict[int, list[tuple[StoredRow, SealedKeys]]] = {}
    for row in rows:
        if row.keys is not None:
            by_brand.setdefault(row.brand, []).append((row, row.keys))
    for brand, present in by_brand.items():
        opened = openers.open(brand, [(entry, [(row.record, keys) for row, keys in present])], fields)
        for (row, _), values in zip(present, opened, strict=True):
            if values is None:
                raise _broken(row.record.ordinal)
            yield row, {names[number]: value.decode() for number, value in values.items()}


def index_links(rows: Iterable[StoredRow], openers: Openers, brand: int) -> list[tuple[int, int, bytes]]:
    """Return (ordinal, number of the index, link digest) of every index row that versions of records have.

    Args:
        rows: Versions of records of one brand; those without keys have no rows any more.
        openers: Opens the records.
        brand: Number of the brand.

    Raises:
        OpenError: One of them does not open; names the record.
    """
    identity = EnvelopeClass.IDENTITY - 1
    present = [
        (row.record, row.keys) for row in rows if row.keys is not None and row.record.envelopes[identity] is not None
    ]
    found: set[tuple[int, int, bytes]] = set()
    for (record, _), cell in zip(present, openers.index_cells(brand)(present), strict=True):
        found.update((record.ordinal, number, link) for number, link in read_index_cell(cell))
    return sorted(found)


def _broken(ordinal: int) -> OpenError:
    return OpenError(f"record {ordinal} does not open: a stored row was changed")


def _rendered(values: Mapping[int, bytes], fields: Sequence[_Field]) -> dict[str, str]:
    """Return the values in their forms; most are shown as they are, and asked for in thousands."""
    shown: dict[str, str] = {}
    for number, name, rendering in fields:
        value = values.get(number)
        if value is None:
            continue
        text = value.decode()
        rendered = text if rendering is None else rendering(text)
        if rendered is not None:
            shown[name] = rendered
    return shown
