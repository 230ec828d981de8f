"""Erasure: destroys the keys of records, and everything that could still point to them.

One durable transaction removes the wrapped keys, the superseded values, the current values, the index rows and the
facets, and appends the entry that is the receipt. A crash before the commit changes nothing; after it, every copy of
the values, in whatever backup, lies under keys that no longer exist. The ordinal stays, so that counts of earlier
disclosures still add up; it leads to nobody.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pyroaring import BitMap

from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.errors import InputError, StoreError
from cloakroom.flows.authorisation import Caller
from cloakroom.flows.opening import index_links
from cloakroom.flows.ports import PreparedEntry, StoredRow
from cloakroom.vault.facets import ERASED, PERMANENT
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application

_PATIENCE = 300
"""Tenths of a second to wait for the sequencer."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of an erasure.

    Attributes:
        records: How many records were erased.
        leaf_index: Place of the receipt's entry in the log.
        at: When, in microseconds.
    """

    records: int
    leaf_index: int
    at: int


def erase(
    application: Application,
    tokens: Sequence[str],
    who: Caller,
    *,
    purpose: str,
    reference: str | None = None,
) -> Receipt:
    """Erase the records behind tokens for good.

    Args:
        application: The opened store.
        tokens: Tokens of the principal's scope.
        who: The principal who asks.
        purpose: Purpose of the policy that allows `erase`.
        reference: Case number.

    Raises:
        DeniedError: The policy does not allow it, or the principal is frozen.
        InputError: A token is not one, or its record is erased already.
    """
    references = application.codec(who.token_scope).read_all(tokens)
    by_brand: dict[int, list[int]] = {}
    for item in references:
        by_brand.setdefault(item.brand, []).append(item.ordinal)
    application.authoriser.authorise(
        who,
        Operation.ERASE,
        purpose,
        brands=frozenset(application.catalogue.brand_name(brand) for brand in by_brand),
        reference=reference,
    )
    entries: list[PreparedEntry] = []
    with application.connection.transaction():
        application.authoriser.hold_unfrozen(who.lineage)
        # Locked first, then read: whatever an import or a rotation committed before is seen, and nothing comes after.
        for brand, ordinals in sorted(by_brand.items()):
            keys = {"brand": brand, "ordinals": sorted(ordinals)}
            application.connection.execute(load_queries("vault")["lock_index"], keys)
            application.connection.execute(load_queries("vault")["lock_keys"], keys)
        application.refresh_keys()
        rows = {
            row.record.ordinal: row for row in application.vault.sealed_rows({item.ordinal for item in references})
        }
        missing = [str(at + 1) for at, item in enumerate(references) if _is_gone(rows.get(item.ordinal))]
        if missing:
            raise InputError.at("tokens", f"no record to erase behind number {', '.join(missing[:20])}")
        for brand, ordinals in by_brand.items():
            _destroy(application, brand, sorted(set(ordinals)), rows)
            name = application.catalogue.brand_name(brand)
            entries.append(
                application.entries.append(
                    lineage=who.lineage,
                    operation=Operation.ERASE,
                    brand=name,
                    purpose=purpose,
                    reference=reference or "",
                    records=BitMap(ordinals),
                    detail={"credential": who.credential},
                )
            )
    return Receipt(len(rows), _place_in_log(application, entries[-1]), entries[-1].at)


def _place_in_log(application: Application, entry: PreparedEntry) -> int:
    """Return the place of an entry, which whatever node is the sequencer for now gives it within a moment.

    Raises:
        StoreError: No node integrates entries; the erasure itself is done and entered.
    """
    for _ in range(_PATIENCE):
        application.sequencer.run(wait=False)
        row = application.connection.execute(
            load_queries("ledger")["place_of"], {"lineage": entry.lineage, "body": entry.body}
        ).fetchone()
        if row is not None and row[0] is not None:
            return int(row[0])
        time.sleep(0.1)
    raise StoreError("the records are erased, but their entry is not in the log yet: the sequencer stands still")


def _is_gone(row: StoredRow | None) -> bool:
    return row is None or row.keys is None


def _destroy(application: Application, brand: int, ordinals: list[int], rows: dict[int, StoredRow]) -> None:
    queries = load_queries("vault")
    connection = application.connection
    links = _links(application, brand, ordinals, rows)
    digests = application.digests[brand]
    for generation in digests.generations:
        stored = digests.stored_links(b"".join(link for _, _, link in links), generation)
        connection.execute(
            queries["erase_index"],
            {
                "brand": brand,
                "index_ids": [number * 256 + generation for _, number, _ in links],
                "digests": [stored[at : at + 16].hex() for at in range(0, len(stored), 16)],
                "ordinals": [ordinal for ordinal, _, _ in links],
            },
        )
    for name in ("erase_keys", "erase_versions", "erase_records"):
        connection.execute(queries[name], {"brand": brand, "ordinals": ordinals})
    gone = BitMap(ordinals)
    application.facets.fold_changes(brand)
    facets = application.facets.load(brand)
    touched = {
        place: members - gone
        for place, members in facets.items()
        if place[0] not in PERMANENT and members.intersect(gone)
    }
    touched[ERASED, "all"] = facets.get((ERASED, "all"), BitMap()) | gone
    application.facets.store(brand, touched)


def _links(
    application: Application, brand: int, ordinals: list[int], rows: dict[int, StoredRow]
) -> list[tuple[int, int, bytes]]:
    """Return (ordinal, index number, link digest) of every index row that any version of the records ever had."""
    versions = [rows[ordinal] for ordinal in ordinals]
    versions += [row for row, _ in application.vault.sealed_versions(ordinals)]
    return index_links(versions, application.openers, brand)
