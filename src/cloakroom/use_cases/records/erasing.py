"""Erases records of an opened store, and gives the receipt."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from cloakroom.adapters.postgres.erasure_store import PostgresErasures
from cloakroom.errors import StoreError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.ledger.ports import PreparedEntry
from cloakroom.flows.ledger.sequencing import Sequencer
from cloakroom.flows.records.erase import ErasureRequest
from cloakroom.flows.records.erase import erase as erase_records
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
    """Erase the records behind tokens for good; see `flows.records.erase`.

    Args:
        application: The opened store.
        tokens: Tokens of the principal's scope.
        who: The principal who asks.
        purpose: Purpose of the policy that allows `erase`.
        reference: Case number.

    Raises:
        DeniedError: The policy does not allow it, or the principal is frozen.
        InputError: A token is not one, or its record is erased already.
        StoreError: The records are erased, and no node takes the entry into the log.
    """
    store = PostgresErasures(application.connection)
    appended = erase_records(
        ErasureRequest(who, application.codec(who.token_scope).read_all(tokens), purpose, reference),
        store=store,
        facets=application.facets,
        keys=application.keys,
        entries=application.entries,
        authoriser=application.authoriser,
    )
    receipt = appended[-1]
    return Receipt(
        sum(entry.records for entry in appended), _place_in_log(application.sequencer, store, receipt), receipt.at
    )


def _place_in_log(sequencer: Sequencer, store: PostgresErasures, entry: PreparedEntry) -> int:
    """Return the place of an entry, which whatever node is the sequencer for now gives it within a moment."""
    for _ in range(_PATIENCE):
        sequencer.run(wait=False)
        place = store.place_of(entry)
        if place is not None:
            return place
        time.sleep(0.1)
    raise StoreError("the records are erased, but their entry is not in the log yet: the sequencer stands still")
