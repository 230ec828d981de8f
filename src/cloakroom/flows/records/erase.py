"""Erasure: destroys the keys of records, and everything that could still point to them.

The order of effects, and why a crash anywhere is harmless:

1. The policy is asked; a refusal is an entry of its own, outside of the transaction.
2. A durable transaction begins. The caller's lineage is held, so that a freeze comes before or after all of it; then
   the records are held, brand by brand in the order of their numbers, and only then read: whatever an import or a
   rotation committed before is seen, and nothing comes in between.
3. Within it the index rows of every version, the wrapped keys, the superseded and the current values go, the facets
   forget the records, and the entry that is the receipt is appended.

A crash before the commit changes nothing. After it, every copy of the values, in whatever backup, lies under keys
that no longer exist, and the entry is durable with that: it cannot be done without a line, nor the line be there
without it. Whoever was not told, asks again and hears that there is no such record. The ordinal stays, so that counts
of earlier disclosures still add up; it leads to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyroaring import BitMap

from cloakroom.errors import InputError
from cloakroom.flows.admission.authorisation import Authoriser, Caller
from cloakroom.flows.ledger.entry_writing import EntryWriter
from cloakroom.flows.ledger.ports import PreparedEntry, StoredRow
from cloakroom.flows.opening import index_links
from cloakroom.flows.records.ports import ErasureStore, Facets
from cloakroom.flows.store.keys import StoreKeys
from cloakroom.vault.facets import ERASED, PERMANENT
from cloakroom.vault.tokens import RecordReference
from cloakroom.vocabulary import Operation

MISSING_SHOWN = 20
"""Positions of tokens that an error names at most."""


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """A wish to erase records for good.

    Attributes:
        caller: Who asks.
        references: The records.
        purpose: Purpose of the policy that allows `erase`.
        reference: Case number.
    """

    caller: Caller
    references: Sequence[RecordReference]
    purpose: str
    reference: str | None = None


def erase(
    request: ErasureRequest,
    *,
    store: ErasureStore,
    facets: Facets,
    keys: StoreKeys,
    entries: EntryWriter,
    authoriser: Authoriser,
) -> Sequence[PreparedEntry]:
    """Erase records for good and return the durable entries, one for each brand; the last one is the receipt.

    Args:
        request: Which, for whom and why.
        store: Where they lie.
        facets: Their facets.
        keys: The keys of their brands.
        entries: Writes the entries.
        authoriser: Asks the policy.

    Raises:
        DeniedError: The policy does not allow it, or the principal is frozen.
        InputError: A record is erased already, or never was.
    """
    by_brand: dict[int, BitMap] = {}
    for item in request.references:
        by_brand.setdefault(item.brand, BitMap()).add(item.ordinal)
    names = {brand: keys.catalogue.brand_name(brand) for brand in by_brand}
    authoriser.authorise(
        request.caller,
        Operation.ERASE,
        request.purpose,
        brands=frozenset(names.values()),
        reference=request.reference,
    )
    with store.transaction():
        authoriser.hold_unfrozen(request.caller.lineage)
        for brand, ordinals in sorted(by_brand.items()):
            store.hold_records(brand, list(ordinals))
        keys.refresh()
        rows = _present_rows(request.references, store)
        appended: list[PreparedEntry] = []
        for brand, ordinals in by_brand.items():
            _destroy(brand, [rows[ordinal] for ordinal in ordinals], store=store, facets=facets, keys=keys)
            appended.append(
                entries.append(
                    lineage=request.caller.lineage,
                    operation=Operation.ERASE,
                    brand=names[brand],
                    purpose=request.purpose,
                    reference=request.reference or "",
                    records=ordinals,
                    detail={"credential": request.caller.credential},
                )
            )
    return appended


def _present_rows(references: Sequence[RecordReference], store: ErasureStore) -> Mapping[int, StoredRow]:
    """Return the sealed rows of records by ordinal.

    Raises:
        InputError: One of them has no keys any more, or is unknown.
    """
    rows = {row.record.ordinal: row for row in store.sealed_rows({item.ordinal for item in references})}
    missing = [str(number) for number, item in enumerate(references, 1) if _is_gone(rows.get(item.ordinal))]
    if missing:
        raise InputError.at("tokens", f"no record to erase behind number {', '.join(missing[:MISSING_SHOWN])}")
    return rows


def _is_gone(row: StoredRow | None) -> bool:
    return row is None or row.keys is None


def _destroy(brand: int, rows: Sequence[StoredRow], *, store: ErasureStore, facets: Facets, keys: StoreKeys) -> None:
    ordinals = [row.record.ordinal for row in rows]
    versions = [*rows, *(row for row, _ in store.sealed_versions(ordinals))]
    store.erase_index_rows(brand, keys.digests[brand], index_links(versions, keys.openers, brand))
    store.erase_values(brand, ordinals)
    facets.fold_changes(brand)
    facets.store(brand, _facets_without(facets.load(brand), BitMap(ordinals)))


def _facets_without(facets: Mapping[tuple[str, str], BitMap], gone: BitMap) -> Mapping[tuple[str, str], BitMap]:
    """Return the facets that change when records are erased, as they are then."""
    touched = {
        place: members - gone
        for place, members in facets.items()
        if place[0] not in PERMANENT and members.intersect(gone)
    }
    touched[ERASED, "all"] = facets.get((ERASED, "all"), BitMap()) | gone
    return touched
