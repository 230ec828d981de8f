"""Writes the entries of one node: numbered, timed by the gate's clock, their sets of records sealed.

An `EntryWriter` is the state of one node and used by one thread at a time, like the `Gatekeeper` that shares it.
Preparing an entry changes nothing in the store; whoever prepared it appends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyroaring import AbstractBitMap

from cloakroom.canonical import json as canonical_json
from cloakroom.clock import Clock, to_microseconds
from cloakroom.flows.ports import Ledger, PreparedEntry
from cloakroom.gate.gate_clock import GateClock
from cloakroom.ledger.entry import Entry, encode_entry
from cloakroom.ledger.record_sets import RecordSetSealer, entry_place, hash_set
from cloakroom.vocabulary import Operation

__all__ = ["EntryWriter", "NodeIdentity"]


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
