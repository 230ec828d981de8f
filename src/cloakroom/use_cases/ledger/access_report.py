"""Access reports: who opened a person's records, which fields, when and why, each line with its proof.

The report says nothing that the records hold. It is a use of its own: it needs a purpose that allows it, and its
entry is durable before the report is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyroaring import BitMap

from cloakroom.adapters.postgres.openings import PostgresOpenings
from cloakroom.errors import LimitError, UncheckableError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.ledger.entry_writing import EntryWriter
from cloakroom.ledger.entry import Entry, decode_entry
from cloakroom.tlog.proof_file import ProofFile
from cloakroom.tlog.proofs import TileHashReader, prove_inclusion
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.tokens import TokenCodec
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application

MAX_RECORDS: Final = 100
"""Records of one report: those that one person has at the brands of a group."""
MAX_OPENINGS: Final = 5_000
"""Openings of one report; a narrower span of time is asked for beyond."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One entry that opened at least one of the records.

    Attributes:
        leaf_index: Its place in the log.
        entry: What it says.
        proof: That it stands there, for whoever has the log's public key.
    """

    leaf_index: int
    entry: Entry
    proof: ProofFile


@dataclass(frozen=True, slots=True)
class AccessReport:
    """The report.

    Attributes:
        openings: In the order of the log.
        records: How many records it is about.
        size: Entries of the log that it takes into account.
        key: The log's public key, as text.
    """

    openings: Sequence[Opening]
    records: int
    size: int
    key: str


def report_access(
    application: Application,
    who: Caller,
    tokens: Sequence[str],
    *,
    purpose: str,
    reference: str | None = None,
    start: int | None = None,
    end: int | None = None,
) -> AccessReport:
    """Report who opened the records behind `tokens`.

    Args:
        application: The opened store.
        who: Who asks.
        tokens: Tokens of the caller, of one person's records; found by a search that the policy allows.
        purpose: Purpose of the policy that allows ``access-report``.
        reference: Case number, where the purpose needs one.
        start: First moment, in microseconds; from the beginning unless told.
        end: First moment after; until now unless told.

    Raises:
        DeniedError: It is refused; a token that is none and a record out of reach are refused alike.
        LimitError: More than `MAX_RECORDS` tokens, or more than `MAX_OPENINGS` openings.
    """
    if not 1 <= len(tokens) <= MAX_RECORDS:
        raise LimitError(f"a report is about 1 to {MAX_RECORDS} records")
    by_brand = _by_brand(application.catalogue, application.codec(who.token_scope), tokens)
    named = sum(len(records) for records in by_brand.values())
    application.authoriser.authorise(
        who,
        Operation.ACCESS_REPORT,
        purpose,
        brands=frozenset(by_brand),
        reference=reference,
        records=named,
        detail={"asked": named},
    )
    application.sequencer.run()
    application.disclosures.roll_up()
    checkpoint = application.log.latest_checkpoint()
    if checkpoint is None:
        raise UncheckableError("the log is empty")
    records = BitMap.union(*by_brand.values())
    found = dict[int, bytes]()
    for leaf_index, leaf in PostgresOpenings(application.connection, application.sets).holding(
        records, size=checkpoint.size, start=start, end=end
    ):
        found[leaf_index] = leaf
        if len(found) > MAX_OPENINGS:
            raise LimitError(f"more than {MAX_OPENINGS} openings; ask for a shorter span of time")
    for brand, members in by_brand.items():
        _enter(application.entries, who, brand, members, purpose=purpose, reference=reference)
    reader = TileHashReader(application.log, checkpoint.size)
    openings = [
        Opening(
            leaf_index,
            decode_entry(leaf),
            ProofFile(leaf_index, prove_inclusion(leaf_index, checkpoint.size, reader), checkpoint.note, leaf),
        )
        for leaf_index, leaf in sorted(found.items())
    ]
    return AccessReport(openings, len(records), checkpoint.size, application.signer.verifier.render())


def _by_brand(catalogue: Catalogue, codec: TokenCodec, tokens: Sequence[str]) -> dict[str, BitMap]:
    """Group records by brand; a token that is none belongs to the brand ``?``, which no policy permits."""
    names = {number: name for name, number in catalogue.brands.items()}
    groups: dict[str, BitMap] = {}
    for item in codec.read(tokens):
        brand = "?" if item is None else names.get(item.brand, "?")
        records = groups.setdefault(brand, BitMap())
        if item is not None:
            records.add(item.ordinal)
    return groups


def _enter(
    entries: EntryWriter, who: Caller, brand: str, records: BitMap, *, purpose: str, reference: str | None
) -> None:
    entries.append(
        lineage=who.lineage,
        operation=Operation.REPORT,
        records=records,
        brand=brand,
        purpose=purpose,
        reference=reference or "",
        detail={"credential": who.credential},
    )
