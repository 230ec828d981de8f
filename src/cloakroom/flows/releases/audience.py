"""The audience of a release: records chosen by their facets, and shown under the entries that name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyroaring import BitMap

from cloakroom.errors import BusyError
from cloakroom.flows.ledger.entry_writing import DurableEntry
from cloakroom.flows.opening import RecordOpener
from cloakroom.flows.releases.ports import ReleaseRecords
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.facets import CANARY, ERASED, RECORD
from cloakroom.vault.tokens import RecordReference


class Audience:
    """Chooses and shows the records of releases."""

    def __init__(self, *, records: ReleaseRecords, catalogue: Catalogue, bands: Mapping[str, Sequence[int]]) -> None:
        """Take the sealed records, the numbers of brands and fields, and the steps of bands."""
        self._records = records
        self._catalogue = catalogue
        self._bands = bands

    def choose(self, brand: str, facets: Mapping[str, str]) -> BitMap:
        """Within a transaction: return the live records that have every facet; no canaries, none that is erased.

        Raises:
            BusyError: The keys of the brand are being rotated.
        """
        number = self._catalogue.brand(brand)
        if not self._records.settle_keys(number):
            raise BusyError("the keys of this brand are being rotated; try again")
        held = self._records.facets(number)
        chosen = held.get((RECORD, "all"), BitMap()).copy()
        for place in facets.items():
            chosen &= held.get(place, BitMap())
        for (name, _), members in held.items():
            if name in {CANARY, ERASED}:
                chosen -= members
        return self._records.live(number, chosen)

    def show(self, brand: str, ordinals: Sequence[int], entry: DurableEntry) -> list[dict[str, str]]:
        """Return records of one brand as the entry that names them says, in the order of `ordinals`.

        Raises:
            OpenError: One of them does not open; names the record.
            UnrecordedError: The entry does not name one of them; nothing was opened.
        """
        number = self._catalogue.brand(brand)
        rows = {row.record.ordinal: row for row in self._records.sealed_rows(ordinals)}
        opener = RecordOpener(self._catalogue, self._records.openers, rows, self._bands)
        return opener.show([RecordReference(number, ordinal) for ordinal in ordinals], {brand: entry})
