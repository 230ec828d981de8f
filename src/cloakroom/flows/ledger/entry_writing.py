"""Writes the entries of one node: numbered, timed by the gate's clock, their sets of records sealed.

An `EntryWriter` is the state of one node and used by one thread at a time, like the `Gatekeeper` that shares it.
Preparing an entry changes nothing in the store. `append` prepares one and appends it: within a transaction it stands
and falls with that. `durable` turns an entry that the store has for certain into what opens records: a
`DurableEntry`, which is made in this module and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from pyroaring import AbstractBitMap, BitMap

from cloakroom.canonical import json as canonical_json
from cloakroom.clock import Clock, to_microseconds
from cloakroom.errors import DeniedError, StoreError, TamperedError
from cloakroom.flows.ledger.ports import Ledger, PreparedEntry
from cloakroom.gate.budget import lesser
from cloakroom.gate.gate_clock import GateClock
from cloakroom.gate.policy import Form
from cloakroom.ledger.entry import Entry, decode_entry, encode_entry
from cloakroom.ledger.record_sets import RecordSetSealer, entry_place, hash_set
from cloakroom.vocabulary import Operation

__all__ = ["DurableEntry", "EntryWriter", "NodeIdentity"]

OPENED_FIELDS = "fields"
"""Detail of an entry: names of fields that are opened and shown to nobody, to compare or to imitate records."""


class DurableEntry(msgspec.Struct, frozen=True):
    """An entry that the store has for certain, and what may be opened because of it.

    Attributes:
        lineage: Whose it is.
        records: The records that it names.
        forms: Form of each field that it says is shown, or opened and shown to nobody.
    """

    lineage: str
    records: AbstractBitMap
    forms: Mapping[str, Form]

    def at_most(self, forms: Mapping[str, Form]) -> DurableEntry:
        """Return the same entry, under which nothing is opened but these fields, in these forms or lower ones."""
        lowered = {name: lesser(form, forms[name]) for name, form in self.forms.items() if name in forms}
        return DurableEntry(self.lineage, self.records, lowered)


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """Names a node and its start, for the entries it writes."""

    name: str
    epoch: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """Form by field, and its canonical JSON; None for an entry that shows nothing by its nature."""

    form_by_field: Mapping[str, str]
    encoded: bytes | None


_NO_SHAPE = _Shape({}, None)
MOST_SHAPES_KEPT = 1_024


class EntryWriter:
    """Prepares entries in the name of one node."""

    def __init__(
        self, *, node: NodeIdentity, ledger: Ledger, clock: Clock, sets: RecordSetSealer, policy_sha256: str
    ) -> None:
        """Assemble.

        Args:
            node: In whose name entries are.
            ledger: Where steps of the clock are entered.
            clock: Tells the time.
            sets: Seals the sets of records.
            policy_sha256: Hex digest of the policy in force; set it anew when that changes.
        """
        self.policy_sha256 = policy_sha256
        self._node = node
        self._ledger = ledger
        self._clock = clock
        self._sets = sets
        self._gate_clock = GateClock()
        self._sequence = 0
        self._shapes: dict[tuple[tuple[str, str], ...], _Shape] = {}

    def now(self) -> int:
        """Return gate time in microseconds: it does not go back, nor ahead of the monotonic clock.

        A step of the wall clock that is not followed is entered, once.
        """
        at, step = self._gate_clock.observe(to_microseconds(self._clock.now()), self._clock.monotonic())
        if step is not None:
            entry = self.prepare(
                lineage="system", operation=Operation.CLOCK, reason="step", detail={"microseconds": step.by}
            )
            self._ledger.append({}, [entry])
        return at

    def prepare(
        self,
        *,
        lineage: str,
        operation: Operation,
        principal: str = "",
        permitted: bool = True,
        records: AbstractBitMap | None = None,
        shape: Mapping[str, str] | None = None,
        counted: bool = False,
        at: int | None = None,
        **attributes: object,
    ) -> PreparedEntry:
        """Return an entry of this node.

        Args:
            lineage: Whose it is.
            operation: What is done.
            principal: Who acts, the lineage itself unless told.
            permitted: Whether it is done or refused.
            records: Records concerned, if any.
            shape: Form by field, of what is shown.
            counted: Whether it counts against the lineage.
            at: Its time in microseconds; now unless told.
            attributes: Further attributes of `Entry`.
        """
        moment = self.now() if at is None else at
        sealed = self._sets.seal(entry_place(lineage), records) if records else None
        told = _NO_SHAPE if shape is None else self._told(shape)
        self._sequence += 1
        attributes.setdefault("reason", "granted")
        attributes.setdefault("policy", self.policy_sha256)
        entry = Entry(
            at=moment,
            node=self._node.name,
            node_epoch=self._node.epoch,
            sequence=self._sequence,
            lineage=lineage,
            principal=principal or lineage,
            operation=operation,
            permitted=permitted,
            shape=told.form_by_field,
            records=len(records) if records else 0,
            set_sha256=hash_set(sealed) if sealed else "",
            **attributes,  # type: ignore[arg-type]
        )
        return PreparedEntry(
            lineage=lineage,
            counted=counted,
            at=moment,
            operation=operation.value,
            permitted=permitted,
            shape=told.encoded,
            records=entry.records,
            body=encode_entry(entry),
            sealed_set=sealed,
        )

    def append(self, *, lineage: str, operation: Operation, **attributes: Any) -> PreparedEntry:
        """Append an entry that counts against nobody, and return it.

        Args:
            lineage: Whose it is.
            operation: What is done.
            attributes: See `prepare`.
        """
        entry = self.prepare(lineage=lineage, operation=operation, **attributes)
        self._ledger.append({}, [entry])
        return entry

    def enter(
        self, *, records: AbstractBitMap, fields: Iterable[str], detail: Mapping[str, object], **attributes: Any
    ) -> DurableEntry:
        """Append an entry that says which fields of which records are opened, though nobody is shown them.

        Args:
            records: The records.
            fields: Names of the fields.
            detail: Identifiers and numbers for the entry.
            attributes: See `prepare`.

        Returns:
            The entry, under which these fields of these records may be opened.

        Raises:
            StoreError: A transaction is open, so that the entry is not durable.
        """
        named = {OPENED_FIELDS: sorted(fields), **detail}
        appended = self.append(records=records, detail=named, **attributes)
        return self.durable(appended.body, appended.sealed_set)

    def durable(self, body: bytes, sealed_set: bytes | None) -> DurableEntry:
        """Return what may be opened because of an entry that was appended, and committed since.

        It is read from the entry's own bytes and from the set beside it, so nothing else can be opened than what
        the entry says.

        Args:
            body: The entry as it was appended, by whatever node.
            sealed_set: The set that lies beside it.

        Raises:
            StoreError: A transaction is open: what was appended in it is not durable yet.
            DeniedError: It is the entry of a refusal.
            TamperedError: The set is not the one that the entry names.
        """
        self.check_durable()
        told = decode_entry(body)
        if not told.permitted:
            raise DeniedError(told.reason, "the entry of a refusal opens nothing")
        if told.set_sha256 != (hash_set(sealed_set) if sealed_set else ""):
            raise TamperedError(f"an entry of lineage {told.lineage} does not name the set beside it")
        records = self._sets.open(entry_place(told.lineage), sealed_set) if sealed_set else BitMap()
        opened = told.detail.get(OPENED_FIELDS, ())
        assert isinstance(opened, Sequence)
        forms = {str(name): Form.REVEAL for name in opened} | {name: Form(form) for name, form in told.shape.items()}
        return DurableEntry(told.lineage, records, forms)

    def admitted(self, lineage: str, records: AbstractBitMap, forms: Mapping[str, Form]) -> DurableEntry:
        """Return what may be opened because of an entry that admission appended; for `Gatekeeper` alone.

        What `durable` reads back is at hand there, and there are thousands in a second.
        """
        return DurableEntry(lineage, records, forms)

    def check_durable(self) -> None:
        """Return silently if what was appended before is durable.

        Raises:
            StoreError: A transaction is open.
        """
        if self._ledger.in_transaction:
            raise StoreError("an entry is not durable before its transaction has ended; nothing was opened")

    def _told(self, shape: Mapping[str, str]) -> _Shape:
        """Return how a shape is told; there are few of them."""
        forms = tuple(shape.items())
        told = self._shapes.get(forms)
        if told is None:
            form_by_field = {name: str(form) for name, form in sorted(forms)}
            told = _Shape(form_by_field, canonical_json.encode(form_by_field))
            if len(self._shapes) >= MOST_SHAPES_KEPT:
                self._shapes.clear()
            self._shapes[forms] = told
        return told
