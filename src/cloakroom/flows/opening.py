"""Opening: the one door to plaintext. Nothing else unseals a record.

Contract:

- A record is opened under a `DurableEntry`, which only an entry gives that the store has for certain. It names the
  records and the fields; what it does not name is not opened, whoever asks (`UnrecordedError`).
- `RecordOpener.show_many` renders the fields in the forms that the entry says were shown. `open_rows` gives values
  as they are, to those who compare or imitate records and show them to nobody; their entries say so.
- `index_links` is the exception, and opens nothing that was ever a value: of a record it reads only the keyed
  digests under which the blind index holds it, for those who take out or compare its rows of the index. Such changes
  have their own entries, in the transaction that changes the rows.
- A record that does not open (`OpenError`) is told apart from one that may not be: its keys may have been rotated
  meanwhile, so that the caller can read the key ring anew and try once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from cloakroom.errors import OpenError, UnrecordedError
from cloakroom.flows.entry_writing import DurableEntry
from cloakroom.flows.ports import StoredRow
from cloakroom.gate.forms import mask_kind, render
from cloakroom.gate.policy import Form
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.row_changes import ERASED
from cloakroom.vault.rows import INDEX_CELL, read_index_cell
from cloakroom.vault.sealing import BrandSealer, SealedKeys, SealedRecord
from cloakroom.vault.tokens import RecordReference

EnteredRecords = tuple[Sequence[RecordReference], Mapping[str, DurableEntry]]
"""Records that are to be shown, and the entry that opens those of each brand, by its name."""

_Shown = tuple[tuple[str, Form], ...]
"""The fields shown, and the form of each."""

_Rendering = Callable[[str], str | None]
"""Makes of a text what may be seen of it, if anything."""

_Field = tuple[int, str, _Rendering | None]
"""Number and name of a field, and what makes its form of it; None where it is shown as it is."""


class RecordOpener:
    """Opens records that durable entries name, and shows their fields in the forms that the entries say."""

    def __init__(
        self,
        catalogue: Catalogue,
        sealers: Mapping[int, BrandSealer],
        rows: Mapping[int, StoredRow],
        bands: Mapping[str, Sequence[int]],
    ) -> None:
        """Take the numbers, what opens each brand, the sealed rows by ordinal, and the steps of bands."""
        self._catalogue = catalogue
        self._sealers = sealers
        self._rows = rows
        self._bands = bands
        self._names = {number: name for name, number in catalogue.brands.items()}
        self._plans: dict[_Shown, tuple[Mapping[EnvelopeClass, list[int]], list[_Field]]] = {}

    def with_sealers(self, sealers: Mapping[int, BrandSealer]) -> RecordOpener:
        """Return what opens the same records with other sealers."""
        return RecordOpener(self._catalogue, sealers, self._rows, self._bands)

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
        groups: dict[tuple[int, _Shown], list[tuple[int, int, SealedRecord, SealedKeys]]] = {}
        for request, (references, entries) in enumerate(requests):
            for brand, rows in self._present(references).items():
                entry = _covering(entries.get(self._names[brand]), (record.ordinal for _, record, _ in rows))
                group = groups.setdefault((brand, tuple(entry.forms.items())), [])
                group += [(request, at, record, keys) for at, record, keys in rows]
        for (brand, forms), group in groups.items():
            wanted, fields = self._plan(forms)
            opened = self._sealers[brand].open_many([(record, keys) for _, _, record, keys in group], wanted)
            for (request, at, record, _), values in zip(group, opened, strict=True):
                if values is None:
                    broken[request] = _broken(record.ordinal)
                else:
                    shown[request][at] = _rendered(values, fields)
        return [broken.get(request, one) for request, one in enumerate(shown)]

    def _present(
        self, references: Sequence[RecordReference]
    ) -> Mapping[int, list[tuple[int, SealedRecord, SealedKeys]]]:
        """Return by brand the place of each record that is neither erased nor gone, and what is stored of it."""
        by_brand: dict[int, list[tuple[int, SealedRecord, SealedKeys]]] = {}
        for at, reference in enumerate(references):
            row = self._rows.get(reference.ordinal)
            if row is None or row.keys is None or row.brand != reference.brand or row.state == ERASED:
                continue
            by_brand.setdefault(row.brand, []).append((at, row.record, row.keys))
        return by_brand

    def _plan(self, shown: _Shown) -> tuple[Mapping[EnvelopeClass, list[int]], list[_Field]]:
        plan = self._plans.get(shown)
        if plan is None:
            wanted: dict[EnvelopeClass, list[int]] = {}
            fields: list[_Field] = []
            for name, form in shown:
                if form is not Form.TOKEN and name in self._catalogue.fields:
                    number, definition = self._catalogue.fields[name], self._catalogue.definitions[name]
                    wanted.setdefault(self._catalogue.envelope_class(name), []).append(number)
                    masked = mask_kind(str(definition.kind), definition.data_element)
                    rendering = partial(render, form, masked, steps=self._bands.get(name, ()))
                    fields.append((number, name, None if form is Form.REVEAL else rendering))
            plan = self._plans[shown] = (wanted, fields)
        return plan


def open_rows(
    entry: DurableEntry,
    rows: Iterable[StoredRow],
    *,
    catalogue: Catalogue,
    sealers: Mapping[int, BrandSealer],
) -> Iterator[tuple[StoredRow, dict[str, str]]]:
    """Yield sealed rows with their values, brand by brand; what was erased is left out.

    Args:
        entry: Names the records, and the fields that are opened.
        rows: Current or earlier versions of these records.
        catalogue: Numbers of fields.
        sealers: Opens the records of each brand, by its number.

    Yields:
        Each row with its text by field; a field that the row lacks is left out.

    Raises:
        OpenError: A row does not open; names the record.
        UnrecordedError: The entry does not name a record.
    """
    wanted: dict[EnvelopeClass, list[int]] = {}
    names: dict[int, str] = {}
    for name in entry.forms:
        if name in catalogue.fields and name in catalogue.definitions:
            names[catalogue.fields[name]] = name
            wanted.setdefault(catalogue.envelope_class(name), []).append(catalogue.fields[name])
    by_brand: dict[int, list[tuple[StoredRow, SealedKeys]]] = {}
    for row in rows:
        if row.keys is not None:
            by_brand.setdefault(row.brand, []).append((row, row.keys))
    for brand, present in by_brand.items():
        _covering(entry, (row.record.ordinal for row, _ in present))
        opened = sealers[brand].open_many([(row.record, keys) for row, keys in present], wanted)
        for (row, _), values in zip(present, opened, strict=True):
            if values is None:
                raise _broken(row.record.ordinal)
            yield row, {names[number]: value.decode() for number, value in values.items()}


def index_links(rows: Iterable[tuple[SealedRecord, SealedKeys]], sealer: BrandSealer) -> list[tuple[int, int, bytes]]:
    """Return (ordinal, number of the index, link digest) of every index row that these versions of records have.

    Args:
        rows: Versions of records of one brand, each with its keys.
        sealer: Opens the records of that brand.

    Raises:
        OpenError: One of them does not open; names the record.
    """
    present = [(record, keys) for record, keys in rows if record.envelopes[EnvelopeClass.IDENTITY - 1] is not None]
    found: set[tuple[int, int, bytes]] = set()
    opened = sealer.open_many(present, {EnvelopeClass.IDENTITY: (INDEX_CELL,)})
    for (record, _), values in zip(present, opened, strict=True):
        if values is None:
            raise _broken(record.ordinal)
        found.update((record.ordinal, number, link) for number, link in read_index_cell(values[INDEX_CELL]))
    return sorted(found)


def _covering(entry: DurableEntry | None, ordinals: Iterable[int]) -> DurableEntry:
    """Return the entry if it names all of these records.

    Raises:
        UnrecordedError: It does not, or there is none.
    """
    missing = next((ordinal for ordinal in ordinals if entry is None or ordinal not in entry.records), None)
    if missing is not None or entry is None:
        raise UnrecordedError(f"no durable entry names record {missing}; nothing of it was opened")
    return entry


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
