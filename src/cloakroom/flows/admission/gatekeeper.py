"""Admission: the one door through which every opening goes.

For a batch of requests: decide, look whether a canary is touched, assess against the budgets, and append one
durable entry for each, permitted or refused. What comes back as permitted is in the ledger; only then may a caller
open anything. The order, and why a crash anywhere is harmless:

1. Policy and canaries need no store. A touched canary freezes the lineage first and then refuses.
2. Budgets are assessed against the node's snapshot of the lineage, and the store accepts the entries only if the
   lineage is not frozen and nobody appended meanwhile (compare and swap; `docs/adr/0003`). Crash before: nothing
   happened. Crash after: the records count as opened, whether or not the answer left.
3. A lineage whose snapshot was stale is brought up to date and assessed again, the second time under a row lock, so
   that two busy nodes cannot starve each other.
4. A lineage whose earlier entries were changed in the store is refused, and no other lineage with it.
5. Refusals are entries too; equal refusals of one batch are counted in one entry.

A `Gatekeeper` is the state of one node: its snapshots, and what writes its entries. It is used by one thread at a
time.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec
from pyroaring import BitMap

from cloakroom.errors import TamperedError
from cloakroom.flows.admission.pending_requests import PendingRequest, assess_together, by_lineage, one_brand_each
from cloakroom.flows.admission.request import (
    Admission,
    AdmissionRequest,
    broken_history,
    denied,
    exhausted,
    frozen,
    malformed,
)
from cloakroom.flows.ledger.entry_writing import EntryWriter
from cloakroom.flows.ledger.lineage_snapshots import LineageSnapshots
from cloakroom.flows.ledger.ports import Ledger, PreparedEntry, StoredRow
from cloakroom.gate.budget import Assessment, Draw, lesser
from cloakroom.gate.decision import Decision, Obligation
from cloakroom.gate.decision_cache import DecisionCache
from cloakroom.gate.draw import FULL
from cloakroom.gate.policy import Form, Policy
from cloakroom.vocabulary import FieldClass, Operation

_log = logging.getLogger("cloakroom.admission")

PERSISTENT_REFUSALS = 25
PERSISTENCE_SPAN = timedelta(minutes=10)
"""A lineage whose budget is spent and that is refused so often within the span is frozen: a person stops after a few
refusals, a script does not."""


class Gatekeeper:
    """Admits requests on one node."""

    def __init__(
        self,
        *,
        entries: EntryWriter,
        ledger: Ledger,
        policy: Policy,
        field_classes: Mapping[str, FieldClass],
        canaries: BitMap,
    ) -> None:
        """Take the node's collaborators; nothing is read yet."""
        self._entries = entries
        self._ledger = ledger
        self._policy = policy
        self._field_classes = field_classes
        self._canaries = canaries
        self._decisions = DecisionCache(policy)
        self._snapshots = LineageSnapshots(ledger)

    @property
    def policy(self) -> Policy:
        """The policy in force on this node."""
        return self._policy

    def adopt(self, policy: Policy, field_classes: Mapping[str, FieldClass], canaries: BitMap) -> None:
        """Go on with other rules, fields and canaries; what lineages have opened stays counted."""
        self._policy = policy
        self._field_classes = field_classes
        self._canaries = canaries
        self._decisions = DecisionCache(policy)
        self._entries.policy_sha256 = policy.sha256

    def admit(
        self, requests: Sequence[AdmissionRequest], *, fetch: bool = False
    ) -> tuple[list[Admission], dict[int, StoredRow]]:
        """Decide, count and record a batch.

        Args:
            requests: Of any principals.
            fetch: Whether the sealed rows of permitted records are wanted back.

        Returns:
            One admission for each request, and the sealed rows by ordinal. Everything is durable when this returns.
        """
        admissions: list[Admission | None] = [None] * len(requests)
        pending: list[PendingRequest] = []
        now = self._entries.now()
        for position, request in enumerate(requests):
            found = self._first_look(position, request, now)
            if isinstance(found, Admission):
                admissions[position] = found
            else:
                pending.append(found)
        rows: dict[int, StoredRow] = {}
        rounds = 0
        while pending:
            this_round, pending = one_brand_each(pending)
            later = self._settle(this_round, admissions, rows, fetch=fetch, lock=rounds > 0)
            pending = later + pending
            rounds += 1
        self._entries.check_durable()
        settled = [self._settled(request, admission) for request, admission in zip(requests, admissions, strict=True)]
        self._record_refusals(requests, settled)
        self._freeze_the_persistent(requests, settled)
        return settled, rows

    def _settled(self, request: AdmissionRequest, admission: Admission | None) -> Admission:
        """Give a permitted request what opens its records, now that its entry is durable."""
        assert admission is not None
        if not admission.permitted:
            return admission
        entry = self._entries.admitted(request.principal.id, request.records, admission.forms)
        return msgspec.structs.replace(admission, entry=entry)

    def _freeze_the_persistent(self, requests: Sequence[AdmissionRequest], admissions: Sequence[Admission]) -> None:
        spent = {
            request.principal.id for request, item in zip(requests, admissions, strict=True) if item.code == "budget"
        }
        now = self._entries.now()
        since = now - PERSISTENCE_SPAN // timedelta(microseconds=1)
        for lineage in sorted(spent):
            # Counted in the store, where the refusals of every node and process are.
            if self._ledger.refused_within(lineage, since, now, "budget", PERSISTENT_REFUSALS) >= PERSISTENT_REFUSALS:
                self.freeze(lineage, by=lineage, reason="persistent")

    def _first_look(self, position: int, request: AdmissionRequest, now: int) -> PendingRequest | Admission:
        refusal = malformed(request)
        if refusal is not None:
            return refusal
        decision = self._decisions.decide(
            request.principal,
            operation=request.operation,
            purpose=request.purpose,
            brand=request.brand,
            fields=request.fields,
            # How many a search finds must not decide whether it is permitted: that would tell without counting.
            records=1 if request.reserved else max(1, len(request.records)),
            at=now,
            address=request.address,
            reference=request.reference,
        )
        if not decision.permitted:
            return denied(decision)
        if request.records.intersect(self._canaries):
            self.freeze(request.principal.id, by=request.principal.id, reason="canary")
            return frozen(canary=True)
        return PendingRequest(position, request, decision, self._draw(request, decision))

    def _draw(self, request: AdmissionRequest, decision: Decision) -> Draw:
        shown = [name for name, form in decision.forms.items() if form is not Form.TOKEN]
        classes = {self._field_classes[name] for name in shown}
        sets = dict.fromkeys(sorted(classes), request.records)
        probes = 1 + len(request.records) if Obligation.DRAW_PROBES in decision.obligations else 0
        return Draw(request.brand, sets, probes=request.cost if request.cost else probes)

    def _settle(
        self,
        pending: list[PendingRequest],
        admissions: list[Admission | None],
        rows: dict[int, StoredRow],
        *,
        fetch: bool,
        lock: bool,
    ) -> list[PendingRequest]:
        """Assess and append one round; return the requests that must be looked at again."""
        lineages = sorted({case.request.principal.id for case in pending})
        try:
            if lock:
                with self._ledger.locked(lineages):
                    self._snapshots.refresh(lineages)
                    return self._append_round(pending, admissions, rows, fetch=fetch)
            self._snapshots.load(lineages)
            return self._append_round(pending, admissions, rows, fetch=fetch)
        except BaseException:
            # Whether the store took the entries is not known here; what it holds is read anew at the next request.
            for lineage in lineages:
                self._snapshots.forget(lineage)
            raise

    def _append_round(
        self,
        pending: list[PendingRequest],
        admissions: list[Admission | None],
        rows: dict[int, StoredRow],
        *,
        fetch: bool,
    ) -> list[PendingRequest]:
        now = self._entries.now()
        again: list[PendingRequest] = []
        accepted: dict[str, tuple[list[PendingRequest], Assessment | None]] = {}
        for lineage, group in by_lineage(pending).items():
            try:
                taken, assessment, rest = self._assess_anew(lineage, group, now)
            except TamperedError as error:
                # Nobody else's budget depends on it, so nobody else is refused.
                _log.critical("%s", error)
                self._snapshots.forget(lineage)
                for case in group:
                    admissions[case.position] = broken_history()
                continue
            if self._snapshots.frozen(lineage) is not None:
                # Read anew at the next request: the freeze may have ended by then.
                self._snapshots.forget(lineage)
                for case in group:
                    admissions[case.position] = frozen()
                continue
            again += rest
            if assessment is not None and not assessment.permitted:
                admissions[taken[0].position] = exhausted(assessment)
            else:
                accepted[lineage] = (taken, assessment)
        if accepted:
            again += self._append(accepted, admissions, rows, now, fetch=fetch)
        return again

    def _assess_anew(
        self, lineage: str, group: list[PendingRequest], now: int
    ) -> tuple[list[PendingRequest], Assessment | None, list[PendingRequest]]:
        """Do what `_assess` does, once more with a snapshot that was brought up to date if it refuses."""
        assessed = self._assess(lineage, group, now)
        if assessed[1] is None or assessed[1].permitted:
            return assessed
        # A snapshot that refuses may be old, and nothing is appended by which that would show: only the store knows
        # of a freeze or a renewal elsewhere.
        self._snapshots.refresh([lineage])
        return self._assess(lineage, group, now)

    def _assess(
        self, lineage: str, group: list[PendingRequest], now: int
    ) -> tuple[list[PendingRequest], Assessment | None, list[PendingRequest]]:
        """Assess a lineage's requests together; where they do not all fit, the first alone and the rest later."""
        budget = group[0].decision.budget
        if budget is None:
            return group, None, []
        snapshot = self._snapshots.snapshot(lineage, budget)
        assessment = assess_together(snapshot, now, group, budget)
        rest: list[PendingRequest] = []
        if not assessment.permitted and len(group) > 1:
            group, rest = group[:1], group[1:]
            assessment = assess_together(snapshot, now, group, budget)
        return group, assessment, rest

    def _append(
        self,
        accepted: Mapping[str, tuple[list[PendingRequest], Assessment | None]],
        admissions: list[Admission | None],
        rows: dict[int, StoredRow],
        now: int,
        *,
        fetch: bool,
    ) -> list[PendingRequest]:
        expected: dict[str, int] = {}
        entries: list[PreparedEntry] = []
        wanted = BitMap()
        forms: dict[int, Mapping[str, Form]] = {}
        for lineage, (group, assessment) in accepted.items():
            expected[lineage] = self._snapshots.version(lineage)
            at = assessment.at if assessment is not None else now
            # Those of a lineage were assessed together, so each entry tells of the same levels.
            budget = {} if assessment is None else assessment.usage.by_name()
            for case in group:
                shown = forms[case.position] = self._lowered(case.decision.forms, assessment)
                entries.append(self._entry(case, shown, budget, at))
                if fetch and any(form is not Form.TOKEN for form in shown.values()):
                    wanted |= case.request.records
        outcome, found = self._ledger.append(expected, entries, list(wanted))
        rows.update((row.record.ordinal, row) for row in found)
        again: list[PendingRequest] = []
        for lineage, (group, assessment) in accepted.items():
            status = outcome[lineage].status
            if status == "ok":
                at = assessment.at if assessment is not None else now
                self._snapshots.counted(lineage, at, [case.draw for case in group])
                for case in group:
                    admissions[case.position] = Admission(
                        permitted=True,
                        code="granted",
                        explanation=case.decision.explanation,
                        forms=forms[case.position],
                    )
            elif status == "stale":
                again += group
            else:
                self._snapshots.forget(lineage)
                for case in group:
                    admissions[case.position] = frozen()
        return again

    def _lowered(self, forms: Mapping[str, Form], assessment: Assessment | None) -> Mapping[str, Form]:
        if assessment is None or assessment.caps is FULL:
            return forms
        return {name: lesser(form, assessment.caps[self._field_classes[name]]) for name, form in forms.items()}

    def _entry(
        self, case: PendingRequest, forms: Mapping[str, Form], budget: Mapping[str, tuple[int, int, int]], at: int
    ) -> PreparedEntry:
        request = case.request
        detail = dict(request.detail)
        if request.credential:
            detail["credential"] = request.credential
        # What the entry counts as, whatever was shown in the end: a node that reads it later must count the same.
        if case.draw.probes:
            detail["probes"] = case.draw.probes
        if case.draw.sets:
            detail["drawn"] = [str(field_class) for field_class in case.draw.sets]
        return self._entries.prepare(
            lineage=request.principal.id,
            operation=request.operation,
            records=request.records,
            shape=forms,
            counted=True,
            at=at,
            purpose=request.purpose,
            brand=request.brand,
            reference=request.reference or "",
            budget=budget,
            detail=detail,
        )

    def _record_refusals(self, requests: Sequence[AdmissionRequest], admissions: Sequence[Admission]) -> None:
        refused: dict[tuple[str, str, str, str, str], tuple[AdmissionRequest, int, int]] = {}
        for request, admission in zip(requests, admissions, strict=True):
            if not admission.permitted:
                key = (request.principal.id, str(request.operation), request.purpose, request.brand, admission.code)
                first, count, records = refused.get(key, (request, 0, 0))
                refused[key] = (first, count + 1, records + len(request.records))
        if not refused:
            return
        entries = [
            self._entries.prepare(
                lineage=lineage,
                operation=Operation(operation),
                permitted=False,
                reason=code,
                # What the policy does not know is free text from outside, and does not go into the ledger.
                purpose=purpose if purpose in self._policy.purposes else "?",
                brand=brand[:128],
                detail={"asked": records} | ({"credential": first.credential} if first.credential else {}),
                count=count,
            )
            for (lineage, operation, purpose, brand, code), (first, count, records) in refused.items()
        ]
        self._ledger.append({}, entries)

    def freeze(self, lineage: str, *, by: str, reason: str) -> bool:
        """Freeze `lineage` on every node from its next request on; say whether it was not frozen before."""
        entry = self._entries.prepare(lineage=lineage, operation=Operation.FREEZE, principal=by, reason=reason)
        done = self._ledger.freeze(lineage, entry.at, reason, entry)
        self._snapshots.forget(lineage)
        return done

    def forget(self, lineage: str) -> None:
        """Drop this node's snapshot of `lineage`, so that it is read anew."""
        self._snapshots.forget(lineage)
