"""Requests that were turned away before anybody knew who they were from: counted, and entered once a second.

A request with a wrong signature proves nothing about the lineage that it names, so these entries are the system's
own; they name the credential only where it exists. A flood becomes one entry for each second, credential and code.
"""

from __future__ import annotations

import threading
from collections import Counter

from cloakroom.flows.admission import Gatekeeper
from cloakroom.flows.ports import PreparedEntry
from cloakroom.ledger.entry import Operation

MAX_KINDS = 200


class Refusals:
    """Counts of turned-away requests by (who, code, operation). Safe for use by several threads."""

    def __init__(self) -> None:
        """Start with none."""
        self._counts: Counter[tuple[str, str, Operation]] = Counter()
        self._lock = threading.Lock()

    def add(self, code: str, name: str = "", operation: Operation = Operation.REQUEST) -> None:
        """Count one; beyond `MAX_KINDS` names in a second they are counted without.

        Args:
            code: Why it was turned away.
            name: The credential, or the passkey or provider of a sign-in, where it exists.
            operation: What was turned away.
        """
        with self._lock:
            place = (name, code, operation)
            if place not in self._counts and len(self._counts) >= MAX_KINDS:
                place = ("", code, operation)
            self._counts[place] += 1

    def __bool__(self) -> bool:
        return bool(self._counts)

    def take(self, gatekeeper: Gatekeeper) -> list[PreparedEntry]:
        """Return the entries of what was counted, and begin anew."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return [
            gatekeeper.prepare(
                lineage="system",
                operation=operation,
                permitted=False,
                reason=code,
                detail={"by" if operation is Operation.SIGN_IN else "credential": name} if name else {},
                count=count,
            )
            for (name, code, operation), count in sorted(counts.items())
        ]
